"""A population in place of targets: the column of numbers is found by its name, and never made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, TargetError, UnknownNameError
from survey_kit.weighting import poststratify, rake, targets_from

DF = pd.DataFrame({"sex": list("mmff") * 10, "age4": list("abcd") * 10})


@pytest.mark.parametrize("name", ["proportion", "share", "Percent", "weight", "Target"])
def test_parts_of_the_whole(name):
    population = pd.DataFrame({"sex": ["m", "f"], name: [30, 70]})
    for weights in (poststratify(DF, population, by="sex"), rake(DF, population)):
        np.testing.assert_allclose(weights.values[:3], [0.6, 0.6, 1.4])
        assert str(weights.notices[0]) == f"Targets of 'sex' are from a population of 2 rows with numbers in '{name}'."


@pytest.mark.parametrize(
    "name", ["N", "n", "freq", "Freq", "FREQ", "Count", "pop", "Population", "total", "people", "frequency"]
)
def test_counts(name):
    population = pd.DataFrame({"sex": ["m", "f"], name: [30, 70]})
    for weights in (poststratify(DF, population, by="sex"), rake(DF, population)):
        np.testing.assert_allclose(weights.values[:3], [1.5, 1.5, 3.5])  # counts, though they sum to 100
    shares = rake(DF, pd.DataFrame({"sex": ["m", "f"], name: [0.3, 0.7]}))
    np.testing.assert_allclose(shares.values[:3], [0.6, 0.6, 1.4])


@pytest.mark.parametrize("verb", [rake, lambda d, p: poststratify(d, p, by="sex")])
def test_numbers_under_another_name_are_asked_for(verb):
    population = pd.DataFrame({"sex": ["m", "f"], "value": [0.3, 0.7]})
    with pytest.raises(TargetError, match=r"Which column of the population holds the numbers\? .*weight='value'"):
        verb(DF, population)
    with pytest.raises(TargetError, match="no two of them alike in 'sex', and no column of numbers"):
        verb(DF, population[["sex"]])
    with pytest.raises(TargetError, match="2 columns of the population may hold the numbers: 'n', 'N'"):
        verb(DF, population[["sex"]].assign(n=1, N=2))
    with pytest.raises(TargetError, match="'share' sum to 2: shares of one population sum to 1"):
        verb(DF, population[["sex"]].assign(share=1.0))


def test_a_key_under_another_name_is_not_summed_over():
    cells = pd.DataFrame({"sex": list("mfmf"), "agegrp": list("aabb"), "n": [3, 4, 5, 6]})
    with pytest.raises(TargetError, match="a column 'agegrp', which the data do not have; they have 'age4'"):
        rake(DF, cells)
    told = poststratify(DF, cells, by="sex").notices
    assert str(told[0]).endswith("with numbers in 'n'. Not among `by`, unused: 'agegrp'.")


def test_cells_are_not_tabulated_as_people():
    cells = pd.DataFrame({"sex": ["m", "f"], "people": [1, 3]})
    with pytest.raises(ArgumentError, match=r"The reference has a column 'people'.*weight='people'"):
        targets_from(cells, ["sex"])
    crossed = pd.DataFrame({"sex": list("mmff"), "age4": list("abab"), "value": [1, 2, 3, 4]})
    with pytest.raises(
        ArgumentError, match=r"no two rows with the same categories, as a table of cells.*weight='value'"
    ):
        targets_from(crossed, ["sex"])
    people = pd.DataFrame({"id": list("abcd"), "sex": list("mmfm"), "income": [1, 2, 3, 4]})
    assert targets_from(people, ["sex"]).table["target"].tolist() == [0.25, 0.75]
    with pytest.raises(UnknownNameError, match="No column 'sex'"):
        poststratify(DF, cells[["people"]], by="sex")
    assert targets_from(cells[["sex"]], ["sex"]).table["target"].tolist() == [0.5, 0.5]
    assert targets_from(DF.assign(income=1), ["sex"]).table["target"].tolist() == [0.5, 0.5]
    for twice in (["sex", "sex"], [("sex", "age4"), ("age4", "sex")], [("sex", "sex")]):
        with pytest.raises(ArgumentError, match="twice"):
            targets_from(DF, twice)


def test_categories_stand_in_their_order():
    ages = ["30-44", "18-29", "45+"]
    assert targets_from(pd.DataFrame({"a": ages}), ["a"]).table["category"].tolist() == sorted(ages)
    ordered = pd.Series(pd.Categorical(list("zya"), categories=list("zya")))
    assert targets_from(pd.DataFrame({"a": ordered}), ["a"]).table["category"].tolist() == list("zya")
    assert targets_from(pd.DataFrame({"a": [10, 9, 2]}), ["a"]).table["category"].tolist() == ["2", "9", "10"]
    book = sk.Codebook({"v": sk.Variable("v", labels={1: "Yes", 2: "Yes", 3: "No"})})
    poll = sk.from_frame(pd.DataFrame({"v": [3, 2, 1]}), book)
    assert targets_from(poll, ["v"]).table["category"].tolist() == ["Yes [1]", "Yes [2]", "No"]


def test_a_survey_is_no_targets_yet():
    with pytest.raises(ArgumentError, match=r"targets is a survey: .*targets_from\(survey, "):
        rake(DF, sk.from_frame(DF))
