"""Schemes against their definition with n x n matrices, and the identities between designs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.design.pps import PPS
from survey_kit.kernels import variance as variance_kernel
from survey_kit.kernels.lonely import domain_deviations, factor_under
from survey_kit.kernels.pps import hartley_rao, joint, overton
from survey_kit.kernels.two_phase import DrawnStage, two_phase_scheme
from survey_kit.kernels.variance import LonelyRule, Squares, StageScheme, UnitSums, unit_sums

seeds = st.integers(0, 10_000)


def _sums(rng, units, k=3, sparse=False):
    z = rng.normal(size=(units, k)) * (rng.random((units, k)) < 0.7)
    cells = sp.csr_array(
        sp.coo_array((rng.random(units), (np.arange(units), rng.integers(0, 2, units))), shape=(units, 2))
    )
    taken = rng.normal(size=(2, k)) / 3
    return UnitSums(sp.csr_array(z) if sparse else z, ((cells, taken),)), z - cells @ taken


def _quadratic(z, d, yates_grundy=False):
    return z.T @ d @ z - (np.einsum("i,ij,ik->jk", d.sum(axis=1), z, z) if yates_grundy else 0)


def _check(scheme, sums, expected):
    np.testing.assert_allclose(scheme.covariance(sums), expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(scheme.covariance(sums, diagonal=True), np.diag(expected), rtol=1e-9, atol=1e-10)
    lines = np.array([[1.0, -1, 0], [0.5, 0.5, 0.5]])
    np.testing.assert_allclose(scheme.covariance(sums.map(lines)), lines @ expected @ lines.T, rtol=1e-9, atol=1e-10)


@given(seeds, st.booleans(), st.booleans())
def test_approximations_without_a_matrix(seed, yates_grundy, sparse):
    rng = np.random.default_rng(seed)
    units = int(rng.integers(2, 15))
    p, stratum = rng.uniform(0.05, 1, units), np.unique(rng.integers(0, 3, units), return_inverse=True)[1]
    size = np.bincount(stratum)[stratum][:, None]
    squares = rng.uniform(0.1, 0.5, stratum.max() + 1)
    sums, z = _sums(rng, units, sparse=sparse)
    same = stratum[:, None] == stratum
    with np.errstate(divide="ignore", invalid="ignore"):
        one = np.where(same, 1 - (size - (p[:, None] + p) / 2) / (size - 1), 0)
        other = np.where(same, 1 - (size - (p[:, None] + p) + squares[stratum][:, None]) / (size - 1), 0)
    for scheme, d in (
        (overton(p, stratum, yates_grundy), one),
        (hartley_rao(p, stratum, squares, yates_grundy), other),
    ):
        np.fill_diagonal(d, 1 - p)
        _check(scheme, sums, _quadratic(z, d, yates_grundy))


def _drawn(rng, units, depth, p=None):
    """Random nested stages, and the product of their A."""
    above_unit, above, product, out = np.zeros(units, dtype=np.int64), np.ones(units), np.ones((units, units)), []
    for level in range(depth):
        stratum = np.unique(above_unit * 10 + rng.integers(0, 2, units), return_inverse=True)[1]
        own = np.arange(units) if level == depth - 1 else rng.integers(0, 3, units)
        unit = np.unique(stratum * 1000 + own, return_inverse=True)[1]
        n = pd.Series(unit).groupby(stratum).transform("nunique").to_numpy() + rng.integers(0, 2, 1)
        chance = rng.uniform(0.1, 1, stratum.max() + 1)[stratum]
        spread = np.where(n > 1, (1 - chance) / np.maximum(n - 1, 1), 0)
        a = np.where(stratum[:, None] == stratum, 1 + spread[:, None], 1.0)
        product = product * np.where(unit[:, None] == unit, chance[:, None], a)
        out.append(DrawnStage(stratum, unit, chance, spread, above))
        above, above_unit = above * chance, unit
    return out, product


@given(seeds, st.integers(1, 3), st.integers(1, 2))
def test_two_phases_without_a_matrix(seed, first, second):
    rng = np.random.default_rng(seed)
    units = int(rng.integers(2, 20))
    (one, a), (two, b) = _drawn(rng, units, first), _drawn(rng, units, second)
    sums, z = _sums(rng, units)
    _check(two_phase_scheme(one, two, units), sums, _quadratic(z, 1 - a * b))


@given(seeds)
def test_joint_probabilities_of_simple_sampling_are_simple_sampling(seed):
    rng = np.random.default_rng(seed)
    n, population = int(rng.integers(2, 12)), int(rng.integers(12, 60))
    pairs = np.full((n, n), n * (n - 1) / (population * (population - 1)))
    np.fill_diagonal(pairs, n / population)
    sums, _ = _sums(rng, n)
    simple = StageScheme(
        np.zeros(n, dtype=np.int64),
        np.array([(1 - n / population) * n / (n - 1)]),
        np.array([True]),
        np.zeros(1, dtype=np.int64),
    )
    for yates_grundy in (False, True):
        np.testing.assert_allclose(
            joint(pairs, 0.0, yates_grundy).covariance(sums), simple.covariance(sums), rtol=1e-8, atol=1e-9
        )


def _thinned(z, stratum, sizes, factor, alone, here, rule, domains):
    """One estimate's variance in a domain, stratum by stratum, as R's onestrat."""
    strata = [h for h in range(len(sizes)) if here[stratum == h].any()]
    lonely = [h for h in strata if alone[h] or (domains and sizes[h] > 1 and here[stratum == h].sum() == 1)]
    common = z.sum() / sum(sizes[h] for h in strata)
    if rule == "average" and lonely and len(lonely) == len(strata):
        return np.nan
    total = 0.0
    for h in strata:
        if h in lonely and rule == "average":
            continue
        units = z[stratum == h]
        total += factor[h] * ((units - (common if h in lonely else units.mean())) ** 2).sum()
    return total * (len(strata) / (len(strata) - len(lonely)) if rule == "average" else 1)


@given(seeds, st.sampled_from(["adjust", "average"]), st.booleans(), st.booleans())
def test_lonely_strata_of_each_domain(seed, rule, domains, sparse):
    rng = np.random.default_rng(seed)
    units = int(rng.integers(3, 14))
    stratum = np.sort(np.unique(rng.integers(0, 4, units), return_inverse=True)[1])
    sizes = np.bincount(stratum)
    alone, factor = sizes == 1, rng.uniform(0.5, 1, len(sizes)) * sizes / np.maximum(sizes - 1, 1)
    here = rng.random((units, 2)) < 0.6
    here[0] = True
    domain = np.array([0, 0, 1])
    z = rng.normal(size=(units, 3)) * here[:, domain]
    parent = np.zeros(len(sizes), dtype=np.int64)
    scheme = StageScheme(
        stratum,
        factor_under(rule, factor, alone, parent),
        ~(alone & (rule == "adjust")),
        parent,
        lonely=LonelyRule(rule, alone, factor, domains),
    )
    sums = UnitSums(sp.csr_array(z) if sparse else z)
    found = domain_deviations(sums, scheme, sp.csr_array(here.astype(float)), domain)
    expected = [_thinned(z[:, k], stratum, sizes, factor, alone, here[:, domain[k]], rule, domains) for k in range(3)]
    variance = Squares(units).covariance(found, diagonal=True)
    np.testing.assert_allclose(variance, expected, rtol=1e-9, atol=1e-12)
    if np.isfinite(variance).all():
        full, lines = Squares(units).covariance(found), np.array([[1.0, -1, 0], [1, 1, 1]])
        assert np.linalg.eigvalsh(full).min() > -1e-9
        np.testing.assert_allclose(Squares(units).covariance(found.map(lines)), lines @ full @ lines.T, atol=1e-9)


@given(seeds, st.booleans())
def test_a_domain_that_reaches_every_unit_is_the_whole_sample(seed, calibrated):
    rng = np.random.default_rng(seed)
    stratum = np.array([0, 0, 0, 1, 2, 2])
    alone, factor = np.array([False, True, False]), np.array([1.4, 0.8, 1.9])
    for rule in ("adjust", "average"):
        parent = np.zeros(3, dtype=np.int64)
        centre = ~(alone & (rule == "adjust"))
        scheme = StageScheme(stratum, factor_under(rule, factor, alone, parent), centre, parent, rng.uniform(0.1, 1, 6))
        ruled = StageScheme(
            stratum, scheme.factor, centre, parent, scheme.scale, LonelyRule(rule, alone, factor, domains=True)
        )
        sums, _ = _sums(rng, 6, sparse=calibrated)
        found = domain_deviations(sums, ruled, sp.csr_array(np.ones((6, 1))), np.zeros(3, dtype=np.int64))
        np.testing.assert_allclose(Squares(6).covariance(found), scheme.covariance(sums), rtol=1e-9, atol=1e-12)


# --- identities between designs ---------------------------------------------------------------------------------------


def _people(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(50, 9, n).round(1),
            "answer": rng.choice(["a", "b", "c"], n),
            "group": rng.choice(["g", "h"], n),
            "stratum": np.sort(rng.integers(0, 3, n)),
            "seen": rng.integers(0, 2, n),
            "asked": (np.arange(n) % 3 < 2).astype(int),
            "p": rng.uniform(0.1, 0.9, n),
            "even": 60 / 400,
            "N": 400,
            "all": n,
            "same": 1,
        }
    )


def _everything(poll):
    parts = [sk.mean(poll, "y"), sk.total(poll, "y", by="group"), sk.proportion(poll, "answer", by="group")]
    return np.concatenate([np.concatenate([p.theta, p.se]) for p in parts])


@pytest.mark.parametrize("method", ["brewer", "overton", "hartley-rao"])
def test_equal_probabilities_are_simple_sampling(method):
    poll = sk.from_frame(_people(1))
    simple = _everything(poll.with_design(fpc="N"))
    np.testing.assert_allclose(_everything(poll.with_design(fpc="even", pps=method)), simple, rtol=1e-9)


@pytest.mark.parametrize("method", ["full", "approx"])
def test_a_second_phase_of_everybody_is_the_first(method):
    poll = sk.from_frame(_people(2))
    for design in ({"fpc": "N"}, {"strata": "stratum", "fpc": "N"}):
        first = poll.with_design(**design)
        np.testing.assert_allclose(
            _everything(first.with_second_phase("same == 1", strata="seen", method=method)),
            _everything(first),
            rtol=1e-9,
        )


@pytest.mark.parametrize("method", ["full", "approx"])
def test_a_second_phase_of_a_census_is_a_sample(method):
    frame = _people(3)
    frame["inside"] = frame.groupby("seen")["y"].transform("size")
    both = sk.from_frame(frame).with_design(fpc="all").with_second_phase("asked", strata="seen", method=method)
    kept = frame[frame["asked"] == 1].reset_index(drop=True)
    sample = sk.from_frame(kept).with_design(strata="seen", fpc="inside")
    np.testing.assert_allclose(_everything(both), _everything(sample), rtol=1e-9)


DESIGNS = {
    "overton": lambda poll: poll.with_design(fpc="p", strata="stratum", pps="overton"),
    "brewer": lambda poll: poll.with_design(fpc="p", strata="stratum", pps="brewer"),
    "yates_grundy": lambda poll: poll.with_design(fpc="p", pps=PPS("hartley-rao", variance="YG")),
    "full": lambda poll: poll.with_design(fpc="N").with_second_phase("asked", strata="seen"),
    "approx": lambda poll: poll.with_design(fpc="N").with_second_phase("asked", strata="seen", method="approx"),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_row_order_changes_nothing(name):
    frame = _people(4)
    shuffled = frame.sample(frac=1, random_state=5).reset_index(drop=True)
    one, other = (DESIGNS[name](sk.from_frame(f)) for f in (frame, shuffled))
    np.testing.assert_allclose(_everything(one), _everything(other), rtol=1e-9)


def test_joint_probabilities_follow_the_order_in_which_units_are_met():
    frame = _people(5, 12)
    frame["area"] = [9, 9, 2, 2, 2, 5, 5, 7, 7, 1, 1, 1]
    chance = pd.Series({9: 0.5, 2: 0.3, 5: 0.8, 7: 0.6, 1: 0.4})
    frame["p"] = frame["area"].map(chance)
    pairs = np.outer(chance, chance) * 0.9
    np.fill_diagonal(pairs, chance)
    se = sk.total(sk.from_frame(frame).with_design(psu="area", fpc="p", pps=PPS("joint", pairs)), "y").se
    z = (frame["y"] / frame["p"]).groupby(frame["area"]).sum()[chance.index].to_numpy()
    d = 1 - np.outer(chance, chance) / pairs
    np.testing.assert_allclose(se, np.sqrt(z @ d @ z), rtol=1e-9)


@pytest.mark.parametrize("name", DESIGNS)
def test_what_has_no_sampling_error_has_a_standard_error_of_zero(name):
    """Rounding must not become a negative variance, which would be a missing standard error."""
    poll = DESIGNS[name](sk.from_frame(_people(6).assign(one=0.3)))
    assert sk.mean(poll, "one", by="group").se.max() < 1e-12
    shares = sk.proportion(poll, "answer")
    assert shares.contrast(np.ones(3)).se[0] < 1e-12


@pytest.mark.parametrize("method", ["brewer", "overton", "poisson"])
def test_raking_is_in_the_variance_of_unequal_probabilities(method):
    poll = sk.from_frame(_people(7)).with_design(fpc="p", pps=method)
    raked = poll.rake({"group": {"g": 0.5, "h": 0.5}, "answer": {"a": 0.3, "b": 0.3, "c": 0.4}})
    assert sk.proportion(raked, "group").se.max() < 1e-10
    assert 0 < sk.mean(raked, "y").se[0] != sk.mean(poll, "y").se[0]


def test_a_negative_variance_is_a_missing_standard_error_and_stays_in_the_covariance():
    frame = pd.DataFrame({"y": [1.0, 1.0], "p": [0.5, 0.5]})
    pairs = np.array([[0.5, 0.1], [0.1, 0.5]])
    estimate = sk.total(sk.from_frame(frame).with_design(fpc="p", pps=PPS("joint", pairs)), "y")
    assert np.isnan(estimate.se[0])
    assert estimate.vcov().iloc[0, 0] < 0
    assert np.isnan(estimate.frame()["ci_low"][0])
    apart = sk.total(sk.from_frame(frame).with_design(fpc="p", pps=PPS("joint", pairs, variance="YG")), "y")
    assert apart.se[0] == 0


@given(seed=seeds, adjust=st.booleans())
def test_sums_that_are_mostly_zero_have_the_variances_of_the_same_sums_written_out(seed, adjust):
    rng = np.random.default_rng(seed)
    units, k, strata = 40, 5, 4
    stratum = np.sort(rng.integers(0, strata, units))
    z = rng.normal(1, 1, size=(units, k)) * (rng.random((units, k)) < 0.2)
    z[:, 0] = 3.0  # every unit alike: no variance but between strata that are centred together
    centre = ~(np.arange(strata) == 0) if adjust else np.ones(strata, dtype=bool)
    scheme = StageScheme(stratum, rng.uniform(0.5, 2, strata), centre, np.zeros(strata, dtype=np.int64))
    written, held = UnitSums(z), UnitSums(sp.csr_array(z))
    dense = scheme.covariance(written, diagonal=True)
    np.testing.assert_allclose(scheme.covariance(held, diagonal=True), dense, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.diag(scheme.covariance(held)), dense, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("adjust", [False, True])
@pytest.mark.parametrize("held", [0, 10**9])
def test_products_that_are_not_held_have_the_same_covariances(monkeypatch, adjust, held):
    """Many estimates of many units: the product by the jacobian is made in blocks, and covariances without its zeros."""
    monkeypatch.setattr(variance_kernel, "_HELD", held)
    monkeypatch.setattr(variance_kernel, "_MANY", 1)
    monkeypatch.setattr(variance_kernel, "_BLOCK", 50)
    rng = np.random.default_rng(4)
    units, j, k, strata = 60, 30, 25, 3
    stratum = np.sort(rng.integers(0, strata, units))
    direct = rng.normal(1, 1, (units, j)) * (np.arange(j) % 20 == np.arange(units)[:, None] % 20)
    jacobian = rng.normal(0, 1, (k, j)) * (rng.random((k, j)) < 0.1)
    centre = np.array([not adjust, True, True])
    scheme = StageScheme(stratum, rng.uniform(0.5, 2, strata), centre, np.zeros(strata, dtype=np.int64))
    expected = scheme.covariance(UnitSums(direct @ jacobian.T))
    sums = unit_sums(sp.csr_array(direct), sp.csr_array(jacobian))
    assert (sums.jacobian is None) == bool(held)
    np.testing.assert_allclose(scheme.covariance(sums), expected, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(scheme.covariance(sums, diagonal=True), np.diag(expected), rtol=1e-9, atol=1e-10)
    lines = rng.normal(size=(4, k))
    np.testing.assert_allclose(scheme.covariance(sums.map(lines)), lines @ expected @ lines.T, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(sums.product.toarray(), direct @ jacobian.T, rtol=1e-12, atol=1e-12)
