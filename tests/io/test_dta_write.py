"""Writing Stata files: storage, labels, extended missing values, dates, long texts; what Stata cannot hold."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import HealthCheck, given, settings
from support.codebooks import surveys

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import OutputError
from survey_kit.io import read_file, write_file

LONG = "очень длинная подпись " * 6
CODES = pd.DataFrame(
    {
        "q1": [1.0, 2.0, 99.0, np.nan],
        "letters": [1, -1000001, -1000003, 5],
        "fraction": [1.5, np.nan, -1000026.0, 5.0],
        "w": [0.1, 1 / 3, 1e10, 123.456],
        "half": [0.5, 0.25, 1.0, 2.0],
        "город": pd.Series(["Минск", None, "NA", "я" * 100], dtype="str"),
        "open": pd.Series(["Минск" * 1000, None, "x", "Минск" * 1000], dtype="str"),
        "day": pd.to_datetime(["2024-02-29", None, "1583-01-22", "9999-12-31"]).as_unit("us"),
        "moment": pd.to_datetime(
            ["2024-02-29 10:00:00.25", None, "2001-01-01", "2001-01-01"], format="ISO8601"
        ).as_unit("us"),
        "whole": [1.0, 2.0, 3.0, 4.0],
    }
)
BOOK = Codebook(
    {
        "q1": Variable(
            "q1",
            LONG,
            {1: "Да", 2: "Нет", 99: "НО"},
            MissingRule((99.0,), ((-math.inf, -1.0),)),
            "Вопрос?",
            "ordinal",
            "%8.0g",
            6,
            "ASK IF q0 = 1",
            "left",
            {"mine": "x", "$@Role": "y"},
            "banded from q0",
        ),
        "letters": Variable(
            "letters", "L", {1: "one", -1000001: "Refused"}, MissingRule((-1000001, -1000003)), format="%8.0g"
        ),
        "fraction": Variable("fraction", missing=MissingRule((-1000026,)), format="%9.0g"),
        "w": Variable("w", format="%9.2f"),
        "half": Variable("half", labels={0.5: "half", 2: "two"}, format="%9.0g"),
        "город": Variable("город", labels={"NA": "Namibia"}, measure="nominal", format="%200s"),
        "open": Variable("open", measure="nominal", format="%9s"),
        "day": Variable("day", format="%tdD_m_Y"),
        "moment": Variable("moment", format="%tc"),
        "whole": Variable("whole", format="%10.0g"),
    },
    {"m": MultipleResponse("m", ("q1", "letters"), 1, "Media", "Which media?")},
    "Опрос " * 20,
    ("one", "two\nlines"),
    "w",
    "utf-8",
    {"_svy_version": "2", "odd name": "kept"},
)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    file = tmp_path_factory.mktemp("dta") / "poll.dta"
    return file, write_file(file, CODES, BOOK)


class TestRoundTrip:
    def test_nothing_is_lost_for_us(self, written):
        back = read_file(written[0])
        pd.testing.assert_frame_equal(back.codes, CODES)
        assert dict(back.codebook.variables) == dict(BOOK.variables)
        assert back.codebook == BOOK

    def test_equal_data_equal_bytes(self, written, tmp_path):
        write_file(tmp_path / "again.dta", CODES, BOOK)
        assert (tmp_path / "again.dta").read_bytes() == written[0].read_bytes()

    def test_what_stata_does_not_apply_is_listed(self, written):
        cut, lost = written[1]
        assert cut.text == (
            "Too long for Stata and cut there: the file's title, the label of 'q1'. Stata shows the beginning; survey_kit "
            "reads them whole."
        )
        assert lost.kind == "lost"
        assert lost.text == (
            "Stata does not hold missing rules of q1; value labels of texts and fractions of half, город; the wording of q1; "
            "the filter of q1; the measurement level of q1; the multiple-response sets m; the weight w. survey_kit reads them "
            "back from the file's characteristics; Stata does not apply them."
        )

    def test_changes_made_in_stata_count(self, tmp_path):
        """A characteristic that says other than Stata's own labels gives way to them."""
        file = tmp_path / "poll.dta"
        write_file(file, CODES[["q1"]], Codebook({"q1": replace(BOOK["q1"], label="x" * 90)}))
        file.write_bytes(file.read_bytes().replace(b"x" * 80, b"y" * 80, 1).replace("Нет\0".encode(), "Неа\0".encode()))
        found = read_file(file).codebook["q1"]
        assert found.label == "y" * 80
        assert found.labels[2] == "Неа"
        assert found.missing == BOOK["q1"].missing

    def test_a_characteristic_of_nonsense_is_left_aside(self, tmp_path):
        file = tmp_path / "poll.dta"
        write_file(file, CODES[["q1"]], Codebook({"q1": Variable("q1", question="Why?")}))
        data = file.read_bytes()
        for good, bad in ((b'"question": "Why?"', b'"question": 555555'), (b'{"version": 1', b"[[[[[[[[[[[[[")):
            assert good in data
            file.write_bytes(data.replace(good, bad))
            assert read_file(file).codebook["q1"].question == ""


class TestOtherReaders:
    def test_pandas(self, written):
        with pd.io.stata.StataReader(written[0]) as reader:
            frame = reader.read(convert_categoricals=False, convert_missing=False)
            labels, names = reader.value_labels(), reader.variable_labels()
            assert reader.data_label == ("Опрос " * 20)[:80]
        kinds = frame.dtypes.astype(str).to_dict()
        assert {n: kinds[n] for n in ("half", "w", "whole")} == {"half": "float32", "w": "float64", "whole": "int8"}
        assert frame["w"].tolist() == CODES["w"].tolist()
        assert frame["letters"].tolist()[::3] == [1, 5]
        assert frame["letters"].isna().tolist() == [False, True, True, False]
        assert frame["open"].tolist() == ["Минск" * 1000, "", "x", "Минск" * 1000]
        assert frame["day"].astype(str).tolist()[0::3] == ["2024-02-29", "9999-12-31"]
        assert str(frame["moment"][0]) == "2024-02-29 10:00:00.250000"
        assert labels["letters"] == {1: "one", 2147483622: "Refused"}
        assert names["q1"] == LONG[:80]

    def test_pyreadstat(self, written):
        frame, meta = pyreadstat.read_dta(written[0], user_missing=True)
        assert frame["letters"].tolist() == [1, "a", "c", 5]
        assert frame["fraction"].tolist()[2] == "z"
        assert meta.variable_value_labels["letters"] == {1: "one", "a": "Refused"}
        assert meta.notes == ["one", "two\nlines"]
        assert meta.readstat_variable_types["q1"] == "int8"

    @pytest.mark.parametrize(
        ("values", "kind"),
        [
            ([-127, 100], "int8"),
            ([-128, 100], "int16"),
            ([0, 101], "int16"),
            ([-32_768, 1], "int32"),
            ([32_741], "int32"),
            ([2_147_483_621], "double"),
            ([2**24 + 1.0, 2**31], "double"),
            ([2**53], "float"),
            ([2**53 - 1], "double"),
            ([0.5, 2.0**126], "float"),
            ([0.5, 2.0**127], "double"),
            ([0.1], "double"),
            ([True, False], "int8"),
            ([np.nan, np.nan], "int8"),
            ([-0.5, 3.0], "float"),
        ],
    )
    def test_the_smallest_exact_storage(self, tmp_path, values, kind):
        file = tmp_path / "a.dta"
        write_file(file, pd.DataFrame({"a": values}), Codebook())
        frame, meta = pyreadstat.read_dta(file)
        assert meta.readstat_variable_types["a"] == kind
        np.testing.assert_array_equal(frame["a"].to_numpy(dtype=float), np.array(values, dtype=float))
        np.testing.assert_array_equal(read_file(file).codes["a"].to_numpy(dtype=float), np.array(values, dtype=float))

    def test_letters_in_every_storage(self, tmp_path):
        file = tmp_path / "a.dta"
        marked = -1000002.0
        codes = pd.DataFrame(
            {
                "byte_": [1, marked],
                "int_": [1000, marked],
                "long_": [10**6, marked],
                "float_": [0.5, marked],
                "double_": [0.1, marked],
            }
        )
        rule = MissingRule((-1000002,))
        write_file(file, codes, Codebook({n: Variable(n, missing=rule) for n in codes}))
        frame, meta = pyreadstat.read_dta(file, user_missing=True)
        assert list(meta.readstat_variable_types.values()) == ["int8", "int16", "int32", "float", "double"]
        assert [frame[n][1] for n in frame] == ["b"] * 5
        back = read_file(file)
        assert (back.codes.iloc[1] == marked).all()
        assert all(v.missing == rule for v in back.codebook.variables.values())

    def test_a_code_like_a_letter_that_is_not_declared_stays_a_number(self, tmp_path):
        file = tmp_path / "a.dta"
        write_file(file, pd.DataFrame({"a": [1, -1000001]}), Codebook())
        assert pd.read_stata(file)["a"].tolist() == [1, -1000001]

    def test_shared_labels_are_written_once(self, tmp_path):
        file = tmp_path / "a.dta"
        labels = {1: "Yes", 2: "No"}
        book = Codebook({n: Variable(n, labels=labels if n != "c" else {1: "x"}) for n in "abc"})
        write_file(file, pd.DataFrame({"a": [1], "b": [2], "c": [1]}), book)
        _, meta = pyreadstat.read_dta(file)
        assert meta.variable_to_label == {"a": "a", "b": "a", "c": "c"}
        assert read_file(file).codebook["b"].labels == labels

    def test_no_rows(self, tmp_path):
        file = tmp_path / "a.dta"
        write_file(file, CODES.iloc[:0], BOOK)
        back = read_file(file)
        assert back.codes.shape == (0, len(CODES.columns))
        assert back.codebook["letters"].labels == BOOK["letters"].labels


class TestRefusals:
    @pytest.mark.parametrize(
        ("codes", "variable", "text"),
        [
            (
                {"1a": [1], "int": [1], "str12": [1], "a b": [1]},
                None,
                "these do not fit: 1a, int, str12, a b. Rename them",
            ),
            ({"x" * 33: [1]}, None, "names in Stata have at most 32 letters"),
            ({"a": [2**53 + 1]}, None, "'a' holds an integer beyond 2^53 in row 1"),
            ({"a": [1.0, math.inf]}, None, "'a' holds an infinite value in row 2"),
            ({"a": [1.0, 9e307]}, None, "'a' holds a number in row 2 that is missing in Stata"),
            ({"a": ["x\0y"]}, None, "'a' holds a NUL character in row 1"),
            ({"a": pd.Series(["x", 1], dtype=object)}, None, "'a' mixes text with other values"),
            ({"a": pd.Categorical(["x"])}, None, "'a' holds categories"),
            (
                {"a": pd.to_datetime(["2020-01-01 00:00:00.000001"])},
                None,
                "'a' holds microseconds in row 1; Stata holds",
            ),
            ({"a": pd.to_datetime(["2020-01-01"]).tz_localize("UTC")}, None, "'a' holds dates with a time zone"),
            ({"a": [1]}, Variable("a", labels={"x": "X"}), "'a' is numeric, but a code of its labels"),
            ({"a": ["x"]}, Variable("a", missing=MissingRule((1,))), "'a' is text, but a code of its labels"),
            ({}, None, "there are no columns to write"),
        ],
    )
    def test_refusals(self, tmp_path, codes, variable, text):
        book = Codebook({variable.name: variable} if variable else {})
        with pytest.raises(OutputError) as caught:
            write_file(tmp_path / "a.dta", pd.DataFrame(codes), book)
        assert text in str(caught.value)
        assert not (tmp_path / "a.dta").exists()

    def test_too_many_columns(self, tmp_path):
        codes = pd.DataFrame(np.zeros((1, 32_768), dtype=np.int8), columns=[f"v{i}" for i in range(32_768)])
        with pytest.raises(OutputError, match=r"32,768 columns; Stata holds 32,767"):
            write_file(tmp_path / "a.dta", codes, Codebook())

    def test_what_no_characteristic_holds(self, tmp_path):
        codes = pd.DataFrame({"a": [1], "s": pd.Series([""], dtype="str")})
        book = Codebook({"a": Variable("a", question="w" * 70_000)})
        notices = write_file(tmp_path / "a.dta", codes, book)
        assert notices[-1].text == (
            "A Stata file does not hold meaning longer than a characteristic of a; the difference between an empty text and "
            "none in s. Write .parquet to keep them."
        )


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(survey=surveys())
def test_random_surveys_lose_nothing(survey):
    codes, book = survey
    names = {n: n.replace("@", "_")[:32] for n in codes.columns}
    codes = codes.rename(columns=names)
    variables = {names[n]: replace(v, name=names[n]) for n, v in book.variables.items()}
    sets = {k: replace(s, columns=tuple(names[c] for c in s.columns)) for k, s in book.sets.items()}
    book = replace(book, variables=variables, sets=sets, weight=names.get(book.weight or ""))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "poll.dta")
        write_file(file, codes, book)
        first = read_file(file)
        write_file(file, first.codes, first.codebook)
        again = read_file(file)
    pd.testing.assert_frame_equal(first.codes, codes)
    bare = {n: replace(v, format="") for n, v in first.codebook.variables.items()}
    assert bare == {n: replace(v, format="") for n, v in variables.items()}
    assert replace(first.codebook, variables={}) == replace(book, variables={})
    pd.testing.assert_frame_equal(again.codes, first.codes)
    assert again.codebook == first.codebook


def test_large_integers_stay_integers(tmp_path):
    file = tmp_path / "poll.dta"
    codes = pd.DataFrame({"id": [2**31, 2**53], "real": [2.0**31, 2.0**53], "even": [2**40, -(2**40)], "small": [1, 2]})
    write_file(file, codes, Codebook())
    back = read_file(file)
    pd.testing.assert_frame_equal(back.codes, codes)
    assert not any(v.attributes for v in back.codebook.variables.values())


def test_integers_that_stata_made_fractions_are_floats(tmp_path):
    file = tmp_path / "poll.dta"
    write_file(file, pd.DataFrame({"id": [2**40, 2**41]}), Codebook())
    file.write_bytes(file.read_bytes().replace(np.array([2.0**40], "<f4").tobytes(), np.array([0.5], "<f4").tobytes()))
    assert read_file(file).codes["id"].tolist() == [0.5, 2.0**41]


@pytest.mark.parametrize(
    ("values", "variable", "sentence"),
    [
        ([1], Variable("q", "\ud800"), "the codebook of variable 'q' holds half a character"),
        ([1], Variable("q", labels={1: "\ud800"}), "the codebook of variable 'q' holds half a character"),
        (["a", "\ud800"], Variable("q"), "variable 'q' holds half a character .* in row 2"),
        ([1], Variable("q", labels={math.inf: "x"}), "variable 'q' has a label .* for a code that is not finite"),
    ],
)
def test_what_cannot_be_stored_names_the_variable(tmp_path, values, variable, sentence):
    codes = pd.DataFrame({"q": pd.Series(values, dtype=object if isinstance(values[0], str) else "int64")})
    with pytest.raises(OutputError, match=sentence):
        write_file(tmp_path / "poll.dta", codes, Codebook({"q": variable}))
