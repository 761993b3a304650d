"""The parts of a study file that say what the report shows: questions, batteries, groups, model, methods, outputs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from survey_kit.reports.study_base import Code, Name, OutputPath, Part, Text


class KeyFigure(Part):
    """A number that the report opens with."""

    value: Text
    """The number, such as "{{ prop('oppose', 'Yes') }}"."""
    label: Text
    """What it counts."""
    note: Text = ""
    """Base, interval or date in small type."""


class Section(Part):
    """What every section may say."""

    heading: Text = ""
    """Heading; the question's label when left out."""
    title: Text = ""
    """Title of the chart, which states a finding. Left out, it is written from the numbers."""
    text: Text = ""
    """A paragraph above the chart."""


class Question(Section):
    """One question, or one multiple-response set."""

    ask: Name
    """Variable or multiple-response set."""
    missing: Literal["exclude", "show"] = "exclude"
    """"show" keeps "don't know" and "refused" as answers, in the base. Not for multiple-response sets."""
    net: dict[str, tuple[Code, ...]] = Field(default_factory=dict)
    """Sums of answers, by label or code, shown below the answers of a single-choice question."""
    where: str | None = None
    """A condition that limits the rows, such as "age >= 18"."""


class Battery(Section):
    """Items with one answer scale, drawn as one diverging chart."""

    items: tuple[Name, ...] = Field(min_length=2)
    """The variables."""
    name: Name
    """File name of chart and table."""
    net: dict[str, tuple[Code, ...]] = Field(default_factory=dict, max_length=1)
    """A sum of answers, such as {agree: [4, 5]}, by which the items are compared in the title."""
    reverse: bool = False
    """The answers run from agreement to disagreement: agreement is drawn to the right all the same."""


class Subgroups(Section):
    """One answer compared between groups."""

    outcome: Name
    """The variable."""
    answer: str = "Yes"
    """The answer whose share is compared, by label."""
    by: tuple[Name, ...] = Field(min_length=1)
    """The grouping variables."""
    name: Name | None = None
    """File name of chart and table; made from the outcome when left out."""


class Model(Section):
    """A regression that explains one outcome."""

    formula: str = Field(min_length=3)
    """Outcome and terms: "oppose ~ cost_index + C(region)"."""
    family: str = "binomial"
    """Distribution of the outcome, such as "binomial", "gaussian", "poisson"."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Variable -> label in charts and tables."""
    effects: tuple[Name, ...] | None = None
    """Variables whose average marginal effects are shown; all of the formula when left out."""
    effects_title: Text = ""
    """Title of the chart of average marginal effects."""


class Methodology(Part):
    """Items of disclosure, after the AAPOR code. Items left out are printed as "not supplied"."""

    strategy: Text | None = None
    """Data collection strategy."""
    sponsor: Text | None = None
    """Who paid for the study and who ordered it."""
    conductor: Text | None = None
    """Who collected the data."""
    instrument: Text | None = None
    """Questionnaire: where its wording can be read; what interviewers were told."""
    population: Text | None = None
    """Whom the study speaks of."""
    sampling: Text | None = None
    """How people were selected: frame, probability or not, eligibility, quotas, incentives."""
    modes: Text | None = None
    """Modes and languages of interviewing."""
    dates: Text | None = None
    """Dates of fieldwork."""
    sample_size: Text | None = None
    """Said beside the computed sample size: by frame and mode, dispositions, response rate."""
    weighting: Text | None = None
    """Said beside the computed facts: why these variables, where the targets come from."""
    processing: Text | None = None
    """Checks of quality, exclusions, imputation, coding."""
    limitations: Text | None = None
    """What the numbers cannot say."""
    contact: Text | None = None
    """Where to ask."""


class Outputs(Part):
    """What is written."""

    html: bool = True
    """The report as one HTML file."""
    pdf: bool = True
    """The report as PDF."""
    csv: bool = True
    """Every table, and the data of every chart, as CSV."""
    svg: bool = True
    """Every chart as SVG."""
    png: bool = True
    """Every chart as PNG."""
    microdata: OutputPath | Literal[False] = "data/processed/{id}.sav"
    """Where the weighted microdata go, relative to the working directory; `{id}` is the study's id. false: nowhere."""
