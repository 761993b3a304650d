"""From a study file and microdata to a report. `build` is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_DOORS = {"BuildResult": "run", "build": "run", "check": "run", "load_study": "load"}

__all__ = sorted(_DOORS)


def __getattr__(name: str) -> Any:
    if name not in _DOORS:
        raise AttributeError(f"module 'survey_kit.reports' has no attribute {name!r}")
    return getattr(import_module(f"survey_kit.reports.{_DOORS[name]}"), name)
