"""`poll.recode`: reverse, mapping, multiple-response sets, nets over them; the order of steps and the record they leave."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import ArgumentError, UndeclaredMissingError, UnknownNameError
from survey_kit.recode.set_nets import member_texts

NAN = math.nan
AGREE = {1: "Agree", 2: "Partly", 3: "Disagree", 8: "Refused", 9: "Don't know"}
CODES = pd.DataFrame(
    {
        "q": [1, 2, 3, 9, 8, 1],
        "open": [1.0, 2, 4, NAN, 3, 7],
        "half": [1, 1.5, 2, 2, 2, 2],
        "town": ["x", "y", "x", "zz", "y", "x"],
        "age": [17, 25, 33, 40, 60, 81],
        "w": [1.0, 2, 1, 2, 1, 2],
        "m1": [1, 0, 0, 9, NAN, 9],
        "m2": [1, 1, 0, 9, NAN, 0],
        "m3": [0, 0, 0, 9, NAN, 1],
        "c1": [1, 2, 3, 99, NAN, 1],
        "c2": [2, NAN, 1, 99, NAN, NAN],
    }
)
YES = {0: "No", 1: "Yes", 9: "Don't know"}
MEDIA = {1: "TV", 2: "Radio", 3: "Web", 99: "None of these"}
BOOK = Codebook(
    {
        "q": Variable(
            "q", "View", AGREE, MissingRule((), ((8, 9),)), question="Do you?", measure="ordinal", filter="ALL"
        ),
        "open": Variable("open", measure="scale"),
        "half": Variable("half"),
        "town": Variable("town", missing=MissingRule(("zz",))),
        "age": Variable("age", label="Age"),
        "w": Variable("w"),
        **{
            n: Variable(n, f"Media: {text}", YES, MissingRule((9,)), filter="ALL")
            for n, text in {"m1": "television", "m2": "radio", "m3": "web"}.items()
        },
        "c1": Variable("c1", "First", MEDIA, MissingRule((99,))),
        "c2": Variable("c2", "Second", MEDIA, MissingRule((99,))),
    }
)


@pytest.fixture
def poll() -> sk.Survey:
    return sk.from_frame(CODES, BOOK)


def values(poll: sk.Survey, name: str) -> list:
    return [None if pd.isna(v) else v for v in poll.codes[name].tolist()]


def refused(poll: sk.Survey, error: type[Exception] = ArgumentError, **recipes: object) -> str:
    with pytest.raises(error) as caught:
        poll.recode(**recipes)
    return str(caught.value)


# reverse


def test_reverse_moves_labels_with_the_answers(poll: sk.Survey) -> None:
    made = poll.recode(q_r=sk.reverse("q", label="Turned"))
    assert values(made, "q_r") == [3, 2, 1, 9, 8, 3]
    assert list(made["q_r"].labels.items()) == [
        (1, "Disagree"), (2, "Partly"), (3, "Agree"), (8, "Refused"), (9, "Don't know")
    ]  # fmt: skip
    assert made.data["q_r"].cat.categories.tolist() == ["Disagree", "Partly", "Agree"]
    assert made["q_r"].missing == MissingRule((), ((8, 9),))
    assert (made["q_r"].label, made["q_r"].question, made["q_r"].measure) == ("Turned", "Do you?", "ordinal")
    assert made["q_r"].origin == "q reversed (1 to 3)."
    assert made.notices == ()


def test_reverse_is_the_arithmetic_of_scale(poll: sk.Survey) -> None:
    made = poll.recode(q_r=sk.reverse("q"))
    turned = made.scale(["q", "q_r"], "i", reverse=["q_r"], min_answered=2)
    assert [v for v in turned.values if not math.isnan(v)] == [1, 2, 3, 1]


def test_reverse_with_stated_ends(poll: sk.Survey) -> None:
    made = poll.recode(open_r=sk.reverse("open", low=1, high=10))
    assert values(made, "open_r") == [10, 9, 7, None, 8, 4]
    assert dict(made["open_r"].labels) == {}
    wider = poll.recode(q_r=sk.reverse("q", low=0))
    assert values(wider, "q_r") == [2, 1, 0, 9, 8, 2]


def test_reverse_refuses(poll: sk.Survey) -> None:
    assert refused(poll, x=sk.reverse("open")) == (
        "The labels of 'open' do not say where its scale begins and ends. State both, as in "
        "reverse('open', low=1, high=5)."
    )
    assert refused(poll, x=sk.reverse("open", 1, 5)).startswith(
        "'open' has codes outside 1 to 5: 7. Declare them missing"
    )
    assert refused(poll, x=sk.reverse("half", 1, 2)) == (
        "Column 'half' holds 1.5: a scale that is reversed has whole numbers."
    )
    assert refused(poll, x=sk.reverse("town", 1, 2)).startswith(
        "Column 'town' holds text; only numbers can be reversed."
    )
    assert (
        refused(poll, x=sk.reverse("open", 9, 2)) == "The scale of 'open' would run from 9 to 2. Correct low or high."
    )
    with pytest.raises(ArgumentError, match=r"low and high of 'q' are whole numbers; there was 1.5."):
        sk.reverse("q", low=1.5)  # type: ignore[arg-type]


def test_reverse_refuses_dont_know_that_nobody_declared(poll: sk.Survey) -> None:
    labelled = sk.from_frame(CODES[["q"]].clip(upper=3), Codebook({"q": Variable("q", labels=AGREE)}))
    text = refused(labelled, UndeclaredMissingError, x=sk.reverse("q"))
    assert "8 ('Refused'), 9 (\"Don't know\"). Declare them: poll.declare_missing('q', [8, 9])." in text
    assert "Or state that every code is an answer: poll.declare_missing('q')." in text


def test_reverse_refuses_an_answer_that_would_become_missing() -> None:
    book = Codebook({"x": Variable("x", labels={1: "a", 3: "Refused", 6: "b"}, missing=MissingRule((3,)))})
    made = sk.from_frame(pd.DataFrame({"x": [1, 4, 6]}), book)
    assert refused(made, y=sk.reverse("x")) == "Code 4 of 'x' would become 3, which is user-missing there."


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10) | st.sampled_from([98, 99]) | st.none(), min_size=1, max_size=20))
def test_reverse_twice_is_the_identity(answers: list[int | None]) -> None:
    codes = pd.DataFrame({"x": pd.Series(answers, dtype=float)})
    book = Codebook({"x": Variable("x", labels={0: "No", 10: "Yes", 98: "Refused"}, missing=MissingRule((98, 99)))})
    poll = sk.from_frame(codes, book)
    again = poll.recode(x=sk.reverse("x")).recode(x=sk.reverse("x"))
    pd.testing.assert_series_equal(again.codes["x"], codes["x"])
    assert dict(again["x"].labels) == dict(book["x"].labels)


# mapping


def test_mapping_by_label_and_code(poll: sk.Survey) -> None:
    made = poll.recode(q10=sk.mapping("q", {"Agree": 30, 2: 20, 3: 10}, labels={20: "In between"}))
    assert values(made, "q10") == [30, 20, 10, 9, 8, 30]
    assert list(made["q10"].labels.items()) == [
        (10, "Disagree"), (20, "In between"), (30, "Agree"), (8, "Refused"), (9, "Don't know")
    ]  # fmt: skip
    assert made["q10"].missing == MissingRule((), ((8, 9),))
    assert (made["q10"].measure, made["q10"].filter) == ("ordinal", "ALL")
    assert made["q10"].origin == "q recoded: 1 (Agree) is 30; 2 (Partly) is 20; 3 (Disagree) is 10."


def test_mapping_merges_labels_and_drops(poll: sk.Survey) -> None:
    made = poll.recode(q2=sk.mapping("q", {1: 1, 2: 1, 3: None}))
    assert values(made, "q2") == [1, 1, None, 9, 8, 1]
    assert made["q2"].labels[1] == "Agree, Partly"
    assert [str(n) for n in made.notices] == ["1 row of 'q' with the codes 3: now missing."]


def test_mapping_says_which_codes_are_uncovered(poll: sk.Survey) -> None:
    assert refused(poll, x=sk.mapping("q", {1: 10})) == (
        "The mapping of 'q' leaves codes uncovered: 2 ('Partly'), 3 ('Disagree'). Add them, or give other='keep', "
        "other='missing' or other=<a code>."
    )
    assert "uncovered: 4 ('4'), 7 ('7')" in refused(poll, x=sk.mapping("open", {1: 1, 2: 1, 3: 1, 5: 1}))


@pytest.mark.parametrize(
    ("other", "expected", "said"),
    [
        ("keep", [10, 2, 3, 9, 8, 10], "all others unchanged"),
        ("missing", [10, None, None, 9, 8, 10], "all others missing"),
        (7, [10, 7, 7, 9, 8, 10], "all others 7"),
    ],
)
def test_mapping_of_the_others(poll: sk.Survey, other: object, expected: list, said: str) -> None:
    made = poll.recode(x=sk.mapping("q", {1: 10}, other=other))  # type: ignore[arg-type]
    assert values(made, "x") == expected
    assert made["x"].origin == f"q recoded: 1 (Agree) is 10; {said}."
    assert made["x"].labels.get(2) == ("Partly" if other == "keep" else None)
    assert 7 not in made["x"].labels


def test_mapping_to_other_refuses_undeclared_dont_know(poll: sk.Survey) -> None:
    bare = poll.relabel("q", missing=None)
    assert "8 ('Refused')" in refused(bare, UndeclaredMissingError, x=sk.mapping("q", {1: 10}, other=7))


def test_mapping_of_user_missing_codes(poll: sk.Survey) -> None:
    made = poll.recode(x=sk.mapping("q", {1: 1, 2: 2, 3: 3, 9: -1, 8: 4}, missing=[-1]))
    assert values(made, "x") == [1, 2, 3, -1, 4, 1]
    assert made["x"].missing == MissingRule((-1,))
    assert list(made["x"].labels) == [1, 2, 3, 4, -1]
    assert [str(n) for n in made.notices] == ["User-missing codes of 'q' are answers now: 8 (Refused)."]
    some = poll.recode(x=sk.mapping("q", {1: 1, 2: 2, 3: 3, 9: -1}, missing=[-1]))
    assert some["x"].missing == MissingRule((-1, 8))


def test_mapping_drops_a_rule_that_would_cover_an_answer(poll: sk.Survey) -> None:
    book = BOOK.with_changes("q", missing=MissingRule((), ((8, 99),)))
    made = sk.from_frame(CODES, book).recode(x=sk.mapping("q", {1: 10, 2: 20, 3: 30}))
    assert made["x"].missing == MissingRule((8, 9))
    assert made["x"].is_missing(made.codes["x"]).tolist() == [False, False, False, True, True, False]


def test_mapping_to_and_from_text(poll: sk.Survey) -> None:
    made = poll.recode(
        word=sk.mapping("q", {1: "yes", 2: "no", 3: "no", 8: None, 9: None}),
        number=sk.mapping("town", {"x": 1, "y": 2, "zz": 9}, missing=[9], labels={1: "Centre"}),
    )
    assert values(made, "word") == ["yes", "no", "no", None, None, "yes"]
    assert made.codes["word"].dtype == "str" and made["word"].measure == "nominal"
    assert values(made, "number") == [1, 2, 1, 9, 2, 1]
    assert made["number"].missing == MissingRule((9,))


def test_mapping_may_name_codes_that_an_unlabelled_column_lacks(poll: sk.Survey) -> None:
    made = poll.recode(x=sk.mapping("open", {1: 1, 2: 1, 3: 2, 4: 2, 5: 3, 7: 3}))
    assert values(made, "x") == [1, 1, 2, None, 2, 3]
    assert "No code '7' in 'q'" in refused(poll, UnknownNameError, x=sk.mapping("q", {7: 1}, other="keep"))


def test_true_and_false_are_the_codes_1_and_0() -> None:
    frame = pd.DataFrame({"b": [True, False], "c": pd.array([True, None], dtype="boolean")})
    poll = sk.from_frame(frame, Codebook({n: Variable(n) for n in frame}))
    made = poll.recode(x=sk.mapping("b", {1: 5, 0: 6}), y=sk.collapse("b", {"A": [0], "B": [1]}), z=sk.net("c", [1]))
    assert [values(made, n) for n in "xyz"] == [[5, 6], [2, 1], [1, None]]


def test_mapping_refuses(poll: sk.Survey) -> None:
    assert refused(poll, x=sk.mapping("q", {1: 1, "Agree": 2}, other="keep")) == "Code 1 of 'q' is mapped to two codes."
    assert refused(poll, x=sk.mapping("q", {1: "a", 2: 2}, other="missing")).startswith(
        "The new codes of 'q' would be numbers and text together: 'a', 2, 8, 9."
    )
    assert refused(poll, x=sk.mapping("q", {1: 8}, other="keep")) == (
        "Code 1 of 'q' is mapped to 8, which is user-missing and stays so. Choose another code, or map the missing code "
        "too."
    )
    assert refused(poll, x=sk.mapping("q", {1: 10}, labels={11: "a"}, other="keep")).startswith(
        "labels names 11, which is no new code of 'q'. There are: 10, 2, 3, 8, 9."
    )
    assert refused(poll, x=sk.mapping("q", {1: 10}, missing=[5], other="keep")).startswith(
        "missing names 5, which is no"
    )
    for wrong in (True, NAN, "", [1]):
        with pytest.raises(ArgumentError, match="is no code for 'q': give a number or a text, or None for missing"):
            sk.mapping("q", {1: wrong})  # type: ignore[dict-item]
    with pytest.raises(ArgumentError, match=r"The mapping of 'q' is old code -> new code, as in \{1: 10, 2: 20\}"):
        sk.mapping("q", {})
    with pytest.raises(ArgumentError, match=r"missing=9 is one code; give a list, as in \[9\]."):
        sk.mapping("q", {1: 9}, missing=9)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Labels of 'q' are text; there was 5."):
        sk.mapping("q", {1: 9}, labels={9: 5})  # type: ignore[dict-item]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(1, 6) | st.none(), min_size=1, max_size=20),
    st.dictionaries(st.integers(1, 6), st.integers(0, 50) | st.none(), min_size=1),
    st.sampled_from(["keep", "missing", 77]),
)
def test_mapping_agrees_with_a_dictionary(answers: list, codes: dict, other: object) -> None:
    poll = sk.from_frame(pd.DataFrame({"x": pd.Series(answers, dtype=float)}), Codebook({"x": Variable("x")}))
    made = poll.recode(y=sk.mapping("x", codes, other=other))  # type: ignore[arg-type]
    rest = {"keep": lambda c: c, "missing": lambda c: None}.get(other, lambda c: other)  # type: ignore[call-overload]
    assert values(made, "y") == [None if a is None else codes[a] if a in codes else rest(a) for a in answers]


# multiple response


def test_dichotomies(poll: sk.Survey) -> None:
    made = poll.recode(media=sk.multiple_response(["m1", "m2", "m3"], counted=1, label="Media", question="Which?"))
    assert made.codebook.sets["media"] == MultipleResponse("media", ("m1", "m2", "m3"), 1, "Media", "Which?")
    frame = sk.proportion(made, "media").frame()
    assert frame["answer"].tolist() == ["Television", "Radio", "Web"]
    assert frame["estimate"].tolist() == [0.25, 0.5, 0.25]
    assert list(made.codes) == list(CODES)
    by_label = poll.recode(media=sk.multiple_response("m?", counted="Yes"))
    assert by_label.codebook.sets["media"].counted == 1
    assert by_label.codebook.sets["media"].columns == ("m1", "m2", "m3")


def test_category_columns(poll: sk.Survey) -> None:
    made = poll.recode(media=sk.multiple_response("c*", counted=None))
    frame = sk.proportion(made, "media").frame().set_index("answer")
    assert frame["estimate"].round(6).to_dict() == {"TV": 0.75, "Radio": 0.5, "Web": 0.25}


def test_a_member_that_nobody_mentioned_is_a_member(poll: sk.Survey) -> None:
    frame = pd.DataFrame({"a": [1, 0], "b": [0, 0], "c": [NAN, NAN]})
    made = sk.from_frame(frame).recode(s=sk.multiple_response("*"))
    assert made.codebook.sets["s"].columns == ("a", "b", "c")
    odd = sk.from_frame(frame.assign(b=[2, 2]))
    assert refused(odd, s=sk.multiple_response("*")).startswith(
        "Column 'b' has no code '1', which counts as mentioned; its codes: 2. State counted=, or counted=None"
    )


def test_category_columns_taken_for_dichotomies_are_noticed(poll: sk.Survey) -> None:
    made = poll.recode(media=sk.multiple_response(["c1", "c2"], counted=1))
    assert [n.text for n in made.notices] == [
        "'c1' has more than two answers; only 1 counts as mentioned. Where columns hold the first, second ... answer, say "
        "counted=None."
    ]


def test_sets_refuse(poll: sk.Survey) -> None:
    both = sk.multiple_response(["c1", "c2"], counted=None)
    assert refused(poll.relabel("c2", labels={**MEDIA, 2: "Wireless"}), s=both).startswith(
        "'c1' and 'c2' label the code 2 differently: 'Radio' and 'Wireless'. Category columns share one list of labels"
    )
    assert refused(poll.relabel("c2", missing=None), s=both) == (
        "Code 99 is user-missing in 'c1' only, of 'c1' and 'c2'. Declare it in both."
    )
    assert refused(poll, s=sk.multiple_response(["m1", "town"])) == (
        "Column 'town' holds text and 'm1' numbers; the columns of a set are of one kind."
    )
    assert refused(poll, s=sk.multiple_response(["m1", "m2"], counted="Mentioned")).startswith(
        "Column 'm1' has no label 'Mentioned' for counted=. Labels there are: 'No', 'Yes', \"Don't know\"."
    )
    swapped = poll.relabel("m2", labels={0: "Yes", 1: "No"})
    assert refused(swapped, s=sk.multiple_response(["m1", "m2"], counted="Yes")) == (
        "'Yes' has different codes: 1 in 'm1', 0 in 'm2'. Recode the columns first."
    )
    assert refused(poll, s=sk.multiple_response(["m1", "m*"])).endswith("different columns; 'm1' is in it twice.")
    assert refused(poll, s=sk.multiple_response("m1")).endswith("different columns; there was only 'm1'.")
    assert refused(poll, UnknownNameError, s=sk.multiple_response("tonw*")) == (
        "No column matches 'tonw*'. Did you mean 'town'?"
    )
    assert refused(poll, UnknownNameError, s=sk.multiple_response(["m1", "m22"])) == (
        "No column 'm22'. Did you mean 'm2'?"
    )
    with pytest.raises(ArgumentError, match="counted=True is no code"):
        sk.multiple_response(["m1", "m2"], counted=True)
    with pytest.raises(ArgumentError, match="needs names of columns"):
        sk.multiple_response([])


def test_a_column_name_with_brackets_is_no_pattern() -> None:
    poll = sk.from_frame(pd.DataFrame({"q[1]": [1, 0], "q[2]": [0, 1], "q1": [1, 1]}))
    assert poll.recode(s=sk.multiple_response(["q[1]", "q[2]"])).codebook.sets["s"].columns == ("q[1]", "q[2]")


# nets over sets


@pytest.fixture
def media(poll: sk.Survey) -> sk.Survey:
    return poll.recode(
        media=sk.multiple_response(["m1", "m2", "m3"], label="Media"),
        named=sk.multiple_response(["c1", "c2"], counted=None, label="Named"),
    )


@pytest.mark.parametrize("answers", [["Television", "web"], ["m1", "m3"], ["Media: television", "Web"]])
def test_net_over_dichotomies(media: sk.Survey, answers: list[str]) -> None:
    answers = [a.capitalize() if a == "web" else a for a in answers]
    made = media.recode(screen=sk.net("media", answers), all_asked=sk.net("media", answers, missing="zero"))
    assert values(made, "screen") == [1, 0, 0, None, None, 1]
    assert values(made, "all_asked") == [1, 0, 0, 0, None, 1]
    assert (made["screen"].label, made["screen"].filter, dict(made["screen"].labels)) == (
        "Media", "ALL", {0: "No", 1: "Yes"}
    )  # fmt: skip
    assert made["screen"].origin == (
        'Yes where media mentions "Television" or "Web"; No otherwise, missing where its columns hold missing codes only.'
    )
    assert [str(n) for n in made.notices] == [
        "1 row of 'media' with missing codes only: now missing.",
        "1 row of 'media' with missing codes only: counted as 'No'.",
    ]


def test_net_over_category_columns(media: sk.Survey) -> None:
    made = media.recode(air=sk.net("named", ["TV", 2]))
    assert values(made, "air") == [1, 1, 1, None, None, 1]
    none = media.recode(none=sk.net("named", ["None of these"]))
    assert values(none, "none") == [0, 0, 0, 1, None, 0]


@pytest.mark.parametrize("name", ["media", "named"])
def test_a_net_has_the_share_of_the_net_of_the_block(media: sk.Survey, name: str) -> None:
    answers = sk.proportion(media, name).frame()["answer"].tolist()
    made = media.with_design(weight="w").recode(all_of_them=sk.net(name, answers))
    some = made.recode(one=sk.net(name, answers[1]))
    one = sk.mean(some, "one").frame().iloc[0]
    share = sk.proportion(some, name).frame().iloc[1]
    np.testing.assert_allclose([one["estimate"], one["se"], one["n"]], [share["estimate"], share["se"], share["n"]])


def test_net_over_a_set_refuses(media: sk.Survey) -> None:
    assert refused(media, UnknownNameError, x=sk.net("media", ["Telvision"])) == (
        "The set 'media' has no answer 'Telvision'. Did you mean 'Television'?"
    )
    assert "No label 'Tele' in 'c1'" in refused(media, UnknownNameError, x=sk.net("named", ["Tele"]))
    assert refused(media, UnknownNameError, x=sk.net("medai", ["TV"])) == "No column 'medai'. Did you mean 'media'?"
    same = media.relabel("m1", label="Media: web")
    assert refused(same, x=sk.net("media", ["Media: web"])) == (
        "'Media: web' stands for several columns of the set 'media'. Write a column name."
    )
    bare = media.relabel("m1", missing=None)
    assert '9 ("Don\'t know")' in refused(bare, UndeclaredMissingError, x=sk.net("media", ["m2"]))


def test_member_texts_are_those_of_the_block(media: sk.Survey) -> None:
    shown = sk.proportion(media, "media").frame()["answer"].tolist()
    assert list(member_texts([media[c] for c in ("m1", "m2", "m3")])) == shown


# steps and names


def test_steps_run_in_order_and_may_use_each_other(poll: sk.Survey) -> None:
    made = poll.recode(
        {"age group": sk.bands("age", [18, 40])},
        pro=sk.net("q", ["Agree"], missing="zero"),
        cell=sk.cross("age group", "pro"),
    )
    assert list(made.codes)[-3:] == ["age group", "pro", "cell"]
    assert made["age group"].origin == "age in 2 bands: 18-39, 40+."
    assert made["pro"].origin == 'Yes where q is "Agree"; No otherwise, also where it is "Refused" or "Don\'t know".'
    assert made["cell"].origin == "Combinations of age group and pro."
    assert dict(made["cell"].labels) == {1: "18-39 x No", 2: "40+ x No", 3: "40+ x Yes"}
    assert list(poll.codes) == list(CODES), "the survey itself is unchanged"
    with pytest.raises(UnknownNameError, match="No column 'pro'"):
        poll.recode(cell=sk.cross("pro", "q"), pro=sk.net("q", [1]))


def test_a_collapse_states_its_groups(poll: sk.Survey) -> None:
    made = poll.recode(q2=sk.collapse("q", {"Yes": ["Agree"], "No": [2, 3]}), t=sk.collapse("town", {"X": "x"}, "Else"))
    assert made["q2"].origin == 'q collapsed: Yes = "Agree"; No = "Partly", "Disagree".'
    assert made["t"].origin == 'town collapsed: X = "x"; Else = all other answers.'


def test_a_column_may_be_recoded_in_place_and_says_so_twice(poll: sk.Survey) -> None:
    made = poll.recode(q=sk.reverse("q"))
    assert values(made, "q") == [3, 2, 1, 9, 8, 3]
    assert list(made.codes) == list(CODES)
    again = made.recode(q=sk.collapse("q", {"Low": [1, 2], "High": [3]}))
    assert again["q"].origin == 'q reversed (1 to 3). q collapsed: Low = "Disagree", "Partly"; High = "Agree".'


def test_a_cell_can_be_run_twice(poll: sk.Survey) -> None:
    recipes = {
        "age2": sk.bands("age", [18, 40]),
        "cell": sk.cross("age2", "q"),
        "media": sk.multiple_response("m*"),
        "tv": sk.net("media", ["m1"]),
    }
    once = poll.recode(recipes)
    twice = once.recode(recipes)
    pd.testing.assert_frame_equal(once.codes, twice.codes)
    assert once.codebook == twice.codebook
    assert once.notices == twice.notices


def test_names_that_are_taken(poll: sk.Survey) -> None:
    designed = poll.with_design(weight="w")
    assert refused(poll, q=sk.bands("age", [18])) == (
        "There is a column 'q' already. Choose another name; only a recipe of 'q' itself may replace it."
    )
    assert refused(poll, q=sk.cross("q", "age")).startswith("There is a column 'q' already.")
    assert refused(poll, m1=sk.multiple_response("m*")).startswith("There is a column 'm1' already.")
    assert refused(designed, w=sk.bands("w", [1, 2])) == (
        "'w' is a column of the design. Give the new variable another name."
    )
    media = poll.recode(media=sk.multiple_response("m*"))
    assert refused(media, media=sk.bands("age", [18])) == (
        "There is a multiple-response set 'media' already. Choose another name."
    )
    assert refused(media, media=sk.multiple_response("c*", counted=None)) == (
        "There is another multiple-response set 'media' already. Choose another name."
    )


def test_what_is_no_recipe(poll: sk.Survey) -> None:
    assert refused(poll) == (
        "Nothing to recode: give a name and a recipe, as in recode(age4=sk.bands('age', [18, 30]))."
    )
    assert refused(poll, x=sk.bands).endswith("with its arguments; there was bands.")
    assert refused(poll, x=[18, 30]).startswith("'x' needs a recipe: sk.bands, collapse, net, reverse")
    with pytest.raises(ArgumentError, match="'x' is given twice, in the mapping and as a keyword."):
        poll.recode({"x": sk.reverse("q")}, x=sk.reverse("q"))
    with pytest.raises(ArgumentError, match="The name of the new variable must be text; there was 5."):
        poll.recode({5: sk.reverse("q")})  # type: ignore[dict-item]


def test_replicate_weights_are_part_of_the_design(poll: sk.Survey) -> None:
    made = poll.with_replicates(["w", "age"], method="bootstrap", combined=False)
    assert "'age' is a column of the design" in refused(made, age=sk.bands("age", [18, 30]))


def test_design_domain_and_index_stay(poll: sk.Survey) -> None:
    codes = CODES.set_axis([5, 5, 7, 8, 9, 9])
    made = sk.from_frame(codes, BOOK).with_design(weight="w").where("age >= 30").recode(q_r=sk.reverse("q"))
    assert made.codes.index.tolist() == [5, 5, 7, 8, 9, 9]
    assert made.design.weight == "w" and len(made) == 4
    assert made.data["q_r"].notna().sum() == 2
    assert values(made, "q_r") == [3, 2, 1, 9, 8, 3], "rows outside the domain are recoded too"


def test_recipes_are_values() -> None:
    recipes = [
        sk.bands("age", [18, 30]),
        sk.collapse("q", {"A": [1]}, other="B"),
        sk.net("q", [1]),
        sk.reverse("q"),
        sk.mapping("q", {1: 2}),
        sk.cross("a", "b"),
        sk.multiple_response(["m1", "m2"]),
    ]
    assert pickle.loads(pickle.dumps(recipes)) == recipes
    assert len({hash(r) for r in recipes}) == len(recipes)


def test_many_recodes_of_many_columns_stay_quiet() -> None:
    frame = pd.DataFrame({f"q{i}": [1, 2, 3] for i in range(150)})
    poll = sk.from_frame(frame)
    made = poll.recode({f"r{i}": sk.reverse(f"q{i}", 1, 3) for i in range(150)})
    assert made.codes.shape == (3, 300)
    assert made.recode(x=sk.mapping("r0", {1: "a", 2: "b", 3: "c"})).codes["x"].tolist() == ["c", "b", "a"]
