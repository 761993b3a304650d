"""Spreadsheets in: what people put into them is read, told or refused, always by the address of the cell."""

from __future__ import annotations

import struct
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from support.workbooks import boolean, compound, label, number, ods, ods_number, ods_text, record, worksheet, xls, xlsx

from survey_kit.errors import (
    ArgumentError,
    DamagedFileError,
    DuplicateNameError,
    FileFormatError,
    ResourceLimitError,
    UnknownNameError,
    WrongFormatError,
)
from survey_kit.io import read_file
from survey_kit.io.contents import ReadOptions
from survey_kit.io.excel.read import read_excel

HOSTILE = Path(__file__).resolve().parents[2] / ".." / "shared" / "hostile"
needs_hostile = pytest.mark.skipif(
    not HOSTILE.is_dir(), reason="the collection of hostile files is not beside the checkout"
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "poll.xlsx"


def fill(path, rows, also=None):
    """A workbook with one sheet "Sheet"; `also(workbook, sheet)` changes it."""
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    if also:
        also(workbook, workbook.active)
    workbook.save(path)
    return path


def read(path, **options):
    return read_excel(path, ReadOptions(**options))


def told(contents, kind):
    return [n.text for n in contents.notices if n.kind == kind]


def refused(path, error=FileFormatError, **options):
    with pytest.raises(error) as caught:
        read(path, **options)
    return str(caught.value)


def test_types_of_columns(file):
    fill(
        file,
        [
            ["id", "half", "gap", "name", "zeros", "yes", "day", "moment", "clock", "long", "nothing", 2019],
            [
                *(1, 0.5, 1, "Anna", "007", True, date(2020, 1, 2), datetime(2020, 1, 2, 3, 4, 5)),
                *(time(1, 2, 3), timedelta(hours=30), None, 1),
            ],
            [2, 1.5, None, None, "12", False, None, date(1999, 12, 31), None, None, None, 2],
        ],
    )
    contents = read(file)
    codes = contents.codes
    assert {n: str(t) for n, t in codes.dtypes.items()} == {
        **{"id": "int64", "half": "float64", "gap": "float64", "name": "str", "zeros": "str", "yes": "int64"},
        **{"day": "datetime64[us]", "moment": "datetime64[us]", "clock": "float64", "long": "float64"},
        **{"nothing": "float64", "2019": "int64"},
    }
    assert codes["zeros"].tolist() == ["007", "12"]
    assert codes["clock"].iloc[0] == 3723 and codes["long"].iloc[0] == 108_000
    assert codes["moment"].tolist() == [datetime(2020, 1, 2, 3, 4, 5), datetime(1999, 12, 31)]
    assert codes["day"].isna().tolist() == [False, True]
    book = contents.codebook
    assert dict(book["yes"].labels) == {0: "No", 1: "Yes"} and book["yes"].measure == "nominal"
    assert [book[n].measure for n in ("id", "name", "day")] == ["scale", "nominal", "scale"]
    assert book["clock"].format == "TIME8"
    assert told(contents, "name") == ["Column names that are no text in the sheet are text now: 2019."]
    assert told(contents, "time") == ["Times of day and durations are seconds: clock, long."]
    assert contents.format == "xlsx"


def test_columns_rows_and_the_door(file):
    fill(file, [["a", "b", "c"], [1, "x", 0.5], [None, "y", 1.5], [3, "z", 2.5]])
    part = read_file(file, columns=["c", "a"], row_limit=1)
    assert part.codes.to_dict("list") == {"c": [0.5], "a": [1.0]}
    assert list(part.codebook) == ["c", "a"]
    assert part.codes["a"].dtype == "float64"  # as in the whole sheet
    assert told(part, "partial") == ["Only the first 1 rows were read."]
    nothing = read(file, rows=0)
    assert nothing.codes.shape == (0, 3) and nothing.codebook == read(file).codebook
    assert not told(nothing, "partial")
    assert read(file, columns=()).codes.shape == (3, 0)
    assert "No column 'd'" in refused(file, UnknownNameError, columns=("d",))


def test_a_header_alone_is_a_sheet_without_rows(file):
    contents = read(fill(file, [["a", "b"]]))
    assert contents.codes.shape == (0, 2)
    assert [str(t) for t in contents.codes.dtypes] == ["str", "str"]


def test_sheets(file):
    def more(workbook, sheet):
        workbook.create_sheet("empty", 0)
        workbook.create_sheet("other").append(["x"])
        hidden = workbook.create_sheet("secret")
        hidden.append(["y"])
        hidden.append([5])
        hidden.sheet_state = "hidden"

    fill(file, [["a"], [1]], more)
    contents = read(file)
    assert list(contents.codes) == ["a"]
    assert told(contents, "sheet") == [
        "Sheet 'Sheet' was read; others with data were not: 'other', 'secret' (hidden). Name one with sheet=."
    ]
    assert read(file, sheet="secret").codes["y"].tolist() == [5]
    assert not told(read(file, sheet="other"), "sheet")
    assert refused(file, UnknownNameError, sheet="sheet") == "No sheet 'sheet'. Did you mean 'Sheet'?"
    assert (
        refused(file, sheet="empty") == "poll.xlsx, sheet 'empty' is empty. Name another sheet with sheet=, or fill it."
    )


def test_no_visible_data(file):
    assert refused(fill(file, [])) == "poll.xlsx: every visible sheet is empty. Is it the right file?"

    def hide(workbook, _):
        workbook.create_sheet("secret").append(["y"])
        workbook["secret"].sheet_state = "hidden"

    assert "Hidden sheets hold data: 'secret'; name one with sheet=." in refused(fill(file, [], hide))


def test_the_header_row(file):
    fill(file, [["Poll of 2026"], [], ["id", "vote", "age"], [1, 2, 3]])
    assert refused(file) == (
        "poll.xlsx, sheet 'Sheet': row 1 has a name over 1 of 3 columns (none in B1, C1). "
        "Name the row that holds the column names with header=. Row 3 looks like it: header=3."
    )
    assert read(file, header=3).codes.to_dict("list") == {"id": [1], "vote": [2], "age": [3]}
    assert "row 2 is empty." in refused(file, header=2)
    assert refused(file, ArgumentError, header=9) == (
        "header=9 lies behind the last row of poll.xlsx, sheet 'Sheet', which is 4."
    )
    for wrong in (0, -1, True, "3"):
        assert "is no row number" in refused(file, ArgumentError, header=wrong)


def test_merged_names_are_refused_and_merged_answers_told(file):
    rows = [["wave", None, "x"], ["a", "b", "c"], [1, 2, 3], [4, 5, 6]]
    fill(file, rows, lambda _, s: (s.merge_cells("A1:B1"), s.merge_cells("C3:C4")))
    text = refused(file)
    assert (
        "row 1 has merged cells (A1:B1)." in text and "header=2" in text and "Also found: merged cells C3:C4." in text
    )
    contents = read(file, header=2)
    assert contents.codes["c"].isna().tolist() == [False, True]
    assert told(contents, "merged") == [
        "Of merged cells only the first holds the value, the others are missing: C3:C4."
    ]


def test_names(file):
    fill(file, [["a", None, "b "], [1, "x", 2], [2, "y", 3]])
    contents = read(file)
    assert list(contents.codes) == ["a", "unnamed_2", "b"]
    assert told(contents, "name") == ["Columns without a name in the header are called unnamed_2."]
    fill(file, [["q1", "x", "q1"], [1, 2, 3]])
    assert refused(file, DuplicateNameError) == (
        "poll.xlsx, sheet 'Sheet' has the column name 'q1' in A1 and C1. Rename one of them."
    )


def test_empty_rows_and_columns(file):
    fill(file, [["a", None, "b"], [1, None, 2], [], [], [3, None, None], []], lambda _, s: s.cell(40, 9).font)
    contents = read(file)
    assert contents.codes.to_dict("list")["a"] == [1, 3]
    assert list(contents.codes) == ["a", "b"]
    assert told(contents, "blank") == ["Empty rows among the data were left out: 3 to 4."]


def test_what_a_person_does_not_see_is_told(file):
    def hide(_, sheet):
        sheet.row_dimensions[3].hidden = sheet.row_dimensions[4].hidden = True
        sheet.column_dimensions["B"].hidden = True

    contents = read(fill(file, [["a", "b"], [1, 2], [3, 4], [5, 6]], hide))
    assert contents.codes["a"].tolist() == [1, 3, 5]
    assert told(contents, "hidden") == [
        "Hidden rows were read like the others: 3 to 4.",
        "Hidden columns were read like the others: b.",
    ]


def test_formulas(file):
    fill(file, [["a", "b", "c"], [1, "=A2*2", 5], [2, "=A3*2", 6]])
    assert "Formulas without a value stand in B2, B3: open the file in a spreadsheet program and save it" in refused(
        file
    )
    assert read(file, columns=("c", "a")).codes["c"].tolist() == [5, 6]
    cells = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'
    cells += '<row r="3"><c r="A3"><f>1+2</f><v>3</v></c></row>'
    contents = read(xlsx(file, {"S": cells}))
    assert contents.codes["a"].tolist() == [2, 3]
    assert told(contents, "formula") == ["2 cells hold formulas; the values of their last calculation were read."]
    contents = read(xlsx(file, {"S": cells}, book='<calcPr fullCalcOnLoad="1"/>'))
    assert told(contents, "formula")[0].endswith("open and save the file in a spreadsheet program.")
    empty = '<row r="1"><c r="A1" t="str"><v>a</v></c></row><row r="2"><c r="A2" t="str"><f>""</f><v></v></c></row>'
    assert read(xlsx(file, {"S": empty + '<row r="3"><c r="A3"><v>3</v></c></row>'})).codes["a"].tolist() == [3]


def test_error_values(file):
    fill(file, [["a", "b"], [1, "#N/A"], ["#REF!", 2]])
    text = refused(file)
    assert "Error values stand in B2 (#N/A), A3 (#REF!): correct them" in text
    assert "na=['#N/A', '#REF!']" in text
    assert read(file, na=("#N/A", "#REF!")).codes.isna().sum().to_dict() == {"a": 1, "b": 1}
    assert "A3 (#REF!)" in refused(file, na=("#N/A",))
    assert read(file, na=("#N/A",), columns=("b",)).codes["b"].tolist()[1] == 2


@pytest.mark.parametrize("word", ["Total", "ИТОГО:", "Всего", "sum", "Grand total"])
def test_a_total_is_no_respondent(file, word):
    fill(file, [["region", "n"], ["North", 5], ["South", 6], [word, 11], ["Source: the census"]])
    assert "Row 4 is a total, no respondent: delete it, or leave it out with row_limit=2." in refused(file)
    assert read_file(file, row_limit=2).codes["n"].tolist() == [5, 6]
    assert read_file(file, metadata_only=True).codes.shape == (0, 2)


def test_an_answer_that_reads_total_is_one(file):
    """A brand of petrol, named by others too."""
    contents = read(fill(file, [["brand"], ["Total"], ["Shell"], ["Total"]]))
    assert contents.codes["brand"].tolist() == ["Total", "Shell", "Total"]


def test_numbers_stored_as_text(file):
    fill(file, [["a", "b", "c"], ["1", "0.5", "x"], [2, "1.5", "y"], [3, "2", None]])
    contents = read(file)
    assert contents.codes.to_dict("list")["a"] == [1, 2, 3]
    assert contents.codes["b"].tolist() == [0.5, 1.5, 2.0]
    assert told(contents, "text_number") == ["Numbers stored as text were read as numbers: A2, column 'b'."]


def test_a_decimal_comma(file):
    fill(file, [["w", "v"], ["0,5", 1], ["1,25", "2,5"]])
    assert "Column 'v' holds numbers, and text in B3." in refused(file)
    assert 'read with decimal=","' in refused(file)
    contents = read(file, decimal=",")
    assert contents.codes["w"].tolist() == [0.5, 1.25] and contents.codes["v"].tolist() == [1, 2.5]
    assert read(file, columns=("w",)).codes["w"].tolist() == [0.5, 1.25]  # it proves itself
    assert "decimal=';' is not available" in refused(file, ArgumentError, decimal=";")


def test_text_among_numbers(file):
    fill(file, [["q1", "q2"], [1, 5], ["n/a", 6], [3, "отказ"], [4, "n/a"]])
    text = refused(file)
    assert "Column 'q1' holds numbers, and text in A3. If 'n/a' means no value, read with na=['n/a']." in text
    assert "Column 'q2' holds numbers, and text in B4, B5. Correct these cells" in text
    assert "отказ" not in text
    contents = read(file, na=("n/a", "отказ"))
    assert contents.codes["q2"].tolist()[:2] == [5, 6] and contents.codes["q2"].isna().sum() == 2
    assert read(file, na=("n/a", "3", "отказ")).codes["q1"].isna().sum() == 2


def test_a_few_numbers_among_open_answers_are_text(file):
    fill(file, [["other"], ["the war"], [2019], ["prices"], [0.5], ["jobs"], [date(2020, 1, 2)], ["taxes"]])
    contents = read(file)
    assert contents.codes["other"].tolist()[1::2] == ["2019", "0.5", "2020-01-02"]
    assert told(contents, "mixed") == ["'other' is kept as text; dates and numbers in A3, A5, A7 are text now."]


def test_columns_of_text_are_typed_as_in_csv(file):
    fill(file, [["w", "s"], ["1.5", "'=1"], ["n/a", "x"], ["2.5", "y"]])
    contents = read(file)
    assert contents.codes["s"].tolist()[0] == "'=1"  # no CSV guard here
    assert told(contents, "mixed") == [
        "'w' is kept as text: no plain number in A3. If 'n/a' means no value, read with na=['n/a']."
    ]


def test_other_mixtures(file):
    rows = [["d", "b"], [date(2020, 1, 1), True], [5, 1], [date(2020, 1, 3), False], ["unknown", True]]
    text = refused(fill(file, rows))
    assert "Column 'd' holds dates, and text in A5 and numbers in A3." in text
    assert "Column 'b' holds TRUE or FALSE, and numbers in B3. Correct these cells." in text


@needs_hostile
def test_hostile_merged_headers():
    text = refused(HOSTILE / "F01_merged_headers.xlsx")
    assert "row 1 has merged cells (A1:D1). Name the row that holds the column names with header=." in text
    for found in (
        "header=3",
        "merged cells B2:C2",
        "hidden rows 4",
        "formulas without a value B5",
        "error values D5 (#N/A)",
        "a total in row 5",
        "hidden sheets 'hidden'",
    ):
        assert found in text
    assert "'q1' in B3 and D3" in refused(HOSTILE / "F01_merged_headers.xlsx", DuplicateNameError, header=3)


@needs_hostile
def test_hostile_numbers_as_text():
    text = refused(HOSTILE / "F02_numbers_as_text.xlsx")
    assert "Column 'w' holds numbers, and text in B2, B4." in text
    assert "Column 'code' holds numbers, and text in C2 and TRUE or FALSE in C4." in text
    contents = read(HOSTILE / "F02_numbers_as_text.xlsx", columns=("id",))
    assert contents.codes["id"].tolist() == [1, 2, 3] and "A2" in told(contents, "text_number")[0]


@needs_hostile
def test_hostile_bomb():
    assert "as a ZIP bomb does" in refused(HOSTILE / "F03_xlsx_bomb.xlsx", ResourceLimitError)


def test_old_excel_files(tmp_path):
    file = tmp_path / "poll.xls"
    body = record(0x208, struct.pack("<HHHHHHI", 1, 0, 3, 0, 0, 0, 0x20)) + record(
        0x7D, struct.pack("<6H", 1, 1, 0, 0, 1, 0)
    )
    body += label(0, 0, "id") + label(0, 1, "возраст") + number(1, 0, 1) + number(1, 1, 30) + number(2, 0, 2)
    contents = read_file(xls(file, {"S": body + number(2, 1, 40), "T": label(0, 0, "x")}, hidden=("T",)))
    assert contents.codes.to_dict("list") == {"id": [1, 2], "возраст": [30, 40]}
    assert told(contents, "hidden") == [
        "Hidden rows were read like the others: 2.",
        "Hidden columns were read like the others: возраст.",
    ]
    assert "'T' (hidden)" in told(contents, "sheet")[0]
    assert contents.format == "xls"
    xls(file, {"S": body + boolean(2, 1, 0x2A, 1)})
    assert "Error values stand in B3 (#N/A)" in refused(file)
    assert np.isnan(read(file, na=("#N/A",)).codes["возраст"].iloc[1])


def test_open_document_files(tmp_path):
    file = tmp_path / "poll.ods"
    error = '<table:table-cell office:value-type="string" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
    head = f'<table:table table:name="S"><table:table-row>{ods_text("id")}{ods_text("q")}</table:table-row>'
    rest = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell/></table:table-row></table:table>'
    row = '<table:table-row table:visibility="filter">{}</table:table-row>'
    contents = read_file(ods(file, head + row.format(ods_number(1) + ods_number(2.5)) + rest))
    assert contents.codes.to_dict("list") == {"id": [1], "q": [2.5]}
    assert told(contents, "hidden") == ["Hidden rows were read like the others: 2."]
    ods(file, head + row.format(ods_number(1) + error) + rest)
    assert "Error values stand in B2 (#N/A)" in refused(file)
    formula = '<table:table-cell table:formula="of:=1+1"/>'
    ods(file, head + row.format(ods_number(1) + formula) + rest)
    assert "Formulas without a value stand in B2" in refused(file)


CELLS = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="2"><c r="A2"><v>1</v></c></row>'


def test_passwords(tmp_path):
    message = "is protected by a password. Save it without one."
    assert message in refused(compound(tmp_path / "p.xlsx", "EncryptedPackage", b"x" * 5000))
    assert message in refused(xls(tmp_path / "p.xls", {"S": b""}, globals_=record(0x2F, bytes(54))))
    assert message in refused(ods(tmp_path / "p.ods", "", "<manifest><encryption-data/></manifest>"))
    file = xlsx(tmp_path / "q.xlsx", {"S": CELLS})
    data = bytearray(file.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    file.write_bytes(data)
    assert message in refused(file)
    old = compound(tmp_path / "old.xlsx", "Workbook", b"")
    assert "looks like an old Excel workbook (.xls)" in refused(old, WrongFormatError)


def test_a_sheet_that_spans_too_much(tmp_path):
    """A cell in the last corner: a reader would take half a terabyte and be killed."""
    corner = CELLS + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    text = refused(xlsx(tmp_path / "a.xlsx", {"S": corner}), ResourceLimitError)
    assert (
        "sheet 'S' spans 17,179,869,184 cells; 25,000,000 are read at most. Delete what lies far from the data" in text
    )
    implied = CELLS + '<row r="1048575"/><row>' + "<c/>" * 16_383 + "<c><v>1</v></c></row>"
    assert "spans" in refused(xlsx(tmp_path / "b.xlsx", {"S": implied}), ResourceLimitError)
    far = {f"S{i}": label(0, 0, "a") + number(65_535, 255, 1) for i in range(3)}
    assert "the workbook spans" in refused(xls(tmp_path / "c.xls", far), ResourceLimitError)
    row = '<table:table-row table:number-rows-repeated="1048576">' + ods_number(
        1, ' table:number-columns-repeated="16384"'
    )
    bomb = f'<table:table table:name="S">{row}</table:table-row></table:table>'
    assert "the workbook spans" in refused(ods(tmp_path / "d.ods", bomb), ResourceLimitError)


def test_texts_that_are_stored_once_and_used_often(tmp_path):
    long = "x" * 30_000
    shared = f'<sst uniqueCount="1"><si><t>{long}</t></si></sst>'
    rows = "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>0</v></c></row>' for i in range(1, 20_001))
    text = refused(xlsx(tmp_path / "a.xlsx", {"S": rows}, shared=shared), ResourceLimitError)
    assert "the texts of sheet 'S' take 2.2 GB, more than is read." in text
    two = shared.replace("<si>", "<si><t>b</t></si><si>", 1).replace('"1"', '"2"')
    few = rows.replace("<v>0</v>", "<v>1</v>", 5)
    assert read(xlsx(tmp_path / "b.xlsx", {"S": few}, shared=two)).codes.shape == (19_999, 1)
    strings = struct.pack("<II", 1, 1) + struct.pack("<HB", 30_000, 0) + b"x" * 30_000
    uses = b"".join(record(0xFD, struct.pack("<HHHI", i // 250, i % 250, 0, 0)) for i in range(60_000))
    globals_ = record(0xFC, strings[:5000]) + record(0x3C, b"\0" + strings[5000:])
    assert "texts" in refused(xls(tmp_path / "c.xls", {"S": uses}, globals_=globals_), ResourceLimitError)
    times = ' table:number-columns-repeated="200"'
    row = f'<table:table-row table:number-rows-repeated="100">{ods_text(long, times)}</table:table-row>'
    table = f'<table:table table:name="S">{row}</table:table>'
    assert "texts" in refused(ods(tmp_path / "d.ods", table), ResourceLimitError)


def test_numbers_in_a_file_that_would_reserve_all_memory(tmp_path):
    shared = '<sst uniqueCount="4294967295"><si><t>a</t></si></sst>'
    assert "declares 4,294,967,295 texts in" in refused(
        xlsx(tmp_path / "a.xlsx", {"S": CELLS}, shared=shared), DamagedFileError
    )
    for size in ((0, 2**32 - 1, 0, 65_535, 0), (9, 5, 0, 1, 0)):
        body = record(0x200, struct.pack("<IIHHH", *size)) + label(0, 0, "a")
        assert "a sheet declares rows" in refused(xls(tmp_path / "b.xls", {"S": body}), DamagedFileError)


def test_bombs_and_lies_in_the_container(tmp_path):
    file = tmp_path / "a.xlsx"
    zeros = worksheet("<row/>" * 1_000_000)
    assert "inflates from" in refused(xlsx(file, {"S": zeros}), ResourceLimitError)
    xlsx(file, {"S": CELLS})
    sound = file.read_bytes()
    data = bytearray(sound)
    at = data.index(b"PK\x01\x02", data.rindex(b"PK\x01\x02"))
    data[at + 24 : at + 28] = struct.pack("<I", 50)  # the sheet declares fewer bytes than it has
    file.write_bytes(data)
    assert "inflates beyond the 50 bytes it declares" in refused(file, ResourceLimitError)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
        archive.writestr("xl/Workbook.xml", "<b/>")
    assert "holds the part 'xl/workbook.xml' more than once" in refused(file, DamagedFileError)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    assert "is compressed in an unusual way" in refused(file)
    for cut in (30, 400, len(sound) - 10):
        file.write_bytes(sound[:cut])
        assert "truncated or damaged" in refused(file, DamagedFileError)


def test_damaged_parts(tmp_path):
    file = tmp_path / "a.xlsx"
    broken = worksheet(CELLS).replace("</row>", "", 1).replace('r="A2"', 'r="A2" hidden="1"')
    assert "is no XML" in refused(xlsx(file, {"S": broken}), DamagedFileError)
    entities = '<!DOCTYPE a [<!ENTITY b "bb">]>' + worksheet(CELLS.replace('r="A2"', 'r="A2" hidden="1"'))
    assert "declares a document type" in refused(xlsx(file, {"S": entities}), DamagedFileError)
    encoding = '<?xml version="1.0" encoding="UTF-9"?>' + worksheet(CELLS.replace('r="A2"', 'r="A2" hidden="1"'))
    assert "is no XML" in refused(xlsx(file, {"S": encoding}), DamagedFileError)
    lost = CELLS.replace('t="inlineStr"><is><t>a</t></is>', 't="s"><v>7</v>')
    assert "damaged and cannot be read" in refused(xlsx(file, {"S": lost}), DamagedFileError)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    assert "its part 'xl/_rels/workbook.xml.rels' is missing" in refused(file, DamagedFileError)
    assert "has no end" in refused(compound(tmp_path / "a.xls", "Workbook", b"", endless=True), DamagedFileError)
    assert "no workbook of Excel" in refused(compound(tmp_path / "b.xls", "Other", b""))
    twice = '<table:table table:name="S"/>' * 2
    assert "two sheets 'S'" in refused(ods(tmp_path / "a.ods", twice), DamagedFileError)


def test_a_failure_inside_the_library_is_an_error_of_ours(tmp_path):
    """A panic of the reader is no Exception of Python's; and it prints, so it happens elsewhere here."""
    file = xls(tmp_path / "a.xls", {"S": label(0, 0, "a") + record(0xE5, struct.pack("<HHHHH", 9, 0, 1, 0, 1))})
    script = f"""
from pathlib import Path
from survey_kit.errors import DamagedFileError
from survey_kit.io.contents import ReadOptions
from survey_kit.io.excel.read import read_excel
try:
    read_excel(Path({str(file)!r}), ReadOptions())
except DamagedFileError as error:
    print("refused:", error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "refused: a.xls is damaged and cannot be read (" in done.stdout


@pytest.mark.parametrize("kind", ["xlsx", "xls", "ods"])
def test_any_cut_of_a_file_is_refused(tmp_path, kind):
    file = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        xlsx(file, {"S": CELLS})
    elif kind == "xls":
        xls(file, {"S": label(0, 0, "a") + number(1, 0, 1)})
    else:
        row = f"<table:table-row>{ods_text('a')}</table:table-row>"
        ods(file, f'<table:table table:name="S">{row}</table:table>')
    whole = file.read_bytes()
    for cut in range(0, len(whole) - 512, 97):
        file.write_bytes(whole[:cut])
        assert refused(file)
    file.write_bytes(whole)
    assert list(read(file).codes) == ["a"]


def test_a_large_sheet_is_whole(file):
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("data")
    sheet.append([f"q{i}" for i in range(30)])
    for i in range(2_000):
        sheet.append([i] * 30)
    workbook.save(file)
    codes = read(file).codes
    pd.testing.assert_frame_equal(codes, pd.DataFrame({f"q{i}": np.arange(2_000) for i in range(30)}))


def test_many_numbers_stored_as_text_are_numbers(file):
    fill(file, [["a"], *([str(i)] for i in range(5_000)), [5_000], ["7 "]])
    assert read(file).codes["a"].tolist() == [*range(5_001), 7]


def test_rows_beyond_those_asked_for_stand_in_no_way(file):
    def error(workbook, sheet):
        sheet["B4"] = "#N/A"
        sheet["B4"].data_type = "e"

    fill(file, [["a", "b", "c"], [1, 2, "x"], [2, 3, "y"], ["oops", 4, "z"], [True, 5, "z"]], error)
    with pytest.raises(FileFormatError, match="Error values stand in B4"):
        read(file)
    with pytest.raises(FileFormatError, match="Column 'a' holds numbers, and text in A4"):
        read(file, rows=3)
    part = read(file, rows=2)
    assert part.codes.to_dict("list") == {"a": [1, 2], "b": [2, 3], "c": ["x", "y"]}
    assert told(part, "partial") == ["Only the first 2 rows were read."]
    bare = read(file, rows=0)
    assert bare.codes.shape == (0, 3) and list(bare.codebook) == ["a", "b", "c"]
    assert [bare.codebook[n].measure for n in "abc"] == ["nominal", "scale", "nominal"]


@pytest.mark.parametrize(
    "rows, cells",
    [
        ([["a", "b"], [1, "=A2+1"], [2, 5]], "B2"),
        ([["a", "b"], [1, "=A2+1"], [2, "=A3+1"]], "B2, B3"),
        ([["id", "b"], [1, 2], [3, 4], [None, "=SUM(B2:B3)"]], "B4"),
        ([["id", "b"], [1, 2], ["=A2+1", None]], "A3"),
    ],
)
def test_every_formula_that_was_never_calculated_is_named(tmp_path, rows, cells):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / "poll.xlsx")
    with pytest.raises(FileFormatError, match=f"Formulas without a value stand in {cells}:"):
        read_file(tmp_path / "poll.xlsx")
