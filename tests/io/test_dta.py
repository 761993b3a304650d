"""Stata files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    EncodingError,
    FileFormatError,
    ResourceLimitError,
    TruncatedFileError,
    UnknownNameError,
    WrongFormatError,
)
from survey_kit.io import read_file, write_file
from survey_kit.io.stata.meaning import attributes


@pytest.fixture
def plain(tmp_path):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame(
        {
            "age": np.array([20, 40, 70], dtype="int8"),
            "vote": [2.0, np.nan, -1.0],
            "name": ["a", "", "б"],
            "day": pd.to_datetime(["2024-02-29", None, "1959-12-31"]),
        }
    )
    frame.to_stata(
        file,
        write_index=False,
        version=118,
        data_label="A poll",
        variable_labels={"age": "Age", "vote": "Vote"},
        value_labels={"vote": {2: "Yes", -1: "Don't know", 1: "No"}},
        convert_dates={"day": "td"},
    )
    return file


def test_codes_labels_and_title(plain):
    contents = read_file(plain)
    codes, book = contents.codes, contents.codebook
    assert codes.dtypes.astype(str).to_dict() == {
        "age": "int64",
        "vote": "float64",
        "name": "str",
        "day": "datetime64[us]",
    }
    assert (codes["age"] ** 2).tolist() == [400, 1600, 4900]
    assert list(book["vote"].labels.items()) == [(-1, "Don't know"), (1, "No"), (2, "Yes")]
    assert (book["age"].label, book.title, contents.format) == ("Age", "A poll", "dta")
    assert book["vote"].missing is None
    assert codes["name"].isna().tolist() == [False, True, False]
    assert codes["day"].astype(str).tolist()[0::2] == ["2024-02-29", "1959-12-31"]
    assert [n.kind for n in contents.notices] == ["undeclared_missing"]


def test_columns(plain):
    assert list(read_file(plain, columns=["vote", "age"]).codes) == ["vote", "age"]
    with pytest.raises(UnknownNameError, match=r"No column 'vot'\. Did you mean 'vote'\?"):
        read_file(plain, columns=["vot"])


def test_extended_missing_values_stay_apart(tmp_path):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame({"q": [1, 2, "a", "c"], "w": [1.0, 2.0, 3.0, 4.0]})
    pyreadstat.write_dta(
        frame, file, missing_user_values={"q": ["a", "c"]}, variable_value_labels={"q": {1: "one", "a": "Refused"}}
    )
    contents = read_file(file)
    assert contents.codes["q"].tolist() == [1, 2, -1000001, -1000003]
    assert contents.codebook["q"].missing == MissingRule((-1000001, -1000003))
    assert contents.codebook["q"].labels == {1: "one", -1000001: "Refused"}
    assert contents.codebook["q"].is_missing(contents.codes["q"]).tolist() == [False, False, True, True]
    assert contents.codebook["w"].missing is None
    (notice,) = contents.notices
    assert notice.text == (
        "Extended missing values are kept as user-missing codes (.a is -1000001, .c is -1000003) in q."
    )


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(plain, share):
    data = plain.read_bytes()
    plain.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FileFormatError, match="truncated or damaged"):
        read_file(plain)


@pytest.mark.parametrize("version", [8, 10, 12, 13, 14, 15])
def test_versions_8_to_15_read_alike(tmp_path, version):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame({"q": [1, 2, "b"], "w": [1.5, np.nan, 0.1], "s": ["x", "", "yy"]})
    pyreadstat.write_dta(
        frame,
        file,
        version=version,
        missing_user_values={"q": ["b"]},
        variable_value_labels={"q": {1: "one", "b": "Refused"}},
        column_labels={"q": "Question"},
        file_label="A poll",
    )
    contents = read_file(file)
    assert contents.codes["q"].tolist() == [1, 2, -1000002]
    assert contents.codebook["q"].labels == {1: "one", -1000002: "Refused"}
    assert (contents.codebook["q"].label, contents.codebook.title) == ("Question", "A poll")
    assert contents.codes["s"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize("version", [8, 10, 12])
def test_old_files_cut_anywhere_are_refused_or_say_that_labels_are_missing(tmp_path, version):
    """Formats before 117 have no end tag; readers drop the labels of a file that was cut in silence."""
    file = tmp_path / "poll.dta"
    pyreadstat.write_dta(
        pd.DataFrame({"q": [1, 2, 3]}), file, version=version, variable_value_labels={"q": {1: "one", 2: "two"}}
    )
    data = file.read_bytes()
    read = []
    for size in range(1, len(data)):
        file.write_bytes(data[:size])
        try:
            read.append(read_file(file))
        except TruncatedFileError as error:
            assert "is truncated or damaged" in str(error)
    (contents,) = read  # cut exactly before the labels: whole but for them
    assert contents.notices[0].text == (
        "The value labels of q are not in the file: dropped in Stata, or the end of the file is missing."
    )


def test_rows(plain):
    part = read_file(plain, row_limit=2, columns=["age"])
    assert part.codes["age"].tolist() == [20, 40]
    assert [n.text for n in part.notices] == ["Only the first 2 rows were read."]
    assert [n.kind for n in read_file(plain, row_limit=3, columns=["age"]).notices] == []
    empty = read_file(plain, metadata_only=True)
    assert empty.codes.shape == (0, 4)
    assert empty.codebook["vote"].labels == read_file(plain).codebook["vote"].labels
    assert empty.codes["day"].dtype == "datetime64[us]"


def cyrillic(file, version=12, text="Минск", encoding="cp1251"):
    """A file whose texts are in a code page: written in UTF-8, as many bytes, and replaced."""
    stand = {"label": "L" * 9, "value": "V" * 5, "data": "D" * 5, "title": "T" * 5}
    frame = pd.DataFrame({"q": [1, 2], "s": [stand["data"], "x"]})
    pyreadstat.write_dta(
        frame,
        file,
        version=version,
        column_labels={"q": stand["label"]},
        variable_value_labels={"q": {1: stand["value"]}},
        file_label=stand["title"],
    )
    data = file.read_bytes()
    for old, new in (("L" * 9, "Отношение"), ("V" * 5, "Место"), ("D" * 5, text), ("T" * 5, "Опрос")):
        assert old.encode() in data
        data = data.replace(old.encode(), new.encode(encoding))
    file.write_bytes(data)


@pytest.mark.parametrize("encoding", ["cp1251", "cp866"])
def test_old_files_state_no_encoding_and_it_is_guessed(tmp_path, encoding):
    file = tmp_path / "poll.dta"
    cyrillic(file, encoding=encoding)
    contents = read_file(file)
    assert contents.codebook.encoding == encoding
    assert contents.codes["s"].tolist() == ["Минск", "x"]
    assert contents.codebook["q"].labels == {1: "Место"}
    assert (contents.codebook["q"].label, contents.codebook.title) == ("Отношение", "Опрос")
    assert contents.notices[0].text == (
        f"poll.dta states no encoding; read as {encoding} (“Опрос”). If that is wrong, say encoding=."
    )
    stated = read_file(file, encoding=encoding, columns=["s"])
    assert stated.codes["s"].tolist() == ["Минск", "x"]
    assert [n.kind for n in stated.notices] == []


def test_damaged_text_is_refused_with_its_place_or_replaced(tmp_path):
    file = tmp_path / "poll.dta"
    cyrillic(file, version=14)
    with pytest.raises(EncodingError) as caught:
        read_file(file)
    assert str(caught.value) == (
        "poll.dta: the file's label (and 3 other texts) is not valid in its stated encoding utf-8. Try "
        'encoding="cp1251", which gives “Опрос”; or say errors="replace", which puts U+FFFD for what is wrong.'
    )
    assert read_file(file, encoding="cp1251").codes["s"].tolist() == ["Минск", "x"]
    contents = read_file(file, errors="replace")
    assert contents.codes["s"].tolist() == ["\ufffd" * 5, "x"]
    assert contents.notices[0].text == (
        "Text that is not valid utf-8 holds the sign U+FFFD in its place: the file's label, the label of 'q', the label of "
        "'q' = 1, 's' in 1 row."
    )


def test_a_bad_text_in_the_data_is_named_by_variable_and_row(tmp_path):
    file = tmp_path / "poll.dta"
    pd.DataFrame({"s": ["ok", "zzz"]}).to_stata(file, write_index=False, version=118)
    file.write_bytes(file.read_bytes().replace(b"zzz", b"\xc0\xc1z"))
    with pytest.raises(EncodingError, match="variable 's' in row 2 is not valid in its stated encoding utf-8"):
        read_file(file)


def test_replace_leaves_sound_text_and_long_texts_alone(tmp_path):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame({"s": ["é", "я"], "essay": ["é" * 3000, ""]})
    pyreadstat.write_dta(frame, file, version=14)
    contents = read_file(file, errors="replace")
    assert contents.codes["s"].tolist() == ["é", "я"]
    assert contents.codes["essay"].tolist()[0] == "é" * 3000
    assert [n.kind for n in contents.notices] == []


def test_a_design_that_stata_stored_names_the_weight(tmp_path):
    file = tmp_path / "poll.dta"
    book = Codebook(
        {"w": Variable("w"), "q": Variable("q", attributes={"destring": "yes"})},
        attributes={"_svy_wvar": "w", "_svy_version": "2"},
    )
    write_file(file, pd.DataFrame({"w": [1.5], "q": [1]}), book)
    back = read_file(file).codebook
    assert back.weight == "w"
    assert write_file(file, read_file(file).codes, back) == ()
    assert back.attributes == {"_svy_wvar": "w", "_svy_version": "2"}
    assert back["q"].attributes == {"destring": "yes"}


def test_more_rows_than_the_file_holds_are_refused_before_memory_is_taken(plain):
    data = plain.read_bytes()
    at = data.index(b"<N>") + 3
    plain.write_bytes(data[:at] + (2**40).to_bytes(8, "little") + data[at + 8 :])
    with pytest.raises(DamagedFileError, match=r"it does not hold 1,099,511,627,776 rows"):
        read_file(plain)


def test_unknown_versions(tmp_path):
    file = tmp_path / "poll.dta"
    file.write_bytes(bytes([102, 2, 1, 0]) + bytes(200))
    with pytest.raises(WrongFormatError, match=r"has \.dta format 102; 104 to 119 \(Stata 4 to 18\) can be read"):
        read_file(file)


def test_duplicate_names(tmp_path):
    file = tmp_path / "poll.dta"
    pd.DataFrame({"first": [1], "other": [2]}).to_stata(file, write_index=False, version=118)
    file.write_bytes(file.read_bytes().replace(b"other\0", b"first\0"))
    with pytest.raises(DuplicateNameError, match="has two variables of the name 'first'. Rename"):
        read_file(file)


def test_dates_with_leap_seconds_stay_numbers_and_it_is_said(tmp_path):
    file = tmp_path / "poll.dta"
    frame = pd.DataFrame({"t": [2.0e12, np.nan], "u": [1.5, 2.0]})
    pyreadstat.write_dta(frame, file, variable_format={"t": "%tC"})
    contents = read_file(file)
    assert contents.codes["t"].dtype == "float64"
    assert contents.codes["t"][0] == 2.0e12
    assert [n.text for n in contents.notices if n.kind == "date"] == [
        "Dates of 't' stay numbers (%tC): they count leap seconds. Convert them with cofC() in Stata, and give them the "
        "format %tc."
    ]


def test_more_than_fits_is_refused_before_it_is_read(plain, monkeypatch):
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 3 * 4 * 8 - 1)
    monkeypatch.setattr("survey_kit.io.stata.frame.call_reader", lambda *a, **k: pytest.fail("it was read"))
    with pytest.raises(ResourceLimitError, match="poll.dta would take .* Name columns=, or read the first rows"):
        read_file(plain)
    monkeypatch.undo()
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 3 * 4 * 8 - 1)
    assert read_file(plain, columns=["age"]).codes["age"].tolist() == [20, 40, 70]


def test_characteristics_are_gone_through_once(monkeypatch):
    class Counted(dict):
        passes = 0

        def items(self):
            Counted.passes += 1
            return super().items()

    said = Counted({("a", "x"): "1", ("b", "survey_kit"): "2", ("_dta", "note1"): "3", ("b", "note1"): "4"})
    assert attributes(said) == {"a": {"x": "1"}, "b": {"note1": "4"}}
    assert Counted.passes == 1
