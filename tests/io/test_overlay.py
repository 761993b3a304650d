"""Codebooks written by hand, saved and read back, and laid over data without labels."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    EmptyFileError,
    EncodingError,
    FileFormatError,
    MissingFileError,
    OutputError,
    ResourceLimitError,
    WrongFormatError,
)
from survey_kit.io import read_file
from survey_kit.io.codebooks import csv_form, yaml_form
from survey_kit.io.codebooks.save import save_codebook
from survey_kit.io.codebooks.tables import to_tables
from survey_kit.io.contents import FileContents
from survey_kit.io.doubts import doubts
from survey_kit.io.overlay import lay_over, load_codebook
from survey_kit.schema import Notice

BOOK = Codebook(
    {
        "q1": Variable(
            "q1",
            "Отношение",
            {1: "Yes", 2: "no", 98: "Don't know"},
            MissingRule((98, 99), ((-math.inf, -1),)),
            "How: do you #feel?",
            "ordinal",
            "F2.0",
            4,
            "q0 = 1",
            "left",
            {"hint": "=1+1"},
            "made by hand",
        ),
        "s": Variable("s", labels={"01": "A", "b": "true"}, missing=MissingRule()),
        "m1": Variable("m1", "TV"),
        "m2": Variable("m2", "Radio", {1: "x"}, MissingRule((1,))),
    },
    {"media": MultipleResponse("media", ("m1", "m2"), 1, "Media", "Which?"), "c": MultipleResponse("c", ("q1",), None)},
    "Title",
    ("one", "two\nlines"),
    "m2",
    "utf-8",
    {"wave": "3"},
)


@pytest.fixture
def write(tmp_path):
    def put(content: str | bytes, name: str) -> Path:
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return file

    return put


def frame(**columns):
    codes = pd.DataFrame(columns)
    return FileContents(codes, Codebook({n: Variable(n) for n in codes}), (), "csv")


def said(contents):
    return {n.kind: n.text for n in contents.notices}


def exact(book: Codebook) -> str:
    """Everything in a codebook, with the types of its codes and the order of its labels."""
    variables = [
        (
            *(n, v.name, v.label, list(v.labels.items()), v.missing, v.question, v.measure, v.format, v.width),
            *(v.filter, v.alignment, sorted(v.attributes.items()), v.origin),
        )
        for n, v in book.variables.items()
    ]
    whole = (book.title, book.notes, book.weight, book.encoding, sorted(book.attributes.items()))
    return repr((variables, list(book.sets.items()), whole))


# --- saved and read back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["yml", "yaml", "csv", "json"])
def test_a_codebook_comes_back_and_equal_codebooks_give_equal_bytes(tmp_path, suffix):
    file = tmp_path / f"book.{suffix}"
    save_codebook(file, BOOK)
    first = file.read_bytes()
    save_codebook(file, BOOK)
    assert file.read_bytes() == first
    assert exact(load_codebook(file)) == exact(BOOK)


_NASTY = st.sampled_from(
    (
        *(
            "no",
            "null",
            "1",
            "01",
            "=1+1",
            "'=x",
            '""',
            '"',
            '"""',
            "~",
            "- a",
            "a: b",
            "a #b",
            " x ",
            "\n",
            "\r",
            "\r\n",
        ),
        *("a\tb", "\u2028", "\x85", "\ufeff", "1 to 2", "none", "yes", "\\", "'", "@", "x;y", "x|y=z", "{", "[", "&a"),
        *("*a", "!t", "%", "...", "---", "\U0001f600", "TRUE", ".inf", "1e5", "1.0", "-1", "+1", "a" * 600, "A | Б"),
    )
)
_TEXT = st.one_of(_NASTY, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12))
_NAME = _TEXT.filter(lambda text: text and text == text.strip())
_NUMBER = st.one_of(st.integers(-100, 100), st.integers(), st.floats(allow_nan=False))
_CODE = st.one_of(_NUMBER, _TEXT)
_RANGE = st.tuples(_NUMBER, _NUMBER).map(lambda pair: tuple(sorted(pair)))
_LABELS = st.one_of(st.dictionaries(st.integers(-9, 99), _TEXT, max_size=5), st.dictionaries(_CODE, _TEXT, max_size=4))
_MEASURE = st.sampled_from(["nominal", "ordinal", "scale", "unknown"])
_TEXTS = st.dictionaries(_TEXT, _TEXT, max_size=2)


@st.composite
def _variables(draw, name):
    labels = draw(_LABELS)
    rule = draw(
        st.none() | st.builds(MissingRule, st.lists(_CODE, max_size=3).map(tuple), st.tuples(_RANGE) | st.just(()))
    )
    if labels and draw(st.booleans()):
        rule = MissingRule(tuple(draw(st.lists(st.sampled_from(list(labels)), unique=True))))
    width = draw(st.none() | st.integers(0, 200))
    texts = [draw(_TEXT) for _ in range(6)]
    measure, attributes = draw(_MEASURE), draw(_TEXTS)
    return Variable(
        name, texts[0], labels, rule, texts[1], measure, texts[2], width, texts[3], texts[4], attributes, texts[5]
    )


@st.composite
def _books(draw):
    names = draw(st.lists(_NAME, unique=True, max_size=3))
    sets = draw(st.lists(_NAME, unique=True, max_size=2))
    member = st.lists(_TEXT, max_size=3).map(tuple)
    return Codebook(
        {n: draw(_variables(n)) for n in names},
        {n: MultipleResponse(n, draw(member), draw(st.none() | _CODE), draw(_TEXT), draw(_TEXT)) for n in sets},
        draw(_TEXT),
        tuple(draw(st.lists(_TEXT, max_size=2))),
        draw(st.none() | _NAME),
        draw(_TEXT),
        draw(st.dictionaries(_NAME, _TEXT, max_size=2)),
    )


@pytest.mark.parametrize("suffix", ["yml", "csv"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(book=_books())
def test_any_codebook_comes_back(tmp_path, suffix, book):
    file = tmp_path / f"book.{suffix}"
    save_codebook(file, book)
    assert exact(load_codebook(file)) == exact(book)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(book=_books())
def test_any_codebook_of_finite_codes_comes_back_from_json(tmp_path, book):
    file = tmp_path / "book.json"
    try:
        save_codebook(file, book)
    except OutputError as error:
        assert "JSON cannot hold the codebook" in str(error) and "inf" in exact(book)
        return
    back = load_codebook(file)
    assert back == book and list(back) == list(book)


def test_saved_yaml_is_what_a_person_would_write(tmp_path):
    file = tmp_path / "book.yml"
    book = Codebook(
        {"q1": Variable("q1", "Vote", {1: "Yes", 2: "No", "x": "true"}, MissingRule((9,), ((-math.inf, -1),)))},
        {"m": MultipleResponse("m", ("m1", "m 2"))},
    )
    save_codebook(file, book)
    assert file.read_text(encoding="utf-8") == (
        "variables:\n  q1:\n    label: Vote\n    labels:\n      1: Yes\n      2: No\n"
        '      "x": "true"\n    missing: {codes: [9], ranges: [[-.inf, -1]]}\n'
        'sets:\n  m:\n    columns: [m1, "m 2"]\n    counted: 1\n'
    )
    save_codebook(file, Codebook())
    assert load_codebook(file) == Codebook()


def test_saved_csv_has_a_row_a_code_and_runs_no_formula(tmp_path):
    file = tmp_path / "book.csv"
    book = Codebook(
        {"q1": Variable("q1", "Vote", {1: "=2+3", 98: "DK"}, MissingRule((98,))), "age": Variable("age", "Age")}
    )
    save_codebook(file, book)
    assert file.read_text(encoding="utf-8") == (
        "variable,code,label,missing,variable_label\nq1,1,'=2+3,,Vote\nq1,98,DK,yes,\nage,,,,Age\n"
    )


def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(tmp_path):
    file = tmp_path / "book.csv"
    save_codebook(file, BOOK)
    old = file.read_bytes()
    with pytest.raises(OutputError, match="blanks around the variable name ' q'. Write .yml instead"):
        save_codebook(file, Codebook({" q": Variable(" q")}))
    with pytest.raises(OutputError, match="cannot hold a text with NUL"):
        save_codebook(file, Codebook({"q": Variable("q", "a\0b")}))
    with pytest.raises(OutputError, match=r"holds U\+D800, half a character"):
        save_codebook(file, Codebook({"q": Variable("q", "\ud800")}))
    with pytest.raises(OutputError, match="'q' has the code NaN, which is missing already"):
        save_codebook(file, Codebook({"q": Variable("q", labels={math.nan: "a"})}))
    assert file.read_bytes() == old
    with pytest.raises(WrongFormatError, match=r"a codebook is written as .yml, .yaml, .csv, .json"):
        save_codebook(tmp_path / "book.txt", BOOK)


def test_numpy_codes_are_written_as_numbers(tmp_path):
    book = Codebook(
        {"q": Variable("q", labels={np.int64(1): "a", np.float64(2.5): "b"}, missing=MissingRule((np.int64(1),)))}
    )
    for suffix in ("yml", "csv"):
        save_codebook(tmp_path / f"b.{suffix}", book)
        back = load_codebook(tmp_path / f"b.{suffix}")["q"]
        assert repr(list(back.labels)) == "[1, 2.5]" and back.missing == MissingRule((1,))


# --- YAML ------------------------------------------------------------------------------------------------------------


def test_yaml_words_numbers_and_rules(write):
    file = write(
        "title: 2024\nnotes: one note\nweight: w\nvariables:\n"
        "  no:\n    label: yes\n    labels: {1: Yes, 2: No, 3: null, 1.5: 010, '1': text, 01: zero}\n    missing: 98\n"
        "  a: {missing: {codes: [98, x], ranges: [[-.inf, -1], [97, 99]]}, width: 3}\n"
        "  b: {missing: []}\n  c:\n"
        "sets:\n  media: {columns: [m1, m2], label: Media}\n  cats: {columns: [c1], counted: null}\n"
        "  y: {columns: [y1], counted: 'yes'}\n",
        "book.yml",
    )
    book = load_codebook(file)
    assert (book.title, book.notes, book.weight) == ("2024", ("one note",), "w")
    assert dict(book["no"].labels) == {1: "Yes", 2: "No", 3: "null", 1.5: "010", "1": "text", "01": "zero"}
    assert book["no"].label == "yes" and book["no"].missing == MissingRule((98,))
    assert book["a"].missing == MissingRule((98, "x"), ((-math.inf, -1), (97, 99)))
    assert (book["b"].missing, book["c"]) == (MissingRule(), Variable("c"))
    assert [s.counted for s in book.sets.values()] == [1, None, "yes"]


def test_all_mistakes_of_a_yaml_file_are_said_at_once(write):
    file = write(
        "titel: x\nvariables:\n  q1:\n    lable: A\n    labels:\n      1: a\n      1.0: b\n    measure: ordinel\n"
        "    missing: {ranges: [[3, 1]]}\n    width: wide\n  q1: {}\n  q2: text\n  q3: {labels: [a, b], question: [c]}\n"
        "sets:\n  m: {label: x}\n",
        "book.yml",
    )
    with pytest.raises(FileFormatError) as caught:
        load_codebook(file)
    assert str(caught.value).splitlines() == [
        "book.yml, line 1: There is no key 'titel' here. Did you mean 'title'?",
        "book.yml, line 4, q1: There is no key 'lable' here. Did you mean 'label'?",
        "book.yml, line 7, q1.labels: '1.0' was given on line 6 already. Keep one of them.",
        "book.yml, line 8, q1.measure: 'ordinel' is no measure. Did you mean 'ordinal'?",
        "book.yml, line 9, q1.missing: A range is two numbers, the lower first: [-9, -1]. -.inf and .inf are allowed.",
        "book.yml, line 10, q1.width: 'wide' is no whole number.",
        "book.yml, line 11, variables: 'q1' was given on line 3 already. Keep one of them.",
        "book.yml, line 12, q2: This is the text 'text', not a mapping. "
        "Write its fields below it, such as 'label:' and 'labels:'.",
        "book.yml, line 13, q3.labels: This is a list, not a mapping. Write {1: Yes, 2: No}.",
        "book.yml, line 13, q3.question: This is a list, not a text. Put quotes around a text with ': ' in it.",
        "book.yml, line 15, sets.m: A set needs its columns. Write 'columns: [m1, m2]'.",
    ]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("a: &x 1\nb: *x\n", FileFormatError, "line 1: The anchor '&x' is not available"),
        ("variables: !!python/object:os.system {}\n", FileFormatError, "line 1: The tag .* is not available"),
        ("title: !!str a\n", FileFormatError, "The tag"),
        ("variables:\n  <<: {a: 1}\n", FileFormatError, "line 2: The merge key '<<' is not available"),
        ("title: a\n---\ntitle: b\n", FileFormatError, "second document"),
        ("title: [" + "[" * 60, ResourceLimitError, "nests more than 50 levels. A codebook needs 5"),
        ("variables: {q: {label: 'a\n", FileFormatError, "Correct the YAML here"),
        ("variables:\n\tq: {}\n", FileFormatError, "book.yml, line 2: .*cannot start any token"),
        ("title: a\x07\n", FileFormatError, r"line 1: The character U\+0007 is not allowed"),
        ("? [a]\n: b\n", FileFormatError, "A key must be a word or a number"),
        ('title: "\\UFFFFFFFF"\n', FileFormatError, "book.yml"),
        ("- a\n- b\n", FileFormatError, "This is a list, not a mapping. A codebook begins with 'variables:'"),
    ],
)
def test_yaml_that_is_refused(write, text, error, message):
    with pytest.raises(error, match=message):
        load_codebook(write(text, "book.yml"))


def test_files_that_are_no_codebook(write, tmp_path, monkeypatch):
    with pytest.raises(EncodingError, match="line 2: the text is not UTF-8. Save the file as UTF-8"):
        load_codebook(write("variables:\n  q: {label: Да}\n".encode("cp1251"), "book.yml"))
    with pytest.raises(EmptyFileError, match="is empty"):
        load_codebook(write("", "empty.yml"))
    with pytest.raises(MissingFileError, match="Did you mean 'book.yml'"):
        load_codebook(tmp_path / "bok.yml")
    with pytest.raises(WrongFormatError, match=r"files named .pdf cannot be read as a codebook. There are: .yml"):
        load_codebook(write("x", "book.pdf"))
    with pytest.raises(WrongFormatError, match="looks like a ZIP archive"):
        load_codebook(write(b"PK\x03\x04" + b"0" * 30, "zip.yml"))
    monkeypatch.setattr(yaml_form, "MOST_BYTES", 10)
    with pytest.raises(ResourceLimitError, match="a codebook in YAML may have 10. Write it as .json"):
        load_codebook(write("variables: {q: {}}\n", "book.yml"))


# --- JSON and workbooks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c["variables"][0].update(label=5),
        lambda c: c["variables"][0].update(labels=[[None, "x"]]),
        lambda c: c["variables"][0].update(labels=[[[1], "x"]]),
        lambda c: c["variables"][0].update(measure="big"),
        lambda c: c["variables"][0].update(colour="red"),
        lambda c: c["sets"][0].update(columns=[1]),
        lambda c: c.pop("title"),
        lambda c: c.update(version=7),
    ],
)
def test_json_of_the_wrong_shape_is_refused(tmp_path, change):
    file = tmp_path / "book.json"
    save_codebook(file, BOOK)
    content = json.loads(file.read_text(encoding="utf-8"))
    change(content)
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FileFormatError, match="book.json is no codebook in JSON"):
        load_codebook(file)


def test_json_that_is_deep_or_not_utf8(write):
    with pytest.raises(FileFormatError, match="no codebook in JSON"):
        load_codebook(write("[" * 100_000, "book.json"))
    with pytest.raises(EncodingError, match="not UTF-8"):
        load_codebook(write(b'"\xff"', "book.json"))


def test_a_workbook_of_ours(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for name, rows in to_tables(BOOK, {"q1": True, "s": False, "m1": True, "m2": True}).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(["'" + c if isinstance(c, str) and c.startswith("=") else c for c in row])
    del book["Sheet"]
    file = tmp_path / "book.xlsx"
    book.save(file)
    back = load_codebook(file)
    assert exact(back) == exact(BOOK)
    book.create_sheet("values2")
    book["variables"]["B1"] = "lable"
    book.save(file)
    with pytest.raises(FileFormatError, match="book.xlsx: Table 'variables', row 1: .*Did you mean 'label'"):
        load_codebook(file)
    del book["variables"]
    book.save(file)
    with pytest.raises(WrongFormatError, match="no codebook: it has the sheets 'values', .*sheet 'survey'"):
        load_codebook(file)


# --- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "variable,code,label,missing,variable_label\nq1,1,Yes,,Vote\nq1,2,No,,\nq1,98,DK,x,\n",
        "Name;Value;Value label;Label;Missing values\nq1;1;Yes;Vote;98\n;2;No;;\n;98;DK;;\n",
        "VAR\tcode\ttext\tvar_label\tmissing\nq1\t1\tYes\tVote\tno\nq1\t2\tNo\tVote\tno\n\nq1\t98\tDK\tVote\tyes\n",
        "\ufeffname,label,values,missing\nq1,Vote,1 = Yes; 2 = No; 98=DK,98\n",
        "name,label,values,missing\nq1,Vote,1=Yes|2=No|98=DK,98\n",
    ],
)
def test_shapes_of_csv(write, text):
    book = load_codebook(write(text, "book.csv"))
    assert book == Codebook({"q1": Variable("q1", "Vote", {1: "Yes", 2: "No", 98: "DK"}, MissingRule((98,)))})


def test_the_frame_of_a_codebook_reads_back(write):
    book = Codebook(
        {
            "q1": Variable(
                "q1", "Vote; now", {1: "Yes; sure", 2: "No"}, MissingRule((9, 8), ((-9, -1),)), "Who?", "ordinal"
            ),
            "s": Variable("s", labels={"01": "A", "b": "B = b"}),
        }
    )
    assert load_codebook(write(book.frame().to_csv(index=False), "frame.csv")) == book


def test_csv_codes_with_zeros_are_text_and_utf16_is_read(write):
    book = load_codebook(write("variable,code,label\nr,01,North\nr,02,South\n".encode("utf-16"), "book.csv"))
    assert dict(book["r"].labels) == {"01": "North", "02": "South"}
    book = load_codebook(write("variable,code,label\nq,1,One\nq,dk,Hard to say\n", "book.csv"))
    assert dict(book["q"].labels) == {"1": "One", "dk": "Hard to say"}


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("98, 99", MissingRule((98, 99))),
        ("97-99", MissingRule((), ((97, 99),))),
        ("LO to -1; 98", MissingRule((98,), ((-math.inf, -1),))),
        ("none", MissingRule()),
        ("DK; REF", MissingRule(("DK", "REF"))),
        ('"a; ""b"""', MissingRule(('a; "b"',))),
        ("", None),
        ("no", None),
    ],
)
def test_missing_rules_in_words(write, cell, rule):
    quoted = cell.replace('"', '""')
    assert load_codebook(write(f'name,missing\nq,"{quoted}"\n', "book.csv"))["q"].missing == rule


def test_csv_contradictions_name_both_lines(write):
    text = (
        "variable,code,label,question,measure,width\nq1,1,Yes,Who?,ordinal,2\nq1,1,Yep,Whom?,,\nq1,1,Yes,Who?,,\n"
        ",,,,ordinel,\nq2,,,,scale,wide\n"
    )
    with pytest.raises(FileFormatError) as caught:
        load_codebook(write(text, "book.csv"))
    assert str(caught.value).splitlines() == [
        "book.csv, line 3, q1: The question differs from the one on line 2. Keep one of them.",
        "book.csv, line 3, q1: Code 1 has another label on line 2. Keep one of them.",
        "book.csv, line 5, q1: The measure differs from the one on line 2. Keep one of them.",
        "book.csv, line 6, q2: Its width 'wide' is no whole number.",
    ]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("a,b\n1,2\n", FileFormatError, "no codebook: no column holds the variable. Its header is 'a', 'b'"),
        ("name,variable\nq,q\n", DuplicateNameError, "'name', 'variable' both hold the variable. Remove one"),
        (
            "variable,mesure\nq,x\n",
            FileFormatError,
            "line 1: There is no column 'mesure' in a codebook. Did you mean 'measure'",
        ),
        ('variable,label\nq,"a\n', FileFormatError, "quotes around line 2 do not match"),
        ("variable,label\nq,a,b\n", FileFormatError, "line 2: The row has 3 cells, the header 2"),
        ("variable,label\n,a\n", FileFormatError, "line 2: The row names no variable"),
        ("kind,variable\nvariabel,q\n", FileFormatError, "'variabel' is no kind of row. Did you mean 'variable'"),
        ("variable,measure\nq,ordinel\n", FileFormatError, "'ordinel' is no measure. Did you mean 'ordinal'"),
        ("variable,code,label,code_type\nq,x,a,number\n", FileFormatError, "'number' does not fit the code 'x'"),
        ("name,values\nq,just words\n", FileFormatError, "Write '1 = Yes; 2 = No'"),
        ("variable\nq\0\n", DamagedFileError, "line 2: a NUL character"),
        (
            "variable,label\nq,Согласен полностью\n".encode("cp1251"),
            EncodingError,
            "line 2: .* It looks like cp1251 .*Согласен",
        ),
    ],
)
def test_csv_that_is_refused(write, content, error, message):
    with pytest.raises(error, match=message):
        load_codebook(write(content, "book.csv"))


def test_a_csv_codebook_that_is_too_large(write, monkeypatch):
    monkeypatch.setattr(csv_form, "MOST_BYTES", 5)
    with pytest.raises(ResourceLimitError, match="a codebook may have 5"):
        load_codebook(write("variable\nq\n", "book.csv"))


# --- laid over -------------------------------------------------------------------------------------------------------


def test_from_the_door(write):
    data = write("q1,q2,W,x\n1,yes,1,\n2,no,2,5\n98,,1,6\n", "poll.csv")
    book = write(
        "weight: W\nvariables:\n  q1: {label: Vote, labels: {1: Yes, 2: No, 3: Never, 98: Don't know}, missing: [98]}\n"
        "  X: {label: Other}\n  q2: {question: Why?}\n",
        "book.yml",
    )
    contents = read_file(data, codebook=book)
    q1 = contents.codebook["q1"]
    assert (q1.label, dict(q1.labels)) == ("Vote", {1: "Yes", 2: "No", 3: "Never", 98: "Don't know"})
    assert (q1.missing, q1.measure, contents.codebook.weight) == (MissingRule((98,)), "nominal", "W")
    assert contents.codebook["q2"].question == "Why?" and contents.codebook["q2"].measure == "nominal"
    assert contents.codes["q2"].isna().tolist() == [False, False, True]
    assert (
        said(contents)["not_in_data"] == "Variables of the codebook that the data do not have: X (the data have 'x')."
    )
    assert (
        said(contents)["not_in_codebook"]
        == "Columns of the data that the codebook does not know, left as they are: W, x."
    )
    assert [n.kind for n in contents.notices].count("weight") == 1
    part = lay_over(read_file(data, columns=["q1"]), load_codebook(book), some_columns=True)
    assert "not_in_data" not in said(part)


def test_the_overlay_wins_where_it_states_something():
    old = Variable(
        "q", "Old", {1: "a", 2: "b", 9: "z"}, MissingRule((9,)), "Q?", "ordinal", "F1.0", 5, "f", "left", {"k": "v"}
    )
    contents = FileContents(
        pd.DataFrame({"q": [1.0, 2, 9]}), Codebook({"q": old}, title="T", notes=("n",), encoding="cp1251"), (), "sav"
    )
    laid = lay_over(contents, Codebook({"q": Variable("q", "New", {2: "B", 3: "c"})}, notes=("m",))).codebook
    assert laid["q"] == Variable(
        "q",
        "New",
        {1: "a", 2: "B", 9: "z", 3: "c"},
        MissingRule((9,)),
        "Q?",
        "ordinal",
        "F1.0",
        5,
        "f",
        "left",
        {"k": "v"},
    )
    assert (laid.title, laid.notes, laid.encoding) == ("T", ("n", "m"), "cp1251")
    again = lay_over(contents, Codebook({"q": Variable("q", labels={9: "Z", 2: "B", 1: "A"}, missing=MissingRule())}))
    assert list(again.codebook["q"].labels) == [9, 2, 1]
    assert again.codebook["q"].missing == MissingRule()


def test_text_of_numbers_becomes_numbers_where_the_codes_are():
    text = pd.Series(["01", "02", None, "07"], dtype="str")
    laid = lay_over(frame(q=text, r=text.dropna()), Codebook({"q": Variable("q", labels={1: "a", 2: "b"})}))
    assert laid.codes["q"].tolist() == pytest.approx([1, 2, np.nan, 7], nan_ok=True)
    assert laid.codes["r"].dtype == "str"
    assert said(laid)["codes"] == "Text was read as numbers, as the codes of the codebook are: q."
    whole = lay_over(frame(q=text.dropna()), Codebook({"q": Variable("q", missing=MissingRule((), ((7, 9),)))}))
    assert whole.codes["q"].dtype == "int64" and whole.codebook["q"].measure == "scale"


def test_text_stays_text_where_codes_are_or_must_be():
    stay = lay_over(frame(q=pd.Series(["01", "2"], dtype="str")), Codebook({"q": Variable("q", labels={"01": "a"})}))
    assert stay.codes["q"].tolist() == ["01", "2"] and dict(stay.codebook["q"].labels) == {"01": "a"}
    for values in (["1", "NA"], ["1", "01"], ["1", "12345678901234567890"]):
        mixed = lay_over(
            frame(q=pd.Series(values, dtype="str")),
            Codebook({"q": Variable("q", labels={1: "a", 2: "b"}, missing=MissingRule((9,), ((90, 99),)))}),
        )
        assert mixed.codes["q"].tolist() == values
        assert dict(mixed.codebook["q"].labels) == {"1": "a", "2": "b"}
        assert mixed.codebook["q"].missing == MissingRule(("9",))
        texts = [n.text for n in mixed.notices if n.kind == "codes"]
        assert texts == [
            "Codes of the codebook were made text, since the columns hold other texts: q.",
            "Ranges of missing values were left out, since the columns hold text: q.",
        ]


def test_numbers_and_text_codes():
    laid = lay_over(
        frame(q=[1, 2], r=[1.0, np.nan]), Codebook({n: Variable(n, labels={"1": "a", "2": "b"}) for n in "qr"})
    )
    assert repr(list(laid.codebook["q"].labels)) == "['1', '2']" and laid.codes["q"].tolist() == ["1", "2"]
    assert laid.codes["r"].isna().tolist() == [False, True] and laid.codes["r"][0] == "1"
    assert said(laid)["codes"] == "Numbers were made text, as the codes of the codebook are: q, r."
    eaten = lay_over(frame(q=[1, 2]), Codebook({"q": Variable("q", labels={"01": "a", "02": "b"})}))
    assert repr(list(eaten.codebook["q"].labels)) == "[1, 2]" and eaten.codes["q"].dtype == "int64"
    known = FileContents(frame(q=[1, 2]).codes, Codebook({"q": Variable("q", labels={1: "old"})}), (), "sav")
    kept = lay_over(known, Codebook({"q": Variable("q", labels={"1": "a", "2": "b"})}))
    assert dict(kept.codebook["q"].labels) == {1: "a", 2: "b"} and kept.codes["q"].dtype == "int64"
    laid = lay_over(frame(q=[1.0, np.nan]), Codebook({"q": Variable("q", labels={"1": "a", "dk": "b"})}))
    assert laid.codes["q"].dtype == "str" and laid.codes["q"].isna().tolist() == [False, True]
    assert laid.codes["q"][0] == "1"
    assert said(laid)["codes"] == "Numbers were made text, since the codebook has codes that are none: q."
    empty = lay_over(frame(q=[np.nan, np.nan]), Codebook({"q": Variable("q", labels={"x": "a"})}))
    assert empty.codes["q"].dtype == "str" and "codes" not in said(empty)


def test_an_export_with_labels_instead_of_codes_is_noticed():
    laid = lay_over(
        frame(q=pd.Series(["Yes", "No"], dtype="str")), Codebook({"q": Variable("q", labels={"1": "Yes", "2": "No"})})
    )
    assert said(laid)["no_match"] == "No value is a code of the codebook: q. Was the export made with labels?"


def test_codes_without_labels_stay_and_numbers_beyond_labels_are_a_scale():
    book = Codebook(
        {
            "age": Variable("age", labels={99: "Refused"}, missing=MissingRule((99,))),
            "q": Variable("q", labels={1: "a"}),
        }
    )
    laid = lay_over(frame(age=[20, 30, 99], q=[1, 1, 1]), book)
    assert (laid.codebook["age"].measure, laid.codebook["q"].measure) == ("scale", "nominal")
    assert laid.codes["age"].tolist() == [20, 30, 99]


def test_sets_need_their_columns():
    book = Codebook(
        {"m1": Variable("m1"), "m2": Variable("m2")},
        {"a": MultipleResponse("a", ("m1", "m2"), "1"), "b": MultipleResponse("b", ("m1", "m3"))},
    )
    laid = lay_over(frame(m1=[1, 0], m2=[0, 1]), book)
    assert list(laid.codebook.sets) == ["a"]
    assert (
        said(laid)["multiple_response"]
        == "Multiple-response sets of the codebook whose columns are not all in the data: b."
    )


def test_the_counted_code_follows_the_columns():
    text = pd.Series(["1", "0", None], dtype="str")
    book = Codebook({"m": Variable("m")}, {"a": MultipleResponse("a", ("m",), 1)})
    assert lay_over(frame(m=text), book).codes["m"].dtype == "float64"


def test_doubts_are_asked_again_and_not_doubled(write):
    data = write("q\n1\n98\n", "poll.csv")
    book = Codebook({"q": Variable("q", labels={1: "Yes", 98: "Don't know"})})
    contents = lay_over(read_file(data), book)
    assert [n.kind for n in contents.notices] == ["undeclared_missing"]
    assert [n.kind for n in lay_over(contents, book).notices] == ["undeclared_missing"]
    declared = lay_over(contents, Codebook({"q": Variable("q", missing=MissingRule((98,)))}))
    assert declared.notices == ()


def test_no_rows_and_dates():
    laid = lay_over(frame(q=pd.Series([], dtype="str")), Codebook({"q": Variable("q", "L", {1: "a"})}))
    assert len(laid.codes) == 0 and dict(laid.codebook["q"].labels) == {1: "a"}
    dates = pd.Series(pd.to_datetime(["2024-01-01"]))
    laid = lay_over(frame(d=dates), Codebook({"d": Variable("d", "Day", {"x": "y"})}))
    pd.testing.assert_series_equal(laid.codes["d"], dates, check_names=False)


def test_the_input_is_not_changed():
    contents = frame(q=pd.Series(["1"], dtype="str"))
    before = contents.codes.copy()
    lay_over(contents, Codebook({"q": Variable("q", labels={1: "a"})}))
    pd.testing.assert_frame_equal(contents.codes, before)


def test_two_thousand_variables_are_laid_over_quickly():
    names = [f"q{i}" for i in range(2000)]
    book = Codebook(
        {n + "x": Variable(n + "x", n, {1: "a"}) for n in names} | {n: Variable(n, n, {1: "a"}) for n in names}
    )
    laid = lay_over(frame(**{n: [1, 2] for n in names}), book)
    assert len(laid.codebook) == 2000
    assert "and 1992 more" in said(laid)["not_in_data"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), suffix=st.sampled_from(["yml", "csv", "json"]))
def test_damaged_files_give_typed_errors(tmp_path, data, suffix):
    file = tmp_path / f"book.{suffix}"
    save_codebook(file, BOOK)
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    file.write_bytes(bytes(content) or b" ")
    try:
        assert isinstance(load_codebook(file), Codebook)
    except (FileFormatError, EncodingError) as error:
        assert "book" in str(error)


def test_notices_of_the_reader_stay():
    several = Notice("weight", "The file names several weights: w, v. The first is taken.", 2)
    old = Codebook({"w": Variable("w")}, weight="w")
    codes = pd.DataFrame({"w": [1.0, 0.0]})
    contents = FileContents(codes, old, (several, *doubts(codes, old)), "sss")
    laid = lay_over(contents, Codebook({"w": Variable("w", "Weight")}))
    assert laid.notices == (several, *doubts(codes, laid.codebook)) and len(laid.notices) == 2


def test_a_weight_that_is_text_is_not_taken():
    laid = lay_over(frame(w=pd.Series(["x", "y"], dtype="str")), Codebook({"w": Variable("w")}, weight="w"))
    assert laid.codebook.weight is None
    assert said(laid)["weight"] == (
        "The codebook names 'w' as the weight, but it holds no numbers; it is not taken as the weight."
    )
    assert lay_over(frame(w=[1.0, 2.0]), Codebook({"w": Variable("w")}, weight="w")).codebook.weight == "w"
