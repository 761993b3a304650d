"""Generalised linear models under a survey design."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from survey_kit import schema
from survey_kit.design.bound import BoundDesign
from survey_kit.design.protocol import SurveyLike
from survey_kit.design.unused_weight import unused_weight_notices
from survey_kit.engine.memory import Domains
from survey_kit.errors import (
    ArgumentError,
    ConvergenceError,
    DesignError,
    UnsupportedOption,
    check_level,
    listed,
    one_of,
    unknown,
)
from survey_kit.estimation.request import check_survey, domain_of
from survey_kit.kernels.glm import GlmFit, dispersion, fit_glm, influence_values, information_left
from survey_kit.kernels.groups import BoolArray, FloatArray
from survey_kit.kernels.links import SECOND_DERIVATIVE
from survey_kit.kernels.sums import Entries
from survey_kit.models.formula import parse_formula
from survey_kit.models.frame import ModelFrame, build_frame
from survey_kit.results.carriers import Carrier, linearized, replicated
from survey_kit.results.estimates import Estimates
from survey_kit.results.fit import TERM, ModelFit
from survey_kit.schema import Notice

FAMILIES = {
    "gaussian": ("identity", "log", "inverse"),
    "binomial": ("logit", "probit", "cloglog", "log", "identity"),
    "poisson": ("log", "identity"),
    "gamma": ("inverse", "log", "identity"),
}
_LATER = ("negbin", "negativebinomial", "quasi", "tweedie", "ordinal", "multinomial")
_SCALES = {"logit": "log-odds", "log": "log ratio", "cloglog": "log hazard", "probit": "probit"}
_SEPARATED = 1e-9  # share of the information that is left


def glm(
    survey: SurveyLike,
    formula: str,
    family: str = "gaussian",
    link: str | None = None,
    where: str | None = None,
    level: float = 0.95,
) -> ModelFit:
    """A generalised linear model by weighted pseudo-likelihood, with design-based standard errors.

    Args:
        survey: a Survey.
        formula: "oppose ~ cost + C(region)"; a name alone is a number or, for nominal and text columns, categories;
            C(x) forces categories, C(x, ref="Almaty") chooses the reference level. Interactions a:b, a*b; functions log,
            exp, sqrt, poly, bs, cs, I(x**2); offset(log(x)). The left side is a column, or a condition ("q1 >= 4").
        family: "gaussian", "binomial", "poisson", "gamma". link: its default when None.
        where: a domain, the design stays whole. level: confidence level.

    Returns:
        ModelFit; t tests and intervals use design df + 1 - p degrees of freedom.

    Raises:
        ArgumentError, UnknownNameError, NoValidData, UndeclaredMissingError: what was asked cannot be done.
        ConvergenceError: no finite coefficients fit best (separation); names the term.

    Equivalent: R survey::svyglm (quasi families give the same coefficients and errors); Stata svy: glm; SPSS CSGLM,
    CSLOGISTIC. Source: Binder (1983); coefficients checked against statsmodels, errors against R.

    Example:
        >>> import pandas as pd, survey_kit as sk
        >>> poll = sk.from_frame(pd.DataFrame({"y": [1.0, 2, 4, 5], "x": [0.0, 1, 2, 3]}))
        >>> sk.glm(poll, "y ~ x").coef.theta.round(6).tolist()
        [0.9, 1.4]
    """
    check_survey(survey)
    check_level(level)
    link = _link(family, link)
    domain = domain_of(survey, where)
    bound = survey.bound
    counted = domain & (bound.weight > 0)
    frame = build_frame(survey, parse_formula(formula), counted, binary=family == "binomial")
    weight = bound.weight[frame.rows]
    law = _law(family, link)
    _check_outcome(family, frame)
    _check_separation(family, frame, weight)
    fit = fit_glm(frame.y, frame.x, weight, law, frame.offset)
    _check_fit(family, fit, frame, weight, law)
    used = np.zeros(len(domain), dtype=bool)
    used[frame.rows] = True
    df_design = bound.degrees_of_freedom(None if used.all() else used)
    scale = weight.mean() / bound.weight[domain].mean()  # R scales weights before rows with gaps are dropped
    df = df_design + 1 - frame.x.shape[1]
    carrier = _carrier(bound, frame, fit, law, df)
    notices = (*survey.design.notices, *unused_weight_notices(survey), *frame.notices, *_few_degrees(df, frame))
    return ModelFit(
        coef=_coefficients(survey, frame, fit, carrier, link, weight, level, notices),
        formula=formula,
        family=family,
        link=link,
        response=frame.response,
        n=int(np.count_nonzero(weight)),
        df_resid=df,
        df_design=df_design,
        deviance=fit.deviance * scale,
        null_deviance=_null_deviance(frame, weight, law) * scale,
        dispersion=_dispersion(bound, frame, fit, weight, law, counted),
        iterations=fit.iterations,
        levels=frame.levels,
        notices=notices,
        inner=Inner(frame, weight, law.link.inverse, law.link.inverse_deriv, SECOND_DERIVATIVE[link]),
    )


@dataclass(frozen=True, eq=False)
class Inner:
    """What margins and predictions need: the model's rows, their weights, and mu, mu', mu'' as functions of eta."""

    frame: ModelFrame
    weight: FloatArray
    mean: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    curvature: Callable[[FloatArray], FloatArray]

    def design_of(self, new: pd.DataFrame | None) -> tuple[FloatArray, FloatArray]:
        """Design matrix and offset of new rows. Shapes (m, p), (m,)."""
        if new is None:
            return self.frame.x, self.frame.offset
        columns = {}
        for safe, name in self.frame.formula.names.items():
            if name not in new:
                raise unknown("column", name, new.columns)
            columns[safe] = _as_fitted(new[name], name, self.frame.levels.get(name))
        return self.frame.rebuild(pd.DataFrame({**columns, "one_": 1.0}, index=new.index))


def _as_fitted(values: pd.Series, name: str, levels: tuple[str, ...] | None) -> Any:
    if levels is None:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
        bad = np.flatnonzero(~np.isfinite(numbers))
        if len(bad):
            raise ArgumentError(f"{name!r} is no finite number in row {listed(bad + 1)}. Predictions need every value.")
        return numbers
    strange = [v for v in pd.unique(values) if v not in levels]
    if strange:
        raise unknown(f"category of {name}", strange[0], levels)
    return pd.Categorical(values, categories=levels)


def _link(family: str, link: str | None) -> str:
    if family in _LATER:
        raise UnsupportedOption(f"family={family!r} is not available. There are: {', '.join(FAMILIES)}.")
    one_of("family", family, tuple(FAMILIES))
    if link is None:
        return FAMILIES[family][0]
    if link not in FAMILIES[family]:
        raise ArgumentError(f"link={link!r} is not available for {family}. There are: {', '.join(FAMILIES[family])}.")
    return link


def _law(family: str, link: str) -> Any:
    from statsmodels.genmod import families

    kinds = {"gaussian": "Gaussian", "binomial": "Binomial", "poisson": "Poisson", "gamma": "Gamma"}
    links = {
        "identity": "Identity",
        "logit": "Logit",
        "probit": "Probit",
        "cloglog": "CLogLog",
        "log": "Log",
        "inverse": "InversePower",
    }
    return getattr(families, kinds[family])(link=getattr(families.links, links[link])(), check_link=False)


def _check_outcome(family: str, frame: ModelFrame) -> None:
    if family == "poisson" and (frame.y < 0).any():
        raise ArgumentError(f"A Poisson outcome is a count; {frame.formula.response!r} has negative values.")
    if family == "gamma" and (frame.y <= 0).any():
        raise ArgumentError(f"A gamma outcome is positive; {frame.formula.response!r} has zeros or negative values.")
    if family == "binomial" and len(np.unique(frame.y)) < 2:
        raise ArgumentError(f"{frame.formula.response!r} has the same value in every row of the model.")


def _check_separation(family: str, frame: ModelFrame, weight: FloatArray) -> None:
    """A category in which everybody gives the same answer has no finite coefficient."""
    if family != "binomial":
        return
    for j, term in enumerate(frame.terms):
        column = frame.x[:, j]
        if not term.answer or not np.isin(column, (0.0, 1.0)).all():
            continue
        inside = (column == 1) & (weight > 0)
        if inside.any() and len(np.unique(frame.y[inside])) == 1:
            raise ConvergenceError(
                f"All {int(inside.sum())} respondents with {term.name} have the outcome {frame.y[inside][0]:g}, so the "
                "coefficient is infinite (separation). Merge the category with another, or leave it out."
            )
        reference = (column == 0) & (weight > 0)
        if (
            ":" not in term.variable
            and len(frame.levels.get(term.variable, ())) == 2
            and len(np.unique(frame.y[reference])) == 1
        ):
            raise ConvergenceError(
                f"All {int(reference.sum())} respondents without {term.name} have the outcome {frame.y[reference][0]:g}, so "
                "the coefficient is infinite (separation). Leave the variable out."
            )


def _check_fit(family: str, fit: GlmFit, frame: ModelFrame, weight: FloatArray, law: Any) -> None:
    size = np.abs(fit.beta) * frame.x.std(axis=0)
    largest = frame.terms[int(np.argmax(np.where(np.isfinite(size), size, -1)))].name
    if family in ("binomial", "poisson") and np.isfinite(fit.eta).all():
        share, *direction = information_left(frame.x, weight, fit.eta, frame.y, law)
        if share < _SEPARATED:
            names = [t.name for t in frame.terms]
            weights = [
                0.0 if n == "Intercept" and len(names) > 1 else abs(d) for n, d in zip(names, direction, strict=True)
            ]
            raise ConvergenceError(
                f"The predictors separate the outcome: {names[int(np.argmax(weights))]} has no finite coefficient (separation). "
                "Merge categories, or leave the variable out.",
                fit,
            )
    if not fit.converged or not np.isfinite(fit.beta).all():
        raise ConvergenceError(
            f"The model did not converge in {fit.iterations} steps; the last changed a coefficient by {fit.step:.1e} of "
            f"its size, {largest} being the largest. Check the scale of the variables, or use another link.",
            fit,
        )


def _carrier(bound: BoundDesign, frame: ModelFrame, fit: GlmFit, law: Any, df: float) -> Carrier:
    if bound.replicates is None:
        values = np.zeros((len(bound.weight), frame.x.shape[1]))
        values[frame.rows] = influence_values(frame.y, frame.x, bound.weight[frame.rows], fit.eta, law)
        domains = Domains(Entries(frame.rows, None, None, (len(values), 1)), np.zeros(values.shape[1], dtype=np.int64))
        return linearized(bound, values, df, domains=domains)
    thetas = np.vstack([_refit(frame, w, law, fit) for w in bound.replicates.each_of(frame.rows)])
    return replicated(bound, fit.beta, thetas, df)


def _refit(frame: ModelFrame, weight: FloatArray, law: Any, fit: GlmFit) -> FloatArray:
    used = weight != 0
    empty = ~frame.x[used].any(axis=0)
    if empty.any():
        name = frame.terms[int(np.argmax(empty))].name
        raise DesignError(
            f"A replicate leaves out every row of {name}, so the model cannot be repeated there. Merge the category with "
            "another, or use linearisation."
        )
    again = fit_glm(frame.y[used], frame.x[used], weight[used], law, frame.offset[used], start=fit.beta)
    if not again.converged:
        raise ConvergenceError(
            "The model did not converge in one of the replicates. Use linearisation, or fewer terms."
        )
    return again.beta


def _dispersion(
    bound: BoundDesign, frame: ModelFrame, fit: GlmFit, weight: FloatArray, law: Any, counted: BoolArray
) -> float:
    """R's, which scales weights to mean 1 before rows with gaps are dropped, under replicate weights, too."""
    own = dispersion(frame.y, fit.mu, weight, law, replicated=bound.replicates is not None)
    return own * float(weight.mean() / bound.weight[counted].mean())


def _null_deviance(frame: ModelFrame, weight: FloatArray, law: Any) -> float:
    """Deviance of the intercept alone (with the offset); of nothing but the offset for a model without an intercept."""
    if "Intercept" not in [t.name for t in frame.terms]:
        return float(law.deviance(frame.y, law.link.inverse(frame.offset), var_weights=weight / weight.mean()))
    return fit_glm(frame.y, np.ones((len(frame.y), 1)), weight, law, frame.offset).deviance


def _few_degrees(df: float, frame: ModelFrame) -> tuple[Notice, ...]:
    if df >= 1:
        return ()
    text = f"The design leaves {df:g} degrees of freedom for {frame.x.shape[1]} coefficients: no intervals or tests."
    return (Notice("df", text),)


def _coefficients(
    survey: SurveyLike,
    frame: ModelFrame,
    fit: GlmFit,
    carrier: Carrier,
    link: str,
    weight: FloatArray,
    level: float,
    notices: tuple[Notice, ...],
) -> Estimates:
    keys = pd.DataFrame(
        {
            TERM: [t.name for t in frame.terms],
            schema.VARIABLE: [t.variable for t in frame.terms],
            schema.ANSWER: [t.answer for t in frame.terms],
            schema.STATISTIC: _SCALES.get(link, "coefficient"),
        }
    )
    titles = {name: survey.codebook[name].title for name in frame.formula.names.values()}
    p = len(frame.terms)
    return Estimates(
        keys=keys,
        theta=fit.beta,
        n=np.full(p, float(np.count_nonzero(weight))),
        n_weighted=np.full(p, float(weight.sum())),
        carrier=carrier,
        level=level,
        titles=titles,
        notices=notices,
        context={"design": survey.design.describe(), "response": frame.response, "formula": frame.formula.text},
    )
