"""The shared reference answers: reading entries, building the same survey, comparing numbers by its rule."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import survey_kit as sk
from survey_kit.codebook import Codebook, MissingRule, Variable

SHARED = Path(__file__).resolve().parents[3] / "shared"
OPEN = SHARED / "reference" / "open"
DATA = SHARED / "data" / "r"

needs_shared = pytest.mark.skipif(not OPEN.exists(), reason="the shared reference answers are not on this machine")


def entries(family: str) -> list[dict]:
    """The entries of a family; empty where the reference is absent."""
    path = OPEN / f"{family}.json"
    return json.loads(path.read_text())["entries"] if path.exists() else []


@functools.cache
def dataset(name: str) -> tuple[pd.DataFrame, Codebook]:
    """A reference dataset as codes and codebook, factor levels in R's order."""
    schema = json.loads((DATA / "schema" / f"{name}.json").read_text())["columns"]
    frame = pd.read_csv(
        DATA / f"{name}.csv",
        keep_default_na=False,
        na_values=["", "NA"],
        dtype={c: "str" for c, s in schema.items() if s["type"] in ("factor", "string")},
        low_memory=False,
    )
    variables = {}
    for column in frame.columns:
        spec = schema.get(column, {"type": "float"})
        if spec["type"] == "factor":
            levels = {level: i + 1 for i, level in enumerate(spec["levels"])}
            frame[column] = frame[column].map(levels).astype(float)
            labels = {float(i): level for level, i in levels.items()}
            variables[column] = Variable(column, labels=labels, measure="nominal", missing=MissingRule())
        elif spec["type"] == "string":
            variables[column] = Variable(column, measure="nominal")
        else:
            frame[column] = frame[column].astype(float)
            variables[column] = Variable(column, measure="scale", missing=MissingRule())
    return frame, Codebook(variables)


def survey_for(entry: dict) -> sk.Survey:
    """The survey an entry was computed on, domain included."""
    design = entry["design"]
    codes, codebook = dataset(design["dataset"])
    if design.get("row_filter_python"):
        codes = codes[labelled(codes, codebook).eval(design["row_filter_python"], engine="python")]
        codes = codes.reset_index(drop=True)
    poll = sk.from_frame(codes, codebook)
    poll = _replicate_design(poll, design) if design["kind"] == "replicate" else _taylor_design(poll, design)
    return poll.where(design["subset_python"]) if design.get("subset_python") else poll


def labelled(codes: pd.DataFrame, codebook: Codebook) -> pd.DataFrame:
    """Factor columns as text, for pandas expressions."""
    out = codes.copy()
    for name in codes:
        if codebook[name].labels:
            out[name] = codes[name].map(codebook[name].labels)
    return out


def _taylor_design(poll: sk.Survey, design: dict) -> sk.Survey:
    return poll.with_design(
        weight=design["weights"],
        strata=design["strata"],
        psu=tuple(design["ids"]) if design["ids"] else None,
        fpc=tuple(design["fpc"]) if design["fpc"] else None,
        lonely_psu=design["lonely_psu"],
    )


def _replicate_design(poll: sk.Survey, design: dict) -> sk.Survey:
    if design.get("repweights_file") is None:
        pytest.skip("replicate weights by column pattern are not needed here")
    extra = pd.read_csv(DATA / design["repweights_file"])
    columns = [c for c in extra.columns if c not in poll.codes]
    codes = pd.concat([poll.codes, extra[columns]], axis=1)
    codebook = poll.codebook
    for column in columns:
        codebook = codebook.with_variable(Variable(column, measure="scale"))
    method = {"JK1": "JK1", "JKn": "JKn", "BRR": "BRR", "Fay": "Fay"}.get(design["rep_type"], "bootstrap")
    return sk.from_frame(codes, codebook).with_replicates(
        weights=columns,
        method=method,
        weight=design["weights"],
        scale=design["scale"],
        rscales=design["rscales"],
        mse=design["mse"],
        combined=design["combined_weights"],
    )


def terms(formula: str) -> list[str]:
    """Terms of a one-sided R formula: '~a+b' -> ['a', 'b']."""
    return [t.strip() for t in formula.lstrip("~").split("+")]


def with_expressions(poll: sk.Survey, names: list[str]) -> tuple[sk.Survey, list[str]]:
    """Columns for the R expressions among the terms: interaction(a,b), I(a-b), I(a>b)."""
    done = []
    for term in names:
        crossed = re.fullmatch(r"interaction\((\w+),\s*(\w+)\)", term)
        expression = re.fullmatch(r"I\((.+)\)", term)
        if crossed:
            # R varies the first factor fastest
            poll = poll.recode(interaction=sk.cross(crossed[2], crossed[1]))
            done.append("interaction")
        elif expression:
            name = f"term{len(done)}"
            values = labelled(poll.codes, poll.codebook).eval(expression[1].replace("&", " and "), engine="python")
            poll = poll.with_column(values.astype(float), Variable(name, measure="scale", missing=MissingRule()))
            done.append(name)
        else:
            done.append(term)
    return poll, done


def assert_close(actual, expected, rel_tol: float = 1e-8, what: str = "") -> None:
    """|x - ref| <= rel_tol * max(|ref|, largest |ref| in the array * 1e-6), the reference's rule."""
    expected = expected.tolist() if hasattr(expected, "tolist") else expected
    x, ref = np.asarray(actual, dtype=float), np.asarray(_numbers(expected), dtype=float)
    assert x.shape == ref.shape, f"{what}: shape {x.shape} against {ref.shape}"
    assert (np.isnan(x) == np.isnan(ref)).all(), f"{what}: missing values differ: {x} against {ref}"
    largest = np.nanmax(np.abs(ref), initial=0.0)
    bound = np.maximum(rel_tol * np.maximum(np.abs(ref), largest * 1e-6), 1e-10 * (np.abs(ref) < 1e-10))
    worst = np.nanmax(np.abs(x - ref) - bound, initial=-1)
    assert worst <= 0, f"{what}: off by {np.nanmax(np.abs(x - ref))}: {x} against {ref}"


def _numbers(value):
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    if isinstance(value, dict):
        return [_numbers(v) for v in value.values()]
    return np.nan if value is None else float(value)
