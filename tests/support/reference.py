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
    codes, codebook = dataset(np.atleast_1d(design["dataset"])[0])
    if design.get("row_filter_python"):
        codes = codes[labelled(codes, codebook).eval(design["row_filter_python"], engine="python")]
        codes = codes.reset_index(drop=True)
    poll = sk.from_frame(codes, codebook)
    poll = _DESIGNS[design["kind"]](poll, design)
    return poll.where(_condition(design["subset_python"])) if design.get("subset_python") else poll


def _condition(pandas_text: str) -> str:
    """A condition of pandas in the words of `where`."""
    return re.sub(r"(\w+)\.notna\(\)", r"valid(\1)", pandas_text)


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
        lonely_domain=bool(design.get("adjust_domain_lonely")) and design["lonely_psu"] in ("adjust", "average"),
    )


def _pps_design(poll: sk.Survey, design: dict) -> sk.Survey:
    """Unequal probabilities without replacement; joint probabilities come from their file."""
    joint = pd.read_csv(DATA / design["joint_file"]).to_numpy() if design.get("joint_file") else None
    squares = None
    if design.get("sum_p2_over_n"):
        assert design["sum_p2_over_n"] == "sum over population election_pop.p^2 / 40"
        squares = float((dataset("election_pop")[0]["p"] ** 2).sum() / 40)
    method = {"HR": "hartley-rao"}.get(design["pps"], design["pps"])
    pps = sk.PPS(method, joint, design.get("variance") or "HT", squares)
    return poll.with_design(fpc=design["inclusion_probability"], pps=pps)


_REP_TYPES = {"successive-difference": "SDR", "subbootstrap": "bootstrap", "mrbbootstrap": "bootstrap"}
_OWN_SCALE = ("BRR", "Fay", "JK2", "SDR", "ACS")


def _replicate_design(poll: sk.Survey, design: dict) -> sk.Survey:
    """Replicate weights from a file, from columns of the data, or built from a linearisation design."""
    if design.get("convert_from"):
        mse = "mse=TRUE" in (design.get("convert_options") or "")
        return _taylor_design(poll, design["convert_from"]).replicate(design["convert_type"], mse=mse)
    if design.get("row_filter_before_design") and not design.get("row_filter_python"):
        inside = labelled(poll.codes, poll.codebook).eval(design["row_filter_before_design"])
        poll = sk.from_frame(poll.codes[inside].reset_index(drop=True), poll.codebook)
    columns: list[str] | str = (design.get("repweight_columns_regex") or "").strip("^$")
    if not columns:
        poll, columns = _with_weights_of_file(poll, design)
    method = _REP_TYPES.get(design["rep_type"], design["rep_type"])
    own = method in _OWN_SCALE
    return poll.with_replicates(
        weights=columns,
        method=method,
        weight=design["weights"],
        rho=design.get("rho"),
        scale=None if own else design["scale"],
        rscales=None if own else design["rscales"],
        mse=bool(design.get("mse")),
        combined=bool(design.get("combined_weights")),
        degf=design.get("degf"),
    )


_DESIGNS = {"taylor": _taylor_design, "replicate": _replicate_design, "pps": _pps_design}


def _with_weights_of_file(poll: sk.Survey, design: dict) -> tuple[sk.Survey, list[str]]:
    """The survey with the columns of a replicate weight file, row by row or by key columns."""
    extra = pd.read_csv(DATA / design["repweights_file"])
    keys = design.get("repweights_merge_on") or []
    columns = [c for c in extra.columns if c not in keys]
    rows = poll.codes[keys].merge(extra, on=keys, how="left", validate="m:1") if keys else extra
    assert len(rows) == len(poll.codes) and rows[columns].notna().all(axis=None)
    if design.get("factor_transform"):
        assert design["factor_transform"] == "rho + (1-rho)*factor"
        rows = rows.assign(**{c: design["rho"] + (1 - design["rho"]) * rows[c] for c in columns})
    codes = pd.concat([poll.codes, rows[columns].set_index(poll.codes.index)], axis=1)
    codebook = poll.codebook
    for column in columns:
        codebook = codebook.with_variable(Variable(column, measure="scale"))
    return sk.from_frame(codes, codebook), columns


def terms(formula: str) -> list[str]:
    """Terms of a one-sided R formula: '~a+b' -> ['a', 'b']."""
    return [t.strip() for t in formula.lstrip("~").split("+")]


def with_expressions(poll: sk.Survey, names: list[str]) -> tuple[sk.Survey, list[str]]:
    """Columns for the R expressions among the terms: interaction(a,b), I(a-b), I(a>b), the last one as FALSE and TRUE."""
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
            logical = {"labels": {0.0: "FALSE", 1.0: "TRUE"}, "measure": "nominal"} if values.dtype == bool else {}
            variable = Variable(name, **{"measure": "scale", **logical}, missing=MissingRule())
            poll = poll.with_column(values.astype(float), variable)
            done.append(name)
        else:
            done.append(term)
    return poll, done


def assert_close(actual, expected, rel_tol: float = 1e-8, what: str = "") -> None:
    """|x - ref| <= rel_tol * max(|ref|, largest |ref| in the array * 1e-6), the reference's rule."""
    expected = expected.tolist() if hasattr(expected, "tolist") else expected
    x, ref = np.asarray(actual, dtype=float), np.asarray(_numbers(expected), dtype=float)
    assert x.shape == ref.shape, f"{what}: shape {x.shape} against {ref.shape}"
    number = np.isfinite(ref)
    assert np.array_equal(x[~number], ref[~number], equal_nan=True), f"{what}: missing values differ: {x} against {ref}"
    x, ref = x[number], ref[number]
    largest = np.max(np.abs(ref), initial=0.0)
    bound = np.maximum(rel_tol * np.maximum(np.abs(ref), largest * 1e-6), 1e-10 * (np.abs(ref) < 1e-10))
    off = np.abs(x - ref)
    assert (off <= bound).all(), f"{what}: off by {np.max(off)}: {x} against {ref}"


def assert_same(actual, expected, rel_tol: float = 1e-8, what: str = "") -> None:
    """Texts that are the same, or numbers that are close."""
    if isinstance(actual, list) and all(isinstance(v, str) for v in actual):
        assert actual == list(expected), f"{what}: {actual} against {expected}"
    else:
        assert_close(actual, expected, rel_tol, what)


def _numbers(value):
    if isinstance(value, list):
        return [_numbers(v) for v in value]
    if isinstance(value, dict):
        return [_numbers(v) for v in value.values()]
    return np.nan if value is None else float(value)
