"""Stata's "." beside .a to .z: both stay what they are, also in columns of small integers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.io import read_file, write_file


@pytest.mark.parametrize("values", [[20.0, 30.0, 40.0], [200.0, 3000.0, 40.0], [1e6, 2.0, 3.0], [0.5, 2.0, 3.0]])
@pytest.mark.parametrize("options", [{}, {"columns": ["age"]}, {"row_limit": 6}])
def test_a_point_is_nan_where_letters_are_used_too(tmp_path, values, options):
    codes = pd.DataFrame({"x": range(7), "age": [*values, -1_000_001, np.nan, np.nan, np.nan]})
    book = Codebook(
        {"x": Variable("x"), "age": Variable("age", labels={-1_000_001: "Refused"}, missing=MissingRule((-1_000_001,)))}
    )
    write_file(tmp_path / "poll.dta", codes, book)
    age = read_file(tmp_path / "poll.dta", **options).codes["age"]
    assert age.iloc[:4].tolist() == [*values, -1_000_001]
    assert age.iloc[4:].isna().all()
    other = pd.read_stata(tmp_path / "poll.dta", convert_categoricals=False)
    assert other["age"].isna().tolist() == [False, False, False, True, True, True, True]


def test_the_same_in_a_file_of_another_writer(tmp_path):
    frame = pd.DataFrame({"age": pd.Series([20, 30, "a", None], dtype=object)})
    pyreadstat.write_dta(frame, tmp_path / "other.dta", missing_user_values={"age": ["a"]})
    codes = read_file(tmp_path / "other.dta").codes
    assert codes["age"].iloc[:3].tolist() == [20, 30, -1_000_001]
    assert np.isnan(codes["age"].iloc[3])
