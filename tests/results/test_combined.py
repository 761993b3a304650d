"""Results put together: only of one design, with the errors that each has alone; nets of many answers."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import UnsupportedOption
from survey_kit.results.combine import stacked, with_nets

RNG = np.random.default_rng(11)
N = 240
FRAME = pd.DataFrame(
    {
        "x": RNG.normal(20, 5, N),
        "y": RNG.normal(3, 1, N),
        "sex": RNG.choice(["f", "m"], N),
        "vote": RNG.choice(["red", "green", "none"], N),
        "w": RNG.uniform(0.5, 2, N),
        "w2": RNG.uniform(0.5, 2, N),
        "one": np.arange(N) % 4,
        "two": np.arange(N) // 60,
        "area": np.arange(N) // 4,
        "area2": np.arange(N) // 4 * 4 % 239,
    }
)
DESIGN = {"weight": "w", "strata": "two", "psu": "area"}
ONE_DESIGN = "Only results of one design can be put together. Estimate them in one call."


def _poll(**design) -> sk.Survey:
    return sk.from_frame(FRAME).with_design(**{**DESIGN, **design})


def _raked(poll: sk.Survey, share: float = 0.5) -> sk.Survey:
    return poll.rake({"sex": {"f": share, "m": 1 - share}})


def _refused(*results) -> str:
    with pytest.raises(UnsupportedOption) as caught:
        stacked(results)
    return str(caught.value)


def test_results_before_and_after_raking_are_of_different_designs():
    plain, raked = sk.mean(_poll(), "x"), sk.mean(_raked(_poll()), "x")
    assert _refused(plain, raked) == ONE_DESIGN
    assert _refused(raked, plain) == ONE_DESIGN
    assert _refused(raked, sk.mean(_raked(_poll(), 0.4), "x")) == ONE_DESIGN


def test_other_strata_units_or_weights_with_as_many_degrees_of_freedom_are_refused():
    plain = _poll(psu=None)
    for other in (_poll(psu=None, strata="one"), _poll(psu=None, weight="w2")):
        one, two = sk.mean(plain, "x"), sk.mean(other, "x")
        assert one.df == two.df
        assert _refused(one, two) == ONE_DESIGN


def test_taylor_and_replicates_and_other_replicates_are_refused():
    poll = _poll()
    jackknife, bootstrap = poll.replicate("JKn"), poll.replicate("bootstrap", replicates=60, seed=1)
    other = poll.replicate("bootstrap", replicates=60, seed=2)
    results = [sk.mean(p, "x") for p in (poll, jackknife, bootstrap, other)]
    for i, one in enumerate(results):
        for two in results[:i]:
            assert _refused(one, two) == ONE_DESIGN


@pytest.mark.parametrize("kind", ["taylor", "raked", "replicates"])
def test_a_domain_is_of_the_same_survey(kind):
    poll = {"taylor": _poll, "raked": lambda: _raked(_poll()), "replicates": lambda: _poll().replicate("JKn")}[kind]()
    women = poll.where("sex == 'f'")
    results = [sk.mean(poll, "x", df=50), sk.mean(women, "x", df=50), sk.mean(women, "y", df=50)]
    both = stacked(results)
    np.testing.assert_allclose(both.se, [r.se[0] for r in results], rtol=1e-12)
    wanted = sk.mean(poll, ["x", "y"], where="sex == 'f'").vcov()
    np.testing.assert_allclose(both.vcov().iloc[1:, 1:], wanted, rtol=1e-10)


def test_a_survey_that_is_stated_twice_is_one_survey_and_new_columns_do_not_change_it():
    again = _poll().recode(x2=sk.bands("x", [15, 25]))
    both = stacked([sk.mean(_poll(), "x"), sk.proportion(again, "x2")])
    assert len(both) == 1 + len(sk.proportion(again, "x2"))


def test_what_was_made_of_results_remembers_its_design():
    poll = _poll()
    lead = sk.proportion(poll, "vote").contrast({"lead": "red - green", "odds": "red / green"})
    both = stacked([lead, sk.mean(poll, "x")])
    np.testing.assert_allclose(both.se[:2], lead.se, rtol=1e-12)
    assert _refused(lead, sk.mean(_raked(poll), "x")) == ONE_DESIGN
    fit = sk.glm(poll, "x ~ y")
    assert len(stacked([fit.coef, fit.coef.contrast([0, 1])])) == 3


def test_other_degrees_of_freedom_are_named():
    poll = _poll()
    assert _refused(sk.mean(poll, "x"), sk.mean(poll, "x", df=30)) == (
        "The results have different degrees of freedom (30, 56). Estimate them in one call, or with one df=."
    )


def test_the_bound_design_is_not_printed_with_the_carrier():
    for poll in (_poll(), _poll().replicate("JKn")):
        made = sk.mean(poll, "x")
        assert made.carrier.bound is poll.bound and "BoundDesign" not in repr(made.carrier)
        assert made.carrier.map(np.ones((1, 1))).bound is poll.bound


def test_degrees_of_freedom_by_group_are_stacked():
    made = sk.mean(_poll(), "x", by="sex")
    both = stacked([replace(made, dfs=np.array([3.0, 7.0])), made])
    assert both.frame()["df"].tolist() == [3.0, 7.0, 56.0, 56.0]


def test_nets_of_many_answers_stay_sparse():
    codes = pd.DataFrame({"q": [f"answer {i}" for i in range(3000)]})
    counts = sk.count(sk.from_frame(codes), "q")
    answers = counts.keys["answer"].tolist()
    tracemalloc.start()
    made = with_nets(counts, {"half": answers[:1500]})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(made) == 3001 and made.theta[-1] == 1500
    assert made.se[-1] == pytest.approx(np.sqrt(3000**2 * 0.25 / 2999))
    assert peak < 3000**2  # a dense matrix of the answers takes eight times as much


def test_nets_leave_notices_on_design_effects_behind_and_keep_degrees_of_freedom():
    scaled = FRAME.assign(w=FRAME["w"] / FRAME["w"].mean())
    shares = sk.proportion(sk.from_frame(scaled).with_design(weight="w"), "vote", deff=True)
    assert [n.kind for n in shares.notices] == ["deff"]
    made = with_nets(replace(shares, dfs=np.array([3.0, 4.0, 5.0])), {"coloured": ["green", "red"]})
    assert made.notices == () and made.deff is None
    assert made.dfs.tolist() == [3.0, 4.0, 5.0, 3.0]
