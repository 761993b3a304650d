"""XLSForm questionnaires laid over exports of KoboToolbox, ODK and SurveyCTO."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MultipleResponse, Variable
from survey_kit.errors import DamagedFileError, FileFormatError, ResourceLimitError, WrongFormatError
from survey_kit.io import read_file
from survey_kit.io.codebooks.save import save_codebook
from survey_kit.io.contents import FileContents
from survey_kit.io.overlay import lay_over, load_codebook

SURVEY = [
    ["type", "name", "label::English (en)", "label::Русский (ru)", "hint::English (en)", "relevant", "appearance"],
    ["start", "start"],
    ["note", "hello", "Hello"],
    ["begin_group", "demo", "Demography"],
    ["integer", "age", "How  old\n are you?", "Сколько вам лет?", "In years"],
    ["select_one sex", "sex", "Sex", "Пол", None, "${age} >  17"],
    ["end_group"],
    ["begin group", "m"],
    ["select_multiple media or_other", "media", "Which media?", "Какие СМИ?"],
    ["rank party", "best", "Order them", "Расставьте"],
    ["select_one trust", "trust", "Trust?", "Доверие?", None, None, "likert"],
    ["end group"],
    ["begin_repeat", "hh", "Household"],
    ["text", "hh_name", "Name"],
    ["select_multiple media", "hh_media", "Media"],
    ["end_repeat"],
    ["select_one_from_file regions.csv", "region", "Region", "Регион"],
    ["calculate", "calc"],
    ["", "", "a remark of the designer"],
]
CHOICES = [
    ["list name", "name", "label::English (en)", "label::Русский (ru)"],
    ["sex", 1, "Man", "Мужчина"],
    ["sex", 2, "Woman", "Женщина"],
    [],
    ["media", "tv", "TV", "ТВ"],
    ["media", "radio", "Radio"],
    ["media", "bbc", "BBC", "BBC"],
    ["party", "a", "A party"],
    ["party", "b", "B party"],
    ["trust", 1, "Low | none", "Низкое"],
    ["trust", -99, "Don't know", "Не знаю"],
]
SETTINGS = [["form_title", "form_id", "version", "default_language"], ["My form", "f1", 3, "English (en)"]]


@pytest.fixture
def form(tmp_path):
    def make(survey=SURVEY, choices=CHOICES, settings=SETTINGS, name="form.xlsx", **others) -> Path:
        book = openpyxl.Workbook()
        del book["Sheet"]
        sheets = {"survey": survey, "choices": choices, "settings": settings, **others}
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return make


def simple(*rows, header=("type", "name", "label")):
    return [list(header), *map(list, rows)]


def frame(**columns):
    codes = pd.DataFrame(columns)
    return FileContents(codes, Codebook({n: Variable(n) for n in codes}), (), "csv")


def text(*values):
    return pd.Series(values, dtype="str")


def said(contents):
    return {n.kind: n.text for n in contents.notices}


# --- the form --------------------------------------------------------------------------------------------------------


def test_questions_become_variables(form):
    book = load_codebook(form())
    age, sex = book["age"], book["sex"]
    assert (age.label, age.measure) == ("How old are you? | Сколько вам лет?", "scale")
    assert age.question == age.label
    assert dict(age.attributes) == {"type": "integer", "group": "demo", "hint": "In years"}
    assert dict(sex.labels) == {1: "Man | Мужчина", 2: "Woman | Женщина"}
    assert (sex.measure, sex.filter) == ("nominal", "${age} > 17")
    assert (book["trust"].measure, dict(book["trust"].labels)) == (
        "ordinal",
        {1: "Low / none | Низкое", -99: "Don't know | Не знаю"},
    )
    assert (book.title, dict(book.attributes)) == ("My form", {"form_id": "f1", "version": "3"})
    assert book.notes == ("Languages of the labels, in this order: English (en) | Русский (ru).",)
    assert dict(book.in_language(1)["sex"].labels) == {1: "Мужчина", 2: "Женщина"}


def test_questions_with_several_answers_become_sets(form):
    book = load_codebook(form())
    columns = ("media/tv", "media/radio", "media/bbc", "media/other")
    question = "Which media? | Какие СМИ?"
    assert book.sets["media"] == MultipleResponse("media", columns, 1, question, question)
    assert [book[c].label for c in columns] == ["TV | ТВ", "Radio", "BBC", "Other"]
    assert (book["media_other"].label, book["media_other"].measure) == (
        "Specify other: Which media? | Какие СМИ?",
        "nominal",
    )
    assert [book[c].label for c in ("best/a", "best/b")] == ["A party", "B party"]
    assert book["best/a"].measure == "ordinal" and "best" not in book.sets


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        ([1, 2], [1, 2]),
        (["1", "-99", "0"], [1, -99, 0]),
        (["01", "02"], ["01", "02"]),
        (["1", "dk"], ["1", "dk"]),
        (["1.5", "2"], ["1.5", "2"]),
    ],
)
def test_codes_of_lists(form, names, codes):
    choices = [["list_name", "name", "label"], *(["l", name, "x"] for name in names)]
    book = load_codebook(form(simple(["select_one l", "q", "Q"]), choices))
    assert repr(list(book["q"].labels)) == repr(codes)


def test_old_spellings_and_one_language(form):
    survey = simple(
        ["select one from yn", "a", "A"],
        ["select all that apply from yn", "b", "B"],
        ["Select_One yn or_other", "c", "C"],
        ["string", "d", "D"],
        header=("Type", "Name", "Caption"),
    )
    book = load_codebook(form(survey, [["list name", "value", "caption"], ["yn", "y", "Yes"], ["yn", "n"]], []))
    assert dict(book["a"].labels) == {"y": "Yes", "n": "n"}
    assert dict(book["c"].labels) == {"y": "Yes", "n": "n", "other": "Other"}
    assert book.sets["b"].columns == ("b/y", "b/n")
    assert list(book) == ["a", "b", "b/y", "b/n", "c", "c_other", "d"]
    assert (book.title, book.notes) == ("", ())


def test_kobo_scores_ranks_and_matrices(form):
    survey = simple(
        ["begin_score", "agree", "Agree?", "scale"],
        ["score__row", "roads", "Roads"],
        ["end_score"],
        ["begin_rank", "top", "Top", None, "scale"],
        ["rank__level", "first", "First"],
        ["end_rank"],
        ["begin_kobomatrix", "mx", "Matrix"],
        ["integer", "many", "How many"],
        ["end_kobomatrix"],
        header=("type", "name", "label", "kobo--score-choices", "kobo--rank-items"),
    )
    book = load_codebook(form(survey, [["list_name", "name", "label"], ["scale", 1, "Yes"]]))
    assert list(book) == ["roads", "first"]
    assert dict(book["roads"].labels) == dict(book["first"].labels) == {1: "Yes"}
    assert book["first"].attributes["group"] == "top"
    assert book.notes == ("Matrix questions were left out, since their columns have names of their own: mx.",)


def test_one_name_in_two_groups_is_kept_apart(form):
    survey = simple(
        *(["begin_group", "a"], ["text", "q", "First"], ["end_group"]),
        *(["begin_group", "b"], ["text", "q", "Second"], ["end_group"]),
    )
    book = load_codebook(form(survey))
    assert list(book) == ["a/q", "b/q"]
    laid = lay_over(frame(**{"a-q": text("x"), "b-q": text("y")}), book)
    assert [laid.codebook[c].label for c in laid.codes] == ["First", "Second"]
    assert laid.notices == ()


def test_all_mistakes_of_a_form_are_said_with_their_rows(form):
    survey = simple(
        ["select_one sexs", "sex", "Sex"],
        ["text", "", "No name"],
        ["text", "sex", "Again"],
        ["end_group"],
        ["begin_group", "g"],
        ["end_repeat"],
    )
    choices = [*CHOICES, ["sex", 1, "Man again"], ["sex", None, "Nameless"], [None, "x", "Listless"]]
    with pytest.raises(FileFormatError) as caught:
        load_codebook(form(survey, choices))
    assert str(caught.value).splitlines() == [
        "form.xlsx, row 2, sheet 'survey': There is no list 'sexs' in the sheet 'choices'. Did you mean 'sex'?",
        "form.xlsx, row 3, sheet 'survey': The question of type 'text' has no name. Fill it in.",
        "form.xlsx, row 5, sheet 'survey': 'end_group' has no beginning here: nothing is open.",
        "form.xlsx, row 7, sheet 'survey': 'end_repeat' has no beginning here: the group 'g' is open.",
        "form.xlsx, row 7, sheet 'survey': The group 'g' is not ended. Add a row 'end_group'.",
        "form.xlsx, row 12, sheet 'choices': '1' is in the list 'sex' already, in row 2. Rename one of them.",
        "form.xlsx, row 13, sheet 'choices': The choice has no name. Fill it in.",
        "form.xlsx, row 14, sheet 'choices': The choice has no list_name. Fill it in.",
    ]
    with pytest.raises(
        FileFormatError, match="row 3, sheet 'survey': The name 'q' is that of row 2 already. Rename one"
    ):
        load_codebook(form(simple(["text", "q"], ["text", "q"])))


def test_choices_that_may_occur_twice(form):
    choices = [["list_name", "name", "label", "region"], ["l", "x", "One", "a"], ["l", "x", "Two", "b"]]
    book = load_codebook(form(simple(["select_one l", "q", "Q"]), choices, [["allow_choice_duplicates"], ["yes"]]))
    assert dict(book["q"].labels) == {"x": "One"}
    assert book.notes == ("Lists that hold one choice several times, labelled as the first time: l.",)


def test_no_form(form, tmp_path):
    with pytest.raises(WrongFormatError, match="it needs a sheet 'survey' with the columns 'type' and 'name'"):
        load_codebook(form([["a", "b"]]))
    with pytest.raises(WrongFormatError, match="sheet 'survey': two columns are called 'label'. Remove one"):
        load_codebook(form([["type", "name", "label", "Label"]]))
    book = openpyxl.Workbook()
    book.save(tmp_path / "other.xlsx")
    with pytest.raises(
        WrongFormatError, match="other.xlsx is no codebook: it has the sheets 'sheet'. An XLSForm has a sheet"
    ):
        load_codebook(tmp_path / "other.xlsx")


def test_formulas_without_a_value_are_refused(form):
    with pytest.raises(
        FileFormatError, match="form.xlsx, sheet 'survey': formulas without a value in C2. Calculate them"
    ):
        load_codebook(form(simple(["text", "q", "=A1&B1"])))


# --- laid over data --------------------------------------------------------------------------------------------------

KOBO = (
    "start,demo/age,demo/sex,m/media,m/media/tv,m/media/radio,m/media/bbc,m/media/other,m/media_other,m/best,m/trust,region,_id\n"
    "2024,30,1,tv radio,1,1,0,0,,b a,1,R1,1\n"
    "2024,40,2,,,,,,,,-99,R2,2\n"
    "2024,50,,other,0,0,0,1,Papers,b,1,R1,3\n"
)


def test_a_kobo_export_from_the_door(form, tmp_path):
    data = tmp_path / "export.csv"
    data.write_text(KOBO, encoding="utf-8")
    contents = read_file(data, codebook=form())
    assert contents.codebook["demo/sex"].label == "Sex | Пол"
    assert contents.codebook["demo/age"].measure == "scale"
    assert contents.codebook.sets["media"].columns == ("m/media/tv", "m/media/radio", "m/media/bbc", "m/media/other")
    assert contents.codebook["m/media/tv"].label == "TV | ТВ"
    assert contents.codebook["m/media_other"].label.startswith("Specify other")
    assert list(contents.codes)[9:13] == ["m/best", "m/best/a", "m/best/b", "m/trust"]
    assert contents.codes["m/best/a"].tolist() == pytest.approx([2, np.nan, np.nan], nan_ok=True)
    assert contents.codes["m/best/b"].tolist() == pytest.approx([1, np.nan, 1], nan_ok=True)
    assert [(n.kind, n.text) for n in contents.notices][:5] == [
        ("split", "Texts such as 'a c' were split into one column for each option: m/best (2). The texts stay."),
        ("repeat", "Asked in repeats, whose answers are in files of their own: hh_name, hh_media."),
        ("choices", "Choices that stand outside the form have no labels: region."),
        ("not_in_data", "Variables of the codebook that the data do not have: calc."),
        ("not_in_codebook", "Columns of the data that the codebook does not know, left as they are: _id."),
    ]
    assert "m/trust (-99)" in said(contents)["undeclared_missing"]
    assert list(contents.codebook) == list(contents.codes)


@pytest.mark.parametrize("suffix", ["yml", "csv", "json"])
def test_a_form_saved_as_a_codebook_does_the_same(form, tmp_path, suffix):
    book = load_codebook(form())
    save_codebook(tmp_path / f"book.{suffix}", book)
    again = load_codebook(tmp_path / f"book.{suffix}")
    assert again == book
    data = tmp_path / "export.csv"
    data.write_text(KOBO, encoding="utf-8")
    one, other = (lay_over(read_file(data), b) for b in (book, again))
    pd.testing.assert_frame_equal(one.codes, other.codes)
    assert (one.codebook, one.notices) == (other.codebook, other.notices)


MEDIA = Codebook(
    {
        "q": Variable("q", "Media", attributes={"type": "select_multiple l", "group": "g/h"}),
        **{f"q/{o}": Variable(f"q/{o}", o.upper()) for o in ("a", "b", "other")},
        "q_other": Variable("q_other", "Which?", attributes={"group": "g/h"}),
    },
    {"q": MultipleResponse("q", ("q/a", "q/b", "q/other"))},
)


@pytest.mark.parametrize("base", ["q", "g/h/q", "g-h-q", "g:h:q", "g.h.q"])
@pytest.mark.parametrize("mark", ["/", ".", ":", "_"])
def test_columns_of_options_by_any_name(base, mark):
    columns = {f"{base}{mark}{option}": [1, 0] for option in ("a", "b", "other")}
    if mark == "_":  # then the column of the option "other" has the name of the question that specifies it
        book = Codebook({n: v for n, v in MEDIA.variables.items() if n != "q_other"}, MEDIA.sets)
    else:
        book = MEDIA
        columns[f"{base}_other"] = text("x", None)
    laid = lay_over(frame(**columns), book)
    assert laid.codebook.sets["q"].columns == tuple(columns)[:3]
    assert [laid.codebook[c].label for c in tuple(columns)[:3]] == ["A", "B", "OTHER"]
    assert laid.notices == ()


def test_one_text_is_split_and_blank_is_not_asked():
    laid = lay_over(frame(id=[1, 2, 3], q=text("a other", None, " b "), q_other=text("x", None, None)), MEDIA)
    assert list(laid.codes) == ["id", "q", "q/a", "q/b", "q/other", "q_other"]
    assert laid.codes["q"].tolist()[0] == "a other"
    values = laid.codes[["q/a", "q/b", "q/other"]].to_numpy()
    np.testing.assert_array_equal(values, [[1, 0, 1], [np.nan] * 3, [0, 1, 0]])
    assert said(laid)["split"] == (
        "Texts such as 'a c' were split into one column for each option: q (3). The texts stay."
    )
    assert laid.codebook["q/a"] == Variable("q/a", "A")


def test_codes_that_the_form_does_not_list_are_named_by_row():
    laid = lay_over(frame(q=text("a", "zz secret", "b yy"), q_other=text("x", "x", "x")), MEDIA)
    assert said(laid)["unlisted"] == "Options that the form does not list are in the text column only: q (row 2, 3)."
    assert laid.codes["q/a"].dtype == "int64"


def test_numeric_options_that_the_reader_took_for_numbers():
    book = Codebook({"q": Variable("q")}, {"q": MultipleResponse("q", ("q/1", "q/2"))})
    laid = lay_over(frame(q=[1.0, 2.0, np.nan]), book)
    np.testing.assert_array_equal(laid.codes[["q/1", "q/2"]].to_numpy(), [[1, 0], [0, 1], [np.nan] * 2])


def test_options_added_later_are_taken_from_the_text():
    laid = lay_over(frame(q=text("a b", "b"), **{"q/a": [1, 0], "q/b": [1, 1]}, q_other=text("x", "y")), MEDIA)
    assert laid.codes["q/other"].tolist() == [0, 0]
    assert laid.codebook.sets["q"].columns == ("q/a", "q/b", "q/other")


def test_options_without_a_column_or_text_are_left_out_of_the_set():
    laid = lay_over(frame(**{"q/a": [1, 0], "q/b": [1, 1]}, q_other=text("x", "y")), MEDIA)
    assert laid.codebook.sets["q"].columns == ("q/a", "q/b")
    assert said(laid) == {"not_in_data": "Variables of the codebook that the data do not have: q/other."}


def test_true_and_false_are_one_and_nought():
    columns = {"q/a": text("True", "FALSE", None), "q/b": [True, False, True], "q/other": [1, 0, 1]}
    laid = lay_over(frame(**columns, q_other=text("x", "y", "z")), MEDIA)
    assert laid.codes["q/a"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert laid.codes["q/b"].tolist() == [1, 0, 1] and laid.codes["q/b"].dtype == "int64"
    assert said(laid)["truth"] == "TRUE and FALSE were read as 1 and 0: q/a, q/b."


def test_negative_options_of_surveycto():
    book = Codebook({"q": Variable("q")}, {"q": MultipleResponse("q", ("q/1", "q/-99"))})
    assert lay_over(frame(q_1=[1], q__99=[0]), book).codebook.sets["q"].columns == ("q_1", "q__99")


def test_a_question_that_the_data_do_not_have_is_named_once():
    laid = lay_over(frame(x=[1], q_other=text("y")), MEDIA)
    assert said(laid) == {
        "not_in_data": "Variables of the codebook that the data do not have: q.",
        "not_in_codebook": "Columns of the data that the codebook does not know, left as they are: x.",
    }
    assert laid.codebook.sets == {}


def test_many_rows_are_split_quickly():
    words = text(*["a b", "b", "other", None] * 50_000)
    laid = lay_over(frame(q=words, q_other=words), MEDIA)
    assert laid.codes["q/b"].sum() == 100_000


# --- hostile workbooks -----------------------------------------------------------------------------------------------


def test_a_workbook_that_unpacks_too_large(form):
    file = form()
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/bomb.xml", b"0" * (65 << 20))
    assert file.stat().st_size < 200_000
    with pytest.raises(ResourceLimitError, match="form.xlsx: its part 'xl/bomb.xml' inflates"):
        load_codebook(file)


def test_entities_far_cells_and_damage(form):
    file = form()
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}

    def put(name, content):
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for part, old in parts.items():
                archive.writestr(part, content if part == name else old)

    sheet = parts["xl/worksheets/sheet1.xml"]
    far = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'
    put("xl/worksheets/sheet1.xml", sheet.replace(b"</sheetData>", far))
    with pytest.raises(ResourceLimitError, match="form.xlsx: .*sheet 'survey' spans 17,179,869,184 cells"):
        load_codebook(file)
    long = b'<row r="1000000"><c r="A1000000" t="n"><v>1</v></c></row></sheetData>'
    put("xl/worksheets/sheet1.xml", sheet.replace(b"</sheetData>", long))
    with pytest.raises(
        ResourceLimitError, match="form.xlsx: the sheet 'survey' spans 7,000,000 cells; 5,000,000 are read"
    ):
        load_codebook(file)
    put("xl/workbook.xml", b"<broken")
    with pytest.raises(FileFormatError, match="form.xlsx"):
        load_codebook(file)
    file.write_bytes(b"PK\x03\x04" + b"0" * 100)
    with pytest.raises(DamagedFileError, match="form.xlsx is truncated or damaged"):
        load_codebook(file)


@pytest.fixture
def sound(form):
    return form().read_bytes()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_workbooks_give_typed_errors(tmp_path, sound, changes):
    content = bytearray(sound)
    for at, byte in changes:
        content[at % len(content)] = byte
    file = tmp_path / "damaged.xlsx"
    file.write_bytes(bytes(content))
    try:
        assert isinstance(load_codebook(file), Codebook)
    except FileFormatError as error:
        assert "damaged.xlsx" in str(error)


def test_options_that_one_column_name_may_mean_are_left_out_and_told():
    options = ("a-b", "a_b", "c")
    book = Codebook(
        {
            "q": Variable("q", attributes={"type": "select_multiple l"}),
            **{f"q/{o}": Variable(f"q/{o}", o.upper()) for o in options},
        },
        {"q": MultipleResponse("q", tuple(f"q/{o}" for o in options))},
    )
    for also in ({}, {"q": text("a-b c", "a_b")}):
        laid = lay_over(frame(**also, q_a_b=[1, 0], q_c=[1, 0]), book)
        assert list(laid.codes) == [*also, "q_a_b", "q_c"] and laid.codes["q_a_b"].tolist() == [1, 0]
        assert laid.codebook["q_a_b"].label == "" and laid.codebook["q_c"].label == "C"
        assert laid.codebook.sets["q"].columns == ("q_c",)
        assert said(laid) == {
            "unclear": "Columns that may be of several options were left as they are: q_a_b (a-b, a_b).",
            "not_in_codebook": "Columns of the data that the codebook does not know, left as they are: q_a_b.",
        }


def test_an_export_with_labels_is_not_read_as_nobody_mentioned_anything(form, tmp_path):
    survey = simple(("select_one yn", "q1", "Q1"), ("select_multiple media", "m", "Media"))
    choices = [
        ["list_name", "name", "label"],
        ["yn", "1", "Yes"],
        ["yn", "0", "No"],
        ["media", "tv", "TV"],
        ["media", "radio", "Radio"],
    ]
    file = tmp_path / "export.csv"
    file.write_text("q1,m,m/TV,m/Radio\nYes,TV Radio,1,1\nNo,,0,0\n", encoding="utf-8")
    contents = read_file(file, codebook=form(survey, choices))
    assert list(contents.codes) == ["q1", "m", "m/TV", "m/Radio"]
    assert not contents.codebook.sets
    said = " ".join(n.text for n in contents.notices)
    assert "No text holds an option of the form, so nothing was split: m. Export with the form's names" in said
    assert "No value is a code of the codebook: q1" in said
