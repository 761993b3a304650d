"""What all parts of a study file share: unknown keys refused, texts with inline numbers checked, names kept safe."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from survey_kit.reports.expressions import check_text
from survey_kit.reports.slugs import RESERVED


class Part(BaseModel):
    """A part of a study file: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _code_not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("A code is a number or a text; put quotes around true and false")
    return value


def _study_id(value: str) -> str:
    if value in RESERVED:
        raise ValueError(f"{value!r} is a reserved file name; choose another id")
    return value


def _path(value: str) -> str:
    if not value.strip() or any(ord(c) < 32 for c in value):
        raise ValueError("A path needs characters that can be printed")
    return value


def _inner_path(value: str) -> str:
    parts = (*PurePosixPath(value).parts, *PureWindowsPath(value).parts)
    if PurePosixPath(value).is_absolute() or PureWindowsPath(value).drive or ".." in parts:
        raise ValueError("A path of an output stays inside the working directory: no leading '/' and no '..'")
    return value


Code = Annotated[int | float | str, BeforeValidator(_code_not_bool)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S+$")]
StudyId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$"), AfterValidator(_study_id)]
FilePath = Annotated[str, AfterValidator(_path)]
OutputPath = Annotated[str, AfterValidator(_path), AfterValidator(_inner_path)]
Text = Annotated[str, AfterValidator(check_text)]
