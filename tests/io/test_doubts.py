"""What is said of a file that was read: labels like "don't know", personal data, rounded ids."""

from __future__ import annotations

import pandas as pd
import pytest

from survey_kit.codebook import Codebook, MissingRule, Variable
from survey_kit.io.doubts import doubts
from survey_kit.io.personal import personal_data
from survey_kit.nonresponse import looks_like_nonresponse


def said(labels, missing=None):
    book = Codebook({"q": Variable("q", labels=labels, missing=missing)})
    return [n.text for n in doubts(pd.DataFrame({"q": [1.0]}), book) if n.kind == "undeclared_missing"]


def test_the_line_that_declares_them():
    (text,) = said({1.0: "Yes", 2.0: "No", 98.0: "Don't know", 99.0: "Refused"})
    assert text == (
        "Labelled like 'don't know' or 'refused' but not declared missing: q (98, 99). They count as answers, and a mean of "
        "them is refused. Declare them: poll = poll.declare_missing({'q': [98, 99]})."
    )
    assert said({1.0: "Yes", 98.0: "Don't know"}, MissingRule((98.0,))) == []
    assert said({1.0: "Yes", 98.0: "Don't know"}, MissingRule()) == []


def test_many_variables_have_one_line_too():
    book = Codebook({f"q{i}": Variable(f"q{i}", labels={1.0: "Yes", 9.0: "DK"}) for i in range(30)})
    (notice,) = doubts(pd.DataFrame({f"q{i}": [1.0] for i in range(30)}), book)
    assert "q0 (9), q1 (9)" in notice.text and "and 22 more" in notice.text
    assert notice.text.endswith("poll = poll.declare_missing(poll.undeclared()).")


@pytest.mark.parametrize(
    "labels, found",
    [
        ({1: "Yes", 2: "No", -7: "Split sample"}, [-7]),
        ({-8: "Version B", -9: "Lost", 0: "None", 1: "Some"}, [-8, -9]),
        ({1: "Yes", 2: "No", 97: "Version B", 99: "Lost"}, [97, 99]),
        ({1: "Yes", 2: "No", 998: "Version B"}, [998]),
        ({1: "Yes", 2: "No", 97: "Other"}, []),
        ({1: "Yes", 2: "No", 97: "Другое (запишите)"}, []),
        ({18: "Youngest", 97: "97 or more"}, []),
        ({-2: "Much worse", -1: "Worse", 0: "Same", 1: "Better", 2: "Much better"}, []),
        ({-5: "Left", 5: "Right"}, []),
        ({0: "Cold", 100: "Warm", 98: "Nearly there"}, []),
        (dict.fromkeys(range(1, 100), "Region"), []),
        ({97: "Oldest"}, []),
        ({"97": "Version B", "1": "Yes"}, []),
        ({1: "Yes", 2: "No", 8: "Version B"}, []),
    ],
)
def test_codes_that_are_set_apart_by_their_number(labels, found):
    assert looks_like_nonresponse(Variable("q", labels=labels)) == found


def frame(**columns):
    return pd.DataFrame({n: pd.Series(v, dtype="str") if isinstance(v[0], str) else v for n, v in columns.items()})


def test_personal_data_are_named_and_never_quoted():
    notice = personal_data(
        frame(
            contact=["anna@example.org", "b.b@example.kz"],
            tel=["+7 701 123 45 67", "8 (701) 765-43-21"],
            mobile_phone=[77011234567, 77017654321],
            ip=["10.0.0.1", "192.168.0.2"],
            gps_lat=[43.2567, 51.1605],
            surname=["A", "B"],
            vote=["yes", "no"],
            phone=[1, 2],
            lat=[1.0, 2.0],
        )
    )
    assert notice.text == (
        "May hold personal data: contact (e-mail addresses), tel (telephone numbers), mobile_phone (telephone numbers), "
        "ip (network addresses), gps_lat (places on a map), surname (names of people). "
        "Drop these columns before the file is passed on."
    )
    assert notice.count == 6
    assert "example" not in notice.text and "701" not in notice.text


def test_ordinary_columns_are_not_personal():
    assert (
        personal_data(frame(vote=["yes", "no"], age=[18, 90], date=["2022-12-01", "2022-12-02"], w=[0.5, 1.5])) is None
    )
    assert personal_data(pd.DataFrame({"phone": pd.Series([], dtype="str")})) is None
