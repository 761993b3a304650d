"""Everything that a report shows, as results: estimates of each section, the model and its effects. No looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from survey_kit import estimation, models, schema
from survey_kit.codebook import Code
from survey_kit.errors import ArgumentError, UnsupportedOption, unknown
from survey_kit.recode import answer_code
from survey_kit.reports.inline import Writer
from survey_kit.reports.load import StudyFile
from survey_kit.reports.prepare import Prepared
from survey_kit.reports.progress import Progress, begin
from survey_kit.reports.study_content import Battery, Question, Subgroups
from survey_kit.results.combine import only_answer, only_nets, stacked, with_nets
from survey_kit.results.estimates import Estimates
from survey_kit.results.fit import RATIOS, ModelFit, WaldTest
from survey_kit.schema import Notice
from survey_kit.survey import Survey

INTERCEPT = "Intercept"


@dataclass(frozen=True, eq=False)
class QuestionResult:
    """A question: shares of its answers, and the same with nets appended."""

    answers: Estimates
    with_nets: Estimates


@dataclass(frozen=True, eq=False)
class BatteryResult:
    """A battery: shares of all answers to all items, and what the items are compared by."""

    answers: Estimates
    compared: Estimates
    word: str


@dataclass(frozen=True, eq=False)
class GroupsResult:
    """One answer compared: its share in the groups of each grouping variable, and among everybody."""

    groups: tuple[Estimates, ...]
    overall: Estimates


@dataclass(frozen=True, eq=False)
class ModelResult:
    """A model, the average marginal effects of its variables, and the tests of its terms."""

    fit: ModelFit
    effects: Estimates
    tests: tuple[WaldTest, ...]


@dataclass(frozen=True, eq=False)
class Analysis:
    """All results of a study, in the order of the study file."""

    prepared: Prepared
    writer: Writer
    questions: tuple[QuestionResult, ...]
    batteries: tuple[BatteryResult, ...]
    subgroups: tuple[GroupsResult, ...]
    model: ModelResult | None

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What reading, weighting and estimation left to say."""
        model = () if self.model is None else tuple(self.model.fit.notices)
        shown = [q.answers for q in self.questions] + [b.answers for b in self.batteries]
        found = [*shown, *(e for compared in self.subgroups for e in compared.groups)]
        return (*self.prepared.notices, *(n for e in found for n in e.notices), *model)


def analyse(prepared: Prepared, progress: Progress) -> Analysis:
    """Estimate every section and fit the model.

    Raises:
        ConfigError: a name or an option that the data or a verb does not have, with file, line and field.
        NoValidData, UndeclaredMissingError, ConvergenceError: data that give no such number.
    """
    source, survey = prepared.source, prepared.survey
    begin(progress, "Estimate")
    questions, batteries, subgroups = [], [], []
    for number, question in enumerate(source.study.questions):
        with source.at("questions", number):
            questions.append(_question(survey, question))
    for number, battery in enumerate(source.study.batteries):
        with source.at("batteries", number):
            batteries.append(_battery(survey, battery))
    for number, compared in enumerate(source.study.subgroups):
        with source.at("subgroups", number):
            subgroups.append(_subgroups(survey, compared))
    begin(progress, "Fit the model")
    model = _model(source, survey)
    writer = Writer(source, survey, *_frames(model))
    return Analysis(prepared, writer, tuple(questions), tuple(batteries), tuple(subgroups), model)


def _question(survey: Survey, question: Question) -> QuestionResult:
    is_set = question.ask in survey.codebook.sets
    if is_set and (question.net or question.missing == "show"):
        option = "net" if question.net else 'missing: "show"'
        raise UnsupportedOption(
            f"{question.ask!r} is a multiple-response set; {option} is for single-choice questions. Leave it out."
        )
    answers = estimation.proportion(survey, question.ask, where=question.where, missing=question.missing)
    nets = {} if is_set else _texts(survey, question.ask, question.net)
    return QuestionResult(answers, with_nets(answers, nets))


def _texts(survey: Survey, name: str, nets: Mapping[str, Sequence[Code]]) -> dict[str, list[str]]:
    """Nets by the texts of their answers, where they are written as labels or codes."""
    if not nets:
        return {}
    variable = survey[name]
    twice = [net for net in nets if net in variable.labels.values()]
    if twice:
        raise ArgumentError(f"{twice[0]!r} is an answer of {name!r} already. Give the net a name of its own.")
    return {
        net: [variable.display(answer_code(variable, answer)) for answer in answers] for net, answers in nets.items()
    }


def _battery(survey: Survey, battery: Battery) -> BatteryResult:
    answers = stacked([estimation.proportion(survey, item) for item in battery.items])
    if not battery.net:
        last = str(answers.keys[schema.ANSWER].iloc[-1])
        return BatteryResult(answers, only_answer(answers, last), last)
    (word,) = battery.net
    return BatteryResult(answers, only_nets(answers, _texts(survey, battery.items[0], battery.net)), word)


def _subgroups(survey: Survey, compared: Subgroups) -> GroupsResult:
    overall = only_answer(estimation.proportion(survey, compared.outcome), compared.answer)
    out = []
    for by in compared.by:
        shares = only_answer(estimation.proportion(survey, compared.outcome, by=by), compared.answer)
        out.append(replace(shares, titles={**shares.titles, by: survey[by].title}))
    return GroupsResult(tuple(out), overall)


def _model(source: StudyFile, survey: Survey) -> ModelResult | None:
    asked = source.study.model
    if asked is None:
        return None
    with source.at("model", "formula"):
        fit = models.glm(survey, asked.formula, family=asked.family)
    with source.at("model", "effects"):
        effects = models.margins(fit, None if asked.effects is None else list(asked.effects))
    with source.at("model", "labels"):
        titles = _renamed(fit.coef.titles, asked.labels)
    fit = replace(fit, coef=replace(fit.coef, titles=titles))
    tests = tuple(fit.wald(term) for term in model_terms(fit))
    return ModelResult(fit, replace(effects, titles=titles), tests)


def _renamed(titles: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Titles of the variables of a model, with the labels of the study file in their place."""
    for name in labels:
        if name not in titles:
            raise unknown("variable of the model", name, titles)
    return {**titles, **labels}


def model_terms(fit: ModelFit) -> tuple[str, ...]:
    """The terms of a model without its intercept, in order: "cost_index", "age4", "a:b"."""
    return tuple(dict.fromkeys(v for v in fit.coef.keys[schema.VARIABLE] if v != INTERCEPT))


def _frames(model: ModelResult | None) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Odds ratios and average marginal effects, for the texts of the study file."""
    if model is None:
        return None, None
    ratios = model.fit.frame(exponentiate=True) if model.fit.link in RATIOS else None
    return ratios, model.effects.frame()
