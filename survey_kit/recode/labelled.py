"""The labelled view: what people read, derived from the codes. The identity of a category is its code."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Variable
from survey_kit.errors import unknown
from survey_kit.nonresponse import looks_like_nonresponse
from survey_kit.recode.answers import column_of, display_texts, present_codes

_FEW_LABELS = 10  # beyond so many unlabelled codes a variable is a number with some labels, not a list of answers

_Dtypes = dict[tuple[str, ...], pd.CategoricalDtype]


def labelled_view(codes: pd.DataFrame, codebook: Codebook, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """The data as people read them.

    - A labelled variable becomes an ordered Categorical in the order of `category_order`. Two codes with one label stay
      two categories ("Yes [1]", "Yes [2]"); codes without a label are categories of their own; empty categories stay.
    - A number of which only some points are labelled stays a number (`stays_numeric`), and so do unlabelled numbers.
    - Text stays text, dates stay dates. User-missing codes are NaN everywhere.

    Equivalents: R `haven::as_factor`, `labelled::to_factor`; pandas `read_spss(convert_categoricals=True)`, which
    however merges codes that share a label.

    Args:
        codes: codes, shape (n, columns).
        codebook: labels and missing rules.
        columns: which columns, in which order; None for all.

    Raises:
        UnknownNameError: no such column.
        ArgumentError: a labelled column that holds text and numbers together.

    >>> book = Codebook({"q": Variable("q", labels={1: "Yes", 2: "No"})})
    >>> labelled_view(pd.DataFrame({"q": [2, 1, None]}), book)["q"].tolist()
    ['No', 'Yes', nan]
    """
    names = list(codes.columns) if columns is None else list(columns)
    for name in names:
        if name not in codes.columns:
            raise unknown("column", name, codes.columns)
    dtypes: _Dtypes = {}
    shown = {
        name: _shown(column_of(codes, name), codebook[name] if name in codebook else Variable(name), dtypes)
        for name in names
    }
    return pd.DataFrame(shown, index=codes.index, columns=names)


def category_order(codes: pd.Series, variable: Variable, missing: bool = False) -> list[Code]:
    """The codes of a variable in the order in which they are shown.

    Labelled valid codes come in codebook order, whether present or not. Present codes without a label are put where
    their number belongs when the codebook order rises or falls, else (and for text) after the labelled ones. Codes that
    look like "don't know" and are not declared missing come after all others, wherever their numbers are. User-missing
    codes are left out, or come last with `missing=True`.

    >>> scale = Variable("q", labels={1: "Low", 4: "High"})
    >>> category_order(pd.Series([2.0, 1.0, 7.0]), scale)
    [1, 2.0, 4, 7.0]
    >>> category_order(pd.Series([1, -1]), Variable("q", labels={-1: "Don't know", 1: "Yes", 2: "No"}))
    [1, 2, -1]
    """
    present = present_codes(codes)
    lost = _user_missing(variable, present)
    valid = _valid_order(variable, [c for c in present if c not in lost and c not in variable.labels])
    if not missing:
        return valid
    labelled = [c for c in variable.labels if variable.missing is not None and c in variable.missing]
    return valid + labelled + [c for c in present if c in lost and c not in variable.labels]


def stays_numeric(codes: pd.Series, variable: Variable) -> bool:
    """True for a number that has labels for some of its points only: a scale with labelled ends, an age with "98+".

    That is so when at least as many unlabelled codes lie between the labelled ones as there are labels (and at least
    two labels), or when more than ten codes are unlabelled and they outnumber the labels. Text is never numeric.

    >>> stays_numeric(pd.Series(range(11)), Variable("q", labels={0: "Not at all", 10: "Fully"}))
    True
    """
    if not pd.api.types.is_numeric_dtype(codes):
        return False
    present = present_codes(codes)
    lost = _user_missing(variable, present)
    return _is_number(list(variable.valid_labels()), [c for c in present if c not in lost and c not in variable.labels])


def _is_number(labelled: list[Code], unlabelled: list[Code]) -> bool:
    if not labelled:
        return True
    if not unlabelled or any(isinstance(c, str) for c in labelled):
        return False
    low, high = min(labelled), max(labelled)  # type: ignore[type-var]
    inside = sum(low < c < high for c in unlabelled)  # type: ignore[operator]
    return inside >= max(2, len(labelled)) or len(unlabelled) > max(_FEW_LABELS, len(labelled))


def _user_missing(variable: Variable, present: list[Code]) -> set[Code]:
    return set() if variable.missing is None else {c for c in present if c in variable.missing}


def _valid_order(variable: Variable, unlabelled: list[Code]) -> list[Code]:
    """Valid codes in order, those that look like "don't know" last."""
    doubtful = looks_like_nonresponse(variable)
    return _merged([c for c in variable.valid_labels() if c not in doubtful], unlabelled) + doubtful


def _merged(labelled: list[Code], unlabelled: list[Code]) -> list[Code]:
    """Both lists in one order; `unlabelled` is sorted."""
    if not labelled or not unlabelled:
        return labelled + unlabelled
    if any(isinstance(c, str) for c in labelled + unlabelled):
        return labelled + unlabelled
    together = sorted(labelled + unlabelled)  # type: ignore[type-var]
    if labelled == [c for c in together if c in set(labelled)]:
        return together
    if labelled == [c for c in reversed(together) if c in set(labelled)]:
        return together[::-1]
    return labelled + unlabelled


def _shown(series: pd.Series, variable: Variable, dtypes: _Dtypes) -> pd.Series | pd.Categorical:
    valid_labels = variable.valid_labels()
    if not valid_labels or pd.api.types.is_datetime64_any_dtype(series.dtype):
        return _unlabelled(series, variable)
    places, values = pd.factorize(series.to_numpy() if _is_plain(series) else series)
    uniques = values.tolist()
    present = present_codes(pd.Series(values, name=series.name))
    lost = _user_missing(variable, present)
    loose = [c for c in present if c not in lost and c not in variable.labels]
    if pd.api.types.is_numeric_dtype(series.dtype) and _is_number(list(valid_labels), loose):
        return _unlabelled(series, variable)
    order = _valid_order(variable, loose)
    position = {code: i for i, code in enumerate(order)}
    lookup = np.array([position.get(code, -1) for code in uniques] + [-1])  # place -1 is system-missing
    return pd.Categorical.from_codes(lookup[places], dtype=_dtype(tuple(display_texts(variable, order)), dtypes))


def _is_plain(series: pd.Series) -> bool:
    return isinstance(series.dtype, np.dtype) and series.dtype.kind in "fiu"


def _dtype(texts: tuple[str, ...], dtypes: _Dtypes) -> pd.CategoricalDtype:
    if texts not in dtypes:
        dtypes[texts] = pd.CategoricalDtype(list(texts), ordered=True)
    return dtypes[texts]


def _unlabelled(series: pd.Series, variable: Variable) -> pd.Series:
    if variable.missing is None:
        return series
    lost = variable.missing.mask(series)
    return series.mask(lost) if lost.any() else series
