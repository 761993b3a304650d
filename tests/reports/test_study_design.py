"""The design of a study file: the same words as `with_design`, `with_replicates` and `replicate`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ConfigError
from survey_kit.reports.load import load_study
from survey_kit.reports.methods import sample_size
from survey_kit.reports.prepare import Prepared, prepare
from survey_kit.reports.progress import Silent

TEXT = """\
study: {id: small, title: A small study}
data: {file: poll.csv}
"""


def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    area = np.repeat(np.arange(8), 5)
    frame = pd.DataFrame({"stratum": area // 2, "area": area, "w": 1.0 + area % 3, "x": rng.normal(5, 1, 40).round(2)})
    frame["p"] = 0.1 + 0.05 * (area % 3)
    frame["N"], frame["place"] = 9, (area * 5) % 8
    for r in range(8):
        frame[f"rep{r + 1}"] = np.where(area == r, 0, np.where(area // 2 == r // 2, 2, 1)) * frame["w"]
    return frame


def _prepared(folder: Path, design: str) -> Prepared:
    _frame().to_csv(folder / "poll.csv", index=False)
    (folder / "study.yml").write_text(TEXT + design, encoding="utf-8")
    return prepare(load_study(folder / "study.yml"), None, Silent())


def _poll() -> sk.Survey:
    return sk.from_frame(_frame())


def _same(prepared: Prepared, expected: sk.Survey) -> None:
    ours, theirs = sk.mean(prepared.survey, "x"), sk.mean(expected, "x")
    assert ours.se == pytest.approx(theirs.se, rel=1e-12)
    assert ours.df == theirs.df


def test_replicate_weights_that_came_with_the_data(tmp_path):
    design = "design: {weight: w, replicates: {method: JKn, weights: 'rep[0-9]+', rscales: 0.5}}\n"
    prepared = _prepared(tmp_path, design)
    _same(prepared, _poll().with_replicates("rep[0-9]+", "JKn", weight="w", rscales=0.5))
    assert "degrees of freedom), by JKn replicate weights, at the 95% level" in sample_size(prepared)


def test_replicate_weights_built_from_the_design(tmp_path):
    design = "design: {weight: w, strata: stratum, psu: area, replicates: {method: BRR}}\n"
    _same(_prepared(tmp_path, design), _poll().with_design("w", "stratum", "area").replicate("BRR"))


def test_a_bootstrap_with_its_seed(tmp_path):
    design = (
        "design: {weight: w, strata: stratum, psu: area, "
        "replicates: {method: bootstrap, replicates: 50, seed: 3, bootstrap: Preston}}\n"
    )
    expected = _poll().with_design("w", "stratum", "area").replicate("bootstrap", 50, 3, bootstrap="Preston")
    _same(_prepared(tmp_path, design), expected)


def test_unequal_probabilities(tmp_path):
    prepared = _prepared(tmp_path, "design: {fpc: p, psu: area, pps: brewer}\n")
    _same(prepared, _poll().with_design(psu="area", fpc="p", pps="brewer"))
    assert "by Taylor linearisation" in sample_size(prepared)


@pytest.mark.parametrize(
    ("design", "text"),
    [
        (
            "design: {replicates: {method: BRR, rscales: 1}}\n",
            "'rscales' has no meaning for replicate weights that are built from the design (no `weights`); leave it out",
        ),
        (
            "design: {replicates: {method: JK1, weights: 'rep[0-9]+', seed: 1}}\n",
            "'seed' has no meaning for replicate weights that are given by `weights`; leave it out",
        ),
        (
            "design: {replicates: {method: SDR, weights: 'rep[0-9]+', order: place}}\n",
            "'order' has no meaning for replicate weights that are given by `weights`; leave it out",
        ),
        (
            "design: {weight: w, strata: stratum, psu: area, replicates: {method: BRR, order: place}}\n",
            'order belongs to method="SDR"',
        ),
        (
            "design: {weight: w, strata: stratum, psu: area, replicates: {method: SDR, order: plac}}\n",
            "No column 'plac'. Did you mean 'place'?",
        ),
        (
            "design: {strata: stratum, lonely_domain: yes}\n",
            'lonely_domain=True needs lonely_psu="adjust" or "average".',
        ),
        ("design: {psu: [area, x], fpc: N}\n", "fpc is stated for 1 of 2 stages, so it does not imply weights."),
        ("design: {weight: w, replicates: {method: BRR}}\n", "BRR"),
        ("design: {pps: sampford}\n", "brewer"),
        ("design: {weight: x2}\n", "No column 'x2'"),
    ],
)
def test_mistakes_name_file_line_and_field(tmp_path, design, text):
    with pytest.raises(ConfigError) as caught:
        _prepared(tmp_path, design)
    assert text in str(caught.value)
    assert ("study.yml" in str(caught.value) and "line 3" in str(caught.value)) or "study.yml:3" in str(caught.value)


def test_successive_differences_in_their_order_of_sampling(tmp_path):
    design = "design: {weight: w, strata: stratum, psu: area, replicates: {method: SDR, order: place}}\n"
    expected = _poll().with_design("w", "stratum", "area")
    prepared = _prepared(tmp_path, design)
    _same(prepared, expected.replicate("SDR", order="place"))
    assert sk.mean(prepared.survey, "x").se != pytest.approx(sk.mean(expected.replicate("SDR"), "x").se, rel=1e-6)


def test_what_a_design_leaves_out_is_said_once(tmp_path):
    design = "design: {weight: w, strata: stratum, psu: area, fpc: N, replicates: {method: BRR}}\n"
    told = [n for n in _prepared(tmp_path, design).notices if n.kind == "replicates"]
    assert len(told) == 1 and "standard errors are too large" in told[0].text
