"""Replicate weights built from a design: identities with linearisation, moments of the bootstraps, what is refused."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.errors import (
    ArgumentError,
    DesignError,
    LonelyPsuError,
    SurveyKitError,
    UnknownNameError,
    UnsupportedOption,
)


def sample(seed: int, units: list[int], rows: int = 3) -> pd.DataFrame:
    """Strata with so many units of so many rows, a number, and population sizes of both stages."""
    rng = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(len(units)), np.array(units) * rows)
    n = len(stratum)
    psu = np.arange(n) // rows
    frame = pd.DataFrame({"h": stratum, "psu": psu, "home": np.arange(n) % rows})
    frame["w"] = rng.uniform(1, 5, n)
    frame["x"] = rng.normal(10, 3, n) + rng.normal(0, 2, psu.max() + 1)[psu]
    frame["g"] = np.where(rng.random(n) < 0.5, "a", "b")
    frame["N"] = np.array([2 * u + 1 for u in units])[stratum]
    frame["M"] = 2 * rows
    frame["place"] = rng.permutation(psu.max() + 1)[psu]
    return frame


def stated(frame: pd.DataFrame, **more) -> sk.Survey:
    return sk.from_frame(frame).with_design(**{"weight": "w", "strata": "h", "psu": "psu", **more})


def unit_totals(frame: pd.DataFrame) -> pd.DataFrame:
    by = frame.assign(z=frame["w"] * frame["x"]).groupby(["h", "psu"], sort=True)
    return by.agg(z=("z", "sum"), place=("place", "first")).reset_index()


SEEDS = st.integers(0, 10_000)
PAIRS = st.integers(1, 12).map(lambda h: [2] * h)
UNITS = st.lists(st.integers(2, 6), min_size=1, max_size=5)


# identities


@settings(deadline=None, max_examples=40)
@given(SEEDS, PAIRS, st.sampled_from([None, 0.0, 0.3, 0.7]), st.booleans())
def test_half_samples_give_the_linearised_variance_of_a_total(seed, units, rho, mse):
    poll = stated(sample(seed, units))
    made = poll.replicate("BRR" if rho is None else "Fay", rho=rho, mse=mse)
    np.testing.assert_allclose(sk.total(made, "x").se, sk.total(poll, "x").se, rtol=1e-9)
    by = sk.total(made, "x", by="g")
    np.testing.assert_allclose(by.vcov(), sk.total(poll, "x", by="g").vcov(), rtol=1e-8)
    factors = made.bound.replicates.factors
    assert set(np.unique(factors.round(12))) == {round(rho or 0.0, 12), round(2 - (rho or 0.0), 12)}
    assert (factors.mean(axis=1).round(12) == 1).all() and len(units) < factors.shape[1] <= 2 * len(units) + 4


@settings(deadline=None, max_examples=40)
@given(SEEDS, UNITS, st.booleans(), st.booleans())
def test_the_jackknife_gives_the_linearised_variance_of_a_total(seed, units, fpc, mse):
    poll = stated(sample(seed, units), **({"fpc": "N"} if fpc else {}))
    made = poll.replicate("JKn", mse=mse)
    np.testing.assert_allclose(sk.total(made, "x").se, sk.total(poll, "x").se, rtol=1e-9)
    if len(units) == 1:
        one = poll.replicate("JK1", mse=mse)
        np.testing.assert_allclose(sk.total(one, "x").se, sk.total(poll, "x").se, rtol=1e-9)


def squared_neighbours(frame: pd.DataFrame, order: str) -> float:
    """1/2 sum over strata of squared differences of neighbours in a circle."""
    total = 0.0
    for _, units in unit_totals(frame).groupby("h"):
        z = units.sort_values(order)["z"].to_numpy()
        total += ((z - np.roll(z, 1)) ** 2).sum() / 2
    return total


@settings(deadline=None, max_examples=40)
@given(SEEDS, UNITS, st.booleans(), st.booleans())
def test_successive_differences_give_their_formula(seed, units, named, mse):
    frame = sample(seed, units)
    made = stated(frame).replicate("SDR", order="place" if named else None, mse=mse)
    expected = squared_neighbours(frame, "place" if named else "psu")
    np.testing.assert_allclose(sk.total(made, "x").se ** 2, expected, rtol=1e-9)
    ways = np.array([1 - 2**-0.5, 1, 1 + 2**-0.5])
    assert np.isin(np.unique(made.bound.replicates.factors.round(10)), ways.round(10)).all()


def test_successive_differences_follow_the_file_where_no_order_is_named():
    frame = sample(3, [5, 4])
    shuffled = frame.set_index("psu").loc[[3, 1, 0, 2, 4, 8, 6, 7, 5]].reset_index()
    shuffled["file"] = np.arange(len(shuffled)) // 3
    by_file, by_column = stated(shuffled).replicate("SDR"), stated(shuffled).replicate("SDR", order="file")
    assert sk.total(by_file, "x").se == pytest.approx(sk.total(by_column, "x").se, rel=1e-12)
    assert sk.total(by_file, "x").se != pytest.approx(sk.total(stated(frame).replicate("SDR"), "x").se, rel=1e-3)


@pytest.mark.parametrize("replicates", [4, 8, 20, 40])
def test_successive_differences_with_fewer_replicates_than_units(replicates):
    """Rows are used again: no longer exact, but every factor has mean 1 and every unit differs in two rows."""
    frame = sample(4, [70, 9, 2])
    made = stated(frame).replicate("SDR", replicates=replicates)
    factors = made.bound.replicates.factors
    np.testing.assert_allclose(factors.mean(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(((factors - 1) ** 2).sum(axis=1), replicates / 4, rtol=1e-12)
    if replicates == 40:
        exact = squared_neighbours(frame, "psu")
        assert 0.5 < sk.total(made, "x").se[0] ** 2 / exact < 2


def test_replicates_know_nothing_of_the_order_of_rows_within_units():
    frame = sample(5, [4, 5, 3])
    again = frame.sample(frac=1, random_state=2)
    for options in (
        {"method": "JKn"},
        {"method": "bootstrap", "replicates": 20, "seed": 4},
        {"method": "bootstrap", "replicates": 20, "seed": 4, "bootstrap": "Canty-Davison"},
        {"method": "bootstrap", "replicates": 20, "seed": 4, "bootstrap": "Preston"},
        {"method": "SDR", "order": "place"},
    ):
        one, two = stated(frame).replicate(**options), stated(again).replicate(**options)
        weights = pd.DataFrame(two.bound.replicates.weights, index=again.index).sort_index()
        np.testing.assert_allclose(one.bound.replicates.weights, weights, rtol=1e-12)


def test_the_same_seed_gives_the_same_weights():
    poll = stated(sample(6, [4, 3]), fpc="N")
    for kind in ("Rao-Wu", "Canty-Davison", "Preston"):
        one, same, other = (poll.replicate("bootstrap", 30, seed, bootstrap=kind) for seed in (1, 1, 2))
        first = one.bound.replicates.factors
        assert (first == same.bound.replicates.factors).all() and (first != other.bound.replicates.factors).any()


@settings(deadline=None, max_examples=30)
@given(SEEDS, UNITS, st.sampled_from(["JKn", "Rao-Wu", "Preston"]))
def test_factors_of_units_are_worth_the_same_as_weights_of_rows(seed, units, method):
    """Sums by unit, then replicates; or every replicate over all rows."""
    poll = stated(sample(seed, units), psu=("psu", "home"), fpc=("N", "M"))
    made = poll.replicate("JKn") if method == "JKn" else poll.replicate("bootstrap", 7, seed, bootstrap=method)
    held = made.bound.replicates
    columns = pd.DataFrame(held.weights, columns=[f"r{i}" for i in range(held.weights.shape[1])])
    given_back = sk.from_frame(pd.concat([poll.codes, columns], axis=1)).with_replicates(
        "r[0-9]+", "other", weight="w", scale=held.scale, rscales=held.rscales
    )
    for verb, name in ((sk.mean, "x"), (sk.total, "x"), (sk.proportion, "g")):
        one, other = verb(made, name), verb(given_back, name)
        np.testing.assert_allclose(
            one.vcov(), other.vcov(), rtol=1e-9, atol=1e-9 * np.abs(other.vcov()).to_numpy().max()
        )


# moments: E[f] = 1, Var f and Cov of two units of a stratum in closed form, over many replicates


def moments(poll: sk.Survey, kind: str, replicates: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    factors = poll.replicate("bootstrap", replicates, 11, bootstrap=kind).bound.replicates.factors
    return factors.mean(axis=1), np.cov(factors)


def expected_covariance(units: list[int], variance: list[float]) -> np.ndarray:
    """Units of a stratum: variance v and covariance -v/(n - 1); none between strata."""
    out = np.zeros((sum(units), sum(units)))
    start = 0
    for n, v in zip(units, variance, strict=True):
        out[start : start + n, start : start + n] = v * (np.eye(n) * n - 1) / (n - 1)
        start += n
    return out


UNEVEN = [2, 3, 4, 7]


@pytest.mark.parametrize(
    "kind, fpc, variance",
    [
        ("Rao-Wu", None, [1.0] * 4),
        ("Rao-Wu", "N", [1.0] * 4),
        ("Canty-Davison", None, [(n - 1) / n for n in UNEVEN]),
        ("Canty-Davison", "N2", [0.5 * 2 * n / (2 * n - 1) * (n - 1) / n for n in UNEVEN]),
        ("Preston", None, [1.0] * 4),
        ("Preston", "N", [1 - n / (2 * n + 1) for n in UNEVEN]),
    ],
)
def test_moments_of_bootstrap_factors(kind, fpc, variance):
    frame = sample(7, UNEVEN)
    frame["N2"] = 2 * frame.groupby("h")["psu"].transform("nunique")
    mean, covariance = moments(stated(frame, **({"fpc": fpc} if fpc else {})), kind)
    np.testing.assert_allclose(mean, 1, atol=5 / np.sqrt(40_000))
    np.testing.assert_allclose(covariance, expected_covariance(UNEVEN, variance), atol=0.03)


def test_the_pseudo_population_of_a_remainder_is_fair_over_seeds():
    """N = 2n + 1: the one unit that stands three times is drawn once for all replicates, and by chance."""
    poll = stated(sample(7, [4]), fpc="N")
    mean = np.mean(
        [
            poll.replicate("bootstrap", 40, seed, bootstrap="Canty-Davison").bound.replicates.factors.mean(axis=1)
            for seed in range(400)
        ],
        axis=0,
    )
    np.testing.assert_allclose(mean, 1, atol=0.05)


@pytest.mark.parametrize(
    "kind, more",
    [
        ("Rao-Wu", {}),
        ("Canty-Davison", {}),
        ("Preston", {}),
        ("Preston", {"fpc": "N"}),
        ("Preston", {"psu": ("psu", "home"), "fpc": ("N", "M")}),
    ],
)
def test_bootstraps_approach_the_linearised_variance(kind, more):
    """With R replicates the variance itself has a standard deviation of some sqrt(2/R), 1% here."""
    poll = stated(sample(8, [4, 4, 4], rows=4), **more)
    made = poll.replicate("bootstrap", 20_000, 3, bootstrap=kind)
    for estimate in (lambda p: sk.total(p, "x"), lambda p: sk.total(p, "x", by="g")):
        ratio = estimate(made).se ** 2 / estimate(poll).se ** 2
        np.testing.assert_allclose(ratio, 1, atol=0.05)


def test_preston_keeps_the_second_stage_of_a_certain_unit():
    """Every first-stage unit was taken: all of the variance lies below, where R's mrbbootstrap adds noise or drops it."""
    frame = sample(9, [1, 3], rows=6).assign(N=lambda f: f.groupby("h")["psu"].transform("nunique"))
    poll = stated(frame, psu=("psu", "home"), fpc=("N", "M"))
    made = poll.replicate("bootstrap", 20_000, 5, bootstrap="Preston")
    ratio = sk.total(made, "x").se ** 2 / sk.total(poll, "x").se ** 2
    np.testing.assert_allclose(ratio, 1, atol=0.05)


# what does not vary, and degrees of freedom


@pytest.mark.parametrize("rule", ["remove", "certainty"])
@pytest.mark.parametrize(
    "options",
    [
        {"method": "JKn"},
        {"method": "BRR"},
        {"method": "SDR"},
        {"method": "bootstrap", "replicates": 25, "seed": 1},
        {"method": "bootstrap", "replicates": 25, "seed": 1, "bootstrap": "Canty-Davison"},
        {"method": "bootstrap", "replicates": 25, "seed": 1, "bootstrap": "Preston"},
    ],
    ids=lambda o: "-".join(str(v) for v in o.values()),
)
def test_lonely_units_that_count_nothing_do_not_vary(rule, options):
    poll = stated(sample(10, [2, 1, 2]), lonely_psu=rule)
    made = poll.replicate(**options)
    weights = made.bound.replicates.weights[poll.codes["h"] == 1]
    np.testing.assert_allclose(weights, poll.bound.weight[poll.codes["h"] == 1][:, None] + np.zeros_like(weights))
    if options["method"] in ("JKn", "BRR"):
        np.testing.assert_allclose(sk.total(made, "x").se, sk.total(poll, "x").se, rtol=1e-9)


def test_strata_that_were_taken_whole_have_no_jackknife_replicates():
    frame = sample(11, [3, 4, 3])
    frame.loc[frame["h"] == 1, "N"] = 4
    poll = stated(frame, fpc="N")
    made = poll.replicate("JKn")
    assert made.bound.replicates.factors.shape == (10, 6)
    np.testing.assert_allclose(sk.total(made, "x").se, sk.total(poll, "x").se, rtol=1e-9)
    np.testing.assert_allclose(sk.mean(made, "x").se, sk.mean(poll, "x").se, rtol=0.1)


def test_degrees_of_freedom_are_those_of_the_design():
    """Not the number of replicates less 1, nor their rank, which calibration changes."""
    poll = sk.from_frame(sample(12, [15])).with_design(weight="w", psu="psu")
    made = poll.replicate("bootstrap", replicates=500, seed=1)
    assert made.bound.replicates.weights.shape[1] == 500
    assert sk.mean(made, "x").df == 14
    some = made.where("psu < 6")
    assert sk.mean(some, "x").df == 5 and sk.mean(made, "x", where="psu < 6").df == 5
    assert sk.mean(made, "x", by="g").df == 14, "by keeps those of the whole design"
    raked = made.rake({"g": {"a": 0.4, "b": 0.6}})
    assert sk.mean(raked, "x").df == 14 and sk.mean(raked.where("psu < 6"), "x").df == 5
    strata = stated(sample(12, [4, 5, 2])).replicate("JKn")
    assert strata.bound.degrees_of_freedom() == 8
    assert strata.bound.degrees_of_freedom((strata.codes["h"] < 2).to_numpy()) == 7


def test_zero_weights_count_no_units():
    frame = sample(13, [3, 3]).assign(w=lambda f: np.where(f["psu"] == 0, 0.0, f["w"]))
    made = stated(frame).replicate("JKn")
    assert made.bound.degrees_of_freedom() == 3
    assert not made.bound.replicates.weights[frame["psu"] == 0].any()
    assert np.isfinite(sk.mean(made, "x").se).all()


@pytest.mark.parametrize("method", ["JKn", "BRR", "Fay", "SDR", "Rao-Wu", "Canty-Davison", "Preston"])
def test_raking_is_repeated_for_every_method(method):
    poll = stated(sample(14, [2] * 8))
    options = {"Fay": {"rho": 0.5}, "SDR": {"order": "place"}}.get(method, {})
    if method in ("Rao-Wu", "Canty-Davison", "Preston"):
        made = poll.replicate("bootstrap", 60, 2, bootstrap=method)
    else:
        made = poll.replicate(method, **options)
    raked = made.rake({"g": {"a": 0.3, "b": 0.7}})
    share = sk.proportion(raked, "g")
    np.testing.assert_allclose(share.theta, [0.3, 0.7], rtol=1e-8)
    assert share.se.max() < 1e-9, "a margin that is met in every replicate has no sampling error"
    plain = sk.mean(poll.rake({"g": {"a": 0.3, "b": 0.7}}), "x").se[0]
    assert 0.6 < sk.mean(raked, "x").se[0] / plain < 1.6
    assert raked.bound.degrees_of_freedom() == 8


# notices


FPC = (
    "{} replicates take sampling as with replacement, as R does: the population sizes (fpc) are left out, so standard "
    "errors are too large. JKn and bootstrap='Preston' know them."
)
STAGES = (
    "{} replicates know the population sizes (fpc) of the first stage only, as in R: what later stages add to the variance "
    "is left out. bootstrap='Preston' knows every stage."
)


@pytest.mark.parametrize(
    "options, more, text",
    [
        ({"method": "BRR"}, {"fpc": "N"}, FPC.format("BRR")),
        ({"method": "Fay", "rho": 0.2}, {"fpc": "N"}, FPC.format("Fay")),
        ({"method": "SDR"}, {"fpc": "N"}, FPC.format("SDR")),
        ({"method": "bootstrap", "replicates": 9, "seed": 1}, {"fpc": "N"}, FPC.format("Rao-Wu bootstrap")),
        ({"method": "JKn"}, {"psu": ("psu", "home"), "fpc": ("N", "M")}, STAGES.format("JKn")),
        (
            {"method": "bootstrap", "replicates": 9, "seed": 1, "bootstrap": "Canty-Davison"},
            {"psu": ("psu", "home"), "fpc": ("N", "M")},
            STAGES.format("Canty-Davison bootstrap"),
        ),
        (
            {"method": "bootstrap", "replicates": 9, "seed": 1, "bootstrap": "Preston"},
            {"psu": ("psu", "home"), "fpc": ("N", "M")},
            None,
        ),
        ({"method": "JKn"}, {"fpc": "N"}, None),
        ({"method": "BRR"}, {}, None),
    ],
)
def test_what_replicates_leave_out_is_said(options, more, text):
    made = stated(sample(15, [2, 2, 2]), **more).replicate(**options)
    assert [n.text for n in made.notices if n.kind == "replicates"] == ([] if text is None else [text])
    again = made.replicate("bootstrap", 9, 1, bootstrap="Preston")
    assert not [n for n in again.notices if n.kind == "replicates"], "a notice goes with the weights it is about"


# refusals


def refused(poll: sk.Survey, kind: type[SurveyKitError], *args, **options) -> str:
    with pytest.raises(kind) as caught:
        poll.replicate(*args, **options)
    assert type(caught.value) is kind
    return str(caught.value)


def test_arguments_that_belong_to_another_method():
    poll = stated(sample(16, [2, 2]))
    assert (
        refused(poll, ArgumentError, "JKn", seed=1) == 'seed belongs to method="bootstrap"; method="JKn" was asked for.'
    )
    assert refused(poll, ArgumentError, "JKn", replicates=9) == (
        'replicates belongs to method="bootstrap" or method="SDR" or method="BRR" or method="Fay"; method="JKn" was asked for.'
    )
    assert refused(poll, ArgumentError, "BRR", rho=0.3) == 'rho belongs to method="Fay"; method="BRR" was asked for.'
    assert refused(poll, ArgumentError, "BRR", order="place").startswith('order belongs to method="SDR"')
    assert refused(poll, ArgumentError, "SDR", bootstrap="Preston").startswith(
        'bootstrap belongs to method="bootstrap"'
    )
    assert refused(poll, ArgumentError, "brr") == "method='brr' is not available. Did you mean 'BRR'?"


def test_values_that_are_no_values():
    poll = stated(sample(16, [2, 2, 2, 2]))
    needs = "method='bootstrap' needs replicates (such as 500) and seed, so that it can be repeated."
    assert refused(poll, ArgumentError, "bootstrap", 100) == needs
    assert refused(poll, ArgumentError, "bootstrap", seed=1) == needs
    assert refused(poll, ArgumentError, "bootstrap", 1, 1) == (
        "replicates=1 is not available. Give a whole number of at least 2."
    )
    assert refused(poll, ArgumentError, "bootstrap", 10, 1.5).startswith("seed=1.5 is not available.")
    assert refused(poll, ArgumentError, "bootstrap", 10, 1, bootstrap="Rao") == (
        "bootstrap='Rao' is not available. Did you mean 'Rao-Wu'?"
    )
    assert refused(poll, ArgumentError, "Fay") == (
        'method="Fay" needs rho, such as rho=0.3: each half-sample has the factors 2 - rho and rho.'
    )
    assert refused(poll, ArgumentError, "Fay", rho=1.0) == (
        "rho=1.0 is not available. Fay's coefficient is at least 0 and below 1, such as 0.3."
    )
    assert refused(poll, ArgumentError, "BRR", replicates=4) == (
        "replicates=4 is not available for 4 strata: a Hadamard matrix of an order of at least 5 is needed, such as 8."
    )
    assert refused(poll, ArgumentError, "BRR", replicates=90).endswith("at least 5 is needed, such as 96.")
    assert poll.replicate("BRR", replicates=12).bound.replicates.factors.shape == (8, 12)


def test_designs_that_do_not_fit_the_method():
    uneven = stated(sample(17, [2, 3, 2, 4]))
    assert refused(uneven, DesignError, "BRR") == (
        'method="BRR" needs two sampling units in every stratum; 2 of 4 strata have another number (that of row 7 has 3). '
        'Use method="JKn" or "bootstrap", or pair the units into strata of two.'
    )
    assert refused(uneven, DesignError, "JK1") == (
        "method='JK1' is for designs without strata; this one has 4. Use 'JKn'."
    )
    alone = stated(sample(17, [2, 1]), lonely_psu="average")
    assert refused(alone, LonelyPsuError, "JKn") == (
        '1 strata at stage 1 have a single unit, and lonely_psu="average" has no replicates. Merge strata, or state '
        'lonely_psu="remove" or "certainty".'
    )
    whole = stated(sample(17, [2, 3]).assign(N=lambda f: f["h"] + 2), fpc="N")
    assert refused(whole, DesignError) == "Every stratum was taken as a whole: nothing varies from sample to sample."
    below = stated(sample(17, [2, 3]).assign(N=lambda f: f["h"] + 2), psu=("psu", "home"), fpc=("N", "M"))
    assert refused(below, DesignError) == (
        "At the first stage no stratum has two units that stand for others, so there is nothing to replicate. "
        "bootstrap='Preston' replicates every stage that has population sizes."
    )


def test_canty_davison_around_the_estimate_needs_whole_multiples():
    poll = stated(sample(18, [3, 3]), fpc="N")
    assert refused(poll, UnsupportedOption, "bootstrap", 9, 1, mse=True, bootstrap="Canty-Davison") == (
        "bootstrap='Canty-Davison' with mse=True needs population sizes that are multiples of the sample sizes; the "
        "replicates are not centred on the estimate otherwise. Leave mse=False, or use bootstrap='Preston'."
    )


def test_the_order_of_sampling():
    frame = sample(19, [3, 3])
    assert refused(stated(frame), UnknownNameError, "SDR", order="plac") == ("No column 'plac'. Did you mean 'place'?")
    missing = frame.assign(place=frame["place"].astype(float).mask(frame["psu"] == 2))
    assert refused(stated(missing), DesignError, "SDR", order="place") == (
        "order='place' is missing in row 7. Each unit has one place in the order."
    )
    assert refused(stated(frame), DesignError, "SDR", order="home") == (
        "order='home' differs within a sampling unit in row 2. Each unit has one place in the order."
    )
    assert refused(stated(frame), DesignError, "SDR", order="h") == (
        "order='h' puts several units of a stratum at one place (rows 1, 4, 7, 10 and 2 more). Break the ties."
    )
    many = sk.from_frame(pd.DataFrame({"x": np.arange(600.0)}))
    assert refused(many, ArgumentError, "SDR") == (
        'method="SDR" needs replicates for 600 units, such as 80 (the American Community Survey) or 160 (the Current '
        "Population Survey); 608 would give each unit rows of its own."
    )


def test_weighting_comes_after_replication():
    poll = stated(sample(20, [3, 3]))
    raked = poll.rake({"g": {"a": 0.4, "b": 0.6}})
    assert refused(raked, DesignError) == (
        "The survey was weighted already. Build the replicate weights first and weight then, poll.replicate(...).rake(...), "
        "so that the weighting is repeated in every replicate."
    )
    given_already = (
        "The survey has replicate weights already. State its design anew, with_design(...), to build others."
    )
    assert refused(poll.replicate("JKn").rake({"g": {"a": 0.4, "b": 0.6}}), DesignError) == given_already
    assert poll.replicate("JKn").replicate("SDR").design.replicates.method == "SDR"


def test_more_replicates_than_memory_holds():
    poll = sk.from_frame(pd.DataFrame({"x": np.arange(30_000.0)}))
    assert refused(poll, UnsupportedOption, "JK1") == (
        'JK1 would need 30,000 replicates of 30,000 units, 7 GB. Use fewer replicates with method="bootstrap", or the '
        "linearised variance."
    )


def test_pps_and_two_phases_have_no_replicates():
    frame = sample(21, [6]).assign(p=lambda f: 0.2 + 0.1 * (f["psu"] % 3))
    poll = sk.from_frame(frame).with_design(psu="psu", fpc="p", pps="brewer")
    assert refused(poll, UnsupportedOption).startswith("Replicate weights for a design with unequal probabilities")


def test_half_samples_and_successive_differences_of_any_size_are_refused_before_they_are_made():
    strata = np.repeat(np.arange(20_000), 2)
    poll = sk.from_frame(pd.DataFrame({"h": strata})).with_design(strata="h")
    wanted = 'Use fewer replicates with method="bootstrap", or the linearised variance.'
    tracemalloc.start()
    try:
        assert refused(poll, UnsupportedOption, "BRR") == (
            f"BRR would need 20,012 replicates of 40,000 units, 6 GB. {wanted}"
        )
        assert refused(poll, UnsupportedOption, "BRR", replicates=24_000) == (
            f"BRR would need a Hadamard matrix of order 24,000, beyond what is made here. {wanted}"
        )
        few = stated(sample(22, [2, 3]))
        assert refused(few, UnsupportedOption, "SDR", replicates=24_000) == (
            f"SDR would need a Hadamard matrix of order 24,000, beyond what is made here. {wanted}"
        )
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 200_000_000


def test_many_strata_of_two_fit_in_memory():
    """1,000 strata: the factors are 16 MB, the rows of the matrix 1 MB, and nothing of order squared times eight."""
    frame = pd.DataFrame({"h": np.repeat(np.arange(1000), 2), "x": np.arange(2000) % 7.0})
    poll = sk.from_frame(frame).with_design(strata="h")
    tracemalloc.start()
    try:
        made = poll.replicate("BRR")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * made.design.replicates.matrix.nbytes
    np.testing.assert_allclose(sk.total(made, "x").se, sk.total(poll, "x").se, rtol=1e-9)


def test_weights_of_some_rows_in_blocks_and_one_by_one():
    poll = stated(sample(23, [2, 3, 4]))
    columns = pd.DataFrame(poll.replicate("JKn").bound.replicates.weights).add_prefix("r")
    designs = [
        poll.replicate("JKn"),
        sk.from_frame(pd.concat([poll.codes, columns], axis=1)).with_replicates(
            "r[0-9]+", "other", "w", None, 1.0, 1.0
        ),
        poll.replicate("JKn").rake({"g": {"a": 0.4, "b": 0.6}}),
    ]
    rows = np.array([5, 1, 1, 20])
    for design in designs:
        held = design.bound.replicates
        kept = held.weights.copy()
        np.testing.assert_array_equal(np.hstack(list(held.blocks_of(rows))), kept[rows])
        for r, weight in enumerate(held.each_of(rows)):
            np.testing.assert_array_equal(weight, kept[rows, r])
            weight[:] = 0.0
        np.testing.assert_array_equal(held.weights, kept, "what is handed out is nobody else's")


@settings(deadline=None, max_examples=30)
@given(SEEDS, UNITS, st.booleans())
def test_degrees_of_freedom_by_group_are_those_of_each_group(seed, units, replicated):
    poll = stated(sample(seed, units), lonely_psu="certainty")
    bound = (poll.replicate("JKn") if replicated else poll).bound
    group = np.random.default_rng(seed).integers(-1, 3, len(poll.codes))
    by_group = bound.degrees_by_group(group, 3)
    np.testing.assert_array_equal(by_group, [bound.degrees_of_freedom(group == g) for g in range(3)])
    whole = np.zeros(len(group), dtype=np.int64)
    assert bound.degrees_by_group(whole, 1).tolist() == [bound.degrees_of_freedom()]
    counted = poll.codes[group == 1]
    assert by_group[1] == counted["psu"].nunique() - counted["h"].nunique()


@settings(deadline=None, max_examples=30)
@given(SEEDS, UNITS)
def test_a_stage_knows_its_sampling_fraction(seed, units):
    poll = stated(sample(seed, units), psu=("psu", "home"), fpc=("N", "M"))
    first, second = (stage.scheme for stage in poll.bound.stages)
    np.testing.assert_allclose(first.fraction, [n / (2 * n + 1) for n in units])
    np.testing.assert_allclose(second.fraction, 0.5)
    none = stated(sample(seed, units)).bound.stages[0].scheme
    assert not none.fraction.any()
