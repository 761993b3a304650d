"""Real poll files, where they lie beside the checkout: counts, labels, missing rules and weighted shares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from survey_kit.codebook import MissingRule
from survey_kit.io import read_file, write_file

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"
MICRODATA, LABELLED = SHARED / "data" / "microdata", SHARED / "data" / "r" / "labelled"
pytestmark = pytest.mark.skipif(not LABELLED.is_dir(), reason="the shared collection of real files is not there")
# file: rows, columns, columns with value labels, a weight, a variable, its weighted percentages
PAIRS = {
    "anes2020_full_labelled": (7453, 65, 58, "Weight", "EarlyVote2020", {1: 72.630274, 2: 27.369726}),
    "dec13_excerpt": (2001, 14, 10, "weight", "sex", {1: 48.442114, 2: 51.557886}),
    "ess10no": (1411, 25, 2, "anweight", None, {}),
    "gss1618": (5215, 28, 16, "wtssps", None, {}),
    "gss2012": (1974, 29, 22, "wtss", "grass", {1: 46.934156, 2: 53.065844}),
    "hdv2003": (2000, 20, 15, "poids", "sexe", {1: 46.511401, 2: 53.488599}),
    "nes2012": (5916, 39, 21, "weight_full", None, {}),
}


def shares(contents, variable, weight):
    totals = contents.codes.groupby(variable)[weight].sum()
    return (totals / totals.sum() * 100).to_dict()


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("suffix", [".sav", ".dta"])
def test_counts_and_weighted_shares(name, suffix):
    rows, columns, labelled, weight, variable, expected = PAIRS[name]
    contents = read_file(LABELLED / f"{name}{suffix}")
    assert contents.codes.shape == (rows, columns)
    assert len(contents.codebook) == columns
    assert sum(bool(v.labels) for v in contents.codebook.variables.values()) == labelled
    assert weight in contents.codes
    if variable:
        assert shares(contents, variable, weight) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("name", PAIRS)
def test_the_stata_and_the_spss_file_say_the_same(name):
    spss, stata = (read_file(LABELLED / f"{name}{suffix}") for suffix in (".sav", ".dta"))
    assert list(spss.codes) == list(stata.codes)
    for column, variable in spss.codebook.variables.items():
        other = stata.codebook[column]
        assert variable.label == other.label
        assert column == "pot_legal3" or dict(variable.labels) == dict(other.labels)
        one, two = spss.codes[column], stata.codes[column]
        if other.missing is not None:  # the SPSS file has no place for Stata's letters
            assert name == "ess10no"
            two = two.where(~other.missing.mask(two))
        if pd.api.types.is_numeric_dtype(one):
            np.testing.assert_array_equal(one.to_numpy(float), two.to_numpy(float))
        else:
            assert one.equals(two)


def test_a_label_that_two_codes_share_is_kept_in_the_spss_file_only():
    """haven left the second code with the label "Oppose" out of the Stata file."""
    assert read_file(LABELLED / "nes2012.sav").codebook["pot_legal3"].labels[4] == "Oppose"
    assert 4 not in read_file(LABELLED / "nes2012.dta").codebook["pot_legal3"].labels


def test_tagged_missing_values_of_the_european_social_survey():
    contents = read_file(LABELLED / "ess10no.dta")
    rules = {n: v.missing for n, v in contents.codebook.variables.items() if v.missing is not None}
    assert rules == {
        **dict.fromkeys(("imbgeco", "imueclt", "imwbcnt", "eduyrs", "lrscale", "immigsent"), MissingRule((-1000003,))),
        "hinctnta": MissingRule((-1000001, -1000002)),
    }
    counts = {
        n: int(contents.codebook[n].missing.mask(contents.codes[n]).sum()) for n in ("imbgeco", "hinctnta", "lrscale")
    }
    assert counts == {"imbgeco": 17, "hinctnta": 64, "lrscale": 36}
    assert contents.notices[0].kind == "extended_missing"


def test_the_georgian_omnibus():
    contents = read_file(MICRODATA / "CRRC_Omnibus_Wave13.dta")
    book = contents.codebook
    assert contents.codes.shape == (1244, 53)
    assert sum(bool(v.label) for v in book.variables.values()) == 53
    assert sum(bool(v.labels) for v in book.variables.values()) == 51
    assert not [n for n, v in book.variables.items() if v.missing is not None]
    assert book.weight == "weight"
    assert (book.attributes["_svy_wtype"], book.attributes["_svy_su1"]) == ("pweight", "id")
    assert book["d4_oth"].attributes["destring_cmd"] == "destring d4_oth, replace"
    assert book["d1"].labels[-1] == "Don't know"
    found = shares(contents, "d1", "weight")
    assert {c: round(found[c], 6) for c in (-2, 1, 5, 8)} == {-2: 0.341587, 1: 14.945865, 5: 31.211845, 8: 0.272961}


def test_the_american_election_study_of_1948():
    contents = read_file(MICRODATA / "NES1948.POR")
    codes, book = contents.codes, contents.codebook
    assert codes.shape == (662, 67)
    assert sum(bool(v.labels) for v in book.variables.values()) == 63
    assert sum(bool(v.label) for v in book.variables.values()) == 67
    assert sum(v.missing is not None for v in book.variables.values()) == 61
    assert book["V480018"].label == "DID R VOTE/FOR WHOM"
    assert book["V480018"].labels[1] == "VOTED - FOR TRUMAN"
    assert book["V480005"].missing == MissingRule((0,), ((9, float("inf")),))
    assert codes["V480018"].value_counts().to_dict() == {6: 238, 1: 212, 2: 178, 5: 20, 4: 11, 9: 2, 3: 1}
    assert int(book["V480005"].missing.mask(codes["V480005"]).sum()) == 5
    assert (codes["V480002"].iloc[0], codes["VDSETNO"].iloc[0]) == (1001.0, "1948.T")


FILES = [
    "r/labelled/ess10no.dta",
    "r/labelled/gss2012.sav",
    "microdata/CRRC_Omnibus_Wave13.dta",
    "microdata/NES1948.POR",
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("suffix", [".dta", ".parquet", ".feather"])
def test_real_files_through_formats_that_hold_everything(name, suffix, tmp_path):
    contents = read_file(SHARED / "data" / name)
    file = tmp_path / f"poll{suffix}"
    write_file(file, contents.codes, contents.codebook)
    back = read_file(file)
    pd.testing.assert_frame_equal(back.codes, contents.codes)
    keep = suffix != ".dta" or name.endswith(".dta")

    def meaning(book):
        return replace(
            book, encoding="", variables={n: v if keep else replace(v, format="") for n, v in book.variables.items()}
        )

    assert meaning(back.codebook) == meaning(contents.codebook)


def test_the_portable_file_is_written_as_it_was_read(tmp_path):
    contents = read_file(MICRODATA / "NES1948.POR")
    assert write_file(tmp_path / "again.por", contents.codes, contents.codebook) == ()
    back = read_file(tmp_path / "again.por")
    pd.testing.assert_frame_equal(back.codes, contents.codes)
    assert back.codebook == contents.codebook
