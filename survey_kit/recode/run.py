"""Recipes applied one after another to codes and codebook."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from survey_kit.codebook import Codebook
from survey_kit.errors import ArgumentError
from survey_kit.recode.recipe import Recipe, RecodedSet
from survey_kit.recode.recoded import Recoded, check_name
from survey_kit.schema import Notice


@dataclass(frozen=True, slots=True, eq=False)
class Recodes:
    """Codes and codebook after some recipes, and what these left to say."""

    codes: pd.DataFrame
    codebook: Codebook
    notices: tuple[Notice, ...] = ()


def run(codes: pd.DataFrame, codebook: Codebook, recipes: Mapping[str, Recipe], fixed: Collection[str] = ()) -> Recodes:
    """New variables and sets by name, in the order given; a later recipe may use what an earlier one made.

    A name may be new, that of the recipe's own column (`q1=reverse("q1")`), or that of a variable that a recode made
    before, so that a notebook cell can be run twice. No other column, and no set, is replaced.

    Args:
        recipes: name -> recipe.
        fixed: columns that nothing may replace: those of the sampling design.

    Raises:
        ArgumentError: nothing to do; something that is no recipe; a name that is taken.
        Whatever a recipe raises; the inputs stay as they are.
    """
    if not recipes:
        raise ArgumentError(
            "Nothing to recode: give a name and a recipe, as in recode(age4=sk.bands('age', [18, 30]))."
        )
    done = Recodes(codes, codebook)
    fresh: dict[str, pd.Series] = {}
    for name, recipe in recipes.items():
        check_recipe(name, recipe)
        if fresh and (name in fresh or _touches(recipe, done.codebook, fresh)):
            done, fresh = _merged(done, fresh), {}
        _check_free(name, recipe, done, fixed)
        made = recipe.make(done.codes, done.codebook, name)
        if isinstance(made, RecodedSet):
            done = _with_set(done, made)
        else:
            fresh[name] = made.values.rename(name)
            done = _with_variable(done, made, recipe)
    return _merged(done, fresh)


def _touches(recipe: Recipe, codebook: Codebook, fresh: Collection[str]) -> bool:
    """Whether a recipe may use one of the new columns, which are not in the frame yet: adding them singly is slow."""
    names = {recipe.source, *getattr(recipe, "columns", ())}
    if any(sign in name for name in names for sign in "*?["):
        return True
    if recipe.source in codebook.sets:
        names |= set(codebook.sets[recipe.source].columns)
    return not names.isdisjoint(fresh)


def _merged(done: Recodes, fresh: Mapping[str, pd.Series]) -> Recodes:
    """The new columns in the frame: in the place of those of the same name, the others at its end."""
    old = {n: column for n, column in fresh.items() if n in done.codes.columns}
    codes = done.codes.assign(**old) if old else done.codes
    new = [column for n, column in fresh.items() if n not in old]
    return replace(done, codes=pd.concat([codes, *new], axis=1) if new else codes)


def check_recipe(name: str, recipe: Any) -> None:
    """Raise ArgumentError unless name and recipe are what `run` takes."""
    check_name(name)
    if not isinstance(recipe, Recipe):
        kind = getattr(recipe, "__name__", type(recipe).__name__)
        raise ArgumentError(
            f"{name!r} needs a recipe: sk.bands, collapse, net, reverse, mapping, cross or multiple_response with its "
            f"arguments; there was {kind}."
        )


def _check_free(name: str, recipe: Recipe, done: Recodes, fixed: Collection[str]) -> None:
    if name in fixed:
        raise ArgumentError(f"{name!r} is a column of the design. Give the new variable another name.")
    if name in done.codebook.sets and not recipe.makes_set:
        raise ArgumentError(f"There is a multiple-response set {name!r} already. Choose another name.")
    if name not in done.codes.columns:
        return
    remade = not recipe.makes_set and name in done.codebook and bool(done.codebook[name].origin)
    if name != recipe.source and not remade:
        raise ArgumentError(
            f"There is a column {name!r} already. Choose another name; only a recipe of {name!r} itself may replace it."
        )


def _with_variable(done: Recodes, made: Recoded, recipe: Recipe) -> Recodes:
    name = made.variable.name
    before = done.codebook[name].origin if name == recipe.source and name in done.codebook else ""
    variable = replace(made.variable, origin=f"{before} {made.variable.origin}".strip())
    return Recodes(done.codes, done.codebook.with_variable(variable), _told(done, made.notices))


def _with_set(done: Recodes, made: RecodedSet) -> Recodes:
    name = made.question.name
    if done.codebook.sets.get(name, made.question) != made.question:
        raise ArgumentError(f"There is another multiple-response set {name!r} already. Choose another name.")
    book = replace(done.codebook, sets={**done.codebook.sets, name: made.question})
    return Recodes(done.codes, book, _told(done, made.notices))


def _told(done: Recodes, notices: tuple[Notice, ...]) -> tuple[Notice, ...]:
    return tuple(dict.fromkeys((*done.notices, *notices)))
