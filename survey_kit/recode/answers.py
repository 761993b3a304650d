"""From what people write (a label, a displayed label, a code) to the code of a variable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Variable, format_code
from survey_kit.errors import ArgumentError, UndeclaredMissingError, UnknownNameError, did_you_mean, listed, unknown


def display_texts(variable: Variable, codes: Sequence[Code]) -> list[str]:
    """The text shown for each code, all different: as `Variable.display`, but made for many codes at once.

    >>> display_texts(Variable("q", labels={1: "Yes", 2: "Yes", 3: "No"}), [1, 2, 3, 4.0])
    ['Yes [1]', 'Yes [2]', 'No', '4']
    """
    labels = {c: text for c, text in variable.labels.items() if text}
    shared = _repeated(labels.values())
    texts = [f"{labels[c]} [{format_code(c)}]" if labels.get(c) in shared else labels.get(c) for c in codes]
    shown = [format_code(c) if t is None else t for c, t in zip(codes, texts, strict=True)]
    if repeated := _repeated(shown):
        marks = [f" [{format_code(c)}]" for c in codes]
        shown = [t + m if t in repeated and not t.endswith(m) else t for t, m in zip(shown, marks, strict=True)]
    while repeated := _repeated(shown):  # codes that are written alike, such as 1 and "1"
        shown = [f"{t} ({i})" if t in repeated else t for i, t in enumerate(shown, 1)]
    return shown


def _repeated(texts: Iterable[str]) -> set[str]:
    texts = list(texts)
    return set() if len(set(texts)) == len(texts) else {t for t, count in Counter(texts).items() if count > 1}


def label_code(variable: Variable, text: str) -> Code | None:
    """The code whose label (or displayed label, "Yes [1]") is `text`; None where there is none.

    Raises ArgumentError when several codes share the label.
    """
    found = [code for code, label in variable.labels.items() if label == text]
    if len(found) == 1:
        return found[0]
    codes = list(variable.labels)
    shown = dict(zip(display_texts(variable, codes), codes, strict=True))
    if text in shown:
        return shown[text]
    if found:
        written = [display_texts(variable, codes)[codes.index(code)] for code in found]
        raise ArgumentError(
            f"Label {text!r} of {variable.name!r} belongs to {len(found)} codes. "
            f"Write the code or one of: {', '.join(map(repr, written))}."
        )
    return None


def no_label(variable: Variable, text: object) -> Exception:
    """The error for a label that a variable does not have: nearest first, then the labels there are."""
    labels = list(variable.labels.values())
    if not labels:
        return ArgumentError(
            f"{variable.name!r} has no value labels, so {str(text)!r} cannot be looked up. Write a code."
        )
    near = did_you_mean(text, labels)
    rest = f" Its labels: {listed(map(repr, labels), 12)}."
    return UnknownNameError(
        f"No label {str(text)!r} in {variable.name!r}.{'' if near.startswith(' There') else near}{rest}"
    )


def answer_code(variable: Variable, answer: Code, present: Iterable[Code] | None = None) -> Code:
    """The code of an answer given as label, displayed label or code.

    Args:
        variable: the variable that is answered.
        answer: a label ("Rather oppose"), a displayed label ("Yes [1]"), or a code.
        present: codes found in the data; None where any code is acceptable.

    Raises:
        UnknownNameError: no such label; or a code that is neither labelled nor present.
        ArgumentError: a label that several codes share, or an answer that is neither text nor a number.
    """
    if isinstance(answer, (bool, np.bool_)) or not isinstance(answer, (str, int, float, np.integer, np.floating)):
        raise ArgumentError(f"{answer!r} is no answer to {variable.name!r}: give a label or a code (text or a number).")
    if isinstance(answer, str) and (code := label_code(variable, answer)) is not None:
        return code
    known = [*variable.labels, *(present or ())]
    if answer in known or (present is None and _same_kind(answer, known)):
        return answer.item() if isinstance(answer, np.generic) else answer
    if isinstance(answer, str) and not all(isinstance(c, str) for c in known):
        raise no_label(variable, answer)
    near = did_you_mean(format_code(answer), dict.fromkeys(map(format_code, known)))
    raise UnknownNameError(f"No code {format_code(answer)!r} in {variable.name!r}.{near}")


def _same_kind(answer: Code, known: Sequence[Code]) -> bool:
    return not known or isinstance(answer, str) == isinstance(known[0], str)


def undeclared(variable: Variable, doubtful: Sequence[Code]) -> UndeclaredMissingError:
    """The error for codes in the data that look like "don't know" and are not declared missing."""
    name = variable.name
    shown = listed(f"{format_code(c)} ({variable.labels[c]!r})" for c in doubtful)
    way_out = f"Declare them: poll.declare_missing({name!r}, {list(doubtful)})."
    if variable.missing is None:
        way_out += f" Or state that every code is an answer: poll.declare_missing({name!r})."
    return UndeclaredMissingError(
        f"Codes of {name!r} read like non-response but are not declared missing: {shown}. {way_out}"
    )


def present_codes(series: pd.Series) -> list[Code]:
    """The different codes in a column, sorted, without system-missing, as plain Python values.

    Raises ArgumentError for a column that holds numbers and text together, or neither.
    """
    found = series.dropna().unique()
    values = found.tolist() if hasattr(found, "tolist") else list(found)
    text = [isinstance(v, str) for v in values]
    if (any(text) and not all(text)) or not all(isinstance(v, (str, int, float)) for v in values):
        kinds = sorted({type(v).__name__ for v in values})
        raise ArgumentError(
            f"Column {str(series.name)!r} holds {' and '.join(kinds)}; codes are all numbers or all text. "
            "Convert the column first."
        )
    return sorted(values)


def column_of(codes: pd.DataFrame, name: str) -> pd.Series:
    """One column of the codes. Raises UnknownNameError, or ArgumentError for a name that several columns have."""
    if name not in codes.columns:
        raise unknown("column", name, codes.columns)
    series = codes[name]
    if isinstance(series, pd.DataFrame):
        raise ArgumentError(f"{series.shape[1]} columns are named {name!r}. Rename them, so that names differ.")
    return series
