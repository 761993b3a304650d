"""The codebook of a survey: a Codebook that knows the data, so that it can say how often each answer was given."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.codebook_view.sets import summarise_set
from survey_kit.codebook_view.summary import Rows, Summary, summarise
from survey_kit.design.bind import bind
from survey_kit.design.design import Design
from survey_kit.design.weight_checks import check_weights
from survey_kit.errors import ArgumentError, unknown

_SHOWN = 12  # variables in the plain text of a codebook


@dataclass(frozen=True, eq=False, repr=False)
class SurveyCodebook(Codebook):
    """A codebook with counts. Nothing is counted before it is asked for.

    `frame()`, `categories()`, the view in a notebook, `to_html()` and `to_xlsx()` count the rows of the domain.
    Percentages and means use the weight of the design; a weight that the file merely declares is not applied. Open
    answers, ids, telephones and the like are counted and never listed.

    Attributes:
        codes: codes as in the file. Shape (n, columns).
        design: whose weight is used.
        domain: rows inside the domain, or None for all. Shape (n,).
        condition: the domain in words.

    Equivalents: SPSS CODEBOOK, Stata codebook, R codebook::codebook, labelled::look_for.
    """

    codes: pd.DataFrame = field(default_factory=pd.DataFrame, compare=False, repr=False)
    design: Design = field(default=Design(), compare=False, repr=False)
    domain: np.ndarray | None = field(default=None, compare=False, repr=False)
    condition: str = field(default="", compare=False, repr=False)

    @classmethod
    def of(
        cls,
        codebook: Codebook,
        codes: pd.DataFrame,
        design: Design | None = None,
        domain: np.ndarray | None = None,
        condition: str = "",
    ) -> SurveyCodebook:
        """The codebook of these data.

        Example:
            >>> from survey_kit.codebook import Variable
            >>> book = Codebook({"vote": Variable("vote", labels={1: "Yes", 2: "No"})})
            >>> told = SurveyCodebook.of(book, pd.DataFrame({"vote": [1, 1, 2, None]}))
            >>> told.categories("vote")[["label", "kind", "n"]]
                  label     kind  n
            0       Yes    valid  2
            1        No    valid  1
            2  No value  missing  1
        """
        said = {f.name: getattr(codebook, f.name) for f in fields(Codebook)}
        return cls(**said, codes=codes, design=design or Design(), domain=domain, condition=condition)

    def __repr__(self) -> str:
        names = list(self.variables)
        width = max((len(n) for n in names[:_SHOWN]), default=0)
        lines = [f"  {n:<{width}}  {self.variables[n].label}".rstrip() for n in names[:_SHOWN]]
        more = [f"  ... and {len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
        return "\n".join([f"Codebook({self.title!r}): {self.size_text()}", *lines, *more])

    def frame(self) -> pd.DataFrame:
        """One row per variable; a multiple-response set has a row before its first column.

        Columns: name, label, question, type ("single choice", "multiple response", "number", "date", "text",
        "identifier"), measure, values, missing (the rule in words), filter, n (unweighted valid answers), missing_n
        (system- and user-missing), min, mean, max (of numbers), earliest, latest (of dates), flag. Means are weighted,
        that of the weight itself is not.

        A mean that codes for "don't know" would enter is NaN, and `flag` names them. Identifiers have no min and max.
        """
        from survey_kit.codebook_view.frames import variable_frame

        return variable_frame(self.summaries())

    def categories(self, name: str | None = None) -> pd.DataFrame:
        """One row per answer of one variable or set, or of all.

        Columns: variable, code, label, kind ("valid", "missing", or "unlabelled" for codes that the labels leave out),
        n (unweighted), percent (weighted, of the valid answers; NaN for reasons for gaps). Numbers with many values
        have rows for labelled ones only; texts without labels and identifiers have none but reasons.

        Raises:
            UnknownNameError: no variable or set of this name.
        """
        from survey_kit.codebook_view.frames import answer_frame

        if name is None:
            return answer_frame(self.summaries())
        return answer_frame([self.summary(name)])

    def summary(self, name: str) -> Summary:
        """What the answers to a variable or set come to. Raises UnknownNameError."""
        if name in self.variables:
            return self._variable(name)
        if name in self.sets:
            return summarise_set(self.codes, self, self.sets[name], self._rows)
        raise unknown("variable", name, [*self.variables, *self.sets])

    def summaries(self) -> Iterator[Summary]:
        """Summaries in column order, a set before its first column; each is computed when it is reached."""
        first: dict[str, list[str]] = {}
        for key, question in self.sets.items():
            first.setdefault(next((c for c in question.columns if c in self.variables), ""), []).append(key)
        for name in (*self.variables, ""):
            for key in first.get(name, ()):
                yield summarise_set(self.codes, self, self.sets[key], self._rows)
            if name in self.variables:
                yield self._variable(name)

    def _variable(self, name: str) -> Summary:
        """A variable's summary; the weight itself is not weighted."""
        rows = self._rows
        if name == self.design.weight:
            rows = Rows(np.ones(len(rows.weight)), rows.inside)
        return summarise(self.codes, self.variables[name], rows)

    @cached_property
    def _rows(self) -> Rows:
        """The rows that count, and their weights. Raises as `bind`, save for what only a variance needs."""
        inside = None if self.domain is None else np.asarray(self.domain, dtype=bool)
        weight = _weights(self.design, self.codes)
        return Rows(weight if inside is None else weight[inside], inside)

    # --- words -----------------------------------------------------------------------------------------------------

    def size_text(self) -> str:
        """ "24 variables, 1,200 rows, weighted by 'w'"."""
        columns = f"{len(self):,} variable{'s' if len(self) != 1 else ''}"
        return f"{columns}, {self.rows_text()}, {self.weight_text()}"

    def rows_text(self) -> str:
        """ "1,200 rows", or how many of them are in the domain."""
        total = f"{len(self.codes):,} row{'s' if len(self.codes) != 1 else ''}"
        if self.domain is None:
            return total
        return f"{int(np.sum(self.domain)):,} of {total}{f' (where {self.condition})' if self.condition else ''}"

    def weight_text(self) -> str:
        """Which weight is behind the percentages."""
        if self.design.weight is not None:
            return f"weighted by {self.design.weight!r}"
        return "weighted by the sampling fractions of the design" if self.design.fpc else "unweighted"

    def remarks(self) -> tuple[str, ...]:
        """What a reader must know of the file: its notes, and a declared weight that is not in force."""
        declared = self.weight
        if declared is None or declared == self.design.weight:
            return self.notes
        return (f"The file names {declared!r} as its weight. It is not applied here.", *self.notes)

    # --- renderers -------------------------------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        from survey_kit.codebook_view.notebook import notebook_html

        return notebook_html(self)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """A page that needs nothing else: a card a variable, with search and filter. Same data, same bytes.

        Args:
            path: where to write it, whole or not at all; None to get the page as text.

        Returns:
            The page, or the path that was written.

        Raises:
            OutputError: the file cannot be written.
        """
        from survey_kit.codebook_view.html import page
        from survey_kit.io.atomic import atomic_path

        text = page(self)
        if path is None:
            return text
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
        return Path(path)

    def to_xlsx(self, path: str | os.PathLike[str]) -> Path:
        """A workbook of three sheets: variables, values, about. Numbers are numbers; no text is run as a formula.

        Raises:
            OutputError: the file cannot be written, or there are more answers than a sheet has rows.
        """
        from survey_kit.codebook_view.xlsx import workbook
        from survey_kit.io.atomic import atomic_path

        data = workbook(self)
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
        return Path(path)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the codebook; the ending says how: .html or .xlsx to read, .yml, .csv or .json to lay over other data.

        Raises:
            ArgumentError: another ending.
            OutputError: the file cannot be written.
        """
        suffix = Path(path).suffix.lower()
        if suffix in (".html", ".htm"):
            self.to_html(path)
        elif suffix == ".xlsx":
            self.to_xlsx(path)
        elif suffix in (".yml", ".yaml", ".csv", ".json"):
            from survey_kit.io.codebooks.save import save_codebook

            save_codebook(path, self)
        else:
            what = f"files named {suffix}" if suffix else "a name without an ending"
            raise ArgumentError(f"A codebook cannot be written to {what}. There are: .html, .xlsx, .yml, .csv, .json.")
        return Path(path)


def _weights(design: Design, codes: pd.DataFrame) -> np.ndarray:
    """The weight in force, ones where there is none. Shape (n,)."""
    if design.weight is not None:
        if design.weight not in codes.columns:
            raise unknown("column", design.weight, codes.columns)
        return check_weights(codes[design.weight], design.weight)
    if design.fpc:
        return bind(replace(design, lonely_psu="remove", replicates=None), codes).weight
    return np.ones(len(codes))
