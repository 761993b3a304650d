"""Anybody's DataFrame becomes codes and a codebook, or is refused with the place of the trouble."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from survey_kit.errors import ArgumentError
from survey_kit.recode import from_frame_codebook, labelled_view


def one(values: object) -> tuple[pd.Series, object]:
    codes, book = from_frame_codebook(pd.DataFrame({"x": values}))
    return codes["x"], book["x"]


def test_categoricals() -> None:
    codes, variable = one(pd.Categorical(["b", None, "a"], categories=["c", "b", "a"], ordered=True))
    assert codes.tolist()[::2] == [2, 3] and np.isnan(codes[1]) and codes.dtype == float
    assert dict(variable.labels) == {1: "c", 2: "b", 3: "a"} and variable.measure == "ordinal"
    codes, variable = one(pd.Categorical([10, 5, 10]))
    assert codes.tolist() == [2, 1, 2] and codes.dtype == np.int64
    assert dict(variable.labels) == {1: "5", 2: "10"} and variable.measure == "nominal"


def test_more_than_127_categories() -> None:
    codes, variable = one(pd.Categorical([f"c{i:03d}" for i in range(300)]))
    assert codes.tolist() == list(range(1, 301)) and len(variable.labels) == 300


def test_booleans() -> None:
    codes, variable = one([True, False])
    assert codes.tolist() == [1, 0] and codes.dtype == np.int64 and dict(variable.labels) == {0: "No", 1: "Yes"}
    for values in (pd.array([True, None], dtype="boolean"), pd.Series([True, None], dtype=object)):
        codes, variable = one(values)
        assert codes[0] == 1 and np.isnan(codes[1]) and codes.dtype == float and variable.measure == "nominal"


@pytest.mark.parametrize(
    "values", [["a", None, ""], pd.Series(["a", None, ""], dtype=object), pd.array(["a", None, ""])]
)
def test_text(values: object) -> None:
    codes, variable = one(values)
    assert codes.dtype == "str" and variable.measure == "nominal" and not variable.labels
    assert codes.isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("dtype", "becomes"),
    [
        ("int8", "int64"),
        ("uint8", "int64"),
        ("int64", "int64"),
        ("uint64", "int64"),
        ("Int16", "int64"),
        ("int64[pyarrow]", "int64"),
        ("float16", "float64"),
        ("float32", "float64"),
        ("Float64", "float64"),
    ],
)
def test_numbers(dtype: str, becomes: str) -> None:
    codes, variable = one(pd.Series([40, 2], dtype=dtype))
    assert codes.dtype == becomes and codes.tolist() == [40, 2] and variable.measure == "scale"
    assert (codes**2).tolist() == [1600, 4]


def test_whole_numbers_with_missing_values_and_objects() -> None:
    assert one(pd.array([1, None], dtype="Int64"))[0].dtype == float
    assert one(pd.Series([1, 2], dtype=object))[0].dtype == np.int64
    assert one(pd.Series([1, None, 2.5], dtype=object))[0].dtype == float
    assert one(pd.Series([None, None], dtype=object))[0].isna().all()


def test_dates() -> None:
    assert one(pd.to_datetime(["2025-01-01", None]))[0].dtype.kind == "M"
    assert one(pd.Series([dt.date(2025, 1, 1), None], dtype=object))[0].dtype.kind == "M"
    zoned = pd.to_datetime(["2025-01-01"]).tz_localize("Asia/Almaty")
    assert str(one(zoned)[0].dt.tz) == "Asia/Almaty"


def test_names_that_are_no_text() -> None:
    codes, book = from_frame_codebook(pd.DataFrame([[1, 2, 3]], columns=[0, 1.0, "b"]))
    assert list(codes) == list(book) == ["0", "1", "b"]
    assert book.notes == ("Names of 2 columns were not text and are text now: 0, 1.",)
    assert from_frame_codebook(pd.DataFrame({"a": [1]}))[1].notes == ()


def test_index_and_source_stay() -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": np.array([1, 2], dtype="int8")}, index=[5, 5])
    before = frame.copy(deep=True)
    codes, _ = from_frame_codebook(frame)
    assert codes.index.tolist() == [5, 5] and codes["b"].dtype == np.int64
    pd.testing.assert_frame_equal(frame, before)


def test_there_and_back() -> None:
    frame = pd.DataFrame(
        {"g": pd.Categorical(["lo", None, "hi"], categories=["lo", "hi", "none"], ordered=True), "n": [1.5, 2, np.nan]}
    )
    pd.testing.assert_frame_equal(labelled_view(*from_frame_codebook(frame)), frame)


def test_empty_frames() -> None:
    codes, book = from_frame_codebook(
        pd.DataFrame({"a": pd.Series([], dtype="int8"), "b": pd.Series([], dtype=object)})
    )
    assert codes.shape == (0, 2) and list(book) == ["a", "b"]
    assert from_frame_codebook(pd.DataFrame(index=[1, 2]))[0].shape == (2, 0)


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), r"Several columns are named 'a' \(columns 1, 3\)."),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), r"Several columns are named '1' \(columns 1, 2\)."),
        (
            pd.DataFrame([[1]], columns=[("a", "b")]).T.T.set_axis(pd.MultiIndex.from_tuples([("a", "b")]), axis=1),
            "2 levels",
        ),
        (pd.DataFrame({"w": ["1.5", None, 2]}, dtype=object), "Column 'w' holds text and, in row 3, numbers."),
        (pd.DataFrame({"w": [1, True]}, dtype=object), "Column 'w' holds numbers and, in row 2, true or false."),
        (pd.DataFrame({"w": [[1], [2]]}), "Column 'w' holds objects of type list, which have no equivalent"),
        (pd.DataFrame({"w": [1 + 2j]}), "Column 'w' has type complex128, which has no equivalent"),
        (pd.DataFrame({"w": pd.to_timedelta([1])}), "Column 'w' has type timedelta64"),
        (pd.DataFrame({"w": pd.Series([2**64 - 1], dtype="uint64")}), "Column 'w' holds whole numbers beyond"),
        (pd.DataFrame({"w": pd.array([2**60 + 1, None], dtype="Int64")}), "would lose digits. Make it text."),
        ([1, 2], "A pandas DataFrame is needed; there was a list."),
    ],
)
def test_refusals(frame: pd.DataFrame, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        from_frame_codebook(frame)
