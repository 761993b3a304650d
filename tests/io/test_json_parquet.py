"""The codebook as JSON, and parquet files that carry it."""

from __future__ import annotations

import contextlib
import math
import random
from decimal import Decimal

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
        contents = read_file(file)
        codes, book = contents.codes, contents.codebook
        assert codes.dtypes.astype(str).to_dict() == {
            "small": "int64",
            "gap": "float64",
            "half": "float64",
            "town": "float64",
            "coded": "float64",
            "yes": "float64",
            "day": "datetime64[us]",
        }
        assert codes["town"].tolist()[:2] == [2.0, 1.0]
        assert book["town"] == Variable("town", labels={1: "a", 2: "b"}, measure="nominal")
        assert codes["coded"].tolist()[:2] == [1.0, 2.0]
        assert codes["yes"].tolist()[0::2] == [1.0, 0.0]
        assert book["yes"] == Variable("yes", labels={0: "No", 1: "Yes"}, measure="nominal")

    def test_categories_keep_their_order_and_flags_their_meaning(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        levels = ["low", "never", "high"]
        frame = pd.DataFrame({"q": pd.Categorical(["high", "low"] * 3, levels, ordered=True), "yes": [True, False] * 3})
        if suffix == ".parquet":
            frame.to_parquet(file, row_group_size=2)
        else:
            feather.write_feather(frame, file, chunksize=2)
        contents = read_file(file)
        assert contents.codes.to_dict("list") == {"q": [3, 1] * 3, "yes": [1, 0] * 3}
        assert contents.codes.dtypes.astype(str).tolist() == ["int64", "int64"]
        assert contents.codebook["q"] == Variable("q", labels=dict(enumerate(levels, 1)), measure="ordinal")
        assert contents.codebook["yes"] == Variable("yes", labels={0: "No", 1: "Yes"}, measure="nominal")

    def test_decimals_become_numbers(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        exact = pa.array([Decimal("123.45"), None, Decimal("0.10")], pa.decimal128(20, 2))
        whole = pa.array([Decimal(7), Decimal(-3), Decimal(2**40)], pa.decimal128(20, 0))
        large = pa.array([Decimal(10) ** 30, Decimal(1), Decimal(2)], pa.decimal128(38, 0))
        table = pa.table({"exact": exact, "whole": whole, "large": large})
        pq.write_table(table, file) if suffix == ".parquet" else feather.write_feather(table, file)
        codes = read_file(file).codes
        assert codes.dtypes.astype(str).tolist() == ["float64", "int64", "float64"]
        assert codes["exact"].tolist()[0::2] == [123.45, 0.1]
        assert codes["whole"].tolist() == [7, -3, 2**40]
        assert codes["large"].tolist() == [1e30, 1.0, 2.0]

    def test_lists_are_refused_by_name(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        table = pa.table({"a": [1, 2], "many": [[1], [2, 3]], "pair": [{"x": 1}, {"x": 2}]})
        pq.write_table(table, file) if suffix == ".parquet" else feather.write_feather(table, file)
        with pytest.raises(FileFormatError, match=r"columns of lists or records, .*: many, pair. .* with columns=\."):
            read_file(file)
        assert read_file(file, columns=["a"]).codes["a"].tolist() == [1, 2]
        with pytest.raises(OutputError, match="variable 'a' holds lists or records"):
            write_file(file, pd.DataFrame({"a": [[1], [2]]}), Codebook())

    def test_no_column_leaves_the_rows(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        write_file(file, CODES, BOOK)
        assert read_file(file, columns=[]).codes.shape == (3, 0)
        assert read_file(file, columns=[], row_limit=2).codes.shape == (2, 0)
        assert read_file(file, columns=[], metadata_only=True).codes.shape == (0, 0)

    def test_a_limit_of_the_whole_length_is_not_partial(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        write_file(file, CODES, BOOK)
        assert "partial" not in [n.kind for n in read_file(file, row_limit=3).notices]

    @pytest.mark.parametrize(
        ("codes", "variable", "sentence"),
        [
            ([1], Variable("q", "\ud800"), "the codebook of variable 'q' holds half a character"),
            ([1], Variable("q", labels={1: "\ud800"}), "the codebook of variable 'q' holds half a character"),
            (["a", "\ud800"], Variable("q"), "variable 'q' holds half a character .* in row 2"),
            ([1], Variable("q", labels={math.inf: "x"}), "variable 'q' has a label .* for a code that is not finite"),
        ],
    )
    def test_what_cannot_be_stored_names_the_variable(self, tmp_path, suffix, codes, variable, sentence):
        frame = pd.DataFrame({"q": pd.Series(codes, dtype=object if isinstance(codes[0], str) else "int64")})
        with pytest.raises(OutputError, match=sentence):
            write_file(tmp_path / f"poll{suffix}", frame, Codebook({"q": variable}))

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

    def test_metadata_that_give_two_columns_one_name(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        table = pa.Table.from_pandas(pd.DataFrame({"a": [1], "b": [2]}))
        said = table.schema.metadata[b"pandas"].replace(b'"name": "b"', b'"name": "a"')
        table = table.replace_schema_metadata({b"pandas": said})
        pq.write_table(table, file) if suffix == ".parquet" else feather.write_feather(table, file)
        with pytest.raises(FileFormatError, match="give two columns one name"):
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
    original = pq.ParquetFile.iter_batches

    def noted(self, *args, row_groups, **options):
        read.extend(row_groups)
        return original(self, *args, row_groups=row_groups, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", noted)
    assert len(read_file(file, row_limit=150).codes) == 150
    assert read == [0, 1]


def test_a_small_parquet_file_of_much_text_is_refused_before_it_is_decoded(tmp_path, monkeypatch):
    file = tmp_path / "poll.parquet"
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["x" * 1_000_000]))
    pq.write_table(pa.table({"a": texts}), file, store_schema=False)
    assert file.stat().st_size < 100_000
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 100_000_000)
    valid = []
    monkeypatch.setattr("survey_kit.io.arrow._valid", lambda piece: valid.append(piece.nbytes) or piece)
    with pytest.raises(ResourceLimitError, match="poll.parquet would take 1.9 GB"):
        read_file(file)
    assert sum(valid) < 2_000_000
    assert len(read_file(file, row_limit=20).codes["a"][0]) == 1_000_000


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_in_other_encodings_are_read_and_refused_alike(tmp_path, monkeypatch, encoding):
    file = tmp_path / "poll.parquet"
    table = pa.table({"a": ["x" * 100_000 + str(i) for i in range(200)], "n": range(200)})
    pq.write_table(table, file, use_dictionary=False, compression="zstd", column_encoding={"a": encoding})
    assert file.stat().st_size < 100_000
    assert read_file(file).codes["a"].tolist() == table["a"].to_pylist()
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 5_000_000)
    monkeypatch.setattr("survey_kit.io.arrow._SHARED", 1_000_000)
    read = []
    monkeypatch.setattr("survey_kit.io.arrow._valid", lambda piece: read.append(piece.nbytes) or piece)
    with pytest.raises(ResourceLimitError, match="poll.parquet would take"):
        read_file(file)
    assert sum(read) < 7_000_000
    assert read_file(file, columns=["n"]).codes["n"].tolist() == list(range(200))


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_feather_batch_is_refused_by_what_its_buffers_declare(tmp_path, monkeypatch, compression):
    file = tmp_path / "poll.feather"
    table = pa.table({"small": pa.array(range(4000)), "a": ["x" * 10_000] * 4000})
    feather.write_feather(table, file, compression=compression, chunksize=1000)
    assert file.stat().st_size < 1_000_000
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 25_000_000)
    read = []
    monkeypatch.setattr("survey_kit.io.arrow._valid", lambda piece: read.append(piece.num_rows) or piece)
    with pytest.raises(ResourceLimitError, match="poll.feather would take"):
        read_file(file)
    assert read == [1000, 1000]
    assert read_file(file, columns=["small"]).codes["small"].tolist() == list(range(4000))


def test_dictionaries_of_a_feather_file_count(tmp_path, monkeypatch):
    file = tmp_path / "poll.feather"
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), pa.array(["x" * 2_000_000, "y"]))
    feather.write_feather(pa.table({"a": texts}), file, compression="zstd")
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 1_000_000)
    monkeypatch.setattr("survey_kit.io.arrow._valid", lambda piece: pytest.fail("a batch was read"))
    with pytest.raises(ResourceLimitError, match="poll.feather would take"):
        read_file(file)


def test_only_the_wanted_columns_of_a_feather_file_are_read(tmp_path, monkeypatch):
    file = tmp_path / "poll.feather"
    write_file(file, CODES, BOOK)
    read = []
    original = pa.Table.validate
    monkeypatch.setattr("survey_kit.io.arrow._valid", lambda p: read.append(p.column_names) or original(p) or p)
    assert read_file(file, columns=["m1", "q1"]).codes.columns.tolist() == ["m1", "q1"]
    assert read == [["q1", "m1"]]


def test_a_named_index_of_others_is_a_column(tmp_path):
    file = tmp_path / "poll.parquet"
    pd.DataFrame({"id": [7, 9], "a": [1, 2]}).set_index("id").to_parquet(file)
    assert read_file(file).codes.to_dict("list") == {"a": [1, 2], "id": [7, 9]}


def test_feather_of_version_1_is_refused(tmp_path):
    file = tmp_path / "poll.feather"
    file.write_bytes(b"FEA1" + bytes(50))
    with pytest.raises(WrongFormatError, match="is a Feather file of version 1, of before 2020. Write it again"):
        read_file(file)
