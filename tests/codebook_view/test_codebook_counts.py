"""What a codebook counts: against a plain second count, and where nothing may be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.codebook_view import SurveyCodebook
from survey_kit.design.design import Design
from survey_kit.errors import InvalidWeightError, UnknownNameError
from survey_kit.io.personal import personal_data

SCALE = Variable(
    "q", label="Trust", labels={1: "Low", 2: "High", 98: "Don't know"}, missing=MissingRule((98,), ((90, 97),))
)


def _told(codes: dict[str, object], *variables: Variable, **options: object) -> SurveyCodebook:
    frame = pd.DataFrame(codes)
    stated = {v.name: v for v in variables}
    book = Codebook({name: stated.get(name, Variable(name)) for name in frame})
    return SurveyCodebook.of(book, frame, **options)  # type: ignore[arg-type]


def _rows(told: SurveyCodebook, name: str) -> list[tuple[object, ...]]:
    frame = told.categories(name).astype(object)
    return [
        tuple(None if pd.isna(x) else x for x in row) for row in frame.drop(columns="variable").itertuples(index=False)
    ]


def test_codes_labels_kinds_counts_and_weighted_percentages() -> None:
    told = _told({"q": [1, 1, 2, 5, 98, 93, None, 1], "w": [1, 3, 2, 2, 9, 9, 9, 0]}, SCALE, design=Design(weight="w"))
    assert _rows(told, "q") == [
        (1, "Low", "valid", 3, 50.0),
        (2, "High", "valid", 1, 25.0),
        (5, "", "unlabelled", 1, 25.0),
        (98, "Don't know", "missing", 1, None),
        (93, "", "missing", 1, None),
        (None, "No value", "missing", 1, None),
    ]
    row = told.frame().set_index("name").loc["q"]
    assert (row["type"], row["n"], row["missing_n"], row["missing"]) == ("single choice", 5, 3, "98, 90 to 97")
    assert np.isnan(row["mean"])


def test_a_declared_weight_is_not_applied_and_said() -> None:
    codes = pd.DataFrame({"q": [1, 2], "w": [1.0, 3.0]})
    told = SurveyCodebook.of(Codebook({"q": SCALE, "w": Variable("w")}, weight="w"), codes)
    assert told.categories("q")["percent"].tolist()[:2] == [50.0, 50.0]
    assert told.remarks() == ("The file names 'w' as its weight. It is not applied here.",)
    assert told.size_text() == "2 variables, 2 rows, unweighted"
    assert SurveyCodebook.of(told, codes, Design(weight="w")).remarks() == ()


def test_the_weight_itself_is_not_weighted() -> None:
    told = _told({"w": [1.0, 3.0, 8.0], "x": [1.0, 3.0, 8.0]}, design=Design(weight="w"))
    frame = told.frame().set_index("name")
    assert frame.loc["w", "mean"] == 4.0
    assert frame.loc["x", "mean"] == pytest.approx(74 / 12)


def test_population_sizes_weigh_where_no_weight_is_stated() -> None:
    told = _told({"q": [1, 2, 2], "N": [10, 10, 10]}, SCALE, design=Design(fpc=("N",)))
    assert told.weight_text() == "weighted by the sampling fractions of the design"
    assert told.categories("q")["percent"].tolist()[0] == pytest.approx(100 / 3)


def test_a_domain_is_counted_alone() -> None:
    inside = np.array([True, False, True, True])
    told = _told({"q": [1, 1, 2, 98], "w": [1, 5, 3, 2]}, SCALE, design=Design(weight="w"), domain=inside)
    assert told.categories("q")["n"].tolist() == [1, 1, 1]
    assert told.categories("q")["percent"].tolist()[:2] == [25.0, 75.0]
    assert told.rows_text() == "3 of 4 rows"
    within = SurveyCodebook.of(told, told.codes, told.design, inside, "age > 3")
    assert within.rows_text() == "3 of 4 rows (where age > 3)"


def test_weights_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(InvalidWeightError, match="Weight 'w' is negative in 1 of 2 rows"):
        _told({"q": [1, 2], "w": [1, -1]}, SCALE, design=Design(weight="w")).frame()


def test_zero_weights_count_and_weigh_nothing() -> None:
    told = _told({"q": [1, 2, 98], "w": [0, 0, 1]}, SCALE, design=Design(weight="w"))
    assert told.categories("q")["n"].tolist() == [1, 1, 1]
    assert told.categories("q")["percent"].isna().all()
    assert told.frame().loc[0, "n"] == 2


def test_codes_that_share_a_label_stay_apart() -> None:
    told = _told({"q": [1, 2, 2]}, Variable("q", labels={1: "Yes", 2: "Yes"}))
    assert told.categories("q")[["label", "n"]].values.tolist() == [["Yes [1]", 1], ["Yes [2]", 2]]


def test_an_undeclared_dont_know_leaves_no_mean() -> None:
    values = {"q": [*range(11), 99]}
    number = Variable("q", labels={0: "Not at all", 10: "Fully", 99: "Don't know"})
    frame = _told(values, number).frame()
    assert frame.loc[0, "type"] == "number"
    assert frame.loc[0, ["min", "max"]].tolist() == [0, 99]
    assert np.isnan(frame.loc[0, "mean"])
    assert frame.loc[0, "flag"] == "Reads like no answer and is not declared missing: 99 (Don't know)."
    declared = Variable("q", labels=number.labels, missing=MissingRule((99,)))
    frame = _told(values, declared).frame()
    assert frame.loc[0, ["min", "mean", "max", "flag"]].tolist() == [0, 5, 10, ""]


def test_numbers_dates_and_gaps() -> None:
    days = pd.date_range("2022-12-01 09:00", periods=40, freq="h")
    told = _told(
        {"age": [18 + i % 37 for i in range(40)], "when": days, "gone": [np.nan] * 40, "big": [np.inf] + [1.0] * 39}
    )
    frame = told.frame().set_index("name")
    assert frame["type"].tolist() == ["number", "date", "number", "number"]
    assert frame.loc["age", ["min", "max"]].tolist() == [18, 54]
    assert frame.loc["when", ["earliest", "latest"]].tolist() == [days[0], days[-1]]
    assert frame.loc["gone", ["n", "missing_n"]].tolist() == [0, 40]
    assert frame.loc["big", "flag"] == "Some values are infinite: no mean."
    assert _rows(told, "gone") == [(None, "No value", "missing", 40, None)]
    assert told.categories("age").empty
    assert len(told.summary("age").bins) == 24
    assert sum(told.summary("age").bins) == pytest.approx(1)


def test_few_values_of_a_number_are_listed() -> None:
    told = _told({"children": [0, 0, 1, 2, 0, 1, 2, 2]}, Variable("children"))
    assert told.categories("children")[["code", "kind", "n"]].values.tolist() == [
        [0, "valid", 3],
        [1, "valid", 2],
        [2, "valid", 3],
    ]


def test_text_is_counted_and_not_shown() -> None:
    told = _told(
        {"why": ["prices", "prices", None, "rents"], "code": ["A", "B", "A", "typed in"]},
        Variable("code", labels={"A": "Almaty", "B": "Astana"}),
    )
    frame = told.frame().set_index("name")
    assert frame.loc["why", ["type", "n", "missing_n"]].tolist() == ["text", 3, 1]
    assert told.summary("why").distinct == 2
    assert _rows(told, "why") == [(None, "No value", "missing", 1, None)]
    assert told.categories("code")[["label", "kind", "n", "percent"]].values.tolist() == [
        ["Almaty", "valid", 2, 50.0],
        ["Astana", "valid", 1, 25.0],
        ["1 other texts, not listed", "unlabelled", 1, 25.0],
    ]


@pytest.mark.parametrize(
    ("name", "label", "values"),
    [
        ("nr", "", list(range(7001, 7101))),
        ("RespID", "", [5, 5, 6, 7] * 25),
        ("int_num", "Interviewer number", [11, 12, 13, 14] * 25),
        ("q77", "Номер телефона", [77010000000 + i // 2 for i in range(100)]),
        ("contact", "", [77010000000 + i - (i == 99) for i in range(100)]),
        ("latitude", "", [43.2 + i / 7 for i in range(100)]),
        ("dob", "", list(pd.date_range("1950-01-01", periods=100))),
    ],
)
def test_values_that_point_at_a_person_are_not_told(name: str, label: str, values: list[object]) -> None:
    told = _told({name: values}, Variable(name, label=label))
    row = told.frame().iloc[0]
    assert row["type"] == "identifier"
    assert row[["min", "mean", "max", "earliest", "latest"]].isna().all()
    assert told.categories(name).empty
    assert told.summary(name).bins == ()


def test_a_few_labels_do_not_make_an_identifier_a_number() -> None:
    told = _told({"intid": [*range(300, 340), -9]}, Variable("intid", labels={-9: "Break-off"}))
    row = told.frame().iloc[0]
    assert row["type"] == "identifier"
    assert row[["min", "max"]].isna().all()
    assert _rows(told, "intid")[0][:4] == (-9, "Break-off", "valid", 1)
    assert len(_rows(told, "intid")) == 1


def test_a_telephone_among_labelled_answers_is_not_listed() -> None:
    told = _told({"tel": [1] * 50 + [77012345678]}, Variable("tel", labels={1: "Has none"}))
    assert told.frame().loc[0, "type"] == "single choice"
    assert _rows(told, "tel") == [
        (1, "Has none", "valid", 50, pytest.approx(100 * 50 / 51)),
        (None, "1 other values, not listed", "unlabelled", 1, pytest.approx(100 / 51)),
    ]
    for text in (str(told.to_html()), told._repr_html_(), told.categories().to_csv(), told.frame().to_csv()):
        assert "7701" not in text.replace(",", "")


def test_a_telephone_in_a_missing_range_is_not_listed() -> None:
    told = _told({"tel": [1, 2, 77012345678]}, Variable("tel", missing=MissingRule((), ((90, 10**11),))))
    assert _rows(told, "tel")[-1] == (None, "1 other missing codes (90 to 100000000000)", "missing", 1, None)
    told = _told({"tel": [1, 2, -1000001]}, Variable("tel", missing=MissingRule((-1000001,))))
    assert _rows(told, "tel")[-1][0] == -1000001


def test_a_file_and_its_codebook_agree_on_what_is_personal() -> None:
    codes = pd.DataFrame({"tel": [77010000000, 77010000001, 77010000001], "geolat": [43.25, 51.1, 50.0]})
    notice = personal_data(codes)
    assert notice is not None
    assert "tel (telephone numbers), geolat (places on a map)" in notice.text
    assert _told(dict(codes)).frame()["type"].tolist() == ["identifier", "identifier"]


def test_unlabelled_answers_about_nobody_are_listed() -> None:
    told = _told({"q": [1, 1, 2, 3, 77012345678]}, Variable("q", labels={1: "Yes", 2: "No"}))
    assert told.categories("q")["code"].tolist() == [1, 2, 3, 77012345678]


@pytest.mark.parametrize(
    "label", ["Owns a phone", "How many mobile numbers do you use?", "Weight: 1 / number of phone numbers"]
)
def test_what_is_about_telephones_is_no_telephone(label: str) -> None:
    told = _told({"q": [1, 2, 3, 2] * 10}, Variable("q", label=label))
    assert told.frame().loc[0, "type"] == "number"


def test_sets_of_both_kinds() -> None:
    codes = pd.DataFrame(
        {
            "a_1": [1, 0, None, 1], "a_2": [1, 1, None, 0], "b_1": [1, 2, None, 7], "b_2": [2, None, None, 2],
            "w": [1.0, 2.0, 4.0, 5.0],
        }
    )  # fmt: skip
    place = {1: "TV", 2: "Press"}
    book = Codebook(
        {
            "a_1": Variable("a_1", label="News: TV"),
            "a_2": Variable("a_2", label="News: Press"),
            "b_1": Variable("b_1", labels=place),
            "b_2": Variable("b_2", labels=place),
            "w": Variable("w"),
        },
        sets={
            "a": MultipleResponse("a", ("a_1", "a_2"), label="News"),
            "b": MultipleResponse("b", ("b_1", "b_2"), None),
        },
    )
    told = SurveyCodebook.of(book, codes, Design(weight="w"))
    frame = told.frame()
    assert frame["name"].tolist() == ["a", "a_1", "a_2", "b", "b_1", "b_2", "w"]
    assert frame.loc[0, ["type", "n", "missing_n"]].tolist() == ["multiple response", 3, 1]
    assert _rows(told, "a") == [
        ("a_1", "TV", "valid", 2, 75.0),
        ("a_2", "Press", "valid", 2, 37.5),
        (None, "Nothing valid in any of its columns", "missing", 1, None),
    ]
    found = told.categories("b")
    assert found["code"].tolist()[:3] == [1, 2, 7]
    assert found["kind"].tolist() == ["valid", "valid", "unlabelled", "missing"]
    assert found["n"].tolist() == [1, 3, 1, 1]
    inside = SurveyCodebook.of(book, codes, domain=np.array([True, False, True, False]))
    assert inside.categories("a")["n"].tolist() == [1, 1, 1]


def test_a_set_without_its_columns_says_so() -> None:
    book = Codebook({"a": Variable("a")}, sets={"s": MultipleResponse("s", ("a", "b"))})
    frame = SurveyCodebook.of(book, pd.DataFrame({"a": [1]})).frame().set_index("name")
    assert frame.loc["s", "flag"] == "There is no column 'b' in the data."


def test_a_variable_without_data_says_so() -> None:
    book = Codebook({"a": Variable("a", labels={1: "Yes"})})
    assert (
        SurveyCodebook.of(book, pd.DataFrame()).frame().loc[0, "flag"] == "There is no column of this name in the data."
    )


def test_no_rows() -> None:
    told = _told({"q": pd.Series([], dtype="float64"), "t": pd.Series([], dtype="str")}, SCALE)
    assert told.categories("q")["n"].tolist() == [0, 0, 0]
    assert told.frame()["n"].tolist() == [0, 0]


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match=r"No variable 'vot'. Did you mean 'vote'\?"):
        _told({"vote": [1]}).categories("vot")


def test_types_of_the_columns_do_not_depend_on_the_data() -> None:
    empty = SurveyCodebook.of(Codebook(), pd.DataFrame())
    full = _told({"q": [1, 2], "x": [1.5, None]}, SCALE)
    assert empty.frame().dtypes.to_dict() == full.frame().dtypes.to_dict()
    assert empty.categories().dtypes.to_dict() == full.categories().dtypes.to_dict()


codes_lists = st.lists(st.sampled_from([1.0, 2.0, 3.0, 7.0, 95.0, 98.0, np.nan]), min_size=1, max_size=40)


@given(codes_lists, st.integers(0, 2**32 - 1))
def test_counts_agree_with_a_plain_count(values: list[float], seed: int) -> None:
    random = np.random.default_rng(seed)
    weight = random.choice([0.0, 0.5, 1.0, 3.0], len(values)) + 1e-9
    inside = random.random(len(values)) < 0.7
    told = _told({"q": values, "w": weight}, SCALE, design=Design(weight="w"), domain=inside)
    frame = told.categories("q")
    valid = [(v, w) for v, w, i in zip(values, weight, inside, strict=True) if i and v in (1.0, 2.0, 3.0, 7.0)]
    total = sum(w for _, w in valid)
    for row in frame[frame["kind"] != "missing"].itertuples():
        assert row.n == sum(v == row.code for v, _ in valid)
        if total:
            assert row.percent == pytest.approx(100 * sum(w for v, w in valid if v == row.code) / total)
    assert frame["n"].sum() == inside.sum()
    assert frame.loc[frame["kind"] != "missing", "n"].sum() == len(valid) == told.frame().loc[0, "n"]


def test_percentages_are_those_of_proportion() -> None:
    random = np.random.default_rng(5)
    codes = pd.DataFrame({"q": random.choice([1, 2, 98, np.nan], 300), "w": random.gamma(2, size=300)})
    book = Codebook({"q": SCALE, "w": Variable("w")})
    poll = sk.from_frame(codes, book).with_design(weight="w")
    shares = sk.proportion(poll, "q").frame()["estimate"].to_numpy()
    told = SurveyCodebook.of(book, codes, poll.design).categories("q")
    np.testing.assert_allclose(told.loc[told["kind"] == "valid", "percent"], 100 * shares, rtol=1e-12)
