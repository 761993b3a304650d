"""From what a verb made of the base weights to what it hands back: Weights, or the survey under them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.errors import InvalidWeightError, UnsupportedOption
from survey_kit.kernels.groups import FloatArray
from survey_kit.kernels.residualize import Adjustment
from survey_kit.results.weights import TARGET_COLUMNS, Weights
from survey_kit.schema import Notice
from survey_kit.weighting.record.assemble import base_notices, weight_notices
from survey_kit.weighting.record.margins_moved import restated
from survey_kit.weighting.rows.replicate_base import ReplicateBase
from survey_kit.weighting.rows.subject import Subject

RESTATING = ("trim", "normalize")  # verbs whose targets are those of the step before, told again


@dataclass(frozen=True, eq=False)
class Made:
    """What a verb made of a subject's base weights: the weights of its n rows, and its part of the record (see Weights)."""

    values: FloatArray
    method: str
    adjustment: Adjustment | None = None
    targets: pd.DataFrame | None = None
    solver: str = ""
    iterations: int = 0
    history: tuple[float, ...] = ()
    max_gap: float = 0.0
    converged: bool = True
    notices: tuple[Notice, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    collapsed: pd.DataFrame | None = None
    factors: pd.DataFrame | None = None
    lower: float | None = None
    upper: float | None = None
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def own_targets(self) -> bool:
        """Whether the step brought weights to targets of its own; trimming and scaling restate those of before."""
        return self.targets is not None and self.method not in RESTATING


def weights_of(subject: Subject, made: Made) -> Weights:
    """The record on the caller's index, with the chain before it and what its weights look like."""
    before = subject.before
    earlier = () if before is None else before.adjustments
    added = () if made.adjustment is None else (made.adjustment,)
    told = (
        *made.notices,
        *_of_before(subject, made),
        *base_notices(subject),
        *_negative(made.values),
        *weight_notices(made.values),
    )
    return Weights(
        values=pd.Series(made.values, index=subject.frame.index, name="weight"),
        base=subject.base_series(),
        targets=no_targets() if made.targets is None else made.targets,
        method=made.method,
        solver=made.solver,
        iterations=made.iterations,
        max_gap=made.max_gap,
        converged=made.converged and (made.own_targets or before is None or before.converged),
        history=made.history,
        notices=tuple(dict.fromkeys(told)),
        adjustments=(*earlier, *added),
        before=before,
        collapsed=made.collapsed,
        factors=made.factors,
        lower=made.lower,
        upper=made.upper,
        details=made.details,
        titles=made.titles,
    )


def _of_before(subject: Subject, made: Made) -> tuple[Notice, ...]:
    """That the steps before did not meet their targets, or that this one has moved what they met."""
    before = subject.before
    if before is None:
        return ()
    told: tuple[Notice, ...] = ()
    if not before.converged:
        text = f"The weights before this step ({before.method}) missed their targets, by up to {before.max_gap:.2g} of the total."
        told = (Notice("not_converged", text),)
    if made.method in RESTATING:
        return told
    _, moved = restated(subject, made.values)
    return (*told, *(n for n in moved if n.kind == "margins_moved"))


def no_targets() -> pd.DataFrame:
    """The table of targets of a step that has none."""
    return pd.DataFrame(columns=list(TARGET_COLUMNS))


Again: TypeAlias = Callable[[ReplicateBase], FloatArray]


def hand_back(subject: Subject, weights: Weights, again: Again | None = None) -> Weights | SurveyLike:
    """Weights for a DataFrame; for a survey the same survey under them.

    `again` makes the weights of every replicate, shape (n, R), by repeating the verb; it is called only where the survey
    has replicate weights. None: the verb cannot be repeated, and such surveys are refused.
    """
    survey = subject.survey
    if survey is None:
        return weights
    below = int((weights.values < 0).sum())
    if below:
        raise InvalidWeightError(
            f"{below} of {len(weights.values)} weights came out negative, which a survey cannot have. Bound the factors, "
            'as in bounds=(0.3, 3), or use distance="raking".'
        )
    bound = survey.bound
    if bound.replicates is None:
        return survey.reweighted(weights)
    if again is None:
        raise UnsupportedOption(
            f"{weights.method} is not repeated in replicates. Weight before the replicate weights are built."
        )
    made = again(ReplicateBase(bound))
    added = made.shape[1] - ReplicateBase(bound).count
    text = f"Targets known with error: {added} replicates were added for it, which have the full sample under moved targets."
    told = (*weights.notices, Notice("target_replicates", text, added)) if added else weights.notices
    return survey.reweighted(replace(weights, replicates=made, notices=told))


def _negative(values: FloatArray) -> tuple[Notice, ...]:
    below = int(np.count_nonzero(values < 0))
    if not below:
        return ()
    text = f'Negative weights: {below}. Bound the factors, as in bounds=(0.3, 3), or use distance="raking".'
    return (Notice("negative_weights", text, below),)
