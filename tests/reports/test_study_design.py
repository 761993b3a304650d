"""The design of a study file: the same words as `with_design`, `with_replicates` and `replicate`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ConfigError
from survey_kit.reports.inline import Writer
from survey_kit.reports.load import load_study
from survey_kit.reports.methods import sample_size, weighting
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
        frame[f"f{r + 1}"] = frame[f"rep{r + 1}"] / frame["w"]
    frame["some"] = np.where(area == 2, 0.0, frame["w"])
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
    assert (
        "(weighted by 'w', 8 JKn replicate weights; 4 degrees of freedom), by these replicate weights"
        in sample_size(prepared)
    )


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
            "order belongs to `method: SDR`; `method: BRR` was asked for.",
        ),
        (
            "design: {weight: w, strata: stratum, psu: area, replicates: {method: SDR, order: plac}}\n",
            "No column 'plac'. Did you mean 'place'?",
        ),
        (
            "design: {strata: stratum, lonely_domain: yes}\n",
            '`lonely_domain: true` needs `lonely_psu: adjust` or "average".',
        ),
        ("design: {psu: [area, x], fpc: N}\n", "fpc is stated for 1 of 2 stages, so it does not imply weights."),
        ("design: {weight: w, replicates: {method: BRR}}\n", "BRR"),
        (
            "design: {weight: w, replicates: {method: JKn, weights: 'f[0-9]+', rscales: 0.5}}\n",
            "Say `combined: false` to multiply them by the weight.",
        ),
        (
            "design: {replicates: {method: JKn, weights: 'rep[0-9]+', rscales: 0.5}}\n",
            "The replicate weights average 1.88 in a row, so there is a full-sample weight: say `weight`; or "
            "`combined: false` for factors.",
        ),
        (
            "design: {weight: w, replicates: {method: ACS}}\n",
            "`weights` is missing, the columns of the ACS replicate weights: only JK1, JKn, BRR, Fay, bootstrap, SDR are "
            "built from the design.",
        ),
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


def test_no_mapping_is_counted_where_the_sentence_names_its_fields(tmp_path):
    with pytest.raises(ConfigError) as caught:
        _prepared(tmp_path, "design: {weight: w, replicates: {method: JK2, mse: true}}\n")
    assert "`weights` is missing, the columns of the JK2 replicate weights" in str(caught.value)
    assert "there was" not in str(caught.value)


@pytest.mark.parametrize(
    ("design", "text"),
    [
        ("{}", "The data are not weighted."),
        (
            "{psu: area, fpc: N}",
            "The weights are those which the sampling fractions imply (fpc: 'N'); the largest is 1.0 times the smallest.",
        ),
        (
            "{psu: area, fpc: p, pps: brewer}",
            "The weights are those which the inclusion probabilities imply (fpc: 'p'); the largest is 2.0 times the smallest.",
        ),
        (
            "{weight: w}",
            "The weight 'w' is used as it came with the data; the largest is 3.0 times the smallest. Standard errors take it "
            "as given and do not count the gain or loss of precision from the calibration behind it.",
        ),
        (
            "{weight: w, replicates: {method: JKn, weights: 'rep[0-9]+', rscales: 0.5}}",
            "The weight 'w' is used as it came with the data; the largest is 3.0 times the smallest. Standard errors come "
            "from the replicate weights; they count what was repeated in each of them.",
        ),
        (
            "{weight: w, strata: stratum, psu: area, replicates: {method: BRR}}",
            "The weight 'w' is used as it came with the data; the largest is 3.0 times the smallest. Standard errors take it "
            "as given and do not count the gain or loss of precision from the calibration behind it.",
        ),
        (
            "{replicates: {method: JKn, weights: 'f[0-9]+', rscales: 0.5, combined: false}}",
            "The data are not weighted. Standard errors come from the replicate weights; they count what was repeated in "
            "each of them.",
        ),
    ],
)
def test_the_weighting_paragraph(tmp_path, design, text):
    assert weighting(_prepared(tmp_path, f"design: {design}\n")) == text


def test_raking_begins_with_the_weights_that_fractions_imply(tmp_path):
    text = "design: {psu: area, fpc: N}\nweighting: {targets: {stratum: {'0': 0.2, '1': 0.2, '2': 0.3, '3': 0.3}}}\n"
    begun = (
        "Weights were raked to stratum, starting from the weights which the sampling fractions imply (fpc: 'N'). Each"
    )
    assert weighting(_prepared(tmp_path, text)).startswith(begun)


def test_a_bootstrap_in_the_methods_text(tmp_path):
    made = "replicates: {method: bootstrap, replicates: 50, seed: 3}"
    prepared = _prepared(tmp_path, f"design: {{weight: w, strata: stratum, psu: area, {made}}}\n")
    assert (
        "from the sampling design (weighted by 'w', strata 'stratum', sampling units 'area', 50 Rao-Wu bootstrap replicate "
        "weights (seed 3); 4 degrees of freedom), by these replicate weights, at the 95% level"
    ) in sample_size(prepared)


def test_rows_of_weight_zero_are_no_interviews(tmp_path):
    prepared = _prepared(tmp_path, "design: {weight: some}\n")
    writer = Writer(prepared.source, prepared.survey)
    assert sample_size(prepared).startswith("35 interviews. 5 rows have weight zero")
    assert writer.text("{{ n() }}, {{ n('area <= 2') }}, {{ n('area == 2') }}", "abstract") == "35, 10, 0"
