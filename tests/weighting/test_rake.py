"""rake(): numbers against R, properties, bounds, and what the result says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, ConvergenceError, TargetError, UnsupportedOption
from survey_kit.kernels.raking_rounds import RakingRounds
from survey_kit.results.weights import Weights
from survey_kit.weighting import rake

HERE = Path(__file__).resolve()
REFERENCE = json.loads((HERE.parents[1] / "reference" / "rake.json").read_text())
SHARED = HERE.parents[3] / "shared"

SEX = {"male": 0.47, "female": 0.53}
AGE = {"18-29": 0.21, "30-44": 0.29, "45-59": 0.27, "60+": 0.23}
REGION = {"north": 0.2, "south": 0.45, "west": 0.35}
CROSSED = dict(
    zip(
        [(s, a) for a in AGE for s in SEX],
        [0.11, 0.10, 0.14, 0.15, 0.13, 0.14, 0.09, 0.14],
        strict=True,
    )
)


@pytest.fixture
def sample() -> pd.DataFrame:
    return pd.DataFrame(REFERENCE["sample"])


def counts(shares: dict, total: float) -> dict:
    return {k: v * total for k, v in shares.items()}


CASES = {
    "shares_without_base": ({"sex": SEX, "age4": AGE}, None),
    "shares_with_base": ({"sex": SEX, "age4": AGE, "region": REGION}, "w"),
    "counts": ({"sex": counts(SEX, 1e6), "age4": counts(AGE, 1e6), "region": counts(REGION, 1e6)}, "w"),
    "crossed_margin": ({("sex", "age4"): counts(CROSSED, 1e6), "region": counts(REGION, 1e6)}, None),
}


@pytest.mark.parametrize("case", REFERENCE["weights"])
def test_weights_are_those_of_r(sample, case):
    targets, base = CASES[case]
    weights = rake(sample, targets, base=base)
    np.testing.assert_allclose(weights.values, REFERENCE["weights"][case], rtol=1e-8)


def _shared_entries() -> list[dict]:
    path = SHARED / "reference" / "open" / "rake.json"
    entries = json.loads(path.read_text())["entries"] if path.exists() else []
    return [e for e in entries if e["design"]["kind"] == "taylor" and not e.get("advisory")]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared reference answers are not on this machine")
def test_the_shared_reference_is_covered():
    assert len(_shared_entries()) == 8


@pytest.mark.parametrize("entry", _shared_entries(), ids=lambda e: e["id"])
def test_weights_of_the_shared_reference(entry):
    frame = pd.read_csv(SHARED / "data" / "r" / f"{entry['dataset'][0]}.csv", keep_default_na=False, na_values=[""])
    result, design = entry["result"], entry["design"]
    values = rake(frame, _entry_targets(entry), base=_entry_base(frame, design)).values.to_numpy()
    expected = np.array(result["weights"])
    np.testing.assert_allclose(values[: len(expected)], expected, rtol=1e-8)
    assert values.sum() == pytest.approx(result["sum"], rel=1e-10)
    assert values @ values == pytest.approx(result["sumsq"], rel=1e-8)
    assert values @ np.arange(1, len(values) + 1) == pytest.approx(result["sum_index_times_w"], rel=1e-8)


def _entry_base(frame: pd.DataFrame, design: dict) -> str | np.ndarray:
    if design["weights"]:
        return design["weights"]
    first, second = (frame[c] for c in design["fpc"])  # two stages: (N1 / n1) * (N2 / n2)
    units = frame.groupby(design["ids"][0])[design["ids"][1]].transform("nunique")
    return (first / frame[design["ids"][0]].nunique() * second / units).to_numpy()


def _entry_targets(entry: dict) -> dict:
    margins = [tuple(m.lstrip("~").split("+")) for m in entry["args"]["sample_margins"]]
    if "population_margins" in entry["args"]:
        tables = [pd.DataFrame(rows) for rows in entry["args"]["population_margins"]]
        return {m[0]: dict(zip(t[m[0]], t["Freq"], strict=True)) for m, t in zip(margins, tables, strict=True)}
    people = pd.read_csv(SHARED / "data" / "r" / f"{entry['dataset'][1]}.csv")
    sums = [people.groupby(list(m))["weight"].sum() for m in margins]
    return {m if len(m) > 1 else m[0]: s * 1958 / s.sum() for m, s in zip(margins, sums, strict=True)}


# properties


@st.composite
def polls(draw) -> tuple[pd.DataFrame, dict]:
    """A sample in which every combination occurs, and targets for two or three margins."""
    sizes = draw(st.lists(st.integers(2, 4), min_size=2, max_size=3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    full = np.indices(sizes).reshape(len(sizes), -1).T
    extra = np.column_stack([random.integers(0, k, 40) for k in sizes])
    frame = pd.DataFrame(np.vstack([full, extra]), columns=[f"q{i}" for i in range(len(sizes))])
    frame["w"] = random.gamma(3, 1, len(frame)) + 0.1
    targets = {f"q{i}": dict(enumerate(random.dirichlet(np.full(k, 5.0)))) for i, k in enumerate(sizes)}
    return frame, targets


@given(polls())
@settings(max_examples=30, deadline=None)
def test_margins_are_met_by_the_weights_as_they_are(poll):
    frame, targets = poll
    weights = rake(frame, targets, base="w")
    for variable, shares in targets.items():
        reached = weights.values.groupby(frame[variable]).sum() / weights.values.sum()
        np.testing.assert_allclose(reached, list(shares.values()), atol=1e-10)
    assert weights.values.sum() == pytest.approx(frame["w"].sum())
    assert (weights.values > 0).all()


@given(polls(), st.floats(1e-3, 1e6))
@settings(max_examples=25, deadline=None)
def test_the_scale_of_the_base_changes_only_the_scale(poll, factor):
    frame, targets = poll
    one, other = rake(frame, targets, base="w"), rake(frame, targets, base=frame["w"] * factor)
    np.testing.assert_allclose(other.values, one.values * factor, rtol=1e-9)


@given(polls(), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_permuted_rows_have_permuted_weights(poll, seed):
    frame, targets = poll
    order = np.random.default_rng(seed).permutation(len(frame))
    one, other = rake(frame, targets, base="w"), rake(frame.iloc[order], targets, base="w")
    np.testing.assert_allclose(other.values, one.values.iloc[order], rtol=1e-9)
    assert other.values.index.equals(frame.index[order])


@given(polls())
@settings(max_examples=25, deadline=None)
def test_margins_already_met_leave_the_base_weights(poll):
    frame, targets = poll
    met = {v: frame.groupby(v)["w"].sum() / frame["w"].sum() for v in targets}
    weights = rake(frame, met, base="w")
    np.testing.assert_allclose(weights.g, 1.0, rtol=1e-12)


@given(polls(), st.floats(1.05, 3.0))
@settings(max_examples=40, deadline=None)
def test_a_cap_and_the_margins_hold_together_or_it_is_refused(poll, upper):
    frame, targets = poll
    try:
        weights = rake(frame, targets, base="w", upper=upper)
    except ConvergenceError as error:
        assert not error.unfinished.converged
        assert f"upper={upper:g}" in str(error)
        return
    assert weights.values.max() <= upper * weights.values.mean() * (1 + 1e-9)
    assert weights.max_gap <= 1e-10


# scale, bounds, forms of base


def test_the_sum_of_the_weights(sample):
    targets = {"sex": SEX, "age4": AGE}
    assert rake(sample, targets).values.sum() == pytest.approx(240)
    assert rake(sample, targets, base="w").values.sum() == pytest.approx(sample["w"].sum())
    assert rake(sample, {"sex": counts(SEX, 5e6)}, base="w").values.sum() == pytest.approx(5e6)
    percent = rake(sample, {"sex": {"male": 47, "female": 53}, "age4": counts(AGE, 100)})
    np.testing.assert_allclose(percent.values, rake(sample, targets).values, rtol=1e-10)


def test_bounds_are_multiples_of_the_mean_weight(sample):
    targets = {"sex": SEX, "age4": AGE, "region": REGION}
    free = rake(sample, targets, base="w")
    assert free.values.max() > 3.5 * free.values.mean()
    held = rake(sample, targets, base="w", lower=0.2, upper=3.5)
    assert held.values.max() == pytest.approx(3.5 * held.values.mean())
    assert held.values.min() >= 0.2 * held.values.mean() * (1 - 1e-12)
    assert held.max_gap <= 1e-10
    assert held.deff != pytest.approx(free.deff)


def test_a_cap_too_low_says_so_and_hands_over_what_it_has(sample):
    with pytest.raises(ConvergenceError, match=r"With upper=1.2 no weights can meet the targets of") as caught:
        rake(sample, {"sex": SEX, "age4": AGE, "region": REGION}, upper=1.2)
    assert "'region' = 'west' has target 84 (35.0000%) and reached" in str(caught.value)
    assert "of the total" in str(caught.value)
    unfinished = caught.value.unfinished
    assert isinstance(unfinished, Weights)
    assert not unfinished.converged
    assert unfinished.max_gap > 0.1
    assert unfinished.values.max() <= 1.2 + 1e-9


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lower": 1.2}, "1 must lie between them"),
        ({"upper": 0.9}, "1 must lie between them"),
        ({"lower": 1, "upper": 1}, "below upper"),
        ({"lower": -0.1}, "at least 0"),
        ({"upper": "5"}, "upper='5' is not a number"),
        ({"tol": 0}, "tol=0"),
        ({"tol": float("nan")}, "tol=nan must be above 0 and below 1"),
        ({"max_iter": 0}, "max_iter=0"),
        ({"max_iter": 2.5}, "max_iter=2.5"),
        ({"base": np.ones(3)}, r"base has shape \(3,\); the data have 240 rows"),
        ({"base": pd.Series(np.ones(3))}, "index is not that of the data"),
    ],
)
def test_arguments_are_checked(sample, options, text):
    with pytest.raises(ArgumentError, match=text):
        rake(sample, {"sex": SEX}, **options)


def test_data_must_be_a_frame_or_a_survey():
    with pytest.raises(ArgumentError, match="data is a list"):
        rake([1, 2], {"sex": SEX})


def test_a_base_series_is_matched_by_index(sample):
    shuffled = sample["w"].sample(frac=1, random_state=1)
    one, other = rake(sample, {"sex": SEX}, base="w"), rake(sample, {"sex": SEX}, base=shuffled)
    pd.testing.assert_series_equal(one.values, other.values)


def test_tol_and_max_iter_are_heeded(sample):
    targets = {"sex": SEX, "age4": AGE, "region": REGION}
    assert rake(sample, targets, tol=0.01).iterations < rake(sample, targets).iterations
    with pytest.raises(ConvergenceError, match=r"after 1 iteration: .* Raise max_iter \(now 1\)") as caught:
        rake(sample, targets, max_iter=1)
    assert caught.value.unfinished.iterations == 1


def test_zero_base_weights_stay_zero(sample):
    base = sample["w"].where(sample.index % 10 != 0, 0.0)
    for upper in (None, 4.0):
        weights = rake(sample, {"sex": SEX, "age4": AGE}, base=base, upper=upper)
        assert (weights.values[base == 0] == 0).all()
        assert [n.count for n in weights.notices if n.kind == "zero_base"] == [24]
        assert weights.g[base == 0].isna().all()
        assert weights.summary()["n"] == 216
        np.testing.assert_array_equal(weights.adjustments[0].reads > 0, base > 0)


def test_inputs_are_not_changed(sample):
    before, targets = sample.copy(), {"sex": dict(SEX), "age4": dict(AGE)}
    rake(sample, targets, base="w", upper=5)
    pd.testing.assert_frame_equal(sample, before)
    assert targets == {"sex": SEX, "age4": AGE}


# contradictions


def test_an_empty_combination_that_the_targets_need():
    frame = pd.DataFrame({"sex": list("mmfff"), "job": ["miner"] * 3 + ["nurse"] * 2, "town": list("abaab")})
    targets = {"sex": {"m": 0.5, "f": 0.5}, "job": {"miner": 0.2, "nurse": 0.8}, "town": {"a": 0.5, "b": 0.5}}
    with pytest.raises(ConvergenceError, match=r"No weights can meet the targets of 'sex', 'job' together") as caught:
        rake(frame, targets)
    assert caught.value.unfinished.iterations < 200


def test_targets_that_leave_no_room_for_some_rows():
    frame = pd.DataFrame({"a": [0, 1, 1], "b": [0, 0, 1]})
    with pytest.raises(ConvergenceError, match=r"met only with weight 0 for some rows \(n=1\)"):
        rake(frame, {"a": {0: 0.5, 1: 0.5}, "b": {0: 0.5, 1: 0.5}})


def test_tiny_targets_are_met():
    frame = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1]})
    weights = rake(frame, {"a": {0: 1e-7, 1: 1 - 1e-7}, "b": {0: 0.5, 1: 0.5}})
    assert weights.values[:2].sum() == pytest.approx(4e-7)


# the result


def test_the_result_tells_what_was_done(sample):
    weights = rake(sample, {"sex": SEX, "age4": AGE, "region": REGION}, base="w")
    table = weights.targets
    assert list(table.columns) == [
        "variable", "category", "target_share", "target", "unweighted_n", "base_share", "achieved_share", "gap",
    ]  # fmt: skip
    assert len(table) == 9
    assert table["unweighted_n"].groupby(table["variable"]).sum().eq(240).all()
    np.testing.assert_allclose(table["achieved_share"] - table["target_share"], table["gap"])
    assert weights.max_gap == table["gap"].abs().max()
    assert weights.converged
    assert weights.n_eff == pytest.approx(240 / weights.deff)
    assert len(weights.history) == weights.iterations
    assert list(weights.achieved.columns)[-2:] == ["achieved_share", "gap"]
    (step,) = weights.adjustments
    assert isinstance(step.law, RakingRounds) and not step.law.shares and not step.law.own
    assert [len(m) for m in step.law.margins] == [step.features.size] * 3
    summary = weights.summary()
    assert summary["max_to_min"] == pytest.approx(summary["max"] / summary["min"])
    assert summary["moe_factor"] == pytest.approx(weights.deff**0.5)
    assert ": " in summary["worst_margin"]
    assert repr(weights).startswith("Weights by rake: 240 rows, converged")


def test_the_notebook_view_escapes_labels():
    frame = pd.DataFrame({"q": ["<script>", "b"]})
    assert "<script>" not in rake(frame, {"q": {"<script>": 0.4, "b": 0.6}})._repr_html_()


def test_extreme_weights_are_noticed():
    frame = pd.DataFrame({"q": ["a"] * 99 + ["b"]})
    texts = [str(n) for n in rake(frame, {"q": {"a": 0.5, "b": 0.5}}).notices]
    assert len(texts) == 1
    assert "the largest is 99.0 times the median" in texts[0]
    assert "100 rows are worth 4.0" in texts[0]


# surveys


def survey() -> sk.Survey:
    """Five respondents with base weights."""
    sex = Variable("sex", labels={1: "Male", 2: "Female", 9: "No answer"}, missing=MissingRule((9,)))
    codes = pd.DataFrame({"sex": [1.0, 1.0, 2.0, 2.0, 2.0], "x": [0, 1, 0, 1, 9], "w": [1.0, 1.0, 2.0, 2.0, 2.0]})
    book = Codebook({"sex": sex, "x": Variable("x", missing=MissingRule((9,))), "w": Variable("w")})
    return sk.from_frame(codes, book).with_design(weight="w")


@pytest.mark.parametrize("keys", [("Male", "Female"), (1, 2), ("1", "2"), ("Male [1]", 2.0)])
def test_a_survey_takes_labels_and_codes(keys):
    weights = rake(survey(), {"sex": dict(zip(keys, (0.5, 0.5), strict=True))})
    np.testing.assert_allclose(weights.weight, [2, 2, 4 / 3, 4 / 3, 4 / 3])
    assert weights.weights.converged
    assert weights.weights.targets["category"].tolist() == ["Male", "Female"]
    np.testing.assert_allclose(rake(survey(), {"sex": {1: 0.5, 2: 0.5}}, base=np.ones(5)).weight.sum(), 5)


def test_user_missing_is_missing():
    with pytest.raises(TargetError, match=r"'x': no value in 1 of 5 rows\. Say what they are"):
        rake(survey(), {"x": {0: 0.5, 1: 0.5}})


def test_a_domain_cannot_be_weighted_alone():
    with pytest.raises(UnsupportedOption, match="Only a whole survey can be weighted"):
        rake(survey().where("x == 1"), {"sex": {1: 0.5, 2: 0.5}})


def test_raking_alone_loads_numpy_and_pandas_only():
    code = (
        "import sys; from survey_kit.weighting import rake; "
        "heavy = ['scipy', 'matplotlib', 'seaborn', 'statsmodels', 'pingouin', 'great_tables', 'survey_kit.survey', "
        "'pyreadstat', 'formulaic', 'pydantic', 'typst', 'openpyxl']; "
        "sys.exit([m for m in heavy if m in sys.modules] or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
