"""The codebook as JSON, and parquet files that carry it."""

from __future__ import annotations

import contextlib
import math
import random

import pandas as pd
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    FileFormatError,
    OutputError,
    ReadError,
    ResourceLimitError,
    UnknownNameError,
    WrongFormatError,
)
from survey_kit.io import read_file, write_file
from survey_kit.io.codebooks.json_form import codebook_from_json, codebook_to_json

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


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
class TestBothFormats:
    def test_round_trip_twice_the_same_bytes(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        assert write_file(file, CODES, BOOK) == ()
        first = file.read_bytes()
        write_file(file, CODES, BOOK)
        assert file.read_bytes() == first
        back = read_file(file)
        pd.testing.assert_frame_equal(back.codes, CODES)
        assert back.codebook == BOOK
        assert back.format == suffix[1:]

    def test_rows(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        write_file(file, CODES, BOOK)
        part = read_file(file, row_limit=2, columns=["m2", "q1"])
        assert part.codes["m2"].tolist() == [1, 0]
        assert list(part.codebook) == ["m2", "q1"]
        assert [n.text for n in part.notices if n.kind == "partial"] == ["Only the first 2 rows were read."]
        assert "partial" not in [n.kind for n in read_file(file).notices]
        empty = read_file(file, metadata_only=True)
        assert empty.codes.shape == (0, 4)
        assert empty.codes.dtypes.tolist() == CODES.dtypes.tolist()
        assert empty.codebook == BOOK

    def test_files_of_others(self, tmp_path, suffix):
        """Their integers, categories and index become what the readers of other formats give."""
        file = tmp_path / f"poll{suffix}"
        frame = pd.DataFrame(
            {
                "small": pd.array([1, 2, 3], dtype="int8"),
                "gap": pd.array([1, None, 3], dtype="Int64"),
                "half": pd.array([0.5, None, 1.5], dtype="float32"),
                "town": pd.Categorical(["b", "a", None]),
                "coded": pd.Categorical([1, 2, None]),
                "yes": pd.Series([True, None, False], dtype=object),
                "day": pd.to_datetime(["2024-02-29", None, "2020-01-01"]).as_unit("ns"),
            }
        )
        frame.to_parquet(file) if suffix == ".parquet" else frame.to_feather(file)
        codes = read_file(file).codes
        assert codes.dtypes.astype(str).to_dict() == {
            "small": "int64",
            "gap": "float64",
            "half": "float64",
            "town": "str",
            "coded": "float64",
            "yes": "float64",
            "day": "datetime64[us]",
        }
        assert codes["town"].tolist()[:2] == ["b", "a"]
        assert codes["yes"].tolist()[0::2] == [1.0, 0.0]

    def test_a_codebook_of_nonsense_is_refused(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        text = codebook_to_json(BOOK)
        for bad, sentence in (
            ("{", "its codebook cannot be read"),
            (text.replace('"ordinal"', "5"), "5 is no measure"),
        ):
            table = pa.Table.from_pandas(CODES).replace_schema_metadata({b"survey_kit.codebook": bad.encode()})
            pq.write_table(table, file) if suffix == ".parquet" else feather.write_feather(table, file)
            with pytest.raises(DamagedFileError, match=sentence):
                read_file(file)

    def test_two_columns_of_one_name(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        table = pa.table([[1], [2]], names=["a", "a"])
        pq.write_table(table, file) if suffix == ".parquet" else feather.write_feather(table, file)
        with pytest.raises(DuplicateNameError, match="more than one column 'a'"):
            read_file(file)

    def test_damage_ends_in_an_error_or_in_a_frame(self, tmp_path, suffix):
        """Feather says lengths and offsets that pyarrow believes: unchecked, they end the interpreter."""
        file = tmp_path / f"poll{suffix}"
        write_file(file, pd.concat([CODES] * 50, ignore_index=True), BOOK)
        data, places = file.read_bytes(), random.Random(1)
        for _ in range(300):
            damaged = bytearray(data)
            for _ in range(3):
                damaged[places.randrange(8, len(data))] = places.randrange(256)
            file.write_bytes(damaged)
            with contextlib.suppress(ReadError):
                read_file(file)

    def test_more_than_fits_is_refused(self, tmp_path, suffix, monkeypatch):
        file = tmp_path / f"poll{suffix}"
        write_file(file, CODES, BOOK)
        monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 40)
        with pytest.raises(
            ResourceLimitError, match=f"poll{suffix} would take .* Name columns=, or read the first rows"
        ):
            read_file(file)


def test_only_the_needed_row_groups_are_read(tmp_path, monkeypatch):
    file = tmp_path / "poll.parquet"
    pd.DataFrame({"a": range(1000)}).to_parquet(file, row_group_size=100)
    read = []
    original = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda self, i, *a: read.append(i) or original(self, i, *a))
    assert len(read_file(file, row_limit=150).codes) == 150
    assert read == [0, 1]


def test_a_named_index_of_others_is_a_column(tmp_path):
    file = tmp_path / "poll.parquet"
    pd.DataFrame({"id": [7, 9], "a": [1, 2]}).set_index("id").to_parquet(file)
    assert read_file(file).codes.to_dict("list") == {"a": [1, 2], "id": [7, 9]}


def test_feather_of_version_1_is_refused(tmp_path):
    file = tmp_path / "poll.feather"
    file.write_bytes(b"FEA1" + bytes(50))
    with pytest.raises(WrongFormatError, match="is a Feather file of version 1, of before 2020. Write it again"):
        read_file(file)
