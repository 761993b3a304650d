"""The functions behind "{{ prop('oppose', 'Yes') }}": each asks for an estimate and gives its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import estimation, schema
from survey_kit.errors import ArgumentError, ConfigError, SurveyKitError, listed, unknown
from survey_kit.kernels.weight_stats import effective_n, kish_deff
from survey_kit.reports.expressions import render
from survey_kit.reports.load import StudyFile
from survey_kit.results import display
from survey_kit.results.estimates import Estimates
from survey_kit.survey import Survey


@dataclass(frozen=True, eq=False)
class Writer:
    """Renders the texts of a study file with numbers from its survey.

    Attributes:
        source: the study file, for errors. survey: the survey.
        odds, effects: frames of the model's odds ratios and average marginal effects; None without a model.
    """

    source: StudyFile
    survey: Survey
    odds: pd.DataFrame | None = None
    effects: pd.DataFrame | None = None

    def text(self, template: str, *place: str | int) -> str:
        """A text with its numbers filled in.

        Raises:
            ConfigError: an expression that fails, with file, line and field.
        """
        try:
            return " ".join(render(template, self._functions()).split()) if template else ""
        except ConfigError:
            raise
        except (SurveyKitError, TypeError) as error:
            raise self.source.error(place, f"The expression cannot be computed: {_without_internals(error)}") from error

    def _functions(self) -> dict[str, Callable[..., str]]:
        return {
            "prop": self.prop,
            "mean": self.mean,
            "ci": self.ci,
            "diff": self.diff,
            "n": self.n,
            "odds": self.odds_ratio,
            "ame": self.effect,
            "moe": self.moe,
            "deff": self.deff,
            "n_eff": self.n_eff,
        }

    def prop(
        self, variable: str, answer: Any, where: str | None = None, missing: str = "exclude", digits: int = 0
    ) -> str:
        """The share of an answer: "38%"."""
        row = self._share(variable, answer, where, missing)
        return display.percent(row[schema.ESTIMATE], digits)

    def ci(
        self, variable: str, answer: Any, where: str | None = None, missing: str = "exclude", digits: int = 0
    ) -> str:
        """The 95% confidence interval of a share: "35% to 41%"."""
        row = self._share(variable, answer, where, missing)
        return display.interval(row[schema.CI_LOW], row[schema.CI_HIGH], digits)

    def mean(self, variable: str, where: str | None = None, digits: int = 1) -> str:
        """A mean: "3.4"."""
        row = estimation.mean(self.survey, variable, where=where).frame().iloc[0]
        return display.number(row[schema.ESTIMATE], digits)

    def diff(self, variable: str, answer: Any, by: str, first: str, second: str, digits: int = 0) -> str:
        """The difference of a share between two groups, first minus second, in points without sign: "9 points".

        Raises ArgumentError when its 95% confidence interval includes zero: a text must not claim such a difference.
        """
        shares = estimation.proportion(self.survey, variable, by=by)
        row = answer_row(shares.difference(**{by: (first, second)}), answer)
        if row[schema.CI_LOW] <= 0 <= row[schema.CI_HIGH]:
            limits = f"{display.points(row[schema.CI_LOW], 1)} to {display.points(row[schema.CI_HIGH], 1)}"
            raise ArgumentError(
                f"{first} and {second} do not clearly differ in {variable} = {answer} (95% interval {limits} points). "
                "Take the claim out of the text."
            )
        amount = display.number(abs(row[schema.ESTIMATE]) * 100, digits)
        return f"{amount} point{'' if amount == '1' else 's'}"

    def n(self, where: str | None = None) -> str:
        """The number of respondents with weight, as in every other n: "1,100"."""
        asked = self.survey if where is None else self.survey.where(where)
        counted = asked.weight.to_numpy(dtype=float) > 0
        return display.number(float(np.count_nonzero(counted if asked.domain is None else counted & asked.domain)))

    def odds_ratio(self, variable: str, answer: str = "", digits: int = 1) -> str:
        """The odds ratio of a variable of the model, or of one of its categories: "1.8"."""
        return display.number(_term(self.odds, variable, answer)[schema.ESTIMATE], digits)

    def effect(self, variable: str, answer: str = "", digits: int = 0) -> str:
        """The average marginal effect of a variable of the model, or of a category, in points with sign: "+12"."""
        return display.points(_term(self.effects, variable, answer)[schema.ESTIMATE], digits)

    def moe(self, digits: int = 1) -> str:
        """The margin of error of a share of 50% with the design effect of weighting: "±3.6 points (...)"."""
        weights = self.survey.weight.to_numpy(dtype=float)
        return display.margin_of_error(float((weights > 0).sum()), kish_deff(weights), digits=digits)

    def deff(self, digits: int = 2) -> str:
        """Kish's design effect of the weights: "1.46"."""
        return display.number(kish_deff(self.survey.weight.to_numpy(dtype=float)), digits)

    def n_eff(self) -> str:
        """Kish's effective sample size: "754"."""
        return display.number(effective_n(self.survey.weight.to_numpy(dtype=float)))

    def _share(self, variable: str, answer: Any, where: str | None, missing: str) -> pd.Series:
        estimates = estimation.proportion(self.survey, variable, where=where, missing=missing)
        return answer_row(estimates, answer)


def answer_row(estimates: Estimates, answer: Any) -> pd.Series:
    """The row of one answer, by its label. Raises UnknownNameError."""
    frame = estimates.frame()
    found = frame[frame[schema.ANSWER] == str(answer)]
    if len(found) != 1:
        raise unknown("answer", answer, frame[schema.ANSWER])
    return found.iloc[0]


def _term(frame: pd.DataFrame | None, variable: str, answer: str) -> pd.Series:
    if frame is None:
        raise ArgumentError("The study has no model that gives this number. Add `model:`, or take it out of the text.")
    found = frame[(frame[schema.VARIABLE] == variable) & (frame[schema.ANSWER] == answer)]
    if len(found) != 1:
        there = [f"{v} {a}".strip() for v, a in zip(frame[schema.VARIABLE], frame[schema.ANSWER], strict=True)]
        raise ArgumentError(f"The model has no term {f'{variable} {answer}'.strip()!r}. It has: {listed(there, 20)}.")
    return found.iloc[0]


def _without_internals(error: Exception) -> str:
    """The sentence of an error; a wrong call is named by its function only."""
    text = str(error)
    return text.replace("Writer.", "") if isinstance(error, TypeError) else text
