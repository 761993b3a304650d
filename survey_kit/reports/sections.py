"""What all sections share: numbered file names, titles that state findings, charts and tables in one look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from survey_kit.charts import chart
from survey_kit.reports.analysis import Analysis
from survey_kit.reports.content import Figure, TableItem
from survey_kit.reports.study import Study
from survey_kit.reports.study_content import Section
from survey_kit.tables import table

SYNTHETIC = "SYNTHETIC DATA"


@dataclass(frozen=True, eq=False)
class Pen:
    """Writes the items of a section.

    Attributes:
        analysis: the results. names: file name of each chart, by part of the study file and position.
    """

    analysis: Analysis
    names: Mapping[tuple[str, int], str] = field(repr=False)

    @property
    def study(self) -> Study:
        """The study file."""
        return self.analysis.prepared.source.study

    def text(self, template: str, *place: str | int) -> str:
        """A text of the study file with its numbers filled in."""
        return self.analysis.writer.text(template, *place)

    def said(self, section: Section, name: str, default: str, *place: str | int) -> str:
        """A text of a section, or the default where the study file leaves it out."""
        return self.text(getattr(section, name), *place, name) or default

    def label(self, variable: str) -> str:
        """The label of a variable or set."""
        book = self.analysis.prepared.survey.codebook
        return book[variable].title if variable in book else book.sets[variable].label or variable

    def figure(self, place: tuple[str, int], result: Any, **options: Any) -> Figure:
        """A chart of a result."""
        return Figure(self.names[place], chart(result, source=self.study.study.source, note=self.note, **options))

    def table(self, place: tuple[str, int], result: Any, **options: Any) -> TableItem:
        """A table of a result."""
        return TableItem(f"{self.names[place]}-table", table(result, source=self.source, **options))

    @property
    def note(self) -> str:
        """What stands out in the footer of every chart: that the data are synthetic."""
        return SYNTHETIC if self.study.study.synthetic else ""

    @property
    def source(self) -> str:
        """The line about the data under every table; it says so when they are synthetic."""
        facts = self.study.study
        return ". ".join(part.rstrip(".") for part in (self.note, facts.source) if part)
