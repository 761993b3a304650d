"""Work on distinct rows and on dummies that are not written out gives what rows and dense columns give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError
from survey_kit.kernels.cross_tables import Indicators
from survey_kit.weighting import adjust_nonresponse, calibrate
from survey_kit.weighting.calibration import layout
from survey_kit.weighting.response import model, predictors


def frame(n: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(8)
    data = pd.DataFrame({"a": random.integers(0, 3, n), "b": random.integers(0, 4, n).astype(str)})
    data["ok"] = random.random(n) < 0.4 + 0.1 * data["a"]
    data["w"], data["y"] = random.uniform(1, 3, n), random.normal(size=n) + data["a"]
    data["psu"], data["z"] = np.arange(n) // 6, random.choice([1.0, 2.0, 5.0], n)
    return data


@pytest.mark.parametrize("formula", ["a + b", "C(a)*b", "I(a**2) + b:z"])
@pytest.mark.parametrize("options", [{}, {"classes": 3}])
def test_response_models_of_distinct_rows(formula, options, monkeypatch):
    poll = sk.from_frame(frame()).with_design(weight="w", psu="psu")
    for survey in (poll, poll.replicate(method="bootstrap", replicates=12, seed=1)):
        few = adjust_nonresponse(survey, "ok", model=formula, **options)
        with monkeypatch.context() as patch:
            patch.setattr(predictors, "_FEW", 10**9)
            rows = adjust_nonresponse(survey, "ok", model=formula, **options)
        np.testing.assert_allclose(few.weight, rows.weight, rtol=1e-10)
        np.testing.assert_allclose(sk.mean(few, "y").se, sk.mean(rows, "y").se, rtol=1e-9)
        if not options and survey is poll:
            assert few.weights.adjustments[-1].features.width < 40
            assert rows.weights.adjustments[-1].features.width < 40


def test_rows_are_counted_in_errors_as_they_are():
    data = frame()
    data.loc[[3, 8], "b"] = None
    with pytest.raises(ArgumentError, match=r"'b' has no value in 2 of 600 rows \(row 4, 9\)"):
        adjust_nonresponse(data, "ok", model="C(a) + b")


def test_separation_names_the_same_column(monkeypatch):
    data = frame()
    data.loc[data["b"] == "2", "ok"] = True
    texts = []
    for few in (4, 10**9):
        monkeypatch.setattr(predictors, "_FEW", few)
        with pytest.raises(model.ConvergenceError, match=r"b\[2\] has no finite coefficient") as caught:
            adjust_nonresponse(data, "ok", model="a + b")
        texts.append(str(caught.value))
    assert texts[0] == texts[1]


TARGETS = {"a": {"0": 0.3, "1": 0.4, "2": 0.3}, "b": {"0": 0.2, "1": 0.3, "2": 0.3, "3": 0.2}}


@pytest.mark.parametrize("extra", [{}, {"z": {"mean": 2.6}}, {"y": {"mean": 1.1}}])
@pytest.mark.parametrize(
    "options", [{"distance": "raking"}, {"bounds": (0.4, 3)}, {"distance": "raking", "upper": 3}, {"relax": 0.01}]
)
def test_dummies_that_are_not_written_out(extra, options, monkeypatch):
    poll = sk.from_frame(frame()).with_design(weight="w", psu="psu")
    for survey in (poll, poll.replicate(method="bootstrap", replicates=8, seed=1)):
        dense = calibrate(survey, {**TARGETS, **extra}, **options)
        with monkeypatch.context() as patch:
            patch.setattr(layout, "_WRITTEN", -1)
            lean = calibrate(survey, {**TARGETS, **extra}, **options)
        np.testing.assert_allclose(lean.weight, dense.weight, rtol=1e-9)
        np.testing.assert_allclose(sk.mean(lean, "y").se, sk.mean(dense, "y").se, rtol=1e-8, atol=1e-12)


def test_uncertain_and_own_targets_of_dummies_that_are_not_written_out(monkeypatch):
    data = frame()
    data.loc[:20, "b"] = None
    rows = [("a", k, s, 0.01) for k, s in TARGETS["a"].items()] + [("b", k, s, 0.02) for k, s in TARGETS["b"].items()]
    table = pd.DataFrame(rows, columns=["variable", "category", "target", "se"])
    poll = sk.from_frame(data).with_design(weight="w", psu="psu")
    dense = calibrate(poll, table, distance="raking", missing="own")
    monkeypatch.setattr(layout, "_WRITTEN", -1)
    lean = calibrate(poll, table, distance="raking", missing="own")
    np.testing.assert_allclose(lean.weight, dense.weight, rtol=1e-10)
    np.testing.assert_allclose(sk.mean(lean, "y").se, sk.mean(dense, "y").se, rtol=1e-9)


@pytest.mark.parametrize("sizes", [(3,), (4, 2), (7, 6, 5, 2, 2), (90, 3, 80)])
def test_cross_tables_are_products_of_indicators(sizes):
    random = np.random.default_rng(2)
    codes = tuple(
        random.integers(0, k + i % 2, 500) for i, k in enumerate(sizes)
    )  # every other one with cells left out
    x = np.hstack([c[:, None] == np.arange(k) for c, k in zip(codes, sizes, strict=True)]).astype(float)
    w, b, found = random.random(500), random.random(x.shape[1]), Indicators(codes, sizes)
    np.testing.assert_allclose(found.sums(w), x.T @ w, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.spread(b), x @ b, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.cross(w), x.T @ (w[:, None] * x), rtol=1e-12, atol=1e-12)
