"""The private copy of a file: the same contents, made again when the file changes, readable by its owner only."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import FileFormatError, MissingFileError, OutputError, UnsupportedOption
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
SAS = Path(__file__).parent / "fixtures"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")


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


@posix
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


def test_triple_s_is_refused_since_its_data_stand_elsewhere(tmp_path):
    write_file(tmp_path / "poll.sss", CODES[["q"]], BOOK)
    text = r"cache= does not apply to .sss files \(poll.sss\): their data stand in a second file. Save .* as .parquet"
    with pytest.raises(UnsupportedOption, match=text):
        read_file(tmp_path / "poll.sss", cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_rows_without_columns_are_counted(tmp_path, file, never_read):
    first = read_file(file, columns=[], cache=tmp_path / "cache").codes
    never_read()
    again = read_file(file, columns=[], cache=tmp_path / "cache").codes
    assert first.shape == again.shape == (3, 0)
    pd.testing.assert_index_equal(again.index, pd.RangeIndex(3), exact=True)


def test_the_codebook_alone_has_no_rows(tmp_path, file, never_read):
    read_file(file, metadata_only=True, cache=tmp_path / "cache")
    never_read()
    assert read_file(file, metadata_only=True, cache=tmp_path / "cache").codes.shape == (0, 3)


# --- what others could have written -----------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_folder_that_others_can_write_is_refused(tmp_path, file, mode):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(mode)
    text = r"The cache folder '.*cache' can be written by other users: what is in it may be false. .*chmod 700.*name another"
    with pytest.raises(OutputError, match=text):
        read_file(file, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    (tmp_path / "cache").chmod(0o755)
    assert len(read_file(file, cache=tmp_path / "cache").codes) == 3


@posix
def test_a_folder_of_somebody_else_is_refused(tmp_path, file, monkeypatch):
    (tmp_path / "cache").mkdir(mode=0o700)
    monkeypatch.setattr(caching.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(OutputError, match="The cache folder .* belongs to another user: what is in it may be false"):
        read_file(file, cache=tmp_path / "cache")


@posix
@pytest.mark.parametrize("what", ["*.parquet", "*.json"])
def test_a_copy_that_others_can_write_is_refused(tmp_path, file, what):
    read_file(file, cache=tmp_path / "cache")
    (found,) = (tmp_path / "cache").glob(what)
    found.chmod(0o666)
    with pytest.raises(OutputError, match=f"{found.name}' in the cache can be written by other users: .*Delete it"):
        read_file(file, cache=tmp_path / "cache")
    found.unlink()
    assert len(read_file(file, cache=tmp_path / "cache").codes) == 3


@posix
def test_a_link_in_place_of_a_copy_is_refused(tmp_path, file):
    read_file(file, cache=tmp_path / "cache")
    (copy,) = (tmp_path / "cache").glob("*.parquet")
    copy.rename(tmp_path / "elsewhere.parquet")
    copy.symlink_to(tmp_path / "elsewhere.parquet")
    with pytest.raises(OutputError, match="in the cache is a link: what is in it may be false. Delete it"):
        read_file(file, cache=tmp_path / "cache")


# --- files that change, copies that cannot be kept --------------------------------------------------------------------


def test_a_file_that_is_replaced_while_it_is_read_leaves_no_copy(tmp_path, file, monkeypatch):
    from survey_kit.io.spss.sav import read_sav

    write_file(tmp_path / "new.sav", CODES.assign(q=[5.0, 6.0, 7.0]), BOOK)

    def late(path, options):
        if (tmp_path / "new.sav").exists():
            os.replace(tmp_path / "new.sav", file)
        return read_sav(path, options)

    monkeypatch.setattr("survey_kit.io.spss.sav.read_sav", late)
    contents = read_file(file, cache=tmp_path / "cache")
    assert contents.codes["q"].tolist() == [5, 6, 7]
    assert contents.notices[-1].kind == "cache"
    assert "No copy was kept in the cache" in contents.notices[-1].text
    assert "poll.sav changed while it was read" in contents.notices[-1].text
    assert not list((tmp_path / "cache").iterdir())
    assert read_file(file, cache=tmp_path / "cache").notices == contents.notices[:-1]
    assert len(list((tmp_path / "cache").glob("*.parquet"))) == 1


def test_a_full_disk_does_not_lose_what_was_read(tmp_path, file, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.pq, "write_table", full)
    contents = read_file(file, cache=tmp_path / "cache")
    assert len(contents.codes) == 3
    assert contents.notices[-1].kind == "cache"
    assert "read again the next time" in contents.notices[-1].text
    assert "No space left on device" in contents.notices[-1].text
    assert not list((tmp_path / "cache").iterdir())


def test_a_read_only_folder_does_not_lose_what_was_read(tmp_path, file, monkeypatch):
    monkeypatch.setattr("survey_kit.io.atomic.os.access", lambda path, mode: False)
    contents = read_file(file, cache=tmp_path / "cache")
    assert len(contents.codes) == 3
    assert "is read-only" in contents.notices[-1].text


def test_a_copy_is_used_although_nothing_can_be_written(tmp_path, file, monkeypatch, never_read):
    read_file(file, cache=tmp_path / "cache")
    os.utime(file, (1, 1))
    monkeypatch.setattr("survey_kit.io.atomic.os.access", lambda path, mode: False)
    never_read()
    assert len(read_file(file, cache=tmp_path / "cache").codes) == 3


def test_copies_of_a_file_that_changes_do_not_pile_up(tmp_path, file):
    for value in (1.0, 2.0, 3.0):
        write_file(file, CODES.assign(q=value), BOOK)
        for columns in (None, ["q"]):
            assert set(read_file(file, columns=columns, cache=tmp_path / "cache").codes["q"]) == {value}
    assert len(list((tmp_path / "cache").glob("*.parquet"))) == 2
    assert len(list((tmp_path / "cache").glob("*.json"))) == 1


def test_a_memo_deletes_nothing_but_copies(tmp_path, file):
    read_file(file, cache=tmp_path / "cache")
    (memo,) = (tmp_path / "cache").glob("*.json")
    (tmp_path / "keep.txt").write_text("x")
    (copy,) = (tmp_path / "cache").glob("*.parquet")
    memo.write_text(memo.read_text().replace(copy.name, "../keep.txt"))
    write_file(file, CODES.assign(q=5.0), BOOK)
    read_file(file, cache=tmp_path / "cache")
    assert (tmp_path / "keep.txt").exists()


def test_a_damaged_memo_is_made_again(tmp_path, file, never_read):
    read_file(file, cache=tmp_path / "cache")
    (memo,) = (tmp_path / "cache").glob("*.json")
    good = memo.read_text()
    never_read()
    for bad in ("", "[]", '{"seen": 1, "sha256": 2, "copies": [3]}', '"x"'):
        memo.write_text(bad)
        assert len(read_file(file, cache=tmp_path / "cache").codes) == 3
        assert memo.read_text() == good


def test_a_catalogue_that_is_not_there(tmp_path):
    file = Path(shutil.copy(SAS / "poll.sas7bdat", tmp_path / "poll.sas7bdat"))
    with pytest.raises(MissingFileError, match="No file 'nope' for catalog=. Check the name and the folder"):
        read_file(file, catalog="nope", cache=tmp_path / "cache")


def test_a_changed_catalogue_is_read_again(tmp_path):
    file = Path(shutil.copy(SAS / "poll.sas7bdat", tmp_path / "poll.sas7bdat"))
    bare = read_file(file, cache=tmp_path / "cache").codebook
    shutil.copy(SAS / "poll.sas7bcat", tmp_path / "poll.sas7bcat")
    told = read_file(file, cache=tmp_path / "cache").codebook
    assert told["q1"].labels and not bare["q1"].labels
    assert told == read_file(file).codebook
