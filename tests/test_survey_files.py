"""Files through the front door: what `read` and `save` say aloud, reasons of missing values, declarations."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.errors import SurveyWarning, UndeclaredMissingError, UnknownNameError
from survey_kit.io import write_file

CODES = pd.DataFrame({"q": [1.0, 2.0, 98.0, 99.0, np.nan, 97.0], "t": pd.Series(list("abcabc"), dtype="str")})
LABELS = {1.0: "Yes", 2.0: "No", 98.0: "Don't know", 99.0: "Refused"}


@pytest.fixture
def file(tmp_path):
    write_file(tmp_path / "poll.sav", CODES, Codebook({"q": Variable("q", labels=LABELS)}))
    return tmp_path / "poll.sav"


def test_reading_says_its_doubts_once_and_keeps_them(file):
    with pytest.warns(SurveyWarning) as caught:
        poll = sk.read(file)
    (warning,) = caught
    assert warning.filename == __file__
    assert "poll.declare_missing({'q': [98, 99]})" in str(warning.message)
    assert [n.kind for n in poll.notices] == ["undeclared_missing"]


def test_the_line_it_names_declares_them_and_silences_it(file):
    with pytest.warns(SurveyWarning):
        poll = sk.read(file)
    with pytest.raises(UndeclaredMissingError, match="98"):
        sk.mean(poll, "q")
    assert poll.undeclared() == {"q": [98.0, 99.0]}
    declared = poll.declare_missing(poll.undeclared())
    assert declared.undeclared() == {}
    assert declared.notices == ()
    assert declared.codebook["q"].missing == MissingRule((98.0, 99.0))
    assert poll.codebook["q"].missing is None
    assert poll.declare_missing("q").undeclared() == {}


def test_nothing_is_said_where_nothing_is_wrong(tmp_path):
    write_file(tmp_path / "poll.sav", CODES[["t"]], Codebook())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        poll = sk.read(tmp_path / "poll.sav")
        poll.save(tmp_path / "again.sav")
    assert poll.notices == ()


def test_saving_says_in_one_warning_what_is_lost(file, tmp_path):
    with pytest.warns(SurveyWarning):
        poll = sk.read(file)
    with pytest.warns(SurveyWarning, match="A text file does not hold labels and missing rules of 1 columns") as caught:
        lost = poll.save(tmp_path / "poll.csv")
    (warning,) = caught
    assert warning.filename == __file__
    assert [n.text for n in lost] == [str(warning.message)]


class TestReasons:
    @pytest.fixture
    def poll(self):
        book = Codebook(
            {"q": Variable("q", labels=LABELS, missing=MissingRule((98.0, 99.0, 97.0))), "t": Variable("t")}
        )
        return sk.from_frame(CODES, book)

    def test_each_row_has_its_reason(self, poll):
        reasons = poll.missing("q")
        assert reasons.tolist() == [np.nan, np.nan, "Don't know", "Refused", "system-missing", "97"]
        assert list(reasons.cat.categories) == ["Don't know", "Refused", "97", "system-missing"]
        assert reasons.name == "q"

    def test_they_can_be_counted(self, poll):
        assert poll.missing("q").value_counts(sort=False).to_dict() == {
            "Don't know": 1,
            "Refused": 1,
            "97": 1,
            "system-missing": 1,
        }

    def test_within_a_domain(self, poll):
        assert poll.where("t == 'a'").missing("q").tolist() == [np.nan, "Refused"]

    def test_text_and_unknown_columns(self, poll):
        assert poll.missing("t").isna().all()
        book = Codebook({"t": Variable("t", missing=MissingRule(("a",)))})
        texts = pd.DataFrame({"t": pd.Series(["a", None, "b"], dtype="str")})
        assert sk.from_frame(texts, book).missing("t").tolist() == ["a", "system-missing", np.nan]
        with pytest.raises(UnknownNameError, match="No column 'qq'. Did you mean 'q'"):
            poll.missing("qq")


class TestDeclarations:
    @pytest.fixture
    def poll(self):
        return sk.from_frame(
            CODES, Codebook({"q": Variable("q", labels=LABELS, missing=MissingRule((98.0,))), "t": Variable("t")})
        )

    def test_codes_join_those_that_are_missing_already(self, poll):
        assert poll.declare_missing("q", [99])["q"].missing == MissingRule((98.0, 99))
        assert poll.declare_missing({"q": ["Refused"]})["q"].missing == MissingRule((98.0, 99.0))

    def test_none_lifts_the_rule(self, poll):
        lifted = poll.declare_missing("q")
        assert lifted["q"].missing == MissingRule()
        assert lifted.undeclared() == {}
        assert lifted.declare_missing({"q": []})["q"].missing == MissingRule()

    def test_a_mapping_takes_no_values_beside_it(self, poll):
        with pytest.raises(sk.errors.ArgumentError, match="values and ranges are for one column"):
            poll.declare_missing({"q": [99]}, values=[97])


def test_an_option_that_does_not_exist_is_named_with_the_nearest(file):
    with pytest.raises(UnknownNameError, match="No option of read 'colums'. Did you mean 'columns'"):
        sk.read(file, colums=["q"])
    poll = sk.from_frame(CODES)
    with pytest.raises(UnknownNameError, match="No field of a codebook entry 'lables'. Did you mean 'labels'"):
        poll.relabel("q", lables={1: "Yes"})


def test_a_declared_weight_is_said_aloud_only_where_it_is_odd(tmp_path):
    for values, loud in (([1.0, 2.0], False), ([1.0, -2.0], True)):
        write_file(tmp_path / "poll.sav", pd.DataFrame({"w": values}), Codebook({"w": Variable("w")}, weight="w"))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sk.read(tmp_path / "poll.sav")
        assert [("1 negative" in str(w.message)) for w in caught] == ([True] if loud else [])


def test_a_label_that_reads_system_missing():
    book = Codebook({"q": Variable("q", labels={9.0: "system-missing"}, missing=MissingRule((9.0,)))})
    poll = sk.from_frame(pd.DataFrame({"q": [9.0, np.nan]}), book)
    assert poll.missing("q").tolist() == ["system-missing", "system-missing*"]


def test_codes_that_are_written_alike_stay_apart():
    book = Codebook({"q": Variable("q", labels={1: "Yes", "1": "Yes"})})
    assert sk.from_frame(pd.DataFrame({"q": [1.0, 1.0]}), book).data["q"].cat.categories.tolist() == [
        "Yes [1] (1)",
        "Yes [1] (2)",
    ]


def test_an_empty_label_shows_the_code():
    book = Codebook({"q": Variable("q", labels={1.0: "", 2.0: "", 3.0: "Yes"})})
    poll = sk.from_frame(pd.DataFrame({"q": [1.0, 2.0, 3.0]}), book)
    assert poll.data["q"].cat.categories.tolist() == ["1", "2", "Yes"]
    assert sk.proportion(poll, "q").frame()["answer"].tolist() == ["1", "2", "Yes"]


def test_the_weight_in_force_is_declared_in_the_file_and_unweighted_results_say_so(tmp_path):
    poll = sk.from_frame(pd.DataFrame({"sex": ["m", "f", "f"] * 10, "y": range(30)}))
    poll.rake({"sex": {"m": 0.5, "f": 0.5}}).save(tmp_path / "weighted.sav")
    back = sk.read(tmp_path / "weighted.sav")
    assert back.codebook.weight == "weight"
    assert "the file's weight 'weight' is not in use" in repr(back)
    (told,) = (n.text for n in sk.mean(back, "y").notices if n.kind == "unused_weight")
    assert told.startswith("Unweighted: the weight of the file, 'weight', is not in use.")
    used = back.with_design(weight="weight")
    assert "not in use" not in repr(used)
    assert not [n for n in sk.mean(used, "y").notices if n.kind == "unused_weight"]
