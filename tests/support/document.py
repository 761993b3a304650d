"""A document with every kind of item, for the tests of renderers."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import pandas as pd

from survey_kit.reports.content import (
    Bullets,
    Callout,
    Definitions,
    Document,
    Figure,
    Heading,
    KeyFigure,
    KeyFigures,
    Paragraph,
    TableItem,
)
from survey_kit.tables.cells import Cell, Column, Row
from survey_kit.tables.table import Table

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "{{7*7}} {% raw %}",
    '#eval("1+1") #panic() $x^2$ *b* _i_ @ref <lab> ] [ \\ `c`',
    '=HYPERLINK("http://evil.example","x")',
    '" onmouseover="alert(1)',
    "javascript:alert(1)",
)


@dataclass(frozen=True)
class DrawnChart:
    """What renderers ask of a chart, without drawing one."""

    title: str = "Four in ten oppose the influx of migrants"
    subtitle: str = "Do you support or oppose more people coming?"
    alt: str = "Bar chart: 41% oppose, 35% support, 24% do not know."
    caption: tuple[str, ...] = ("n = 1,100; weighted.",)
    words: str = "Oppose 41%"
    data: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"answer": ["Oppose"], "estimate": [0.41]}))

    def at_width(self, inches: float) -> DrawnChart:
        return self

    def svg(self) -> str:
        return (
            '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n'
            '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">\n'
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="576pt" '
            'height="120pt" viewBox="0 0 576 120"><metadata><x>http://purl.org/dc</x></metadata>'
            '<defs><style type="text/css">*{stroke-linejoin: round}</style><clipPath id="c"><rect width="400" '
            'height="40"/></clipPath></defs><g clip-path="url(#c)"><rect id="bar" x="150" y="10" width="300" '
            'height="30" fill="#0b5a63"/></g><use xlink:href="#bar" y="40"/>'
            f'<text x="4" y="30" style="font: 10px \'Noto Sans\'">{escape(self.words)}</text></svg>'
        )


def question_table(label: str = "Oppose", regions: int = 3, answers: int = 3) -> Table:
    """A table of answers by region with intervals, groups of rows and bases."""
    columns = [Column("answer", "Answer", "left")]
    cells = []
    for at in range(regions):
        name = ("Almaty", "Astana", "North Kazakhstan", "Shymkent", "Turkistan")[at % 5] + ("" if at < 5 else f" {at}")
        columns += [Column(f"e{at}", "%", group=name), Column(f"c{at}", "95% CI", group=name)]
        cells += [Cell("41.2", 0.4123456789), Cell("38.1 to 44.4", None, (0.381, 0.444))]
    names = [label, "Support", "Don't know", *[f"Another answer that is rather long, {i}" for i in range(answers)]][
        :answers
    ]
    bases = [cell for _ in range(regions) for cell in (Cell("24 †", 24.0), Cell(""))]
    rows = [
        Row((Cell("Views on migration"), *[Cell("")] * (2 * regions)), "group"),
        *[Row((Cell(name, name), *cells)) for name in names],
        Row((Cell("Net"), *cells), "total"),
        Row((Cell("Unweighted base (n)"), *bases), "base"),
        Row((Cell("Weighted base"), *bases), "base"),
    ]
    return Table(
        "Opposition by region",
        "Do you support or oppose more people coming to live in your town?",
        tuple(columns),
        tuple(rows),
        ("95% CI: 95% confidence interval.", "† Fewer than 30 respondents: read with caution."),
        "Synthetic survey of adults, 2026",
    )


def document(hostile: tuple[str, ...] = (), chart: DrawnChart | None = None) -> Document:
    """A report with every kind of item; hostile texts go everywhere a text can go."""
    bad = " ".join(hostile)
    chart = chart or DrawnChart(words=f"Oppose 41% {bad}", title=f"Four in ten oppose {bad}", alt=f"Bars {bad}")
    return Document(
        title=f"Who opposes migration, and why {bad}",
        subtitle="Cost of living, not contact, goes with opposition in a survey of 1,100 adults.",
        date="12 May 2026",
        author="Institute for Public Opinion",
        language="en",
        banner=f"SYNTHETIC DATA {bad}",
        items=(
            KeyFigures(
                (
                    KeyFigure("38%", f"oppose the influx {bad}", "95% CI 34.9 to 41.2; n = 1,100"),
                    KeyFigure("1.6", "odds ratio of cost concern", "95% CI 1.3 to 1.9"),
                    KeyFigure("±3.4", "points margin of error", "including a design effect of 1.32"),
                )
            ),
            Paragraph(
                "Opposition to newcomers is strongest where prices have risen most. It differs little by age, and "
                "contact with migrants makes less of a difference than the literature would suggest. " + bad,
                lead=True,
            ),
            Callout(f"No person was asked: these data are simulated. {bad}", "warning", "The data are synthetic"),
            Heading(f"What people think {bad}"),
            Paragraph(
                "Four in ten adults oppose more people coming to live in their town; about as many say that it depends "
                "or that they do not know. The intervals account for stratification, clustering and weighting."
            ),
            Figure("oppose", chart),
            TableItem("oppose-region", question_table(f"Oppose {bad}".strip())),
            Heading("By cost concern", 2),
            Bullets((f"Cost concern is an index of four items {bad}", "Higher is more concerned", "Alpha is 0.81")),
            TableItem("wide", question_table(regions=9, answers=30)),
            Callout("Differences are tested with the design-based t test.", "note"),
            Heading("How the survey was made"),
            Definitions(
                (
                    ("Population", "Adults aged 18 and over living in private households"),
                    (
                        f"Weighting {bad}",
                        "Raked to sex by age, region and settlement; trimmed at 5 times the mean weight",
                    ),
                    ("Margin of error", "±3.4 points (95% confidence, including a design effect of 1.32)"),
                )
            ),
        ),
        colophon=(
            f"survey_kit 0.1.0. Rebuild with: survey-kit build study.yml {bad}",
            "poll.sav, sha256 " + "ab12" * 16,
        ),
    )
