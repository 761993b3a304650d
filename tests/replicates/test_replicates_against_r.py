"""Replicate weights against R survey 4.1-1 on a sample made by formula (tests/reference/replicates.R)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk

FILE = Path(__file__).resolve().parents[1] / "reference" / "replicates.json"
R = json.loads(FILE.read_text(encoding="utf-8"))
SAMPLE = pd.DataFrame(R["sample"])
FACTORS = np.array(R["factors"])
NAMES = [f"r{i + 1}" for i in range(FACTORS.shape[1])]
RSCALES = R["rscales"]
TARGETS = {
    "sex": {"male": 480, "female": 520},
    "region": {"north": 250, "south": 400, "west": 350},
}
GIVEN = {
    "JK1": {"method": "JK1"},
    "JK1_scale": {"method": "JK1", "scale": 0.9, "mse": True},
    "JK1_factors": {"method": "JK1", "combined": False},
    "JKn": {"method": "JKn", "rscales": RSCALES},
    "JKn_factors": {"method": "JKn", "combined": False},
    "JK2": {"method": "JK2"},
    "BRR": {"method": "BRR"},
    "BRR_factors": {"method": "BRR", "combined": False, "mse": True},
    "Fay": {"method": "Fay", "rho": 0.4},
    "bootstrap": {"method": "bootstrap"},
    "bootstrap_scale": {"method": "bootstrap", "scale": 0.2, "rscales": RSCALES},
    "SDR": {"method": "SDR"},
    "ACS": {"method": "ACS"},
    "other": {"method": "other", "scale": 0.3, "rscales": RSCALES},
}
DESIGNS = {
    "clustered": {"weight": "w", "strata": "stratum", "psu": "area"},
    "with_fpc": {"weight": "w", "strata": "stratum", "psu": "area", "fpc": "areas"},
    "uneven": {"weight": "w", "strata": "block", "psu": "trio", "fpc": "trios"},
    "whole": {"weight": "w", "psu": "area"},
}
BUILT = {
    "JKn": ("clustered", {"method": "JKn"}),
    "JKn_fpc": ("with_fpc", {"method": "JKn"}),
    "JKn_uneven": ("uneven", {"method": "JKn"}),
    "JK1": ("whole", {"method": "JK1"}),
    "BRR": ("clustered", {"method": "BRR"}),
    "Fay": ("clustered", {"method": "Fay", "rho": 0.3}),
}


def given(combined: bool = True, **options) -> sk.Survey:
    matrix = FACTORS * SAMPLE["w"].to_numpy()[:, None] if combined else FACTORS
    frame = pd.concat([SAMPLE, pd.DataFrame(matrix, columns=NAMES)], axis=1)
    return sk.from_frame(frame).with_replicates("r[0-9]+", weight="w", combined=combined, **options)


def built(name: str) -> sk.Survey:
    design, options = BUILT[name]
    return sk.from_frame(SAMPLE).with_design(**DESIGNS[design]).replicate(**options)


def same(estimates, expected, df: bool = True):
    np.testing.assert_allclose(estimates.theta, np.atleast_1d(expected["estimate"]), rtol=1e-10)
    np.testing.assert_allclose(estimates.se, np.atleast_1d(expected["se"]), rtol=1e-9, atol=1e-12)
    if df:
        assert estimates.df == expected["df"]


def same_everywhere(poll: sk.Survey, expected: dict, df: bool, domain_df: bool, linear: bool = False):
    same(sk.total(poll, "income"), expected["total"], df)
    if linear:  # R has another Hadamard matrix, which ratios see
        return
    same(sk.mean(poll, "hours"), expected["mean"], df)
    same(sk.proportion(poll, "answer"), expected["share"], df)
    same(sk.ratio(poll, "income", "area"), expected["ratio"], df)
    same(sk.mean(poll, "income", by="region"), expected["by"], df)
    same(sk.mean(poll, "income", where="sex == 'male' and area < 7"), expected["domain"], domain_df)
    same(sk.mean(poll.where("sex == 'male' and area < 7"), "income"), expected["domain"], domain_df)


@pytest.mark.parametrize("name", GIVEN)
def test_given_replicate_weights(name):
    poll, expected = given(**GIVEN[name]), R["given"][name]
    same_everywhere(poll, expected, df=True, domain_df=True)
    bound = poll.bound.replicates
    np.testing.assert_allclose(bound.scale, expected["scale"], rtol=1e-14)
    np.testing.assert_allclose(bound.rscales, expected["rscales"], rtol=1e-14)


def test_every_method_is_covered():
    from survey_kit.design.given_replicates import METHODS

    assert {options["method"] for options in GIVEN.values()} == set(METHODS)


@pytest.mark.parametrize("name", BUILT)
def test_built_replicate_weights(name):
    """Degrees of freedom are sampling units minus strata, as for linearisation. R takes the rank of the rows, which is
    another number in domains, and where a stratum that was taken as a whole ("uneven") has no replicates."""
    poll, expected = built(name), R["built"][name]
    same_everywhere(poll, expected, df=name != "JKn_uneven", domain_df=False, linear=name in ("BRR", "Fay"))
    linear = sk.from_frame(SAMPLE).with_design(**DESIGNS[BUILT[name][0]])
    inside = (SAMPLE["region"] == "north").to_numpy() & (SAMPLE["area"] < 7).to_numpy()
    for domain in (None, inside):
        assert poll.bound.degrees_of_freedom(domain) == linear.bound.degrees_of_freedom(domain)
    np.testing.assert_allclose(poll.bound.replicates.scale, expected["scale"], rtol=1e-14)
    rscales = poll.bound.replicates.rscales
    np.testing.assert_allclose(np.sort(rscales), np.sort(expected["rscales"]), rtol=1e-14)


def test_scales_of_the_bootstraps():
    poll = sk.from_frame(SAMPLE).with_design(**DESIGNS["uneven"])
    for kind, scale in (("Rao-Wu", "rao_wu"), ("Canty-Davison", "canty_davison"), ("Preston", "preston")):
        made = poll.replicate("bootstrap", replicates=30, seed=1, bootstrap=kind).bound.replicates
        np.testing.assert_allclose(made.scale * made.rscales[0], R["scales"][scale], rtol=1e-14)


@pytest.mark.parametrize("name", ["combined", "factors", "JKn", "JKn_fpc", "JK1"])
def test_raking_is_repeated_in_every_replicate(name):
    """A replicate weight of zero stays zero. Degrees of freedom stay those of the design where weights were built."""
    if name in BUILT:
        poll = built(name)
    else:
        poll = given(name == "combined", method="bootstrap")
    before = poll.bound.replicates.weights
    raked, expected = poll.rake(TARGETS), R["raked"][name]
    same(sk.mean(raked, "income"), expected["mean"], df=name not in BUILT)
    same(sk.proportion(raked, "answer"), expected["share"], df=name not in BUILT)
    after = raked.bound.replicates.weights
    assert (before == 0).any() and ((before == 0) == (after == 0)).all()
    for r in range(after.shape[1]):
        reached = pd.Series(after[:, r]).groupby(SAMPLE["sex"]).sum()
        np.testing.assert_allclose(reached[["male", "female"]], [480, 520], rtol=1e-8)
    if name in BUILT:
        assert raked.bound.degrees_of_freedom() == poll.bound.degrees_of_freedom()
