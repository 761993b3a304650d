"""Tables, ratios, and what srvyr, histograms and nets make of counts and shares, against R (see the shared reference)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import DATA, assert_close, dataset, entries, needs_shared, survey_for, terms

import survey_kit as sk
from survey_kit.design.pps import PPS
from survey_kit.estimation.count import count
from survey_kit.estimation.ratio import ratio
from survey_kit.estimation.share import share
from survey_kit.estimation.variance import sd, variance


def _one(family: str, entry_id: str) -> dict:
    found = [e for e in entries(family) if e["id"] == entry_id]
    if not found:
        pytest.skip("the shared reference answers are not on this machine")
    return found[0]


def _cells(entry: dict) -> pd.Series:
    """The table of an entry, in R's order of storage: first variable fastest."""
    names = entry["result"]["dimnames"]
    values = np.array(entry["result"]["counts"], dtype=float)
    if values.ndim == 2:
        values = values.ravel(order="F")
    index = pd.MultiIndex.from_product([names[k] for k in reversed(names)], names=list(reversed(names)))
    return pd.Series(values, index=index)


@needs_shared
@pytest.mark.parametrize("entry", [e for e in entries("table") if e["estimator"] == "svytable"], ids=lambda e: e["id"])
def test_tables(entry):
    poll, names = survey_for(entry), terms(entry["args"]["formula"])
    found = count(poll, names[-1], by=names[:-1] or None, population=entry["args"].get("Ntotal"))
    ours = found.frame().rename(columns={"answer": names[-1]}).set_index(list(reversed(names)))["estimate"]
    expected = _cells(entry)
    ours = ours.reindex([i if len(names) > 1 else i[0] for i in expected.index]).fillna(0)  # a group that nobody is in
    assert_close(ours, expected)


@needs_shared
@pytest.mark.parametrize("entry", [e for e in entries("table") if "margin" in e["args"]], ids=lambda e: e["id"])
def test_proportions_within_rows_and_columns(entry):
    """R's margin is the variable whose groups sum to 1."""
    poll, (row, column) = survey_for(entry), terms(entry["args"]["formula"])
    within, of = (row, column) if entry["args"]["margin"] == "row" else (column, row)
    found = sk.proportion(poll, of, by=within).frame().rename(columns={"answer": of})
    expected = _cells(entry)
    assert_close(found.set_index([column, row])["estimate"].reindex(expected.index), expected)


@needs_shared
@pytest.mark.parametrize("entry", [e for e in entries("table") if "unwtd" in e["estimator"]], ids=lambda e: e["id"])
def test_unweighted_counts(entry):
    poll, by = survey_for(entry), terms(entry["args"]["by"])
    found = sk.mean(poll, terms(entry["args"]["formula"]), by=by)
    ours = found.keys[by].assign(n=found.n)
    expected = pd.DataFrame(entry["result"]["groups"]).merge(ours, on=by, how="left")
    assert expected["n"].tolist() == entry["result"]["counts"]


def _ratio_of(entry: dict, poll: sk.Survey, **options):
    args = entry["args"]
    by = terms(args["by"]) if "by" in args else None
    return ratio(poll, terms(args["formula"]), terms(args["denominator"]), by=by, **options)


def _pps(design: dict) -> sk.Survey:
    """A design with given joint inclusion probabilities."""
    codes, book = dataset(design["dataset"][0])
    joint = pd.read_csv(DATA / design["joint_file"])
    pps = PPS(design["pps"], joint=joint.to_numpy(), variance=design["variance"])
    return sk.from_frame(codes, book).with_design(fpc=design["inclusion_probability"], pps=pps)


@needs_shared
@pytest.mark.parametrize("entry", entries("ratio"), ids=lambda e: e["id"])
def test_the_ratio_family(entry):
    result = entry["result"]
    poll = _pps(entry["design"]) if entry["design"]["kind"] == "pps" else survey_for(entry)
    found = _ratio_of(entry, poll, deff=entry["args"].get("deff", False))
    if entry["id"] == "ratio_predict":
        predicted = found.contrast([entry["args"]["total"]["enroll"]])
        assert_close([predicted.theta[0], predicted.se[0]], [result["total"], result["se"]])
        return
    assert_close(found.theta, result["estimate"])
    assert_close(found.se, result["se"])
    if "ci95_t" in result:
        assert found.df == result["df"]
        assert_close(np.column_stack(found.confidence_interval()), result["ci95_t"])
    if "deff" in result:
        assert_close(found.deff, result["deff"])
    if entry["args"].get("covmat"):
        assert_close(found.vcov(), result["vcov"])


def test_shares_within_groups_as_srvyr():
    entry = _one("srvyr", "srvyr_prop")
    poll = survey_for(entry)
    gender, vote = entry["args"]["by"]
    expected = pd.DataFrame(entry["result"]["rows"]).dropna(subset=[gender])
    found = sk.proportion(poll, vote, by=gender).frame().rename(columns={"answer": vote})
    both = expected.merge(found, on=[gender, vote])
    assert len(both) == len(expected)
    for ours, theirs in (("estimate", "p"), ("se", "p_se"), ("ci_low", "p_low"), ("ci_high", "p_upp")):
        assert_close(both[ours], both[theirs], entry["rel_tol"], ours)


def test_shares_with_wald_intervals_as_srvyr():
    entry = _one("srvyr", "srvyr_prop_mean")
    found = sk.proportion(survey_for(entry), "q1", interval="wald").frame()
    expected = pd.DataFrame(entry["result"]["rows"]).set_index("q1").loc[found["answer"]]
    for ours, theirs in (("estimate", "p"), ("se", "p_se"), ("ci_low", "p_low"), ("ci_high", "p_upp")):
        assert_close(found[ours], expected[theirs], what=ours)


def test_variance_deviation_and_ratio_as_srvyr():
    entry = _one("srvyr", "srvyr_var_sd_ratio")
    poll, (row,) = survey_for(entry), entry["result"]["rows"]
    found, quotient = variance(poll, "api00"), ratio(poll, "api00", "api99")
    assert_close([found.theta[0], found.se[0], sd(poll, "api00").theta[0]], [row["v"], row["v_se"], row["sd"]])
    low, high = quotient.confidence_interval()
    assert_close([quotient.theta[0], low[0], high[0]], [row["ra"], row["ra_low"], row["ra_upp"]])
    assert_close(quotient.se / quotient.theta, [row["ra_cv"]])


def test_group_totals_as_srvyr_cascade():
    entry = _one("srvyr", "srvyr_cascade")
    poll, expected = survey_for(entry), pd.DataFrame(entry["result"]["rows"])
    levels = [["stype", "awards"], ["stype"], []]
    parts = [sk.mean(poll, "api00", by=by or None).frame() for by in levels]
    ours = pd.concat(parts)[["stype", "awards", "estimate", "se"]]
    both = expected.fillna("all").merge(ours.fillna("all"), on=["stype", "awards"])
    assert len(both) == len(expected) == 10
    assert_close(both["estimate"], both["m"])
    assert_close(both["se"], both["m_se"])


def test_means_and_totals_by_group_as_srvyr():
    entry = _one("srvyr", "srvyr_mean_ci")
    poll, expected = survey_for(entry), pd.DataFrame(entry["result"]["rows"]).set_index("stype")
    mean, total = sk.mean(poll, "api00", by="stype"), sk.total(poll, "enroll", by="stype")
    for found, prefix in ((mean, "m"), (total, "t")):
        frame = found.frame().set_index("stype").loc[expected.index]
        for ours, theirs in (("estimate", ""), ("se", "_se"), ("ci_low", "_low"), ("ci_high", "_upp")):
            assert_close(frame[ours], expected[prefix + theirs], what=prefix + theirs)
    assert mean.n.tolist() == expected["n"].tolist()


def test_a_histogram_is_a_count_of_bins():
    """R closes bins on the right, sk.bands on the left: values are whole, so bins from 301, 401, ... are the same."""
    entry = _one("distribution", "hist_api")
    breaks, expected = entry["args"]["breaks"], entry["result"]
    poll = survey_for(entry)
    assert (poll.codes["api00"] % 1 == 0).all()
    poll = poll.recode(bin=sk.bands("api00", [b + 1 for b in breaks[:-1]]))
    assert_close(count(poll, "bin").theta, expected["counts"])
    assert_close(share(poll, "bin").theta / np.diff(breaks), expected["density"])


def test_a_top_two_box():
    entry = _one("nets", "net_top2")
    result, poll = entry["result"], survey_for(entry)
    poll = poll.recode(top=sk.net(entry["args"]["variable"], entry["args"]["net"], labels=("Other", "Top two")))
    found = sk.proportion(poll, "top").frame()
    row = found[found["answer"] == "Top two"].iloc[0]
    assert_close([row["estimate"], row["se"] ** 2], [result["estimate"], result["var"]])
    assert_close([row["ci_low"], row["ci_high"]], result["ci"], entry["rel_tol"])


def test_net_scores_by_group():
    entry = _one("nets", "net_score")
    found = sk.mean(survey_for(entry), "net", by="party")
    order = [found.keys["party"].tolist().index(g["party"]) for g in entry["result"]["groups"]]
    assert_close(found.theta[order], entry["result"]["estimate"])
    assert_close(found.se[order], entry["result"]["se"])
