"""The door of glm and what a fit answers: outcomes, options, separation, rank, reference levels, domains, tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import (
    ArgumentError,
    ConvergenceError,
    DesignError,
    InputError,
    NoValidData,
    UndeclaredMissingError,
    UnknownNameError,
    UnsupportedOption,
)

N = 240
I = np.arange(N)  # noqa: E741
X = np.sin(I * 1.7) * 2
Y = ((I * 7 + I // 11) % 5 > 2).astype(float)
G = np.array(["a", "b", "c"])[(I * 5 + I // 3) % 7 // 3]


def _survey(**columns):
    return sk.from_frame(pd.DataFrame(columns))


@pytest.fixture(scope="module")
def poll():
    labels = {1: "Low", 2: "Middle", 3: "High", 9: "Don't know"}
    trust = np.array([1, 2, 3, 9])[I % 4]
    book = {
        "trust": Variable("trust", "Trust", labels, MissingRule((9,)), measure="ordinal"),
        "raw": Variable("raw", "Trust, nothing declared", labels, measure="ordinal"),
        "party": Variable("party", labels={1: "Red", 2: "Blue", 3: "Green", 4: "Nobody"}, measure="nominal"),
        "sex": Variable("sex", labels={1: "male", 2: "female"}, measure="nominal"),
    }
    codes = pd.DataFrame(
        {
            "oppose": Y, "count": (I * 3 % 7).astype(float), "x": X, "income": 100 + I * 37 % 91.0, "trust": trust,
            "raw": trust,
            "party": 1 + I * 11 % 3, "sex": 1 + I * 3 % 5 // 3, "w": 1 + I % 4 / 2, "area": I // 12, "block": I // 60,
        }
    )  # fmt: skip
    rest = {n: Variable(n, measure="scale") for n in codes if n not in book}
    return sk.from_frame(codes, Codebook({**book, **rest})).with_design(weight="w", strata="block", psu="area")


# --- numbers ---


@pytest.mark.parametrize(
    ("formula", "family", "link", "peer"),
    [
        ("oppose ~ x + party", "binomial", None, sm.families.Binomial()),
        ("oppose ~ x + party", "binomial", "probit", sm.families.Binomial(sm.families.links.Probit())),
        ("count ~ x", "poisson", None, sm.families.Poisson()),
        ("income ~ x", "gamma", "log", sm.families.Gamma(sm.families.links.Log())),
        ("income ~ x * party", "gaussian", None, sm.families.Gaussian()),
    ],
)
def test_coefficients_are_those_of_statsmodels(poll, formula, family, link, peer):
    fit = sk.glm(poll, formula, family=family, link=link)
    frame = fit.inner.frame
    theirs = sm.GLM(frame.y, frame.x, family=peer, freq_weights=fit.inner.weight).fit(tol=1e-14)
    np.testing.assert_allclose(fit.coef.theta, theirs.params, rtol=1e-7, atol=1e-9)


def test_scale_of_weights_and_order_of_rows_change_nothing(poll):
    codes = poll.codes.assign(w=poll.codes["w"] * 1000).iloc[::-1].reset_index(drop=True)
    again = sk.from_frame(codes, poll.codebook).with_design(weight="w", strata="block", psu="area")
    first, second = (sk.glm(p, "oppose ~ x + party", family="binomial") for p in (poll, again))
    np.testing.assert_allclose(first.coef.theta, second.coef.theta, rtol=1e-10)
    np.testing.assert_allclose(first.vcov(), second.vcov(), rtol=1e-9)
    np.testing.assert_allclose(first.deviance, second.deviance, rtol=1e-12)


def test_an_intercept_alone_is_the_mean(poll):
    fit, mean = sk.glm(poll, "income ~ 1"), sk.mean(poll, "income")
    np.testing.assert_allclose([fit.coef.theta[0], fit.coef.se[0]], [mean.theta[0], mean.se[0]], rtol=1e-10)


def test_a_model_of_groups_is_the_means_of_groups_after_raking(poll):
    """Calibration enters the errors of a model as it enters those of a mean."""
    raked = poll.rake({"sex": {"male": 0.48, "female": 0.52}})
    fit, mean = sk.glm(raked, "income ~ party - 1"), sk.mean(raked, "income", by="party")
    np.testing.assert_allclose(fit.coef.theta, mean.theta, rtol=1e-10)
    np.testing.assert_allclose(fit.vcov(), mean.vcov(), rtol=1e-8)


def test_where_and_domain_are_one(poll):
    by_argument = sk.glm(poll, "oppose ~ x", family="binomial", where="sex == 'male'")
    by_domain = sk.glm(poll.where("sex == 'male'"), "oppose ~ x", family="binomial")
    np.testing.assert_array_equal(by_argument.vcov(), by_domain.vcov())
    assert by_argument.n == int((poll.codes["sex"] == 1).sum())


# --- outcomes and predictors ---


def test_ordinal_enters_as_a_number_and_c_makes_categories(poll):
    assert sk.glm(poll, "income ~ trust").coef.keys["term"].tolist() == ["Intercept", "trust"]
    keys = sk.glm(poll, "income ~ C(trust, ref='High')").coef.keys
    assert keys["answer"].tolist() == ["", "Low", "Middle"]
    assert keys["variable"].tolist() == ["Intercept", "trust", "trust"]


def test_what_was_left_out_is_said(poll):
    notices = {n.kind: n for n in sk.glm(poll, "income ~ trust + party").notices}
    assert notices["missing"].count == 60
    assert "'party': no row of the model has Nobody" in notices["level"].text


def test_two_categories_are_an_outcome_and_which_is_one_is_said(poll):
    fit = sk.glm(poll, "sex ~ x", family="binomial")
    (notice,) = [n for n in fit.notices if n.kind == "outcome"]
    assert str(notice) == "The model is of 'sex' = 'female' against 'male'."
    np.testing.assert_array_equal(fit.inner.frame.y, poll.codes["sex"] - 1)


@pytest.mark.parametrize("condition", ["trust >= 2", "trust == 'High'", "party in ['Red', 'Blue'] and x > 0"])
def test_a_condition_is_an_outcome(poll, condition):
    from survey_kit.recode import evaluate

    fit = sk.glm(poll, f"{condition} ~ x", family="binomial")
    inside = evaluate(condition, poll.codes, poll.codebook)
    np.testing.assert_array_equal(fit.inner.frame.y, inside[fit.inner.frame.rows].astype(float))
    assert fit.response == condition
    if "trust" in condition:
        assert fit.n == 180  # nobody who does not know is counted as "no"


REFUSED = [
    ("oppose ~ nothing", {}, UnknownNameError, r"No column 'nothing'"),
    ("opose ~ x", {}, UnknownNameError, r"No column 'opose'\. Did you mean 'oppose'\?"),
    ("income ~ raw", {}, UndeclaredMissingError, r"'raw' has codes that read like nonresponse .* 9 \(Don't know\)"),
    ("raw ~ x", {}, UndeclaredMissingError, r"declare_missing\('raw', \[9\]\)"),
    ("party ~ x", {"family": "binomial"}, ArgumentError, r"A binomial outcome has two categories; 'party' has 4"),
    ("income ~ x", {"family": "binomial"}, ArgumentError, r"'income' has \d+\. Use a 0/1 column"),
    ("x ~ income", {"family": "poisson"}, ArgumentError, r"'x' has negative values"),
    ("x ~ income", {"family": "gamma"}, ArgumentError, r"'x' has zeros or negative values"),
    ("income ~ x", {"family": "negbin"}, UnsupportedOption, r"There are: gaussian, binomial, poisson, gamma"),
    ("income ~ x", {"family": "gausian"}, ArgumentError, r"Did you mean 'gaussian'\?"),
    ("income ~ x", {"link": "logit"}, ArgumentError, r"link='logit' is not available for gaussian"),
    ("income ~ x", {"level": 95}, ArgumentError, r"level=95 is not a confidence level"),
    ("income ~ x", {"where": "x > 100"}, NoValidData, r"No row has valid values of everything"),
    ("income ~ sex", {"where": "sex == 'male'"}, ArgumentError, r"'sex' has a single category .*\(male\)"),
    ("oppose ~ x", {"family": "binomial", "where": "oppose == 1"}, ArgumentError, r"has the same value in every row"),
]


@pytest.mark.parametrize(("formula", "options", "error", "sentence"), REFUSED, ids=[f"{f}-{o}" for f, o, *_ in REFUSED])
def test_refusals(poll, formula, options, error, sentence):
    with pytest.raises(error, match=sentence):
        sk.glm(poll, formula, **options)


def test_a_frame_is_no_survey(poll):
    with pytest.raises(ArgumentError, match="Got a DataFrame; estimation needs a design"):
        sk.glm(poll.codes, "oppose ~ x")


def test_a_column_that_repeats_others_is_named():
    survey = _survey(y=Y, a=X, b=2 * X + 1, c=X**2)
    with pytest.raises(ArgumentError, match=r"b can be written as a combination of the terms before it.*Drop it"):
        sk.glm(survey, "y ~ a + c + b")


def test_few_degrees_of_freedom_are_said():
    fit = sk.glm(_survey(y=Y, a=X, b=X**2, area=I % 2).with_design(psu="area"), "y ~ a + b")
    assert fit.df_resid == -1
    assert [n.kind for n in fit.notices] == ["df"]
    assert np.isfinite(fit.coef.theta).all()
    assert fit.frame()[["ci_low", "ci_high", "p_value"]].isna().all(axis=None)


# --- separation ---

SEPARATED = {
    "a category": (np.where(G == "b", 0, Y), r"All \d+ respondents with g\[b\] have the outcome 0"),
    "the reference": (np.where(G == "a", 0, Y), "infinite|no finite"),
}


@pytest.mark.parametrize("name", SEPARATED)
def test_separation_by_categories(name):
    outcome, sentence = SEPARATED[name]
    with pytest.raises(ConvergenceError, match=sentence):
        sk.glm(_survey(y=outcome, g=pd.Categorical(G)), "y ~ g", family="binomial")


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_separation_by_a_number(link):
    with pytest.raises(ConvergenceError, match="x has no finite"):
        sk.glm(_survey(y=(X > 0.1) * 1.0, x=X), "y ~ x", family="binomial", link=link)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_separation_elsewhere(family):
    if family == "poisson":
        columns, formula, link = {"y": np.where(G == "b", 0, I % 5), "g": pd.Categorical(G)}, "y ~ g", "log"
    else:
        columns, formula, link = {"y": np.where(X > 1, 1, Y), "d": (X > 1) * 1.0}, "y ~ d", "cloglog"
    with pytest.raises(ConvergenceError):
        sk.glm(_survey(**columns), formula, family=family, link=link)


def test_a_certain_respondent_is_no_separation():
    x = np.where(I == 0, 60.0, X)
    y = (1 / (1 + np.exp(-x)) > (I * 7 % 13) / 13).astype(float)
    fit = sk.glm(_survey(y=y, x=x), "y ~ x", family="binomial")
    theirs = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial()).fit(tol=1e-14)
    np.testing.assert_allclose(fit.coef.theta, theirs.params, rtol=1e-7)


# --- what a fit answers ---


def test_frame_has_the_schema_and_tests(poll):
    frame = sk.glm(poll, "oppose ~ x + party", family="binomial").frame()
    assert list(frame.columns[:7]) == ["term", "variable", "answer", "statistic", "estimate", "se", "ci_low"]
    assert list(frame.columns[-2:]) == ["t", "p_value"]
    assert frame["term"].tolist() == ["Intercept", "x", "party[Blue]", "party[Green]"]
    np.testing.assert_allclose(frame["t"], frame["estimate"] / frame["se"])


def test_exponentiate(poll):
    fit = sk.glm(poll, "oppose ~ x", family="binomial")
    plain, odds = fit.frame(), fit.frame(exponentiate=True)
    for column in ("estimate", "ci_low", "ci_high"):
        np.testing.assert_allclose(odds[column], np.exp(plain[column]))
    np.testing.assert_allclose(odds["se"], plain["se"] * odds["estimate"])
    np.testing.assert_array_equal(odds["p_value"], plain["p_value"])
    assert set(plain["statistic"]) == {"log-odds"}
    assert set(odds["statistic"]) == {"odds ratio"}
    for link in ("probit", "identity"):
        with pytest.raises(ArgumentError, match="exponentiate=True is for the links logit, log, cloglog"):
            sk.glm(poll, "oppose ~ x", family="binomial", link=link).frame(exponentiate=True)


def test_reference_rows(poll):
    fit = sk.glm(poll, "oppose ~ C(party, ref='Green') + x", family="binomial")
    frame = fit.frame(reference=True).set_index("term")
    row = frame.loc["party[Green]"]
    assert (row["estimate"], row["flag"]) == (0.0, "reference")
    assert np.isnan(row["se"])
    assert fit.frame(reference=True, exponentiate=True).set_index("term").loc["party[Green]", "estimate"] == 1.0
    assert len(frame) == len(fit.frame()) + 1


def test_the_reference_changes_the_contrast_only(poll):
    first = sk.glm(poll, "oppose ~ party", family="binomial")
    second = sk.glm(poll, "oppose ~ C(party, ref='Blue')", family="binomial")
    a, b = (f.frame().set_index("term")["estimate"] for f in (first, second))
    np.testing.assert_allclose(a["party[Blue]"], -b["party[Red]"], rtol=1e-9)
    np.testing.assert_allclose(first.wald("party").statistic, second.wald("C(party)").statistic, rtol=1e-8)


def test_wald(poll):
    fit = sk.glm(poll, "oppose ~ x * party", family="binomial")
    assert fit.wald("C(party)").df == 2
    assert fit.wald("party:x").statistic == fit.wald("x : C(party)").statistic
    one = fit.wald("party[Blue]")
    np.testing.assert_allclose(one.statistic, fit.frame().set_index("term").loc["party[Blue]", "t"] ** 2)
    np.testing.assert_allclose(one.p_value, fit.frame().set_index("term").loc["party[Blue]", "p_value"])
    with pytest.raises(UnknownNameError, match="No term 'partei'. Did you mean 'party'?"):
        fit.wald("partei")


def test_predict_refusals(poll):
    fit = sk.glm(poll, "oppose ~ x + party", family="binomial")
    with pytest.raises(UnknownNameError, match="No column 'party'"):
        fit.predict(pd.DataFrame({"x": [1.0]}))
    with pytest.raises(UnknownNameError, match="No category of party 'Purple'"):
        fit.predict(pd.DataFrame({"x": [1.0], "party": ["Purple"]}))


def test_predictions_stay_inside_and_keep_what_was_learnt(poll):
    fit = sk.glm(poll, "oppose ~ poly(income, 3) + scale(x)", family="binomial")
    rows = poll.codes[["income", "x"]].iloc[[3, 77]]
    np.testing.assert_allclose(fit.predict(rows)["estimate"], fit.predict().iloc[[3, 77]]["estimate"], rtol=1e-9)
    frame = fit.predict()
    assert ((frame["ci_low"] > 0) & (frame["ci_high"] < 1) & (frame["ci_low"] < frame["estimate"])).all()


def test_texts(poll):
    fit = sk.glm(poll, "oppose ~ x", family="binomial")
    assert fit.summary().startswith("binomial (logit link): oppose ~ x\nn = 240, design df = 16, residual df = 15")
    assert "<table" in fit._repr_html_()
    assert (
        "<script>"
        not in sk.glm(_survey(y=Y, g=pd.Categorical(np.where(G == "a", "<script>", G))), "y ~ g")._repr_html_()
    )


def test_nothing_that_was_given_is_changed(poll):
    before = poll.codes.copy()
    sk.margins(sk.glm(poll, "oppose ~ x * party", family="binomial"), at={"x": 1})
    pd.testing.assert_frame_equal(poll.codes, before)


def test_categories_are_no_amount(poll):
    with pytest.raises(ArgumentError):
        sk.glm(poll, "party ~ x")


def test_no_reference_row_without_a_reference(poll):
    fit = sk.glm(poll, "income ~ party - 1")
    assert fit.frame(reference=True)["term"].tolist() == ["party[Red]", "party[Blue]", "party[Green]"]


def test_year_and_its_square_fit_three_years_exactly():
    year = 2020.0 + I % 3
    survey = _survey(y=X + (year - 2021) ** 2, year=year)
    curve, groups = (sk.glm(survey, f"y ~ {right}").deviance for right in ("year + I(year**2)", "C(year)"))
    np.testing.assert_allclose(curve, groups, rtol=1e-8)


def test_a_category_without_weight_is_left_out():
    survey = _survey(y=Y, g=pd.Categorical(G), w=np.where(G == "c", 0.0, 1.0)).with_design(weight="w")
    assert sk.glm(survey, "y ~ g", family="binomial").coef.keys["term"].tolist() == ["Intercept", "g[b]"]


def test_a_replicate_without_a_category_is_said():
    area = I // 12
    survey = _survey(y=X, g=pd.Categorical(np.where(area == 3, "rare", G)), area=area).with_design(psu="area")
    with pytest.raises(DesignError):
        sk.glm(survey.replicate("JKn"), "y ~ g")


def test_wald_beyond_the_sampling_units():
    group = np.array(list("abcdef"))[I * 5 % 6]
    survey = _survey(y=X, g=pd.Categorical(group), area=I // 80).with_design(psu="area")
    with pytest.raises(DesignError):
        sk.glm(survey, "y ~ g").wald("g")


def test_categories_are_no_offset(poll):
    with pytest.raises(ArgumentError):
        sk.glm(poll, "income ~ x + offset(party)")


def test_an_offset_keeps_what_it_learnt(poll):
    fit = sk.glm(poll, "income ~ x + offset(center(count))")
    both = fit.predict(pd.DataFrame({"x": [0.0, 0.0], "count": [1.0, 5.0]}))
    alone = fit.predict(pd.DataFrame({"x": [0.0], "count": [1.0]}))
    np.testing.assert_allclose(both["estimate"].iloc[0], alone["estimate"].iloc[0])


@pytest.mark.parametrize("value", [np.nan, np.inf, "many"])
def test_predict_needs_numbers(poll, value):
    with pytest.raises(InputError):
        sk.glm(poll, "income ~ x").predict(pd.DataFrame({"x": [value]}))


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("income ~ log(oppose)", r"'log\(oppose\)' is not finite"),
        ("income ~ x + offset(log(oppose))", "offset is not finite"),
    ],
)
def test_logarithm_of_zero(poll, formula, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        sk.glm(poll, formula)


def test_predict_checks_its_level(poll):
    with pytest.raises(ArgumentError):
        sk.glm(poll, "income ~ x").predict(pd.DataFrame({"x": [1.0]}), level=95)


def test_predict_needs_little_memory():
    import tracemalloc

    i = np.arange(2500)
    fit = sk.glm(_survey(y=i % 7.0, x=np.sin(i)), "y ~ x")
    tracemalloc.start()
    fit.predict()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_dispersion_ignores_rows_of_weight_zero(poll):
    formula = "income ~ x"
    extra = poll.codes.assign(w=np.where(I % 2 == 0, 1.0, 0.0)) if "w" not in poll.codes else poll.codes
    survey = sk.from_frame(extra, poll.codebook if "w" in poll.codes else None).with_design(weight="w")
    alone = sk.from_frame(survey.codes[survey.codes["w"] > 0].reset_index(drop=True)).with_design(weight="w")
    np.testing.assert_allclose(sk.glm(survey, formula).dispersion, sk.glm(alone, formula).dispersion, rtol=1e-10)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda fit: fit.with_level(3), "level=3 is not a confidence level"),
        (lambda fit: fit.predict({"x": [1]}), r"predict\(\) takes a DataFrame"),
    ],
)
def test_what_a_fit_refuses(poll, ask, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        ask(sk.glm(poll, "income ~ x"))


def test_an_offset_is_one_column(poll):
    with pytest.raises(ArgumentError, match="makes several columns"):
        sk.glm(poll, "income ~ x + offset(poly(count, 2))")


def test_a_spline_outside_its_knots_is_refused_in_our_words(poll):
    fit = sk.glm(poll, "income ~ bs(x, df=4)")
    with pytest.raises(ArgumentError, match="cannot be computed there"):
        fit.predict(pd.DataFrame({"x": [1e6]}))
