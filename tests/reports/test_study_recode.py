"""The recodes of a study file: the same recipes as `poll.recode`, with the same words; the report says what was done."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ConfigError
from survey_kit.reports.load import load_study
from survey_kit.reports.methods import built
from survey_kit.reports.prepare import Prepared, prepare
from survey_kit.reports.progress import Silent

AGREE = {1: "Agree", 2: "Partly", 3: "Disagree", 9: "Don't know"}
TEXT = """\
study: {id: small, title: A small study}
data: {file: poll.csv}
"""
RECODE = """\
recode:
  - bands: age
    breaks: [18, 40]
    name: age2
  - collapse: q
    groups: {For: [Agree], Against: [2, 3]}
    name: q2
  - net: q
    answers: [Agree]
    name: pro
    label: In favour
    missing: zero
  - reverse: q
    name: q_r
  - reverse: age
    low: 0
    high: 120
    name: age_r
  - mapping: q
    codes: {"1": 30, Partly: 20, 3: null, 9: -1}
    missing: [-1]
    labels: {20: In between}
    name: q_m
  - mapping: town
    codes: {x: centre}
    other: rest
    name: place
  - cross: [age2, pro]
    name: cell
  - multiple_response: m*
    name: media
    label: Media
    question: Which do you use?
  - multiple_response: [c1, c2]
    counted: null
    name: firsts
  - net: media
    answers: [m1]
    name: tv
  - scale: [a, b]
    reverse: [b]
    name: index
"""


def poll() -> sk.Survey:
    codes = pd.DataFrame(
        {
            "q": [1, 2, 3, 9, 1, 2],
            "age": [20, 25, 39, 40, 60, 81],
            "town": ["x", "y", "x", "y", "x", "y"],
            "m1": [1, 0, 1, 0, 1, 1],
            "m2": [0, 0, 1, 1, 1, 0],
            "c1": [1, 2, 3, 1, 2, 3],
            "c2": [2, 3, 1, 2, 3, 1],
            "a": [1, 2, 3, 4, 5, 1],
            "b": [5, 4, 3, 2, 1, 4],
        }
    )
    book = Codebook({n: Variable(n) for n in codes})
    return sk.from_frame(codes, book.with_variable(Variable("q", "View", AGREE, MissingRule((9,)))))


def prepared(folder: Path, recode: str) -> Prepared:
    poll().save(folder / "poll.sav")
    path = folder / "study.yml"
    path.write_text(TEXT.replace("poll.csv", "poll.sav") + recode, encoding="utf-8")
    return prepare(load_study(path), None, Silent())


def test_every_recipe_as_in_python(tmp_path: Path) -> None:
    found = prepared(tmp_path, RECODE).survey
    made = poll().recode(
        age2=sk.bands("age", [18, 40]),
        q2=sk.collapse("q", {"For": ["Agree"], "Against": [2, 3]}),
        pro=sk.net("q", ["Agree"], missing="zero", label="In favour"),
        q_r=sk.reverse("q"),
        age_r=sk.reverse("age", low=0, high=120),
        q_m=sk.mapping("q", {1: 30, "Partly": 20, 3: None, 9: -1}, missing=[-1], labels={20: "In between"}),
        place=sk.mapping("town", {"x": "centre"}, other="rest"),
        cell=sk.cross("age2", "pro"),
        media=sk.multiple_response("m?", label="Media", question="Which do you use?"),
        firsts=sk.multiple_response(["c1", "c2"], counted=None),
        tv=sk.net("media", ["m1"]),
    )
    for name in ("age2", "q2", "pro", "q_r", "age_r", "q_m", "place", "cell", "tv"):
        assert found.codes[name].tolist() == pytest.approx(made.codes[name].tolist(), nan_ok=True), name
        assert dict(found[name].labels) == dict(made[name].labels), name
        assert found[name].missing == made[name].missing, name
        assert found[name].origin == made[name].origin != "", name
    assert found.codebook.sets == made.codebook.sets
    assert found.codes["index"].tolist() == [1, 2, 3, 4, 5, 1.5]


def test_the_report_says_how_variables_were_built(tmp_path: Path) -> None:
    rows = dict(built(prepared(tmp_path, RECODE)))
    assert rows["age2"] == "age in 2 bands: 18-39, 40+."
    assert rows["In favour"] == 'Yes where q is "Agree"; No otherwise, also where it is "Don\'t know". (q: View)'
    assert rows["Media"] == "One column for each answer: m1, m2."
    assert rows["View (q_r)"] == "q reversed (1 to 3). (q: View)"
    assert rows["firsts"] == "Several answers: c1, c2."
    assert rows["Media (tv)"] == 'Yes where media mentions "m1"; No otherwise.'
    assert rows["cell"] == "Combinations of age2 and pro. (pro: In favour)"
    assert "index" not in rows, "indices have a section of their own"


def test_it_stands_in_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path, "recode: [{reverse: q, name: q, label: View turned round}]\nquestions: [{ask: q}]\n")
    monkeypatch.chdir(tmp_path)
    page = (sk.build("study.yml").folder / "report.html").read_text(encoding="utf-8")
    assert "<dt>View turned round</dt><dd>q reversed (1 to 3).</dd>" in page
    assert page.count("How variables were built") >= 2
    path = tmp_path / "study.yml"
    path.write_text(TEXT.replace("csv", "sav") + "questions: [{ask: q}]\n", encoding="utf-8")
    plain = (sk.build("study.yml").folder / "report.html").read_text(encoding="utf-8")
    assert "How variables were built" not in plain


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{mapping: q, codes: {1: 2}, name: x}", "recode.1: The mapping of 'q' leaves codes uncovered: 2 ('Partly')"),
        ("{mapping: qq, codes: {1: 2}, name: x}", "recode.1: No column 'qq'. Did you mean 'q'?"),
        ("{mapping: q, codes: {nan: 2}, other: keep, name: x}", "recode.1: No label 'nan' in 'q'."),
        ("{mapping: q, codes: {1: true}, name: x}", "recode.1.codes.1: A code is a number or a text"),
        ("{reverse: age, name: x}", "recode.1: The labels of 'age' do not say where its scale begins and ends."),
        ("{reverse: age, hihg: 5, name: x}", "recode.1.hihg: There is no field 'hihg'. Did you mean 'high'?"),
        ("{scale: [a, b], revers: [b], name: x}", "There is no field 'revers'. Did you mean 'reverse'?"),
        ("{multiple_response: [m1, zz], name: x}", "recode.1: No column 'zz'."),
        ("{net: q, answers: [1], name: age}", "recode.1: There is a column 'age' already."),
        (
            "{indicator: q, answers: [1], name: x}",
            "A step needs one of these keys: bands, collapse, net, scale, reverse",
        ),
    ],
)
def test_mistakes_have_a_place(tmp_path: Path, step: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        prepared(tmp_path, f"recode:\n  - {step}\n")
    assert "study.yml, line 4, recode.1" in str(caught.value)
    assert said in str(caught.value)
