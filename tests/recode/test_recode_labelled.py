"""The labelled view: order of the questionnaire, identity by code, nothing merged, nothing lost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, UnknownNameError
from survey_kit.recode import category_order, display_texts, labelled_view, stays_numeric

NAN = math.nan


def view(values: object, **about: object) -> pd.Series:
    frame = pd.DataFrame({"q": values})
    return labelled_view(frame, Codebook({"q": Variable("q", **about)}))["q"]  # type: ignore[arg-type]


def shown(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(v) else v for v in column]


def test_questionnaire_order_and_empty_categories() -> None:
    column = view([2.0, 1, NAN, 3], labels={3: "Zebra", 1: "Apple", 2: "Mango", 4: "Nobody"})
    assert column.cat.ordered
    assert column.cat.categories.tolist() == ["Zebra", "Apple", "Mango", "Nobody"]
    assert shown(column) == ["Mango", "Apple", None, "Zebra"]


def test_user_missing_is_nan_and_no_category() -> None:
    column = view([1.0, 9, 98, 2], labels={1: "Yes", 2: "No", 9: "DK"}, missing=MissingRule((9,), ((97, 99),)))
    assert column.cat.categories.tolist() == ["Yes", "No"]
    assert shown(column) == ["Yes", None, None, "No"]


def test_two_codes_with_one_label_stay_apart() -> None:
    column = view([1, 2, 3], labels={1: "Yes", 2: "Yes", 3: "No"})
    assert shown(column) == ["Yes [1]", "Yes [2]", "No"]


def test_unlabelled_codes_are_categories_in_code_order() -> None:
    labels = {1: "Low", 2: "Mid", 4: "High"}
    assert view([3, 0, 7, 1], labels=labels).cat.categories.tolist() == ["0", "Low", "Mid", "3", "High", "7"]
    falling = {4: "High", 2: "Mid", 1: "Low"}
    assert view([3, 0, 7], labels=falling).cat.categories.tolist() == ["7", "High", "3", "Mid", "Low", "0"]
    neither = {2: "Mid", 4: "High", 1: "Low"}
    assert view([3, 0], labels=neither).cat.categories.tolist() == ["Mid", "High", "Low", "0", "3"]


def test_a_code_that_reads_like_a_label_stays_apart() -> None:
    column = view([1, 2, 3, 4], labels={1: "2", 3: "Yes", 4: "No"})
    assert shown(column) == ["2 [1]", "2 [2]", "Yes", "No"]


def test_a_scale_with_labelled_ends_stays_numeric() -> None:
    column = view([1.0, 5, 10, 11, 99], labels={1: "Not at all", 10: "Fully", 99: "DK"}, missing=MissingRule((99,)))
    assert shown(column) == ["Not at all", "5", "Fully", "11", None]
    column = view([1.0, 5, 6, 10, 11, 99], labels={1: "Not at all", 10: "Fully", 99: "DK"}, missing=MissingRule((99,)))
    assert column.dtype == float
    assert column.isna().tolist() == [False] * 5 + [True]


@pytest.mark.parametrize(
    ("values", "labels", "numeric"),
    [
        (range(11), {0: "Low", 10: "High"}, True),
        (range(1, 6), {1: "Low", 5: "High"}, True),
        (range(1, 8), {1: "Low", 4: "Mid", 7: "High"}, True),
        ([18, 25, 33, 47, 50, 61, 62, 63, 70, 71, 90, 98], {98: "98 or older"}, True),
        ([1, 2, 3], {}, True),
        ([1, 2, 3], {99: "Refused"}, False),
        ([1, 2], {1: "Yes", 2: "No"}, False),
        ([1, 2, 3, 4, 5], {1: "Yes", 2: "No"}, False),
        ([1, 5, 3], {1: "Yes", 5: "No"}, False),
        (["a", "b"], {"a": "A"}, False),
        (["a", "b"], {}, False),
    ],
)
def test_stays_numeric(values: object, labels: dict, numeric: bool) -> None:
    assert stays_numeric(pd.Series(values), Variable("q", labels=labels)) is numeric


def test_labels_of_missing_codes_alone_leave_a_number() -> None:
    column = view([18, 99, 40], labels={99: "Refused"}, missing=MissingRule((99,)))
    assert column.dtype == float and column.tolist()[::2] == [18, 40] and np.isnan(column[1])


def test_numbers_text_and_dates_stay() -> None:
    assert view([1, 2]).dtype == np.int64
    text = view(["a", "zz", None], missing=MissingRule(("zz",)))
    assert text.dtype == "str" and shown(text) == ["a", None, None]
    assert view(pd.to_datetime(["2025-01-01"]), labels={1: "x"}).dtype.kind == "M"


def test_labelled_text_codes() -> None:
    column = view(["b", "q", None, "zz", "a"], labels={"b": "Beta", "a": "Alpha"}, missing=MissingRule(("zz",)))
    assert column.cat.categories.tolist() == ["Beta", "Alpha", "q"]
    assert shown(column) == ["Beta", "q", None, None, "Alpha"]


@pytest.mark.parametrize("dtype", ["int8", "float32", "Int64", "Float64", "boolean"])
def test_types_of_codes(dtype: str) -> None:
    column = view(pd.Series([1, 0, 1], dtype=dtype), labels={0: "No", 1: "Yes"})
    assert shown(column) == ["Yes", "No", "Yes"]


def test_all_missing_and_no_rows() -> None:
    labels = {1: "Yes", 2: "No"}
    assert view([NAN, NAN], labels=labels).cat.categories.tolist() == ["Yes", "No"]
    assert view(pd.Series([], dtype=float), labels=labels).cat.categories.tolist() == ["Yes", "No"]


def test_columns_index_and_source() -> None:
    frame = pd.DataFrame({"a": [1, 9], "b": [2, 1], "c": [0.5, 1.5]}, index=["r", "r"])
    before = frame.copy(deep=True)
    book = Codebook({"a": Variable("a", missing=MissingRule((9,))), "b": Variable("b", labels={1: "x", 2: "y"})})
    found = labelled_view(frame, book, columns=["b", "a"])
    assert list(found) == ["b", "a"] and found.index.tolist() == ["r", "r"]
    assert list(labelled_view(frame, book)) == ["a", "b", "c"]
    pd.testing.assert_frame_equal(frame, before)


def test_refusals() -> None:
    frame = pd.DataFrame({"vote": [1], "m": pd.Series(["a"], dtype=object)})
    with pytest.raises(UnknownNameError, match=r"No column 'vot'. Did you mean 'vote'\?"):
        labelled_view(frame, Codebook(), ["vot"])
    mixed = pd.DataFrame({"m": pd.Series(["a", 1], dtype=object)})
    with pytest.raises(ArgumentError, match="Column 'm' holds int and str; codes are all numbers or all text"):
        labelled_view(mixed, Codebook({"m": Variable("m", labels={"a": "A"})}))


def test_category_order_with_missing_last() -> None:
    variable = Variable("q", labels={9: "DK", 1: "Yes", 2: "No"}, missing=MissingRule((9,), ((97, 99),)))
    codes = pd.Series([98.0, 3, 2, 9])
    assert category_order(codes, variable) == [1, 2, 3]
    assert category_order(codes, variable, missing=True) == [1, 2, 3, 9, 98]


def test_display_agrees_with_the_codebook() -> None:
    variable = Variable("q", labels={1: "Yes", 2: "Yes", 3: "No", 4.5: "Maybe"})
    codes = [1, 2.0, 3, 4.5, 7.0]
    assert display_texts(variable, codes) == [variable.display(c) for c in codes]


codes_list = st.lists(st.sampled_from([None, 0, 1, 2, 3, 4, 5, 8, 9]), max_size=15)
labels_map = st.dictionaries(st.integers(0, 9), st.sampled_from(["A", "B", "C", "2", "A [1]"]), max_size=6)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(codes_list, labels_map, st.sets(st.sampled_from([8, 9, 3]), max_size=2))
def test_categories_and_codes_are_one_to_one(values: list, labels: dict, lost: set) -> None:
    series = pd.Series(values, dtype=float)
    variable = Variable("q", labels=labels, missing=MissingRule(tuple(sorted(lost))))
    column = view(series, labels=labels, missing=variable.missing)
    missing = variable.is_missing(series)
    assert column.isna().tolist() == missing.tolist()
    if stays_numeric(series, variable):
        assert column[~missing].tolist() == series[~missing].tolist()
        return
    order = category_order(series, variable)
    assert len(order) == len(column.cat.categories)
    assert [order[p] for p in column.cat.codes if p >= 0] == series[~missing].tolist()


def test_a_thousand_labelled_columns() -> None:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({f"q{i}": draw.choice([1, 2, 3, 4, 5, 98, NAN], 1_000) for i in range(1_000)})
    labels = {1: "Very good", 2: "Good", 3: "Neither", 4: "Bad", 5: "Very bad", 98: "DK", 99: "Refused"}
    book = Codebook(
        {
            n: Variable(n, labels={**labels, 1: f"Very good {i}"}, missing=MissingRule((98, 99)))
            for i, n in enumerate(frame)
        }
    )
    found = labelled_view(frame, book)
    assert found.shape == (1_000, 1_000) and isinstance(found["q7"].dtype, pd.CategoricalDtype)
