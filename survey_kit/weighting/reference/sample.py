"""A sample beside a reference sample of the population: the columns of a model read from both, and made comparable.

Every fault of every column comes in one error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from survey_kit.design.protocol import SurveyLike
from survey_kit.design.weight_checks import is_number
from survey_kit.errors import ArgumentError, NoValidData, TargetMismatchError, UnknownNameError, did_you_mean, listed
from survey_kit.kernels.groups import BoolArray, FloatArray, IntArray
from survey_kit.weighting.response.predictors import means_categories, predictors
from survey_kit.weighting.response.terms import Factor, Model, evaluate, read_model
from survey_kit.weighting.rows.numbers import numbers_of
from survey_kit.weighting.rows.subject import Answers, Subject, has_all, subject_of
from survey_kit.weighting.targets.category_order import in_order
from survey_kit.weighting.targets.lookalike import difference, look_alike

_LARGEST = 1e150  # squares of numbers beyond are infinite
_OF_A_SURVEY = ("codes", "codebook", "bound", "domain")


@dataclass(frozen=True, eq=False)
class Reference:
    """The reference sample.

    Attributes:
        rows: its rows, with its weights as base. m rows.
        weight: those weights, scaled to the population where its size was given; 0 outside its domain. Shape (m,).
        scale: what they were multiplied with.
        survey: the survey that it is; None for a DataFrame.
    """

    rows: Subject
    weight: FloatArray
    scale: float
    survey: SurveyLike | None = None

    @property
    def total(self) -> float:
        """What the weights sum to."""
        return float(self.weight.sum())


@dataclass(frozen=True, eq=False)
class Shared:
    """One column as both samples have it: positions among `categories`, or numbers where there are none.

    Shapes: sample (n,), reference (m,). Rows without weight hold 0 where they have no value. `numbers`: the numbers of both,
    where C() makes categories of them.
    """

    name: str
    categories: tuple[str, ...]
    sample: np.ndarray
    reference: np.ndarray
    numbers: Shared | None = None


@dataclass(frozen=True, eq=False)
class Pair:
    """Both samples with the columns of a model.

    Attributes:
        subject, reference: the samples.
        columns: the columns that the model reads.
        x, reference_x: the model's columns in both, the constant first. Shapes (n, p), (m, p).
        names: of the columns of x.
    """

    subject: Subject
    reference: Reference
    columns: tuple[Shared, ...]
    x: FloatArray
    reference_x: FloatArray
    names: tuple[str, ...]


def reference_of(
    reference: pd.DataFrame | SurveyLike, weight: str | None = None, population: float | None = None
) -> Reference:
    """The reference with its weights checked.

    Args:
        reference: a DataFrame, or a survey (its domain, if it has one, is the population).
        weight: the column of weights of a DataFrame; None for ones. A survey has its own.
        population: what the weights are scaled to; None leaves them as they are.
    """
    if isinstance(reference, pd.DataFrame):
        _refuse_empty(reference)
        rows, survey = subject_of(reference, weight), None
    else:
        rows, survey = _of_survey(reference, weight)
    held = rows.base if survey is None or survey.domain is None else rows.base * survey.domain
    if not held.any():
        raise NoValidData("The reference has no rows with a weight in its domain.")
    scale = 1.0
    if population is not None:
        if not is_number(population) or not 0 < population < np.inf:
            raise ArgumentError(f"population={population!r} is no size of a population. Give a positive number.")
        scale = float(population) / float(held.sum())
    return Reference(rows, held * scale, scale, survey)


def _of_survey(reference: object, weight: str | None) -> tuple[Subject, SurveyLike]:
    if not has_all(reference, _OF_A_SURVEY):
        raise ArgumentError(
            f"reference is a {type(reference).__name__}; it must be a pandas DataFrame or a survey of the population."
        )
    survey: SurveyLike = reference  # type: ignore[assignment]
    if weight is not None:
        raise ArgumentError(
            f"reference_weight={weight!r} belongs to a DataFrame; a survey has its own. Leave it out, or state it in the "
            "survey's design."
        )
    _refuse_empty(survey.codes)
    base = np.array(survey.bound.weight)  # those that its design implies, where none are stated
    return Subject(frame=survey.codes, base=base, weighted=True, codebook=survey.codebook, survey=survey), survey


def _refuse_empty(frame: pd.DataFrame) -> None:
    if not len(frame):
        raise NoValidData("The reference has no rows: there is nothing to compare with.")


def pair_of(subject: Subject, reference: Reference, model: Model) -> Pair:
    """Both samples with the columns of a model, each fault a line of one error.

    Raises:
        UnknownNameError: nothing but names of columns is wrong.
        TargetMismatchError: categories that one side lacks, missing values, text against numbers.
        ArgumentError: a model that cannot be read, or columns that say the same.
    """
    listed_names = isinstance(model, Sequence) and not isinstance(model, str)
    named = [name for name in model if isinstance(name, str)] if listed_names else []
    both = list(dict.fromkeys([*subject.frame.columns, *reference.rows.frame.columns, *named]))
    forced = _columns_of(model, both)
    columns = shared_columns(subject, reference, forced)
    stacked = Subject(frame=_stacked(columns), base=np.ones(subject.n + reference.rows.n), weighted=False)
    made = predictors(stacked, model)
    counted = np.concatenate([subject.base > 0, reference.weight > 0])
    refuse_aliased(made.x[counted], made.names)
    return Pair(subject, reference, columns, made.x[: subject.n], made.x[subject.n :], made.names)


def shared_columns(subject: Subject, reference: Reference, wanted: dict[str, bool]) -> tuple[Shared, ...]:
    """Columns as both samples have them; `wanted`: name -> whether categories are forced.

    Raises:
        UnknownNameError, TargetMismatchError: see `pair_of`.
    """
    faults: list[str] = []
    absent: list[str] = []
    found: list[Shared] = []
    for name, forced in wanted.items():
        lacking, repeated = _lacking(name, subject, reference)
        absent += lacking
        faults += repeated
        if not lacking and not repeated:
            shared, wrong = _shared(name, forced, subject, reference)
            faults += wrong
            found += [] if shared is None else [shared]
    if absent or faults:
        raise _error(absent, faults)
    return tuple(found)


def _columns_of(model: Model, columns: Sequence[object]) -> dict[str, bool]:
    """The columns that a model reads, and whether C() forces categories."""
    used: dict[str, bool] = {}

    def note(name: str) -> FloatArray:
        used.setdefault(name, False)
        return np.ones(1)

    def read(factor: Factor) -> None:
        if factor.column:
            used[factor.column] = used.get(factor.column, False) or factor.categories
        else:
            evaluate(factor, note)

    for term in read_model(model, columns):
        for factor in term:
            read(factor)
    return used


def _lacking(name: str, subject: Subject, reference: Reference) -> tuple[list[str], list[str]]:
    """Where a column is absent, and where it is there more than once."""
    absent, repeated = [], []
    frames = (("data", subject.frame), ("reference", reference.rows.frame))
    if all(name not in frame.columns for _, frame in frames):
        return [f"No column {name!r} in either sample.{did_you_mean(name, subject.frame.columns)}"], []
    for side, frame in frames:
        times = list(frame.columns).count(name)
        if times == 0:
            absent.append(f"No column {name!r} in the {side}.{did_you_mean(name, frame.columns)}")
        elif times > 1:
            repeated.append(f"{name!r}: the {side} has {times} columns of this name. Rename them.")
    return absent, repeated


def _error(absent: Sequence[str], faults: Sequence[str]) -> Exception:
    lines = list(dict.fromkeys([*absent, *faults]))
    head = f"{len(lines)} faults in the sample and its reference:\n- " if len(lines) > 1 else ""
    text = head + "\n- ".join(lines)
    return TargetMismatchError(text) if faults else UnknownNameError(text)


def _shared(name: str, forced: bool, subject: Subject, reference: Reference) -> tuple[Shared | None, list[str]]:
    """The column in both samples, or what is wrong with it."""
    sides = ((subject, subject.base > 0), (reference.rows, reference.weight > 0))
    if any(means_categories(side, name) for side, _ in sides):
        return _categories(name, *sides)
    numbers, faults = _numbers(name, *sides)
    if not forced or numbers is None:
        return numbers, faults
    shared, faults = _categories(name, *sides)
    return None if shared is None else replace(shared, numbers=numbers), faults


Side = tuple[Subject, BoolArray]


def _categories(name: str, sample: Side, reference: Side) -> tuple[Shared | None, list[str]]:
    own, other = in_order(sample[0], name), in_order(reference[0], name)
    faults = [
        *_missing(name, "data", own.codes < 0, sample[1]),
        *_missing(name, "reference", other.codes < 0, reference[1]),
    ]
    place, unclear = _places(name, own, other)
    rows = np.bincount(own.codes[sample[1] & (own.codes >= 0)], minlength=len(own.names))
    codes = np.where(other.codes < 0, -1, np.append(place, -1)[other.codes])
    counted = reference[1] & (other.codes >= 0)
    there = np.bincount(codes[counted & (codes >= 0)], minlength=len(own.names))
    strangers = np.bincount(other.codes[counted & (codes < 0)], minlength=len(other.names))
    faults += unclear or _only_one_side(name, own.names, rows, there, other.names, strangers)
    if len(set(own.names)) < len(own.names):
        faults.append(f"{name!r}: two answers in the data have the same label. Make the labels distinct.")
    if not faults and np.count_nonzero(rows) < 2:
        faults.append(f"{name!r}: all rows of both samples have the same value. Leave it out of the model.")
    if faults:
        return None, faults
    return Shared(name, own.names, np.maximum(own.codes, 0), np.maximum(codes, 0)), []


def _places(name: str, own: Answers, other: Answers) -> tuple[IntArray, list[str]]:
    """The position among the sample's categories of each of the reference's, -1 for none. Shape (k,)."""
    texts: list[set[str]] = [set() for _ in other.names]
    for text, positions in other.known_as.items():
        for position in positions:
            texts[position].add(text)
    place, faults = np.full(len(other.names), -1, dtype=np.int64), []
    for j, known in enumerate(texts):
        found = sorted({p for text in known for p in own.known_as.get(text, ())})
        if len(found) > 1:
            faults.append(
                f"{name!r}: {other.names[j]!r} in the reference may be {listed(repr(own.names[p]) for p in found)} in the "
                "data. Make the values distinct."
            )
        elif found:
            place[j] = found[0]
    return place, faults


def _missing(name: str, side: str, absent: BoolArray, counted: BoolArray) -> Iterable[str]:
    n = int((absent & counted).sum())
    if n:
        yield (
            f"{name!r}: no value in {n} of {int(counted.sum())} rows of the {side}. Impute it, make the missing a category "
            "in both samples, or leave these rows out."
        )


def _only_one_side(
    name: str,
    names: Sequence[str],
    rows: IntArray,
    there: IntArray,
    strange_names: Sequence[str],
    strangers: IntArray,
) -> list[str]:
    """Categories that one sample lacks, with n of the other, and names that merely look equal."""
    mine = np.flatnonzero((rows > 0) & (there == 0)).tolist()
    theirs = [(names[i], int(there[i])) for i in np.flatnonzero((rows == 0) & (there > 0)).tolist()]
    theirs += [(strange_names[j], int(strangers[j])) for j in np.flatnonzero(strangers).tolist()]
    if not mine and not theirs:
        return []
    parts = []
    if mine:
        parts.append("in the data, not in the reference: " + listed(f"{names[i]!r} (n={rows[i]})" for i in mine))
    if theirs:
        parts.append("in the reference, not in the data: " + listed(f"{text!r} (n={n})" for text, n in theirs))
    hints = ""
    for text, _ in theirs[:8]:
        twin = look_alike(text, [names[i] for i in mine])
        if twin is not None:
            hints += f"{text!r} (reference) and {twin!r} (data) look alike but differ: {difference(text, twin)}. "
    advice = "Recode or merge categories so that both samples have the same."
    return [f"{name!r}: {'; '.join(parts)}. {hints}{advice}"]


def _numbers(name: str, sample: Side, reference: Side) -> tuple[Shared | None, list[str]]:
    faults: list[str] = []
    values = []
    for side, (rows, counted) in (("data", sample), ("reference", reference)):
        numbers, valid = numbers_of(rows, name)
        faults += _missing(name, side, ~valid, counted)
        infinite = np.flatnonzero((np.abs(numbers) > _LARGEST) & counted & valid)
        if len(infinite):
            faults.append(
                f"{name!r}: infinite, or beyond 1e150, in row {listed(infinite + 1)} of the {side}. Correct it first."
            )
        values.append(np.where(valid & np.isfinite(numbers), numbers, 0.0))
    used = [v[counted] for v, (_, counted) in zip(values, (sample, reference), strict=True)]
    if not faults and np.ptp(np.concatenate(used)) == 0:
        faults.append(f"{name!r}: all rows of both samples have the same value. Leave it out of the model.")
    return (None, faults) if faults else (Shared(name, (), values[0], values[1]), [])


def _stacked(columns: Sequence[Shared]) -> pd.DataFrame:
    """The columns of both samples, the sample's rows first."""
    out = {}
    for column in columns:
        used = column if column.numbers is None else column.numbers
        values = np.concatenate([used.sample, used.reference])
        out[column.name] = pd.Categorical.from_codes(values, list(used.categories)) if used.categories else values
    return pd.DataFrame(out)


def refuse_aliased(x: FloatArray, names: Sequence[str]) -> None:
    """Refuse columns that are combinations of those before them; the first is the constant."""
    scaled = x / np.maximum(np.abs(x).max(axis=0), 1e-300)
    centred = scaled[:, 1:] - scaled[:, 1:].mean(axis=0)
    spread = np.linalg.norm(centred, axis=0)
    held = spread > 1e-13 * np.sqrt(len(x))
    centred = np.where(held, centred / np.where(held, spread, 1.0), 0.0)
    diagonal = np.abs(np.diag(np.linalg.qr(centred, mode="r")))
    short = [names[i + 1] for i in range(len(names) - 1) if i >= len(diagonal) or diagonal[i] < 1e-9]
    if short:
        raise ArgumentError(
            f"{listed(short)} can be written as a combination of the terms before it, so its coefficient does not exist. "
            "Leave it out, or merge categories."
        )
