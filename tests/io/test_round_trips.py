"""Read, save, read is the identity: random surveys through the formats that hold everything."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from support.codebooks import surveys

from survey_kit.io import read_file, write_file
from survey_kit.io.codebooks.save import save_codebook


def through(suffix, codes, book):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"poll{suffix}")
        write_file(file, codes, book)
        first = read_file(file)
        write_file(file, first.codes, first.codebook)
        return first, read_file(file), file.read_bytes()


def without_format(book):
    return replace(book, variables={n: replace(v, format="") for n, v in book.variables.items()})


@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".parquet", ".feather"])
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(survey=surveys())
def test_nothing_is_lost(suffix, survey):
    codes, book = survey
    first, again, _ = through(suffix, codes, book)
    pd.testing.assert_frame_equal(first.codes, codes)
    assert without_format(first.codebook) == without_format(book)
    pd.testing.assert_frame_equal(again.codes, first.codes)
    assert again.codebook == first.codebook


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("form", [".yml", ".json", ".csv"])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(survey=surveys())
def test_a_text_file_with_its_codebook_beside_it(suffix, form, survey):
    codes, book = survey
    with tempfile.TemporaryDirectory() as folder:
        data, beside = Path(folder, f"poll{suffix}"), Path(folder, f"codebook{form}")
        write_file(data, codes, book)
        save_codebook(beside, book)
        back = read_file(data, codebook=beside)
    pd.testing.assert_frame_equal(back.codes, codes, check_dtype=False)
    assert {n: v.labels for n, v in back.codebook.variables.items()} == {n: v.labels for n, v in book.variables.items()}
    for name, variable in book.variables.items():
        told = back.codebook[name]
        assert (told.label, told.question, told.filter, told.missing) == (
            variable.label,
            variable.question,
            variable.filter,
            variable.missing,
        )
    assert back.codebook.sets == book.sets
    assert back.codebook.weight == book.weight
