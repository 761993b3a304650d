"""SPSS portable files: their numbers, records, encodings and damage; what is written, and what is refused."""

from __future__ import annotations

import math
import random
import struct
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.codebooks import surveys

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    EncodingError,
    OutputError,
    ReadError,
    ResourceLimitError,
    TruncatedFileError,
    UnknownNameError,
    UnsupportedOption,
    WrongFormatError,
)
from survey_kit.io import read_file, write_file
from survey_kit.io.spss.por_numbers import format_number, parse_number
from survey_kit.io.spss.por_records import read_records

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz .<(+|&[]!$*);^-/|,%_>?`:#@'=\""


def portable(records: str, encoding: str = "latin-1", title: str = "", signs: str = "ascii", line: int = 80) -> bytes:
    """A portable file from its records after the version; `signs` is the character set of the machine it comes from."""
    table = "0" * 64 + SIGNS
    head = "0" * 40 + "ASCII SPSS PORT FILE" + title.ljust(20) + "0" * 120 + table.ljust(256, "0")
    body = records.encode(encoding) if signs == "ascii" else records.encode(signs)
    raw = head.encode(signs) + "SPSSPORTA8/200001016/000000".encode(signs) + body
    raw += "Z".encode(signs) * (-len(raw) % 80 or 80)
    return b"\r\n".join(raw[i : i + line] for i in range(0, len(raw), line)) + b"\r\n"


@pytest.fixture
def basic(tmp_path):
    file = tmp_path / "poll.por"
    file.write_bytes(
        portable(
            "14/abcd42/5B/61/W70/2/Q15/1/0/5/1/0/89/B-9/-1/C5/First70/1/W5/8/2/5/8/2/"
            "D1/2/Q12/1/3/Yes2/2/NoE2/4/note3/twoF1/1.F/*.0.F/9/A/-9/-1/",
            title="My poll",
        )
    )
    return file


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "value"),
        [("27", 67.0), ("-1.F", -1.5), ("  5", 5.0), ("5+2", 4500.0), ("1-1", 1 / 30), ("0.A", 1 / 3), ("-0", 0.0)],
    )
    def test_parse(self, text, value):
        assert parse_number(text) == value

    @pytest.mark.parametrize("text", ["", "-", ".", "1.2.3", "5U", "1+", "1+AAAA", "1e5", "9" * 500, "a"])
    def test_what_is_no_number(self, text):
        with pytest.raises(ValueError, match="what stands there is no"):
            parse_number(text)

    def test_huge_exponents_end_quickly(self):
        assert parse_number("1+TT") == math.inf
        assert parse_number("1-TTT") == 0.0

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_every_double_comes_back(self, value):
        assert parse_number(format_number(value)) == value

    def test_doubles_of_random_bits(self):
        bits = random.Random(5)
        for _ in range(3000):
            (value,) = struct.unpack("<d", struct.pack("<Q", bits.getrandbits(64)))
            if math.isfinite(value):
                assert parse_number(format_number(value)) == value


class TestRead:
    def test_records(self, basic):
        contents = read_file(basic)
        codes, book = contents.codes, contents.codebook
        assert codes["Q1"].tolist()[0::2] == [1.0, 9.0]
        assert math.isnan(codes["Q1"][1])
        assert codes["Q1"].tolist()[3] == -9.0
        assert codes["W"].tolist() == [1.5, 0.5, 10.0, -1.0]
        assert codes.dtypes.astype(str).tolist() == ["float64", "float64"]
        assert book["Q1"] == Variable(
            "Q1", "First", {1: "Yes", 2: "No"}, MissingRule((9.0,), ((-9.0, -1.0),)), format="F1.0"
        )
        assert (book.title, book.notes, book.weight, book.encoding) == ("My poll", ("note", "two"), "W", "utf-8")
        assert contents.format == "por"
        assert [n.kind for n in contents.notices] == ["weight"]

    def test_columns_and_rows(self, basic):
        assert list(read_file(basic, columns=["W", "Q1"]).codes) == ["W", "Q1"]
        part = read_file(basic, columns=["Q1"], row_limit=2)
        assert len(part.codes) == 2
        assert part.codebook.weight is None
        assert [n.text for n in part.notices] == ["Only the first 2 rows were read."]
        empty = read_file(basic, metadata_only=True)
        assert empty.codes.shape == (0, 2)
        assert empty.codes.dtypes.astype(str).tolist() == ["float64", "float64"]
        with pytest.raises(UnknownNameError, match=r"No column 'Q11'\. Did you mean 'Q1'\?"):
            read_file(basic, columns=["Q11"])

    def test_low_and_high_ranges_and_texts(self, tmp_path):
        file = tmp_path / "poll.por"
        file.write_bytes(
            portable(
                "43/70/1/A5/1/0/5/1/0/90/70/1/B5/1/0/5/1/0/A8/73/1/S1/3/0/1/3/0/81/xD1/1/S1/1/x4/ExitF1/2/3/a  *.2/1/xZ"
            )
        )
        codes, book = (c := read_file(file)).codes, c.codebook
        assert book["A"].missing == MissingRule((), ((-math.inf, 0.0),))
        assert book["B"].missing == MissingRule((), ((8.0, math.inf),))
        assert book["S"] == Variable(
            "S", labels={"x": "Exit"}, missing=MissingRule(("x",)), measure="nominal", format="A3"
        )
        assert codes["S"].tolist() == ["a", "x"]
        assert codes["A"].isna().tolist() == [False, True]

    def test_dates_become_datetimes(self, tmp_path):
        file = tmp_path / "poll.por"
        file.write_bytes(portable(f"41/70/1/D18/A/0/18/A/0/F{format_number(13_166_064_000.0)}/*."))
        contents = read_file(file)
        assert contents.codebook["D"].format == "EDATE10"
        assert contents.codes["D"].dtype == "datetime64[us]"
        assert contents.codes["D"].tolist()[0] == pd.Timestamp("2000-01-01")

    @pytest.mark.parametrize("encoding", ["cp1251", "cp866", "utf-8"])
    def test_an_encoding_is_guessed_or_stated(self, tmp_path, encoding):
        labels = "Отношение к притоку приезжих"
        size = format_number(float(len(labels.encode(encoding))))
        town = "Караганда".encode(encoding)
        body = f"41/7A/1/S1/A/0/1/A/0/C{size}/".encode() + labels.encode(encoding)
        body += f"F{format_number(float(len(town)))}/".encode() + town
        file = tmp_path / "poll.por"
        file.write_bytes(_raw(body))
        contents = read_file(file)
        assert contents.codebook["S"].label == labels
        assert contents.codes["S"].tolist() == ["Караганда"]
        assert contents.codebook.encoding == encoding
        assert contents.notices[0].kind == "encoding"
        assert contents.notices[0].text.startswith(f"poll.por states no encoding; read as {encoding} (“Отношение")
        assert not [n for n in read_file(file, encoding=encoding).notices if n.kind == "encoding"]

    def test_a_wrong_encoding_is_refused_with_the_likely_one(self, tmp_path):
        text = "Отношение".encode("cp1251")
        file = tmp_path / "poll.por"
        file.write_bytes(_raw(b"41/70/1/S5/1/0/5/1/0/C9/" + text + b"F1/"))
        with pytest.raises(EncodingError, match=r'not valid in the stated encoding utf-8\. Try encoding="cp1251"'):
            read_file(file, encoding="utf-8")

    def test_a_file_of_a_mainframe(self, tmp_path):
        """EBCDIC as it is, in lines without ends."""
        records = "42/70/1/A5/1/0/5/1/0/C3/Age74/1/B1/4/0/1/4/0/F1K/4/text*.2/no"
        data = portable(records, signs="cp037").replace(b"\r\n", b"")
        file = tmp_path / "poll.por"
        file.write_bytes(data)
        contents = read_file(file)
        assert contents.codes["A"].tolist()[0] == 50.0
        assert contents.codes["B"].tolist() == ["text", "no"]
        assert contents.codebook["A"].label == "Age"

    def test_blanks_that_were_stripped_from_line_ends_are_there_again(self, tmp_path):
        blank = " " * 100
        file = tmp_path / "poll.por"
        data = portable(f"41/7{format_number(102.0)}/1/S1/2/0/1/2/0/F{format_number(102.0)}/a{blank}b")
        file.write_bytes(b"\n".join(line.rstrip(b" ") for line in data.split(b"\r\n")))
        assert read_file(file).codes["S"].tolist() == [f"a{blank}b"]

    def test_other_options_are_refused(self, basic):
        with pytest.raises(UnsupportedOption, match="does not apply to .por files"):
            read_file(basic, sheet="a")


def _raw(body: bytes) -> bytes:
    """A file whose records are bytes already."""
    head = portable("").replace(b"\r\n", b"").rstrip(b"Z")
    raw = head + body
    raw += b"Z" * (-len(raw) % 80 or 80)
    return b"\r\n".join(raw[i : i + 80] for i in range(0, len(raw), 80)) + b"\r\n"


class TestDamage:
    @pytest.mark.parametrize("share", [0.3, 0.7, 0.8, 0.9])
    def test_truncated(self, tmp_path, share):
        file = tmp_path / "poll.por"
        write_file(file, pd.DataFrame({"A": np.arange(200.0), "B": ["text"] * 200}), Codebook())
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(TruncatedFileError, match=r"poll\.por is truncated: it ends in"):
            read_file(file)

    def test_no_cut_is_read_as_whole(self, tmp_path):
        file = tmp_path / "poll.por"
        codes = pd.DataFrame({"A": [1.5, np.nan, 7.0, 3.0] * 20, "B": ["text", None, "x", "y"] * 20})
        write_file(file, codes, Codebook({"A": Variable("A", "Label", {1: "one"})}))
        data = file.read_bytes().rstrip(b"\r\nZ")
        for size in range(len(data)):
            file.write_bytes(data[: size or 1])
            with pytest.raises(ReadError):
                read_file(file)

    @pytest.mark.parametrize(
        ("records", "error", "text"),
        [
            ("42/70/1/A5/1/0/5/1/0/F1/", DamagedFileError, "declares 2 variables and describes 1"),
            ("41/70/1/A5/1/0/5/1/0/FU/", DamagedFileError, "row 1: what stands there is no number"),
            ("41/73/1/A1/3/0/1/3/0/F-1/a", DamagedFileError, "is no length of a text"),
            ("41/70/1/A5/1/0/5/1/0/D1/1/B1/1/1/xF1/", DamagedFileError, "'B', which is not there"),
            ("41/70/1/A5/1/0/5/1/0/D0/1/1/1/xF1/", DamagedFileError, "belong to no variable"),
            ("41/73/1/A1/3/0/1/3/0/91/xF1/a", DamagedFileError, "the text variable 'A' has a missing range"),
            ("4-1/", DamagedFileError, "stands where a count must stand"),
            ("81/", DamagedFileError, "no record begins with '8'"),
            ("X", DamagedFileError, "no record begins with 'X'"),
            ("42/70/1/A5/1/0/5/1/0/70/1/A5/1/0/5/1/0/F1/1/", DuplicateNameError, "'A' at positions 1 and 2"),
            ("11S+9/", DamagedFileError, "stands where a count must stand"),
        ],
    )
    def test_contradictions(self, tmp_path, records, error, text):
        file = tmp_path / "poll.por"
        file.write_bytes(portable(records))
        with pytest.raises(error, match=text):
            read_file(file)

    def test_other_files(self, tmp_path):
        file = tmp_path / "poll.por"
        for text in ("id,vote\n" * 200, "nothing of the kind" * 100):
            file.write_text(text, encoding="utf-8")
            with pytest.raises(WrongFormatError, match=r"does not begin as \.por files do"):
                read_file(file)
        file.write_text("short", encoding="utf-8")
        with pytest.raises(TruncatedFileError, match="ends inside its header"):
            read_file(file)

    def test_line_ends_alone_do_not_fill_the_memory(self, tmp_path):
        file = tmp_path / "poll.por"
        file.write_bytes(b"\n" * 3_000_000)
        with pytest.raises(DamagedFileError, match="far shorter than 80 columns"):
            read_file(file)


CODES = pd.DataFrame(
    {
        "Q1": [1.0, 2.0, 99.0, np.nan],
        "W": [0.1, 1 / 3, 1e10, 123.456],
        "CITY": pd.Series(["Минск", None, "NA", "я" * 100], dtype="str"),
        "DAY": pd.to_datetime(["2024-02-29", None, "1583-01-22", "9999-12-31"]).as_unit("us"),
        "N": [-5, 2**53, 0, 12_345_678_901],
    }
)
BOOK = Codebook(
    {
        "Q1": Variable(
            "Q1", "Первый / вопрос", {1.0: "Да", 2.0: "Нет"}, MissingRule((99.0,), ((-math.inf, -1.0),)), format="F3.0"
        ),
        "W": Variable("W", format="F8.2"),
        "CITY": Variable(
            "CITY", labels={"NA": "Namibia"}, missing=MissingRule(("NA",)), measure="nominal", format="A200"
        ),
        "DAY": Variable("DAY", format="EDATE10"),
        "N": Variable("N", format="F12.0"),
    },
    title="Опрос",
    notes=("one", "two"),
    weight="W",
    encoding="utf-8",
)


class TestWrite:
    def test_round_trip_twice_the_same_bytes(self, tmp_path):
        file = tmp_path / "poll.por"
        (notice,) = write_file(file, CODES, BOOK)
        assert notice.text == (
            "Text beyond ASCII is written in UTF-8, which an SPSS portable file cannot say: tell its reader, or write .sav."
        )
        first = file.read_bytes()
        write_file(file, CODES, BOOK)
        assert file.read_bytes() == first
        assert {len(line) for line in first.split(b"\r\n")} == {80, 0}
        back = read_file(file, encoding="utf-8")
        pd.testing.assert_frame_equal(back.codes, CODES.astype({"N": float}))
        assert back.codebook == BOOK

    def test_another_reader_agrees(self, tmp_path):
        file = tmp_path / "poll.por"
        codes = pd.DataFrame({"A": [1.5, 2.0, np.nan, -0.25], "S": ["x", "yy", None, "z"], "C": [0.1, 1e-7, 1e20, 3.0]})
        book = Codebook({"A": Variable("A", "Age", {1.5: "one", 2.0: "two"}), "S": Variable("S", labels={"x": "X"})})
        assert write_file(file, codes, book) == ()
        frame, meta = pyreadstat.read_por(file)
        np.testing.assert_allclose(frame["A"], codes["A"], rtol=0)
        np.testing.assert_allclose(frame["C"], codes["C"], rtol=1e-15)
        assert frame["S"].tolist() == ["x", "yy", "", "z"]
        assert meta.column_names_to_labels["A"] == "Age"
        assert meta.variable_value_labels == {"A": {1.5: "one", 2.0: "two"}, "S": {"x": "X"}}

    def test_what_the_format_does_not_hold_is_listed(self, tmp_path):
        codes = pd.DataFrame({"A": [1.0], "B": [2.0], "S": ["x "]})
        book = Codebook(
            {
                "A": Variable("A", question="Why?", measure="ordinal", width=4, alignment="left", filter="B = 1"),
                "B": Variable("B", attributes={"k": "v"}, origin="made"),
            },
            {"m": MultipleResponse("m", ("A", "B"))},
            attributes={"k": "v"},
        )
        (notice,) = write_file(tmp_path / "a.por", codes, book)
        assert notice.kind == "lost"
        assert notice.text == (
            "SPSS portable does not hold the wording of A; the filter of A; the origin of B; the measurement level of A; the "
            "display width of A; the alignment of A; the attributes of B; the multiple-response sets m; the file's attributes "
            "k; blanks at the end of text of S. Write .parquet to keep them, or .sav for most of them."
        )

    def test_long_labels_are_cut_at_a_character_and_listed(self, tmp_path):
        long = "ж" * 200
        book = Codebook({"A": Variable("A", long, {1: long, 2: "two\nlines"})}, title="т" * 30, notes=("н" * 60,))
        notices = write_file(tmp_path / "a.por", pd.DataFrame({"A": [1.0]}), book)
        assert notices[0].text == (
            "Too long for SPSS portable, or with line ends, and cut or made blank: the file's title, the label of 'A', the "
            "label of 'A' = 1, the label of 'A' = 2. Write .parquet to keep them."
        )
        assert notices[1].text == "Notes were broken into lines of at most 80 bytes."
        back = read_file(tmp_path / "a.por").codebook
        assert back["A"].label == "ж" * 127
        assert back["A"].labels[2] == "two lines"
        assert back.title == "т" * 10
        assert back.notes == ("н" * 40, "н" * 20)

    def test_extended_missing_values_become_one_range(self, tmp_path):
        rule = MissingRule((-1000001, -1000002, -1000003, -1000004))
        notices = write_file(
            tmp_path / "a.por", pd.DataFrame({"A": [-1000001.0, 1.0]}), Codebook({"A": Variable("A", missing=rule)})
        )
        assert "single missing codes, which became one range, of A" in notices[0].text
        assert read_file(tmp_path / "a.por").codebook["A"].missing == MissingRule((), ((-1000004.0, -1000001.0),))

    @pytest.mark.parametrize(
        ("codes", "variable", "text"),
        [
            ({"q1": [1.0], "LONGERNAME": [1.0]}, None, "these do not fit: LONGERNAME. Rename them"),
            ({"A": ["ж" * 128]}, None, "variable 'A' holds a text of 256 bytes in row 1; SPSS portable holds 255"),
            ({"A": ["a", "b\nc"]}, None, "'A' holds a line end, tab or other control character in row 2"),
            ({"A": [1.0, math.inf]}, None, "'A' holds an infinite value in row 2"),
            ({"A": [2**53 + 1]}, None, "'A' holds an integer beyond 2^53 in row 1"),
            ({"A": pd.Categorical(["a"])}, None, "'A' holds categories"),
            ({"A": [1.0]}, Variable("A", labels={"x": "X"}), "'A' is numeric, but a code of its labels"),
            ({"A": [1.0]}, Variable("A", missing=MissingRule((1, 2, 3, 4))), "4 discrete missing values and 0 ranges"),
            ({"A": [1.0]}, Variable("A", labels={math.inf: "X"}), "a code that is not finite"),
            ({}, None, "there are no columns to write"),
        ],
    )
    def test_refusals(self, tmp_path, codes, variable, text):
        book = Codebook({variable.name: variable} if variable else {})
        with pytest.raises(OutputError) as caught:
            write_file(tmp_path / "a.por", pd.DataFrame(codes), book)
        assert text in str(caught.value)
        assert not (tmp_path / "a.por").exists()

    def test_a_weight_of_text_is_refused(self, tmp_path):
        book = Codebook({"A": Variable("A")}, weight="A")
        with pytest.raises(OutputError, match="the weight variable 'A' is text"):
            write_file(tmp_path / "a.por", pd.DataFrame({"A": ["x"]}), book)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(survey=surveys())
def test_random_surveys_keep_what_the_format_holds(survey):
    codes, book = survey
    names = {name: f"V{i}" for i, name in enumerate(codes.columns)}
    codes = codes.rename(columns=names)
    variables = {names[n]: replace(v, name=names[n]) for n, v in book.variables.items()}
    book = Codebook(variables, title=book.title, notes=book.notes, weight=names.get(book.weight or ""))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "poll.por")
        write_file(file, codes, book)
        back = read_file(file, encoding="utf-8")
        pd.testing.assert_frame_equal(back.codes, codes)
        for name, variable in variables.items():
            found = back.codebook[name]
            assert found.missing == variable.missing
            assert found.label == variable.label.replace("\n", " ").encode()[:255].decode(errors="ignore")
            assert list(found.labels) == list(variable.labels)
        assert back.codebook.weight == book.weight
        write_file(file, back.codes, back.codebook)
        again = read_file(file, encoding="utf-8")
    pd.testing.assert_frame_equal(again.codes, back.codes)
    assert again.codebook == back.codebook


def test_small_letters_become_capitals_and_it_is_said(tmp_path):
    codes = pd.DataFrame({"q1": [1.0, 2.0], "w": [0.5, 1.5]})
    book = Codebook({"q1": Variable("q1", "Question", {1.0: "Yes"}), "w": Variable("w")}, weight="w")
    (notice,) = write_file(tmp_path / "poll.por", codes, book)
    assert notice.text == "SPSS portable files have names in capitals only: q1 is Q1, w is W."
    back = read_file(tmp_path / "poll.por")
    assert back.codes["Q1"].tolist() == [1.0, 2.0]
    assert (back.codebook["Q1"].label, back.codebook["Q1"].labels, back.codebook.weight) == (
        "Question",
        {1.0: "Yes"},
        "W",
    )
    with pytest.raises(OutputError, match="these do not fit: long_name_of_it"):
        write_file(tmp_path / "poll.por", codes.rename(columns={"q1": "long_name_of_it"}), Codebook())
    with pytest.raises(OutputError, match="these do not fit: q1"):
        write_file(tmp_path / "poll.por", codes.rename(columns={"w": "Q1"}), Codebook())


@pytest.mark.parametrize(
    ("values", "variable", "sentence"),
    [
        ([1], Variable("Q", "\ud800"), "the codebook of variable 'Q' holds half a character"),
        ([1], Variable("Q", labels={1: "\ud800"}), "the codebook of variable 'Q' holds half a character"),
        (["a", "\ud800"], Variable("Q"), "variable 'Q' holds half a character .* in row 2"),
    ],
)
def test_half_a_character_names_the_variable(tmp_path, values, variable, sentence):
    codes = pd.DataFrame({"Q": pd.Series(values, dtype=object if isinstance(values[0], str) else "int64")})
    with pytest.raises(OutputError, match=sentence):
        write_file(tmp_path / "poll.por", codes, Codebook({"Q": variable}))
    with pytest.raises(OutputError, match="the codebook holds half a character"):
        write_file(tmp_path / "poll.por", pd.DataFrame({"Q": [1]}), Codebook(title="\ud800"))


def test_a_limit_of_the_whole_length_is_not_partial(basic):
    assert "partial" not in [n.kind for n in read_file(basic, row_limit=4).notices]
    part = read_file(basic, row_limit=2)
    assert [n.text for n in part.notices if n.kind == "partial"] == ["Only the first 2 rows were read."]


def test_more_than_fits_is_refused_while_it_is_read(tmp_path, monkeypatch):
    file = tmp_path / "poll.por"
    write_file(file, pd.DataFrame({"A": [1.0] * 5000, "B": [2.0] * 5000}), Codebook())
    seen = []
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: seen.append(1) or 2000 * 2 * 8)
    with pytest.raises(ResourceLimitError, match="poll.por would take"):
        read_file(file)
    assert len(seen) == 3
    assert len(read_file(file, row_limit=2000).codes) == 2000


def test_variables_are_known_by_name_once():
    """Records of value labels look their variables up; they do not list them all each time."""
    text = "".join(f"70/1/{n}5/8/0/5/8/0/" for n in "AB") + "D1/1/B1/1/3/YesF"
    records = read_records("poll.por", portable("42/" + text))
    assert list(records.known) == ["A", "B"]
    assert records.known["B"] is records.variables[1]
    assert records.variables[1].labels == {1.0: "Yes"}
