"""Weighting targets as people write them (dict, long table, CSV) brought to one shape. Nothing is judged here."""

from __future__ import annotations

import os
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pandas as pd

from survey_kit.errors import ArgumentError, MissingFileError, TargetError, UnsupportedOption, did_you_mean
from survey_kit.weighting.subject import category_text

Targets: TypeAlias = Mapping[Hashable, Mapping[Hashable, float]] | pd.DataFrame | str | os.PathLike[str]

LONG = ("variable", "category", "target")
_LONG_FORM = (
    "Give the long form (one row per category; columns variable, category, target) or {variable: {category: share}}."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """One category of one margin as written: `key` its parts as text (one for each variable), `value` unchecked."""

    key: tuple[str, ...]
    value: object
    written: object
    extra: Mapping[str, object] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The category as text, parts of a crossed margin joined by ":"."""
        return ":".join(self.key)


@dataclass(frozen=True, slots=True)
class WrittenMargin:
    """One margin as written: the variables it crosses (mostly one), its wishes, and what is wrong with its shape."""

    variables: tuple[Hashable, ...]
    wishes: tuple[Wish, ...]
    fault: str = ""

    @property
    def name(self) -> str:
        """The variable, or "sex:age4" for a crossed margin."""
        return ":".join(str(v) for v in self.variables)


def read_targets(targets: Targets, columns: Collection[Hashable]) -> list[WrittenMargin]:
    """Margins in the order written.

    Args:
        targets: {variable: {category: target}}, a long DataFrame, or the path of a CSV file in the long form (comma, or
            semicolon with decimal commas; UTF-8). A crossed margin has a tuple of variables as its key, or "sex:age4"
            where no column has that name; its categories are tuples, or "male:18-29".
        columns: columns of the data.

    Raises:
        MissingFileError, TargetError: a file that does not exist, or has no such columns.
        UnsupportedOption: a DataFrame that is not in the long form.
        ArgumentError: something else.
    """
    if isinstance(targets, (str, os.PathLike)):
        return _from_long(_csv(Path(targets)), columns, f"Targets file {Path(targets).name!r}")
    if isinstance(targets, pd.DataFrame):
        return _from_long(targets, columns, "The table of targets")
    if isinstance(targets, Mapping):
        return [_margin(key, wishes, columns) for key, wishes in targets.items()]
    raise ArgumentError(f"targets is of type {type(targets).__name__}. {_LONG_FORM}")


def _margin(key: Hashable, wishes: object, columns: Collection[Hashable]) -> WrittenMargin:
    variables = _variables(key, columns)
    if not variables:
        return WrittenMargin((), (), "it names no variable")
    if isinstance(wishes, pd.Series):
        wishes = dict(zip(wishes.index, wishes.tolist(), strict=True))
    if not isinstance(wishes, Mapping):
        kind = type(wishes).__name__
        return WrittenMargin(variables, (), f"its targets are a {kind}; give {{category: share or count}}")
    return _written(variables, [(category, value, {}) for category, value in wishes.items()])


def _variables(key: Hashable, columns: Collection[Hashable]) -> tuple[Hashable, ...]:
    if isinstance(key, tuple):
        return key
    if isinstance(key, str) and ":" in key and key not in columns:
        return tuple(key.split(":"))
    return (key,)


def _written(variables: tuple[Hashable, ...], entries: list[tuple[object, object, dict[str, object]]]) -> WrittenMargin:
    wishes = tuple(Wish(_parts(c, len(variables)), value, c, extra) for c, value, extra in entries)
    odd = [w.shown for w in wishes if len(w.key) != len(variables)]
    if odd:
        example = ":".join(f"<{v}>" for v in variables)
        return WrittenMargin(
            variables, wishes, f"category {odd[0]!r} is not one of {len(variables)} variables; write {example}"
        )
    return WrittenMargin(variables, wishes, "" if wishes else "it has no categories")


def _parts(category: object, width: int) -> tuple[str, ...]:
    if isinstance(category, tuple):
        return tuple(category_text(part) for part in category)
    text = category_text(category)
    return tuple(text.split(":")) if width > 1 else (text,)


def _from_long(table: pd.DataFrame, columns: Collection[Hashable], what: str) -> list[WrittenMargin]:
    absent = [c for c in LONG if c not in table.columns]
    if len(absent) == len(LONG):
        raise UnsupportedOption(f"{what} has none of the columns variable, category, target. {_LONG_FORM}")
    if absent:
        raise TargetError(f"{what} has no column {absent[0]!r}.{did_you_mean(absent[0], table.columns)} {_LONG_FORM}")
    return list(_groups(table, columns))


def _groups(table: pd.DataFrame, columns: Collection[Hashable]) -> Iterator[WrittenMargin]:
    extra = [c for c in table.columns if c not in LONG]
    for name, rows in table.groupby("variable", sort=False, dropna=False):
        records = rows.to_dict("records")
        entries = [(r["category"], r["target"], {str(c): r[c] for c in extra}) for r in records]
        yield _written(_variables(name, columns), entries)


def _csv(path: Path) -> pd.DataFrame:
    """A CSV of text cells with its targets as numbers where they read as numbers; nothing is taken for missing."""
    if not path.is_file():
        raise MissingFileError(f"No targets file {str(path)!r}. Check the path, or give a dict or a DataFrame.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TargetError(f"Targets file {path.name!r} is not UTF-8 text: save it as CSV in UTF-8.") from error
    header = text.split("\n", 1)[0]
    separator = ";" if header.count(";") > header.count(",") else ","
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise TargetError(f"Targets file {path.name!r} cannot be read as CSV: {str(error).strip()}.") from error
    if not isinstance(table.index, pd.RangeIndex):
        raise TargetError(f"Targets file {path.name!r} has rows with more cells than its header has names.")
    if "target" in table.columns:
        cells = table["target"].str.replace(",", ".", regex=False) if separator == ";" else table["target"]
        table = table.assign(target=[_number(cell) for cell in cells])
    return table


def _number(cell: str) -> object:
    try:
        return float(cell)
    except ValueError:
        return cell
