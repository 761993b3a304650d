"""Targets and base weights that cannot be used: what is refused, in which words, and what is normalised."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from support.reference import SHARED, needs_shared

from survey_kit.codebook import Codebook, Variable
from survey_kit.errors import (
    ArgumentError,
    ConfigError,
    InvalidWeightError,
    MissingFileError,
    NoValidData,
    TargetError,
    TargetMismatchError,
    UnknownNameError,
    UnsupportedOption,
)
from survey_kit.reports.yaml_nodes import read_yaml
from survey_kit.weighting import rake
from survey_kit.weighting.rows.subject import Subject, answers
from survey_kit.weighting.targets.lookalike import difference, look_alike

AGE = {"18-29": 0.2, "30-44": 0.3, "45+": 0.5}


@pytest.fixture
def poll() -> pd.DataFrame:
    row = np.arange(60)
    return pd.DataFrame(
        {
            "sex": np.array(["m", "f"])[row % 2],
            "age": np.array(list(AGE))[row % 3],
            "reg": np.where(row % 5, "A", "B"),
            "code": row % 2 + 1,
        }
    )


def refusal(poll: pd.DataFrame, targets: object, error: type[Exception], **options: object) -> str:
    with pytest.raises(error) as caught:
        rake(poll, targets, **options)
    assert type(caught.value) is error
    return str(caught.value)


# one fault


@pytest.mark.parametrize(
    ("targets", "error", "text"),
    [
        ({"sex": {"m": 1.0}}, TargetMismatchError, "in the data, not in the targets: 'f' (n=30)."),
        (
            {"sex": {"m": 0.46, "f": 0.53, "x": 0.01}},
            TargetMismatchError,
            "in the targets, not in the data: 'x' (target 0.01, n=0).",
        ),
        ({"sex": {"м": 0.46, "f": 0.54}}, TargetMismatchError, "look alike but differ: U+043C and U+006D"),
        ({"sex": {"m ": 0.46, "f": 0.54}}, TargetMismatchError, "differ: U+0020 and nothing"),
        ({"reg": {False: 0.5, True: 0.5}}, TargetMismatchError, "yes/no without quotes in YAML: quote them"),
        (
            {"sex": {"m": 46, "f": 54}, "age": AGE},
            TargetError,
            "The units differ: 'sex' is in percentages (sum 100), 'age' is in shares (sum 1).",
        ),
        (
            {"sex": {"m": 460, "f": 540}, "age": AGE},
            TargetError,
            "'sex' is in counts (sum 1000), 'age' is in shares (sum 1)",
        ),
        (
            {"sex": {"m": 480, "f": 520}, "reg": {"A": 800, "B": 190}},
            TargetError,
            "different totals: 'sex' sums to 1000, 'reg' to 990.",
        ),
        ({"sex": {"m": -0.1, "f": 1.1}}, TargetError, "the target of 'm' is negative (-0.1)"),
        ({"sex": {"m": np.nan, "f": 1.0}}, TargetError, "the target of 'm' is missing (NaN)"),
        ({"sex": {"m": None, "f": 1.0}}, TargetError, "which leaves nothing for what has no target: 'm'"),
        ({"sex": {"m": pd.NA, "f": 1.0}}, TargetError, "the target of 'm' is missing. Give a share or a count; None (in a"),
        ({"sex": {"m": np.inf, "f": 1.0}}, TargetError, "the target of 'm' is infinite"),
        ({"sex": {"m": "0.5", "f": 0.5}}, TargetError, "the target of 'm' is not a number but '0.5'"),
        ({"sex": {"m": True, "f": 0.0}}, TargetError, "the target of 'm' is not a number but True"),
        ({"sex": {"m": 0.0, "f": 1.0}}, TargetError, "the target of 'm' is 0, but the data have it (n=30)"),
        ({"code": {1: 0.5, "1": 0.2, 2: 0.3}}, TargetError, "one category has 2 targets (written 1, '1')"),
        ({"sex": {"m": 0.48, "f": 0.53}}, TargetError, "'sex': the targets sum to 1.01; shares must sum to 1"),
        ({"sex": {"m": 48.1, "f": 50.1}}, TargetError, "sum to 98.2; percentages must sum to 100 (within 0.5)"),
        ({"sxe": {"m": 0.5, "f": 0.5}}, UnknownNameError, "No column 'sxe'. Did you mean 'sex'?"),
        ({("sex", "agee"): {("m", "x"): 1.0}}, UnknownNameError, "No column 'agee'. Did you mean 'age'?"),
        ({("sex", "age"): {"m": 1.0}}, TargetError, "category 'm' is not one of 2 variables; write <sex>:<age>"),
        ({"sex": [0.5, 0.5]}, TargetError, "its targets are a list"),
        ({"sex": {}}, TargetError, "it has no categories"),
        ({(): {"m": 1.0}}, TargetError, "it names no variable"),
        ({"sex": {"m": 0.5, "f": 0.5}, ("sex",): {"m": 0.5, "f": 0.5}}, TargetError, "given 2 times as a margin"),
        ({}, TargetError, "targets is empty"),
        (5, ArgumentError, "targets is of type int. Give the long form"),
        ("nowhere.csv", MissingFileError, "No targets file 'nowhere.csv'"),
        (pd.DataFrame({"gender": ["m", "f"]}), UnsupportedOption, "Give the long form"),
        (
            pd.DataFrame({"variable": ["sex"], "category": ["m"], "targt": [1.0]}),
            TargetError,
            "has no column 'target'. Did you mean 'targt'?",
        ),
    ],
)  # fmt: skip
def test_a_fault_is_named(poll, targets, error, text):
    assert text in refusal(poll, targets, error)


def test_every_fault_of_every_margin_is_in_one_error(poll):
    poll.loc[:2, "reg"] = None
    targets = {"sex": {"m": 0.46}, "agee": AGE, "reg": {"A": 0.8, "B": 0.2}, "code": {1: -1, 2: 0.5}}
    text = refusal(poll, targets, TargetMismatchError)
    lines = text.split("\n- ")
    assert lines[0] == "5 faults in the weighting targets:"
    for fault in ("'f' (n=30)", "sum to 0.46", "No column 'agee'", "'reg': no value in 3 of 60 rows", "negative (-1)"):
        assert sum(fault in line for line in lines) == 1


def test_a_category_without_base_weight_cannot_be_lifted(poll):
    base = np.where(poll["reg"] == "B", 0.0, 1.0)
    text = refusal(poll, {"reg": {"A": 0.8, "B": 0.2}}, TargetMismatchError, base=base)
    assert "'B' has a target, but base weight 0 in all its rows (n=12)" in text


def test_values_that_read_the_same_are_not_guessed(poll):
    mixed = poll.assign(code=pd.Series([1, "1"] * 30, dtype=object))
    assert "'1' names 2 different answers" in refusal(mixed, {"code": {"1": 1.0}}, TargetMismatchError)


def test_two_columns_of_one_name(poll):
    double = pd.concat([poll, poll[["sex"]]], axis=1)
    assert "the data have 2 columns of this name" in refusal(double, {"sex": {"m": 0.5, "f": 0.5}}, TargetError)


def test_no_rows(poll):
    assert "The data have no rows" in refusal(poll.iloc[:0], {"sex": {"m": 0.5, "f": 0.5}}, NoValidData)


# what is accepted


def test_rounded_shares_are_normalised_and_said(poll):
    weights = rake(poll, {"sex": {"m": 0.48, "f": 0.523}, "age": AGE})
    assert [n.kind for n in weights.notices] == ["normalised"]
    assert "'sex' sum to 1.003; they were divided by their sum" in str(weights.notices[0])
    assert weights.targets["target_share"].iloc[0] == pytest.approx(0.48 / 1.003)
    assert rake(poll, {"sex": {"m": 1 / 3, "f": 2 / 3}}).notices == ()


def test_counts_near_100_are_accepted_when_they_are_the_sample_size(poll):
    frame = pd.concat([poll, poll.iloc[:35]])
    assert rake(frame, {"sex": {"m": 45, "f": 50}}).values.sum() == pytest.approx(95)


def test_a_zero_target_without_rows_is_left_out_and_said(poll):
    weights = rake(poll, {"sex": {"m": 0.5, "f": 0.5, "x": 0.0}})
    assert [n.kind for n in weights.notices] == ["empty_target"]
    assert weights.targets["category"].tolist() == ["m", "f"]


def test_numbers_and_their_text_are_one_category(poll):
    for keys in ((1, 2), (1.0, 2.0), ("1", "2"), (np.int64(1), np.float64(2))):
        frame = poll.assign(code=poll["code"].astype(float))
        for data in (poll, frame, poll.assign(code=poll["code"].astype("str"))):
            weights = rake(data, {"code": dict(zip(keys, (0.4, 0.6), strict=True))})
            assert weights.values.iloc[0] == pytest.approx(0.8)


def test_kinds_of_columns(poll):
    expected = rake(poll, {"sex": {"m": 0.4, "f": 0.6}}).values.to_numpy()
    ordered = pd.Categorical(poll["sex"], categories=["x", "f", "m"], ordered=True)
    for column in (ordered, poll["sex"].astype(object), poll["sex"].astype("str")):
        np.testing.assert_allclose(rake(poll.assign(sex=column), {"sex": {"m": 0.4, "f": 0.6}}).values, expected)
    flag = poll.assign(sex=poll["sex"] == "m")
    np.testing.assert_allclose(rake(flag, {"sex": {True: 0.4, False: 0.6}}).values, expected)
    nullable = poll.assign(code=poll["code"].astype("Int64"))
    np.testing.assert_allclose(rake(nullable, {"code": {1: 0.4, 2: 0.6}}).values, expected)


def test_crossed_margins_can_be_written_in_four_ways(poll):
    shares = dict(zip([(s, a) for s in "mf" for a in AGE], [0.1, 0.2, 0.15, 0.15, 0.1, 0.3], strict=True))
    text = {":".join(k): v for k, v in shares.items()}
    made = [
        rake(poll, {key: wishes}).values
        for key in (("sex", "age"), "sex:age")
        for wishes in (shares, text, pd.Series(shares))
    ]
    for values in made:
        np.testing.assert_allclose(values, made[0])
    assert made[0][(poll["sex"] == "f") & (poll["age"] == "45+")].sum() == pytest.approx(18)


def test_a_column_whose_name_has_a_colon(poll):
    weights = rake(poll.rename(columns={"sex": "a:b"}), {"a:b": {"m": 0.4, "f": 0.6}})
    assert weights.targets["variable"].unique().tolist() == ["a:b"]


def test_long_table_and_csv_keep_their_sources(poll, tmp_path):
    table = pd.DataFrame(
        {
            "variable": ["sex", "sex", "age", "age", "age"],
            "category": ["m", "f", *AGE],
            "target": [0.46, 0.54, 0.2, 0.3, 0.5],
            "source": ["census", "census", "survey", "survey", "survey"],
        }
    )
    path = tmp_path / "targets.csv"
    table.to_csv(path, index=False)
    expected = rake(poll, {"sex": {"m": 0.46, "f": 0.54}, "age": AGE}).values
    for targets in (table, path, str(path)):
        weights = rake(poll, targets)
        pd.testing.assert_series_equal(weights.values, expected)
        assert weights.targets["source"].tolist() == table["source"].tolist()


def test_csv_of_a_spreadsheet_with_decimal_commas(poll, tmp_path):
    path = tmp_path / "targets.csv"
    path.write_text("\ufeffvariable;category;target\nsex;m;0,46\nsex;f;0,54\n", encoding="utf-8")
    assert rake(poll, path).targets["target_share"].tolist() == pytest.approx([0.46, 0.54])


def test_na_is_a_category_in_a_csv(tmp_path):
    path = tmp_path / "targets.csv"
    path.write_text("variable,category,target\ncountry,NA,0.4\ncountry,ZA,0.6\n", encoding="utf-8")
    frame = pd.DataFrame({"country": ["NA", "ZA"]})
    assert rake(frame, path).values.tolist() == pytest.approx([0.8, 1.2])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "cannot be read as CSV"),
        (b"variable,category,target\nsex,\xec,0.5\n", "is not UTF-8 text"),
        (b"variable,category,target\nsex,m,half\nsex,f,0.5\n", "'m' is not a number but 'half'"),
        (b"variable,category,target\nsex,m,\nsex,f,1\n", "'m' is not a number but ''"),
        (b"variable,category,target\nsex,m,0.5,x,y\nsex,f,0.5,x,y\n", "more cells than its header"),
        (b"variable,category,target\n", "targets is empty"),
    ],
)
def test_a_csv_that_cannot_be_used(poll, tmp_path, content, text):
    path = tmp_path / "targets.csv"
    path.write_bytes(content)
    assert text in refusal(poll, path, TargetError)


HOSTILE = {
    "H01_missing_category": (TargetMismatchError, "in the data, not in the targets: 'f' (n=30)"),
    "H02_extra_category": (TargetMismatchError, "'x' (target 0.01, n=0)"),
    "H04_percent_and_share": (TargetError, "The units differ"),
    "H06_negative": (TargetError, "negative"),
    "H07_nan": (TargetError, "the target of 'm' is not a number but '.nan'"),
    "H08_yaml_norway": (TargetMismatchError, "in the targets, not in the data: 'no'"),
    "H11_near_zero_target": (TargetError, "is 0, but the data have it (n=30)"),
    "H13_lookalike": (TargetMismatchError, "look alike but differ: U+043C and U+006D"),
}


@needs_shared
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_of_targets(name):
    folder = SHARED / "hostile"
    error, text = HOSTILE[name]
    frame = pd.read_csv(folder / "H00_sample.csv")
    assert text in refusal(frame, read_yaml(folder / f"{name}.yaml").plain(), error)


@needs_shared
def test_a_hostile_file_that_writes_one_category_three_times():
    with pytest.raises(ConfigError, match="This key was given on line 1 already"):
        read_yaml(SHARED / "hostile" / "H09_types.yaml")


# base weights


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (np.nan, "Weight 'w' is missing in 1 of 60 rows (row 2)"),
        (-1.0, "Weight 'w' is negative in 1 of 60 rows (row 2)"),
        (np.inf, "Weight 'w' is infinite in 1 of 60 rows (row 2)"),
        ("1,05", "Weight 'w' is text in 1 of 60 rows (row 2). Correct these values."),
    ],
)
def test_base_weights_that_cannot_be_used(poll, bad, text):
    column = pd.Series([1.0, bad, *[1.0] * 58], dtype=object if isinstance(bad, str) else float)
    assert text in refusal(poll.assign(w=column), {"sex": {"m": 0.5, "f": 0.5}}, InvalidWeightError, base="w")


def test_base_weights_that_are_zero_or_text_throughout(poll):
    targets = {"sex": {"m": 0.5, "f": 0.5}}
    assert "zero in all 60 rows" in refusal(poll, targets, InvalidWeightError, base=np.zeros(60))
    text = refusal(poll.assign(w=["1.5"] * 60), targets, InvalidWeightError, base="w")
    assert "Weight 'w' is text in 60 of 60 rows" in text
    assert "pd.to_numeric" in text
    assert "No column 'ww'" in refusal(poll.assign(w=1.0), targets, UnknownNameError, base="ww")


def test_extreme_base_weights_are_noticed(poll):
    weights = rake(poll, {"sex": {"m": 0.5, "f": 0.5}}, base=np.where(poll.index == 3, 1e5, 1.0))
    assert any(
        str(n).startswith("Extreme base weights: the largest is 100000.0 times the median") for n in weights.notices
    )


# labels


def test_labels_that_are_also_codes_or_shared_are_not_guessed():
    swapped = Variable("q", labels={1: "2", 2: "1"})
    shared = Variable("r", labels={1: "Yes", 2: "Yes", 3: "No"})
    codes = pd.DataFrame({"q": [1, 2, 1], "r": [1, 2, 3]})
    subject = Subject(codes, np.ones(3), False, Codebook({"q": swapped, "r": shared}))
    assert answers(subject, "q").known_as["1"] == [0, 1]
    assert answers(subject, "q").known_as["2 [1]"] == [0]
    assert answers(subject, "r").known_as["Yes"] == [0, 1]
    assert answers(subject, "r").names == ("Yes [1]", "Yes [2]", "No")


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("Астана", "\N{LATIN CAPITAL LETTER A}стана"),
        ("18-29", "18\N{EN DASH}29"),
        ("Male", "male "),
        ("a b", "a\N{NO-BREAK SPACE}b"),
    ],
)
def test_look_alikes(name, twin):
    assert look_alike(name, ["other", twin]) == twin
    assert difference(name, twin) != "the same characters"
    assert look_alike(name, [name, "other"]) is None
