"""Walks through the XML of a workbook element by element. No entities, no DTD, no network."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from xml.parsers import expat

from survey_kit.errors import DamagedFileError, SurveyKitError

Start = Callable[[str, dict[str, str]], None]


class Walk:
    """Calls `start(name, attributes)` for every element, names without their prefix.

    Inside `start`, `listen(done)` asks for the text of the element that has just begun: `done(text)` is called at its end.
    """

    def __init__(self, path: Path, part: str, start: Start) -> None:
        self._path, self._part, self._start = path, part, start
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begin
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.buffer_text = True
        self._text: list[str] = []
        self._depth = 0
        self._done: Callable[[str], None] | None = None

    def run(self, chunks: Iterable[bytes]) -> None:
        """Walk through a part. Raises DamagedFileError for what is no XML."""
        try:
            for chunk in chunks:
                self._parser.Parse(chunk, False)
            self._parser.Parse(b"", True)
        except SurveyKitError:
            raise
        except (expat.ExpatError, LookupError, ValueError) as error:  # the latter for encodings that are not known
            raise DamagedFileError(
                f"{self._path.name} is damaged: its part '{self._part}' is no XML ({error}). Fetch it again."
            ) from error

    def listen(self, done: Callable[[str], None]) -> None:
        """Ask for the text of the element that has just begun."""
        self._text, self._depth, self._done = [], 1, done
        self._parser.CharacterDataHandler = self._text.append
        self._parser.EndElementHandler = self._end

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if self._done is not None:
            self._depth += 1
        else:
            self._start(name.rpartition(":")[2], attributes)

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._depth == 0 and self._done is not None:
            done, self._done = self._done, None
            self._parser.CharacterDataHandler = self._parser.EndElementHandler = None
            done("".join(self._text))

    def _refuse(self, *_: object) -> None:
        raise DamagedFileError(
            f"{self._path.name}: its part '{self._part}' declares a document type, which workbooks never do. "
            "Do not open it; ask for a sound copy."
        )


def plain(attributes: dict[str, str], name: str) -> str:
    """An attribute without regard to its prefix, "" where there is none."""
    return next((value for key, value in attributes.items() if key.rpartition(":")[2] == name), "")
