"""From results to the content of a report, in reading order. A medium is chosen later, by a renderer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from survey_kit.reports.analysis import Analysis
from survey_kit.reports.content import (
    Bullets,
    Callout,
    Definitions,
    Document,
    Figure,
    Heading,
    Item,
    KeyFigure,
    KeyFigures,
    Paragraph,
)
from survey_kit.reports.methods import decisions, statement
from survey_kit.reports.sections import SYNTHETIC, Pen
from survey_kit.reports.sections_findings import findings_section, groups_section
from survey_kit.reports.sections_methods import model_section, scale_steps, variables_section, weighting_section
from survey_kit.reports.slugs import slugs
from survey_kit.reports.study import Study
from survey_kit.schema import Notice


def compose(analysis: Analysis, further: Sequence[Notice] = ()) -> Document:
    """The whole report. `further`: notices that arose after the analysis, such as labels cut in the microdata file."""
    study, writer = analysis.prepared.source.study, analysis.writer
    return Document(
        title=writer.text(study.study.title, "study", "title"),
        subtitle=writer.text(study.study.subtitle, "study", "subtitle"),
        date=study.study.date,
        author=study.study.author,
        language=study.study.language,
        banner=SYNTHETIC if study.study.synthetic else "",
        items=tuple(_items(analysis, study, further)),
    )


def _items(analysis: Analysis, study: Study, further: Sequence[Notice]) -> Iterator[Item]:
    pen = Pen(analysis, _names(study))
    yield from _opening(analysis, study)
    said = list(further)
    for section in (findings_section, groups_section, variables_section, model_section, weighting_section):
        for item in section(pen):
            said += item.chart.notices if isinstance(item, Figure) else ()
            yield item
    yield from _methods(analysis, said)


def _opening(analysis: Analysis, study: Study) -> Iterator[Item]:
    writer = analysis.writer
    if study.study.synthetic:
        yield Callout(" ".join(study.study.synthetic.split()), kind="warning", title="Synthetic data")
    for number, text in enumerate(study.summary):
        yield Paragraph(writer.text(text, "summary", number), lead=number == 0)
    figures = tuple(
        KeyFigure(
            writer.text(figure.value, "key_figures", number, "value"),
            writer.text(figure.label, "key_figures", number, "label"),
            writer.text(figure.note, "key_figures", number, "note"),
        )
        for number, figure in enumerate(study.key_figures)
    )
    if figures:
        yield KeyFigures(figures)


def _methods(analysis: Analysis, further: Sequence[Notice]) -> Iterator[Item]:
    yield Heading("Methodology")
    yield Definitions(statement(analysis.prepared, analysis.writer))
    said = decisions((*analysis.notices, *further))
    if said:
        yield Heading("Decisions about the data", level=2)
        yield Bullets(said)


def _names(study: Study) -> dict[tuple[str, int], str]:
    """File name of every chart, by part of the study file and position; tables have the same with "-table"."""
    wanted = [(("questions", i), q.ask) for i, q in enumerate(study.questions)]
    wanted += [(("batteries", i), b.name) for i, b in enumerate(study.batteries)]
    wanted += [(("subgroups", i), g.name or f"{g.outcome}-by-group") for i, g in enumerate(study.subgroups)]
    wanted += [(("scales", i), s.name) for i, s in enumerate(scale_steps(study))]
    wanted += [(("model", 0), "model"), (("model", 1), "model-effects")]
    wanted += [(("model", 2), "model-tests"), (("weighting", 0), "weighting")]
    names = slugs([name for _, name in wanted], longest=100)
    return {place: name for (place, _), name in zip(wanted, names, strict=True)}
