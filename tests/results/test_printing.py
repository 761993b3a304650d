"""Estimates in a terminal and in a notebook: what is said, how it is set, and that labels of strangers do no harm."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Variable
from survey_kit.results.letters import cells, shortened, wrapped

RNG = np.random.default_rng(7)
FRAME = pd.DataFrame(
    {
        "vote": RNG.choice(["Yes", "No", "Don't mind"], 600, p=[0.5, 0.3, 0.2]),
        "region": RNG.choice(["Almaty", "Astana"], 600, p=[0.96, 0.04]),
        "age": RNG.integers(18, 90, 600).astype(float),
        "income": RNG.lognormal(13, 0.4, 600),
        "w": RNG.uniform(0.5, 2, 600),
        "stratum": RNG.choice(["s1", "s2"], 600),
    }
)


def _poll() -> sk.Survey:
    return sk.from_frame(FRAME).with_design(weight="w", strata="stratum")


class _Page(HTMLParser):
    """Elements and texts of a piece of HTML, and whether every element was closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def test_shares_in_a_terminal():
    frame = pd.DataFrame({"q": ["Yes"] * 45 + ["No"] * 30 + [None] * 5})
    poll = sk.from_frame(frame)
    assert repr(sk.proportion(poll, "q")) == (
        "q\n"
        "\n"
        "Answer     %   SE        95% CI   n\n"
        "───────────────────────────────────\n"
        "No      40.0  5.7  29.4 to 51.7  75\n"
        "Yes     60.0  5.7  48.3 to 70.6  75\n"
        "───────────────────────────────────\n"
        "5 of 80 rows have no valid answer to q and are outside the base.\n"
        "Design: equal weights, each respondent a sampling unit; 79 degrees of freedom; 95% intervals: logit."
    )


def test_groups_are_said_once_and_small_bases_are_marked():
    lines = repr(sk.proportion(_poll(), "vote", by="region", where="age >= 18")).splitlines()
    assert lines[0] == "vote, by region"
    assert lines[2].split() == ["region", "Answer", "%", "SE", "95%", "CI", "n"]
    firsts = [line.split("  ")[0] for line in lines[4:10]]
    assert firsts == ["Almaty", "", "", "Astana", "", ""]
    assert [("†" in line) for line in lines[4:10]] == [False] * 3 + [True] * 3
    assert "† Fewer than 30 respondents: read with caution." in lines
    assert "Base: age >= 18." in lines
    assert any("strata 'stratum'" in line and "598 degrees of freedom" in line for line in lines)


def test_numbers_have_sensible_digits():
    poll = _poll()
    text = {name: repr(sk.mean(poll, name)).splitlines()[4].split() for name in ("age", "income")}
    assert re.fullmatch(r"\d\d\.\d\d", text["age"][0])
    assert re.fullmatch(r"\d{3},\d{3}", text["income"][0])
    tiny = repr(sk.mean(sk.from_frame(FRAME.assign(x=FRAME["age"] * 1e-7)), "x")).splitlines()[4].split()
    assert re.fullmatch(r"0\.0{5}\d{3,4}", tiny[0])


def test_differences_have_signs_and_say_what_n_is():
    made = sk.proportion(_poll(), "vote", by="region").difference(region=("Almaty", "Astana"))
    text = repr(made)
    assert text.splitlines()[0] == "vote (region: Almaty - Astana)"
    assert "Points" in text and "n: the smallest base that is used." in text
    for value, line in zip(made.theta, text.splitlines()[4:7], strict=True):
        assert ("+" if value > 0 else "\u2212") in line


def test_different_units_in_one_result_are_said_beside_the_numbers():
    shares = sk.proportion(_poll(), "vote")
    made = shares.contrast({"lead": "Yes - No", "both": {"Yes": 0.5, "No": 0.5}, "odds": "Yes / No"})
    lead, both, odds = repr(made).splitlines()[4:7]
    assert " pts" in lead and "%" in both and "%" not in odds and " pts" not in odds
    assert repr(made).startswith("Contrasts\n")


def test_design_effects_are_shown_where_they_were_asked_for():
    poll = sk.from_frame(FRAME.assign(w=FRAME["w"] * 100)).with_design(weight="w")
    assert "deff" not in repr(sk.mean(poll, "age"))
    made = sk.mean(poll, "age", deff=True)
    assert f"{made.deff[0]:.2f}" in repr(made).splitlines()[4]


def test_coefficients_stand_under_their_formula():
    text = repr(sk.glm(_poll(), "age ~ C(region)").coef)
    assert text.startswith("age ~ C(region)\n\nTerm")
    assert "region[Astana]" in text


def test_replicates_and_infinite_degrees_of_freedom():
    fit = sk.glm(_poll(), "age ~ region").with_df(float("inf"))
    assert "normal intervals; 95% intervals." in repr(fit.coef).replace("\n", " ")
    assert "JK1 replicate weights" in repr(sk.mean(sk.from_frame(FRAME).with_design().replicate("JK1"), "age"))


def test_missing_numbers_are_dashes():
    poll = sk.from_frame(pd.DataFrame({"x": [1.0, 2, 3], "g": list("aab"), "w": [1.0, 1, 0]})).with_design(weight="w")
    text = repr(sk.mean(poll, "x", by="g"))
    assert re.search(r"^b +- +- +- +† 0$", text, re.MULTILINE)
    assert "nan" not in text.lower() and "nan" not in sk.mean(poll, "x", by="g")._repr_html_().lower()


def test_long_results_are_cut_in_the_middle():
    frame = pd.DataFrame({"x": np.arange(400.0), "g": [f"g{i:03d}" for i in range(200)] * 2})
    made = sk.mean(sk.from_frame(frame), "x", by="g")
    lines = repr(made).splitlines()
    assert "⋯ 160 rows hidden, frame() has all 200" in lines
    assert sum(line.startswith("g0") or line.startswith("g1") for line in lines) == 40
    assert lines[4].startswith("g000") and any(line.startswith("g199") for line in lines)
    html = made._repr_html_()
    assert "⋯ 140 rows hidden, frame() has all 200" in html and html.count("<tr>") == 62


def test_one_number_has_no_label_column():
    lines = repr(sk.mean(_poll(), "age")).splitlines()
    assert lines[2].split() == ["Mean", "SE", "95%", "CI", "n"]


def test_wordings_and_titles_are_set_and_labels_are_not_codes():
    variable = Variable(
        "q", label="Trust in the press", question="How far do you trust the press?", labels={1: "A lot", 2: "None"}
    )
    poll = sk.from_frame(pd.DataFrame({"q": [1, 2, 1, 1]}), sk.Codebook({"q": variable}))
    lines = repr(sk.proportion(poll, "q")).splitlines()
    assert lines[:2] == ["Trust in the press", "How far do you trust the press?"]
    assert lines[5].startswith("A lot") and lines[6].startswith("None")
    page = _Page(sk.proportion(poll, "q")._repr_html_())
    assert "Trust in the press" in page.texts and "How far do you trust the press?" in page.texts


def test_wide_and_combined_characters_stand_in_columns():
    labels = ["Да, конечно", "自由民主党", "e\u0301te\u0301", "👍🏽 ok", "plain"]
    poll = sk.from_frame(pd.DataFrame({"投票": labels * 40}))
    lines = repr(sk.proportion(poll, "投票")).splitlines()
    assert len({cells(line) for line in lines[2:10]}) == 1
    assert {cells(line[: line.index("20.0")]) for line in lines[4:9]} == {len("Да, конечно") + 2}


def test_long_labels_are_shortened_in_a_terminal_and_whole_in_a_notebook():
    label = "a very long label " * 12
    made = sk.proportion(sk.from_frame(pd.DataFrame({"q": [label, "b"] * 40})), "q")
    lines = repr(made).splitlines()
    assert max(map(cells, lines)) <= 100 and "…" in repr(made)
    assert label.strip() in made._repr_html_() and "…" not in made._repr_html_()


def test_groups_that_have_no_room_beside_the_answers_stand_above_them():
    items = {f"item{i}": RNG.choice(["Completely agree with this", "No"], 60) for i in (1, 2)}
    codebook = sk.Codebook(
        {n: Variable(n, label=f"{n} is a rather long statement about the matter at hand") for n in items}
    )
    made = sk.proportion(sk.from_frame(pd.DataFrame(items), codebook), list(items))
    lines = repr(made).splitlines()
    assert "item1 is a rather long statement about the matter at hand" in lines
    assert [line[:4] for line in lines if "Completely" in line] == ["  Co"] * 2


def test_html_is_a_table_with_scopes_and_takes_the_colours_of_the_page():
    html = sk.proportion(_poll(), "vote", by="region")._repr_html_()
    page = _Page(html)
    assert not page.open
    scopes = [attrs.get("scope") for tag, attrs in page.found if tag == "th"]
    assert scopes.count("col") == 5 and scopes.count("rowgroup") == 2 and scopes.count("row") == 6
    assert sum(tag == "caption" for tag, _ in page.found) == 1
    style = html[html.index("<style>") : html.index("</style>")]
    assert not re.search(r"#[0-9a-f]{3,6}\b|:(white|black)\b(?!-)", style)
    assert all(rule.strip().startswith(".sk-est") for rule in re.findall(r"(?:^|})([^{}]+){", style[7:]))


def test_labels_are_escaped_and_cleaned():
    evil = [
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m",
        "a\u202eb",
        "line\nbreak\ttab",
        "&amp;",
        "nul\x00",
        '"quoted"',
    ]
    frame = pd.DataFrame({"q": evil * 10, "g": ["<b>", "\x07\x1b]0;title\x07"] * 35})
    made = sk.proportion(sk.from_frame(frame), "q", by="g")
    text, html = repr(made), made._repr_html_()
    for shown in (text, html):
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf") and c != "\n"]
    assert "<script>" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "line break tab" in text and "\n" not in html
    assert not _Page(html).open


LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=4, unique=True), LABELS, LABELS)
def test_printing_never_fails_and_never_shows_control_characters(labels, title, question):
    codes = {i: label for i, label in enumerate(labels)}
    variable = Variable("q", label=title, question=question, labels=codes)
    poll = sk.from_frame(pd.DataFrame({"q": list(codes) * 3}), sk.Codebook({"q": variable}))
    made = sk.proportion(poll, "q")
    for shown in (repr(made), made._repr_html_(), repr(made.contrast([1] * len(made)))):
        assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Cf", "Zl", "Zp") and c != "\n"]
        assert max(map(cells, shown.split("\n"))) <= 100 or shown.startswith("<div")
    assert not _Page(made._repr_html_()).open


@given(LABELS, st.integers(1, 20))
def test_texts_fit_their_room(label, room):
    text = " ".join(label.split())
    assert cells(shortened(text, room)) <= room
    assert all(cells(line) <= max(room, 2) for line in wrapped(text, room))


def test_an_empty_result_prints():
    made = sk.mean(_poll(), "age")
    none = made.map(np.zeros((0, 1)), made.keys.iloc[:0])
    assert "No estimates." in repr(none)
    assert not _Page(none._repr_html_()).open


@pytest.mark.parametrize("verb", ["mean", "total"])
def test_a_large_result_is_printed_without_writing_all_of_it(verb):
    frame = pd.DataFrame({"x": np.arange(40_000.0), "g": np.arange(40_000) // 2})
    made = getattr(sk, verb)(sk.from_frame(frame), "x", by="g")
    assert len(repr(made)) < 10_000 and len(made._repr_html_()) < 30_000
