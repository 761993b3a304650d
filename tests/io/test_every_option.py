"""Every option of `read` with every format: it changes the outcome or is refused in words; never ignored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import ArgumentError, SurveyKitError, UnknownNameError, UnsupportedOption
from survey_kit.io import read_file, write_file
from survey_kit.io.registry import READERS, WRITERS

CODES = pd.DataFrame(
    {"A": [1.0, 2.0, 3.0, 4.0], "B": pd.Series(["x", "y", None, "z"], dtype="str"), "C": [0.5, 1.5, 2.5, 3.5]}
)
BOOK = Codebook({"A": Variable("A", "First", {1.0: "Yes", 2.0: "No"}), "B": Variable("B"), "C": Variable("C")})
WRITTEN = sorted(WRITERS)
SPECIFIC = {
    "errors": "replace",
    "allow_truncated": True,
    "catalog": "formats.sas7bcat",
    "sheet": "data",
    "header": 1,
    "delimiter": ",",
    "decimal": ".",
    "na": ["x"],
    "encoding": "utf-8",
}


@pytest.fixture(params=WRITTEN)
def file(request, tmp_path):
    write_file(tmp_path / f"poll{request.param}", CODES, BOOK)
    return tmp_path / f"poll{request.param}"


def test_columns(file):
    assert list(read_file(file, columns=["C", "A"]).codes) == ["C", "A"]
    assert read_file(file, columns=[]).codes.shape == (4, 0)
    with pytest.raises(UnknownNameError, match="No column 'D'"):
        read_file(file, columns=["D"])
    with pytest.raises(ArgumentError, match="columns names 'A' twice"):
        read_file(file, columns=["A", "A"])


def test_rows(file):
    whole = read_file(file)
    first = read_file(file, row_limit=np.int64(2))
    assert first.codes["A"].tolist() == [1, 2]
    assert [n.text for n in first.notices if n.kind == "partial"] == ["Only the first 2 rows were read."]
    exact = read_file(file, row_limit=4)
    pd.testing.assert_frame_equal(exact.codes, whole.codes)
    assert not [n for n in exact.notices if n.kind == "partial"]
    assert len(read_file(file, row_limit=100).codes) == 4


def test_the_codebook_alone(file):
    only = read_file(file, metadata_only=True)
    assert len(only.codes) == 0
    assert list(only.codes) == ["A", "B", "C"]
    assert only.codebook["A"].labels == read_file(file).codebook["A"].labels
    with pytest.raises(ArgumentError, match="row_limit=-5"):
        read_file(file, metadata_only=True, row_limit=-5)


def test_an_overlay(file):
    told = read_file(file, codebook=Codebook({"A": Variable("A", "Another")}))
    assert told.codebook["A"].label == "Another"


@pytest.mark.parametrize("option", sorted(SPECIFIC))
def test_an_option_of_some_formats_is_refused_by_the_others(file, option):
    value = SPECIFIC[option]
    if option in READERS[file.suffix].options:
        contents = read_file(file, **{option: value})
        assert len(contents.codes) == 4
        if option == "na":
            assert contents.codes["B"].isna().sum() == 2
        return
    with pytest.raises(UnsupportedOption, match=f"{option}=.* does not apply to {file.suffix} files"):
        read_file(file, **{option: value})


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"encoding": "zlib"}, "encoding='zlib' is not an encoding"),
        ({"encoding": "unicode_escape"}, "is not an encoding"),
        ({"encoding": 5}, "encoding=5 is not an encoding"),
        ({"na": [99]}, "na is a list of texts; there was 99"),
        ({"columns": "A"}, "columns='A' is one text"),
        ({"cache": None}, "cache=None is neither True nor False nor a folder"),
        ({"cache": 1}, "cache=1 is neither"),
        ({"codebook": {"A": 1}}, "codebook=dict is no Codebook"),
        ({"row_limit": 1.5}, "row_limit=1.5 is no whole number"),
        ({"row_limit": True}, "row_limit=True is no whole number"),
        ({"metadata_only": "yes"}, "metadata_only='yes' is neither"),
        ({"errors": "ignore"}, "errors='ignore' is not available"),
    ],
)
def test_values_that_make_no_sense_are_refused_in_words(file, options, sentence):
    with pytest.raises(SurveyKitError, match=sentence):
        read_file(file, **options)
