"""`manifest.json`: what went in, what came out, and with which versions. No clock, no absolute path, no user name."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "pyreadstat",
    "statsmodels",
    "matplotlib",
    "seaborn",
    "jinja2",
    "typst",
    "pydantic",
    "ruamel.yaml",
)


def versions() -> dict[str, str]:
    """Versions that the numbers and the bytes depend on: survey_kit, Python (minor) and the packages that are there."""
    from survey_kit import __version__

    found = {"survey_kit": __version__, "python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def facts(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Name, size in bytes and SHA-256 of input files; names without folders."""
    return [{"name": p.name, "bytes": p.stat().st_size, "sha256": sha256(p)} for p in paths]


def listing(folder: Path) -> dict[str, str]:
    """Path inside a folder -> SHA-256, for every file, in the order of the paths."""
    files = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    return {name: sha256(path) for name, path in files}


def manifest_text(
    study: str, inputs: Sequence[Mapping[str, Any]], files: Mapping[str, str], extra: Mapping[str, Any]
) -> str:
    """The manifest as JSON text, the same for the same content."""
    content = {"study": study, "inputs": list(inputs), "versions": versions(), **extra, "files": dict(files)}
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=False) + "\n"


def made_here(folder: Path, study: str) -> bool:
    """Whether a folder is an earlier report of this study: it holds a manifest that says so."""
    try:
        content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("study") == study
