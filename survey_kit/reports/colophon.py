"""Closing lines of a report: what it was made from and how to make it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from survey_kit.reports.load import StudyFile, project_folder
from survey_kit.reports.manifest import versions
from survey_kit.reports.prepare import Prepared
from survey_kit.results.display import number


def colophon(prepared: Prepared, inputs: Sequence[Mapping[str, Any]], given: bool) -> tuple[str, ...]:
    """Inputs with their SHA-256, versions, design, randomness, and the command that builds the report again.

    `given`: whether the data file was handed in (`--data`) instead of named by the study file.
    """
    read = [f"Input {f['name']}: SHA-256 {f['sha256']}, {number(f['bytes'])} bytes." for f in inputs]
    used = ", ".join(f"{name} {version}" for name, version in versions().items())
    data = f" --data {prepared.inputs[1].name}" if given else ""
    return (
        *read,
        f"Software: {used}.",
        f"Design: {prepared.survey.design.describe()}.",
        "No random numbers were used.",
        f"Build again: survey-kit build {_shown(prepared.source)}{data}",
    )


def _shown(source: StudyFile) -> str:
    """The study file's path inside its project."""
    path = source.path.resolve()
    return path.relative_to(project_folder(path.parent)).as_posix()
