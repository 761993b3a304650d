"""`study.yml` into a `Study`, with the line of every field, and all problems reported at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from survey_kit.errors import (
    ArgumentError,
    ConfigError,
    DesignError,
    InvalidWeightError,
    UndeclaredMissingError,
    UnknownNameError,
    UnsupportedOption,
    did_you_mean,
)
from survey_kit.reports.study import Study
from survey_kit.reports.study_fields import describe_field, known_fields
from survey_kit.reports.yaml_nodes import YamlNode, problem, problems, read_yaml

Place = tuple[str | int, ...]
_VALUE = r"""(\.\.\.|True|False|"[^"]*"|'[^']*'|[0-9][\w.]*(?<!\.))"""  # of an argument, as messages write it


@dataclass(frozen=True, eq=False)
class StudyFile:
    """A study with the file that it came from.

    Attributes:
        path: the file. study: what it says. tree: its YAML, for line numbers.
    """

    path: Path
    study: Study
    tree: YamlNode = field(repr=False)

    def line(self, place: Place) -> int:
        """The line of a field, or of the nearest part that holds it."""
        return find_line(self.tree, place)

    def error(self, place: Place, text: str) -> ConfigError:
        """A ConfigError at a field."""
        return problem(self.path, self.line(place), dotted(place), text)

    @contextmanager
    def at(self, *place: str | int) -> Iterator[None]:
        """Mistakes that turn up while a field is used are reported with file, line and field."""
        try:
            yield
        except UndeclaredMissingError as error:
            raise self.error(place, f"{error} In a study file they are declared under `missing`.") from error
        except (UnknownNameError, ArgumentError, UnsupportedOption, DesignError, InvalidWeightError) as error:
            raise self.error(place, in_yaml(str(error), place)) from error

    def inside(self, name: str, place: Place) -> Path:
        """The path of an input file, taken from the study file's folder.

        Raises ConfigError for a path that leads out of the project (the nearest folder above the study file that holds
        `studies`, `pyproject.toml` or `.git`) and out of the working directory.
        """
        folder = self.path.resolve().parent
        target = (folder / name).resolve()
        allowed = (project_folder(folder), Path.cwd().resolve())
        if any(target.is_relative_to(root) for root in allowed):
            return folder / name
        raise self.error(place, f"{name!r} leads out of the project, to {target}. Put the file inside, or use --data.")


def load_study(path: str | Path) -> StudyFile:
    """Read and check a study file.

    Raises:
        MissingFileError: no such file.
        ConfigError: everything that is wrong with it, each with file, line and field in `.problems`.
    """
    path = Path(path)
    tree = read_yaml(path)
    if tree.kind != "mapping":
        raise problem(path, tree.line, "", "A study file is a mapping that begins with 'study:'. This one is not.")
    try:
        study = Study.model_validate(tree.plain())
    except ValidationError as error:
        raise problems(path, _explained(tree, error)) from None
    return StudyFile(path, study, tree)


def find_line(tree: YamlNode, place: Place) -> int:
    """The line of a field, or of the nearest part that holds it."""
    node = tree
    for step in place:
        node = node.children.get(step, node)
    return node.line


def in_yaml(text: str, place: Place) -> str:
    """A message with the fields around a place as a study file writes them: "combined=False" is "`combined: false`"."""
    names = "|".join(name for end in range(1, len(place) + 1) for name in known_fields(place[:end]))
    return re.sub(rf"(?<![\w(])({names})={_VALUE}", _field_text, text) if names else text


def _field_text(found: re.Match[str]) -> str:
    name, value = found.groups()
    if value == "...":
        return f"`{name}`"
    return f"`{name}: {value.lower() if value in ('True', 'False') else value.strip(chr(34) + chr(39))}`"


def dotted(place: Place) -> str:
    """A field as people write it; positions count from 1: ("questions", 0, "ask") is "questions.1.ask"."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place)


def project_folder(folder: Path) -> Path:
    """The nearest folder, upwards, that holds `studies`, `pyproject.toml` or `.git`; else the folder itself."""
    for parent in (folder, *folder.parents):
        if any((parent / mark).exists() for mark in ("studies", "pyproject.toml", ".git")):
            return parent
    return folder


def _explained(tree: YamlNode, error: ValidationError) -> list[tuple[int | None, str, str]]:
    """One (line, field, sentence) for each field with a problem, by line; of a union the first branch speaks."""
    found: dict[str, tuple[int | None, str, str]] = {}
    for one in error.errors(include_url=False):
        line, name, sentence = _explain(tree, one)
        found.setdefault(name, (line, name, sentence))
    return sorted(found.values(), key=lambda f: f[0] or 0)


def _explain(tree: YamlNode, error: Any) -> tuple[int | None, str, str]:
    """(line, field, sentence) of one problem that validation found."""
    place = _real_place(tree, tuple(error["loc"]), error["type"] in ("missing", "extra_forbidden"))
    return find_line(tree, place), dotted(place), _say(error, place)


def _real_place(tree: YamlNode, loc: Place, last_may_lack: bool) -> Place:
    """The location without the steps that only the model has, such as the tag of a union."""
    out: list[str | int] = []
    node = tree
    for number, step in enumerate(loc):
        tag = loc[0] == "recode" and number == 2 and len(loc) > 3
        if step in node.children and not tag:
            node = node.children[step]
            out.append(step)
        elif last_may_lack and number == len(loc) - 1:
            out.append(step)
    return tuple(out)


def _say(error: Any, place: Place) -> str:
    loc, kind = tuple(error["loc"]), error["type"]
    if kind == "missing":
        return f"This field is required. {describe_field(loc)}".strip()
    if kind == "extra_forbidden":
        return f"There is no field {place[-1]!r}.{did_you_mean(place[-1], known_fields(loc[:-1]))}"
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    if kind == "value_error" and isinstance(error["input"], dict):  # the sentence names the fields of the part
        return f"{text}. {describe_field(loc)}".strip()
    return f"{text}; there was {_shown(error['input'])}. {describe_field(loc)}".strip()


def _shown(value: object) -> str:
    if isinstance(value, (dict, list, tuple)):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
