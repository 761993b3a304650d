"""Spreadsheets out: what is written comes back as it was, reads well, and can be edited by hand."""

from __future__ import annotations

import math
import re
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import FileFormatError, OutputError
from survey_kit.io import read_file, write_file
from survey_kit.io.contents import ReadOptions
from survey_kit.io.excel.read import read_excel
from survey_kit.io.excel.write import write_excel

ILLEGAL = "".join(map(chr, (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF)))
ODD = [
    *("1", "01", "", " a", "a ", '"', '""', '"a"', "a;b", "LO", "1 to 2", "number(1)", "=1+1", "'=1", "<r>a</r>"),
    *("_x0041_", "_x000D_", "\r\n", "(no data)", "(no data)-", "Total", "NA", "#N/A", "TRUE", "inf"),
]
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=ILLEGAL), max_size=12) | st.sampled_from(
    ODD
)
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
edges = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False)
rules = st.builds(
    MissingRule,
    st.lists(numbers | texts, max_size=4).map(tuple),
    st.lists(st.tuples(edges, edges), max_size=3).map(tuple),
)


def columns(rows):
    def lists(values):
        return st.lists(values, min_size=rows, max_size=rows)

    stamps = st.datetimes() | st.dates() | st.integers(-(2**60), 2**60).map(lambda v: np.datetime64(v, "us"))
    return st.one_of(
        lists(st.integers(-(2**63), 2**63 - 1)).map(lambda v: pd.Series(v, dtype="int64")),
        lists(st.floats()).map(lambda v: pd.Series(v, dtype="float64")),
        lists(st.none() | st.integers(1, 5)).map(lambda v: pd.Series(v, dtype="float64")),
        lists(st.none() | texts).map(lambda v: pd.Series(v, dtype="str")),
        lists(st.none() | stamps).map(lambda v: pd.Series(np.array(v, dtype="datetime64[us]"))),
    )


@st.composite
def polls(draw):
    names = draw(st.lists(texts.filter(bool), min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(0, 5))
    codes = pd.DataFrame({n: draw(columns(rows)) for n in names}, index=pd.RangeIndex(rows))
    pairs = st.dictionaries(texts, texts, max_size=2)
    variables = {
        n: Variable(
            n,
            draw(texts),
            draw(st.dictionaries(numbers | texts, texts, max_size=3)),
            draw(st.none() | rules),
            draw(texts),
            draw(st.sampled_from(["nominal", "ordinal", "scale", "unknown"])),
            draw(texts),
            draw(st.none() | st.integers(0, 255)),
            draw(texts),
            draw(texts),
            draw(pairs),
            draw(texts),
        )
        for n in names
    }
    members = st.lists(st.sampled_from(names), min_size=1, max_size=3).map(tuple)
    sets = {
        n: MultipleResponse(n, draw(members), draw(st.none() | numbers | texts), draw(texts), draw(texts))
        for n in draw(st.lists(texts.filter(bool), max_size=2, unique=True))
    }
    weights = [None, *(n for n in names if pd.api.types.is_numeric_dtype(codes[n]))]
    notes = tuple(draw(st.lists(texts, max_size=3)))
    return codes, Codebook(
        variables, sets, draw(texts), notes, draw(st.sampled_from(weights)), draw(texts), draw(pairs)
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(polls())
def test_a_poll_comes_back_as_it_was(tmp_path, poll):
    codes, book = poll
    file = tmp_path / "poll.xlsx"
    assert write_excel(file, codes, book) == ()
    back = read_excel(file, ReadOptions())
    pd.testing.assert_frame_equal(back.codes, codes, check_column_type=False)
    assert back.codebook == book


CODES = pd.DataFrame(
    {
        "id": [2**53 + 1, 5, 7],
        "vote": [1.0, 9.0, math.nan],
        "w": [0.1 + 0.2, 1.0, math.inf],
        "open": pd.Series(["=1+1", "", None], dtype="str"),
        "day": np.array(["2020-01-02", "NaT", "1850-01-01T01:02:03.5"], dtype="datetime64[us]"),
        "code": pd.Series(["007", "+7", "-5"], dtype="str"),
    }
)
BOOK = Codebook(
    {
        "id": Variable("id", "Number"),
        "vote": Variable(
            "vote", "Голос", {1: "За", 2: "Против", 9: "НЗ"}, MissingRule((9,), ((-math.inf, 0),)), "Как?"
        ),
        "w": Variable("w", measure="scale", width=8, attributes={"$@Role": "0"}),
        "open": Variable("open", filter="ASK IF vote = 1"),
        "day": Variable("day", format="DATE11", alignment="right"),
        "code": Variable("code", labels={"007": "Bond"}, missing=MissingRule(("-5",)), origin="made by hand"),
    },
    {"m": MultipleResponse("m", ("vote",), 1, "Media")},
    title="Poll",
    notes=("first", "second"),
    weight="vote",
    attributes={"source": "Institute"},
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "poll.xlsx"
    assert write_file(path, CODES, BOOK) == ()
    return path


def edit(file, change):
    """What a person does in a spreadsheet program."""
    workbook = openpyxl.load_workbook(file)
    change(workbook)
    workbook.save(file)
    return read_file(file)


def told(contents, kind):
    return [n.text for n in contents.notices if n.kind == kind]


def test_through_the_door(file):
    back = read_file(file)
    pd.testing.assert_frame_equal(back.codes, CODES)
    assert back.codebook == BOOK
    assert {n.kind for n in back.notices} <= {"weight", "rounded"}  # nothing but what the data themselves raise
    part = read_file(file, columns=["code", "id"], row_limit=2)
    assert part.codes.to_dict("list") == {"code": ["007", "+7"], "id": [2**53 + 1, 5]}
    assert list(part.codebook) == ["code", "id"] and part.codebook.weight is None
    assert read_file(file, metadata_only=True).codebook == BOOK
    assert list(read_file(file, sheet="sets").codes) == ["name", "columns", "counted", "label", "question"]


def test_equal_data_give_equal_bytes(file):
    first = file.read_bytes()
    write_file(file, CODES, BOOK)
    assert file.read_bytes() == first


def test_it_is_laid_out_for_people(file):
    workbook = openpyxl.load_workbook(file)
    assert workbook.sheetnames == ["data", "variables", "values", "sets", "file"]
    data, values = workbook["data"], workbook["values"]
    assert data.freeze_panes == values.freeze_panes == "A2"
    assert data["A1"].font.b and values["A1"].font.b and not data["A2"].font.b
    assert data["E2"].number_format == "yyyy-mm-dd"
    assert 8 <= data.column_dimensions["A"].width <= 50
    assert [[c.value for c in row] for row in values.iter_rows(max_row=3)] == [
        ["variable", "code", "label"],
        ["vote", 1, "За"],
        ["vote", 2, "Против"],
    ]
    missing = [row[9].value for row in workbook["variables"].iter_rows()]
    assert missing == ["missing", None, "9; LO to 0", None, None, None, "-5"]
    assert workbook.properties.creator in (None, "")


def test_nothing_is_a_formula_and_text_cells_say_so(file):
    sheet = openpyxl.load_workbook(file)["data"]
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert "f" not in kinds
    assert sheet["D2"].value == "=1+1" and sheet["D2"].data_type in ("s", "inlineStr")
    assert sheet["F2"].number_format == "@"  # stays text when it is typed again
    with zipfile.ZipFile(file) as archive:
        content = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in content and "<v>0.30000000000000004</v>" in content
    assert re.search(r'<c r="A2"[^>]*t="inlineStr"[^>]*><is><t>9007199254740993</t>', content)


def test_edits_of_the_codebook(file):
    def change(workbook):
        workbook["values"]["C2"] = "Yes"
        workbook["values"].append(["vote", 3, "Spoilt"])
        workbook["variables"]["B3"] = 2024
        workbook["variables"]["J3"] = 9

    back = edit(file, change).codebook["vote"]
    assert dict(back.labels) == {1: "Yes", 2: "Против", 9: "НЗ", 3: "Spoilt"}
    assert back.label == "2024" and back.missing == MissingRule((9,))


def test_edits_of_the_data(file):
    def change(workbook):
        data = workbook["data"]
        data["F2"] = 8
        data["B2"] = "2"
        data["G1"] = "new"
        data["G2"], data["G3"], data["G4"] = 1, 2, 3
        data.append([9, 1, 1, "x", None, "y", 4])
        data.delete_rows(3)

    back = edit(file, change)
    assert back.codes["code"].tolist() == ["8", "-5", "y"]
    assert back.codes["vote"].tolist()[::2] == [2, 1]
    assert back.codes["id"].tolist() == [2**53 + 1, 7, 9]
    assert back.codes["new"].tolist() == [1, 3, 4] and back.codebook["new"] == Variable("new", measure="scale")
    assert told(back, "codebook") == ["Columns that the sheet 'variables' does not describe: new."]
    back = edit(file, lambda workbook: workbook["data"].delete_cols(6))
    assert told(back, "codebook")[-1] == "Described in the sheet 'variables' but not in the data: code."
    assert "code" not in back.codebook


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda w: w["values"].append(["vote", "x", "?"]),
            "poll.xlsx: Table 'values', row 6, field 'code': 'x' is no number",
        ),
        (lambda w: w["values"].append(["vot", 1, "?"]), "no variable 'vot' in table 'variables'. Did you mean 'vote'?"),
        (lambda w: w["variables"].__setitem__("B1", "lable"), "Table 'variables', row 1: there is no field 'lable'."),
        (lambda w: w["variables"].__setitem__("D2", "numeric"), "row 2, field 'type': 'numeric' is not available."),
        (
            lambda w: w["data"].__setitem__("B3", "много"),
            "Column 'vote' is a number in the sheet 'variables', but there is none in B3",
        ),
        (
            lambda w: w["data"].__setitem__("E3", "soon"),
            "Column 'day' is a date in the sheet 'variables', but there is none in E3",
        ),
        (lambda w: w["data"].__setitem__("E3", 5), "there is none in E3"),
        (lambda w: w["file"].append(["weigth", "w"]), "there is no key 'weigth'. Did you mean 'weight'?"),
        (
            lambda w: next(c for c in w["file"]["B"] if c.value == "vote").__setattr__("value", "code"),
            "names 'code' as the weight, which is no number",
        ),
    ],
)
def test_mistakes_in_edits_are_named(file, change, text):
    with pytest.raises(FileFormatError) as caught:
        edit(file, change)
    assert text in str(caught.value)
    assert "много" not in str(caught.value)


def test_a_stated_type_holds_for_texts_that_mean_no_value(file):
    workbook = openpyxl.load_workbook(file)
    workbook["data"]["B3"] = "refused"
    workbook.save(file)
    assert np.isnan(read_file(file, na=["refused"]).codes["vote"].iloc[1])


def test_a_sheet_that_somebody_added_has_no_part_in_the_codebook(file):
    workbook = openpyxl.load_workbook(file)
    workbook.create_sheet("notes").append(["who"])
    workbook["notes"].append(["Anna"])
    workbook.save(file)
    contents = read_file(file, sheet="notes")
    assert contents.codes.to_dict("list") == {"who": ["Anna"]} and not contents.notices
    assert "'notes'" in told(read_file(file), "sheet")[0]


def test_empty_texts_and_empty_rows_are_marked(tmp_path):
    file = tmp_path / "a.xlsx"
    codes = pd.DataFrame(
        {"s": pd.Series(["", None, '""', "(no data)"], dtype="str"), "t": pd.Series([None] * 4, dtype="str")}
    )
    write_file(file, codes, Codebook())
    sheet = openpyxl.load_workbook(file)["data"]
    assert [cell.value for cell in sheet["A"]] == ["s", '"""', "(no data)-", '""', "(no data)"]
    pd.testing.assert_frame_equal(read_file(file).codes, codes)
    cleared = edit(file, lambda w: w["data"].__setitem__("A4", None))
    assert told(cleared, "blank") == ["Empty rows among the data were left out: 4."]


def test_other_workbooks_with_such_sheets_are_not_ours(tmp_path):
    file = tmp_path / "a.xlsx"
    workbook = openpyxl.Workbook()
    workbook.active.append(["a"])
    workbook.active.append([1])
    for name in ("variables", "file"):
        workbook.create_sheet(name).append(["name", "what"])
    workbook.save(file)
    contents = read_file(file)
    assert list(contents.codes) == ["a"]
    assert "others with data were not: 'variables', 'file'" in told(contents, "sheet")[0]


def test_what_has_no_column_is_told(tmp_path):
    book = Codebook({"a": Variable("a"), "b": Variable("b")}, {"m": MultipleResponse("m", ("a", "b"))}, weight="b")
    (notice,) = write_file(tmp_path / "a.xlsx", pd.DataFrame({"a": [1]}), book)
    assert notice.kind == "lost" and notice.count == 3
    assert notice.text == (
        "Left out of the workbook, since their columns are not in the data: the variable 'b', the set 'm', the weight 'b'."
    )


def frame(**columns):
    return pd.DataFrame(columns)


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (
            frame(a=["x", "y\x07"]),
            "the text of 'a' in row 2 has the character U+0007, which no workbook can hold. Remove it",
        ),
        (frame(a=pd.Series(["\ud800"], dtype=object)), "the text of 'a' in row 1 has the character U+D800"),
        (frame(a=["x" * 32_768]), "the text of 'a' in row 1 has 32,768 characters; a cell holds 32,767. Shorten it"),
        (frame(a=["😀" * 16_384]), "a cell holds 32,767"),
        (frame(a=[True]), "column 'a' has type bool, which a sheet cannot give back. Convert it to numbers"),
        (frame(a=pd.Categorical(["x"])), "column 'a' has type category"),
        (frame(a=pd.to_datetime(["2020-01-01"], utc=True)), "column 'a' has type datetime64"),
        (frame(a=pd.Series(["2020-01-01T00:00:00.000000001"], dtype="datetime64[ns]")), "finer than microseconds"),
        (
            frame(a=pd.Series([2**60, None], dtype="Int64")),
            "column 'a' holds whole numbers beyond 2^53 with missing values",
        ),
        (frame(a=pd.Series([2**63], dtype="uint64")), "beyond 2^63"),
        (frame(a=pd.Series([1, "x"], dtype=object)), "column 'a' mixes values"),
        (pd.DataFrame(index=[0, 1]), "there are no columns to write"),
        (pd.DataFrame({"": [1]}), "column 1 has an empty name. Name it."),
        (pd.DataFrame({5: [1]}), "column names must be text"),
        (pd.DataFrame({"a\x01": [1]}), "the name of 'a\\x01' in 'variables' has the character U+0001"),
        (
            pd.DataFrame(np.zeros((1, 16_385)), columns=[f"q{i}" for i in range(16_385)]),
            "16,385 columns; a sheet holds 16,384.",
        ),
        (pd.DataFrame({"a": np.zeros(1_048_576)}), "1,048,576 rows; a sheet holds 1,048,575. Write .parquet or .csv."),
    ],
    ids=range(17),
)
def test_what_a_sheet_cannot_hold(file, codes, text):
    before = file.read_bytes()
    with pytest.raises(OutputError) as caught:
        write_file(file, codes, Codebook())
    assert text in str(caught.value) and "poll.xlsx" in str(caught.value)
    assert file.read_bytes() == before


def test_what_a_codebook_sheet_cannot_hold(file):
    book = Codebook({"id": Variable("id", question="x" * 40_000)})
    with pytest.raises(OutputError, match="the question of 'id' in 'variables' has 40,000 characters"):
        write_file(file, CODES[["id"]], book)
    with pytest.raises(OutputError, match="the weight variable 'code' is no number. Name a numeric one."):
        write_file(file, CODES[["code"]], Codebook({"code": Variable("code")}, weight="code"))


def test_small_and_nullable_types_come_back_wider(tmp_path):
    file = tmp_path / "a.xlsx"
    codes = frame(
        a=pd.Series([1, 2], dtype="int8"),
        b=pd.Series([1, None], dtype="Int64"),
        c=pd.Series([0.5, None], dtype="Float64"),
    )
    write_file(file, codes, Codebook())
    back = read_file(file).codes
    assert [str(t) for t in back.dtypes] == ["int64", "float64", "float64"]
    assert back["b"].tolist()[0] == 1 and back["c"].tolist()[0] == 0.5 and back.isna().sum().tolist() == [0, 1, 1]
