"""The exceptions of survey_kit. Every message says what is wrong, what was there, and what to do next.

    SurveyKitError
    +-- InputError                  a file, a column or an argument that cannot be used
    |   +-- ReadError               a file that cannot be read
    |   |   +-- MissingFileError        no such file
    |   |   +-- EncodingError           text that the stated encoding cannot decode
    |   |   +-- FileFormatError         its content is not what it should be
    |   |       +-- EmptyFileError          0 bytes
    |   |       +-- WrongFormatError        another kind of file than its name promises, or one that is not known
    |   |       +-- TruncatedFileError      ends too early, or holds another number of rows than it declares
    |   |       +-- DamagedFileError        contradicts itself
    |   |       +-- DuplicateNameError      two columns of one name
    |   |       +-- ResourceLimitError      would need more memory than is allowed
    |   |       +-- UnsafePathError         an archive that would write outside its folder
    |   +-- UnknownNameError        no such column, variable, category, option
    |   +-- ArgumentError           a value that an argument does not take
    |   +-- UnsupportedOption       a combination that is not built; names the alternative
    |   +-- NoValidData             nothing left to compute from
    |   +-- InvalidWeightError      negative, infinite, missing or all-zero weights
    |   +-- UndeclaredMissingError  codes that look like "don't know" would enter a mean
    +-- DesignError                 strata, PSUs or fpc that contradict each other
    |   +-- LonelyPsuError          a stratum with one PSU and no rule for it
    +-- TargetError                 weighting targets that cannot be used as they are
    |   +-- TargetMismatchError     categories in the data and in the targets differ
    +-- ConvergenceError            an iteration that did not reach its goal; carries the unfinished result
    +-- ConfigError                 a study file that is invalid; carries file, line and field
    +-- OutputError                 a result that cannot be written

Texts may name a variable, a row number and a code; never another column's value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any


class SurveyKitError(Exception):
    """Base of every error that survey_kit raises on purpose."""


class SurveyWarning(UserWarning):
    """What `sk.read` and `poll.save` say aloud; the same sentences stay on the result as notices."""


class InputError(SurveyKitError, ValueError):
    """Something handed in cannot be used."""


class ReadError(InputError):
    """A file cannot be read. The text names the file, the place and the way out."""


class MissingFileError(ReadError, FileNotFoundError):
    """The file does not exist."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class EncodingError(ReadError):
    """Text in a file cannot be decoded as stated."""


class FileFormatError(ReadError):
    """The content of a file is not what it should be."""


class EmptyFileError(FileFormatError):
    """The file has 0 bytes."""


class WrongFormatError(FileFormatError):
    """The file is of another kind than its name promises, or of one that is not known."""


class TruncatedFileError(FileFormatError):
    """The file ends too early, or holds another number of rows than it declares."""


class DamagedFileError(FileFormatError):
    """The file contradicts itself: lengths, numbers or compressed blocks that cannot be."""


class DuplicateNameError(FileFormatError):
    """Two columns have one name."""


class ResourceLimitError(FileFormatError):
    """The file would need more memory than is allowed."""


class UnsafePathError(FileFormatError):
    """An archive holds a path that would lie outside the folder it is unpacked in."""


class UnknownNameError(InputError, KeyError):
    """A column, variable, category or option does not exist."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0]) if self.args else ""


class ArgumentError(InputError):
    """An argument has a value that it does not take."""


class UnsupportedOption(InputError):
    """A combination of options is not available; the message names the alternative."""


class NoValidData(InputError):
    """No row is left to compute from."""


class InvalidWeightError(InputError):
    """Weights are negative, infinite, missing, not numbers, or all zero."""


class UndeclaredMissingError(InputError):
    """Codes labelled like "don't know" are not declared missing and would enter a number."""


class DesignError(SurveyKitError, ValueError):
    """Strata, PSUs, fpc and weights contradict each other."""


class LonelyPsuError(DesignError):
    """A stratum has a single PSU and the design states no rule for it."""


class TargetError(SurveyKitError, ValueError):
    """Weighting targets cannot be used as they are."""


class TargetMismatchError(TargetError):
    """Categories of the data and of the targets differ."""


class ConvergenceError(SurveyKitError, ArithmeticError):
    """An iteration stopped short of its goal. `unfinished` holds what it had reached, such as Weights."""

    def __init__(self, message: str, unfinished: Any = None) -> None:
        super().__init__(message)
        self.unfinished = unfinished


NotConvergedError = ConvergenceError  # the name until version 0.1


class ConfigError(SurveyKitError, ValueError):
    """A study file is invalid. `problems` lists every (file, line, field, text)."""

    def __init__(self, message: str, problems: Sequence[tuple[str, int | None, str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class OutputError(SurveyKitError, OSError):
    """A result cannot be written."""


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """' Did you mean 'vote'?' when one of the known names is close, else the first names there are.

    >>> did_you_mean("vot", ["vote", "age"])
    " Did you mean 'vote'?"
    >>> did_you_mean("zzz", ["vote", "age"])
    ' There are: vote, age.'
    """
    names = [str(k) for k in known]
    lowered = {n.lower(): n for n in reversed(names)}
    close = get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    if close:
        return f" Did you mean {lowered[close[0]]!r}?"
    if not names:
        return " There are none."
    shown = ", ".join(names[:8])
    return f" There are: {shown}{f' and {len(names) - 8} more' if len(names) > 8 else ''}."


def unknown(kind: str, name: object, known: Iterable[object]) -> UnknownNameError:
    """The error for a name that does not exist: 'No column 'vot'. Did you mean 'vote'?'"""
    return UnknownNameError(f"No {kind} {str(name)!r}.{did_you_mean(name, known)}")


def one_of(argument: str, value: object, allowed: Sequence[str]) -> None:
    """Raise ArgumentError unless `value` is one of the allowed words."""
    if not isinstance(value, str) or value not in allowed:
        raise ArgumentError(f"{argument}={value!r} is not available.{did_you_mean(value, allowed)}")


def listed(items: Iterable[object], most: int = 8) -> str:
    """'a, b, c and 4 more': a list short enough for a sentence.

    >>> listed(range(10), most=3)
    '0, 1, 2 and 7 more'
    """
    items = list(items)
    shown = ", ".join(str(i) for i in items[:most])
    return shown if len(items) <= most else f"{shown} and {len(items) - most} more"


def check_level(level: float) -> None:
    """A confidence level lies between 0 and 1."""
    if not (isinstance(level, (int, float)) and 0 < level < 1):
        raise ArgumentError(f"level={level!r} is not a confidence level. Give a number between 0 and 1, such as 0.95.")
