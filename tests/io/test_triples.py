"""Triple-S: example files in the standard's style, the round trip of everything, and files that nobody should trust."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import (
    DamagedFileError,
    DuplicateNameError,
    EncodingError,
    MissingFileError,
    OutputError,
    ReadError,
    ResourceLimitError,
    TruncatedFileError,
    UnknownNameError,
    UnsafePathError,
    WrongFormatError,
)
from survey_kit.io import read_file, write_file
from survey_kit.io.contents import ReadOptions
from survey_kit.io.triples import values as values_module
from survey_kit.io.triples.read import read_triples

OLD = """<?xml version="1.0" encoding="windows-1252"?>
<!DOCTYPE sss PUBLIC "-//triple-s//DTD Survey Interchange v1.2//EN" "http://www.triple-s.org/dtd/sss_v12.dtd">
<sss version="1.2">
  <date>14 April 2005</date>
  <time>16:00</time>
  <origin>SurveyProg 1.3</origin>
  <user>Site</user>
  <survey>
    <name>SP5201-1</name>
    <title>Exit survey<br/>First wave</title>
    <record ident="V">
      <variable ident="1" type="single">
        <name>Q1</name>
        <label>Number of visits</label>
        <position start="1"/>
        <values>
          <value code="1">First visit</value>
          <value code="2">Visited before</value>
        </values>
      </variable>
      <variable ident="2" type="multiple">
        <name>Q2</name>
        <label>Attractions visited</label>
        <position start="2" finish="10"/>
        <values>
          <value code="1">Sherwood</value>
          <value code="2">Nottingham Castle &amp; caves</value>
          <value code="3">Caf\u00e9</value>
          <value code="9">Other</value>
        </values>
      </variable>
      <variable ident="3" type="character">
        <name>Q3</name>
        <label>Other attractions</label>
        <position start="11" finish="20"/>
        <size>10</size>
      </variable>
      <variable ident="4" type="multiple">
        <name>Q4</name>
        <label>Two favourites</label>
        <position start="21" finish="24"/>
        <spread subfields="2" width="2"/>
        <values>
          <value code="1">Sherwood</value>
          <value code="12">Castle</value>
        </values>
      </variable>
      <variable ident="5" type="quantity">
        <name>Q5</name>
        <label>Miles travelled</label>
        <position start="25" finish="27"/>
        <values>
          <range from="0" to="499"/>
          <value code="999">Not stated</value>
        </values>
      </variable>
      <variable ident="6" type="logical">
        <name>Q6</name>
        <label>Would come again</label>
        <position start="28"/>
      </variable>
      <variable ident="7" type="quantity" use="weight">
        <name>W</name>
        <label>Weight</label>
        <position start="29" finish="34"/>
        <values>
          <range from="0.0000" to="9.9999"/>
        </values>
      </variable>
    </record>
  </survey>
</sss>
"""
OLD_ROWS = [
    "".join(("1", "101000001", "Tudor H   ", " 100", " 10", "1", "1.0500")),
    "".join(("2", "000000000", "          ", "0012", " 99", " ", "0.9500")),
    "".join(("3", "         ", "Caf\u00e9      ", "1201", "500", "0", "1.0000")),
]

NEW = """<?xml version="1.0" encoding="UTF-8"?>
<sss version="{version}" languages="en fr" modes="interview analysis">
  <survey>
    <title>Wave</title>
    <record ident="A" format="csv" skip="1"{href}>
      <variable ident="ID" type="quantity" use="serial">
        <name>serial</name><label>Serial</label><position start="1"/>
        <values><range from="1" to="999"/></values>
      </variable>
      <variable ident="2" type="single" format="literal">
        <name>area</name>
        <label>Area<text xml:lang="fr">R\u00e9gion</text><text mode="interview">Where do you live?</text></label>
        <position start="2"/>
        <values>
          <value code="01">North<text xml:lang="fr">Nord</text></value>
          <value code="02" score="2.5">South</value>
        </values>
      </variable>
      <variable ident="3" type="single" format="literal">
        <name>mood</name><label><text xml:lang="en">Mood</text><text xml:lang="fr">Humeur</text></label>
        <position start="3"/>
        <values><value code="-1">Bad</value><value code="0">So so</value><value code="1">Good</value></values>
      </variable>
      <variable ident="4" type="multiple">
        <name>media</name><label>Media used</label>
        <position start="4"/>
        <values><range from="1" to="3"/><value code="1">TV</value><value code="2">Web</value></values>
      </variable>
      <variable ident="5" type="multiple">
        <name>top</name><label>Top issues</label><position start="5"/>
        <spread subfields="2" width="1"/>
        <values><value code="1">Jobs</value><value code="2">Peace</value></values>
      </variable>
      <variable ident="6" type="date"><name>day</name><label>Day</label><position start="6"/></variable>
      <variable ident="7" type="time"><name>clock</name><label>Clock</label><position start="7"/></variable>
      <variable ident="8" type="character">
        <name>why</name><label>Why</label><position start="8"/><size>100</size>
      </variable>
    </record>
  </survey>
</sss>
"""
NEW_ROWS = """serial,area,mood,media,top,day,clock,why
1,"01",-1,"011","02",20240229,093000,"because, ""they"" said
so"
2,"02",1,"100","21",,,
3,,,,,19991231,235959,"=1+1"
"""


def put(
    folder: Path, metadata: str, data: str, *, stem: str = "poll", suffix: str = ".asc", encoding: str = "utf-8"
) -> Path:
    file = folder / f"{stem}.sss"
    file.write_bytes(metadata.encode(encoding))
    (folder / f"{stem}{suffix}").write_bytes(data.encode(encoding))
    return file


def old(folder: Path, rows: list[str] = OLD_ROWS, version: str = "1.2", **changes: str) -> Path:
    text = OLD.replace('version="1.2"', f'version="{version}"')
    for what, into in changes.items():
        text = text.replace(what, into)
    return put(folder, text, "".join(f"{row}\r\n" for row in rows), encoding="cp1252")


def new(folder: Path, version: str = "2.0", href: str = "", data: str = NEW_ROWS) -> Path:
    return put(folder, NEW.format(version=version, href=href), data, suffix=".csv")


def said(contents, kind: str) -> list[str]:
    return [n.text for n in contents.notices if n.kind == kind]


def small(body: str, head: str = 'ident="A"', version: str = "2.0") -> str:
    return f'<sss version="{version}"><survey><title>t</title><record {head}>{body}</record></survey></sss>'


def variable(kind: str, position: str, rest: str = "", name: str = "q") -> str:
    return (
        f'<variable ident="1" type="{kind}"><name>{name}</name><label>L</label><position {position}/>{rest}</variable>'
    )


ONE = variable("quantity", 'start="1" finish="2"', '<values><range from="0" to="99"/></values>')


@pytest.mark.parametrize("version", ["1.1", "1.2", "2.0", "3.0"])
class TestFixed:
    def test_codes(self, tmp_path, version):
        codes = read_file(old(tmp_path, version=version)).codes
        nan = np.nan
        expected = pd.DataFrame(
            {
                "Q1": [1, 2, 3],
                "Q2_1": [1.0, 0, nan],
                "Q2_2": [0.0, 0, nan],
                "Q2_3": [1.0, 0, nan],
                "Q2_9": [1.0, 0, nan],
                "Q3": pd.Series(["Tudor H", None, "Caf\u00e9"], dtype="str"),
                "Q4_1": [1.0, nan, 12],
                "Q4_2": [nan, 12, 1],
                "Q5": [10, 99, 500],
                "Q6": [1.0, nan, 0],
                "W": [1.05, 0.95, 1.0],
            }
        )
        pd.testing.assert_frame_equal(codes, expected)

    def test_codebook(self, tmp_path, version):
        contents = read_file(old(tmp_path, version=version))
        book = contents.codebook
        assert book.title == "Exit survey\nFirst wave"
        assert book.weight == "W"
        assert book.encoding == "cp1252"
        assert book.attributes == {
            "date": "14 April 2005",
            "time": "16:00",
            "origin": "SurveyProg 1.3",
            "user": "Site",
            "name": "SP5201-1",
        }
        assert book["Q1"] == Variable(
            "Q1", "Number of visits", {1: "First visit", 2: "Visited before"}, measure="nominal"
        )
        assert book["Q2_3"] == Variable("Q2_3", "Caf\u00e9", {0: "No", 1: "Yes"}, measure="nominal")
        assert book["Q4_2"] == Variable("Q4_2", "Two favourites", {1: "Sherwood", 12: "Castle"}, measure="nominal")
        assert book["Q5"] == Variable("Q5", "Miles travelled", {999: "Not stated"}, measure="scale")
        assert book["Q6"] == Variable("Q6", "Would come again", {0: "No", 1: "Yes"}, measure="nominal")
        assert dict(book.sets) == {
            "Q2": MultipleResponse("Q2", ("Q2_1", "Q2_2", "Q2_3", "Q2_9"), 1, "Attractions visited"),
            "Q4": MultipleResponse("Q4", ("Q4_1", "Q4_2"), None, "Two favourites"),
        }
        assert contents.format == "sss"

    def test_values_outside_are_told(self, tmp_path, version):
        contents = read_file(old(tmp_path, version=version))
        assert said(contents, "outside") == ["Values outside the stated ones are kept: Q1 (1 row), Q5 (1 row)."]


@pytest.mark.parametrize("version", ["2.0", "3.0"])
class TestCsv:
    def test_codes(self, tmp_path, version):
        contents = read_file(new(tmp_path, version))
        nan = np.nan
        expected = pd.DataFrame(
            {
                "serial": [1, 2, 3],
                "area": pd.Series(["01", "02", None], dtype="str"),
                "mood": [-1.0, 1, nan],
                "media_1": [0.0, 1, nan],
                "media_2": [1.0, 0, nan],
                "media_3": [1.0, 0, nan],
                "top_1": [nan, 2, nan],
                "top_2": [2.0, 1, nan],
                "day": pd.to_datetime(["2024-02-29", None, "1999-12-31"]).as_unit("us"),
                "clock": [34200.0, nan, 86399],
                "why": pd.Series(['because, "they" said\nso', None, "=1+1"], dtype="str"),
            }
        )
        pd.testing.assert_frame_equal(contents.codes, expected)
        assert said(contents, "time") == ["Times are seconds since midnight: clock."]

    def test_codebook(self, tmp_path, version):
        contents = read_file(new(tmp_path, version))
        book = contents.codebook
        assert book["area"] == Variable(
            "area",
            "Area",
            {"01": "North", "02": "South"},
            question="Where do you live?",
            measure="nominal",
            attributes={"label:fr": "R\u00e9gion", "label:fr:01": "Nord", "score:02": "2.5"},
        )
        assert book["mood"].label == "Mood"
        assert book["mood"].attributes == {"label:fr": "Humeur"}
        assert book["mood"].labels == {-1: "Bad", 0: "So so", 1: "Good"}
        assert book["serial"].attributes == {"ident": "ID", "use": "serial"}
        assert book["clock"].format == "TIME8"
        assert book.sets["media"].columns == ("media_1", "media_2", "media_3")
        assert book["media_3"].label == ""
        assert said(contents, "language") == [
            "Texts come in several languages or modes; the first is the label, the others are attributes: fr."
        ]

    def test_the_data_file_is_the_one_named(self, tmp_path, version):
        file = new(tmp_path, version, href=' href="Other.CSV"')
        (tmp_path / "poll.csv").rename(tmp_path / "other.csv")
        assert len(read_file(file).codes) == 3

    def test_a_renamed_pair_is_found_by_its_name(self, tmp_path, version):
        contents = read_file(new(tmp_path, version, href=' href="./gone.csv"'))
        assert said(contents, "data_file") == [
            "poll.sss names its data file ./gone.csv, which is not there; poll.csv was read."
        ]


def test_saving_what_was_read_and_reading_it_again_is_the_identity(tmp_path):
    for number, make in enumerate((old, new)):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = make(folder)
        first = read_file(file)
        again = tmp_path / f"again{number}.sss"
        assert [n.kind for n in write_file(again, first.codes, first.codebook)] == ["guard"] * number
        back = read_file(again)
        pd.testing.assert_frame_equal(back.codes, first.codes)
        assert replace(back.codebook, encoding="") == replace(first.codebook, encoding="")


class TestOptions:
    def test_columns_in_the_order_asked(self, tmp_path):
        contents = read_file(old(tmp_path), columns=["W", "Q2_9", "Q1"])
        assert list(contents.codes) == list(contents.codebook) == ["W", "Q2_9", "Q1"]
        assert contents.codebook.weight == "W"
        assert not contents.codebook.sets

    def test_unknown_column(self, tmp_path):
        with pytest.raises(
            UnknownNameError, match=r"No column 'Q2_4'. Did you mean 'Q2_9'|No column 'Q2_4'. Did you mean"
        ):
            read_file(old(tmp_path), columns=["Q2_4"])

    def test_first_rows(self, tmp_path):
        contents = read_file(old(tmp_path), row_limit=2)
        whole = read_file(old(tmp_path))
        pd.testing.assert_frame_equal(contents.codes, whole.codes.iloc[:2])
        assert said(contents, "partial") == ["Only the first 2 rows were read."]
        assert not said(read_file(old(tmp_path), row_limit=3), "partial")

    def test_the_codebook_alone_needs_no_data(self, tmp_path):
        for file, name in ((old(tmp_path), "poll.asc"), (new(tmp_path), "poll.csv")):
            book = read_file(file).codebook
            (tmp_path / name).unlink()
            contents = read_file(file, metadata_only=True)
            assert contents.codes.shape == (0, len(book))
            assert contents.codebook == book
            assert not said(contents, "partial")

    def test_encoding_of_data_that_are_not_as_the_metadata(self, tmp_path):
        field = variable("character", 'start="1" finish="6"', "<size>6</size>")
        file = tmp_path / "poll.sss"
        file.write_text(small(field).replace(">L<", ">Город<"), encoding="utf-8")
        (tmp_path / "poll.dat").write_bytes("Минск \r\n".encode("cp1251"))
        with pytest.raises(EncodingError) as error:
            read_file(file)
        assert str(error.value).startswith(
            "poll.dat is not valid utf-8, the encoding of its metadata. Name its encoding: "
        )
        assert 'encoding="cp1251" gives “Минск”' in str(error.value)
        contents = read_file(file, encoding="cp1251")
        assert contents.codes["q"].tolist() == ["Минск"]
        assert contents.codebook["q"].label == "Город"

    def test_encoding_of_metadata_that_declare_the_wrong_one(self, tmp_path):
        text = '<?xml version="1.0" encoding="windows-1252"?>' + small(ONE).replace(
            ">L<", ">Отношение к власти в стране<"
        )
        file = put(tmp_path, text, "12\n", encoding="cp1251")
        assert "in cp1251 it is" in said(read_file(file), "encoding")[0]
        assert read_file(file, encoding="cp1251").codebook["q"].label == "Отношение к власти в стране"

    def test_metadata_that_declare_nothing_and_are_not_utf8(self, tmp_path):
        file = put(tmp_path, small(ONE).replace(">L<", ">Отношение<"), "12\n", encoding="cp1251")
        with pytest.raises(EncodingError, match='poll.sss is not valid utf-8. Try encoding="cp1251"'):
            read_file(file)
        assert read_file(file, encoding="cp1251").codebook["q"].label == "Отношение"

    def test_typographic_quotes_in_what_calls_itself_latin(self, tmp_path):
        text = '<?xml version="1.0" encoding="ISO-8859-1"?>' + small(ONE).replace(">L<", ">\u201cL\u201d<")
        assert read_file(put(tmp_path, text, "12\n", encoding="cp1252")).codebook["q"].label == "\u201cL\u201d"

    def test_utf16(self, tmp_path):
        text = '<?xml version="1.0" encoding="UTF-16"?>' + small(ONE).replace(">L<", ">Ж<")
        contents = read_file(put(tmp_path, text, "12\n", encoding="utf-16"))
        assert contents.codebook["q"].label == "Ж"
        assert contents.codes["q"].tolist() == [12]

    def test_unknown_encoding(self, tmp_path):
        file = put(tmp_path, '<?xml version="1.0" encoding="klingon"?>' + small(ONE), "12\n")
        with pytest.raises(EncodingError, match="declares the encoding 'klingon', which is not known"):
            read_file(file)

    def test_positions_that_count_bytes(self, tmp_path):
        fields = variable("character", 'start="1" finish="10"', "<size>10</size>") + variable(
            "quantity", 'start="11" finish="12"', '<values><range from="0" to="99"/></values>', "n"
        )
        rows = "".join(f"{text}{' ' * (10 - len(text.encode()))}{n}\n" for text, n in (("Минск", 12), ("Rom", 34)))
        contents = read_file(put(tmp_path, small(fields), rows))
        assert contents.codes["q"].tolist() == ["Минск", "Rom"]
        assert contents.codes["n"].tolist() == [12, 34]
        assert said(contents, "position") == ["The columns of poll.asc were counted in bytes, as its rows fit only so."]


class TestTypes:
    def read(self, folder, kind, cells, rest="", attributes=""):
        field = variable(kind, 'start="1"', rest).replace(f'type="{kind}"', f'type="{kind}" {attributes}')
        return read_file(put(folder, small(field, 'format="csv"'), "".join(f"{c}\n" for c in cells), suffix=".csv"))

    def test_numbers_padded_with_zeros(self, tmp_path):
        values = '<values><value code="07">Seven</value><value code="12"/></values>'
        contents = self.read(tmp_path, "single", ["07", " 7", "12"], values)
        assert contents.codes["q"].tolist() == [7, 7, 12]
        assert contents.codebook["q"].labels == {7: "Seven"}
        assert not said(contents, "outside")

    def test_literal_codes_that_the_data_do_not_keep_to(self, tmp_path):
        values = '<values><value code="1">One</value></values>'
        contents = self.read(tmp_path, "single", ["1", "01", "A"], values, 'format="literal"')
        assert contents.codes["q"].tolist() == ["1", "01", "A"]
        assert contents.codebook["q"].labels == {"1": "One"}
        assert said(contents, "outside") == ["Values outside the stated ones are kept: q (2 rows)."]

    def test_codes_that_are_no_numbers_without_being_called_literal(self, tmp_path):
        values = '<values><value code="A">Yes</value><value code="B">No</value></values>'
        assert self.read(tmp_path, "single", ["A", "B"], values).codebook["q"].labels == {"A": "Yes", "B": "No"}

    def test_signs_among_codes(self, tmp_path):
        values = '<values><value code="1">Yes</value></values>'
        contents = self.read(tmp_path, "single", ["1", "*", ""], values)
        assert contents.codes["q"].tolist()[:2] == ["1", "*"]
        assert contents.codebook["q"].labels == {"1": "Yes"}
        assert said(contents, "mixed") == ["'q' is kept as text: not of its type in row 2."]

    def test_decimals_and_large_numbers(self, tmp_path):
        span = '<values><range from="0.00" to="99.99"/></values>'
        assert self.read(tmp_path, "quantity", ["1", "2"], span).codes["q"].tolist() == [1.0, 2.0]
        span = '<values><range from="0" to="9"/></values>'
        contents = self.read(tmp_path, "quantity", ["9007199254740993", ""], span)
        assert contents.codes["q"].tolist()[0] == "9007199254740993"
        assert said(contents, "text") == ["Kept as text, since a number could not hold every digit: q."]
        assert self.read(tmp_path, "quantity", ["9007199254740993"], span).codes["q"].tolist() == [9007199254740993]
        assert self.read(tmp_path, "quantity", ["+5", "-1.5", ".5"], span).codes["q"].tolist() == [5.0, -1.5, 0.5]

    def test_dates_that_are_none(self, tmp_path):
        contents = self.read(tmp_path, "date", ["20230229", "2023-03-01", ""])
        assert contents.codes["q"].tolist()[:2] == ["20230229", "2023-03-01"]
        assert said(contents, "mixed") == ["'q' is kept as text: not of its type in row 1."]
        assert self.read(tmp_path, "date", ["2023-03-01"]).codes["q"].tolist() == [pd.Timestamp("2023-03-01")]

    def test_dates_outside(self, tmp_path):
        span = '<values><range from="20230101" to="20231231"/></values>'
        contents = self.read(tmp_path, "date", ["20230101", "20240101", ""], span)
        assert said(contents, "outside") == ["Values outside the stated ones are kept: q (1 row)."]

    def test_times_that_are_none(self, tmp_path):
        contents = self.read(tmp_path, "time", ["240000", "000000"])
        assert contents.codes["q"].tolist() == ["240000", "000000"]
        assert contents.codebook["q"].format == ""
        assert self.read(tmp_path, "time", ["93000", "09:30:00"]).codes["q"].tolist() == [34200, 34200]
        assert self.read(tmp_path, "time", ["0930"], "<size>4</size>").codes["q"].tolist() == [34200]

    def test_logical_is_zero_or_one(self, tmp_path):
        contents = self.read(tmp_path, "logical", ["0", "1", "2"])
        assert contents.codes["q"].tolist() == [0, 1, 2]
        assert said(contents, "outside") == ["Values outside the stated ones are kept: q (1 row)."]

    def test_a_blank_row_of_one_column_is_a_missing_value(self, tmp_path):
        contents = self.read(tmp_path, "quantity", ["1", "", "3"])
        assert contents.codes["q"].tolist() == pytest.approx([1.0, np.nan, 3.0], nan_ok=True)

    def test_marks_lost_by_a_spreadsheet(self, tmp_path):
        values = '<values><range from="1" to="4"/></values>'
        with pytest.raises(TruncatedFileError) as error:
            self.read(tmp_path, "multiple", ["1000", "100"], values)
        assert str(error.value) == (
            "poll.sss: row 2 has no mark for answer 4 of 'q'. Did a spreadsheet take its leading zeros away? "
            "Export the survey again."
        )

    def test_marks_that_are_codes(self, tmp_path):
        with pytest.raises(DamagedFileError, match="row 1 has another sign than 0, 1 and blank in 'q'"):
            self.read(tmp_path, "multiple", ["0200"], '<values><range from="1" to="4"/></values>')

    def test_too_many_subfields(self, tmp_path):
        rest = '<spread subfields="2"/><values><value code="11">x</value></values>'
        assert self.read(tmp_path, "multiple", ["1100"], rest).codes["q_1"].tolist() == [11]
        with pytest.raises(DamagedFileError, match="row 2 has more than 2 subfields of 2 characters in 'q'"):
            self.read(tmp_path, "multiple", ["1100", "110011"], rest)

    def test_texts_that_share_a_name_with_an_answer(self, tmp_path):
        fields = variable("multiple", 'start="1"', '<values><value code="1">x</value></values>') + variable(
            "character", 'start="2"', "<size>9</size>", "q_1"
        )
        contents = read_file(put(tmp_path, small(fields, 'format="csv"'), "1,other\n", suffix=".csv"))
        assert contents.codes.to_dict("list") == {"q__1": [1], "q_1": ["other"]}
        assert contents.codebook.sets["q"].columns == ("q__1",)

    def test_several_weights(self, tmp_path):
        fields = ONE.replace("<variable", '<variable use="weight"') + ONE.replace(
            "<variable", '<variable use="weight"'
        ).replace("<name>q<", "<name>r<")
        contents = read_file(put(tmp_path, small(fields), "12\n"))
        assert contents.codebook.weight == "q"
        assert said(contents, "weight")[0] == "The file names several weights: q, r. The first is taken."

    def test_a_weight_that_is_no_number(self, tmp_path):
        field = variable("character", 'start="1"', "<size>1</size>").replace("<variable", '<variable use="weight"')
        contents = read_file(put(tmp_path, small(field), "x\n"))
        assert contents.codebook.weight is None
        assert said(contents, "weight") == [
            "The file names 'q' as its weight, but it holds no numbers; it is not taken as the weight."
        ]

    def test_extensions_of_others_are_passed_over(self, tmp_path):
        text = (
            small(ONE)
            .replace("<sss ", '<sss xmlns:x="urn:x" ')
            .replace("<label>L", "<x:grid><name>other</name></x:grid><label>L")
        )
        assert list(read_file(put(tmp_path, text, "12\n")).codes) == ["q"]


class TestDataFile:
    def test_missing(self, tmp_path):
        file = old(tmp_path)
        (tmp_path / "poll.asc").rename(tmp_path / "elsewhere.asc")
        with pytest.raises(MissingFileError) as error:
            read_file(file)
        assert str(error.value) == (
            "poll.sss tells what the data mean, but its data file is not beside it. Looked for poll.asc, poll.dat, "
            f"poll.txt, poll.csv in {str(tmp_path)!r}. Put it there; it was exported together with poll.sss."
        )

    @pytest.mark.parametrize("name", ["POLL.ASC", "Poll.Dat", "poll.txt", "poll.csv"])
    def test_case_and_ending(self, tmp_path, name):
        file = old(tmp_path)
        (tmp_path / "poll.asc").rename(tmp_path / name)
        assert len(read_file(file).codes) == 3

    @pytest.mark.parametrize(
        "href",
        [
            "../poll.csv",
            "/etc/passwd",
            "sub/poll.csv",
            "..\\poll.csv",
            "C:\\poll.csv",
            "file:///etc/passwd",
            "http://example.org/poll.csv",
            "..",
            "./../x.csv",
        ],
    )
    def test_a_path_that_leaves_the_folder(self, tmp_path, href):
        folder = tmp_path / "study"
        folder.mkdir()
        (tmp_path / "poll.csv").write_text(NEW_ROWS)
        with pytest.raises(UnsafePathError) as error:
            read_file(new(folder, href=f' href="{href}"'))
        assert str(error.value) == (
            f"poll.sss says that its data are in {href!r}. Only a file in the same folder is read. "
            "Put the data file there, and its name alone into href=."
        )

    def test_a_link_that_leaves_the_folder(self, tmp_path):
        folder = tmp_path / "study"
        folder.mkdir()
        file = new(folder)
        (folder / "poll.csv").rename(tmp_path / "secret.csv")
        (folder / "poll.csv").symlink_to(tmp_path / "secret.csv")
        with pytest.raises(UnsafePathError, match=r"poll.csv is a link that leaves the folder of poll.sss"):
            read_file(file)

    def test_a_short_row(self, tmp_path):
        file = old(tmp_path, [OLD_ROWS[0], OLD_ROWS[1][:30], OLD_ROWS[2]])
        with pytest.raises(TruncatedFileError) as error:
            read_file(file)
        assert str(error.value) == (
            "poll.asc: row 2 has 30 characters, the metadata need 34. Fetch it again, or export the survey again. "
            "If blanks at the ends of rows were left out, read it with allow_truncated=True."
        )

    def test_short_rows_filled_with_blanks(self, tmp_path):
        file = old(tmp_path, [OLD_ROWS[0], OLD_ROWS[1][:27], OLD_ROWS[2]])
        contents = read_triples(file, ReadOptions(allow_truncated=True))
        assert contents.codes["W"].tolist() == pytest.approx([1.05, np.nan, 1.0], nan_ok=True)
        assert said(contents, "truncated") == ["poll.asc: rows that end early were filled with blanks: row 2."]

    def test_of_two_names_the_plain_one_is_read(self, tmp_path):
        file = new(tmp_path)
        (tmp_path / "POLL.CSV").write_text("x")
        (tmp_path / "poll.CSV").write_text("x")
        assert len(read_file(file).codes) == 3

    @pytest.mark.parametrize("version", ["2", "2.0.002", "3.0.1"])
    def test_versions_written_otherwise(self, tmp_path, version):
        assert len(read_file(new(tmp_path, version)).codes) == 3

    def test_marks_beyond_the_last_answer_need_not_be_there(self, tmp_path):
        field = variable("multiple", 'start="1" finish="9"', '<values><range from="1" to="3"/></values>')
        contents = read_file(put(tmp_path, small(field), "101\n010\n"))
        assert contents.codes["q_3"].tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("row", "found", "why"), [("1,2", 2, "the metadata need"), ("1,2,3,4,5,6,7,8,9", 9, "other rows have")]
    )
    def test_a_row_of_another_length(self, tmp_path, row, found, why):
        with pytest.raises(TruncatedFileError) as error:
            read_file(new(tmp_path, data=NEW_ROWS + row + "\n"))
        assert str(error.value) == (
            f"poll.csv: row 4 has {found} fields, {why} 8. Quote fields that hold a comma. "
            "Fetch it again, or export the survey again."
        )

    def test_short_csv_rows_filled(self, tmp_path):
        contents = read_triples(new(tmp_path, data=NEW_ROWS + '4,"02"\n'), ReadOptions(allow_truncated=True))
        assert contents.codes["area"].tolist()[3] == "02"
        assert said(contents, "truncated") == ["poll.csv: rows that end early were filled with blanks: row 4."]

    def test_quotes_that_do_not_match(self, tmp_path):
        with pytest.raises(DamagedFileError, match="poll.csv: quotes around row 4 do not match"):
            read_file(new(tmp_path, data=NEW_ROWS + '4,"02,1,"100","21",,,\n'))

    def test_nul(self, tmp_path):
        with pytest.raises(DamagedFileError, match="poll.asc holds a NUL character in line 2"):
            read_file(put(tmp_path, small(ONE), "12\n1\0\n"))

    def test_the_end_of_file_sign_of_old_systems(self, tmp_path):
        assert read_file(put(tmp_path, small(ONE), "12\r\n34\r\n\x1a")).codes["q"].tolist() == [12, 34]

    def test_blank_lines_are_told(self, tmp_path):
        contents = read_file(new(tmp_path, data=NEW_ROWS.replace("\n2,", "\n\n2,")))
        assert len(contents.codes) == 3
        assert said(contents, "blank") == ["1 blank lines of poll.csv were left out."]

    def test_no_rows(self, tmp_path):
        assert read_file(new(tmp_path, data=NEW_ROWS[: NEW_ROWS.index("\n")])).codes.shape == (0, 11)
        assert read_file(put(tmp_path, small(ONE), "", stem="none")).codes.shape == (0, 1)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE sss [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + ']><sss version="2.0"><survey><title>&j;</title></survey></sss>'
)


class TestHostile:
    def refuse(
        self, folder: Path, metadata: str, error: type[ReadError], words: str, data: str = "12\n", suffix: str = ".asc"
    ):
        with pytest.raises(error) as caught:
            read_file(put(folder, metadata, data, suffix=suffix))
        assert words in str(caught.value)
        assert str(caught.value).startswith("poll.")

    def test_entity_bomb(self, tmp_path):
        self.refuse(
            tmp_path, BOMB, DamagedFileError, "declares the entity 'a'; files with entities of their own are not read"
        )

    def test_external_entity(self, tmp_path):
        secret = tmp_path / "secret.txt"
        secret.write_text("secret")
        text = f'<!DOCTYPE sss [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + small(ONE).replace(">L<", ">&x;<")
        self.refuse(tmp_path, text, DamagedFileError, "declares the entity 'x'")

    def test_parameter_entity(self, tmp_path):
        text = '<!DOCTYPE sss [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>' + small(ONE)
        self.refuse(tmp_path, text, DamagedFileError, "declares the entity 'p'")

    def test_the_document_type_is_not_fetched_and_its_characters_are_known(self, tmp_path):
        text = '<!DOCTYPE sss SYSTEM "http://127.0.0.1:9/sss_v20.dtd">' + small(ONE).replace(">L<", ">caf&eacute;<")
        assert read_file(put(tmp_path, text, "12\n")).codebook["q"].label == "caf\u00e9"
        text = text.replace("eacute", "secret")
        self.refuse(
            tmp_path, text, DamagedFileError, "uses the entity '&secret;', which is not known. Write the character."
        )

    def test_unknown_entity_without_a_document_type(self, tmp_path):
        self.refuse(
            tmp_path,
            small(ONE).replace(">L<", ">&nbsp;<"),
            DamagedFileError,
            "is no sound XML: undefined entity in line 1",
        )

    def test_default_attributes_are_not_multiplied(self, tmp_path):
        text = '<!DOCTYPE sss [<!ATTLIST variable x CDATA "' + "y" * 1000 + '">]>' + small(ONE)
        assert read_file(put(tmp_path, text, "12\n")).codes["q"].tolist() == [12]

    def test_deep_nesting(self, tmp_path):
        deep = "<a>" * 100_000 + "</a>" * 100_000
        self.refuse(tmp_path, small(deep), DamagedFileError, "elements are nested more than 40 deep")

    def test_many_elements(self, tmp_path, monkeypatch):
        monkeypatch.setattr("survey_kit.io.triples.xml._MOST_ELEMENTS", 1000)
        self.refuse(tmp_path, small("<a/>" * 2000), ResourceLimitError, "has more than 1,000 elements; no survey has.")

    def test_a_large_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr("survey_kit.io.triples.xml._MOST_BYTES", 1000)
        self.refuse(tmp_path, small(" " * 2000), ResourceLimitError, "metadata of at most 1,000 bytes are read")

    @pytest.mark.parametrize(
        "span",
        [
            'from="1" to="999999999"',
            'from="1" to="' + "9" * 5000 + '"',
            'from="1" to="0000000000099999999"',
            'from="-5" to="3"',
        ],
    )
    def test_a_million_answers(self, tmp_path, span):
        field = variable("multiple", 'start="1"', f"<values><range {span}/></values>")
        self.refuse(
            tmp_path,
            small(field, 'format="csv"'),
            DamagedFileError,
            "answers of a multiple question are numbered from 1 to 10,000",
            suffix=".csv",
        )

    def test_numbers_of_thousands_of_digits(self, tmp_path):
        code = "9" * 5000
        field = variable("single", 'start="1"', f'<values><value code="{code}">x</value></values>')
        labels = read_file(put(tmp_path, small(field), "1\n")).codebook["q"].labels
        assert list(labels.values()) == ["x"]
        field = variable("multiple", 'start="1"', f'<values><range from="{code}" to="3"/></values>')
        self.refuse(tmp_path, small(field), DamagedFileError, "is a multiple question with no answers")

    @pytest.mark.parametrize("name", ["punycode", "undefined", "unicode_escape", "base64"])
    def test_encodings_that_are_no_alphabets(self, tmp_path, name):
        text = f'<?xml version="1.0" encoding="{name}"?>' + small(ONE)
        self.refuse(tmp_path, text, EncodingError, f"declares the encoding '{name}', which is not known")

    def test_a_label_of_blanks_takes_no_time(self, tmp_path):
        text = small(ONE).replace(">L<", ">" + " " * 1_000_000 + "x<")
        assert read_file(put(tmp_path, text, "12\n")).codebook["q"].label == "x"

    def test_a_header_that_is_too_long(self, tmp_path):
        data = "x" * 200_000 + "\n12\n"
        text = small(ONE, 'format="csv" skip="1"')
        assert read_file(put(tmp_path, text, data, suffix=".csv")).codes["q"].tolist() == [12]

    def test_a_data_file_that_may_not_be_opened(self, tmp_path, monkeypatch):
        file = old(tmp_path)

        def closed(path):
            if path.suffix == ".asc":
                raise PermissionError(13, "Permission denied")
            with path.open("rb") as content:
                return content.read()

        monkeypatch.setattr(Path, "read_bytes", closed)
        with pytest.raises(ReadError, match=r"poll.asc cannot be opened: Permission denied. Ask for read permission."):
            read_file(file)

    def test_many_columns(self, tmp_path):
        field = variable("multiple", 'start="1"', '<values><range from="1" to="9999"/></values>')
        fields = "".join(field.replace("<name>q<", f"<name>q{i}<") for i in range(11))
        self.refuse(
            tmp_path, small(fields, 'format="csv"'), ResourceLimitError, "has more than 100,000 columns", suffix=".csv"
        )

    def test_overlapping_fields(self, tmp_path):
        field = variable("character", 'start="1" finish="999999"', "<size>9</size>")
        fields = "".join(field.replace("<name>q<", f"<name>q{i}<") for i in range(5000))
        self.refuse(tmp_path, small(fields), ResourceLimitError, "Do its variables overlap?")

    def test_many_cells(self, tmp_path, monkeypatch):
        monkeypatch.setattr("survey_kit.io.triples.read._MOST_CELLS", 10)
        self.refuse(
            tmp_path, small(ONE), ResourceLimitError, "11 rows of 1 columns are more than 10 cells", "12\n" * 11
        )

    @pytest.mark.parametrize(
        ("metadata", "error", "words"),
        [
            ("SSS\nVERSION 1.1\n", WrongFormatError, "poll.sss is no XML file"),
            ('<codeBook version="2.0"/>', WrongFormatError, "its root is <codeBook>, not <sss>"),
            ('<sss version="2.0"><hierarchy/></sss>', WrongFormatError, "describes a hierarchy of records"),
            ('<hierarchy version="2.0"/>', WrongFormatError, "Read the .sss file of each level, and merge the tables"),
            ('<sss version="4.0"/>', DamagedFileError, "has Triple-S version '4.0'; there are 1.1, 1.2, 2.0, 3.0"),
            ('<sss version="2.0"><survey/></sss>', DamagedFileError, "has no <survey> with a <record>"),
            ('<sss version="2.0"><survey>', DamagedFileError, "is no sound XML: no element found in line 1"),
            (small(ONE.replace("quantity", "quantitiy")), DamagedFileError, "Did you mean 'quantity'?"),
            (small(ONE.replace('<position start="1" finish="2"/>', "")), DamagedFileError, "'q' has no <position>"),
            (small(ONE.replace('start="1"', 'start="x"')), DamagedFileError, "has start='x', which is no number"),
            (
                small(ONE.replace('start="1"', 'start="3"')),
                DamagedFileError,
                "has the position 3 to 2, which cannot be",
            ),
            (small(ONE.replace('to="99"', "")), DamagedFileError, "has a <range> without from= or to="),
            (
                small(ONE.replace("<values>", "<values><value>x</value>")),
                DamagedFileError,
                "has a <value> without a code",
            ),
            (
                small(ONE.replace("<values>", '<values><value code="1"/><value code="1"/>')),
                DamagedFileError,
                "code 1 more than once",
            ),
            (small(variable("multiple", 'start="1"')), DamagedFileError, "is a multiple question with no answers"),
            (
                small(variable("multiple", 'start="1"', '<values><range from="1" to="2"/></values>')),
                DamagedFileError,
                "a multiple question with answers up to 2 in 1 columns",
            ),
            (
                small(variable("multiple", 'start="1" finish="2"', '<spread subfields="3"/>')),
                DamagedFileError,
                "3 subfields of 0 characters do not fit into 2 columns",
            ),
            (
                small(variable("multiple", 'start="1"', '<spread subfields="0"/>')),
                DamagedFileError,
                "spread over 0 subfields",
            ),
            (small(variable("character", 'start="1"', "<size>big</size>")), DamagedFileError, "has the size 'big'"),
            (
                small(ONE + ONE),
                DuplicateNameError,
                "has the variable name 'q' at positions 1 and 2. Rename one of them.",
            ),
            (
                small(variable("character", 'start="999999"'), 'format="csv"'),
                ResourceLimitError,
                "is field 999,999 of its row",
            ),
            (
                small(ONE.replace("<label>", "<?survey_kit {?><label>")),
                DamagedFileError,
                "what survey_kit noted of it is damaged",
            ),
            (
                small(ONE.replace("<label>", "<?survey_kit []?><label>")),
                DamagedFileError,
                "Take the <?survey_kit ...?> lines out",
            ),
            (
                small(ONE.replace("<label>", "<?survey_kit " + "[" * 100_000 + "?><label>")),
                DamagedFileError,
                "is damaged",
            ),
        ],
    )
    def test_metadata_that_cannot_be(self, tmp_path, metadata, error, words):
        with pytest.raises(error) as caught:
            read_file(put(tmp_path, metadata, "12\n"))
        assert words in str(caught.value)
        assert str(caught.value).startswith("poll.sss")

    @pytest.mark.parametrize(
        "note",
        [
            {"columns": 1},
            {"columns": [{}, {}]},
            {"columns": [1]},
            {"columns": [{"variable": 1}]},
            {"columns": [{"variable": {"label": 1}}]},
            {"columns": [{"variable": {"nothing": "x"}}]},
            {"columns": [{"variable": {"labels": [[1]]}}]},
            {"columns": [{"variable": {"labels": [[[], "x"]]}}]},
            {"columns": [{"variable": {"missing": {"values": 3}}}]},
            {"columns": [{"variable": {"missing": {"values": [], "ranges": [[1]]}}}]},
            {"columns": [{"variable": {"width": True, "measure": "x"}}]},
            {"columns": [{"variable": {"attributes": {"a": 1}}}]},
            {"columns": [{"variable": {"name": None}}]},
        ],
    )
    def test_notes_of_a_variable_that_cannot_be(self, tmp_path, note):
        text = small(ONE.replace("<label>", f"<?survey_kit {json.dumps(note)}?><label>"))
        self.refuse(
            tmp_path, text, DamagedFileError, "is damaged. Take the <?survey_kit ...?> lines out to read the rest."
        )

    @pytest.mark.parametrize(
        "book",
        [
            1,
            {"variables": []},
            {"weight": "other"},
            {"notes": "x"},
            {"sets": [1]},
            {"sets": [{"name": "s", "columns": ["other"], "counted": 1, "label": "", "question": ""}]},
            {"attributes": []},
            {"title": 3},
        ],
    )
    def test_notes_of_the_survey_that_cannot_be(self, tmp_path, book):
        text = small(ONE).replace("<title>", f"<?survey_kit {json.dumps({'book': book})}?><title>")
        self.refuse(tmp_path, text, DamagedFileError, "what survey_kit noted of the survey is damaged")

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.sampled_from(["fixed", "csv"]), st.integers(0, 10_000), st.integers(0, 12), st.binary(max_size=12))
    def test_any_damage_is_read_or_refused_in_words(self, tmp_path, kind, at, cut, junk):
        file = old(tmp_path) if kind == "fixed" else new(tmp_path)
        for target in (file, tmp_path / ("poll.asc" if kind == "fixed" else "poll.csv")):
            raw = target.read_bytes()
            place = at % (len(raw) + 1)
            target.write_bytes(raw[:place] + junk + raw[place + cut :])
        try:
            read_file(file)
        except ReadError as error:
            assert "poll." in str(error)
        finally:
            for leftover in tmp_path.iterdir():
                leftover.unlink()


CODES = pd.DataFrame(
    {
        "q1": [1.0, 2.0, 99.0, np.nan],
        "scale": [-1.0, 0.0, 1.0, 1.0],
        "temp": [-1.5, 2.25, 1e300, 1e-300],
        "id": [2**62, 2, 3, 4],
        "m_1": [1.0, 0, 0, np.nan],
        "m_2": [0.0, 0, 1, np.nan],
        "between": [1, 2, 3, 4],
        "m_97": [0.0, 1, 0, np.nan],
        "first": [1.0, 12, 3, np.nan],
        "second": [np.nan, 1, np.nan, np.nan],
        "w": [0.5, 1.5, 1.0, 1.0],
        "city": pd.Series(["Минск", None, "", 'a,"b"\r\nc '], dtype="str"),
        "formula": pd.Series(["=1+1", "'=x", "-5", "@a"], dtype="str"),
        "party": pd.Series(["A", "B", None, "A"], dtype="str"),
        "zip": pd.Series(["0012", "12", None, "7"], dtype="str"),
        "yes": [True, False, True, True],
        "day": pd.to_datetime(["2024-02-29", None, "1583-01-22", "9999-12-31"]).as_unit("us"),
        "moment": pd.to_datetime(
            ["2024-02-29 10:00:00.25", None, "2001-01-01", "2001-01-01"], format="ISO8601"
        ).as_unit("us"),
        "clock": [0, 1, 34200, 86399],
    }
)
MENTIONED = {0.0: "No", 1.0: "Yes"}
ISSUES = {1.0: "Jobs", 12.0: "Peace"}
VARIABLES = {
    "q1": Variable(
        "q1",
        " Первый\tвопрос \n<b>&amp;",
        {1.0: "Да", 2.0: "Нет", 99.0: "Нет\nответа\x01"},
        MissingRule((99.0,), ((-math.inf, -1.0),)),
        "Скажите?",
        "ordinal",
        "F3.0",
        6,
        "ASK IF q0 = 1",
        "center",
        {"$@Role": "0", "label:fr": "?>"},
        "q0 in bands",
    ),
    "scale": Variable("scale", labels={-1.0: "Bad", 0.0: "So so", 1.0: "Good"}),
    "temp": Variable("temp", labels={0.5: "Half"}, measure="scale"),
    "id": Variable("id", measure="scale"),
    "m_1": Variable("m_1", "TV", MENTIONED, measure="nominal"),
    "m_2": Variable("m_2", "Web", MENTIONED, measure="nominal"),
    "between": Variable("between"),
    "m_97": Variable("m_97", "", MENTIONED, measure="nominal"),
    "first": Variable("first", "Issue", ISSUES, measure="nominal"),
    "second": Variable("second", "Issue", ISSUES, measure="nominal"),
    "w": Variable("w", measure="scale"),
    "city": Variable("city", labels={"NA": "Namibia"}),
    "formula": Variable("formula"),
    "party": Variable("party", labels={"A": "Ours", "B": "Theirs"}, missing=MissingRule(("B",))),
    "zip": Variable("zip", labels={"0012": "x", "12": "y", "7": "z"}),
    "yes": Variable("yes"),
    "day": Variable("day", format="EDATE10"),
    "moment": Variable("moment"),
    "clock": Variable("clock", format="TIME5"),
}
SETS = {
    "m": MultipleResponse("m", ("m_1", "m_2", "m_97"), 1.0, "Media", "What do you use?"),
    "q1": MultipleResponse("q1", ("first", "second"), None, "Issues"),
    "low": MultipleResponse("low", ("scale", "between"), 1.0, "Chose 1"),
    "again": MultipleResponse("again", ("m_1", "m_2"), 0.0, "Did not"),
}
BOOK = Codebook(VARIABLES, SETS, "Опрос\n2024", ("one", "two\x00"), "w", "utf-8", {"fieldwork": "December"})


class TestRoundTrip:
    def test_nothing_is_lost(self, tmp_path):
        file = tmp_path / "poll.sss"
        notices = write_file(file, CODES, BOOK)
        assert [n.text for n in notices] == [
            "Texts that a spreadsheet would run as a formula were given a leading quote: formula."
        ]
        back = read_file(file)
        pd.testing.assert_frame_equal(back.codes, CODES)
        for name, wanted in VARIABLES.items():
            assert back.codebook[name] == wanted
        assert back.codebook == BOOK
        assert {n.kind for n in back.notices} <= {"weight", "time", "shared_label", "undeclared_missing", "rounded"}

    def test_equal_data_give_equal_bytes(self, tmp_path):
        for stem in ("one", "other"):
            write_file(tmp_path / f"{stem}.sss", CODES.copy(), BOOK)
        for suffix in (".sss", ".csv"):
            assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"other{suffix}").read_bytes()
        write_file(tmp_path / "other.sss", CODES.assign(w=1.0), BOOK)
        assert (tmp_path / "one.sss").read_bytes() != (tmp_path / "other.sss").read_bytes()

    def test_the_frame_is_not_changed(self, tmp_path):
        before = CODES.copy(deep=True)
        write_file(tmp_path / "poll.sss", CODES, BOOK)
        pd.testing.assert_frame_equal(CODES, before)

    def test_the_types_of_the_standard_are_used(self, tmp_path):
        write_file(tmp_path / "poll.sss", CODES, BOOK)
        root = ElementTree.parse(tmp_path / "poll.sss").getroot()
        fields = root.findall("survey/record/variable")
        kinds = {f.findtext("name"): (f.get("type"), f.get("format"), f.get("use")) for f in fields}
        assert kinds == {
            "q1": ("single", None, None),
            "scale": ("single", "literal", None),
            "temp": ("quantity", None, None),
            "id": ("quantity", None, None),
            "m": ("multiple", None, None),
            "between": ("quantity", None, None),
            "q1_2": ("multiple", None, None),
            "w": ("quantity", None, "weight"),
            "city": ("character", None, None),
            "formula": ("character", None, None),
            "party": ("single", "literal", None),
            "zip": ("single", "literal", None),
            "yes": ("logical", None, None),
            "day": ("date", None, None),
            "moment": ("character", None, None),
            "clock": ("time", None, None),
        }
        assert [(v.get("code"), v.text) for v in fields[4].findall("values/value")] == [
            ("1", "TV"),
            ("2", "Web"),
            ("97", "m_97"),
        ]
        assert fields[6].find("spread").attrib == {"subfields": "2", "width": "2"}
        assert fields[4].find("label/text").attrib == {"mode": "interview"}

    def test_another_reader_sees_labels_sets_and_weight(self, tmp_path):
        file = tmp_path / "poll.sss"
        write_file(file, CODES, BOOK)
        file.write_text(re.sub(r"<\?survey_kit .*?\?>", "", file.read_text()))
        back = read_file(file)
        assert back.codebook.title == "Опрос\n2024"
        assert back.codebook.weight == "w"
        assert back.codebook["q1"].labels == {1: "Да", 2: "Нет", 99: "Нет\nответа"}
        assert back.codebook["q1"].question == "Скажите?"
        assert back.codebook.sets["m"] == replace(SETS["m"], counted=1)
        assert back.codes["m_97"].tolist() == pytest.approx([0, 1, 0, np.nan], nan_ok=True)
        assert back.codes["q1_2_1"].tolist() == pytest.approx(CODES["first"].tolist(), nan_ok=True)
        assert back.codes["formula"].tolist() == ["'=1+1", "''=x", "-5", "'@a"]

    def test_a_label_corrected_in_the_file_holds(self, tmp_path):
        file = tmp_path / "poll.sss"
        write_file(file, CODES, BOOK)
        file.write_text(file.read_text().replace(">Web<", ">Internet<"))
        assert read_file(file).codebook["m_2"].label == "Internet"
        assert read_file(file).codebook["q1"].missing == VARIABLES["q1"].missing

    def test_no_cell_is_a_formula(self, tmp_path):
        words = ["=1+1", "+cmd", "@x", "\tx", "-x", "'=1", "plain", "-5"]
        codes = pd.DataFrame({"a": pd.Series(words, dtype="str"), "b": pd.Series(words, dtype="str")})
        book = Codebook({"b": Variable("b", labels={w: f"label {i}" for i, w in enumerate(words)})})
        file = tmp_path / "poll.sss"
        write_file(file, codes, book)
        cells = pd.read_csv(tmp_path / "poll.csv", dtype="str")
        assert not cells.map(lambda t: bool(re.match(r"(?s)[=+\-@\t\r]", t)) and t != "-5").to_numpy().any()
        pd.testing.assert_frame_equal(read_file(file).codes, codes)

    @pytest.mark.parametrize("rows", [0, 1])
    def test_few_rows(self, tmp_path, rows):
        file = tmp_path / "poll.sss"
        codes = CODES.iloc[:rows]
        write_file(file, codes, BOOK)
        pd.testing.assert_frame_equal(read_file(file).codes, codes)
        assert read_file(file).codebook == BOOK

    def test_types_that_widen(self, tmp_path):
        codes = pd.DataFrame(
            {
                "i": np.array([1, 2], dtype="int8"),
                "f": np.array([0.1, 2], dtype="float32"),
                "n": pd.array([1, None], dtype="Int64"),
                "b": pd.array([True, None], dtype="boolean"),
                "o": pd.Series(["x", None], dtype="object"),
                "d": pd.Series([None, None], dtype="float64"),
            },
            index=[7, 9],
        )
        file = tmp_path / "poll.sss"
        write_file(file, codes, Codebook())
        back = read_file(file).codes
        assert back.dtypes.astype(str).tolist() == ["int64", "float64", "float64", "float64", "str", "float64"]
        assert back["f"].tolist() == [float(np.float32(0.1)), 2.0]
        assert back["n"].tolist() == pytest.approx([1, np.nan], nan_ok=True)
        assert list(back.index) == [0, 1]


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8), st.text("\t\r\n <>&'\"]?;,=+-@", max_size=6)
)
CELLS = TEXTS.filter(lambda t: "\0" not in t)
NUMBERS = st.floats(allow_nan=True, allow_infinity=False)
RULES = st.one_of(
    st.none(), st.builds(MissingRule, st.lists(st.integers(-99, 99), max_size=3).map(tuple), st.just(((-9.0, -1.0),)))
)


@st.composite
def columns(draw, rows: int):
    """(column, labels)"""
    kind = draw(st.sampled_from(["int", "codes", "mark", "float", "text", "category", "bool", "date", "moment"]))
    size = {"min_size": rows, "max_size": rows}
    if kind in ("int", "codes", "mark"):
        numbers = st.integers(*{"int": (-(2**63), 2**63 - 1), "codes": (-1, 12), "mark": (0, 1)}[kind])
        column = pd.Series(draw(st.lists(numbers, **size)), dtype="int64")
        if kind != "int" and draw(st.booleans()):
            column = column.astype("float64").where(pd.Series(draw(st.lists(st.booleans(), **size)), dtype=bool))
        return column, draw(st.dictionaries(st.integers(-2, 13), TEXTS, max_size=4))
    if kind == "float":
        return pd.Series(draw(st.lists(NUMBERS, **size)), dtype="float64"), draw(
            st.dictionaries(st.integers(0, 3), TEXTS)
        )
    if kind in ("text", "category"):
        words = draw(st.lists(CELLS, min_size=1, max_size=4))
        cells = st.one_of(st.none(), st.sampled_from(words) if kind == "category" else CELLS)
        column = pd.Series(draw(st.lists(cells, **size)), dtype="str")
        return column, {w: draw(TEXTS) for w in words} if kind == "category" else {}
    if kind == "bool":
        return pd.Series(draw(st.lists(st.booleans(), **size)), dtype="bool"), {}
    days = st.dates() if kind == "date" else st.datetimes()
    stamps = draw(st.lists(st.one_of(st.none(), days), **size))
    return pd.Series(pd.to_datetime(pd.Series(stamps, dtype="object"))).astype("datetime64[us]"), {}


@st.composite
def surveys(draw):
    rows = draw(st.integers(0, 4))
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    codes, variables = {}, {}
    for name in names:
        codes[name], labels = draw(columns(rows))
        variables[name] = Variable(
            name,
            draw(TEXTS),
            labels,
            draw(RULES),
            draw(TEXTS),
            draw(st.sampled_from(["nominal", "ordinal", "scale", "unknown"])),
            draw(st.sampled_from(["", "F8.2", "TIME8", "A3"])),
            draw(st.one_of(st.none(), st.integers(1, 99))),
            draw(TEXTS),
            draw(st.sampled_from(["", "left"])),
            draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
            draw(TEXTS),
        )
    sets = {}
    for name in draw(st.lists(st.one_of(NAMES, st.sampled_from(names)), max_size=2, unique=True)):
        members = tuple(draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True)))
        counted = draw(st.sampled_from([None, 1, 2, "a"]))
        sets[name] = MultipleResponse(name, members, counted, draw(TEXTS), draw(TEXTS))
    numeric = [n for n in names if pd.api.types.is_numeric_dtype(codes[n].dtype)]
    weight = draw(st.sampled_from([None, *numeric]))
    book = Codebook(variables, sets, draw(TEXTS), tuple(draw(st.lists(TEXTS, max_size=2))), weight, "utf-8")
    return pd.DataFrame(codes, index=pd.RangeIndex(rows)), book


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(surveys())
def test_any_survey_comes_back_as_it_was(tmp_path, survey):
    codes, book = survey
    file = tmp_path / "poll.sss"
    write_file(file, codes, book)
    back = read_file(file)
    pd.testing.assert_frame_equal(back.codes, codes)
    assert back.codebook == book


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.none(), st.lists(st.integers(0, 1), min_size=3, max_size=3)), max_size=5),
    st.lists(st.lists(st.one_of(st.none(), st.integers(1, 120)), min_size=2, max_size=2), max_size=5),
)
def test_sets_become_multiples_and_come_back(tmp_path, marks, issues):
    rows = min(len(marks), len(issues))
    marked = pd.DataFrame([m or [None] * 3 for m in marks[:rows]], columns=["a", "b_2", "b_7"], dtype="float64")
    coded = pd.DataFrame(issues[:rows], columns=["x", "y"], dtype="float64")
    codes = pd.concat([marked, coded], axis=1)[["b_7", "x", "a", "y", "b_2"]]
    labels = {1: "one", 7: "seven"}
    variables = {n: Variable(n, f"label of {n}", labels if n in "xy" else {}) for n in codes}
    sets = {
        "b": MultipleResponse("b", ("b_2", "b_7"), 1, "B"),
        "coded": MultipleResponse("coded", ("x", "y"), None, "C", "Which?"),
    }
    book = Codebook(variables, sets, encoding="utf-8")
    file = tmp_path / "poll.sss"
    write_file(file, codes, book)
    assert file.read_text().count('type="multiple"') == 2
    back = read_file(file)
    pd.testing.assert_frame_equal(back.codes, codes)
    assert back.codebook == book


class TestWriting:
    def refuse(self, folder: Path, column: object, words: str) -> None:
        with pytest.raises(OutputError) as error:
            write_file(folder / "poll.sss", pd.DataFrame({"q": column}), Codebook())
        assert str(error.value) == f"poll.sss: {words}"
        assert not list(folder.iterdir())

    def test_what_cannot_be_written(self, tmp_path):
        stamps = pd.to_datetime(["2024-01-01"]).tz_localize("UTC")
        self.refuse(
            tmp_path, [1.0, math.inf], "variable 'q' holds an infinite value in row 2. Make it missing or correct it."
        )
        self.refuse(tmp_path, ["a\0b"], "variable 'q' holds a NUL character in row 1. Remove it.")
        self.refuse(
            tmp_path,
            [1 + 2j],
            "variable 'q' has type complex128, which Triple-S does not hold. "
            "Convert it to numbers, text or dates first.",
        )
        self.refuse(
            tmp_path,
            pd.Categorical(["a"]),
            "variable 'q' holds categories; write the codes and put the labels into the codebook.",
        )
        self.refuse(
            tmp_path,
            stamps,
            "variable 'q' holds dates with a time zone, which Triple-S does not hold. Use .dt.tz_localize(None) first.",
        )
        self.refuse(
            tmp_path,
            np.array([1, 2**63], dtype="uint64"),
            "variable 'q' holds an integer beyond 2^63 in row 2. Make it text.",
        )
        self.refuse(
            tmp_path, ["x" * 200_000], "variable 'q' holds a text of more than 131,070 characters in row 1. Shorten it."
        )
        self.refuse(
            tmp_path, ["a", 1], "column 'q' mixes values of type int, str. Convert it to numbers, text or dates first."
        )
        with pytest.raises(OutputError, match="there are no columns to write"):
            write_file(tmp_path / "poll.sss", pd.DataFrame(), Codebook())
        with pytest.raises(OutputError, match="holds half a character .a lone surrogate. in row 1. Correct the text."):
            write_file(tmp_path / "poll.sss", pd.DataFrame({"q": ["\ud800"]}, dtype="object"), Codebook())
        with pytest.raises(OutputError, match="the weight variable 'city' holds no numbers. Name a numeric one."):
            write_file(tmp_path / "poll.sss", CODES, replace(BOOK, weight="city"))
        assert not list(tmp_path.iterdir())

    def test_a_long_text_is_read_back(self, tmp_path):
        codes = pd.DataFrame({"q": pd.Series(["x" * 131_070, None], dtype="str")})
        write_file(tmp_path / "poll.sss", codes, Codebook())
        pd.testing.assert_frame_equal(read_file(tmp_path / "poll.sss").codes, codes)

    def test_sets_without_their_columns_are_told(self, tmp_path):
        notices = write_file(tmp_path / "poll.sss", CODES[["q1", "w"]], BOOK)
        assert [(n.kind, n.text) for n in notices] == [
            (
                "lost",
                "Triple-S files do not hold multiple-response sets whose columns are not in the data: m, q1, low, again. "
                "Add the columns, or drop the sets.",
            )
        ]

    def test_somebody_elses_csv_is_not_replaced(self, tmp_path):
        other = tmp_path / "poll.csv"
        other.write_text("mine")
        with pytest.raises(OutputError) as error:
            write_file(tmp_path / "poll.sss", CODES, BOOK)
        assert str(error.value) == (
            "poll.sss keeps its data in poll.csv, and there is a file of that name already. "
            "Move poll.csv away, or write under another name."
        )
        old(tmp_path)
        with pytest.raises(OutputError, match="poll.csv is not the data file of the poll.sss that is there"):
            write_file(tmp_path / "poll.sss", CODES, BOOK)
        (tmp_path / "poll.sss").write_text("broken")
        with pytest.raises(OutputError, match="poll.csv is not the data file of the poll.sss that is there"):
            write_file(tmp_path / "poll.sss", CODES, BOOK)
        assert other.read_text() == "mine"

    def test_the_old_pair_is_replaced(self, tmp_path):
        write_file(tmp_path / "poll.sss", CODES, BOOK)
        write_file(tmp_path / "poll.sss", CODES[["q1"]], Codebook())
        assert list(read_file(tmp_path / "poll.sss").codes) == ["q1"]
        assert sorted(p.name for p in tmp_path.iterdir()) == ["poll.csv", "poll.sss"]

    @pytest.mark.parametrize("before", [True, False])
    @pytest.mark.parametrize("fails", ["poll.csv", "poll.sss"])
    def test_a_failure_leaves_the_old_pair(self, tmp_path, monkeypatch, before, fails):
        file = tmp_path / "poll.sss"
        if before:
            write_file(file, CODES, BOOK)
        kept = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        rename = os.replace

        def failing(source, target):
            if Path(target).name == fails and ".new-" in str(source):
                raise OSError(28, "No space left on device")
            rename(source, target)

        monkeypatch.setattr("survey_kit.io.atomic.os.replace", failing)
        with pytest.raises(
            OutputError, match=f"{fails} cannot be written: No space left on device. What was there is unchanged."
        ):
            write_file(file, CODES[["q1"]], Codebook())
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == kept

    def test_a_pair_torn_apart_is_refused(self, tmp_path):
        file = tmp_path / "poll.sss"
        write_file(file, CODES, BOOK)
        before = file.read_bytes()
        write_file(file, CODES[["q1"]], Codebook())
        file.write_bytes(before)
        with pytest.raises(DamagedFileError) as error:
            read_file(file)
        assert str(error.value) == (
            "poll.csv has other columns than poll.sss tells of: they were not written together. Was writing interrupted? "
            "Write the survey again."
        )

    def test_data_changed_by_hand_are_read_and_told(self, tmp_path):
        file = tmp_path / "poll.sss"
        write_file(file, CODES, BOOK)
        data = tmp_path / "poll.csv"
        data.write_text(data.read_text().replace(",1.5,", ",2.5,"))
        contents = read_file(file)
        assert contents.codes["w"].tolist() == [0.5, 2.5, 1.0, 1.0]
        assert said(contents, "changed") == [
            "poll.csv was changed after survey_kit had written it with poll.sss; it was read as it is."
        ]

    def test_a_type_that_no_longer_fits_is_told(self, tmp_path):
        file = tmp_path / "poll.sss"
        write_file(file, CODES, BOOK)
        data = tmp_path / "poll.csv"
        data.write_text(data.read_text().replace("2001-01-01T00:00:00.000000", "later"))
        contents = read_file(file)
        assert contents.codes["moment"].tolist()[2:] == ["later", "later"]
        assert said(contents, "mixed") == ["'moment' is kept as text: not of its type in rows 3, 4."]


class TestNamesAndLeftovers:
    def test_column_names_run_no_formula(self, tmp_path):
        file = tmp_path / "poll.sss"
        codes = pd.DataFrame({"=1+1": [1], "'@x": [2]})
        notices = write_file(file, codes, Codebook())
        assert (tmp_path / "poll.csv").read_text().splitlines()[0] == '"\'=1+1","\'\'@x"'
        assert [n.text for n in notices] == [
            "Column names that a spreadsheet would run as a formula were given a leading quote: =1+1, '@x."
        ]
        pd.testing.assert_frame_equal(read_file(file).codes, codes)
        data = tmp_path / "poll.csv"
        data.write_bytes(data.read_bytes().replace(b"1,2\r\n", b"3,4\r\n"))
        assert said(read_file(file), "changed") and read_file(file).codes["=1+1"].tolist() == [3]

    def test_the_next_save_removes_what_a_killed_one_left(self, tmp_path):
        file, codes = tmp_path / "poll.sss", pd.DataFrame({"q": [1]})
        write_file(file, codes, Codebook())
        killed = (
            "import os, sys; from pathlib import Path; from survey_kit.io.triples.write import _restoring\n"
            "with _restoring(Path(sys.argv[1])): os._exit(9)"
        )
        subprocess.run([sys.executable, "-c", killed, str(tmp_path / "poll.csv")], check=False)
        assert len(list(tmp_path.iterdir())) == 3
        write_file(file, codes, Codebook())
        assert sorted(f.name for f in tmp_path.iterdir()) == ["poll.csv", "poll.sss"]

    def test_cells_are_checked_once_a_field(self, tmp_path, monkeypatch):
        values = "".join(f'<value code="{i}">a{i}</value>' for i in range(1, 31))
        field = variable("multiple", 'start="1" finish="30"', f"<values>{values}</values>")
        file = put(tmp_path, small(field), "10" * 15 + "\n" + "01" * 15 + "\n")
        calls = []
        whole = values_module._any
        monkeypatch.setattr(values_module, "_any", lambda where: calls.append(1) or whole(where))
        contents = read_file(file)
        assert contents.codes.shape == (2, 30) and contents.codes["q_30"].tolist() == [0, 1]
        assert contents.codebook["q_30"].label == "a30" and len(calls) == 1

    def test_columns_of_fields_in_any_order(self, tmp_path):
        first, second = (
            variable(
                "multiple",
                f'start="{at}" finish="{at + 1}"',
                '<values><value code="1">a</value><value code="2">b</value></values>',
                name,
            )
            for at, name in ((1, "q"), (3, "r"))
        )
        file = put(tmp_path, small(first + second.replace('ident="1"', 'ident="2"')), "1001\n")
        assert read_file(file, columns=["r_2", "q_1", "r_1", "q_2"]).codes.iloc[0].to_dict() == {
            "r_2": 1,
            "q_1": 1,
            "r_1": 0,
            "q_2": 0,
        }
