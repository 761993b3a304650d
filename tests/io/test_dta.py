"""Stata files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey_kit.codebook import MissingRule
from survey_kit.errors import FileFormatError, UnknownNameError
from survey_kit.io import read_file


@pytest.fixture
def plain(tmp_path):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame(
        {
            "age": np.array([20, 40, 70], dtype="int8"),
            "vote": [2.0, np.nan, -1.0],
            "name": ["a", "", "б"],
            "day": pd.to_datetime(["2024-02-29", None, "1959-12-31"]),
        }
    )
    frame.to_stata(
        file,
        write_index=False,
        version=118,
        data_label="A poll",
        variable_labels={"age": "Age", "vote": "Vote"},
        value_labels={"vote": {2: "Yes", -1: "Don't know", 1: "No"}},
        convert_dates={"day": "td"},
    )
    return file


def test_codes_labels_and_title(plain):
    contents = read_file(plain)
    codes, book = contents.codes, contents.codebook
    assert codes.dtypes.astype(str).to_dict() == {
        "age": "int64",
        "vote": "float64",
        "name": "str",
        "day": "datetime64[us]",
    }
    assert (codes["age"] ** 2).tolist() == [400, 1600, 4900]
    assert list(book["vote"].labels.items()) == [(-1, "Don't know"), (1, "No"), (2, "Yes")]
    assert (book["age"].label, book.title, contents.format) == ("Age", "A poll", "dta")
    assert book["vote"].missing is None
    assert codes["name"].isna().tolist() == [False, True, False]
    assert codes["day"].astype(str).tolist()[0::2] == ["2024-02-29", "1959-12-31"]
    assert [n.kind for n in contents.notices] == ["undeclared_missing"]


def test_columns(plain):
    assert list(read_file(plain, columns=["vote", "age"]).codes) == ["vote", "age"]
    with pytest.raises(UnknownNameError, match=r"No column 'vot'\. Did you mean 'vote'\?"):
        read_file(plain, columns=["vot"])


def test_extended_missing_values_stay_apart(tmp_path):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame({"q": [1, 2, "a", "c"], "w": [1.0, 2.0, 3.0, 4.0]})
    pyreadstat.write_dta(
        frame, file, missing_user_values={"q": ["a", "c"]}, variable_value_labels={"q": {1: "one", "a": "Refused"}}
    )
    contents = read_file(file)
    assert contents.codes["q"].tolist() == [1, 2, -1000001, -1000003]
    assert contents.codebook["q"].missing == MissingRule((-1000001, -1000003))
    assert contents.codebook["q"].labels == {1: "one", -1000001: "Refused"}
    assert contents.codebook["q"].is_missing(contents.codes["q"]).tolist() == [False, False, True, True]
    assert contents.codebook["w"].missing is None
    (notice,) = contents.notices
    assert notice.text == (
        "Extended missing values are kept as user-missing codes (.a is -1000001, .c is -1000003) in q."
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(plain, share):
    data = plain.read_bytes()
    plain.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FileFormatError, match="truncated or damaged"):
        read_file(plain)
