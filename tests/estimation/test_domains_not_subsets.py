"""A subset of rows is not a domain: the classic mistake, shown and refused."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import DesignError


def _poll() -> sk.Survey:
    """Two strata of eight areas; in most areas nobody belongs to the minority."""
    rng = np.random.default_rng(5)
    area = np.repeat(np.arange(16), 10)
    frame = pd.DataFrame(
        {
            "region": np.where(area < 8, "north", "south"),
            "area": area,
            "minority": np.where((area % 4 == 0) & (np.arange(160) % 3 == 0), "yes", "no"),
            "income": 30 + area + rng.normal(0, 5, 160).round(2),
            "w": 1.0 + area % 3,
        }
    )
    return sk.from_frame(frame).with_design(weight="w", strata="region", psu="area")


def test_the_mistake_gives_another_standard_error_and_other_degrees_of_freedom():
    poll = _poll()
    right = sk.total(poll.where("minority == 'yes'"), "income")
    part = poll.data[poll.data["minority"] == "yes"]
    alone = sk.from_frame(part, own_sample=True).with_design(weight="w", strata="region", psu="area")
    wrong = sk.total(alone, "income")
    assert wrong.theta == pytest.approx(right.theta)
    assert wrong.se[0] < 0.8 * right.se[0]  # areas without a member of the minority are evidence, too


@pytest.mark.parametrize("take", ["codes", "data"])
def test_a_part_of_a_designed_survey_is_refused_in_words(take):
    poll = _poll()
    frame = getattr(poll, take)
    with pytest.raises(DesignError) as caught:
        sk.from_frame(frame[frame["income"] > 35])
    rows = int((frame["income"] > 35).sum())
    assert str(caught.value) == (
        f"This frame holds {rows} of the 160 rows of a survey with a design (weighted by 'w', strata 'region', sampling "
        "units 'area'). A subset of rows is not a domain: the strata and sampling units that vanish with the other rows "
        'are lost to the variance. Keep the survey and say poll.where("..."), or where="..." in the call. If these rows '
        "are a sample of their own, say from_frame(frame, own_sample=True)."
    )


def test_the_data_of_a_domain_are_refused_and_the_remedy_works():
    sub = _poll().where("minority == 'yes'")
    with pytest.raises(DesignError, match="A subset of rows is not a domain"):
        sk.from_frame(sub.data)
    assert len(sk.from_frame(sub.data, own_sample=True)) == len(sub)


def test_whole_frames_and_frames_without_a_design_pass():
    poll = _poll()
    assert len(sk.from_frame(poll.data)) == 160
    assert len(sk.from_frame(poll.codes.assign(more=1))) == 160
    plain = sk.from_frame(pd.DataFrame({"x": [1, 2, 3]}))
    assert len(sk.from_frame(plain.data[plain.data["x"] > 1])) == 2


def test_the_mark_stays_out_of_files(tmp_path):
    poll = _poll()
    poll.save(tmp_path / "designed.parquet")
    plain = sk.from_frame(poll.codes)
    plain.with_codebook(replace(plain.codebook, weight="w")).save(
        tmp_path / "plain.parquet"
    )  # the weight in force is declared
    assert (tmp_path / "designed.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    back = sk.read(tmp_path / "designed.parquet")
    assert len(sk.from_frame(back.codes.head(3))) == 3


def test_domains_share_units_and_strata_with_the_whole():
    poll = _poll()
    by = sk.mean(poll, "income", by="minority")
    where = sk.mean(poll, "income", where="minority == 'yes'")
    at = list(by.keys["minority"]).index("yes")
    assert by.theta[at] == pytest.approx(where.theta[0], rel=1e-12)
    assert by.se[at] == pytest.approx(where.se[0], rel=1e-12)


def test_aggregates_without_the_design_columns_are_frames_of_their_own():
    poll = _poll()
    means = poll.data.groupby("region", observed=True)["income"].mean().reset_index()
    assert len(sk.from_frame(means)) == 2


def test_a_design_is_bound_once_for_a_survey_and_its_domains_and_anew_for_other_memory():
    poll = _poll()
    assert poll.where("income > 35").bound is poll.bound
    before = sk.mean(poll, "income").theta[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas discourages it; people do it
        poll.codes.sort_values("income", inplace=True)
    assert sk.mean(poll, "income").theta[0] == pytest.approx(before, rel=1e-12)
    poll.codes["w"] = poll.codes["w"] ** 2
    squared = sk.from_frame(poll.codes, own_sample=True).with_design(weight="w", strata="region", psu="area")
    assert sk.mean(poll, "income").theta[0] == pytest.approx(sk.mean(squared, "income").theta[0], rel=1e-12)
