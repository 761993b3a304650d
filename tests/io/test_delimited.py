"""Text files: encodings, delimiters, numbers and what only looks like them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, DamagedFileError, EncodingError, FileFormatError
from survey_kit.io import read_file, write_file
from survey_kit.io.codebooks.save import save_codebook


@pytest.fixture
def write(tmp_path):
    def put(content: str | bytes, name: str = "poll.csv", encoding: str = "utf-8"):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return file

    return put


def kinds(contents):
    return [n.kind for n in contents.notices]


def test_a_plain_file_gives_numbers_and_text(write):
    contents = read_file(write("id,w,vote\n1,0.5,yes\n2,,\n3,1e-05,no\n"))
    assert contents.codes.dtypes.astype(str).to_dict() == {"id": "int64", "w": "float64", "vote": "str"}
    assert contents.codes["w"].tolist() == pytest.approx([0.5, np.nan, 1e-05], nan_ok=True)
    assert contents.codes["vote"].isna().tolist() == [False, True, False]
    assert [contents.codebook[c].measure for c in contents.codes] == ["scale", "scale", "nominal"]
    assert (contents.notices, contents.format, contents.codebook.encoding) == ((), "csv", "utf-8")


def test_na_none_and_null_are_text(write):
    file = write("country\nNA\nNone\nnull\nnan\n-\n")
    contents = read_file(file)
    assert contents.codes["country"].tolist() == ["NA", "None", "null", "nan", "-"]
    assert contents.notices == ()
    assert read_file(file, na=["NA"]).codes["country"].isna().tolist() == [True, False, False, False, False]


def test_na_among_numbers_is_said_and_can_be_declared(write):
    file = write("age\n20\nNA\n30\n")
    (notice,) = read_file(file).notices
    assert notice.text == (
        "'age' is kept as text: no plain number in row 2. They are 'NA'; if that means no value, read with na=['NA']."
    )
    declared = read_file(file, na=["NA"])
    assert declared.codes["age"].tolist() == pytest.approx([20, np.nan, 30], nan_ok=True)
    assert declared.notices == ()


@pytest.mark.parametrize("values", [["007", "012"], ["1", "0012"], ["1E5", "12"], ["+375", "12"], ["1e400", "1"]])
def test_ids_stay_text(write, values):
    contents = read_file(write("id,x\n" + "".join(f"{v},1\n" for v in values)))
    assert contents.codes["id"].tolist() == values
    assert len(contents.notices) == 1


def test_integers_too_large_for_their_column_stay_text(write):
    contents = read_file(write("a,b\n12345678901234567890,9007199254740993\n1,\n"))
    assert contents.codes["a"].tolist()[0] == "12345678901234567890"
    assert contents.codes["b"].tolist()[0] == "9007199254740993"
    assert "could not hold every digit: a, b" in contents.notices[0].text


def test_a_stray_text_among_numbers_names_its_row(write):
    rows = [str(i) for i in range(1, 100)]
    rows[41] = "many"
    contents = read_file(write("w\n" + "\n".join(rows) + "\n"))
    assert contents.codes["w"].dtype == "str"
    assert contents.notices[0].text == "'w' is kept as text: no plain number in row 42."
    assert contents.notices[0].count == 1


def test_infinity_is_no_number(write):
    contents = read_file(write("w\n1\n-inf\n2\n"))
    assert contents.codes["w"].tolist() == ["1", "-inf", "2"]
    assert kinds(contents) == ["mixed"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_semicolons_decimal_commas_and_grouped_thousands(write, encoding):
    text = 'id;w;город\n1;1,25;Минск\n2;1 234,5;"Гомель; центр"\n3;1\u00a0000;"две\nстроки"\n'
    contents = read_file(write(text, encoding=encoding))
    assert contents.codes["w"].tolist() == [1.25, 1234.5, 1000.0]
    assert contents.codes["город"].tolist() == ["Минск", "Гомель; центр", "две\nстроки"]
    assert list(contents.codes) == ["id", "w", "город"]
    assert kinds(contents) == ["decimal"]


def test_1_234_alone_is_not_guessed(write):
    file = write("id;w\n1;1,234\n2;2,500\n")
    contents = read_file(file)
    assert contents.codes["w"].tolist() == ["1,234", "2,500"]
    assert 'read with decimal=","' in contents.notices[0].text
    assert read_file(file, decimal=",").codes["w"].tolist() == [1.234, 2.5]


def test_points_among_decimal_commas_are_not_guessed(write):
    contents = read_file(write("a;b\n1,5;1.234\n0,5;2.000\n"))
    assert contents.codes["a"].tolist() == [1.5, 0.5]
    assert contents.codes["b"].tolist() == ["1.234", "2.000"]


def test_decimal_and_delimiter_are_checked(write):
    file = write("a,b\n1,2\n")
    with pytest.raises(ArgumentError, match=r"decimal='x' is not available"):
        read_file(file, decimal="x")
    with pytest.raises(ArgumentError, match=r"delimiter='ab' is not one character"):
        read_file(file, delimiter="ab")
    assert list(read_file(file, delimiter=";").codes) == ["a,b"]


def test_a_tab_file_named_csv_is_said(write):
    contents = read_file(write("a\tb\n1\t2\n"))
    assert contents.codes.to_dict("list") == {"a": [1], "b": [2]}
    assert kinds(contents) == ["delimiter"]
    assert read_file(write("a\tb\n1\t2\n", name="poll.tsv")).notices == ()


def test_ragged_rows_are_refused_with_line_numbers(write):
    with pytest.raises(FileFormatError, match=r"the header has 3 fields, but line 2 has 2, line 3 has 4\."):
        read_file(write("a,b,c\n1,2\n1,2,3,4\n1,2,3\n"))


def test_line_numbers_count_lines_inside_quotes(write):
    with pytest.raises(FileFormatError, match=r"line 4 has 1"):
        read_file(write('a,b\n"x\ny",1\nz\n'))


def test_an_open_quote_is_refused(write):
    with pytest.raises(FileFormatError, match="quotes around line 3 do not match"):
        read_file(write('a,b\n"x,1\ny,2\n'))


def test_nul_bytes_are_refused_with_their_offset(write):
    with pytest.raises(FileFormatError, match=r"NUL byte at offset 9 \(line 2\)"):
        read_file(write(b"id,q1\n1,a\x00b\n"))


def test_header_only_gives_no_rows(write):
    assert read_file(write("id,q1\n")).codes.shape == (0, 2)


def test_a_blank_line_in_a_file_of_one_column_is_a_row(write):
    assert read_file(write("w\n1\n\n2\n")).codes["w"].tolist() == pytest.approx([1, np.nan, 2], nan_ok=True)


def test_blank_lines_elsewhere_are_counted(write):
    contents = read_file(write("a,b\n1,2\n\n3,4\n\n"))
    assert len(contents.codes) == 2
    assert contents.notices[0].text == "2 blank lines were left out."


def test_doubled_names_are_refused_and_empty_ones_filled(write):
    with pytest.raises(FileFormatError, match="column name 'a' at positions 1 and 3"):
        read_file(write("a,b,a\n1,2,3\n"))
    contents = read_file(write(',x\n"1",2\n'))
    assert list(contents.codes) == ["unnamed_1", "x"]
    assert kinds(contents) == ["name"]


def test_cp1251_is_not_guessed_but_previewed(write):
    file = write("id,ответ\n1,полностью одобряю\n", encoding="cp1251")
    with pytest.raises(EncodingError, match=r"is not valid utf-8.*encoding=\"cp1251\" gives “id,ответ”"):
        read_file(file)
    contents = read_file(file, encoding="cp1251")
    assert contents.codes["ответ"].tolist() == ["полностью одобряю"]
    assert contents.codebook.encoding == "cp1251"


def test_an_encoding_that_does_not_exist(write):
    with pytest.raises(ArgumentError, match=r"encoding='klingon' is not an encoding"):
        read_file(write("a,b\n1,2\n"), encoding="klingon")


def test_a_wide_file_and_a_long_row(write):
    wide = ",".join(f"v{i}" for i in range(3000)) + "\n" + ",".join(["1"] * 3000) + "\n"
    assert read_file(write(wide)).codes.shape == (1, 3000)
    long = "a,b\n" + "x" * 100_000 + ",1\n"
    assert read_file(write(long)).codes["a"].str.len().tolist() == [100_000]


def test_random_tables_come_back(write):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"i": rng.integers(-9, 9, 500), "x": rng.normal(size=500), "t": rng.choice(["a", 'b "q"', "c,d"], 500)}
    )
    file = write(frame.to_csv(index=False, lineterminator="\n"))
    pd.testing.assert_frame_equal(read_file(file).codes, frame.astype({"t": "str"}))


def test_iso_dates_are_dates_and_others_stay_text(tmp_path):
    file = tmp_path / "poll.csv"
    file.write_text(
        "a,b,c,d\n2022-12-05,2022-12-05 18:05:00.25,05.12.2022,2022-02-30\n,,06.12.2022,2022-03-01\n", encoding="utf-8"
    )
    codes = read_file(file).codes
    assert codes["a"].tolist() == [pd.Timestamp("2022-12-05"), pd.NaT]
    assert codes["b"].iloc[0] == pd.Timestamp("2022-12-05 18:05:00.25")
    assert codes.dtypes.astype(str).tolist() == ["datetime64[us]", "datetime64[us]", "str", "str"]
    again = tmp_path / "again.csv"
    write_file(again, codes, Codebook())
    pd.testing.assert_frame_equal(read_file(again).codes, codes)


def test_first_rows_and_no_rows_have_the_types_of_the_whole(tmp_path):
    file = tmp_path / "poll.csv"
    file.write_text("a,b\n1,x\n2,y\n,z\n", encoding="utf-8")
    whole, first, none = (read_file(file, **o) for o in ({}, {"row_limit": 2}, {"metadata_only": True}))
    assert first.codes["a"].tolist() == [1, 2]
    assert [n.text for n in first.notices] == ["Only the first 2 rows were read."]
    assert len(none.codes) == 0 and not none.notices
    assert whole.codes.dtypes.tolist() == first.codes.dtypes.tolist() == none.codes.dtypes.tolist()


def test_bad_bytes_of_a_text_file_are_replaced_on_demand(tmp_path):
    file = tmp_path / "poll.csv"
    file.write_bytes("город,n\nМинск,1\nБрест,2\n".encode().replace("рест".encode(), b"\xff\xfe"))
    with pytest.raises(EncodingError, match='The rest of its text is valid: read it with errors="replace"'):
        read_file(file)
    contents = read_file(file, errors="replace")
    assert contents.codes["n"].tolist() == [1, 2]
    assert contents.codes["город"].tolist() == ["Минск", "Б\ufffd\ufffd"]
    assert [n.text for n in contents.notices] == [
        "Text that is not valid utf-8 holds the sign U+FFFD in its place: line 3."
    ]


def test_tabs_come_back(tmp_path):
    codes = pd.DataFrame({"a": [1, 2], "b": pd.Series(["x, y", "=1+1"], dtype="str")})
    write_file(tmp_path / "poll.tsv", codes, Codebook())
    assert (tmp_path / "poll.tsv").read_text(encoding="utf-8").startswith("a\tb\n")
    pd.testing.assert_frame_equal(read_file(tmp_path / "poll.tsv").codes, codes)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_that_nothing_announces(tmp_path, encoding):
    file = tmp_path / "poll.csv"
    file.write_bytes("id;vote\n1;yes\n2;нет\n".encode(encoding))
    with pytest.raises(EncodingError, match=f'poll.csv looks like UTF-16 without .* encoding="{encoding}"'):
        read_file(file)
    assert read_file(file, encoding=encoding).codes["vote"].tolist() == ["yes", "нет"]


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r"])
def test_the_likeliest_cyrillic_encoding_is_named_first(tmp_path, encoding):
    file = tmp_path / "poll.csv"
    file.write_bytes("q;город\n1;Алматы и область\n2;Полностью доверяю\n".encode(encoding))
    with pytest.raises(EncodingError, match=f'Name its encoding: encoding="{encoding}" gives “q;город”'):
        read_file(file)


def test_blanks_beside_numbers_and_dates_do_not_count(write):
    contents = read_file(write("id, n,w,d,t,blank\n1, 34, 0.5,2022-12-31 , a,  \n2,5 ,,\t2023-01-01,b , \n"))
    assert contents.codes["n"].tolist() == [34, 5] and contents.codes["n"].dtype == "int64"
    assert contents.codes["w"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert contents.codes["d"].tolist() == [pd.Timestamp("2022-12-31"), pd.Timestamp("2023-01-01")]
    assert contents.codes["t"].tolist() == [" a", "b "] and contents.codes["blank"].tolist() == ["  ", " "]
    assert [(n.kind, n.text, n.count) for n in contents.notices] == [
        ("blank", "Blanks beside numbers or dates do not count: n, w, d.", 3)
    ]


def test_blanks_beside_numbers_with_a_decimal_comma(write):
    assert read_file(write("a;b\n1; 2,55\n2;3,5 \n")).codes["b"].tolist() == [2.55, 3.5]


def test_blanks_beside_what_stays_text(write):
    contents = read_file(write("a,z\n5 , 007\n NA,012\n 7,1\n"))
    assert contents.codes["a"].tolist() == ["5 ", " NA", " 7"] and contents.codes["z"].tolist() == [" 007", "012", "1"]
    assert contents.notices[0].text == (
        "'a' is kept as text: no plain number in row 2. They are ' NA'; if that means no value, read with na=[' NA']."
    )
    assert read_file(write("a\n5 \n NA\n"), na=[" NA"]).codes["a"].tolist() == pytest.approx([5, np.nan], nan_ok=True)


def test_a_day_that_does_not_exist_is_named(write):
    contents = read_file(write("d,x\n2022-02-28,1\n2022-02-30,1\n,1\n2022-13-01,1\n"))
    assert contents.codes["d"].tolist()[:2] == ["2022-02-28", "2022-02-30"]
    (notice,) = contents.notices
    assert (notice.kind, notice.count) == ("date", 2)
    assert notice.text == "'d' is kept as text: no such day or time in rows 2, 4."


@pytest.mark.parametrize("first", ["sep=;\r\n", "SEP=;\n", '"sep=;"\n', "sep=;\r"])
def test_a_first_line_that_names_the_delimiter(write, first):
    contents = read_file(write("\ufeff" + first + "a;b\n1;x,y\n"))
    assert contents.codes.to_dict("list") == {"a": [1], "b": ["x,y"]} and contents.notices == ()
    with pytest.raises(FileFormatError, match="the header has 2 fields, but line 4 has 3"):
        read_file(write(first + "a;b\n1;2\n1;2;3\n"))


def test_a_delimiter_that_only_the_first_line_names(write):
    contents = read_file(write("sep=#\na#b\n1#2\n"))
    assert contents.codes.to_dict("list") == {"a": [1], "b": [2]} and contents.notices == ()
    assert list(read_file(write("sep=x\n1\n")).codes) == ["sep=x"]


def test_no_columns(write):
    file = write("a,b\n1,2\n3,4\n")
    contents = read_file(file, columns=[])
    assert contents.codes.shape == (2, 0) and not contents.codebook.variables


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-8"])
def test_a_byte_order_mark_is_no_part_of_a_name(write, encoding):
    file = write("\ufeffid;vote\n1;yes\n", encoding=encoding)
    for stated in (encoding, None):
        assert list(read_file(file, encoding=stated).codes) == ["id", "vote"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_nul_characters_in_other_encodings_are_refused(write, encoding):
    file = write("a,b\n1,x\0y\n", encoding=encoding)
    for errors in ("strict", "replace"):
        with pytest.raises(DamagedFileError, match="poll.csv holds a NUL character in line 2. Remove it."):
            read_file(file, encoding=encoding, errors=errors)


def test_a_field_that_is_too_long_is_not_called_a_quote(write, tmp_path):
    file = write("a,b\n1," + "x" * 131_073 + "\n")
    with pytest.raises(
        FileFormatError, match="line 2 or later has more than 131,072 characters. Is a quote before it not"
    ):
        read_file(file)
    notices = write_file(tmp_path / "long.csv", pd.DataFrame({"t": ["x" * 131_073]}), Codebook())
    assert "texts of more than 131,072 characters so that `read_file` takes them: t" in notices[0].text


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_column_names_run_no_formula(tmp_path, suffix):
    file = tmp_path / f"poll.{suffix}"
    codes = pd.DataFrame({"=1+1": [1], "'@x": [2], "'90s": [3], "-5": [4]})
    notices = write_file(file, codes, Codebook())
    mark = "," if suffix == "csv" else "\t"
    assert file.read_text().splitlines()[0] == mark.join(["'=1+1", "''@x", "'90s", "-5"])
    assert notices[0].text == "2 texts that a spreadsheet would run as a formula were given a leading quote."
    contents = read_file(file)
    pd.testing.assert_frame_equal(contents.codes, codes)
    assert [n.text for n in contents.notices] == [
        "The quote that guards column names from spreadsheets was taken off: =1+1, '@x."
    ]


def test_text_that_reads_back_as_numbers_is_told(tmp_path):
    codes = pd.DataFrame({"q": ["1", "2"], "d": ["2022-12-31", ""], "t": ["01", "x"], "n": [1, 2]})
    (notice,) = write_file(tmp_path / "poll.csv", codes, Codebook())
    assert notice.kind == "lost"
    assert "that these columns are text, which read back as numbers or dates: q, d" in notice.text


def test_text_codes_come_back_with_their_codebook(tmp_path):
    codes = pd.DataFrame({"q": pd.Series(["1", None, "2"], dtype="str"), "m": ["1", "98", "98"]})
    book = Codebook(
        {"q": Variable("q", labels={"1": "Yes", "2": "No"}), "m": Variable("m", missing=MissingRule(("98",)))}
    )
    write_file(tmp_path / "poll.csv", codes, book)
    for suffix in ("yml", "csv", "json"):
        save_codebook(tmp_path / f"book.{suffix}", book)
        contents = read_file(tmp_path / "poll.csv", codebook=tmp_path / f"book.{suffix}")
        pd.testing.assert_frame_equal(contents.codes, codes)
        assert contents.codebook["q"].labels == book["q"].labels and contents.codebook["m"].missing == book["m"].missing


@pytest.mark.parametrize("text", ["a,b", "q", "a;b", '"a","b"'])
def test_a_header_without_a_line_end(tmp_path, text):
    file = tmp_path / "poll.csv"
    file.write_text(text, encoding="utf-8")
    assert read_file(file).codes.shape == (0, 1 if text == "q" else 2)
    file.write_text(
        text + "\n" + ("1" if text == "q" else "1,2".replace(",", ";" if ";" in text else ",")), encoding="utf-8"
    )
    assert len(read_file(file).codes) == 1
