"""The metadata file of Triple-S as a tree of elements: decoded, then parsed without entities, fetches or deep nesting.

A document type may be named ("sss_v20.dtd") and is not fetched. Elements of other namespaces are left out.
"""

from __future__ import annotations

import codecs
import re
from html.entities import html5
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from survey_kit.errors import DamagedFileError, EncodingError, ResourceLimitError, WrongFormatError
from survey_kit.io.text import codec_name, decodes, has_high_bytes, preview, rank_encodings

NOTES = "?survey_kit"  # the tag of our own processing instructions
_MOST_BYTES, _MOST_ELEMENTS, _MOST_DEPTH = 100_000_000, 2_000_000, 40
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_CHARSETS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape")  # slow to decode, or no alphabet at all
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
_C1 = re.compile(rb"[\x80-\x9f]")


def read_text(path: Path, stated: str | None) -> tuple[str, str]:
    """The text of a metadata file and its encoding.

    That is the encoding of its byte order mark or XML declaration, else UTF-8. `stated` takes the place of a declared
    single-byte encoding, and of UTF-8 where the bytes are not. Raises EncodingError, ResourceLimitError.
    """
    size = path.stat().st_size
    if size > _MOST_BYTES:
        raise ResourceLimitError(f"{path.name} has {size:,} bytes; metadata of at most {_MOST_BYTES:,} bytes are read.")
    data = path.read_bytes()
    encoding = _encoding(path, data, stated)
    try:
        return data.decode(encoding), encoding.removesuffix("-sig")
    except UnicodeError as error:
        raise EncodingError(_sentence(path, data, encoding)) from error


def marked_encoding(data: bytes) -> str | None:
    """The encoding that a byte order mark states, or None."""
    return next((encoding for bom, encoding in _BOMS if data.startswith(bom)), None)


def _encoding(path: Path, data: bytes, stated: str | None) -> str:
    marked = marked_encoding(data)
    if marked:
        return marked
    found = _DECLARED.match(data[:1024])
    declared = _declared(path, found[1].decode()) if found else "utf-8"
    if stated and not (declared.startswith("utf") and decodes(data, declared)):
        return codec_name(stated)
    return true_latin(data, declared)


def true_latin(data: bytes, encoding: str) -> str:
    """The encoding, or cp1252 where Windows text with typographic quotes calls itself Latin-1."""
    wrong = encoding == "iso8859-1" and _C1.search(data) is not None and decodes(data, "cp1252")
    return "cp1252" if wrong else encoding


def _declared(path: Path, name: str) -> str:
    """Python's name of a declared encoding. A declaration that is read as bytes cannot be true when it says UTF-16."""
    try:
        found = codecs.lookup(name)
        "".encode(found.name)
        if found.name.replace("-", "_") in _NO_CHARSETS:
            raise LookupError
    except (LookupError, UnicodeError):
        raise EncodingError(
            f'{path.name} declares the encoding {name!r}, which is not known. Say encoding="utf-8".'
        ) from None
    return "utf-8" if found.name.startswith(("utf-16", "utf-32")) else found.name


def _sentence(path: Path, data: bytes, encoding: str) -> str:
    lines = [line for line in data.splitlines() if has_high_bytes(line)][:2000]
    likely = next((e for e in rank_encodings(lines) if e != encoding), None)
    advice = f'Try encoding="{likely}", which gives “{preview(lines, likely)}”.' if likely else "Name its encoding."
    return f"{path.name} is not valid {encoding}. {advice}"


def parse(name: str, text: str) -> Element:
    """The root element <sss>. `name` is of the file, for messages.

    Raises DamagedFileError (no XML, entities, deep nesting), ResourceLimitError, WrongFormatError (other XML).
    """
    if not text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise WrongFormatError(
            f"{name} is no XML file. Triple-S of before 2000 was written in keywords; export the survey again as "
            "Triple-S XML (1.1, 1.2, 2.0 or 3.0)."
        )
    tree = _Tree(name)
    try:
        tree.parser.Parse(text.lstrip("\ufeff \t\r\n").encode("utf-8"), True)
    except expat.ExpatError as error:
        raise DamagedFileError(
            f"{name} is no sound XML: {expat.ErrorString(error.code)} in line {error.lineno}. Export it again."
        ) from error
    root = tree.builder.close()
    _check_root(name, root)
    return root


def _check_root(name: str, root: Element) -> None:
    if root.tag == "hierarchy" or root.find(".//hierarchy") is not None:
        raise WrongFormatError(
            f"{name} describes a hierarchy of records, which cannot be read as one table. Read the .sss file of each "
            "level, and merge the tables by their keys."
        )
    if root.tag != "sss":
        raise WrongFormatError(f"{name} is an XML file of another kind: its root is <{root.tag}>, not <sss>.")


class _Tree:
    """Collects elements of the root's namespace while expat reads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.home: str | None = None
        self.depth = self.elements = self.foreign = 0
        self.builder = TreeBuilder()
        self.parser = expat.ParserCreate("utf-8", namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.specified_attributes = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.data
        self.parser.ProcessingInstructionHandler = self.instruction
        self.parser.EntityDeclHandler = self.entity
        self.parser.SkippedEntityHandler = self.skipped

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > _MOST_DEPTH:
            raise DamagedFileError(f"{self.name}: elements are nested more than {_MOST_DEPTH} deep; Triple-S has ten.")
        if self.elements > _MOST_ELEMENTS:
            raise ResourceLimitError(f"{self.name} has more than {_MOST_ELEMENTS:,} elements; no survey has.")
        space, _, local = name.rpartition(" ")
        if self.home is None:
            self.home = space
        if self.foreign or space != self.home:
            self.foreign += 1
            return
        self.builder.start(local, {_attribute(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self.depth -= 1
        if self.foreign:
            self.foreign -= 1
            return
        self.builder.end(name.rpartition(" ")[2])

    def data(self, text: str) -> None:
        if not self.foreign:
            self.builder.data(text)

    def instruction(self, target: str, data: str) -> None:
        if target == NOTES[1:] and self.depth and not self.foreign:
            self.builder.start(NOTES, {})
            self.builder.data(data)
            self.builder.end(NOTES)

    def entity(self, name: str, *_: object) -> None:
        raise DamagedFileError(
            f"{self.name} declares the entity '{name}'; files with entities of their own are not read. "
            "Take the <!ENTITY> lines out."
        )

    def skipped(self, name: str, parameter: bool) -> None:
        """An entity of the document type that is not fetched: &nbsp; and the like have one meaning, others none."""
        if parameter:
            return
        if f"{name};" not in html5:
            raise DamagedFileError(f"{self.name} uses the entity '&{name};', which is not known. Write the character.")
        self.data(html5[f"{name};"])


def _attribute(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return f"xml:{local}" if space == _XML_NAMESPACE else name if space else local
