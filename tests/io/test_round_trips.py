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
