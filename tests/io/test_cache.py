"""The private copy of a file: the same contents, made again when the file changes, readable by its owner only."""

from __future__ import annotations

import os
import stat

import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import FileFormatError, OutputError, UnsupportedOption
from survey_kit.io import cache as caching
from survey_kit.io import read_file, write_file

CODES = pd.DataFrame(
    {
        "q": [1.0, 2.0, 98.0],
        "t": pd.Series(["а", None, "в"], dtype="str"),
        "d": pd.to_datetime(["2022-12-01", None, "2022-12-03"]).as_unit("us"),
    }
)
BOOK = Codebook(
    {
        "q": Variable("q", "Вопрос", {1.0: "Да", 2.0: "Нет", 98.0: "DK", 97.0: "DK"}, MissingRule((99.0,))),
        "t": Variable("t"),
        "d": Variable("d", format="EDATE10"),
    }
)


@pytest.fixture
def file(tmp_path):
    write_file(tmp_path / "poll.sav", CODES, BOOK)
    return tmp_path / "poll.sav"


@pytest.fixture
def never_read(monkeypatch):
    """From here on, a file that is read and not taken from its copy fails the test."""

    def forbid():
        def fail(path, options):
            raise AssertionError("the file was read")

        monkeypatch.setattr("survey_kit.io.spss.sav.read_sav", fail)

    return forbid


def test_the_copy_is_the_file(tmp_path, file, never_read):
    plain = read_file(file)
    first = read_file(file, cache=tmp_path / "cache")
    never_read()
    again = read_file(file, cache=tmp_path / "cache")
    for contents in (first, again):
        pd.testing.assert_frame_equal(contents.codes, plain.codes)
        assert contents.codebook == plain.codebook
        assert contents.notices == plain.notices
        assert contents.format == "sav"
    assert plain.notices


def test_a_changed_file_is_read_again(tmp_path, file):
    read_file(file, cache=tmp_path / "cache")
    write_file(file, CODES.assign(q=[5.0, 6.0, 7.0]), BOOK)
    assert read_file(file, cache=tmp_path / "cache").codes["q"].tolist() == [5, 6, 7]


def test_a_file_of_the_same_content_under_another_name_shares_the_copy(tmp_path, file, never_read):
    read_file(file, cache=tmp_path / "cache")
    twin = tmp_path / "twin.sav"
    twin.write_bytes(file.read_bytes())
    never_read()
    assert len(read_file(twin, cache=tmp_path / "cache").codes) == 3


def test_other_options_have_another_copy(tmp_path, file):
    whole = read_file(file, cache=tmp_path / "cache")
    part = read_file(file, cache=tmp_path / "cache", columns=["t"])
    assert list(part.codes) == ["t"]
    assert len(read_file(file, cache=tmp_path / "cache", row_limit=1).codes) == 1
    assert list(whole.codes) == ["q", "t", "d"]


def test_an_overlay_is_laid_over_the_copy_and_not_kept_in_it(tmp_path, file, never_read):
    read_file(file, cache=tmp_path / "cache")
    never_read()
    told = read_file(file, cache=tmp_path / "cache", codebook=Codebook({"q": Variable("q", "Another label")}))
    assert told.codebook["q"].label == "Another label"
    assert read_file(file, cache=tmp_path / "cache").codebook["q"].label == "Вопрос"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_can_read_it(tmp_path, file):
    old = os.umask(0)
    try:
        read_file(file, cache=tmp_path / "cache")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "cache").iterdir()}
    assert modes == {0o600}


def test_a_damaged_copy_is_made_again(tmp_path, file):
    read_file(file, cache=tmp_path / "cache")
    (copy,) = (tmp_path / "cache").glob("*.parquet")
    good = copy.read_bytes()
    copy.write_bytes(good[: len(good) // 2])
    assert len(read_file(file, cache=tmp_path / "cache").codes) == 3
    assert len(copy.read_bytes()) == len(good)


def test_a_bad_file_leaves_no_copy(tmp_path):
    file = tmp_path / "bad.sav"
    file.write_bytes(b"$FL2" + b"\0" * 300)
    with pytest.raises(FileFormatError):
        read_file(file, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.parquet"))


def test_the_users_cache_folder(tmp_path, file, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(caching.sys, "platform", "linux")
    read_file(file, cache=True)
    assert len(list((tmp_path / "home" / "survey_kit").glob("*.parquet"))) == 1


def test_it_is_never_used_unasked(tmp_path, file, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    read_file(file)
    assert not (tmp_path / "home").exists()


def test_refusals_say_why(tmp_path, file):
    write_file(tmp_path / "poll.parquet", CODES, BOOK)
    with pytest.raises(
        UnsupportedOption, match=r"cache= does not apply to .parquet files \(poll.parquet\): they open at"
    ):
        read_file(tmp_path / "poll.parquet", cache=True)
    with pytest.raises(OutputError, match=r"The cache folder .* cannot be made: .*Name another, as in cache='folder'"):
        read_file(file, cache=file / "cache")
