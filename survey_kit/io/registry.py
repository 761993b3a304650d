"""Which function reads or writes which file. One line a format; modules are imported when a file asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any

from survey_kit.errors import UnsupportedOption, WrongFormatError, listed
from survey_kit.io.contents import ReadOptions


@dataclass(frozen=True, slots=True)
class Format:
    """A door: `module:function`, and the options of `read_file` that mean something for it (besides `columns`)."""

    target: str
    options: tuple[str, ...] = ()

    def load(self) -> Callable[..., Any]:
        """The function behind the door."""
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)


_IO = "survey_kit.io."
_TEXT = ("encoding", "errors", "delimiter", "decimal", "na")
_SHEET = ("sheet", "header", "decimal", "na")

READERS = {
    ".sav": Format(_IO + "spss.sav:read_sav", ("encoding", "errors", "allow_truncated")),
    ".zsav": Format(_IO + "spss.sav:read_sav", ("encoding", "errors", "allow_truncated")),
    ".por": Format(_IO + "spss.por:read_por", ("encoding",)),
    ".dta": Format(_IO + "stata.read:read_dta", ("encoding", "errors")),
    ".sas7bdat": Format(_IO + "sas.read:read_sas7bdat", ("encoding", "catalog")),
    ".xpt": Format(_IO + "sas.read:read_xpt", ("encoding",)),
    ".csv": Format(_IO + "delimited.read:read_delimited", _TEXT),
    ".tsv": Format(_IO + "delimited.read:read_delimited", _TEXT),
    ".txt": Format(_IO + "delimited.read:read_delimited", _TEXT),
    ".xlsx": Format(_IO + "excel.read:read_excel", _SHEET),
    ".xlsm": Format(_IO + "excel.read:read_excel", _SHEET),
    ".xls": Format(_IO + "excel.read:read_excel", _SHEET),
    ".ods": Format(_IO + "excel.read:read_excel", _SHEET),
    ".parquet": Format(_IO + "arrow:read_parquet"),
    ".feather": Format(_IO + "arrow:read_feather"),
    ".sss": Format(_IO + "triples.read:read_triples", ("encoding", "allow_truncated")),
}

WRITERS = {
    ".sav": Format(_IO + "spss.write_sav:write_sav"),
    ".zsav": Format(_IO + "spss.write_sav:write_sav"),
    ".por": Format(_IO + "spss.write_por:write_por"),
    ".dta": Format(_IO + "stata.write:write_dta"),
    ".xpt": Format(_IO + "sas.write_xpt:write_xpt"),
    ".csv": Format(_IO + "delimited.write:write_csv"),
    ".tsv": Format(_IO + "delimited.write:write_csv"),
    ".xlsx": Format(_IO + "excel.write:write_excel"),
    ".parquet": Format(_IO + "arrow:write_parquet"),
    ".feather": Format(_IO + "arrow:write_feather"),
    ".sss": Format(_IO + "triples.write:write_triples"),
}


def find_format(path: Path, formats: dict[str, Format], verb: str) -> Format:
    """The format of a file name, else FileFormatError that lists what there is."""
    suffix = path.suffix.lower()
    if suffix in formats:
        return formats[suffix]
    what = f"files named {suffix}" if suffix else "a file name without an extension"
    raise WrongFormatError(f"{path.name}: {what} cannot be {verb}. There are: {listed(formats, most=20)}.")


def refuse_options(path: Path, door: Format, options: ReadOptions) -> None:
    """UnsupportedOption for an option that the format has no use for."""
    for field in fields(ReadOptions):
        name, value = field.name, getattr(options, field.name)
        if name not in ("columns", "rows", *door.options) and value != field.default:
            takes = listed([s for s, d in READERS.items() if name in d.options])
            raise UnsupportedOption(
                f"{name}={value!r} does not apply to {path.suffix.lower()} files ({path.name}); it is for {takes}. "
                f"Leave {name}= out."
            )
