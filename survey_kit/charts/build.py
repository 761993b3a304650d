"""The door of charts: any result, and the kind of picture that suits it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from survey_kit import schema
from survey_kit.charts.chart import Chart
from survey_kit.charts.coefficients import coefficients, effect_source, fit_source
from survey_kit.charts.dots import BLOCK, dots
from survey_kit.charts.drawing import Text
from survey_kit.charts.likert import likert
from survey_kit.charts.love import WORDING as LOVE_WORDING
from survey_kit.charts.love import love, love_facts
from survey_kit.charts.moved import WORDING as MOVED_WORDING
from survey_kit.charts.moved import moved, moved_facts
from survey_kit.charts.page import Frame, glyph_lines, glyph_notices
from survey_kit.charts.source import Source, is_number, source_of
from survey_kit.charts.topline import topline
from survey_kit.charts.weight_distribution import distribution, distribution_facts, distribution_wording
from survey_kit.errors import ArgumentError, UnsupportedOption, one_of
from survey_kit.results.fit import ModelFit
from survey_kit.results.letters import clean
from survey_kit.results.statistics import EFFECT, HEADINGS, NAMED, PAIRS, RATIOS, family, heading
from survey_kit.results.weights import Weights

KINDS = ("topline", "likert", "dots", "coefficients", "love", "moved", "weights")
_OPTIONS = {
    "topline": ("sort",),
    "likert": ("sort", "reverse"),
    "dots": ("answer", "overall"),
    "coefficients": ("exponentiate",),
    "love": ("titles",),
    "moved": ("titles",),
    "weights": (),
}
_NARROW, _WIDE = 3.0, 20.0


def chart(
    result: Any,
    kind: str | None = None,
    *,
    title: str = "",
    subtitle: str | None = None,
    source: str = "",
    note: str = "",
    width: float = 7.2,
    **options: Any,
) -> Chart:
    """A chart of a result. It reads the result's numbers and computes none.

    Args:
        result: Estimates, a list of them (one for each grouping, for "dots"), a ModelFit, Weights, or a frame with the
            columns of a result.
        kind: "topline" (bars of one question), "likert" (a battery), "dots" (groups with intervals), "coefficients" (a
            model, or average marginal effects); of Weights "love" (distances from the targets), "moved" (shares before and
            after) and "weights" (their distribution). None picks the one that suits the result.
        title: the finding. subtitle: the question; its wording when None.
        source, note: lines of the footer; `note` stands out ("Synthetic data").
        width: in inches; charts are drawn at their final size.
        options: sort (topline, likert), reverse (likert), answer and overall (dots), exponentiate (coefficients of a
            model), titles (love, moved).

    Raises:
        ArgumentError: a kind that the result cannot be drawn as; an option that the kind does not have.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"vote": ["a", "b", "a", "b"]}))
        >>> sk.chart(sk.proportion(poll, "vote"), title="A tie").alt
        'Bar chart. a 50%; b 50%.'
    """
    results = list(result) if isinstance(result, (list, tuple)) else [result]
    if not results:
        raise ArgumentError("The list of results is empty. Give one result or several.")
    chosen = _kind(results, kind)
    _check_options(chosen, options, results)
    frame = _frame(results, chosen, title, subtitle, source, note, width, options.get("exponentiate"))
    made = _DRAWERS[chosen](results, frame, options)
    texts = [mark.text for mark in made.drawing.marks if isinstance(mark, Text)]
    if boxed := glyph_lines(texts):
        told = replace(frame, caption=(*frame.caption, *boxed))
        made = _DRAWERS[chosen](results, told, options)
    return replace(
        made,
        alt=clean(made.alt),
        notices=glyph_notices(texts),
        redraw=lambda inches: chart(
            result, kind, title=title, subtitle=subtitle, source=source, note=note, width=inches, **options
        ),
    )


def _kind(results: Sequence[Any], kind: str | None) -> str:
    possible = _possible(results)
    if kind is None:
        return possible[0]
    one_of("kind", kind, KINDS)
    if kind not in possible:
        raise ArgumentError(f"This result cannot be drawn as {kind!r}. It can be: {', '.join(possible)}.")
    return kind


def _possible(results: Sequence[Any]) -> tuple[str, ...]:
    """Kinds that results can be drawn as, the natural one first."""
    first = results[0]
    if isinstance(first, Weights):
        return ("weights",) if first.targets.empty else ("love", "moved", "weights")
    if isinstance(first, ModelFit):
        return ("coefficients",)
    source = source_of(first)
    if _of_a_model(source):
        return ("coefficients", "dots")
    if len(results) > 1 or source.by or BLOCK in source.frame:
        return ("dots",)
    statistics = set(source.frame[schema.STATISTIC])
    if len(source.variables) > 1:
        return ("likert", "dots") if statistics == {"proportion"} else ("dots",)
    return ("topline", "dots") if statistics in ({"proportion"}, {"share"}, {"net"}) else ("dots",)


def _of_a_model(source: Source) -> bool:
    """Effects, or coefficients as ratios."""
    return set(source.frame[schema.STATISTIC]) <= {EFFECT, *RATIOS.values()}


def _check_options(kind: str, options: dict[str, Any], results: Sequence[Any]) -> None:
    for name in options:
        if name not in _OPTIONS[kind]:
            there = f"Its options: {', '.join(_OPTIONS[kind])}" if _OPTIONS[kind] else "It has no options"
            raise UnsupportedOption(f"{name}= has no meaning for a {kind} chart. {there}.")
    if kind != "dots" and kind != "coefficients" and len(results) > 1:
        raise ArgumentError(f'Several results are drawn as "dots", not as {kind!r}.')
    for name in ("sort", "reverse", "exponentiate"):
        if options.get(name) not in (None, True, False):
            raise ArgumentError(f"{name}={options[name]!r} is not available. Say True or False, or leave it out.")
    if "exponentiate" in options and not isinstance(results[0], ModelFit):
        raise UnsupportedOption("exponentiate= is for a model; effects are drawn as they are.")


def _frame(
    results: Sequence[Any],
    kind: str,
    title: str,
    subtitle: str | None,
    source: str,
    note: str,
    width: float,
    exponentiate: bool | None,
) -> Frame:
    if not is_number(width) or not _NARROW <= width <= _WIDE:
        raise ArgumentError(f"width={width!r} must lie between {_NARROW:g} and {_WIDE:g} inches.")
    first = results[0]
    if isinstance(first, Weights):
        facts, wording = _weighting(first, kind)
    elif isinstance(first, ModelFit):
        facts, wording = fit_source(first, None).facts(), _modelled(first, exponentiate)
    else:
        drawn = source_of(first)
        facts = drawn.facts() if len(results) == 1 else _joined(results).facts()
        wording = _wording(drawn)
        if set(drawn.frame[schema.STATISTIC]) == {EFFECT}:
            wording = _effects(drawn)
    caption = (*facts, *([clean(source)] if source else []))
    shown = clean(wording if subtitle is None else subtitle)
    return Frame(clean(title), shown, caption, clean(note), width * 72)


def _wording(source: Source) -> str:
    """The question of a result on one variable, or the two of a statistic of pairs, and a statistic that must be named."""
    variables, answers = source.variables, source.frame[schema.ANSWER].unique()
    statistics = set(source.frame[schema.STATISTIC])
    if len(variables) > 1:
        return ""
    pair = len(answers) == 1 and statistics <= PAIRS
    text = f"{source.title(variables[0])} with {answers[0]}" if pair else source.questions.get(variables[0], "")
    name = statistics.pop() if len(statistics) == 1 else ""
    if not text or family(name) not in NAMED:
        return text
    if text[-1] in ".?!":
        return f"{text} {heading(name)}."
    return f"{text}: {heading(name) if name in HEADINGS else name}"


def _weighting(weights: Weights, kind: str) -> tuple[tuple[str, ...], str]:
    """Footer and subtitle of a chart of weights."""
    if kind == "weights":
        return distribution_facts(weights), distribution_wording(weights)
    return (moved_facts(weights), MOVED_WORDING) if kind == "moved" else (love_facts(weights), LOVE_WORDING)


def _modelled(fit: ModelFit, exponentiate: bool | None) -> str:
    """What the axis of a model means: "Odds ratios. Outcome: opposes the influx"."""
    ratios = fit.link in RATIOS if exponentiate is None else exponentiate
    return clean(f"{RATIOS[fit.link].capitalize() if ratios else 'Coefficient'}s. Outcome: {fit.response}")


def _effects(source: Source) -> str:
    """What the axis of average marginal effects means."""
    unit = ", in percentage points" if source.context.get("family", "binomial") == "binomial" else ""
    outcome = f". Outcome: {source.context['response']}" if source.context.get("response") else ""
    return clean(f"Average marginal effects{unit}{outcome}")


def _joined(results: Sequence[Any]) -> Source:
    """Several results as one, for their footer."""
    import pandas as pd

    sources = [source_of(r) for r in results]
    frame = pd.concat([s.frame for s in sources], ignore_index=True)
    return replace(sources[0], frame=frame, notices=tuple(n for s in sources for n in s.notices))


def _draw_coefficients(results: Sequence[Any], frame: Frame, options: dict[str, Any]) -> Chart:
    if isinstance(results[0], ModelFit):
        return coefficients(fit_source(results[0], options.get("exponentiate")), frame)
    source = source_of(results[0]) if len(results) == 1 else _joined(results)
    return coefficients(effect_source(source), frame)


_DRAWERS: dict[str, Callable[[Sequence[Any], Frame, dict[str, Any]], Chart]] = {
    "topline": lambda r, f, o: topline(source_of(r[0]), f, **o),
    "likert": lambda r, f, o: likert(source_of(r[0]), f, **o),
    "dots": lambda r, f, o: dots([source_of(x) for x in r], f, **o),
    "coefficients": _draw_coefficients,
    "love": lambda r, f, o: love(r[0], f, **o),
    "moved": lambda r, f, o: moved(r[0], f, **o),
    "weights": lambda r, f, o: distribution(r[0], f),
}
