"""The corpus of bad files (.sav, .zsav, .dta, .csv), each with the outcome that its manifest states; real files."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    EmptyFileError,
    EncodingError,
    FileFormatError,
    InputError,
    ReadError,
    ResourceLimitError,
    TruncatedFileError,
    UnsafePathError,
    WrongFormatError,
)
from survey_kit.io import read_file, write_file

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
HOSTILE = SHARED / "hostile"
MICRODATA = SHARED / "data" / "microdata"
KINDS = ("sav", "zsav", "dta", "csv", "xlsx", "zip")
LATER = {"E04": "mixed", "E17": "mixed"}  # read as text with a notice; refused when used as a weight

NOTICES = {
    "A02": ("encoding", 'encoding="cp1251"'),
    "A04": ("encoding", "read as cp1251"),
    "A06": ("encoding", "read as cp866"),
    "C01": ("shared_label", "Q (1, 2)"),
    "C04": ("undeclared_missing", "Q (97, 98, 99)"),
    "C12": ("weight", "'W'"),
    "C13": ("date", "row 6: 6400000000000"),
    "C14": ("rounded", "ID"),
    "E04": ("mixed", "rows 3002, 3003"),
    "E06": ("text", "id, psu"),
    "E15": ("delimiter", "separated by a tab"),
    "E17": ("mixed", "rows 2, 3, 4, 5"),
}
ERRORS = {
    "A03": (EncodingError, 'utf-8.*encoding="cp1251"'),
    "A07": (EncodingError, "the label of variable Q1"),
    "B01": (TruncatedFileError, "truncated"),
    "B02": (TruncatedFileError, "truncated"),
    "B03": (TruncatedFileError, "declares 12 cases, 8 can be read"),
    "B05": (TruncatedFileError, "declares 20 cases, 12 can be read"),
    "B09": (DamagedFileError, "damaged"),
    "B10": (ResourceLimitError, "as a bomb does"),
    "B11": (TruncatedFileError, "declares 2,147,483,647 cases"),
    "B12": (DamagedFileError, "2147483647 bytes"),
    "B14": (EmptyFileError, "is empty"),
    "B15": (WrongFormatError, "HTML"),
    "B16": (WrongFormatError, "ZIP"),
    "C08": (DuplicateNameError, "'Q1' at positions 1 and 2"),
    "D04": (TruncatedFileError, "truncated"),
    "E03": (EncodingError, "cp1251"),
    "E08": (FileFormatError, "line 2 has 2, line 3 has 4"),
    "E09": (EmptyFileError, "is empty"),
    "F01": (FileFormatError, "header="),
    "F02": (FileFormatError, "holds numbers, and text in"),
    "F03": (ResourceLimitError, "inflates"),
    "F05": (UnsafePathError, "outside its own folder"),
    "E11": (DamagedFileError, "NUL byte at offset"),
}


def cases():
    manifest = HOSTILE / "MANIFEST.json"
    if not manifest.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="the corpus of bad files is not here"))]
    content = json.loads(manifest.read_text(encoding="utf-8"))
    return [pytest.param(c, id=c["id"]) for c in content if c["kind"] in KINDS]


@pytest.mark.parametrize("case", cases())
def test_outcome_is_as_the_manifest_says(case):
    path, name = HOSTILE / case["file"], case["id"]
    if case["outcome"] == "error" and name not in LATER:
        kind, sentence = ERRORS[name]
        with pytest.raises(kind, match=sentence) as caught:
            read_file(path)
        assert isinstance(caught.value, ReadError)
        assert case["file"] in str(caught.value)
        return
    contents = read_file(path)
    assert list(contents.codes) == list(contents.codebook)
    if case["outcome"] == "warn" or name in LATER:
        kind, words = NOTICES[name]
        assert any(n.kind == kind and words in n.text for n in contents.notices), contents.notices


def hostile(name):
    path = HOSTILE / name
    if not path.exists():
        pytest.skip("the corpus of bad files is not here")
    return path


@pytest.mark.parametrize(
    "name", ["A01_cp1251_declared_1251.sav", "B04_ncases_minus1.sav", "B07_compressed_bytecode.sav", "B08_zsav.zsav"]
)
def test_the_same_poll_in_other_clothes(name):
    good, other = read_file(hostile("A00_good_utf8.sav")), read_file(hostile(name))
    assert other.codes.iloc[:, :3].equals(good.codes.iloc[:, :3])
    if not name.startswith("A01"):  # has letters of its own
        pd.testing.assert_frame_equal(other.codes, good.codes)
        assert other.codebook.variables == good.codebook.variables


def test_an_encoding_heals_what_was_declared_wrongly():
    right = read_file(hostile("A01_cp1251_declared_1251.sav"))
    for name in ("A02_cp1251_declared_1252.sav", "A03_cp1251_declared_utf8.sav", "A04_cp1251_undeclared.sav"):
        healed = read_file(hostile(name), encoding="cp1251")
        pd.testing.assert_frame_equal(healed.codes, right.codes)
        assert healed.codebook.variables == right.codebook.variables
        assert [n.kind for n in healed.notices] == [n.kind for n in right.notices]


def test_user_missing_values_of_all_kinds_stay_apart():
    contents = read_file(hostile("C05_missing_range.sav"))
    q, r = contents.codebook["Q"], contents.codebook["R"]
    assert q.is_missing(contents.codes["Q"]).tolist() == [False, True, True, True, True]
    assert contents.codes["Q"].isna().tolist() == [False, False, False, False, True]
    assert r.missing.ranges == ((97.0, float("inf")),)
    assert contents.codebook["S"].missing.values == ("NA", "-")


def test_sets_of_both_kinds():
    sets = read_file(hostile("C10_mrsets.sav")).codebook.sets
    assert {k: (s.columns, s.counted, s.label) for k, s in sets.items()} == {
        "media": (("M1", "M2", "M3"), 1.0, "Media used"),
        "brand": (("K1", "K2"), None, "Brand"),
        "q1.4": (("M1", "M2"), 1.0, "dot"),
        "mediae": (("M1", "M2", "M3"), 1.0, "Media"),
    }
    notices = read_file(hostile("C10_mrsets.sav")).notices
    assert [n.text for n in notices] == ["The multiple-response set 'empty' has no columns and was left out."]


def test_a_very_long_string_is_whole():
    assert read_file(hostile("C17_very_long_string.sav")).codes["L0"].tolist() == ["я" * 254]


def test_int8_is_widened():
    codes = read_file(hostile("D01_int8_overflow.dta")).codes
    assert (codes["age"] ** 2).tolist() == [400, 1600, 4900, 9801]


def test_what_is_refused_can_be_read_when_its_loss_is_accepted():
    """The way out that the error names."""
    whole = read_file(hostile("A00_good_utf8.sav"))
    cut = read_file(hostile("B03_truncated_data.sav"), allow_truncated=True)
    pd.testing.assert_frame_equal(cut.codes, whole.codes.iloc[:8])
    assert "declares 12 cases, 8 were found and read" in cut.notices[0].text
    more = read_file(hostile("B05_ncases_more.sav"), allow_truncated=True)
    pd.testing.assert_frame_equal(more.codes, whole.codes)
    bad = read_file(hostile("A07_one_bad_byte_in_label.sav"), errors="replace")
    assert len(bad.codes) == 2
    assert [n.kind for n in bad.notices] == ["replaced"]
    assert "the label of variable Q1" in bad.notices[0].text


def test_no_answer_is_in_an_error_text():
    """Texts may name a variable, a row and a code; never what another person said."""
    for case in ("E08_ragged.csv", "E11_nul_bytes.csv"):
        with pytest.raises(InputError) as caught:
            read_file(hostile(case))
        assert "1,2,3,4" not in str(caught.value)


def microdata(name):
    path = MICRODATA / name
    if not path.exists():
        pytest.skip("the real files are not here")
    return path


def test_crrc_omnibus():
    contents = read_file(microdata("CRRC_Omnibus_Wave13.dta"))
    assert contents.codes.shape == (1244, 53)
    assert contents.codebook["sex"].labels == {1: "Male", 2: "Female"}
    assert all(v.missing is None for v in contents.codebook.variables.values())
    assert contents.codes["sex"].dtype == "int64"


def test_british_election_study():
    contents = read_file(microdata("BES_W25_scgUtils_survey.sav"))
    assert contents.codes.shape == (5000, 65)
    assert all(d == "float64" for d in contents.codes.dtypes)
    assert sum(bool(v.labels) for v in contents.codebook.variables.values()) == 63


def test_all_types():
    contents = read_file(microdata("fixtures/simple_alltypes.sav"))
    book = contents.codebook
    assert book["x"].missing.values == (7.0, 8.0, 99.0)
    assert book["z"].missing.ranges == ((-999.0, 0.0),)
    assert book.sets["categorical_array"].counted is None
    assert book.sets["mymrset"].counted == 1.0
    assert contents.codes.dtypes.astype(str)[["y", "date", "quarter"]].tolist() == ["datetime64[us]"] * 3


@pytest.mark.parametrize(
    "name", ["hebrews", "missing_char", "missing_test", "sample_missing", "simple_alltypes", "tegulu"]
)
@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".parquet"])
def test_fixtures_come_back(tmp_path, name, suffix):
    first = read_file(microdata(f"fixtures/{name}.sav"))
    write_file(tmp_path / f"again{suffix}", first.codes, first.codebook)
    again = read_file(tmp_path / f"again{suffix}")
    pd.testing.assert_frame_equal(again.codes, first.codes)
    for variable in first.codebook.variables.values():
        back = again.codebook[variable.name]
        assert (back.label, back.labels, back.missing, back.measure) == (
            variable.label,
            variable.labels,
            variable.missing,
            variable.measure,
        )
    assert again.codebook.sets == first.codebook.sets
    assert (again.codebook.title, again.codebook.notes) == (first.codebook.title, first.codebook.notes)
