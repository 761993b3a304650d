"""The methodology statement: what the study file says, what can be computed, and "not supplied" for the rest.

Items after the AAPOR Code of Professional Ethics (2021), III.A, and the Transparency Initiative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from survey_kit.codebook import Codebook, MultipleResponse
from survey_kit.design.design import Design
from survey_kit.errors import listed
from survey_kit.kernels.weight_stats import effective_n, kish_deff
from survey_kit.reports.inline import Writer
from survey_kit.reports.prepare import Prepared
from survey_kit.reports.study_base import Part
from survey_kit.reports.study_content import Methodology
from survey_kit.reports.study_data import MultipleResponseSet, SampleDesign, Scale
from survey_kit.results import display
from survey_kit.results.weights import Weights
from survey_kit.schema import Notice

NOT_SUPPLIED = "not supplied"
_ITEMS = (
    ("strategy", "Data collection strategy"),
    ("sponsor", "Sponsor"),
    ("conductor", "Conducted by"),
    ("instrument", "Questionnaire"),
    ("population", "Population"),
    ("sampling", "Sampling and recruitment"),
    ("modes", "Modes and languages"),
    ("dates", "Dates of fieldwork"),
    ("sample_size", "Sample size and precision"),
    ("weighting", "Weighting"),
    ("processing", "Processing and quality checks"),
    ("limitations", "Limitations"),
    ("contact", "Contact"),
)


def statement(prepared: Prepared, writer: Writer) -> tuple[tuple[str, str], ...]:
    """Rows (item, text) of the methodology statement, in the order of the code."""
    computed = {
        "instrument": "The wording of each question is printed under its chart and table.",
        "sample_size": sample_size(prepared),
        "weighting": weighting(prepared),
        "limitations": GENERAL_LIMITS,
    }
    said = prepared.source.study.methodology
    return tuple((label, _row(said, writer, name, computed.get(name, ""))) for name, label in _ITEMS)


GENERAL_LIMITS = (
    "Margins of error and intervals measure sampling error only. Coverage, nonresponse, the wording of questions and "
    "their order can add errors that no interval shows."
)


def _row(said: Methodology, writer: Writer, name: str, computed: str) -> str:
    text = writer.text(getattr(said, name) or "", "methodology", name)
    return " ".join(part for part in (text or ("" if computed else NOT_SUPPLIED), computed) if part)


def sample_size(prepared: Prepared) -> str:
    """Interviews, precision with the design effect of weighting, and what intervals are made of."""
    weights = prepared.survey.weight.to_numpy(dtype=float)
    used = float(np.count_nonzero(weights > 0))
    deff = kish_deff(weights)
    df = prepared.survey.bound.degrees_of_freedom()
    zero = len(weights) - int(used)
    how = "Taylor linearisation" if prepared.survey.design.replicates is None else "these replicate weights"
    apart = f" {zero} rows have weight zero and take no part in any estimate." if zero else ""
    return (
        f"{display.number(used)} interviews.{apart} Margin of error for a share of 50% of all respondents: "
        f"{display.margin_of_error(used, deff)}. The design effect is Kish's, of unequal weighting; the "
        f"effective sample size is {display.number(effective_n(weights))}. Intervals come from the sampling "
        f"design ({prepared.survey.design.describe()}; {display.number(df)} degrees of freedom), by {how}, "
        "at the 95% level; those of subgroups are wider."
    )


def weighting(prepared: Prepared) -> str:
    """How the weights were made, in one paragraph."""
    if prepared.weights is not None:
        return _made(prepared.weights, prepared)
    design = prepared.survey.design
    if design.weight is not None:
        text = f"The weight {design.weight!r} is used as it came with the data"
    elif design.fpc:
        text = f"The weights are those {implied(design)}"
    else:
        return f"The data are not weighted.{_errors(design)}"
    weights = prepared.survey.weight.to_numpy(dtype=float)
    positive = weights[weights > 0]
    ratio = display.number(positive.max() / positive.min(), 1)
    return f"{text}; the largest is {ratio} times the smallest.{_errors(design)}"


def implied(design: Design | SampleDesign) -> str:
    """Where weights come from that no column holds: "which the sampling fractions imply (fpc: 'N')"."""
    source = "sampling fractions" if design.pps is None else "inclusion probabilities"
    return f"which the {source} imply (fpc: {listed(map(repr, design.fpc))})"


def _errors(design: Design) -> str:
    """What standard errors know of a weight that was not made here."""
    if design.replicates is not None and design.replicates.given:
        return " Standard errors come from the replicate weights; they count what was repeated in each of them."
    if design.weight is None:
        return ""
    return " Standard errors take it as given and do not count the gain or loss of precision from the calibration behind it."


def _made(weights: Weights, prepared: Prepared) -> str:
    variables = list(dict.fromkeys(weights.targets["variable"]))
    names = [prepared.survey[v].title if v in prepared.survey.codebook else v for v in variables]
    values = weights.values.to_numpy(dtype=float)
    positive = values[values > 0] / values[values > 0].mean()
    asked = prepared.source.study.weighting
    bounds = [
        f"{word} {display.number(limit, 2)}"
        for word, limit in (() if asked is None else (("at least", asked.lower), ("at most", asked.upper)))
        if limit is not None
    ]
    return (
        f"Weights were raked to {listed(names)}{_base(prepared.source.study.design)}. Each "
        f"margin is met to within {_gap(weights)} percentage points. Weights run from "
        f"{display.number(positive.min(), 2)} to {display.number(positive.max(), 2)} times the mean weight"
        f"{f' (bounds: {listed(bounds)} times)' if bounds else ' (no bounds were set)'}. Standard errors account "
        "for the raking."
    )


def _base(stated: SampleDesign) -> str:
    """What the raking began with: ", starting from the base weight 'w'"."""
    if stated.weight is not None:
        return f", starting from the base weight {stated.weight!r}"
    return f", starting from the weights {implied(stated)}" if stated.fpc else ""


def _gap(weights: Weights) -> str:
    """The largest gap of a margin, rounded up, in percentage points."""
    return display.number(max(weights.max_gap * 100, 1e-6), 6)


def built(prepared: Prepared) -> tuple[tuple[str, str], ...]:
    """Rows (label, how it was made) of the variables that the study file makes, in its order; indices are told apart."""
    book, rows = prepared.survey.codebook, []
    for step in prepared.source.study.recode:
        if isinstance(step, MultipleResponseSet):
            rows.append((step.label or step.name, _columns(book.sets[step.name])))
        elif not isinstance(step, Scale):
            title = book[step.name].title
            own = step.label or title == step.name  # a label that follows from the source names two variables
            rows.append((title if own else f"{title} ({step.name})", f"{book[step.name].origin}{_sources(book, step)}"))
    return tuple(rows)


def _columns(question: MultipleResponse) -> str:
    kind = "Several answers" if question.counted is None else "One column for each answer"
    return f"{kind}: {', '.join(question.columns)}."


def _sources(book: Codebook, step: Part) -> str:
    """What the columns that a step begins with are: " (q1: Attitude to the influx)"."""
    stated = getattr(step, next(iter(type(step).model_fields)))
    names = [stated] if isinstance(stated, str) else stated
    known = {n: book[n].title if n in book else book.sets[n].label for n in names if n != getattr(step, "name", "")}
    shown = "; ".join(f"{n}: {title}" for n, title in known.items() if title.lower() not in ("", n.lower()))
    return f" ({shown})" if shown else ""


def decisions(notices: Sequence[Notice]) -> tuple[str, ...]:
    """Everything that was dropped, collapsed, assumed or flagged, each said once, in the order in which it happened."""
    return tuple(dict.fromkeys(notice.text for notice in notices))
