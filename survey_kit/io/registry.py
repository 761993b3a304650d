"""Which function reads or writes which file. One line a format; modules are imported when a file asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from survey_kit.errors import FileFormatError, UnsupportedOption, listed


@dataclass(frozen=True, slots=True)
class Format:
    """A door: `module:function`, and the options of `read_file` that mean something for it (besides `columns`)."""

    target: str
    options: tuple[str, ...] = ()

    def load(self) -> Callable[..., Any]:
        """The function behind the door."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)


_TEXT = ("encoding", "delimiter", "decimal", "na")

READERS = {
    ".sav": Format("survey_kit.io.sav:read_sav", ("encoding",)),
    ".zsav": Format("survey_kit.io.sav:read_sav", ("encoding",)),
    ".dta": Format("survey_kit.io.dta:read_dta", ("encoding",)),
    ".csv": Format("survey_kit.io.delimited:read_delimited", _TEXT),
    ".tsv": Format("survey_kit.io.delimited:read_delimited", _TEXT),
    ".txt": Format("survey_kit.io.delimited:read_delimited", _TEXT),
    ".parquet": Format("survey_kit.io.parquet:read_parquet"),
}

WRITERS = {
    ".sav": Format("survey_kit.io.write_sav:write_sav"),
    ".zsav": Format("survey_kit.io.write_sav:write_sav"),
    ".csv": Format("survey_kit.io.write:write_csv"),
    ".parquet": Format("survey_kit.io.parquet:write_parquet"),
}


def find_format(path: Path, formats: dict[str, Format], verb: str) -> Format:
    """The format of a file name, else FileFormatError that lists what there is."""
    suffix = path.suffix.lower()
    if suffix in formats:
        return formats[suffix]
    what = f"files named {suffix}" if suffix else "a file name without an extension"
    raise FileFormatError(f"{path.name}: {what} cannot be {verb}. There are: {listed(formats, most=20)}.")


def refuse_options(path: Path, door: Format, given: Mapping[str, object]) -> None:
    """UnsupportedOption for an option that the format has no use for."""
    for name, value in given.items():
        if value and name not in door.options:
            takes = listed([s for s, d in READERS.items() if name in d.options])
            raise UnsupportedOption(
                f"{name}={value!r} does not apply to {path.suffix.lower()} files ({path.name}); it is for {takes}. "
                f"Leave {name}= out."
            )
