"""The codebook as JSON, and parquet files that carry it."""

from __future__ import annotations

import math

import pandas as pd
import pyarrow.parquet as pq
import pytest

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import FileFormatError, OutputError, UnknownNameError
from survey_kit.io import read_file, write_file
from survey_kit.io.codebook_json import codebook_from_json, codebook_to_json

BOOK = Codebook(
    {
        "q1": Variable(
            "q1",
            "Отношение",
            {1: "Да", 2.5: "Нет", 99: "НЗ"},
            MissingRule((99,), ((-math.inf, -1.0),)),
            "Как вы относитесь?",
            "ordinal",
            "F2.0",
            4,
            "ASK IF q0 = 1",
        ),
        "s": Variable("s", labels={"a": "A"}, missing=MissingRule()),
        "m1": Variable("m1"),
        "m2": Variable("m2"),
    },
    {"m": MultipleResponse("m", ("m1", "m2"), None, "Media", "Which media?")},
    "Title",
    ("one", "two"),
    "m2",
    "utf-8",
)
CODES = pd.DataFrame(
    {"q1": [1.0, 99.0, None], "s": pd.Series(["a", None, "x"], dtype="str"), "m1": [1, 2, 3], "m2": [1, 0, 1]}
)


def test_json_keeps_everything_and_the_types_of_codes():
    back = codebook_from_json(codebook_to_json(BOOK))
    assert back == BOOK
    assert [type(c) for c in back["q1"].labels] == [int, float, int]
    assert back["m1"].missing is None
    assert back["s"].missing == MissingRule()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 99}'])
def test_other_text_is_refused(text):
    with pytest.raises(FileFormatError, match="codebook"):
        codebook_from_json(text)


def test_parquet_round_trip_twice_the_same_bytes(tmp_path):
    file = tmp_path / "poll.parquet"
    assert write_file(file, CODES, BOOK) == ()
    first = file.read_bytes()
    write_file(file, CODES, BOOK)
    assert file.read_bytes() == first
    back = read_file(file)
    pd.testing.assert_frame_equal(back.codes, CODES)
    assert back.codebook == BOOK
    assert b"survey_kit.codebook" in pq.read_schema(file).metadata


def test_parquet_columns(tmp_path):
    file = tmp_path / "poll.parquet"
    write_file(file, CODES, BOOK)
    part = read_file(file, columns=["m2", "m1"])
    assert list(part.codes) == ["m2", "m1"] == list(part.codebook)
    assert list(part.codebook.sets) == ["m"]
    assert read_file(file, columns=["q1"]).codebook.weight is None
    with pytest.raises(UnknownNameError, match="Did you mean 'q1'"):
        read_file(file, columns=["q11"])


def test_foreign_and_damaged_parquet(tmp_path):
    file = tmp_path / "poll.parquet"
    pd.DataFrame({"a": [1, 2]}).to_parquet(file)
    assert list(read_file(file).codebook) == ["a"]
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(FileFormatError, match="truncated or damaged"):
        read_file(file)


def test_mixed_columns_are_refused_and_the_old_file_stays(tmp_path):
    file = tmp_path / "poll.parquet"
    write_file(file, CODES, BOOK)
    with pytest.raises(OutputError, match="Give every column one type"):
        write_file(file, pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)}), Codebook())
    pd.testing.assert_frame_equal(read_file(file).codes, CODES)
