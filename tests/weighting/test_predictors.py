"""The columns of a propensity model, from names and from formulas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import ArgumentError, UndeclaredMissingError, UnknownNameError
from survey_kit.weighting.response.predictors import predictors
from survey_kit.weighting.rows.subject import subject_of

DF = pd.DataFrame(
    {
        "age": [20, 30, 40, 50.0, 61],
        "sex": ["m", "f", "m", "f", "f"],
        "r": [1, 2, 3, 1, 2],
        "ok": [True, False, True, True, False],
        "c": pd.Categorical(["z", "a", "z", "a", "a"], categories=["z", "a", "unused"]),
    }
)


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("age", ["age"]),
        (["age", "sex"], ["age", "sex[m]"]),
        (["c"], ["c[a]"]),
        ("~ ok", ["ok"]),
        ("C(r)", ["r[2]", "r[3]"]),
        ("age + C(r)*sex", ["age", "r[2]", "r[3]", "sex[m]", "r[2]:sex[m]", "r[3]:sex[m]"]),
        ("age + age + I(age**2) + log(age)", ["age", "I(age**2)", "log(age)"]),
        ("age:sex", ["age:sex[f]", "age:sex[m]"]),
        ("I(age > 30)*sex", ["I(age > 30)", "sex[m]", "I(age > 30):sex[m]"]),
        ("`age` + sqrt(age - 10)", ["age", "sqrt(age - 10)"]),
    ],
)
def test_columns(model, names):
    made = predictors(subject_of(DF), model)
    assert list(made.names) == ["Intercept", *names]
    assert made.x.shape == (5, len(names) + 1)


def test_numbers():
    made = predictors(subject_of(DF), "I(age**2/10) + sex:age")
    np.testing.assert_allclose(made.x[:, 1], DF["age"] ** 2 / 10)
    np.testing.assert_allclose(made.x[:, 2] + made.x[:, 3], DF["age"])
    assert made.names == ("Intercept", "I(age**2/10)", "sex[f]:age", "sex[m]:age")


def test_row_order_does_not_choose_the_reference():
    turned = predictors(subject_of(DF.iloc[::-1]), ["sex", "r", "c"])
    np.testing.assert_array_equal(turned.x[::-1], predictors(subject_of(DF), ["sex", "r", "c"]).x)


def test_an_interaction_alone_has_every_cell():
    made = predictors(subject_of(DF), "sex:C(r)")
    assert len(made.names) == 7
    np.testing.assert_array_equal(made.x[:, 1:].sum(axis=1), 1)


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        (["agee"], UnknownNameError, "No column 'agee'. Did you mean 'age'?"),
        ("age + agee", UnknownNameError, "No column 'agee'. Did you mean 'age'?"),
        (
            "answered ~ age",
            ArgumentError,
            "'answered ~ age' has something before '~'. The outcome is given by its own argument",
        ),
        ("age + 0", ArgumentError, "Formula 'age + 0' leaves the constant out, or has an empty term."),
        ("age - sex", ArgumentError, "'age - sex' in formula 'age - sex' is not a term. Write names joined by"),
        ("(age + sex)**2", ArgumentError, "'(age + sex)**2' in formula '(age + sex)**2' is not a term."),
        ("I(__import__('os'))", UnknownNameError, "No column '__import__'."),
        ("I(age.real)", ArgumentError, "'I(age.real)' in the formula is not allowed."),
        ("open(age)", UnknownNameError, "No column 'open'."),
        ("log(sex)", ArgumentError, "'sex' holds categories; arithmetic in a model needs numbers."),
        (
            "log(age - 20)",
            ArgumentError,
            "'log(age - 20)' is not a finite number in row 1 (a log of zero?). Correct it first.",
        ),
        (7, ArgumentError, "model=7 is neither a list of column names nor a formula such as 'age + region'."),
        ([], ArgumentError, "model names no column. Give at least one, as in model=['age', 'region']."),
        ("1", ArgumentError, "model names no column."),
        ("age*sex*r*ok*c*C(r)*C(ok)", ArgumentError, "crosses more than 6 columns. Leave some out."),
    ],
)
def test_models_that_cannot_be_read(model, error, text):
    with pytest.raises(error) as caught:
        predictors(subject_of(DF), model)
    assert text in str(caught.value)


def test_missing_values_are_refused_in_words():
    frame = DF.assign(age=[20, np.nan, 40, np.nan, 61])
    with pytest.raises(ArgumentError) as caught:
        predictors(subject_of(frame), ["age"])
    assert str(caught.value) == (
        "'age' has no value in 2 of 5 rows (row 2, 4), and a model needs one in each. Make the missing a category, impute "
        "them, or leave the column out of the model."
    )


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (["x"] * 5, "'k' has a single category (x) and tells nothing. Leave it out."),
        ([1, 2, 3, 4, np.inf], "'k' is not a finite number in row 5"),
    ],
)
def test_columns_that_tell_nothing(column, text):
    with pytest.raises(ArgumentError) as caught:
        predictors(subject_of(DF.assign(k=column)), ["k"])
    assert text in str(caught.value)


def test_identifiers_are_refused():
    frame = pd.DataFrame({"id": [f"p{i}" for i in range(600)]})
    with pytest.raises(ArgumentError, match=r"'id' has 600 categories \(an identifier\?\)"):
        predictors(subject_of(frame), ["id"])


def test_a_survey_reads_its_codebook():
    book = Codebook(
        {
            "sex": Variable("sex", labels={1: "Male", 2: "Female"}, measure="nominal"),
            "score": Variable("score", measure="scale"),
            "trust": Variable("trust", labels={1: "No", 9: "Don't know"}, measure="scale"),
        }
    )
    poll = sk.from_frame(pd.DataFrame({"sex": [2, 1, 2.0], "score": [1, 5, 3.0], "trust": [1, 9, 1.0]}), book)
    made = predictors(subject_of(poll), ["sex", "score"])
    assert made.names == ("Intercept", "sex[Female]", "score")
    with pytest.raises(UndeclaredMissingError):
        predictors(subject_of(poll), ["trust"])
