"""A survey and its codebook can be pickled and copied, as processes and notebooks do."""

from __future__ import annotations

import copy
import pickle

import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable

BOOK = Codebook(
    {"q": Variable("q", "Question", {1: "Yes", 9: "DK"}, MissingRule((9,)), attributes={"a": "b"})}, title="Poll"
)


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_are_equal(again):
    poll = sk.from_frame(pd.DataFrame({"q": [1, 9, 1]}), BOOK)
    assert again(BOOK["q"]) == BOOK["q"]
    assert again(BOOK) == BOOK
    twin = again(poll)
    assert twin.codebook == poll.codebook
    assert twin.codebook.frame().equals(poll.codebook.frame())
    pd.testing.assert_frame_equal(twin.codes, poll.codes)
    with pytest.raises(TypeError):
        twin.codebook.variables["x"] = BOOK["q"]
