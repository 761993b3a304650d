"""Results to draw: frames in the schema, and measured boxes of what a chart sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from survey_kit.charts import chart
from survey_kit.charts.chart import Chart
from survey_kit.charts.drawing import Text
from survey_kit.charts.letters import width

Frame = Callable[..., pd.DataFrame]


@pytest.fixture
def frame() -> Frame:
    """`frame(answers, shares, variable=, by=, **columns)`: a result of one question."""

    def make(
        answers: str | Sequence[str],
        shares: Sequence[float],
        variable: str = "q",
        statistic: str = "proportion",
        by: Sequence[str] | None = None,
        **columns: Any,
    ) -> pd.DataFrame:
        estimate = np.asarray(shares, dtype=float)
        keys = {"variable": variable} if by is None else {"variable": variable, "group": list(by)}
        numbers = {
            "answer": answers,
            "statistic": statistic,
            "estimate": estimate,
            "se": 0.015,
            "ci_low": estimate - 0.03,
            "ci_high": estimate + 0.03,
            "df": 99.0,
            "deff": 1.3,
            "n": 500,
            "n_weighted": 500.0,
            "flag": "",
        }
        return pd.DataFrame({**keys, **numbers, **columns})

    return make


@pytest.fixture
def battery(frame: Frame) -> pd.DataFrame:
    """Three items with five answers and a nonresponse."""
    answers = ["Fully disagree", "Rather disagree", "Neither", "Rather agree", "Fully agree", "Don't know"]
    shares = {"a": [5, 15, 20, 30, 25, 5], "b": [10, 20, 25, 25, 15, 5], "c": [3, 9, 18, 40, 28, 2]}
    return pd.concat([frame(answers, np.array(s) / 100, variable=v) for v, s in shares.items()], ignore_index=True)


@pytest.fixture
def samples(frame: Frame, battery: pd.DataFrame) -> dict[str, Any]:
    """A function for each kind that draws it with a label in some place and with options."""
    groups = ["Men", "Women", "18-29", "30-44"]

    def topline(label: str = "Yes", **options: Any) -> Chart:
        return chart(frame([label, "No", "Don't know"], [0.55, 0.38, 0.07]), **options)

    def likert(label: str = "Fully agree", **options: Any) -> Chart:
        return chart(battery.assign(answer=battery["answer"].replace("Fully agree", label)), **options)

    def dots(label: str = "Men", **options: Any) -> Chart:
        return chart(frame("Yes", [0.3, 0.4, 0.5, 0.2], by=[label, *groups[1:]]), **options)

    def coefficients(label: str = "30-44", **options: Any) -> Chart:
        return chart(frame([label, "45-59"], [0.12, -0.05], statistic="average marginal effect"), **options)

    return {"topline": topline, "likert": likert, "dots": dots, "coefficients": coefficients}


@pytest.fixture
def texts() -> Callable[[Chart], list[Text]]:
    """The texts of a chart, in the order of drawing."""
    return lambda made: [m for m in made.drawing.marks if isinstance(m, Text)]


@pytest.fixture
def boxes() -> Callable[[Chart], list[tuple[str, float, float, float, float]]]:
    """(text, left, top, right, bottom) of every text of a chart, measured with the fonts, in points."""

    def measure(made: Chart) -> list[tuple[str, float, float, float, float]]:
        out = []
        for mark in made.drawing.marks:
            if not isinstance(mark, Text) or not mark.text:
                continue
            wide = width(mark.text, mark.size, mark.bold)
            left = mark.x - {"left": 0.0, "center": wide / 2, "right": wide}[mark.align]
            out.append((mark.text, left, mark.y - 0.72 * mark.size, left + wide, mark.y + 0.2 * mark.size))
        return out

    return measure


@pytest.fixture
def overlaps(boxes: Any) -> Callable[[Chart], list[tuple[str, str]]]:
    """Pairs of texts that are set over each other."""

    def pairs(items: list[Any]) -> Iterator[tuple[str, str]]:
        for i, (one, l1, t1, r1, b1) in enumerate(items):
            for two, l2, t2, r2, b2 in items[i + 1 :]:
                if min(r1, r2) - max(l1, l2) > 0.5 and min(b1, b2) - max(t1, t2) > 0.5:
                    yield one, two

    return lambda made: list(pairs(boxes(made)))
