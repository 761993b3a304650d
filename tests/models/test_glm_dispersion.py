"""The dispersion of a model: the variance of Pearson residuals, their mean square under replicate weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk


def _frame() -> pd.DataFrame:
    i = np.arange(30)
    return pd.DataFrame(
        {"y": (i * 7 % 11) + 0.0, "b": (i * 5 % 3 > 0).astype(int), "x": (i * 3 % 7) / 2, "w": 1.0 + i % 4, "h": i % 5}
    )


def _residuals(fit) -> np.ndarray:
    inner = fit.inner
    mu = inner.mean(inner.frame.x @ fit.coef.theta)
    return (inner.frame.y - mu) / np.sqrt(mu * (1 - mu) if fit.family == "binomial" else 1.0)


@pytest.mark.parametrize(("formula", "family"), [("y ~ x", "gaussian"), ("b ~ x", "binomial")])
def test_dispersion_with_and_without_replicate_weights(formula, family):
    stated = sk.from_frame(_frame()).with_design("w", "h")
    w = _frame()["w"].to_numpy()
    plain = sk.glm(stated, formula, family)
    r = _residuals(plain)
    n, mean = len(r), np.average(r, weights=w)
    assert plain.dispersion == pytest.approx(np.average((r - mean) ** 2, weights=w) * n / (n - 1), rel=1e-10)
    replicated = sk.glm(stated.replicate("JKn"), formula, family)
    assert replicated.dispersion == pytest.approx(np.average(r**2, weights=w), rel=1e-10)


def test_rows_with_gaps_leave_the_weights_as_they_were_scaled():
    """R scales weights to mean 1 before it drops rows: the dispersion holds the mean weight of those used."""
    frame = _frame()
    frame.loc[frame["w"] == 4.0, "x"] = np.nan
    fit = sk.glm(sk.from_frame(frame).with_design("w", "h").replicate("JKn"), "y ~ x")
    used = frame["x"].notna()
    w = frame["w"][used].to_numpy()
    expected = np.average(_residuals(fit) ** 2, weights=w) * w.mean() / frame["w"].mean()
    assert fit.dispersion == pytest.approx(expected, rel=1e-10)
