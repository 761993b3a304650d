"""From study.yml and microdata to a report: whole or not at all, the same bytes each time, nothing private in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ConfigError, OutputError
from survey_kit.reports.load import load_study
from survey_kit.reports.manifest import sha256
from survey_kit.reports.prepare import prepare
from survey_kit.reports.progress import Silent
from survey_kit.reports.run import check
from survey_kit.results.combine import only_answer, only_nets, stacked, with_nets

ROOT = Path(__file__).resolve().parents[2]
GEORGIA = ROOT / ".." / "shared" / "data" / "microdata" / "CRRC_Omnibus_Wave13.dta"
CANARY = "canary-7719"

STUDY = """\
study:
  id: small
  title: "{{ prop('vote', 'Yes') }} say yes"
  source: A small poll
data: {file: poll.sav}
missing:
  trust: [9]
recode:
  - bands: age
    breaks: [18, 45]
    name: age2
    label: Age
  - net: vote
    answers: ["Yes"]
    name: yes
    label: Says yes
    missing: zero
  - scale: [a, b, c]
    name: index
    label: Index
design: {weight: w}
weighting:
  targets: {sex: {Male: 0.48, Female: 0.52}}
summary: "Of {{ n() }} people {{ prop('vote', 'Yes') }} say yes ({{ ci('vote', 'Yes') }}); odds {{ odds('index') }}."
key_figures:
  - {value: "{{ prop('vote', 'Yes') }}", label: say yes}
questions:
  - {ask: vote, net: {Sure: [1, 2]}}
  - {ask: trust, title: A title of its own}
batteries:
  - {name: items, items: [a, b, c], net: {agree: [4, 5]}}
subgroups:
  - {outcome: yes, by: [sex, age2]}
model:
  formula: yes ~ index + C(sex) + C(age2)
"""


def poll(labels: dict[int, str] | None = None) -> sk.Survey:
    """400 respondents, nothing random about them."""
    n = np.arange(400)
    wave = (n * 37) % 101
    frame = pd.DataFrame(
        {
            "vote": np.where(wave < 60, 1, np.where(wave < 90, 2, 3)),
            "trust": np.where(n % 20 == 0, 9, 1 + n % 4),
            "sex": 1 + n % 2,
            "age": 18 + (n * 7) % 60,
            "w": 1 + (n % 5) / 10,
            "a": 1 + (n * 3 + wave // 20) % 5,
            "b": 1 + (n * 3 + wave // 25) % 5,
            "c": 1 + (n * 3 + wave // 33) % 5,
            "comment": [f"{CANARY} {i}" for i in n],
        }
    ).astype({c: float for c in ("vote", "trust", "sex", "age", "a", "b", "c")})
    made = sk.from_frame(frame)
    scale = {1: "Never", 2: "Seldom", 3: "Sometimes", 4: "Often", 5: "Always"}
    for name, words in {
        "vote": labels or {1: "Yes", 2: "No", 3: "Perhaps"},
        "sex": {1: "Male", 2: "Female"},
        "trust": {1: "Much", 2: "Some", 3: "Little", 4: "None", 9: "Don't know"},
        "a": scale,
        "b": scale,
        "c": scale,
    }.items():
        made = made.relabel(name, labels=words, question=f"What do you think of {name}?", label=f"View of {name}")
    return made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one small study; the working directory."""
    folder = tmp_path / "studies" / "small"
    folder.mkdir(parents=True)
    (folder / "study.yml").write_text(STUDY, encoding="utf-8")
    poll().save(folder / "poll.sav")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def _edit(project: Path, old: str, new: str) -> None:
    path = project / "studies" / "small" / "study.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_a_build_gives_every_output_and_the_same_bytes_again(project: Path) -> None:
    steps: list[str] = []

    class Heard:
        def step(self, name: str, number: int, of: int) -> None:
            steps.append(f"{number}/{of}")

    result = sk.build("studies/small/study.yml", out="reports", progress=Heard())
    first = _files(project / "reports" / "small")
    assert Path(result) == Path("reports/small")
    assert result.microdata == Path("data/processed/small.sav")
    assert steps == [f"{i}/10" for i in range(1, 11)]
    assert {"report.html", "report.pdf", "manifest.json"} <= set(first)
    names = {"vote", "trust", "items", "yes-by-group", "model", "model-effects", "weighting"}
    assert {f"charts/{n}.{e}" for n in names for e in ("svg", "png")} <= set(first)
    assert {f"tables/{n}.csv" for n in names} | {f"tables/{n}-table.csv" for n in ("vote", "items")} <= set(first)
    saved = Path("data/processed/small.sav").read_bytes()

    os.chdir(project.parent)
    again = sk.build(project / "studies/small/study.yml", out=project / "elsewhere")
    assert _files(again.folder) == first
    assert (project.parent / "data/processed/small.sav").read_bytes() == saved


def test_the_manifest_lists_inputs_versions_and_files_without_paths(project: Path) -> None:
    result = sk.build("studies/small/study.yml")
    text = (result.folder / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert manifest["study"] == "small"
    assert [f["name"] for f in manifest["inputs"]] == ["study.yml", "poll.sav"]
    assert manifest["inputs"][1]["sha256"] == sha256(project / "studies/small/poll.sav")
    assert manifest["versions"]["survey_kit"] == sk.__version__
    assert "pandas" in manifest["versions"]
    assert manifest["microdata"] == {"name": "data/processed/small.sav", "sha256": sha256(result.microdata)}
    there = {k: v for k, v in _files(result.folder).items() if k != "manifest.json"}
    assert set(manifest["files"]) == set(there)
    assert all(manifest["files"][name] == sha256(result.folder / name) for name in there)
    assert str(project) not in text
    assert os.environ.get("USER", "\0") not in text


def test_nothing_private_and_no_path_is_in_the_report(project: Path) -> None:
    result = sk.build("studies/small/study.yml")
    for name, content in _files(result.folder).items():
        assert CANARY.encode() not in content, name
        assert str(project).encode() not in content, name


def test_titles_and_methods_are_in_the_page(project: Path) -> None:
    page = (sk.build("studies/small/study.yml").folder / "report.html").read_text(encoding="utf-8")
    for words in (
        "60% say yes",
        "A title of its own",
        "What do you think of vote?",
        "not supplied",
        "including a design",
    ):
        assert words in page, words
    assert "Build again: survey-kit build studies/small/study.yml" in page
    assert "SYNTHETIC" not in page


def test_synthetic_data_are_marked_on_page_chart_and_table(project: Path) -> None:
    _edit(project, "  source: A small poll", "  source: A small poll\n  synthetic: Every answer is made up.")
    folder = sk.build("studies/small/study.yml").folder
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Every answer is made up." in page
    assert "SYNTHETIC DATA" in page
    charts = list((folder / "charts").glob("*.svg"))
    assert charts
    assert all("SYNTHETIC" in c.read_text(encoding="utf-8") for c in charts)


def test_weighted_microdata_carry_the_weight_and_every_row(project: Path) -> None:
    result = sk.build("studies/small/study.yml")
    back = sk.read(result.microdata)
    assert len(back.codes) == 400
    assert {"weight", "yes", "index", "age2"} <= set(back.codes)
    shares = back.codes.groupby("sex")["weight"].sum() / back.codes["weight"].sum()
    assert shares.round(9).to_dict() == {1.0: 0.48, 2.0: 0.52}


def test_outputs_that_are_not_wanted_are_not_written(project: Path) -> None:
    _edit(
        project,
        "data: {file",
        "outputs: {html: false, pdf: false, png: false, csv: false, microdata: false}\ndata: {file",
    )
    result = sk.build("studies/small/study.yml")
    assert {p.suffix for p in result.files} == {".svg", ".json"}
    assert result.microdata is None
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{ask: vote,", "{ask: vot,", "questions.1: No column 'vot'. Did you mean 'vote'?"),
        (
            "by: [sex, age2]",
            "by: [sex, age3]",
            "subgroups.1: No column 'age3'. Did you mean",
        ),
        (
            "prop('vote', 'Yes') }} say",
            "prop('vote', 'Yse') }} say",
            "study.title: The expression cannot",
        ),
        ("odds('index')", "odds('x')", "summary.1: The expression cannot be computed: The model has no term 'x'"),
        (
            "breaks: [18, 45]",
            "breaks: [45, 18]",
            "recode.1: Breaks for 'age' must be rising numbers",
        ),
        ("{Sure: [1, 2]}", "{Sure: [1, 7]}", "questions.1: No answer '7'"),
        ("{Sure: [1, 2]}", "{Perhaps: [1, 2]}", "questions.1: 'Perhaps' is an answer of 'vote' already"),
        ("design: {weight: w}", "design: {weight: wt}", "design: No column 'wt'. Did you mean"),
        ("yes ~ index", "yess ~ index", "model.formula: "),
        ("{file: poll.sav}", "{file: ../../../../etc/passwd}", "leads out of the project"),
    ],
)
def test_mistakes_that_only_the_data_show_have_a_line_too(project: Path, old: str, new: str, said: str) -> None:
    _edit(project, old, new)
    lines = (project / "studies" / "small" / "study.yml").read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if new in text)
    with pytest.raises(ConfigError) as caught:
        sk.build("studies/small/study.yml")
    begin = 9 if said.startswith("recode") else line  # a step of several lines is named by its first
    assert str(caught.value).startswith(f"study.yml, line {begin}, ")
    assert said in str(caught.value)
    assert not any(Path("reports").iterdir()), "no half-written report"


def test_a_failed_build_leaves_the_old_report(project: Path) -> None:
    before = _files(sk.build("studies/small/study.yml").folder)
    saved = Path("data/processed/small.sav").read_bytes()
    _edit(project, 'say yes"', "say {{ diff('yes', 'Yes', 'sex', 'Male', 'Female') }}\"")
    with pytest.raises(ConfigError, match="do not clearly differ"):
        sk.build("studies/small/study.yml")
    assert _files(Path("reports/small")) == before
    assert Path("data/processed/small.sav").read_bytes() == saved
    assert [p.name for p in Path("reports").iterdir()] == ["small"]


def test_a_folder_that_is_no_report_is_left_alone(project: Path) -> None:
    mine = Path("reports/small")
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="not an earlier report of this study"):
        sk.build("studies/small/study.yml")
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "mine"
    (mine / "thesis.txt").unlink()
    mine.rmdir()
    (project / "other").mkdir()
    mine.symlink_to(project / "other")
    with pytest.raises(OutputError, match="symbolic link"):
        sk.build("studies/small/study.yml")


def test_labels_of_a_stranger_stay_text(project: Path) -> None:
    evil = {1: "Yes", 2: "<script>alert(1)</script>", 3: "{{ n() }} $x^2$ #[link]"}
    poll(evil).save(project / "studies/small/poll.sav")
    page = (sk.build("studies/small/study.yml").folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "{{ n() }}" in page


def test_data_are_taken_as_a_parameter(project: Path) -> None:
    _edit(project, "data: {file: poll.sav}\n", "")
    with pytest.raises(ConfigError, match="Give one with --data PATH"):
        sk.build("studies/small/study.yml")
    elsewhere = project.parent / "moved.sav"
    (project / "studies/small/poll.sav").rename(elsewhere)
    page = (sk.build("studies/small/study.yml", data=elsewhere).folder / "report.html").read_text(encoding="utf-8")
    assert "--data moved.sav" in page
    assert str(elsewhere) not in page


def test_nets_and_stacks_have_the_errors_of_sums_and_joint_estimates() -> None:
    survey = poll().with_design(weight="w")
    both = sk.proportion(survey, ["a", "b"])
    apart = stacked([sk.proportion(survey, "a"), sk.proportion(survey, "b")])
    np.testing.assert_allclose(apart.vcov().to_numpy(), both.vcov().to_numpy(), rtol=1e-12, atol=1e-18)
    net = only_nets(sk.proportion(survey, "a"), {"high": ["Often", "Always"]})
    direct = only_answer(sk.proportion(survey.recode(high=sk.net("a", [4, 5])), "high"), "Yes")
    for column in ("estimate", "se", "ci_low", "ci_high"):
        np.testing.assert_allclose(net.frame()[column], direct.frame()[column], rtol=1e-12)
    assert with_nets(both, {}) is both


def _prepared(project: Path, more: str) -> sk.Survey:
    text = f"study: {{id: small, title: A}}\ndata: {{file: poll.sav}}\n{more}"
    path = project / "studies" / "small" / "other.yml"
    path.write_text(text, encoding="utf-8")
    return prepare(load_study(path), None, Silent()).survey


def test_missing_codes_for_all_variables_and_for_one(project: Path) -> None:
    survey = _prepared(project, 'missing:\n  "*": [9, 5]\n  a: []\n')
    assert survey["trust"].missing.values == (9, 5)
    assert survey["b"].missing.values == (9, 5)
    assert survey["a"].missing.values == (), "an entry of its own replaces the one for all"
    assert survey["age"].missing is None, "a variable that labels none of the codes is left alone"
    assert any("Codes 9, 5 mean no answer in the 3 variables" in n.text for n in survey.notices)


def test_codes_like_dont_know_that_stay_answers_are_named(project: Path) -> None:
    assert any("trust (9)" in n.text for n in _prepared(project, "").notices)
    assert not any("trust" in n.text for n in _prepared(project, "missing: {trust: [9]}\n").notices)


def test_labels_and_wording_that_the_file_lacks(project: Path) -> None:
    survey = _prepared(project, "variables:\n  vote: {label: Vote, labels: {1: Aye}, measure: ordinal}\n")
    variable = survey["vote"]
    assert (variable.label, variable.measure) == ("Vote", "ordinal")
    assert dict(variable.labels) == {1: "Aye", 2: "No", 3: "Perhaps"}
    assert variable.question == "What do you think of vote?", "a new label does not take the wording away"


@pytest.mark.parametrize("name", ["targets.csv", "targets.yml"])
def test_targets_from_a_file_and_only_some_of_them(project: Path, name: str) -> None:
    folder = project / "studies" / "small"
    rows = "variable,category,target\nsex,1,0.3\nsex,2,0.7\ntrust,1,1.0\n"
    (folder / "targets.csv").write_text(rows, encoding="utf-8")
    (folder / "targets.yml").write_text("sex: {1: 0.3, 2: 0.7}\ntrust: {1: 1.0}\n", encoding="utf-8")
    survey = _prepared(project, f"weighting: {{targets: {name}, variables: [sex]}}\n")
    assert survey.codes.groupby("sex")["weight"].mean().round(9).to_dict() == {1.0: 0.6, 2.0: 1.4}
    with pytest.raises(ConfigError, match=r"line 3, weighting.variables.1: The targets hold no variable 'sexx'"):
        _prepared(project, f"weighting: {{targets: {name}, variables: [sexx]}}\n")


def test_bounds_on_weights_are_kept(project: Path) -> None:
    survey = _prepared(
        project, "weighting: {targets: {sex: {1: 0.3, 2: 0.7}, age: {}}, variables: [sex], upper: 1.4}\n"
    )
    assert survey.weight.max() <= 1.4 * survey.weight.mean() * (1 + 1e-9)


def test_a_condition_with_an_unknown_name_has_its_line(project: Path) -> None:
    _edit(project, "{ask: trust, title", "{ask: trust, where: 'agee > 20', title")
    with pytest.raises(ConfigError, match=r"questions\.2: No column 'agee'"):
        sk.build("studies/small/study.yml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "questions: [{ask: q2, net: {A: [1]}}]",
            "'q2' is a multiple-response set; net is for single-choice questions",
        ),
        ("questions: [{ask: q2, missing: show}]", "'q2' is a multiple-response set; missing: \"show\" is for single"),
        ("variables: {q2: {measure: ordinal}}", "'q2' is a multiple-response set and has no measure"),
    ],
)
def test_options_that_mean_nothing_for_a_set_are_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yml"
    path.write_text(f"study: {{id: a, title: A}}\n{text}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        check(path, ROOT / "data" / "raw" / "kazakhstan-2022-12" / "kazakhstan-2022-12.sav")
    assert str(caught.value).startswith("study.yml, line 2, ")
    assert said in str(caught.value)


def test_the_founding_study_gives_the_published_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = ROOT / "studies" / "kazakhstan-2022-12" / "study.yml"
    folder = sk.build(study, out=tmp_path / "reports").folder
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "38% oppose the influx" in page
    assert "30% agree that Russian supporters" in page
    assert "SYNTHETIC DATA" in page
    assert (folder / "report.pdf").stat().st_size > 50_000


def test_a_real_survey_that_nobody_here_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not GEORGIA.is_file():
        pytest.skip("the Georgian omnibus is not there")
    monkeypatch.chdir(tmp_path)
    result = sk.build(ROOT / "studies" / "georgia-2022-08" / "study.yml", out="reports", data=GEORGIA)
    back = sk.read(result.microdata)
    assert len(back.codes) == 1244
    assert back["uw4"].missing is not None
    assert -1 in back["uw4"].missing
    assert "weight_2" not in back.codes, "the weight is used as given"
    assert load_study(ROOT / "studies" / "georgia-2022-08" / "study.yml").study.data.file is None


def test_data_without_labels_take_them_from_a_codebook(project: Path) -> None:
    folder = project / "studies" / "small"
    poll().save(folder / "poll.csv")
    poll().codebook.save(folder / "codebook.yml")
    _edit(project, "data: {file: poll.sav}", "data: {file: poll.csv, codebook: codebook.yml}")
    prepared = prepare(load_study(folder / "study.yml"), None, Silent())
    assert prepared.survey["vote"].labels == {1: "Yes", 2: "No", 3: "Perhaps"}
    assert prepared.survey["vote"].question == "What do you think of vote?"
    assert [p.name for p in prepared.inputs] == ["study.yml", "poll.csv", "codebook.yml"]
    _edit(project, "codebook: codebook.yml", "codebook: ../../../elsewhere.yml")
    with pytest.raises(ConfigError, match=r"data.codebook: '../../../elsewhere.yml' leads out of the project"):
        prepare(load_study(folder / "study.yml"), None, Silent())
