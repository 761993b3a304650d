"""The door `read_file` / `write_file`: names, options, and what a file turns out to be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from survey_kit.codebook import Codebook
from survey_kit.errors import (
    ArgumentError,
    FileFormatError,
    InputError,
    MissingFileError,
    UnknownNameError,
    UnsupportedOption,
)
from survey_kit.io import read_file, write_file


@pytest.fixture
def poll_csv(tmp_path: Path) -> Path:
    file = tmp_path / "poll.csv"
    file.write_text("id,vote\n1,yes\n2,no\n", encoding="utf-8")
    return file


def test_an_unknown_extension_lists_what_there_is(tmp_path):
    with pytest.raises(
        FileFormatError, match=r"poll\.docx: files named \.docx cannot be read\. There are: \.sav, .*\.csv"
    ):
        read_file(tmp_path / "poll.docx")
    with pytest.raises(FileFormatError, match=r"without an extension cannot be written"):
        write_file(tmp_path / "poll", pd.DataFrame({"a": [1]}), Codebook())


def test_a_missing_file_names_the_nearest_one(poll_csv):
    with pytest.raises(MissingFileError, match=r"No file '.*pol\.csv'\. Did you mean 'poll\.csv'\?"):
        read_file(poll_csv.with_name("pol.csv"))
    with pytest.raises(MissingFileError, match=r"the folder '.*nowhere' does not exist"):
        read_file(poll_csv.parent / "nowhere" / "poll.csv")


def test_a_folder_is_not_a_file(tmp_path):
    (tmp_path / "poll.csv").mkdir()
    with pytest.raises(InputError, match="is a folder or device, not a file"):
        read_file(tmp_path / "poll.csv")


@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".dta", ".csv", ".parquet"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", r"is empty \(0 bytes\)\. Was the download interrupted\?"),
        (b"  <!DOCTYPE html><html>login", "looks like an HTML page"),
        (b"PK\x03\x04rest", "looks like a ZIP archive"),
        (b"%PDF-1.7", "looks like a PDF document"),
    ],
)
def test_content_under_a_wrong_name(tmp_path, suffix, content, sentence):
    file = tmp_path / f"poll{suffix}"
    file.write_bytes(content)
    with pytest.raises(FileFormatError, match=sentence):
        read_file(file)


def test_text_under_a_binary_name(tmp_path):
    file = tmp_path / "poll.sav"
    file.write_text("id,vote\n1,2\n", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"does not begin as \.sav files do"):
        read_file(file)


@pytest.mark.parametrize(
    ("suffix", "option"),
    [
        (".sav", {"delimiter": ";"}),
        (".sav", {"decimal": ","}),
        (".sav", {"na": ["NA"]}),
        (".dta", {"delimiter": ";"}),
        (".parquet", {"encoding": "cp1251"}),
    ],
)
def test_an_option_that_does_not_apply_is_refused(tmp_path, suffix, option):
    name = next(iter(option))
    with pytest.raises(UnsupportedOption, match=rf"{name}=.* does not apply to {suffix} files .*it is for .*\.csv"):
        read_file(tmp_path / f"poll{suffix}", **option)


def test_columns_are_read_in_the_order_asked_for(poll_csv):
    contents = read_file(poll_csv, columns=["vote", "id"])
    assert list(contents.codes) == ["vote", "id"] == list(contents.codebook)
    assert list(read_file(poll_csv, columns=["vote"]).codes) == ["vote"]


def test_an_unknown_column_names_the_nearest_one(poll_csv):
    with pytest.raises(UnknownNameError, match=r"No column 'vot'\. Did you mean 'vote'\?"):
        read_file(poll_csv, columns=["vot"])


def test_one_text_is_not_a_list_of_columns(poll_csv):
    with pytest.raises(ArgumentError, match=r"columns='vote' is one text; write a list"):
        read_file(poll_csv, columns="vote")


def test_the_door_loads_no_reader():
    code = "import sys, survey_kit.io; print('pyreadstat' in sys.modules, 'pyarrow.csv' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]
