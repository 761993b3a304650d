"""Weights as tables: the margins before and after, and the chain of steps."""

from __future__ import annotations

import pytest
from support.weights import targets_of, weights_by_hand, with_number

import survey_kit as sk
from survey_kit.errors import ArgumentError, UnsupportedOption
from survey_kit.schema import Notice

SEX = [("sex", "Men", 0.6, 0.48, 0.49), ("sex", "Women", 0.4, 0.52, 0.51)]


def test_margins_before_and_after():
    table = sk.table(weights_by_hand(SEX, [0.5, 1.5], titles={"sex": "Sex"}, notices=(Notice("x", "A note."),)))
    assert table.frame().to_numpy().tolist() == [
        ["Sex", "", "", "", "", ""],
        ["Men", "100", "60.0", "48.0", "49.0", "+1.0"],
        ["Women", "100", "40.0", "52.0", "51.0", "−1.0"],
    ]
    assert [row.kind for row in table.rows] == ["group", "body", "body"]
    assert table.rows[1].cells[5].value == pytest.approx(0.01)
    assert table.notes == (
        "2 respondents; weights from 0.50 to 1.50, median 1.00; design effect of weighting 1.25, effective sample size 2.",
        "A note.",
    )


def test_numbers_stand_last_in_their_own_units():
    margins = with_number(targets_of(SEX), "age", "mean", 41.25, 42.0, 42.42).iloc[[2, 0, 1]]
    table = sk.table(weights_by_hand(margins))
    assert table.frame().to_numpy().tolist()[3:] == [
        ["Means and totals", "", "", "", "", ""],
        ["age, mean", "200", "41.25", "42.00", "42.42", "+1.0%"],
    ]
    assert table.rows[-1].cells[2].value == 41.25
    assert table.notes[0] == "Means and totals are in their own units; their gaps are in percent of the target."
    assert "own units" not in " ".join(sk.table(weights_by_hand(SEX)).notes)


def test_the_chain_of_steps():
    first = weights_by_hand((), [2.0, 2.0, 4.0, 0.0], method="nonresponse")
    last = weights_by_hand(SEX, [1.0, 3.0, 4.0, 0.0], before=first, notices=(Notice("x", "A note."),))
    table = sk.table(last.steps, title="How the weights were made")
    assert table.title == "How the weights were made"
    assert table.frame().to_numpy().tolist() == [
        ["base", "3", "3.00", "1.00", "1.00", "1.00", "1.00", "3", "-"],
        ["nonresponse", "3", "8.00", "2.00", "2.00", "4.00", "1.13", "3", "-"],
        ["rake", "3", "8.00", "1.00", "3.00", "4.00", "1.22", "2", "1.0"],
    ]
    assert table.rows[2].cells[6].value == pytest.approx(1.21875)
    assert table.notes == ("A note.",)
    assert sk.table(last.steps, digits=3).rows[1].cells[6].text == "1.125"


def test_weights_without_targets_are_their_steps():
    made = weights_by_hand((), [1.0, 2.0], method="normalize")
    assert sk.table(made).frame()["step"].tolist() == ["base", "normalize"]


def test_options_without_a_meaning_and_other_tuples_are_refused():
    made = weights_by_hand(SEX)
    for asked in (made, made.steps):
        with pytest.raises(UnsupportedOption, match="percent=True has no meaning for weights"):
            sk.table(asked, percent=True)
    for wrong in ((), (made, 1)):
        with pytest.raises(ArgumentError, match="A table cannot be made from tuple"):
            sk.table(wrong)


def test_labels_are_only_text():
    label = "<script>alert(1)</script>"
    rows = [(label, label, 0.6, 0.48, 0.49), (label, "=cmd()", 0.4, 0.52, 0.51)]
    made = weights_by_hand(rows, titles={label: label}, method=label)
    for table in (sk.table(made), sk.table(made.steps)):
        assert "<script>alert" not in table.to_html()
    assert "'=cmd()" in sk.table(made).to_csv()
