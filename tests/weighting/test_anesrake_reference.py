"""Raking with a clip in the loop against R anesrake 0.80 and Stata ipfraking."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from support.reference import DATA, SHARED, assert_close, entries, needs_shared

from survey_kit.errors import ConvergenceError
from survey_kit.kernels.clip_rake import Cycles, clip_only
from survey_kit.weighting.anesrake import anesrake

pytestmark = needs_shared

CASES = [e for e in entries("anesrake") if e["estimator"] == "anesrake"]
CHECKS = SHARED / "data" / "checks"


def arguments(args: dict) -> dict:
    """Ours for R's type, pctlim and nlim; keep="smallest" is what R's selectnhighest does."""
    kinds = {
        "nolim": {"limit": None},
        "pctlim": {"limit": args.get("pctlim")},
        "nlim": {"limit": None, "at_most": args.get("nlim"), "keep": "smallest"},
    }
    return {
        **kinds[args["type"]],
        "measure": args.get("choosemethod", "total"),
        "cap": args["cap"],
        "missing": "ignore",
    }


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_the_path_of_r(entry):
    args, result = entry["args"], entry["result"]
    data = pd.read_csv(DATA / "anes04.csv")
    complete = result["converge"].startswith("Complete")
    try:
        found = anesrake(data, args["targets"], improvement=args["convcrit"], **arguments(args))
        assert complete
    except ConvergenceError as error:
        assert not complete
        assert "A cycle still changed the weights by 0.04 in all (R asks for 0.001)." in str(error)
        found = error.unfinished
    assert found.converged == complete
    w = found.values.to_numpy()
    assert_close(w[: len(result["weights"])], result["weights"], 1e-10, "weights")
    assert list(found.targets["variable"].unique()) == result["varsused"]
    # at the last digits of a double, where other machines may count otherwise
    assert abs(found.iterations - result["iterations"]) <= (0 if np.finfo(np.longdouble).eps < 1e-18 else 4)
    numbers = [w.max(), w.min(), w.sum(), found.deff]
    assert_close(numbers, [result[k] for k in ("max", "min", "sum", "generaldesigneffect")], 1e-10)


@pytest.mark.parametrize("entry", CASES, ids=lambda e: e["id"])
def test_our_default_goes_on_to_the_goal(entry):
    args, result = entry["args"], entry["result"]
    options = arguments(args)
    found = anesrake(pd.read_csv(DATA / "anes04.csv"), args["targets"], **options)
    assert found.converged and found.max_gap <= 1e-10
    assert found.values.max() <= args["cap"]
    if args["cap"] > result["max"]:  # no weight is capped: the path does not matter
        assert_close(found.values.to_numpy()[: len(result["weights"])], result["weights"], 1e-7, "weights")


def nhanes() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The data of the example, and the report on its weights trimmed to 2000 and 200000 (rakedwgt3)."""
    data, _ = pyreadstat.read_dta(CHECKS / "stata" / "nhanes2.dta")
    age = 1 + (data["age"] >= 40) + (data["age"] >= 60)
    data = data.assign(sex_age=data["sex"] * 10 + age)[["sex_age", "region", "race", "finalwgt"]].astype(int)
    report, _ = pyreadstat.read_dta(CHECKS / "rake" / "rakedwgt3.dta")
    return data, report


def figures(data: pd.DataFrame, report: pd.DataFrame, weights: np.ndarray) -> tuple[list, list]:
    """Mean, standard deviation, least and largest weight of each category of each margin, ours and Stata's."""
    ours, theirs = [], []
    for _, row in report.iterrows():
        w = weights[data[row["C_Total_Margin_Variable_Name"]] == int(row["C_Total_Margin_Category_Number"])]
        ours.append([w.mean(), w.std(ddof=1), w.min(), w.max()])
        theirs.append([row[f"{k}_RKDWGT"] for k in ("Mean", "SD", "Min", "Max")])
    return ours, theirs


def margins(report: pd.DataFrame) -> dict[str, dict[int, float]]:
    out: dict[str, dict[int, float]] = {}
    for _, row in report.iterrows():
        category = int(row["C_Total_Margin_Category_Number"])
        out.setdefault(row["C_Total_Margin_Variable_Name"], {})[category] = row["Category_Total_Target"]
    return out


def test_ipfraking_cycle_by_cycle():
    """The kernel stopped as Stata stops, at a relative change of 1e-6: the same weights to the last digits."""
    data, report = nhanes()
    targets = margins(report)
    codes = [data[v].map({c: i for i, c in enumerate(t)}).to_numpy() for v, t in targets.items()]
    sizes = [np.array(list(t.values())) for t in targets.values()]
    total = sizes[0].sum()
    cycles = Cycles(np.ones(len(data)), codes, [s / s.sum() for s in sizes], clip_only(2000, 200000), total, long=True)
    w, old = data["finalwgt"].to_numpy(dtype=float), np.zeros(len(data))
    while (np.abs(w - old) / (np.abs(old) + 1)).max() >= 1e-6:
        w, old = cycles.cycle(w), w
    assert_close(*figures(data, report, w), 1e-12)


def test_ipfraking_by_the_verb():
    data, report = nhanes()
    targets = margins(report)
    mean = sum(targets["race"].values()) / len(data)
    found = anesrake(data, targets, base="finalwgt", cap=200000 / mean, floor=2000 / mean, limit=None)
    assert found.values.max() == pytest.approx(200000)
    assert_close(*figures(data, report, found.values.to_numpy()), 1e-6)  # Stata stops earlier
