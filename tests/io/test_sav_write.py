"""Writing SPSS files: nothing lost, nothing cut in silence, equal bytes, and the old file safe."""

from __future__ import annotations

import math
import resource
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import OutputError
from survey_kit.io import read_file, write_file

CODES = pd.DataFrame(
    {
        "q1": [1.0, 2.0, 99.0, np.nan],
        "отношение_к_власти": [1.0, 2.0, -5.0, 1.0],
        "m_tv": [1.0, 0.0, 1.0, np.nan],
        "m_web": [0.0, 0.0, 1.0, 1.0],
        "w": [0.5, 1.5, 1.0, 1.0],
        "city": pd.Series(["Минск", None, "NA", "я" * 400], dtype="str"),
        "c1": pd.Series(["a", "b", None, "a"], dtype="str"),
        "c2": pd.Series(["b", None, None, "c"], dtype="str"),
        "day": pd.to_datetime(["2024-02-29", None, "1583-01-22", "9999-12-31"]).as_unit("us"),
        "moment": pd.to_datetime(
            ["2024-02-29 10:00:00.25", None, "2001-01-01", "2001-01-01"], format="ISO8601"
        ).as_unit("us"),
    }
)
VARIABLES = {
    "q1": Variable(
        "q1",
        "Первый вопрос",
        {1.0: "Да", 2.0: "Нет", 99.0: "Нет\nответа"},
        MissingRule((99.0, 98.0, 97.0)),
        "Скажите, пожалуйста ('да' или 'нет')?",
        "ordinal",
        "F3.0",
        6,
        "ASK IF q0 = 1 / q0 = 2",
        "center",
        {"$@Role": "0", "source": "line one\n'line two'\n\n)/end"},
        "q0 in 2 bands: 1, 2+.",
    ),
    "отношение_к_власти": Variable(
        "отношение_к_власти",
        missing=MissingRule((99.0,), ((-math.inf, -1.0),)),
        measure="nominal",
        format="F8.2",
        width=8,
        alignment="left",
    ),
    "m_tv": Variable("m_tv", "TV", measure="nominal", format="F8.2", width=8, alignment="right"),
    "m_web": Variable("m_web", "Web", measure="nominal", format="F8.2", width=8, alignment="right"),
    "w": Variable("w", measure="scale", format="F8.2", width=8, alignment="right"),
    "city": Variable("city", labels={"NA": "Namibia"}, measure="nominal", format="A800", width=8, alignment="left"),
    "c1": Variable("c1", missing=MissingRule(("b",)), measure="nominal", format="A1", width=8, alignment="left"),
    "c2": Variable("c2", measure="nominal", format="A1", width=8, alignment="left"),
    "day": Variable("day", measure="scale", format="EDATE10", width=8, alignment="right"),
    "moment": Variable("moment", measure="scale", format="DATETIME20", width=8, alignment="right"),
}
SETS = {
    "media": MultipleResponse("media", ("m_tv", "m_web"), 1.0, "Какие медиа", "Что вы смотрите?"),
    "brand": MultipleResponse("brand", ("c1", "c2"), None, "Brand"),
    "first": MultipleResponse("first", ("c1", "c2"), "a", "Chose a"),
}
BOOK = Codebook(VARIABLES, SETS, "Опрос", ("one", "two"), "w", "utf-8", {"fieldwork": "December 2022"})


@pytest.mark.parametrize("suffix", [".sav", ".zsav"])
class TestRoundTrip:
    def test_nothing_is_lost(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        assert write_file(file, CODES, BOOK) == ()
        back = read_file(file)
        pd.testing.assert_frame_equal(back.codes, CODES)
        for name, variable in VARIABLES.items():
            assert back.codebook[name] == variable
        assert back.codebook == BOOK
        assert back.format == suffix[1:]

    def test_equal_data_give_equal_bytes(self, tmp_path, suffix):
        one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
        write_file(one, CODES, BOOK)
        write_file(other, CODES.copy(), BOOK)
        assert one.read_bytes() == other.read_bytes()
        write_file(other, CODES.assign(w=1.0), BOOK)
        assert one.read_bytes() != other.read_bytes()

    def test_another_reader_agrees(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        write_file(file, CODES, BOOK)
        frame, meta = pyreadstat.read_sav(file, user_missing=True, disable_datetime_conversion=True)
        assert frame["q1"].tolist() == pytest.approx(CODES["q1"].tolist(), nan_ok=True)
        assert {k: tuple(v["variable_list"]) for k, v in meta.mr_sets.items()} == {
            k: s.columns for k, s in SETS.items()
        }
        assert meta.variable_value_labels["q1"][99.0] == "Нет\nответа"

    def test_the_weight_is_in_the_header(self, tmp_path, suffix):
        file = tmp_path / f"poll{suffix}"
        write_file(file, CODES, replace(BOOK, weight=None))
        assert read_file(file).codebook.weight is None


def test_the_frame_is_not_changed(tmp_path):
    before = CODES.copy(deep=True)
    write_file(tmp_path / "poll.sav", CODES, BOOK)
    pd.testing.assert_frame_equal(CODES, before)


def test_integers_booleans_and_unknown_columns_become_doubles(tmp_path):
    codes = pd.DataFrame({"i": [1, 2], "b": [True, False], "n": pd.array([1, None], dtype="Int64")}, index=[7, 9])
    write_file(tmp_path / "poll.sav", codes, Codebook())
    back = read_file(tmp_path / "poll.sav").codes
    assert back["i"].tolist() == [1, 2]
    assert back["b"].tolist() == [1, 0]
    assert back["n"].isna().tolist() == [False, True]


def test_no_rows_and_empty_columns(tmp_path):
    write_file(tmp_path / "poll.sav", CODES.iloc[:0], BOOK)
    assert read_file(tmp_path / "poll.sav").codes.shape == (0, 10)
    empty = pd.DataFrame({"x": [np.nan, np.nan], "t": pd.Series([None, None], dtype="str")})
    write_file(tmp_path / "poll.sav", empty, Codebook())
    assert read_file(tmp_path / "poll.sav").codes.isna().all(axis=None)


def test_long_labels_are_cut_at_a_character_and_said(tmp_path):
    book = Codebook({"q": Variable("q", "ж" * 300, {1.0: "ы" * 100, 2.0: "short"})}, title="т" * 50)
    (notice,) = write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0]}), book)
    assert notice.text == (
        "SPSS files do not hold labels over their limits, which SPSS shows cut and survey_kit reads whole: the label of 'q', "
        "the label of 'q' = 1, the file's title. Write .parquet to keep everything."
    )
    _, meta = pyreadstat.read_sav(tmp_path / "poll.sav")
    assert meta.column_names_to_labels["q"] == "ж" * 128
    assert meta.variable_value_labels["q"] == {1.0: "ы" * 60, 2.0: "short"}
    assert meta.file_label == "т" * 32
    back = read_file(tmp_path / "poll.sav").codebook
    assert (back["q"].label, back["q"].labels, back.title) == (book["q"].label, book["q"].labels, book.title)


def test_a_long_label_that_was_changed_in_spss_stays_changed(tmp_path):
    long, short = "ж" * 300, "New label"
    book = Codebook({"q": Variable("q", long)})
    write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0]}), book)
    data = (tmp_path / "poll.sav").read_bytes()
    cut = ("ж" * 128).encode()
    assert data.count(cut) > 0
    at = data.index(cut)
    changed = data[:at] + short.encode().ljust(256) + data[at + 256 :]
    (tmp_path / "poll.sav").write_bytes(changed)
    assert read_file(tmp_path / "poll.sav").codebook["q"].label == short


def test_many_extended_missing_values_are_a_range(tmp_path):
    letters = tuple(-1_000_000 - i for i in range(1, 6))
    book = Codebook({"q": Variable("q", missing=MissingRule(letters))})
    (notice,) = write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0, letters[0]]}), book)
    assert "more than three missing values of a variable, which are stored as a range: q." in notice.text
    back = read_file(tmp_path / "poll.sav")
    assert back.codebook["q"].is_missing(back.codes["q"]).tolist() == [False, True]


def test_an_empty_text_beside_none_is_said(tmp_path):
    codes = pd.DataFrame({"t": pd.Series(["", None, "x"], dtype="str")})
    (notice,) = write_file(tmp_path / "poll.sav", codes, Codebook())
    assert "the difference between an empty text and none: t." in notice.text


def test_long_notes_are_broken_into_lines(tmp_path):
    book = Codebook({"q": Variable("q")}, notes=("ж" * 100,))
    (notice,) = write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0]}), book)
    assert "notes in lines of more than 80 bytes, which were broken" in notice.text
    assert "".join(read_file(tmp_path / "poll.sav").codebook.notes) == "ж" * 100


def frame(**columns):
    return pd.DataFrame(columns)


def book(name, **fields):
    return Codebook({name: Variable(name, **fields)})


REFUSED = [
    (frame(**{"ж" * 40: [1]}), Codebook(), "has a name of 80 bytes; SAV holds 64"),
    (frame(Q1=[1], q1=[2]), Codebook(), "variables 'Q1' and 'q1' differ only in case"),
    (frame(**{"my name": [1]}), Codebook(), "'my name' has a name that SPSS does not allow"),
    (frame(**{"with": [1]}), Codebook(), "'with' has a name that SPSS does not allow"),
    (frame(x=[1]), book("x", missing=MissingRule((1, 2, 3, 4))), "'x' has 4 discrete missing values and 0 ranges"),
    (frame(x=[1]), book("x", missing=MissingRule((1, 2), ((3, 4),))), "'x' has 2 discrete missing values and 1 ranges"),
    (frame(x=[1]), book("x", missing=MissingRule(("a",))), "'x' is numeric, but its missing values are not"),
    (frame(x=["a"]), book("x", missing=MissingRule(("long enough",))), "a missing value of more than 8 bytes"),
    (frame(x=[1.0, math.inf]), Codebook(), "'x' holds an infinite value in row 2"),
    (frame(x=[1, 2**53 + 1]), Codebook(), r"'x' holds an integer beyond 2\^53 in row 2"),
    (frame(x=["a", "ж" * 20_000]), Codebook(), "'x' holds a text of 40,000 bytes in row 2; SAV holds 32,767"),
    (frame(x=["a", "b\0c"]), Codebook(), "'x' holds a NUL character in row 2"),
    (
        frame(x=pd.to_datetime(["2024-01-01"]).tz_localize("Asia/Tashkent")),
        Codebook(),
        "'x' holds dates with a time zone",
    ),
    (frame(x=pd.Series([1, "x", None], dtype=object)), Codebook(), "'x' mixes text with other values"),
    (frame(x=pd.Categorical(["a"])), Codebook(), "'x' holds categories; write the codes"),
    (frame(x=pd.to_timedelta([1], unit="s")), Codebook(), "'x' has type timedelta64"),
    (frame(x=[1.0]), book("x", labels={"a": "A"}), "'x' is numeric, but its label code 'a' is not"),
    (frame(x=["a"]), replace(book("x"), weight="x"), "the weight variable 'x' is text"),
    (frame(), Codebook(), "there are no columns"),
    (pd.DataFrame([[1, 2]], columns=["a", "a"]), Codebook(), "the column name 'a' occurs more than once"),
    (pd.DataFrame({0: [1]}), Codebook(), "column names must be text; these are not: 0"),
    (
        frame(x=[1.0]),
        replace(book("x"), sets={"m": MultipleResponse("m", ("x",), "yes")}),
        "set 'm' counts 'yes', which its columns cannot hold",
    ),
]


@pytest.mark.parametrize(("codes", "codebook", "sentence"), REFUSED, ids=[r[2][:40] for r in REFUSED])
def test_what_sav_cannot_hold_is_refused_before_writing(tmp_path, codes, codebook, sentence):
    file = tmp_path / "poll.sav"
    file.write_bytes(b"old")
    with pytest.raises(OutputError, match=sentence):
        write_file(file, codes, codebook)
    assert file.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["poll.sav"]


def test_a_set_without_its_columns_is_said(tmp_path):
    (notice,) = write_file(tmp_path / "poll.sav", CODES.drop(columns="c2"), BOOK)
    assert "multiple-response sets whose columns are not in the data: brand, first." in notice.text
    assert list(read_file(tmp_path / "poll.sav").codebook.sets) == ["media"]


FULL_DISK = """
import sys, numpy as np, pandas as pd
from survey_kit.io import write_file
from survey_kit.codebook import Codebook
from survey_kit.errors import OutputError
try:
    write_file(sys.argv[1], pd.DataFrame({"x": np.arange(50_000) / 7}), Codebook())
except OutputError as error:
    sys.exit(str(error))
"""


@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".csv", ".parquet"])
def test_a_full_disk_leaves_the_old_file(tmp_path, suffix):
    file = tmp_path / f"poll{suffix}"
    file.write_bytes(b"old")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))

    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(file)], capture_output=True, text=True, preexec_fn=limit, check=False
    )
    assert "cannot be written" in run.stderr, run.stderr
    assert file.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == [file.name]


class TestCsv:
    def test_codes_and_nothing_else(self, tmp_path):
        file = tmp_path / "poll.csv"
        notices = write_file(file, CODES[["q1", "city"]].iloc[:3], BOOK)
        assert file.read_bytes().decode() == "q1,city\n1.0,Минск\n2.0,\n99.0,NA\n"
        assert [n.kind for n in notices] == ["lost"]

    def test_formulas_are_guarded_and_come_back(self, tmp_path):
        file = tmp_path / "poll.csv"
        texts = ["=cmd|' /C calc'!A0", "+7 999", "-5", "@home", "-", "'=x", "plain", "'quoted'"]
        codes = pd.DataFrame({"t": pd.Series(texts, dtype="str"), "x": [-1, 2, 3, 4, 5, 6, 7, 8]})
        (notice,) = write_file(file, codes, Codebook())
        assert notice.count == 4
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines[1:4] == ["'=cmd|' /C calc'!A0,-1", "'+7 999,2", "-5,3"]
        back = read_file(file)
        pd.testing.assert_frame_equal(back.codes, codes)
        assert [n.kind for n in back.notices] == ["guard"]

    def test_mixed_columns_are_refused(self, tmp_path):
        with pytest.raises(OutputError, match="column 'a' mixes values of type int, str"):
            write_file(tmp_path / "poll.csv", pd.DataFrame({"a": pd.Series([1, "x"], dtype=object)}), Codebook())


def test_blanks_at_the_end_are_said(tmp_path):
    codes = pd.DataFrame({"t": pd.Series(["a ", "b"], dtype="str"), "q": [1.0, 2.0], "r": [1.0, 2.0]})
    (notice,) = write_file(tmp_path / "poll.sav", codes, Codebook({"q": Variable("q", labels={1.0: "Yes "})}))
    assert "blanks at the end of texts and labels: t, q." in notice.text


@pytest.mark.parametrize("width", [3, 40, 255, 300, 2000])
def test_texts_keep_the_width_of_their_format(tmp_path, width):
    codes = pd.DataFrame({"t": pd.Series(["abc", None, "я"], dtype="str")})
    book = Codebook({"t": Variable("t", format=f"A{width}")})
    write_file(tmp_path / "poll.sav", codes, book)
    back = read_file(tmp_path / "poll.sav")
    assert back.codebook["t"].format == f"A{width}"
    pd.testing.assert_frame_equal(back.codes, codes)


def test_attributes_of_any_name_come_back(tmp_path):
    odd = {"a(b)": "x", "label:fr": "Oui", "question_source": "ours", "$@Role": "0", "": "none", "ключ": "значение"}
    book = Codebook({"q": Variable("q", attributes=odd)}, attributes=odd)
    write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0]}), book)
    back = read_file(tmp_path / "poll.sav").codebook
    assert back["q"].attributes == odd
    assert back.attributes == odd
    _, meta = pyreadstat.read_sav(tmp_path / "poll.sav")
    assert meta.number_rows == 1


def test_microseconds_that_doubles_cannot_hold_are_said(tmp_path):
    codes = pd.DataFrame(
        {"a": pd.to_datetime(["2022-12-05 10:00:00.123456"]), "b": pd.to_datetime(["2022-12-05 10:00:00.25"])}
    )
    (notice,) = write_file(tmp_path / "poll.sav", codes, Codebook())
    assert "microseconds of dates, which are stored as seconds: a." in notice.text


def test_the_order_of_labels_and_the_word_that_all_are_answers_come_back(tmp_path):
    labels = {3.0: "C", 2.0: "B", 1.0: "A", 98.0: "Don't know"}
    book = Codebook(
        {"q": Variable("q", labels=labels, missing=MissingRule()), "r": Variable("r", labels={1.0: "A", 2.0: "B"})}
    )
    write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0], "r": [1.0]}), book)
    back = read_file(tmp_path / "poll.sav")
    assert list(back.codebook["q"].labels.items()) == list(labels.items())
    assert back.codebook["q"].missing == MissingRule()
    assert back.codebook["r"].missing is None
    assert back.notices == ()
    with pytest.raises(OutputError, match="variable 'q' has a label with a NUL character"):
        write_file(
            tmp_path / "poll.sav", pd.DataFrame({"q": [1.0]}), Codebook({"q": Variable("q", labels={1.0: "a\0b"})})
        )


def test_half_a_character_is_refused_by_name(tmp_path):
    book = Codebook({"q": Variable("q", labels={1.0: "a\ud800"})})
    with pytest.raises(OutputError, match="poll.sav: the codebook of variable 'q' holds half a character"):
        write_file(tmp_path / "poll.sav", pd.DataFrame({"q": [1.0]}), book)
