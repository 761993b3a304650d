"""Study files: every mistake is named with file, line and field; nothing in a file can run, loop or escape."""

from __future__ import annotations

from pathlib import Path

import pytest

from survey_kit.errors import ConfigError, MissingFileError
from survey_kit.reports.expressions import check_text, render
from survey_kit.reports.load import load_study
from survey_kit.reports.reference import _walk, json_schema, reference
from survey_kit.reports.slugs import LONGEST, RESERVED, slug, slugs
from survey_kit.reports.yaml_nodes import parse_yaml, read_yaml

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = ROOT / ".." / "shared" / "hostile"

SMALL = "study: {id: small, title: A small study}\n"


def _write(folder: Path, text: str) -> Path:
    path = folder / "study.yml"
    path.write_text(text, encoding="utf-8")
    return path


def _problems(folder: Path, text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        load_study(_write(folder, text))
    assert all(name == "study.yml" for name, *_ in caught.value.problems)
    return [(line, field, said) for _, line, field, said in caught.value.problems]


def test_a_small_study_is_valid_and_says_nothing_else(tmp_path: Path) -> None:
    study = load_study(_write(tmp_path, SMALL)).study
    assert study.study.title == "A small study"
    assert study.weighting is None
    assert study.outputs.microdata == "data/processed/{id}.sav"


@pytest.mark.parametrize("name", ["kazakhstan-2022-12", "georgia-2022-08"])
def test_shipped_studies_are_valid(name: str) -> None:
    assert load_study(ROOT / "studies" / name / "study.yml").study.study.id == name


def test_all_mistakes_come_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    found = _problems(
        tmp_path,
        "study: {id: small, titel: A}\n"
        "recode:\n"
        "  - bands: age\n"
        "    breaks: [18, x]\n"
        "    nam: age4\n"
        "questions:\n"
        "  - title: no variable\n"
        "weighting: {targets: 5}\n",
    )
    assert [(line, field) for line, field, _ in found] == [
        (1, "study.title"),
        (1, "study.titel"),
        (3, "recode.1.name"),
        (4, "recode.1.breaks.2"),
        (5, "recode.1.nam"),
        (7, "questions.1.ask"),
        (8, "weighting.targets"),
    ]


def test_a_missing_field_is_named_with_what_it_is_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_study(_write(tmp_path, SMALL + "weighting:\n  upper: 3\n"))
    assert str(caught.value) == (
        "study.yml, line 3, weighting.targets: This field is required. It says: A CSV file (variable, category, "
        "target) or YAML file beside the study file, or variable -> category -> share."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weigthing: {targets: t.csv}", "There is no field 'weigthing'. Did you mean 'weighting'?"),
        ("questions: [{ask: q1, titel: x}]", "There is no field 'titel'. Did you mean 'title'?"),
        (
            "recode: [{net: q, answers: [1], name: o, mising: zero}]",
            "There is no field 'mising'. Did you mean 'missing'?",
        ),
        (
            "recode: [{band: age}]",
            "A step needs one of these keys: bands, collapse, net, scale, reverse, mapping, cross, mul",
        ),
        (
            "design: {lonely_psu: ignore}",
            "'adjust' or 'average'; there was 'ignore'",
        ),
        ("outputs: {html: perhaps}", "unable to interpret input; there was 'perhaps'"),
        ("outputs: {microdata: ../../x.sav}", "no leading '/' and no '..'; there was '../../x.sav'"),
        ("outputs: {microdata: /etc/x.sav}", "no leading '/' and no '..'"),
        ("missing: {q1: [true]}", "put quotes around true and false"),
        ("summary: [\"{{ prop('a' }}\"]", "The expression in braces cannot be read"),
        ("summary: \"{{ porp('a', 'b') }}\"", "There is no function 'porp'. Did you mean 'prop'?"),
        ("summary: \"{{ ''.__class__ }}\"", "Getattr is not allowed between braces"),
        ('summary: "{% for i in range(9) %}x{% endfor %}"', "Only {{ ... }} is allowed"),
        ('summary: "{{ n() * 1000 }}"', "Mul is not allowed between braces"),
        ('summary: "{{ cycler }}"', "'cycler' is not a function call"),
    ],
)
def test_one_mistake_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    ((line, field, sentence),) = _problems(tmp_path, f"{SMALL}{text}\n")
    assert line == 2
    assert field
    assert said in sentence


@pytest.mark.parametrize("bad", ["Con", "con", "a b", "../x", "", "ы", "nul"])
def test_an_id_is_a_safe_folder_name(tmp_path: Path, bad: str) -> None:
    ((line, field, _),) = _problems(tmp_path, f'study: {{id: "{bad}", title: A}}\n')
    assert (line, field) == (1, "study.id")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: &x 2\n", 2, "The anchor '&x' is not available"),
        ("a: *x\n", 1, "not available"),
        ("a: !!python/name:os.system\n", 1, "The tag"),
        ("a: {<<: 1}\n", 1, "The merge key '<<'"),
        ("a: 1\nb: 2\na: 3\n", 3, "This key was given on line 1 already"),
        ("a:\n\t- b\n", 2, "A tab stands in the indentation"),
        ("a: 'x\x00y'\n", 1, "U+0000"),
        ('a: "x\\0y"\n', 1, "U+0000"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("? [a]\n: 1\n", 1, "A key must be a word"),
        ("a: [1\nb: 2\n", 2, "Correct the YAML"),
        ("{a: " * 60 + "1" + "}" * 60, 1, "more than 50 levels"),
    ],
)
def test_yaml_that_is_refused(text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, Path("study.yml"))
    ((_, found, _, sentence),) = caught.value.problems
    assert found == line
    assert said in sentence


def test_alias_bombs_and_big_files_are_refused_quickly(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    with pytest.raises(ConfigError, match="anchor '&a'"):
        parse_yaml(bomb, Path("study.yml"))
    with pytest.raises(ConfigError, match="1,000,000"):
        read_yaml(_write(tmp_path, "# " + "x" * 1_000_001))
    path = tmp_path / "latin.yml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=r"latin.yml, line 2: The text is not UTF-8"):
        read_yaml(path)


def test_keys_are_text_and_numbers_are_numbers() -> None:
    node = parse_yaml(
        "reg: {no: 0.5, yes: 0.5}\nage: {18-29: 0.2, 012: 1, 1e3: 2}\nv: [007, 1e3, .inf, true, ~, '1']", Path("t")
    )
    assert node.plain() == {
        "reg": {"no": 0.5, "yes": 0.5},
        "age": {"18-29": 0.2, "012": 1, "1e3": 2},
        "v": ["007", 1000.0, ".inf", True, None, "1"],
    }


@pytest.mark.parametrize(
    "case", ["J01_python_tag", "J03_traversal", "J04_nul_path", "J06_tabs", "J07_deep", "H08_yaml_norway"]
)
def test_hostile_study_files_are_config_errors(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = HOSTILE / f"{case}.yaml"
    if not path.is_file():
        pytest.skip("the corpus of hostile files is not there")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{case}.yaml, line ")
    assert list(tmp_path.iterdir()) == []


def test_a_study_file_that_is_not_there_or_no_mapping(tmp_path: Path) -> None:
    _write(tmp_path, SMALL)
    with pytest.raises(MissingFileError, match=r"Did you mean 'study\.yml'"):
        load_study(tmp_path / "studi.yml")
    for text in ("", "- a\n", "word\n"):
        with pytest.raises(ConfigError, match="begins with 'study:'"):
            load_study(_write(tmp_path, text))


def test_input_paths_stay_inside_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "project" / "studies" / "one"
    folder.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    source = load_study(_write(folder, SMALL))
    assert source.inside("../../data/a.sav", ("data",)) == folder / "../../data/a.sav"
    assert source.inside("../../../elsewhere/a.sav", ("data",)).name == "a.sav"  # the working directory
    for name in ("../../../../etc/passwd", "/etc/passwd"):
        with pytest.raises(ConfigError, match="leads out of the project"):
            source.inside(name, ("data", "file"))


def test_texts_call_functions_only() -> None:
    functions = {"prop": lambda v, a, where=None: f"<{v} {a} {where}>"}
    assert render(check_text("{{ prop('q', 'Yes', where='a > 1') }} {x} 5%"), functions) == "<q Yes a > 1> {x} 5%"
    with pytest.raises(ValueError, match=r"nested too deeply|cannot be read"):
        check_text("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")
    with pytest.raises(ValueError, match="20,000 characters"):
        check_text("{{ n() }}" * 5000)


def test_file_names() -> None:
    assert slugs(["Q1", "q1", "Q 1", "a/b", "A.B"]) == ("q1", "q1-2", "q-1", "a-b", "a-b-2")
    assert slug("...") == "item"
    assert slug("con") == "_con"
    assert slug("NUL ") == "_nul"
    long = [slug("Ж" * 300), slug("Ж" * 301)]
    assert len(set(long)) == 2
    assert all(len(name.encode()) <= LONGEST for name in long)
    assert all(len(name.encode()) <= LONGEST for name in slugs(["ж" * 300] * 12))
    assert not RESERVED & set(slugs(RESERVED))
    assert slug("../../etc/passwd") == "etc-passwd"


def test_the_reference_is_up_to_date() -> None:
    page = (ROOT / "docs" / "study-file.md").read_text(encoding="utf-8")
    assert page == reference(), "write it again: survey_kit.reports.reference.reference()"
    assert "| `lonely_psu` |" in page


def test_every_field_is_described() -> None:
    for name, part in _walk():
        assert part.__doc__, name
        for field, facts in part.model_fields.items():
            assert facts.description, f"{name}.{field} has no description"
    assert json_schema()["$defs"]["Question"]["properties"]["ask"]["description"]
