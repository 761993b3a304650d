"""A survey under another design: what is said of the new one, and that nothing of the old one stays."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit import estimation
from survey_kit.design import verbs
from survey_kit.errors import ArgumentError, DesignError
from survey_kit.weighting.design_effect import design_effect

N = 48
ROWS = np.arange(N)
FRAME = pd.DataFrame(
    {
        "y": (ROWS * 7) % 11 + 1.0,
        "g": np.where(ROWS % 3, "a", "b"),
        "h": ROWS // 8,
        "area": ROWS // 4,
        "w": 2.0 + ROWS % 5,
        "N": 9,
        "asked": (ROWS % 4 < 2).astype(int),
        "heavy": np.where(ROWS == 5, 900.0, 1.0),
        **{f"r{r}": (2.0 + ROWS % 5) * np.where(r == ROWS // 4, 0, 12 / 11) for r in range(12)},
    }
)


def _poll() -> sk.Survey:
    return sk.from_frame(FRAME)


def _kinds(poll: sk.Survey) -> list[str]:
    return [n.kind for n in poll.notices]


# --- what is said -----------------------------------------------------------------------------------------------------


def test_a_design_keeps_what_its_replicate_weights_leave_out():
    made = _poll().with_design("w", "h", "area", fpc="N").replicate("BRR")
    (notice,) = made.design.notices
    assert "the population sizes (fpc) are left out, so standard errors are too large" in notice.text
    assert notice in made.notices
    assert made.where("g == 'a'").design.notices == (notice,)
    raked = made.rake({"g": {"a": 0.6, "b": 0.4}})
    assert raked.design.notices == (notice,) and raked.notices.count(notice) == 1, "raking takes nothing back"


def test_a_design_keeps_constants_that_were_guessed():
    poll = _poll().with_replicates("r[0-9]+", "JK1", weight="w")
    assert [n.text for n in poll.design.notices] == [
        'method="JK1" without scale: 0.916667 was taken, (n - 1)/n for 12 units that are left out in turn.'
    ]
    assert poll.design.notices == poll.notices
    assert _poll().with_replicates("r[0-9]+", "JK1", weight="w", scale=11 / 12).design.notices == ()


def test_a_design_knows_that_strata_of_its_first_phase_save_nothing():
    poll = _poll().with_design(strata="h").with_second_phase("asked", strata="h")
    assert [n.kind for n in poll.design.notices] == ["two_phase"] and poll.notices == poll.design.notices
    assert poll.design.notices[0].text.startswith(
        'The first phase has strata but no fpc: method="full" takes its units'
    )
    assert _poll().with_design(strata="h").with_second_phase("asked", strata="h", method="approx").design.notices == ()


def test_a_model_carries_what_its_design_says():
    made = _poll().with_design("w", "h", "area", fpc="N").replicate("BRR")
    fit = sk.glm(made, "y ~ g")
    assert made.design.notices[0] in fit.notices and made.design.notices[0] in fit.coef.notices


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({}, "9 Rao-Wu bootstrap replicate weights (seed 1)"),
        ({"bootstrap": "Canty-Davison"}, "9 Canty-Davison bootstrap replicate weights (seed 1)"),
        ({"bootstrap": "Preston"}, "9 Preston bootstrap replicate weights (seed 1)"),
    ],
)
def test_a_design_names_the_kind_of_its_bootstrap(how, text):
    made = _poll().with_design("w", "h", "area").replicate("bootstrap", 9, 1, **how)
    assert made.design.describe() == f"weighted by 'w', strata 'h', sampling units 'area', {text}"
    assert made.design.replicates.method == "bootstrap"
    raked = made.rake({"g": {"a": 0.6, "b": 0.4}})
    assert raked.design.describe().endswith(text)


def test_other_replicate_weights_are_named_by_their_method():
    assert _poll().with_design("w").replicate("JK1").design.describe().endswith(", 48 JK1 replicate weights")
    given = _poll().with_replicates("r[0-9]+", "bootstrap", weight="w").design
    assert given.describe() == "weighted by 'w', 12 bootstrap replicate weights"


# --- what goes --------------------------------------------------------------------------------------------------------


def test_notices_of_an_older_design_go():
    guessed = _poll().with_replicates("r[0-9]+", "JK1", weight="w")
    assert _kinds(guessed) == ["replicates"]
    assert _kinds(guessed.with_design("w", "h", "area", fpc="N")) == []
    brr = guessed.with_design("w", "h", "area", fpc="N").replicate("BRR")
    assert _kinds(brr) == ["replicates"] and brr.notices == brr.design.notices
    assert _kinds(_poll().with_design("heavy")) == ["extreme_weights"]
    assert _kinds(_poll().with_design("heavy").with_design("w")) == []


def test_the_weight_before_raking_says_nothing_after_it():
    raked = _poll().with_design("heavy").rake({"g": {"a": 0.6, "b": 0.4}}, upper=3)
    assert [n.text for n in raked.notices if n.kind == "extreme_weights"] == [
        n.text for n in raked.weights.notices if n.kind == "extreme_weights"
    ]


def test_other_notices_stay():
    poll = sk.from_frame(FRAME)
    told = poll.recode(more=sk.bands("y", [1, 5]), other=sk.mapping("g", {"a": 1}, other="missing")).notices
    assert poll.recode(more=sk.bands("y", [1, 5])).with_design("w").with_design("heavy").with_design().notices == ()
    again = poll.recode(more=sk.bands("y", [1, 5]), other=sk.mapping("g", {"a": 1}, other="missing")).with_design("w")
    assert again.notices == told


@pytest.mark.parametrize("frame", ["codes", "data"])
def test_a_design_that_was_lifted_leaves_no_mark(frame):
    designed = _poll().with_design("w", "h", "area")
    with pytest.raises(DesignError, match="5 of the 48 rows of a survey with a design .weighted by 'w', strata 'h'"):
        sk.from_frame(getattr(designed, frame).head(5))
    lifted = designed.with_design()
    assert len(sk.from_frame(getattr(lifted, frame).head(5))) == 5
    with pytest.raises(DesignError, match="A subset of rows is not a domain"):
        sk.from_frame(getattr(designed, frame).head(5))


@pytest.mark.parametrize("frame", ["codes", "data"])
def test_a_weighted_survey_is_marked_with_its_new_weight(frame):
    for poll in (_poll(), _poll().with_design("w", "h", "area")):
        raked = poll.rake({"g": {"a": 0.6, "b": 0.4}})
        with pytest.raises(
            DesignError, match=r"rows of a survey with a design \(weighted by 'weight', .*calibration in the"
        ):
            sk.from_frame(getattr(raked, frame).head(5))


# --- a second phase becomes the domain --------------------------------------------------------------------------------


def test_a_second_phase_within_a_domain():
    first = _poll().with_design(strata="h", fpc="N")
    plain = first.with_second_phase("asked")
    assert plain.condition == "asked == 1" and len(plain) == 24
    inside = first.where("g == 'a'").with_second_phase("asked")
    assert inside.condition == "(g == 'a') and (asked == 1)"
    assert len(inside) == int(((FRAME["g"] == "a") & (FRAME["asked"] == 1)).sum())
    np.testing.assert_allclose(sk.mean(inside, "y").se, sk.mean(plain, "y", where="g == 'a'").se)


# --- verbs of a survey, and values that are no values -----------------------------------------------------------------


def test_every_estimator_is_a_verb_of_the_survey():
    poll = _poll().with_design("w", "h", "area")
    for name in estimation.__all__:
        assert getattr(sk.Survey, name) is getattr(estimation, name)
    assert poll.sd("y").theta == sk.sd(poll, "y").theta
    assert poll.gini("y").se == sk.gini(poll, "y").se
    assert poll.covariance(["y", "w"]).theta.tolist() == sk.covariance(poll, ["y", "w"]).theta.tolist()
    assert poll.cdf("y", [4.0]).theta.tolist() == sk.cdf(poll, "y", [4.0]).theta.tolist()


def test_the_design_verbs_take_keywords_through():
    """Nothing is handed on by place where a new argument could shift it."""
    for given, made in (
        (verbs.with_replicates, verbs.with_given_replicates),
        (verbs.replicate, verbs.with_built_replicates),
    ):
        outer = set(inspect.signature(given).parameters) - {"survey", "weights"}
        inner = {n for n, p in inspect.signature(made).parameters.items() if p.kind is p.KEYWORD_ONLY}
        assert outer == inner


def test_flags_of_replicates_are_true_or_false():
    with pytest.raises(ArgumentError, match="mse='no' is not available. Say True or False."):
        _poll().with_design("w").replicate("JK1", mse="no")


# --- questions that are kept ------------------------------------------------------------------------------------------


def _held(poll: sk.Survey) -> list[tuple]:
    return [key[:2] for key in poll.blocks._kept]


def test_two_versions_of_a_column_do_not_drive_each_other_out():
    poll = sk.from_frame(FRAME)
    doubled = poll.with_column(FRAME["y"] * 2, poll["y"])
    assert (sk.mean(doubled, "y").theta == 2 * sk.mean(poll, "y").theta).all()
    before = dict(poll.blocks._kept)
    for _ in range(2):
        sk.mean(poll, "y")
        sk.mean(doubled, "y")
    assert len(before) == 2 and all(poll.blocks._kept[key] is kept for key, kept in before.items())


def test_many_questions_are_kept_without_ado():
    frame = pd.DataFrame(np.arange(4000.0).reshape(8, 500) % 7).add_prefix("q")
    poll = sk.from_frame(frame)
    sk.mean(poll, list(frame))
    kept = dict(poll.blocks._kept)
    sk.mean(poll, list(frame))
    assert len(kept) == 500 and all(poll.blocks._kept[key] is block for key, block in kept.items())


def test_a_column_that_is_changed_in_place_is_encoded_anew():
    poll = sk.from_frame(FRAME)
    before = sk.mean(poll, "y").theta[0]
    poll.codes.loc[0, "y"] = 1000.0
    assert sk.mean(poll, "y").theta[0] == pytest.approx(before + (1000 - FRAME["y"][0]) / N)
    poll.codes.loc[0, "y"] = FRAME["y"][0]
    assert sk.mean(poll, "y").theta[0] == pytest.approx(before)


def test_another_meaning_is_another_block():
    poll = sk.from_frame(FRAME.assign(code=ROWS % 3))
    sk.mean(poll, "code")
    fewer = poll.declare_missing("code", [2])
    assert sk.mean(fewer, "code").theta[0] == pytest.approx(0.5)
    assert sk.mean(poll, "code").theta[0] == pytest.approx(1.0)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_of_a_survey_starts_with_no_blocks(again):
    poll = sk.from_frame(FRAME)
    sk.mean(poll, "y", by="g")
    twin = again(poll)
    assert len(poll.blocks._kept) == 2 and len(twin.blocks._kept) == 0
    assert sk.mean(twin, "y").theta == sk.mean(poll, "y").theta


def test_the_design_effect_of_a_survey_is_that_of_its_weights():
    poll = _poll().with_design("w")
    with pytest.raises(ArgumentError) as caught:
        design_effect(poll)
    assert str(caught.value) == "weights is a survey. Give its weights: design_effect(poll.weight)."
    assert design_effect(poll.weight).deff == design_effect(FRAME["w"]).deff
    for wrong in (FRAME[["w", "N"]], 3.0):
        with pytest.raises(
            ArgumentError, match=r"weights is not one column. Give one weight for each row, shape \(n,\)"
        ):
            design_effect(wrong)
