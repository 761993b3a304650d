"""The README tells the truth: its example runs, its targets and links exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_notebook_example_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"## In a notebook\n\n```python\n(.*?)```", README, flags=re.S)
    assert len(code.strip().splitlines()) <= 11
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["fit"].coef.theta[1] > 0


@pytest.mark.parametrize("target", re.findall(r"make (\w+)", README))
def test_targets_exist(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_it_says_what_must_be_said():
    for words in ("synthetic", "opinion-survey-kit", "GPL-3.0", "BSD-3-Clause"):
        assert words in README


def test_the_page_on_estimates_names_verbs_that_exist():
    import survey_kit as sk

    page = (ROOT / "docs" / "estimation.md").read_text(encoding="utf-8")
    table = page.split("## Verbs")[1].split("\n\n")[1]
    first = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = {name for cell in first for name in re.findall(r"`(?:sk\.)?(\w+)`", cell)}
    assert len(named) >= 15 and all(hasattr(sk, name) for name in named)
