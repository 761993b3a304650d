"""SAS data sets with their catalogue, and transport files read and written."""

from __future__ import annotations

import math
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from support.codebooks import surveys

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import (
    DamagedFileError,
    EncodingError,
    MissingFileError,
    OutputError,
    ReadError,
    ResourceLimitError,
    TruncatedFileError,
    UnknownNameError,
    UnsupportedOption,
    WrongFormatError,
)
from survey_kit.io import read_file, write_file
from survey_kit.io.dates import sas_unit
from survey_kit.io.sas.meaning import bare, is_own

FIXTURES = Path(__file__).parent / "fixtures"
DATA, CATALOGUE = FIXTURES / "poll.sas7bdat", FIXTURES / "poll.sas7bcat"


@pytest.fixture
def alone(tmp_path):
    """The data set without a catalogue beside it."""
    return Path(shutil.copy(DATA, tmp_path / "poll.sas7bdat"))


class TestDataSet:
    def test_codes_and_codebook_with_the_catalogue_beside_it(self):
        contents = read_file(DATA)
        codes, book = contents.codes, contents.codebook
        assert codes["q1"].tolist()[:5] == [1, 2, -1000001, -1000002, -1000027]
        assert math.isnan(codes["q1"][5])
        assert codes["q2"].tolist()[0::2] == [-1000001, -1000001, -1000001]
        assert codes["region"].tolist()[:2] == ["n", "s"]
        assert codes["region"].isna().tolist() == [False, False, True, False, False, False]
        assert codes["day"].dt.strftime("%Y-%m-%d").tolist()[0:3:2] == ["2014-10-04", "1959-12-31"]
        assert codes["moment"].tolist()[2] == pd.Timestamp("1960-01-01 00:00:00.25")
        assert codes.dtypes.astype(str).tolist() == [
            "float64",
            "float64",
            "datetime64[us]",
            "datetime64[us]",
            "str",
            "float64",
            "float64",
        ]
        assert book["q1"] == Variable(
            "q1",
            "Do you agree? (да)",
            {1: "Yes (да)", 2: "No", -1000001: "Refused", -1000002: "Don't know", -1000027: "Not asked"},
            MissingRule((-1000001, -1000002, -1000027)),
            format="YESNO",
        )
        assert book["region"].labels == {"n": "North", "s": "South"}
        assert (book.title, book.encoding, contents.format) == ("A made-up poll", "utf-8", "sas7bdat")
        assert [n.text for n in contents.notices] == [
            "Value labels were taken from poll.sas7bcat, which lies beside poll.sas7bdat. Name another with catalog=.",
            "Special missing values are kept as user-missing codes (.A is -1000001, .B is -1000002, ._ is -1000027) in q1, q2.",
        ]

    def test_without_a_catalogue_a_notice_says_how_to_give_it(self, alone):
        contents = read_file(alone)
        assert contents.codebook["q1"].labels == {}
        assert contents.codebook["q1"].missing == MissingRule((-1000001, -1000002, -1000027))
        assert contents.notices[0].text == (
            "poll.sas7bdat shows q1, region, q2 with formats of its own, whose value labels are not in it: give the catalogue "
            "that holds them with catalog=, as in catalog='formats.sas7bcat'."
        )

    def test_a_catalogue_by_name_and_one_called_formats(self, alone, tmp_path):
        named = read_file(alone, catalog=CATALOGUE)
        assert named.codebook["q1"].labels[1] == "Yes (да)"
        assert [n.kind for n in named.notices] == ["extended_missing"]
        shutil.copy(CATALOGUE, tmp_path / "formats.sas7bcat")
        assert read_file(alone).codebook["q1"].labels[2] == "No"
        assert read_file(alone).notices[0].text.startswith("Value labels were taken from formats.sas7bcat")

    def test_catalogues_that_cannot_be_used(self, alone, tmp_path):
        with pytest.raises(MissingFileError, match=r"for catalog=\. Check the name"):
            read_file(alone, catalog=tmp_path / "none.sas7bcat")
        with pytest.raises(DamagedFileError, match="poll.sas7bdat cannot be read as a catalogue of SAS formats"):
            read_file(alone, catalog=alone)
        with pytest.raises(UnsupportedOption, match="does not apply to .dta files"):
            read_file(tmp_path / "a.dta", catalog=CATALOGUE)

    def test_columns_and_rows(self):
        part = read_file(DATA, columns=["w", "q1"], row_limit=2)
        assert part.codes.to_dict("list") == {"w": [0.5, 1.5], "q1": [1.0, 2.0]}
        assert part.notices[-1].text == "Only the first 2 rows were read."
        empty = read_file(DATA, metadata_only=True)
        assert empty.codes.shape == (0, 7)
        assert empty.codebook["q1"].labels == read_file(DATA).codebook["q1"].labels
        with pytest.raises(UnknownNameError, match=r"No column 'regio'\. Did you mean 'region'\?"):
            read_file(DATA, columns=["regio"])

    @pytest.mark.parametrize("share", [0.1, 0.4, 0.6, 0.99])
    def test_truncated(self, alone, share):
        data = alone.read_bytes()
        alone.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(ReadError, match="truncated or damaged"):
            read_file(alone)

    def test_another_file(self, alone):
        alone.write_bytes(b"PK\x03\x04" + bytes(100))
        with pytest.raises(WrongFormatError, match="looks like a ZIP archive"):
            read_file(alone)

    def test_the_wrong_encoding(self, alone):
        with pytest.raises(EncodingError, match=r'not valid in encoding cp1253|encoding="utf-8"'):
            read_file(alone, encoding="ascii")


class TestFormats:
    @pytest.mark.parametrize(
        ("form", "own"),
        [
            ("YESNO8.", True),
            ("$REG", True),
            ("AGEGRP2_F", True),
            ("F8.2", False),
            ("BEST12", False),
            ("$CHAR20.", False),
            ("$12", False),
            ("DATE9.", False),
            ("COMMA10.2", False),
            ("", False),
            ("8.2", False),
        ],
    )
    def test_which_formats_a_user_made(self, form, own):
        assert is_own(form) is own

    def test_widths(self):
        assert [bare(f) for f in ("yesno8.2", "$REG20.", "DATE9")] == ["YESNO", "$REG", "DATE"]

    @pytest.mark.parametrize(
        ("form", "unit"),
        [
            ("DATE9", 86_400_000_000),
            ("DDMMYYP10", 86_400_000_000),
            ("YYMMDD10.", 86_400_000_000),
            ("E8601DA", 86_400_000_000),
            ("WEEKDATE29", 86_400_000_000),
            ("DATETIME20.", 1_000_000),
            ("DATETIME22.3", 1_000_000),
            ("E8601DT19.", 1_000_000),
            ("TIME8", None),
            ("DATEOFBIRTH", None),
            ("YEAR4", None),
            ("", None),
        ],
    )
    def test_dates(self, form, unit):
        assert sas_unit(form) == unit


CODES = pd.DataFrame(
    {
        "q1": [1.0, 2.0, 99.0, np.nan],
        "special": [1.0, -1000001.0, -1000027.0, 5.0],
        "w": [0.1, 1 / 3, 1e10, -123.456],
        "city": pd.Series(["Минск", None, "NA", "я" * 400], dtype="str"),
        "none": pd.Series([None] * 4, dtype="str"),
        "day": pd.to_datetime(["2024-02-29", None, "1583-01-22", "9999-12-31"]).as_unit("us"),
        "moment": pd.to_datetime(
            ["2024-02-29 10:00:00.25", None, "2001-01-01", "2001-01-01"], format="ISO8601"
        ).as_unit("us"),
    }
)
BOOK = Codebook(
    {
        "q1": Variable("q1", "L" * 200, format="YESNO8"),
        "special": Variable("special", missing=MissingRule((-1000001, -1000027)), format="F8.2"),
        "w": Variable("w", "Weight"),
        "city": Variable("city", measure="nominal"),
        "none": Variable("none", measure="nominal"),
        "day": Variable("day", format="DDMMYY10"),
        "moment": Variable("moment", format="DATETIME20"),
    },
    title="A poll",
    encoding="utf-8",
)


class TestTransport:
    def test_round_trip_twice_the_same_bytes(self, tmp_path):
        file = tmp_path / "poll.xpt"
        (notice,) = write_file(file, CODES, BOOK)
        assert notice.text == (
            "Text beyond ASCII is written in UTF-8, which a SAS transport file cannot say: tell its reader, or write .sav."
        )
        first = file.read_bytes()
        write_file(file, CODES, BOOK)
        assert file.read_bytes() == first
        back = read_file(file, encoding="utf-8")
        pd.testing.assert_frame_equal(back.codes, CODES)
        assert back.codebook == BOOK
        assert [n.kind for n in back.notices] == ["catalog", "extended_missing"]

    def test_another_reader_agrees(self, tmp_path):
        file = tmp_path / "poll.xpt"
        write_file(file, CODES, BOOK)
        frame, meta = pyreadstat.read_xport(file, disable_datetime_conversion=True)
        assert frame["w"].tolist() == CODES["w"].tolist()
        assert frame["special"].isna().tolist() == [False, True, True, False]
        assert frame["day"].tolist()[0] == 23_435
        assert meta.column_names_to_labels["q1"] == "L" * 200
        assert (meta.file_label, meta.number_rows) == ("A poll", 4)

    @pytest.mark.parametrize("version", [5, 8])
    def test_files_of_others(self, tmp_path, version):
        file = tmp_path / "poll.xpt"
        frame = pd.DataFrame({"A": [1.5, np.nan, 3.0], "S": ["x", "", "yy"]})
        pyreadstat.write_xport(
            frame, file, file_format_version=version, column_labels={"A": "Age"}, variable_format={"A": "AGEF8."}
        )
        contents = read_file(file)
        assert contents.codes["S"].tolist()[0::2] == ["x", "yy"]
        assert contents.codes["A"].tolist()[0::2] == [1.5, 3.0]
        assert contents.codebook["A"].label == "Age"
        assert contents.format == "xpt"
        assert [n.text for n in contents.notices] == [
            "poll.xpt shows A with formats of its own, whose value labels are not in it: a transport file holds none; lay a "
            "codebook over it with codebook=."
        ]
        part = read_file(file, columns=["S", "A"], row_limit=1)
        assert part.codes.to_dict("list") == {"S": ["x"], "A": [1.5]}
        assert part.notices[-1].kind == "partial"
        assert read_file(file, metadata_only=True).codes.shape == (0, 2)
        with pytest.raises(UnknownNameError, match="No column 'B'"):
            read_file(file, columns=["B"])

    @pytest.mark.parametrize("version", [5, 8])
    def test_cut_anywhere(self, tmp_path, version):
        """A file of version 5 does not say how many rows it has: a cut between two lines and two rows cannot be seen."""
        file = tmp_path / "poll.xpt"
        frame = pd.DataFrame({"A": np.arange(40.0), "B": np.arange(40.0), "S": ["abc"] * 40})
        pyreadstat.write_xport(frame, file, file_format_version=version)
        data = file.read_bytes()
        unseen = 0
        for size in range(24, len(data)):
            file.write_bytes(data[:size])
            try:
                unseen += len(read_file(file).codes) < 40
            except (TruncatedFileError, DamagedFileError) as error:
                assert "truncated" in str(error)
        assert unseen == 0 if version == 8 else unseen < 3

    def test_blank_rows_at_the_end_are_rows(self, tmp_path):
        file = tmp_path / "poll.xpt"
        codes = pd.DataFrame({"s": pd.Series(["x", None, None, None], dtype="str")})
        write_file(file, codes, Codebook())
        pd.testing.assert_frame_equal(read_file(file).codes, codes)
        write_file(file, codes.iloc[1:].reset_index(drop=True), Codebook())
        assert len(read_file(file).codes) == 3

    def test_of_several_data_sets_the_first_is_read(self, tmp_path):
        file = tmp_path / "poll.xpt"
        write_file(file, CODES[["w"]], BOOK)
        data = file.read_bytes()
        file.write_bytes(data + data[240:])
        contents = read_file(file)
        assert contents.codes["w"].tolist() == CODES["w"].tolist()
        assert contents.notices[0].text == "poll.xpt holds 2 data sets; the first ('DATA') was read."

    @pytest.mark.parametrize("encoding", ["cp1251", "cp866"])
    def test_the_encoding_is_guessed_or_stated(self, tmp_path, encoding):
        file = tmp_path / "poll.xpt"
        frame = pd.DataFrame({"A": [1.0], "S": ["D" * 9]})
        pyreadstat.write_xport(frame, file, column_labels={"A": "L" * 9})
        data = file.read_bytes()
        for old, new in ((b"D" * 9, "Караганда"), (b"L" * 9, "Отношение")):
            data = data.replace(old, new.encode(encoding))
        file.write_bytes(data)
        contents = read_file(file)
        assert contents.codes["S"].tolist() == ["Караганда"]
        assert contents.codebook["A"].label == "Отношение"
        assert contents.notices[0].text.startswith(f"poll.xpt states no encoding; read as {encoding} (“Отношение”)")
        assert read_file(file, encoding=encoding).notices == ()
        with pytest.raises(EncodingError, match=f'not valid in encoding utf-8. Try encoding="{encoding}"'):
            read_file(file, encoding="utf-8")

    def test_numbers_lose_no_digit(self, tmp_path):
        file = tmp_path / "poll.xpt"
        random = np.random.default_rng(1)
        values = random.random(5000) * 10.0 ** random.integers(-70, 70, 5000) * random.choice([-1, 1], 5000)
        write_file(file, pd.DataFrame({"x": values}), Codebook())
        assert read_file(file).codes["x"].tolist() == values.tolist()

    def test_no_rows(self, tmp_path):
        file = tmp_path / "poll.xpt"
        write_file(file, CODES.iloc[:0], BOOK)
        assert read_file(file).codes.shape == (0, 7)

    def test_what_the_format_does_not_hold_is_listed(self, tmp_path):
        codes = pd.DataFrame({"a": [1.0], "s": ["x "]})
        book = Codebook(
            {"a": Variable("a", "ж" * 200, {1: "one"}, MissingRule((98,)), question="Why?", measure="ordinal")},
            {"m": MultipleResponse("m", ("a",))},
            notes=("n",),
            weight="a",
        )
        cut, encoding, lost = write_file(tmp_path / "a.xpt", codes, book)
        assert cut.text == "Too long for SAS transport and cut: the label of 'a'. Write .parquet to keep them."
        assert encoding.kind == "encoding"
        assert lost.text == (
            "SAS transport does not hold value labels of a; missing rules of a; the wording of a; the measurement level of a; "
            "the multiple-response sets m; the weight a; the notes of the file; blanks at the end of text of s. Write .parquet "
            "to keep them, or .sav for most."
        )

    @pytest.mark.parametrize(
        ("codes", "variable", "text"),
        [
            ({"город": [1.0], "1a": [1.0], "_N_": [1.0]}, None, "these do not fit: город, 1a, _N_. Rename them"),
            ({"a": [1.0], "A": [1.0]}, None, "'a' and 'A' differ only in case, which SAS transport does not hold"),
            ({"a": [1.0, 1e76]}, None, "'a' holds a number in row 2 outside 1e-77 to 7e75"),
            ({"a": [1e-80]}, None, "'a' holds a number in row 1 outside 1e-77 to 7e75"),
            ({"a": ["x" * 32_768]}, None, "'a' holds a text of 32,768 bytes in row 1; SAS transport holds 32,767"),
            ({"a": [1.0]}, Variable("a", missing=MissingRule(("x",))), "'a' has missing values of another type"),
        ],
    )
    def test_refusals(self, tmp_path, codes, variable, text):
        book = Codebook({variable.name: variable} if variable else {})
        with pytest.raises(OutputError) as caught:
            write_file(tmp_path / "a.xpt", pd.DataFrame(codes), book)
        assert text in str(caught.value)
        assert not (tmp_path / "a.xpt").exists()

    def test_data_sets_cannot_be_written(self, tmp_path):
        with pytest.raises(WrongFormatError, match="files named .sas7bdat cannot be written"):
            write_file(tmp_path / "a.sas7bdat", CODES, BOOK)


@settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(survey=surveys())
def test_random_surveys_keep_their_codes(survey):
    codes, book = survey
    names = {name: f"v{i}" for i, name in enumerate(codes.columns)}
    codes = codes.rename(columns=names)
    variables = {names[n]: replace(v, name=names[n]) for n, v in book.variables.items()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "poll.xpt")
        write_file(file, codes, Codebook(variables, title=book.title))
        back = read_file(file, encoding="utf-8")
        pd.testing.assert_frame_equal(back.codes, codes)
        assert [v.label for v in back.codebook.variables.values()] == [
            v.label.encode()[:256].decode(errors="ignore") for v in variables.values()
        ]
        write_file(file, back.codes, back.codebook)
        again = read_file(file, encoding="utf-8")
    pd.testing.assert_frame_equal(again.codes, back.codes)
    assert again.codebook == back.codebook


@pytest.mark.parametrize(
    ("values", "variable", "sentence"),
    [
        ([1], Variable("q", "\ud800"), "the codebook of variable 'q' holds half a character"),
        ([1], Variable("q", labels={1: "\ud800"}), "the codebook of variable 'q' holds half a character"),
        (["a", "\ud800"], Variable("q"), "variable 'q' holds half a character .* in row 2"),
    ],
)
def test_half_a_character_names_the_variable(tmp_path, values, variable, sentence):
    codes = pd.DataFrame({"q": pd.Series(values, dtype=object if isinstance(values[0], str) else "int64")})
    with pytest.raises(OutputError, match=sentence):
        write_file(tmp_path / "poll.xpt", codes, Codebook({"q": variable}))
    with pytest.raises(OutputError, match="the codebook holds half a character"):
        write_file(tmp_path / "poll.xpt", pd.DataFrame({"q": [1]}), Codebook(title="\ud800"))


def test_more_than_fits_is_refused_before_the_rows_are_read(tmp_path, monkeypatch):
    file = tmp_path / "poll.xpt"
    write_file(file, pd.DataFrame({"a": [1.0] * 100, "b": [2.0] * 100}), Codebook())
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 100 * 2 * 8 - 1)
    with pytest.raises(ResourceLimitError, match="poll.xpt would take"):
        read_file(file)
    assert len(read_file(file, row_limit=99).codes) == 99
