"""The study file as a model: what `study.yml` may say. `load.load_study` reads one."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from survey_kit.reports.study_base import Name, Part, StudyId, Text
from survey_kit.reports.study_content import (
    Battery,
    KeyFigure,
    Methodology,
    Model,
    Outputs,
    Question,
    Subgroups,
)
from survey_kit.reports.study_data import Data, Missing, Recode, SampleDesign, VariableText, Weighting

__all__ = ["Study", "StudyFacts"]


class StudyFacts(Part):
    """What the report is about."""

    id: StudyId
    """Name of the report's folder: small letters, digits and hyphens."""
    title: Text
    """Title of the report."""
    subtitle: Text = ""
    """Second line of the title page."""
    author: str = ""
    """Who made the report."""
    date: str = ""
    """Date of publication or fieldwork, as text."""
    language: str = Field("en", pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")
    """Language code of the report's texts."""
    source: str = ""
    """Source of the data, printed under every chart."""
    synthetic: str = ""
    """For synthetic data: the statement that they are. It opens the report and is marked on every page and chart."""


class Study(Part):
    """A study: data, how they were sampled and weighted, and what the report shows."""

    study: StudyFacts
    """What the report is about."""
    data: Data = Data()
    """The microdata."""
    missing: dict[Name, Missing] = Field(default_factory=dict)
    """Variable -> codes that mean "no answer". "*" stands for all variables that label one of the codes; an entry of
    a variable's own replaces it."""
    variables: dict[Name, VariableText] = Field(default_factory=dict)
    """Variable or set -> labels and wording that the file lacks."""
    recode: tuple[Recode, ...] = ()
    """New variables, made in this order."""
    design: SampleDesign = SampleDesign()
    """How people were sampled."""
    weighting: Weighting | None = None
    """Weighting to known margins."""
    summary: tuple[Text, ...] = ()
    """Opening paragraphs."""
    key_figures: tuple[KeyFigure, ...] = ()
    """Numbers that the report opens with."""
    questions: tuple[Question, ...] = ()
    """One section for each question."""
    batteries: tuple[Battery, ...] = ()
    """One section for each battery of items."""
    subgroups: tuple[Subgroups, ...] = ()
    """Who gives an answer: one section each."""
    model: Model | None = None
    """What explains an outcome."""
    methodology: Methodology = Methodology()
    """Items of disclosure."""
    outputs: Outputs = Outputs()
    """What is written."""

    @field_validator("summary", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value
