"""`survey-kit codebook FILE` as a stranger meets it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from survey_kit.cli.codebook import codebook
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.io import write_file

app = typer.Typer()
app.command()(codebook)

BOOK = Codebook(
    {
        "q1": Variable("q1", "Attitude to migration", {1: "Support", 2: "Oppose", 9: "Refused"}, MissingRule((9,))),
        "q2": Variable("q2", "Trust", {1: "Low", 2: "High"}),
        "w": Variable("w", "Weight"),
    }
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    codes = pd.DataFrame({"q1": [1, 1, 2, 9], "q2": [1, 2, 2, 2], "w": [1.0, 2.0, 3.0, 4.0]})
    write_file(tmp_path / "poll.sav", codes, BOOK)
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_a_page_beside_the_caller(folder: Path) -> None:
    done = _run("poll.sav")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "poll-codebook.html: 3 variables, 4 rows, unweighted"
    page = (folder / "poll-codebook.html").read_text(encoding="utf-8")
    assert "<title>poll – codebook</title>" in page
    assert "66.7%" in page
    assert sorted(p.name for p in folder.iterdir()) == ["poll-codebook.html", "poll.sav"]


def test_weight_find_and_workbook(folder: Path) -> None:
    done = _run("poll.sav", "--weight", "w", "--find", "migra", "--out", "part.xlsx")
    assert done.stdout.splitlines()[0] == "part.xlsx: 1 variable, 4 rows, weighted by 'w'"
    sheet = pd.read_excel(folder / "part.xlsx", sheet_name="values", engine="calamine")
    assert sheet["Answer"].tolist() == ["Support", "Oppose", "Refused"]
    assert sheet["%"].tolist()[:2] == [0.5, 0.5]


def test_encoding_and_overlay_reach_the_reader(folder: Path) -> None:
    (folder / "poll.csv").write_bytes("q1;имя\n1;Ёлка\n2;Щука\n".encode("cp1251"))
    (folder / "book.yml").write_text(
        "variables:\n  q1:\n    label: Laid over\n    labels: {1: Да, 2: Нет}\n", encoding="utf-8"
    )
    done = _run("poll.csv", "--encoding", "cp1251", "--codebook", "book.yml")
    assert done.exit_code == 0, done.output
    page = (folder / "poll-codebook.html").read_text(encoding="utf-8")
    assert "Laid over" in page and "Нет" in page and "имя" in page
    assert "Щука" not in page


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.sav",), "none.sav"),
        (("poll.sav", "--weight", "v"), "No column 'v'."),
        (("poll.sav", "--find", "zebra"), "poll.sav: none of its 3 variables mentions 'zebra'. Try a shorter word"),
        (("poll.sav", "--out", "poll.sav"), "poll.sav is what the output is made from, and is not overwritten."),
        (("poll.sav", "--out", "../{name}/poll.sav"), "is not overwritten. Give --out another name."),
        (("poll.sav", "--out", "book.pdf"), "A codebook cannot be written to files named .pdf."),
        (("poll.sav", "--out", "no/book.html"), "does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_code_2(arguments: tuple[str, ...], said: str, folder: Path) -> None:
    before = (folder / "poll.sav").read_bytes()
    done = _run(*(a.format(name=folder.name) for a in arguments))
    assert done.exit_code == 2
    assert done.stderr.startswith("survey-kit: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [p.name for p in folder.iterdir()] == ["poll.sav"]
    assert (folder / "poll.sav").read_bytes() == before


def test_one_row_and_no_row(folder: Path) -> None:
    (folder / "one.csv").write_text("q1,w\n1,2\n", encoding="utf-8")
    (folder / "none.csv").write_text("q1,w\n", encoding="utf-8")
    assert _run("one.csv", "--weight", "w").stdout.startswith("one-codebook.html: 2 variables, 1 row, weighted by 'w'")
    assert _run("none.csv").stdout.startswith("none-codebook.html: 2 variables, 0 rows, unweighted")
