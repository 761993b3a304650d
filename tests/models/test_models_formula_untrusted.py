"""A formula is text from a study file: nothing in it may run, hang or take the memory; refusals say what is allowed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.errors import ArgumentError, InputError


@pytest.fixture(scope="module")
def poll():
    i = np.arange(60)
    return sk.from_frame(
        pd.DataFrame(
            {
                "y": (i * 7 % 11).astype(float),
                "x": (i * 5 % 13).astype(float),
                "z": 1.0 + i % 9,
                "g": pd.Categorical(np.array(["a", "b", "c"])[i % 3]),
                "my column": (i * 3 % 10).astype(float),
                "возраст": 18.0 + i,
                "v0_": (i % 4).astype(float),
                "log": (i % 5).astype(float) + 1,
            }
        )
    )


CODE = [
    "y ~ x.__class__",
    "y ~ x.real",
    "y ~ `x`.real",
    "y ~ x[0]",
    "y ~ {x}",
    "y ~ [i for i in x]",
    "y ~ (lambda: x)()",
    "y ~ __import__('os').system('true')",
    "y ~ I(__import__('os').getpid())",
    "y ~ np.log(z)",
    "y ~ pd.read_csv('x')",
    "y ~ contr.treatment(g)",
    "y ~ Q('x')",
    "y ~ hashed(g)",
    "y ~ lag(x)",
    "y ~ eval('x')",
    "y ~ open('x')",
    "y ~ I(x if x else z)",
    "y ~ I((x := 1))",
    "y ~ f'{x}'",
    "y ~ x@z",
    "y ~ x %in% g",
    "y ~ C(log(x))",
    "y ~ C(g, levels='a')",
    "y ~ I(x & 1)",
    "y ~ .",
    "log(y) ~ x",
    "y.real ~ x",
    "__import__('os').getpid() ~ x",
]


@pytest.mark.parametrize("formula", CODE)
def test_code_is_refused(poll, formula):
    with pytest.raises(InputError) as caught:
        sk.glm(poll, formula)
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("y ~ I(x^2)", r"Powers are written \*\*, as in I\(x\*\*2\)\."),
        ("y ~ np.log(z)", r"Function 'np\.log' in the formula is not allowed\. There are: log, log10"),
        ("y ~ I(x.real)", r"'I\(x\.real\)' in the formula is not allowed\. There are: columns, numbers"),
        ("y ~ x ~ z", r"needs one '~', as in 'oppose ~ age \+ C\(region\)'"),
        ("~ x", r"needs something on both sides of '~'"),
        ("y ~ I(x ** z)", r"a power that is no number up to 10"),
        ("y ~ log(g)", r"uses the categories of 'g' as a number\. Write g alone"),
        ("y ~ x + offset(z", r"offset\( in formula .* is not closed"),
        ("y ~ x - offset(z)", r"must be added with '\+'"),
        ("y ~ C(g, ref='q')", r"No category of g 'q'\. There are: a, b, c\."),
    ],
)
def test_refusals_say_what_and_what_next(poll, formula, sentence):
    with pytest.raises(InputError, match=sentence):
        sk.glm(poll, formula)


def test_not_a_text(poll):
    for formula in (None, 3, ["y ~ x"], "y ~ x" + " + x" * 2000):
        with pytest.raises(ArgumentError, match="A formula is a text of at most"):
            sk.glm(poll, formula)


def test_names_that_are_functions_or_need_quotes(poll):
    fit = sk.glm(poll, "y ~ `my column` + возраст + v0_ + log + log(log) + log(`my column` + 1)")
    terms = fit.coef.keys["term"].tolist()
    assert terms == ["Intercept", "my column", "возраст", "v0_", "log", "log(log)", "log(my column + 1)"]


def test_labels_with_the_marks_of_formulas():
    i = np.arange(60)
    labels = np.array(["A: x]", "B[T.1]:c", "C'\"~ __import__('os')"])
    frame = pd.DataFrame(
        {"y": (i * 7 % 11).astype(float), "k": pd.Categorical(labels[i % 3]), "z": (i * 5 % 13).astype(float)}
    )
    fit = sk.glm(sk.from_frame(frame), "y ~ k * z")
    keys = fit.coef.keys
    assert keys.loc[keys["variable"] == "k", "answer"].tolist() == ["B[T.1]:c", "C'\"~ __import__('os')"]
    assert keys.loc[keys["variable"] == "k:z", "answer"].tolist() == ["B[T.1]:c", "C'\"~ __import__('os')"]


BOMBS = {
    "tower of powers": "y ~ I(" + "(" * 12 + "9" + "**10)" * 12 + "*x)",
    "power of a sum": "y ~ (x + z + g + v0_ + возраст) ** 60",
    "power of a term": "y ~ x ** 99999999",
    "product of many": "y ~ " + " * ".join(f"I(x + {k})" for k in range(22)),
    "spline of many": "y ~ bs(z, df=200000000)",
    "polynomial of many": "y ~ poly(z, 5000)",
    "large whole number": "y ~ I(10000000000000000000000000000000000000000 ** 10 * x)",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name):
    """In a process of its own, with little memory and a time limit, since the point is that it does not hang."""
    code = f"""
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
        import numpy as np, pandas as pd, survey_kit as sk
        from survey_kit.errors import ArgumentError
        i = np.arange(60.0)
        frame = pd.DataFrame({{"y": i % 7, "x": i % 5, "z": i % 9, "v0_": i % 4, "возраст": i, "g": i % 3}})
        try:
            sk.glm(sk.from_frame(frame), {BOMBS[name]!r})
        except ArgumentError:
            print("refused")
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            capture_output=True, text=True, timeout=8, check=False, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.fail("it hangs")
    assert done.stdout.strip() == "refused", done.stderr[-300:]


@pytest.mark.parametrize("formula", ["y ~ x | z", "y ~ 0", "y ~ log('a')"])
def test_odd_formulas_raise_our_errors(poll, formula):
    with pytest.raises(InputError):
        sk.glm(poll, formula)
