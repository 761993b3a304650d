"""Tables of models, effects, weights and scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, UnsupportedOption
from survey_kit.results.display import number, p_value, percent


@pytest.fixture(scope="module")
def poll():
    rng = np.random.default_rng(7)
    n = 400
    frame = pd.DataFrame(
        {
            "region": rng.choice(["Almaty", "Astana", "Rural"], n),
            "sex": rng.choice(["f", "m"], n),
            "cost": rng.integers(1, 6, n).astype(float),
            "q1": rng.integers(1, 6, n),
            "w": rng.uniform(0.5, 2, n),
        }
    )
    frame["q2"] = np.clip(6 - frame["q1"] + rng.integers(-1, 2, n), 1, 5)
    frame["oppose"] = (rng.uniform(size=n) < 1 / (1 + np.exp(3 - frame["cost"]))).astype(float)
    return sk.from_frame(frame).with_design(weight="w")


@pytest.fixture(scope="module")
def fit(poll):
    return sk.glm(poll, "oppose ~ cost + C(region)", family="binomial")


# --- models ----------------------------------------------------------------------------------------------------------


def test_a_model_is_ratios_under_each_variable_with_the_reference_stated(fit):
    made = sk.table(fit)
    assert [c.label for c in made.columns] == ["Term", "Odds ratio", "95% CI", "p"]
    assert [(row.kind, row.cells[0].text) for row in made.rows] == [
        ("body", "Intercept"), ("group", "cost"), ("body", "per unit"),
        ("group", "region"), ("body", "Almaty"), ("body", "Astana"), ("body", "Rural"),
    ]  # fmt: skip
    assert [cell.text for cell in made.rows[4].cells] == ["Almaty", "reference", "", ""]
    row = fit.frame(exponentiate=True).set_index("term").loc["cost"]
    assert made.rows[2].cells[1].text == number(row["estimate"], 2)
    assert made.rows[2].cells[1].value == row["estimate"]
    assert made.rows[2].cells[2].limits == (row["ci_low"], row["ci_high"])
    assert made.rows[2].cells[3].text == p_value(row["p_value"])
    assert made.title == "Model of oppose"
    assert made.notes[0] == "Binomial model, logit link; n = 400."


def test_coefficients_have_standard_errors(fit):
    made = sk.table(fit, exponentiate=False, interval=False, digits=4)
    assert [c.label for c in made.columns] == ["Term", "Coefficient", "SE", "p"]
    row = fit.frame().set_index("term").loc["cost"]
    assert [cell.text for cell in made.rows[2].cells[1:3]] == [number(row["estimate"], 4), number(row["se"], 4)]


def test_a_model_without_categories_has_no_headings(poll):
    made = sk.table(sk.glm(poll, "q1 ~ cost"))
    assert [row.kind for row in made.rows] == ["body", "body"]
    assert [row.cells[0].text for row in made.rows] == ["Intercept", "cost"]
    assert made.columns[1].label == "Coefficient"


def test_an_interaction_is_named_by_its_parts(poll):
    made = sk.table(sk.glm(poll, "q1 ~ cost * C(sex)"))
    assert "cost × sex" in [row.cells[0].text for row in made.rows]


def test_a_model_refuses_what_it_cannot_show(fit, poll):
    with pytest.raises(UnsupportedOption, match=r"percent=True has no meaning for a model\. Leave it out\."):
        sk.table(fit, percent=True)
    with pytest.raises(ArgumentError, match=r"exponentiate=True is for the links"):
        sk.table(sk.glm(poll, "q1 ~ cost"), exponentiate=True)


# --- effects ---------------------------------------------------------------------------------------------------------


def test_effects_on_a_probability_are_points_against_the_reference(fit):
    effects = sk.margins(fit)
    made = sk.table(effects)
    assert made.title == "Average marginal effects"
    assert made.columns[1].label == "Points"
    assert [row.cells[0].text for row in made.rows] == [
        "cost", "per unit", "region, compared with Almaty", "Astana", "Rural",
    ]  # fmt: skip
    assert made.rows[1].cells[1].text == f"+{number(100 * effects.theta[0], 1)}"


def test_effects_on_a_number_are_numbers(poll):
    effects = sk.margins(sk.glm(poll, "q1 ~ cost"))
    made = sk.table(effects)
    assert made.columns[1].label == "Effect"
    assert made.rows[0].cells[1].text.lstrip("+") == number(effects.theta[0], 3)


def test_predictions_at_values_keep_the_values_apart(fit):
    made = sk.table(sk.margins(fit, "region", at={"cost": [1, 5]}, kind="prediction"))
    groups = [row.cells[0].text for row in made.rows if row.kind == "group"]
    assert groups == ["region · at cost 1", "region · at cost 5"]
    assert made.columns[1].label == "%"
    assert len(made.rows) == 2 + 2 * 3


# --- real estimates --------------------------------------------------------------------------------------------------


def test_estimates_bring_their_facts(poll):
    made = sk.table(sk.proportion(poll, "region", where="cost >= 2"))
    assert made.columns[2].label == "95% CI"
    assert "95% CI: 95% confidence interval." in made.notes
    assert "Base: cost >= 2." in made.notes
    assert any(note.startswith("Design: ") for note in made.notes)


def test_another_level_is_named(poll):
    assert sk.table(sk.mean(poll, "cost", level=0.9)).columns[2].label == "90% CI"


def test_contrasts_have_signs(poll):
    est = sk.proportion(poll, "sex")
    made = sk.table(est.contrast({"f": 1, "m": -1}), percent=True)
    assert made.rows[0].cells[1].text[0] in "+\u22120"
    assert made.columns[1].label == "Points"


# --- weights and scales ----------------------------------------------------------------------------------------------


def test_weights_are_margins_before_and_after(poll):
    weights = sk.rake(poll.codes, {"sex": {"f": 0.55, "m": 0.45}})
    made = sk.table(weights)
    assert [c.label for c in made.columns] == ["Category", "n", "Before, %", "Target, %", "After, %", "Gap, points"]
    assert [row.kind for row in made.rows] == ["group", "body", "body"]
    row = weights.targets.iloc[0]
    assert [cell.text for cell in made.rows[1].cells] == [
        row["category"], number(row["unweighted_n"]), percent(row["base_share"], 1)[:-1], "55.0", "55.0", "0.0",
    ]  # fmt: skip
    assert made.notes[0].startswith("400 respondents; weights from ")
    with pytest.raises(UnsupportedOption, match=r"percent=False has no meaning for weights"):
        sk.table(weights, percent=False)


def test_a_scale_is_its_items(poll):
    scale = sk.scale(poll, items=["q1", "q2"], name="index", reverse=["q2"])
    made = sk.table(scale, digits=3)
    assert [row.cells[0].text for row in made.rows] == ["q1", "q2 (reversed)"]
    assert made.rows[0].cells[1].text == number(scale.items["mean"].iloc[0], 3)
    assert made.notes[0].startswith(f"Cronbach's alpha {number(scale.alpha, 2)} over 400 respondents")
    with pytest.raises(UnsupportedOption, match=r"exponentiate=True has no meaning for a scale"):
        sk.table(scale, exponentiate=True)
