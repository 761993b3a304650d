"""Where the questions of a form are in the data: group paths, one column an option, or one text "a c" that is split.

Exports name the columns of a question `q` in the groups g and h "q", "g/h/q", "g-h-q" ...; those of its option `a`
"q/a" (KoboToolbox, ODK), "q.a", "q_a" (SurveyCTO) or "q:a".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from survey_kit.codebook import Codebook, MultipleResponse, Variable, format_code
from survey_kit.errors import listed
from survey_kit.io.xlsform.form import RANK_OPTION
from survey_kit.schema import Notice

_GROUP_MARKS = ("/", "-", ":", ".")
_OPTION_MARKS = ("/", ".", ":", "_")
_SILENT = frozenset(
    (
        *("note", "start", "end", "today", "deviceid", "subscriberid", "simserial", "phonenumber", "username", "email"),
        *("audit", "start-geopoint", "background-audio", "xml-external", "csv-external"),
    )
)  # what a form states and an export may leave out
_TRUTH = {"true": 1, "false": 0}


@dataclass(slots=True)
class Placed:
    """A codebook under the names of the data.

    Attributes:
        columns: the data's columns, with those that were made.
        variables, sets: under the names of the columns.
        names: name in the form -> column, where they differ.
        excused: variables without a column of which nothing is to be said.
        split, unknown, truth: questions that were split, rows with codes that the form does not list, columns of
            TRUE and FALSE.
        unclear: columns that more than one option may own.
        strangers: questions whose texts hold none of the form's options.
    """

    columns: dict[str, pd.Series]
    variables: dict[str, Variable]
    sets: dict[str, MultipleResponse]
    names: dict[str, str] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    split: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    truth: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def notices(self) -> Iterator[Notice]:
        """What a reader must know of it."""
        for kind, names, text in (
            (
                "split",
                self.split,
                "Texts such as 'a c' were split into one column for each option: {}. The texts stay.",
            ),
            ("unlisted", self.unknown, "Options that the form does not list are in the text column only: {}."),
            ("unclear", self.unclear, "Columns that may be of several options were left as they are: {}."),
            (
                "no_match",
                self.strangers,
                "No text holds an option of the form, so nothing was split: {}. Export with the form's names, not its labels.",
            ),
            ("truth", self.truth, "TRUE and FALSE were read as 1 and 0: {}."),
            ("repeat", self.repeats, "Asked in repeats, whose answers are in files of their own: {}."),
            ("choices", self.outside, "Choices that stand outside the form have no labels: {}."),
        ):
            if names:
                yield Notice(kind, text.format(listed(names)), len(names))


def place(codes: pd.DataFrame, codebook: Codebook) -> Placed:
    """The codebook under the names that the data have, and the columns that had to be made."""
    placed = Placed({str(n): codes[n] for n in codes.columns}, dict(codebook.variables), dict(codebook.sets))
    several = _several(codebook)
    members = {column for group in several for column in group.columns}
    taken = {c for name, v in codebook.variables.items() if name not in members for c in _candidates(v)}
    for group in several:
        _place_options(placed, codebook, group, taken)
    for name, variable in codebook.variables.items():
        if name in members:
            continue
        column = next((c for c in _candidates(variable) if c in codes), None)
        if column is None:
            _excuse(placed, variable)
        elif column != name:
            placed.names[name] = column
        if column is not None and re.search(r"^select.*([_ ]external|[_ ]from[_ ]file)|\$\{", _type(variable)):
            placed.outside.append(column)
    _rename(placed)
    return placed


def _type(variable: Variable) -> str:
    return variable.attributes.get("type", "")


def _excuse(placed: Placed, variable: Variable) -> None:
    if variable.attributes.get("repeat"):
        placed.excused.add(variable.name)
        placed.repeats.append(variable.name)
    elif _type(variable).casefold() in _SILENT:
        placed.excused.add(variable.name)


def _rename(placed: Placed) -> None:
    """Variables and members of sets under the names of their columns, in the same order."""
    names = placed.names
    placed.variables = {
        names.get(n, n): replace(v, name=names[n]) if n in names else v for n, v in placed.variables.items()
    }
    placed.sets = {
        key: replace(group, columns=tuple(names.get(c, c) for c in group.columns)) for key, group in placed.sets.items()
    }


def _candidates(variable: Variable) -> list[str]:
    """Names of the column that holds a question, the likeliest first."""
    group = variable.attributes.get("group", "")
    if not group:
        return [variable.name]
    path = [*group.split("/"), variable.name.removeprefix(group + "/")]
    return [variable.name, *(mark.join(path) for mark in _GROUP_MARKS)]


def _several(codebook: Codebook) -> list[MultipleResponse]:
    """Questions with a column for each option "question/option": sets, and those that rank."""
    sets = [s for s in codebook.sets.values() if s.columns and all(c.startswith(s.name + "/") for c in s.columns)]
    ranks: dict[str, list[str]] = {}
    for name, variable in codebook.variables.items():
        if _type(variable) == RANK_OPTION:
            ranks.setdefault(name.rpartition("/")[0], []).append(name)
    return [*sets, *(MultipleResponse(name, tuple(columns), None) for name, columns in ranks.items())]


def _place_options(placed: Placed, codebook: Codebook, group: MultipleResponse, taken: set[str]) -> None:
    """Find or make the columns of one question, and name its variables and its set after them."""
    options = [column.removeprefix(group.name + "/") for column in group.columns]
    question = codebook.variables.get(group.name, Variable(group.name))
    bases = _candidates(question)
    text = next((base for base in bases if base in placed.columns), None)
    names, mark = _found(placed.columns, bases if text is None else [text, *bases], options, taken)
    unclear = _unclear(placed, bases, options, taken) if mark == "_" or not names else set()
    if names or unclear or text is None:
        placed.excused.update((*group.columns, *([group.name] if names or unclear else [])))
    lost = [option for option in options if option not in names and option not in unclear]
    if text is not None and lost and _is_foreign(placed, text, options):
        placed.strangers.append(text)
        placed.excused.update(group.columns)
    elif text is not None and lost and _splits(placed.columns[text]):
        made = _split(placed, text, options, ranks=group.counted is None)
        names |= {option: f"{text}{mark}{option}" for option in lost}
        _insert(placed, text, {names[option]: made[option] for option in lost})
    if group.counted == 1:
        _read_truth(placed, names.values())
    old = dict(zip(options, group.columns, strict=True))
    placed.excused.difference_update(old[option] for option in lost if option not in names and names)
    if group.name in placed.sets and names:
        placed.sets[group.name] = replace(group, columns=tuple(old[option] for option in options if option in names))
    placed.names.update({old[option]: column for option, column in names.items()})


def _splits(column: pd.Series) -> bool:
    return not pd.api.types.is_datetime64_any_dtype(column)


def _is_foreign(placed: Placed, name: str, options: Sequence[str]) -> bool:
    """Whether a column holds texts and none of them an option: an export with labels in the place of names."""
    spoken = {word for text in placed.columns[name].dropna().unique().tolist() for word in _words(text)}
    return bool(spoken) and spoken.isdisjoint(options)


def _found(
    columns: Mapping[str, pd.Series], bases: Sequence[str], options: Sequence[str], taken: set[str]
) -> tuple[dict[str, str], str]:
    """({option: its column}, mark) of the way of naming that finds most; a column of another question is not taken."""
    best: dict[str, str] = {}
    best_mark = _OPTION_MARKS[0]
    for mark in _OPTION_MARKS:
        for base in bases:
            names = {option: _option_column(base, mark, option) for option in options}
            owners = Counter(names.values())
            hits = {o: name for o, name in names.items() if name in columns and name not in taken and owners[name] == 1}
            if len(hits) > len(best):
                best, best_mark = hits, mark
    return best, best_mark


def _unclear(placed: Placed, bases: Sequence[str], options: Sequence[str], taken: set[str]) -> set[str]:
    """Options that differ only in signs that "_" stands for in the name of a column that is there (a-b and a_b)."""
    found: set[str] = set()
    for base in bases:
        owners: dict[str, list[str]] = {}
        for option in options:
            owners.setdefault(_option_column(base, "_", option), []).append(option)
        for name, several in owners.items():
            if len(several) > 1 and name in placed.columns and name not in taken:
                placed.unclear.append(f"{name} ({listed(several)})")
                found.update(several)
    return found


def _option_column(base: str, mark: str, option: str) -> str:
    """Where "_" joins, other characters of the option are "_" too ("-99" is "q__99")."""
    return f"{base}_{re.sub(r'[^A-Za-z0-9_]', '_', option)}" if mark == "_" else f"{base}{mark}{option}"


def _insert(placed: Placed, after: str, made: Mapping[str, pd.Series]) -> None:
    columns: dict[str, pd.Series] = {}
    for name, column in placed.columns.items():
        columns[name] = column
        if name == after:
            columns |= {new: values.rename(new) for new, values in made.items()}
    placed.columns = columns


def _split(placed: Placed, name: str, options: Sequence[str], ranks: bool) -> dict[str, pd.Series]:
    """A column for each option: 1 where the text holds it, else 0, or its place among them; NaN where it is blank."""
    column = placed.columns[name]
    position, texts = pd.factorize(column)
    words = [_words(text) for text in texts]
    table = np.full((len(words) + 1, len(options)), np.nan)  # the last row is for blank cells, whose position is -1
    for i, spoken in enumerate(words):
        places = {word: float(place) for place, word in reversed(list(enumerate(spoken, 1)))}
        table[i] = [places.get(o, np.nan) if ranks else float(o in places) for o in options]
    known = set(options)
    odd = np.array([any(word not in known for word in spoken) for spoken in words] + [False], dtype=bool)
    rows = np.flatnonzero(odd[position]) + 1
    if len(rows):
        placed.unknown.append(f"{name} (row {listed(rows, 3)})")
    placed.split.append(f"{name} ({len(options)})")
    kind = "int64" if not np.isnan(table[position]).any() else "float64"
    return {o: pd.Series(table[position, j].astype(kind), index=column.index) for j, o in enumerate(options)}


def _words(value: object) -> list[str]:
    return (value if isinstance(value, str) else format_code(value)).split()


def _read_truth(placed: Placed, names: Iterable[str]) -> None:
    """TRUE and FALSE as 1 and 0."""
    for name in names:
        column = placed.columns[name]
        if pd.api.types.is_bool_dtype(column):
            placed.columns[name] = column.astype("int64")
            placed.truth.append(name)
        elif isinstance(column.dtype, pd.StringDtype) and (words := _folded(column)) and words <= set(_TRUTH):
            numbers = column.str.strip().str.casefold().map(_TRUTH)
            placed.columns[name] = numbers.astype("float64" if numbers.isna().any() else "int64")
            placed.truth.append(name)


def _folded(column: pd.Series) -> set[str]:
    return {text.strip().casefold() for text in column.dropna().unique()}
