"""The recipe that crosses categorical variables into one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey_kit.codebook import Code, Codebook, Variable
from survey_kit.errors import ArgumentError
from survey_kit.recode.answers import display_texts
from survey_kit.recode.labelled import category_order
from survey_kit.recode.recipe import Recipe
from survey_kit.recode.recoded import Recoded, Source, check_name, count, either, source_of, translate


@dataclass(frozen=True, slots=True)
class Cross(Recipe):
    """Categorical variables crossed; see `cross`."""

    columns: tuple[str, ...]
    separator: str = " x "
    label: str = ""

    def make(self, codes: pd.DataFrame, codebook: Codebook, name: str) -> Recoded:
        """The crossing; see `cross`."""
        check_name(name)
        parts = [_placed(source_of(codes, codebook, column)) for column in self.columns]
        complete = np.logical_and.reduce([places >= 0 for places, _ in parts])
        texts, found = [""], np.zeros(int(complete.sum()), dtype=np.int64)
        for j, (places, shown) in enumerate(parts):
            keys, found = np.unique(found * len(shown) + places[complete], return_inverse=True)
            pairs = [divmod(key, len(shown)) for key in keys.tolist()]
            texts = [f"{texts[before]}{self.separator if j else ''}{shown[here]}" for before, here in pairs]
        values = np.full(len(codes), np.nan)
        values[complete] = found + 1
        origin = f"Combinations of {either(self.columns, 'and')}."
        labels: dict[Code, str] = dict(enumerate(texts, start=1))
        variable = Variable(name, label=self.label, labels=labels, measure="nominal", origin=origin)
        notices = count(~complete, "missing", f"missing in one of {', '.join(self.columns)}: no combination.")
        return Recoded(pd.Series(values, index=codes.index, name=name), variable, tuple(notices))


def cross(*columns: str, separator: str = " x ", label: str = "") -> Cross:
    """The crossing of categorical variables: one code per combination that is present, labelled "Male x 18-29".

    Codes are 1..k in codebook order, the first column varying slowest. Rows in which one of the columns is system- or
    user-missing are system-missing and counted in a notice. Equivalents: R `interaction(lex.order = TRUE)`, Stata
    `egen group`.

    Args:
        columns: two or more columns.
        separator: what stands between the labels.
        label: of the new variable.

    Raises:
        UnknownNameError: no such column.
        ArgumentError: fewer than two columns, or one of them twice.

    >>> import survey_kit as sk
    >>> poll = sk.from_frame(pd.DataFrame({"sex": ["F", "M", "F"], "area": [1, 1, 2]}))
    >>> poll = poll.recode(cell=sk.cross("sex", "area"))
    >>> poll.codes["cell"].tolist(), dict(poll["cell"].labels)
    ([1.0, 3.0, 2.0], {1: 'F x 1', 2: 'F x 2', 3: 'M x 1'})
    """
    if not all(isinstance(c, str) for c in columns) or len(columns) < 2 or len(set(columns)) < len(columns):
        raise ArgumentError(
            f"A crossing needs two or more different columns, as in cross('sex', 'age4'); there was {columns!r}."
        )
    return Cross(columns, separator, label)


def _placed(source: Source) -> tuple[np.ndarray, list[str]]:
    """Place of every row in the order of the categories (-1 where missing, shape (n,)), and the categories' texts."""
    order = category_order(source.series, source.variable)
    places = translate(source.series, {code: i for i, code in enumerate(order)}, source.variable.name)
    return places.fillna(-1).to_numpy().astype(np.int64), display_texts(source.variable, order)
