"""Codebooks of real and hostile files that may lie beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_kit.codebook_view import SurveyCodebook
from survey_kit.design.design import Design
from survey_kit.io import read_file

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / ".." / "shared"


def _told(path: Path, weight: str | None = None) -> SurveyCodebook:
    if not path.exists():
        pytest.skip(f"{path.name} is not there")
    contents = read_file(path)
    return SurveyCodebook.of(contents.codebook, contents.codes, Design(weight=weight))


def test_kazakhstan() -> None:
    told = _told(ROOT / "data" / "raw" / "kazakhstan-2022-12" / "kazakhstan-2022-12.sav", "basewt")
    frame = told.frame().set_index("name")
    assert len(frame) == 53
    assert frame.loc["q1", ["type", "n", "missing_n", "missing"]].tolist() == ["single choice", 1008, 92, "98, 99"]
    assert frame.loc["q2", ["type", "n"]].tolist() == ["multiple response", 397]
    assert frame.loc[["id", "interviewer"], "type"].tolist() == ["identifier", "identifier"]
    assert frame.loc["phones", "type"] == "number"
    q1 = told.categories("q1")
    assert q1["n"].tolist() == [104, 201, 306, 222, 175, 74, 18]
    assert q1["percent"].sum() == pytest.approx(100)
    assert list(told.find("пересел мигр").only([])) == []
    assert "q1" in told.find("против приезда")


def test_bes_flags_what_reads_like_dont_know() -> None:
    told = _told(SHARED / "data" / "microdata" / "BES_W25_scgUtils_survey.sav", "wt")
    frame = told.frame().set_index("name")
    assert (
        frame.loc["turnoutUKGeneral", "flag"] == "Reads like no answer and is not declared missing: 9999 (Don't know)."
    )
    assert frame.loc["id", ["type", "n"]].tolist() == ["identifier", 5000]
    assert told.categories("turnoutUKGeneral")["n"].tolist() == [288, 68, 137, 393, 4004, 110]


def test_anes_age_has_no_mean_until_missing_codes_are_declared() -> None:
    told = _told(SHARED / "data" / "r" / "labelled" / "anes2020_full_labelled.sav")
    frame = told.frame().set_index("name")
    assert frame["mean"].isna()["V201507x"]
    assert frame.loc["Age", "mean"] == pytest.approx(51.828887, abs=1e-6)


@pytest.mark.parametrize(
    "name", ["C06_all_missing_columns.sav", "C09_injection_labels.sav", "B17_zero_rows.sav", "C10_mrsets.sav"]
)
def test_hostile_files_make_a_page(name: str, tmp_path: Path) -> None:
    told = _told(SHARED / "hostile" / name)
    told.to_html(tmp_path / "book.html")
    told.to_xlsx(tmp_path / "book.xlsx")
    assert "<script>alert" not in (tmp_path / "book.html").read_text(encoding="utf-8")
    assert len(told.frame()) == len(told) + len(told.sets)
