"""What a condition means, and the sentences that refuse what it cannot mean."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import ArgumentError, UnknownNameError
from survey_kit.recode import evaluate

CODES = pd.DataFrame(
    {
        "age": [17, 40, np.nan, 99],
        "sex": [1.0, 2, 2, 1],
        "region": ["Almaty", "Astana", "Almaty", None],
        "Q 1": [1, 2, 3, 9],
        "day": pd.to_datetime(["2025-01-01", None, "2025-02-01", "2024-12-31"]),
        "id": [1, 2, 3, 2**60 + 1],
        "party": ["a", "b", "q", "a"],
    },
    index=[10, 10, 7, 3],
)
BOOK = Codebook(
    {
        "age": Variable("age", missing=MissingRule((99,))),
        "sex": Variable("sex", labels={1: "Male", 2: "Female"}),
        "region": Variable("region"),
        "Q 1": Variable("Q 1", labels={1: "Yes", 2: "Yes", 3: "No", 9: "Refused"}, missing=MissingRule((9,))),
        "party": Variable("party", labels={"a": "Alpha", "b": "Beta"}),
    }
)


def rows(text: str) -> list[int]:
    return np.flatnonzero(evaluate(text, CODES, BOOK)).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age >= 18", [1]),
        ("not age >= 18", [0]),
        ("not missing(age) or sex == 1", [0, 1, 3]),
        ("17 < age <= 40", [1]),
        ("18 <= age", [1]),
        ("age > -1", [0, 1]),
        ("sex == 'Female' and region == 'Almaty'", [2]),
        ("'Female' == sex", [1, 2]),
        ("sex >= 'Female'", [1, 2]),
        ("sex in ['Male', 2]", [0, 1, 2, 3]),
        ("sex not in ('Male',)", [1, 2]),
        ("region != 'Almaty'", [1]),
        ("region in ['Astana', 'nowhere']", [1]),
        ("`Q 1` == 'No'", [2]),
        ("`Q 1` == 'Yes [2]'", [1]),
        ("`Q 1` != 'Refused'", [0, 1, 2]),
        ("missing(`Q 1`)", [3]),
        ("valid(age)", [0, 1]),
        ("valid(age + sex)", [0, 1]),
        ("day >= '2025-01-01'", [0, 2]),
        ("day in ['2025-02-01', '2024-12-31']", [2, 3]),
        ("id == 1152921504606846977", [3]),
        ("id == 1152921504606846976", []),
        ("party == 'Alpha'", [0, 3]),
        ("party == 'b'", [1]),
        ("party == 'q'", [2]),
        ("age / 0 > 1", []),
        ("not age / 0 > 1", []),
        ("(age - 17) ** 0.5 >= 0", [0, 1]),
        ("age == 2 ** 4 + 1", [0]),
        ("age\n>= 18", [1]),
        ("((((((age > 17))))))", [1]),
    ],
)
def test_meaning(text: str, expected: list[int]) -> None:
    assert rows(text) == expected


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("sex == 2 & region == 'Almaty'", "(sex == 2) and (region == 'Almaty')"),
        ("sex == 2 | age < 18 & id == 1", "sex == 2 or (age < 18 and id == 1)"),
        ("~(sex == 2) & id > 1", "(not sex == 2) and id > 1"),
        ("(sex == 2) & (id > 1)", "sex == 2 and id > 1"),
        ("id not in [1] & sex == 2", "id not in [1] and sex == 2"),
    ],
)
def test_symbols_mean_what_pandas_query_makes_of_them(text: str, same: str) -> None:
    assert rows(text) == rows(same)
    plain = CODES[["sex", "region", "age", "id"]].dropna().reset_index(drop=True)
    assert evaluate(text, plain, Codebook()).tolist() == plain.eval(text).tolist()


@pytest.mark.parametrize(
    "text", ["sex == 2 & id > 1 and age > 1", "not sex == 2 | id > 1", "sex == 1 | id == 2 or id > 3"]
)
def test_mixed_symbols_and_words_are_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match=r"mixes & or \| with and, or, not .* Use and, or, not throughout, or put"):
        rows(text)


def test_mixed_symbols_and_words_in_their_own_brackets() -> None:
    assert rows("(sex == 2 & id > 1) and not region == 'Astana'") == [2]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("agee > 1", "No column 'agee'. Did you mean 'age'?"),
        ("sex == 'Femal'", "No label 'Femal' in 'sex'. Did you mean 'Female'? Its labels: 'Male', 'Female'."),
        ("sex in ['Male', 'xyz']", "No label 'xyz' in 'sex'. Its labels: 'Male', 'Female'."),
        ("party == 'Alfa'", "No label 'Alfa' in 'party'. Did you mean 'Alpha'?"),
    ],
)
def test_unknown_names(text: str, sentence: str) -> None:
    with pytest.raises(UnknownNameError, match=re.escape(sentence)):
        rows(text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("age == 'old'", "'age' has no value labels, so 'old' cannot be looked up. Write a code."),
        ("region == 1", "Column 'region' holds text; 1 cannot be compared with it. Write '1' in quotes."),
        ("region < 'B'", "Column 'region' holds text; < and > compare numbers."),
        ("day == 3", "Column 'day' holds dates; 3 cannot be compared with it. Write a date as '2025-12-31'."),
        ("day == 'today'", "'today' is no date for column 'day'."),
        ("day > '2025-01-01T00:00+05:00'", "gives a time zone, but the column has none."),
        ("age == sex == region", "compares number with text; both sides must be of one kind."),
        ("party < region", "compares text with < or >; use == or !=."),
        ("`Q 1` == 'Yes'", "Label 'Yes' of 'Q 1' belongs to 2 codes. Write the code or one of: 'Yes [1]', 'Yes [2]'."),
        ("`Q 1` in [1, 9]", "asks for code 9 of 'Q 1', which is declared missing"),
        ("`Q 1` == 'Refused'", "Write missing(`Q 1`), or take it out of the missing rule."),
        ("age == 99", "Write missing(age), or take it out of the missing rule."),
        ("age", "'age' is a value, not a condition; compare it, as in x == 1 or x in [1, 2]."),
        ("sex == 1 | 2", "'2' is a value, not a condition"),
        ("sex & 4 == 4", "'sex' is a value, not a condition"),
        ("~sex == 1", "'sex' is a value, not a condition"),
        ("1 == 1", "'1 == 1' compares constants; name a column."),
        ("(age > 1) == (sex == 1)", "'age > 1' is a condition; it cannot be compared or calculated with."),
        ("age in (1)", "needs a list of constants after `in`, as in x in [1, 2]."),
        ("age in []", "needs a list of constants after `in`"),
        ("age in [sex]", "'sex' is a column; the list after `in` holds constants only."),
        ("'a' in region", "looks a constant up; `in` takes a column on its left."),
        ("region + 1 > 2", "'region + 1' calculates with text; + - * / ** take numbers."),
        ("missing('age')", "takes one column, as in missing(x)."),
        ("missing(age, sex)", "takes one column, as in missing(x)."),
        ("valid(3)", "names no column, as valid(x) does."),
        ("age == None", "'None' is no column. Write missing(x) to find missing values."),
        ("sex == True", "'True' is no column. Write 1 for true and 0 for false."),
        ("age = 3", "'=' is not allowed here. Write == to compare."),
        ("age >= 18 && sex == 1", "'&&' is not allowed here. Write and."),
        ("age >= 18 AND sex == 1", "cannot be read near 'AND'. Write and, in small letters."),
        ("sex is 1", "cannot be read near 'is'. Write == to compare, or missing(x)."),
        ("q1.a == 1", "'.' is not allowed here. A name with a dot is written in backticks, as in `q1.a`."),
        ("region == ‘Almaty’", "Write straight quotes"),
        ("region == 'Almaty", "A quote is not closed."),
        ("region in ['Almaty' 'Astana']", "cannot be read near \"'Astana'\""),
        ("age == 1,5", "'age == 1,5' is not allowed here."),
        ("age >=", "cannot be read near '>='"),
        ("", "The condition is empty."),
        ("age // 2 == 1", "'//' is not allowed here."),
        ("age % 2 == 1", "'%' is not allowed here."),
        ("age == 10 ** 400", "'10 ** 400' has no finite result."),
        ("age == 1" + "0" * 400, "is too large a number."),
    ],
)
def test_sentences(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        rows(text)
    assert sentence in str(caught.value)


def test_refusals_say_what_is_allowed() -> None:
    with pytest.raises(ArgumentError, match=r"A condition may hold: columns .* missing\(x\), valid\(x\)\."):
        rows("age[0] == 1")


def test_text_must_be_text() -> None:
    with pytest.raises(ArgumentError, match=r"A condition is text.*there was a bool"):
        evaluate(True, CODES, BOOK)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["q1.a", "class", "and", "Ағаш", "ﬁ", "a`s'"[:1], "v0", "missing", "x" * 200, "$q@#"])
def test_any_column_name(name: str) -> None:
    frame = pd.DataFrame({name: [1, 2], "v1": [5, 5]})
    assert evaluate(f"`{name}` == 2 and v1 == 5", frame, Codebook()).tolist() == [False, True]


def test_names_are_not_normalised() -> None:
    frame = pd.DataFrame({"ﬁ": [1], "fi": [2]})
    assert evaluate("ﬁ == 1 and fi == 2", frame, Codebook()).tolist() == [True]


def test_a_column_named_missing_and_the_call() -> None:
    frame = pd.DataFrame({"missing": [1.0, np.nan]})
    assert evaluate("missing(missing) or missing == 1", frame, Codebook()).tolist() == [True, True]


def test_quotes_inside_labels() -> None:
    book = Codebook({"q": Variable("q", labels={1: "Don't", 2: 'the "b"', 3: "c\\d"})})
    frame = pd.DataFrame({"q": [1, 2, 3]})
    for row, text in enumerate(['q == "Don\'t"', "q == 'the \"b\"'", "q == 'c\\d'"]):
        assert np.flatnonzero(evaluate(text, frame, book)).tolist() == [row]
    assert evaluate(r"q == 'Don\'t'", frame, book).tolist() == [True, False, False]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint64", "Int16", "float32", "Float64", "bool", "boolean"])
def test_types_of_numbers(dtype: str) -> None:
    frame = pd.DataFrame({"x": pd.Series([0, 1], dtype=dtype)})
    assert evaluate("x == 1", frame, Codebook()).tolist() == [False, True]
    assert evaluate("(x + 19) ** 2 == 400", frame, Codebook()).tolist() == [False, True]


def test_small_integers_do_not_overflow() -> None:
    frame = pd.DataFrame({"x": pd.Series([40, 100], dtype="int8")})
    assert evaluate("x ** 2 == 1600 or x * 100 == 10000", frame, Codebook()).tolist() == [True, True]


def test_time_zones() -> None:
    frame = pd.DataFrame({"d": pd.to_datetime(["2025-01-01 01:00", None]).tz_localize("Asia/Tashkent")})
    assert evaluate("d >= '2025-01-01'", frame, Codebook()).tolist() == [True, False]
    assert evaluate("d >= '2025-01-01T00:00+00:00'", frame, Codebook()).tolist() == [False, False]


def test_no_rows() -> None:
    found = evaluate("age > 1 and region == 'x' or valid(day)", CODES.iloc[:0], BOOK)
    assert found.shape == (0,) and found.dtype == bool


def test_columns_that_cannot_be_compared() -> None:
    frame = pd.DataFrame({"c": pd.Categorical(["a"]), "m": pd.Series([1], dtype=object)})
    with pytest.raises(ArgumentError, match=r"Column 'c' has type category; .* from_frame_codebook first"):
        evaluate("c == 'a'", frame, Codebook())
    with pytest.raises(ArgumentError, match=r"Column 'm' holds text and a int \(row 1\)"):
        evaluate("m == 'a'", frame, Codebook())
    with pytest.raises(ArgumentError, match="2 columns are named 'x'"):
        evaluate("x == 1", pd.DataFrame([[1, 2]], columns=["x", "x"]), Codebook())


def test_nothing_is_changed() -> None:
    before = CODES.copy(deep=True)
    rows("age > 1 and region == 'Almaty' or day > '2025-01-01'")
    pd.testing.assert_frame_equal(CODES, before)
