"""Reading SPSS files: codes, labels, missing rules, sets, weight, case counts, encodings."""

from __future__ import annotations

import math
import os
import struct

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import ArgumentError, EncodingError, FileFormatError, ResourceLimitError, TruncatedFileError
from survey_kit.io import read_file, write_file
from survey_kit.io.memory import memory_ceiling
from survey_kit.io.spss.sav_records import read_dictionary

CASES_AT, WEIGHT_AT = 80, 76


@pytest.fixture
def poll(tmp_path):
    """A file written by pyreadstat alone, not by this package."""
    file = tmp_path / "poll.sav"
    frame = pd.DataFrame(
        {
            "q1": [1.0, 2.0, 98.0, np.nan, -3.0],
            "name": pd.Series(["а", "NA", "", "z", "x"], dtype="str"),
            "day": pd.to_datetime(["2024-02-29", "1900-01-01", None, "1990-05-05", "1990-05-05"]),
            "w": [1.0, 0.5, 0.0, -1.0, np.nan],
        }
    )
    pyreadstat.write_sav(
        frame,
        file,
        file_label="Опрос",
        column_labels={"q1": "Question one"},
        note=["first", "second"],
        variable_value_labels={"q1": {98.0: "Don't know", 1.0: "Yes", 2.0: "No"}, "name": {"NA": "Namibia"}},
        missing_ranges={"q1": [{"lo": -math.inf, "hi": -1.0}, 98.0], "name": ["z"]},
        variable_measure={"q1": "ordinal"},
        variable_display_width={"q1": 5},
        variable_format={"q1": "F3.0"},
        row_compress=True,
    )
    return file


def kinds(contents):
    return [n.kind for n in contents.notices]


def test_codes_are_those_of_the_file(poll):
    codes = read_file(poll).codes
    assert codes["q1"].tolist() == pytest.approx([1, 2, 98, np.nan, -3], nan_ok=True)
    assert codes["name"].tolist()[:2] == ["а", "NA"]
    assert codes.dtypes.astype(str).to_dict() == {
        "q1": "float64",
        "name": "str",
        "day": "datetime64[us]",
        "w": "float64",
    }
    assert codes["name"].isna().tolist() == [False, False, True, False, False]
    assert str(codes["day"][0]) == "2024-02-29 00:00:00"


def test_the_codebook_holds_what_the_dictionary_says(poll):
    book = read_file(poll).codebook
    q1 = book["q1"]
    assert list(q1.labels.items()) == [(1.0, "Yes"), (2.0, "No"), (98.0, "Don't know")]
    assert q1.missing == MissingRule((98.0,), ((-math.inf, -1.0),))
    assert (q1.label, q1.measure, q1.format, q1.width) == ("Question one", "ordinal", "F3.0", 5)
    assert book["name"].missing == MissingRule(("z",))
    assert book["w"].missing is None
    assert (book.title, book.notes, book.encoding, book.weight) == ("Опрос", ("first", "second"), "utf-8", None)


def test_columns_keep_their_meaning(poll):
    part = read_file(poll, columns=["w", "q1"])
    assert list(part.codes) == ["w", "q1"] == list(part.codebook)
    assert part.codes.shape == (5, 2)


def test_a_blank_code_that_is_declared_missing_stays(tmp_path):
    file = tmp_path / "poll.sav"
    frame = pd.DataFrame({"s": ["a", ""], "t": ["a", ""]})
    pyreadstat.write_sav(frame, file, variable_value_labels={"s": {"": "no answer"}})
    codes = read_file(file).codes
    assert codes["s"].tolist() == ["a", ""]
    assert codes["t"].isna().tolist() == [False, True]


def patched(file, at, value):
    data = bytearray(file.read_bytes())
    struct.pack_into("<i", data, at, value)
    file.write_bytes(data)


@pytest.mark.parametrize("form", ["sav", "row", "zsav"])
class TestDeclaredCases:
    """A reader that trusts the header gives 5 of 12 rows without a word."""

    @pytest.fixture
    def file(self, tmp_path, form):
        file = tmp_path / ("poll.zsav" if form == "zsav" else "poll.sav")
        frame = pd.DataFrame(
            {"x": np.arange(12) + 0.5, "n": np.arange(12.0), "t": [f"text {i}" * 3 for i in range(12)]}
        )
        pyreadstat.write_sav(frame, file, compress=form == "zsav", row_compress=form == "row")
        return file

    def test_the_right_number_is_read(self, file, form):
        assert len(read_file(file).codes) == 12

    def test_unknown_is_allowed(self, file, form):
        patched(file, CASES_AT, -1)
        assert len(read_file(file).codes) == 12

    def test_fewer_declared_than_held(self, file, form):
        patched(file, CASES_AT, 5)
        with pytest.raises(FileFormatError, match=r"declares 5 cases but holds 12"):
            read_file(file)

    def test_more_declared_than_held(self, file, form):
        patched(file, CASES_AT, 20)
        with pytest.raises(FileFormatError, match=r"declares 20 cases.*(12 can be read|has room for)"):
            read_file(file)

    def test_two_thousand_million_declared(self, file, form):
        patched(file, CASES_AT, 2**31 - 1)
        with pytest.raises(FileFormatError, match="declares 2,147,483,647 cases"):
            read_file(file)

    @pytest.mark.parametrize("cut", [1, 9, 50, 100])
    def test_cut_at_the_end(self, file, form, cut):
        file.write_bytes(file.read_bytes()[:-cut])
        with pytest.raises(FileFormatError, match=r"truncated|damaged"):
            read_file(file)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.8])
def test_a_file_cut_in_its_dictionary(poll, share):
    found = read_dictionary("poll.sav", poll.read_bytes())
    poll.write_bytes(poll.read_bytes()[: int(found.data * share)])
    with pytest.raises(FileFormatError, match=r"poll\.sav is (truncated|damaged)"):
        read_file(poll)


def test_any_flipped_byte_is_read_or_refused_in_words(poll):
    data = poll.read_bytes()
    rng = np.random.default_rng(4)
    texts = []
    for at in rng.choice(len(data), 150, replace=False):
        changed = bytearray(data)
        changed[at] ^= 0xFF
        poll.write_bytes(changed)
        try:
            read_file(poll)
        except (FileFormatError, EncodingError) as error:
            texts.append(str(error))
    assert texts
    assert all("poll.sav" in text for text in texts)


def test_the_weight_variable_of_the_header(poll):
    patched(poll, WEIGHT_AT, 4)
    contents = read_file(poll)
    assert contents.codebook.weight == "w"
    (notice,) = [n for n in contents.notices if n.kind == "weight"]
    assert notice.text.endswith("It has values that are 1 missing, 1 negative, 1 zero.")
    assert read_file(poll, columns=["q1"]).codebook.weight is None


def test_dates_out_of_range_keep_the_column_as_numbers(tmp_path):
    file = tmp_path / "poll.sav"
    frame = pd.DataFrame(
        {"bad": [1.3e10, -86400.0, 6.4e12], "good": [1.3e10, np.nan, 8640000.25], "time": [3600.0, 1, 2]}
    )
    pyreadstat.write_sav(frame, file, variable_format={"bad": "DATE11", "good": "DATETIME20", "time": "TIME8"})
    contents = read_file(file)
    assert contents.codes["bad"].tolist() == [1.3e10, -86400.0, 6.4e12]
    assert contents.codes["time"].tolist() == [3600, 1, 2]
    assert contents.codes["good"].tolist()[::2] == [
        pd.Timestamp(1.3e10 - 12_219_379_200, unit="s"),  # the two epochs are 141,428 days apart
        pd.Timestamp("1583-01-22 00:00:00.250"),
    ]
    (notice,) = contents.notices
    assert notice.text == (
        "Dates of 'bad' stay numbers (DATE11): outside 1582 to 9999 in row 2: -86400, row 3: 6400000000000."
    )
    assert notice.count == 2


def test_shared_labels_and_rounded_ids_are_said(tmp_path):
    file = tmp_path / "poll.sav"
    frame = pd.DataFrame({"q": [1.0, 2.0], "id": [2.0**53, 2.0**53 + 2]})
    pyreadstat.write_sav(frame, file, variable_value_labels={"q": {1.0: "Yes", 2.0: "Yes", 3.0: "Hard to say"}})
    contents = read_file(file)
    assert kinds(contents) == ["shared_label", "undeclared_missing", "rounded"]
    assert contents.codebook["q"].display(1.0) == "Yes [1]"


class TestEncodings:
    """The same Cyrillic poll under right, wrong and missing declarations."""

    LABEL = "Полностью одобряю деятельность"

    @pytest.fixture
    def file(self, tmp_path):
        file = tmp_path / "poll.sav"
        frame = pd.DataFrame({"q1": [1.0, 2.0], "city": ["Минск", "Гомель"]})
        pyreadstat.write_sav(frame, file, column_labels={"q1": self.LABEL}, row_compress=False)
        return file

    def recode(self, file, encoding, declared):
        """Rewrite the texts of the file in another encoding of one byte a letter, padded to their length."""
        data = bytearray(file.read_bytes())
        for text in (self.LABEL, "Минск", "Гомель"):
            old, new = text.encode(), text.encode(encoding)
            at = data.index(old)
            data[at : at + len(old)] = new.ljust(len(old))
        at = data.index(b"UTF-8")
        data[at : at + 5] = declared.ljust(5).encode()
        at = data.index(struct.pack("<i", 65001))
        data[at : at + 4] = struct.pack("<i", 2)
        file.write_bytes(data)

    def test_stated_rightly(self, file):
        self.recode(file, "cp866", "cp866")
        contents = read_file(file)
        assert contents.codes["city"].tolist() == ["Минск", "Гомель"]
        assert (contents.codebook.encoding, contents.notices) == ("cp866", ())

    def test_stated_as_utf8(self, file):
        self.recode(file, "cp1251", "UTF-8")
        with pytest.raises(EncodingError, match=r"the label of variable Q1 at byte \d+ is not valid.* utf-8.*cp1251"):
            read_file(file)
        contents = read_file(file, encoding="cp1251")
        assert contents.codebook["q1"].label.strip() == self.LABEL
        assert contents.codes["city"].tolist() == ["Минск", "Гомель"]
        assert contents.codebook.encoding == "cp1251"

    @pytest.mark.parametrize("encoding", ["cp1251", "cp866"])
    def test_not_stated(self, file, encoding):
        self.recode(file, encoding, "")
        contents = read_file(file)
        assert contents.codebook["q1"].label.strip() == self.LABEL
        assert kinds(contents) == ["encoding"]
        assert f"states no encoding; read as {encoding} (“{self.LABEL}" in contents.notices[0].text

    def test_stated_as_western(self, file):
        self.recode(file, "cp1251", "l1")
        contents = read_file(file)
        assert kinds(contents) == ["encoding"]
        assert 'read it with encoding="cp1251"' in contents.notices[0].text
        assert self.LABEL in contents.notices[0].text

    def test_bad_text_in_the_data_names_variable_and_row(self, file):
        data = bytearray(file.read_bytes())
        at = data.index("Гомель".encode())
        data[at + 1] = 0xFF
        file.write_bytes(data)
        with pytest.raises(EncodingError, match="variable 'city' in row 2 is not valid in its stated encoding utf-8"):
            read_file(file)

    def test_an_encoding_that_does_not_exist(self, file):
        with pytest.raises(ArgumentError, match="'klingon' is not an encoding"):
            read_file(file, encoding="klingon")

    def test_good_french_and_german_are_no_suspects(self, tmp_path):
        file = tmp_path / "poll.sav"
        labels = {1.0: "Tout à fait d'accord", 2.0: "Überhaupt nicht", 3.0: "Président élu"}
        pyreadstat.write_sav(pd.DataFrame({"q": [1.0]}), file, variable_value_labels={"q": labels})
        data = file.read_bytes()
        for text in labels.values():
            data = data.replace(text.encode(), text.encode("cp1252").ljust(len(text.encode())))
        file.write_bytes(data.replace(b"UTF-8", b"l1   "))
        contents = read_file(file)
        assert contents.notices == ()
        assert contents.codebook["q"].labels[2.0].strip() == "Überhaupt nicht"


def test_sets_that_cannot_be_read_are_listed(tmp_path):
    file = tmp_path / "poll.sav"
    book = Codebook(
        {n: Variable(n) for n in ("a", "b")},
        {
            "x1": MultipleResponse("x1", ("a", "b"), 1, "Media"),
            "x2": MultipleResponse("x2", ("a", "b"), None, "Brands"),
        },
    )
    write_file(file, pd.DataFrame({"a": [1.0], "b": [0.0]}), book)
    data = file.read_bytes()
    file.write_bytes(data.replace(b"$x2=C 6 Brands a b", b"$x2=C 6 Brands a q").replace(b"$x1=D1", b"$x1=Z1"))
    contents = read_file(file)
    assert contents.codebook.sets == {}
    assert sorted(n.text for n in contents.notices) == [
        "The multiple-response set 'x1' has a form that is not known and was left out.",
        "The multiple-response set 'x2' names columns that the file does not have (q) and was left out.",
    ]


def truncated(file, cases, compressed=False):
    """A file of 12 cases that ends inside case `cases + 1`."""
    frame = pd.DataFrame({"q": np.arange(12.0), "name": pd.Series([f"person {i}" for i in range(12)], dtype="str")})
    pyreadstat.write_sav(frame, file, row_compress=compressed)
    data = file.read_bytes()
    start = read_dictionary(file.name, data).data
    each = (len(data) - start) // 12
    file.write_bytes(data[: start + cases * each + each // 2 // 8 * 8])
    return file


@pytest.mark.parametrize("compressed", [False, True])
def test_a_truncated_file_is_refused_and_read_on_demand(tmp_path, compressed):
    file = truncated(tmp_path / "poll.sav", 8, compressed)
    with pytest.raises(TruncatedFileError, match="allow_truncated=True|has room for"):
        read_file(file)
    contents = read_file(file, allow_truncated=True)
    whole = len(contents.codes)
    assert 6 <= whole <= 9
    assert contents.codes["q"].tolist() == list(range(whole))
    (notice,) = contents.notices
    assert notice.kind == "truncated"
    assert notice.text == f"poll.sav is not whole: it declares 12 cases, {whole} were found and read."
    assert notice.count == 12 - whole


def test_cases_beyond_the_declared_number_are_read_on_demand(poll):
    data = bytearray(poll.read_bytes())
    struct.pack_into("<i", data, CASES_AT, 3)
    poll.write_bytes(data)
    with pytest.raises(TruncatedFileError, match="declares 3 cases but holds 5"):
        read_file(poll)
    contents = read_file(poll, allow_truncated=True)
    assert len(contents.codes) == 5
    assert "declares 3 cases, 5 were found and read" in contents.notices[0].text


def test_allow_truncated_changes_nothing_for_a_whole_file(poll):
    asked, plain = read_file(poll, allow_truncated=True), read_file(poll)
    pd.testing.assert_frame_equal(asked.codes, plain.codes)
    assert asked.notices == plain.notices


def test_only_the_first_rows(poll):
    contents = read_file(poll, row_limit=2)
    assert contents.codes["q1"].tolist() == [1, 2]
    assert contents.codes.dtypes.equals(read_file(poll).codes.dtypes)
    assert [n.text for n in contents.notices if n.kind == "partial"] == ["Only the first 2 rows were read."]
    assert "partial" not in kinds(read_file(poll, row_limit=5))
    assert len(read_file(poll, row_limit=100).codes) == 5
    with pytest.raises(ArgumentError, match=r"row_limit=0: give 1 or more, or metadata_only=True"):
        read_file(poll, row_limit=0)


def test_only_the_codebook(poll):
    contents = read_file(poll, metadata_only=True)
    whole = read_file(poll)
    assert contents.codes.shape == (0, 4)
    assert contents.codebook == whole.codebook
    assert list(contents.codes.dtypes) == list(whole.codes.dtypes)
    assert list(read_file(poll, metadata_only=True, columns=["w", "q1"]).codes) == ["w", "q1"]


def test_bad_bytes_are_replaced_on_demand_and_listed(tmp_path):
    file = tmp_path / "poll.sav"
    frame = pd.DataFrame({"q": [1.0, 2.0, 1.0], "city": pd.Series(["Минск", "Брест", "Гомель"], dtype="str")})
    pyreadstat.write_sav(
        frame, file, column_labels={"q": "Вопрос"}, variable_value_labels={"q": {1.0: "Да", 2.0: "Нет"}}
    )
    data = file.read_bytes()
    for good in ("Нет", "Брест", "Вопрос"):
        assert data.count(good.encode()) == 1
        data = data.replace(good.encode(), b"\xff" + good.encode()[1:])
    file.write_bytes(data)
    with pytest.raises(
        EncodingError, match='poll.sav: the label of variable Q at .* read it with errors="replace", and'
    ):
        read_file(file)
    contents = read_file(file, errors="replace")
    assert contents.codes["city"].tolist()[0] == "Минск"
    assert "\ufffd" in contents.codes["city"].tolist()[1]
    assert contents.codebook["q"].labels[1.0] == "Да"
    assert contents.codebook["q"].labels[2.0].startswith("\ufffd")
    (notice,) = contents.notices
    assert notice.kind == "replaced"
    assert "the label of variable Q at byte" in notice.text
    assert "the label of value 2" in notice.text
    assert "'city' in 1 row" in notice.text
    assert "'city' in 1 row" in read_file(file, errors="replace", columns=["city"]).notices[0].text


def test_replacing_changes_nothing_where_all_is_valid(poll):
    asked, plain = read_file(poll, errors="replace"), read_file(poll)
    pd.testing.assert_frame_equal(asked.codes, plain.codes)
    assert asked.codebook == plain.codebook
    assert asked.notices == plain.notices
    with pytest.raises(ArgumentError, match="errors='ignore' is not available"):
        read_file(poll, errors="ignore")


@pytest.mark.parametrize("stated", ["windows-1251", "windows-1252", "KOI8-R", "CP866", "ISO-8859-1"])
def test_utf8_that_is_declared_as_something_else(tmp_path, stated):
    file = tmp_path / "poll.sav"
    frame = pd.DataFrame({"q": [1.0, 2.0]})
    labels = {"q": {1.0: "Полностью доверяю", 2.0: "Скорее не доверяю"}}
    pyreadstat.write_sav(frame, file, column_labels={"q": "Доверие"}, variable_value_labels=labels)
    old = struct.pack("<4i", 7, 20, 1, 5) + b"UTF-8"
    new = struct.pack("<4i", 7, 20, 1, len(stated)) + stated.encode()
    assert file.read_bytes().count(old) == 1
    file.write_bytes(file.read_bytes().replace(old, new))
    try:
        said = next(n.text for n in read_file(file).notices if n.kind == "encoding")
    except EncodingError as error:
        said = str(error)
    assert 'encoding="utf-8"' in said
    assert read_file(file, encoding="utf-8").codebook["q"].label == "Доверие"


def test_more_than_fits_in_memory_is_refused_and_can_be_read_in_part(poll, monkeypatch):
    monkeypatch.setattr("survey_kit.io.memory.memory_ceiling", lambda: 150)  # 5 cases x 4 elements x 8 bytes
    with pytest.raises(ResourceLimitError, match=r"poll.sav would take .* Name columns=, or read the first rows"):
        read_file(poll)
    with pytest.raises(ResourceLimitError, match="poll.sav would take"):
        read_file(poll, allow_truncated=True)
    assert len(read_file(poll, columns=["q1"]).codes) == 5
    assert len(read_file(poll, row_limit=2).codes) == 2
    assert len(read_file(poll, metadata_only=True).codebook) == 4


def test_the_ceiling_is_a_quarter_of_the_memory():
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory_ceiling() == whole // 4


def test_a_row_limit_beyond_the_declared_cases_counts_them(poll):
    data = bytearray(poll.read_bytes())
    struct.pack_into("<i", data, CASES_AT, 3)
    poll.write_bytes(data)
    assert len(read_file(poll, row_limit=2).codes) == 2
    with pytest.raises(TruncatedFileError, match="declares 3 cases but holds 5"):
        read_file(poll, row_limit=4)


@pytest.mark.parametrize("bits", [struct.pack("<d", math.nan), b"\xff\xff\xff\xff\xff\xff\xef\xff"])
def test_labels_and_rules_of_system_missing_say_nothing(tmp_path, bits):
    file = tmp_path / "poll.sav"
    labels = {"q": {1.0: "Yes", 77.5: "Nothing"}}
    pyreadstat.write_sav(
        pd.DataFrame({"q": [1.0, np.nan]}), file, variable_value_labels=labels, missing_ranges={"q": [77.5]}
    )
    data = file.read_bytes()
    assert data.count(struct.pack("<d", 77.5)) == 2
    file.write_bytes(data.replace(struct.pack("<d", 77.5), bits))
    contents = read_file(file)
    assert contents.codebook["q"].labels == {1.0: "Yes"}
    assert contents.codebook["q"].missing is None
    assert "Labels of system-missing were left out: q." in [n.text.split(" An")[0] for n in contents.notices]


def test_an_attribute_record_without_end_is_read_at_once(poll):
    data = poll.read_bytes()
    end = read_dictionary("poll.sav", data).terminator
    for payload in (b"a" * 400_000, b"a('x" * 100_000, b"a('x'\n" * 60_000):
        record = struct.pack("<4i", 7, 17, 1, len(payload)) + payload
        poll.write_bytes(data[:end] + record + record.replace(b"\x11", b"\x12", 1) + data[end:])
        assert len(read_file(poll).codes) == 5


@pytest.mark.parametrize("text", ["Да", "Größe und Stärke", "Don’t know"])
def test_a_few_letters_of_utf8_are_enough_to_doubt_a_declaration(tmp_path, text):
    file = tmp_path / "poll.sav"
    pyreadstat.write_sav(pd.DataFrame({"q": [1.0]}), file, variable_value_labels={"q": {1.0: text}})
    old = struct.pack("<4i", 7, 20, 1, 5) + b"UTF-8"
    new = struct.pack("<4i", 7, 20, 1, 12) + b"windows-1251"
    file.write_bytes(file.read_bytes().replace(old, new))
    (notice,) = read_file(file).notices
    assert notice.kind == "encoding"
    assert 'encoding="utf-8"' in notice.text


def test_a_weight_that_is_not_there_and_a_set_that_is_there_twice_are_said(poll):
    data = bytearray(poll.read_bytes())
    struct.pack_into("<i", data, WEIGHT_AT, 77)
    end = read_dictionary("poll.sav", bytes(data)).terminator
    payload = b"$m=C 1 A q1 w\n$m=C 1 B w q1\n$m=C 1 A q1 w\n"
    record = struct.pack("<4i", 7, 7, 1, len(payload)) + payload
    poll.write_bytes(bytes(data[:end]) + record + bytes(data[end:]))
    contents = read_file(poll)
    said = [n.text for n in contents.notices]
    assert "The header names a weight variable at position 77; none is there." in said
    assert "The multiple-response set 'm' is there twice with different columns; the first was kept." in said
    assert contents.codebook.sets["m"].columns == ("q1", "w")
    assert contents.codebook.weight is None
