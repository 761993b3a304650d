"""Percentages as Pew's get_totals gives them, from the shared reference."""

from __future__ import annotations

import pandas as pd
import pytest
from support.reference import assert_close, entries, needs_shared, survey_for

import survey_kit as sk

pytestmark = needs_shared
PEW = {e["id"]: e for e in entries("pew")}


def test_percentages_by_a_group_and_in_total():
    entry = PEW["pew_totals"]
    poll, rows = survey_for(entry), pd.DataFrame(entry["result"]["rows"]).set_index("q1")
    by = sk.proportion(poll, "q1", by="party").frame()
    checked = 0
    for party, part in by.groupby("party", observed=True):
        expected = rows.loc[part["answer"].astype(str), party]
        assert_close(100 * part["estimate"], expected, 1e-8)
        checked += 1
    assert checked == rows.shape[1] - 2
    total = sk.proportion(poll, "q1").frame()
    assert_close(100 * total["estimate"], rows.loc[total["answer"].astype(str), "Total"], 1e-8)


@pytest.mark.parametrize("column", ["weight", "unweighted"])
def test_percentages_with_the_missing_as_an_answer(column):
    entry = PEW["pew_totals_na"]
    data = pd.DataFrame(survey_for(entry).data)
    data = data.assign(partyln=data["partyln"].astype(object).fillna("(Missing)"))
    poll = sk.from_frame(data, own_sample=True).with_design(weight="weight" if column == "weight" else None)
    expected = pd.DataFrame(entry["result"]["rows"]).set_index("partyln")[column]
    found = sk.proportion(poll, "partyln").frame()
    assert len(found) == len(expected)
    assert_close(100 * found["estimate"], expected[found["answer"].astype(str)], 1e-8)
