"""Tables of estimates: layout, rounding, signs, bases, notes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from survey_kit.errors import ArgumentError, UnsupportedOption
from survey_kit.tables import table

COLUMNS = ["variable", "region", "answer", "statistic", "estimate", "ci_low", "ci_high", "n", "n_weighted"]


def result(statistic: str = "proportion", **changes) -> pd.DataFrame:
    rows = [
        ("vote", "Almaty", "Yes", statistic, 0.12345, 0.1, 0.15, 400, 380.4),
        ("vote", "Almaty", "No", statistic, 0.87655, 0.85, 0.9, 400, 380.4),
        ("vote", "Astana", "Yes", statistic, 0.0004, 0.0001, 0.0125, 24, 40.6),
        ("vote", "Astana", "No", statistic, 0.9996, 0.9875, 0.9999, 24, 40.6),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).assign(se=0.01, df=99.0, deff=np.nan, flag="", **changes)


def texts(frame: pd.DataFrame, **options) -> list[list[str]]:
    return table(frame, **options).frame().to_numpy().tolist()


def test_proportions_by_group_are_answers_down_and_groups_across():
    made = table(result())
    assert [(c.group, c.label) for c in made.columns] == [
        ("", "Answer"), ("Almaty", "%"), ("Almaty", "CI"), ("Astana", "%"), ("Astana", "CI"),
    ]  # fmt: skip
    assert made.frame().to_numpy().tolist() == [
        ["Yes", "12.3", "10.0 to 15.0", "<0.1", "0.0 to 1.3"],
        ["No", "87.7", "85.0 to 90.0", "100.0", "98.8 to 100.0"],
        ["Unweighted base (n)", "400", "", "24 †", ""],
        ["Weighted base", "380", "", "41", ""],
    ]
    assert [row.kind for row in made.rows] == ["body", "body", "base", "base"]
    assert made.rows[0].cells[1].value == 0.12345
    assert made.rows[0].cells[2].limits == (0.1, 0.15)


def test_rounding_is_half_up_and_once():
    frame = result().iloc[:2].assign(estimate=[0.285, 0.0049], n=999)
    assert [row[1] for row in texts(frame, digits=0, interval=False)][:2] == ["29", "<1"]


def test_without_intervals_there_is_a_column_for_each_group():
    made = table(result(), interval=False, digits=0)
    assert [(c.group, c.label) for c in made.columns[1:]] == [("region, %", "Almaty"), ("region, %", "Astana")]
    assert not any("interval" in note for note in made.notes)


def test_without_groups_there_is_one_pair_of_columns():
    frame = result().iloc[:2].drop(columns="region")
    made = table(frame)
    assert [(c.group, c.label) for c in made.columns] == [("", "Answer"), ("", "%"), ("", "CI")]
    assert made.title == "vote"


def test_several_questions_stand_under_their_names():
    both = pd.concat([result(), result(variable="trust", n=90)], ignore_index=True)
    made = table(both, interval=False)
    assert [row.cells[0].text for row in made.rows if row.kind == "group"] == ["vote", "trust"]
    assert [row.kind for row in made.rows] == ["group", "body", "body", "base", "base"] * 2


def test_questions_on_one_base_state_it_once():
    both = pd.concat([result(), result(variable="trust")], ignore_index=True)
    kinds = [row.kind for row in table(both).rows]
    assert kinds == ["group", "body", "body", "group", "body", "body", "group", "base", "base"]
    assert table(both).rows[6].cells[0].text == "Base of every question"


def test_an_answer_that_a_group_lacks_is_a_dash():
    assert texts(result().iloc[:3], interval=False)[1] == ["No", "87.7", "-"]
    assert table(result().iloc[:3]).rows[1].cells[3].value is None


def test_a_missing_estimate_is_a_dash_without_a_value():
    made = table(result().assign(estimate=np.nan, ci_low=np.nan))
    assert made.rows[0].cells[1].text == made.rows[0].cells[2].text == "-"
    assert made.rows[0].cells[1].value is None
    assert made.rows[0].cells[2].limits is None


def test_a_base_that_varies_is_a_range():
    frame = result().assign(n=[400, 390, 24, 24])
    assert texts(frame, interval=False)[2] == ["Unweighted base (n)", "390 to 400", "24 †"]


def test_differences_of_proportions_are_points_with_a_sign():
    frame = result("difference", region="Almaty - Astana").drop_duplicates(["answer"])
    frame = frame.assign(estimate=[0.1235, -0.05])
    made = table(frame)
    assert made.columns[1].label == "Points"
    assert [row.cells[1].text for row in made.rows] == ["+12.4", "\u22125.0", "400", "380"]
    assert made.rows[2].cells[0].text == "Smaller unweighted base (n)"


def test_differences_of_other_numbers_are_numbers_with_a_sign():
    totals = result("difference").assign(estimate=[1200.5, -3.0, 0.0, 0.5])
    assert [row[1] for row in texts(totals, interval=False)][:2] == ["+1,200.50", "\u22123.00"]
    means = result("difference", answer="").drop_duplicates("region").assign(estimate=[0.5, -0.25])
    assert [row[1] for row in texts(means)] == ["+0.50", "\u22120.25"]
    assert [row[1] for row in texts(means, percent=True)] == ["+50.0", "\u221225.0"]


def test_means_are_a_row_for_each_group():
    frame = result("mean", answer="", estimate=45.675, ci_low=40.0, ci_high=1050.0).drop_duplicates("region")
    made = table(frame)
    assert [c.label for c in made.columns] == ["Region", "Mean", "CI", "n", "Weighted base"]
    assert made.frame().to_numpy().tolist() == [
        ["Almaty", "45.68", "40.00 to 1,050.00", "400", "380"],
        ["Astana", "45.68", "40.00 to 1,050.00", "24 †", "41"],
    ]


def test_several_means_without_groups_are_a_row_each():
    frame = result("mean", answer="").drop_duplicates("region").drop(columns="region")
    assert [row[0] for row in texts(frame.assign(variable=["age", "income"]))] == ["age", "income"]


def test_nested_groups_stand_under_the_outer_one():
    frame = result(answer="").assign(group=["a", "b", "c", "d"])
    made = table(frame.rename(columns={"region": "grouping"}))
    assert [(row.kind, row.cells[0].text) for row in made.rows] == [
        ("group", "Almaty"), ("body", "a"), ("body", "b"), ("group", "Astana"), ("body", "c"), ("body", "d"),
    ]  # fmt: skip
    assert made.columns[0].label == "Group"
    assert made.columns[1].label == "%"


def test_totals_are_whole_numbers():
    assert texts(result("total").assign(estimate=1234567.5), interval=False)[0][1] == "1,234,568"


def test_percent_shows_any_share_in_percent_and_can_be_refused():
    assert texts(result("mean"), percent=True, interval=False)[0][1] == "12.3"
    assert texts(result(), percent=False, interval=False)[0][1] == "0.12"


def test_symbols_are_explained_only_where_they_occur():
    assert any(note.startswith("†") for note in table(result()).notes)
    assert not any(note.startswith("†") for note in table(result(n=400)).notes)


def test_titles_notes_and_source_are_taken():
    made = table(result(), title="T", subtitle="S", notes="one", source="Poll")
    assert (made.title, made.subtitle, made.notes[0], made.source) == ("T", "S", "one", "Poll")
    assert table(result(), notes=["a", "b"]).notes[:2] == ("a", "b")
    assert table(result()).title == "vote by region"


def test_the_frame_is_not_changed():
    frame = result()
    before = frame.copy()
    table(frame)
    pd.testing.assert_frame_equal(frame, before)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_what_is_no_result_is_refused():
    with pytest.raises(
        ArgumentError, match=r"A table cannot be made from dict\. Give one of: Estimates, ModelFit, Weights"
    ):
        table({"a": 1})


def test_a_frame_without_the_schema_is_refused():
    with pytest.raises(
        ArgumentError, match=r"The frame has no column ci_low, n; a table needs the columns of Estimates"
    ):
        table(result().drop(columns=["ci_low", "n"]))


def test_an_empty_result_is_refused():
    with pytest.raises(ArgumentError, match=r"The result has no rows"):
        table(result().iloc[:0])


def test_mixed_statistics_are_refused():
    both = pd.concat([result(), result("mean")])
    with pytest.raises(ArgumentError, match=r"The result mixes proportion, mean\. Make one table for each statistic\."):
        table(both)


def test_two_rows_about_the_same_are_refused():
    both = pd.concat([result(), result()])
    with pytest.raises(ArgumentError, match=r"Two rows of the result are about vote, Almaty, Yes\. Keep one of them\."):
        table(both)


@pytest.mark.parametrize("digits", [-1, 1.5, True, 13, "2"])
def test_digits_are_a_small_whole_number(digits):
    with pytest.raises(ArgumentError, match=r"digits=.* is not available\. Give a whole number from 0 to 12\."):
        table(result(), digits=digits)


def test_exponentiate_is_for_models():
    with pytest.raises(UnsupportedOption, match=r"exponentiate=True has no meaning for estimates\. Leave it out\."):
        table(result(), exponentiate=True)
