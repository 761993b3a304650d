"""Small workbooks made by hand: .xlsx and .ods from XML, .xls from records. For tests of what writers never write."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_FREE, _END, _TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_EOF = b"\x0a\0\0\0"


def xlsx(path: Path, sheets: dict[str, str], *, book: str = "", shared: str = "", state: dict[str, str] | None = None):
    """An .xlsx file; `sheets` maps names to the XML of rows (or whole worksheets), `state` to "hidden"."""
    tags = relations = ""
    for i, name in enumerate(sheets, 1):
        shown = f' state="{state[name]}"' if state and name in state else ""
        tags += f'<sheet name="{name}" sheetId="{i}"{shown} r:id="rId{i}"/>'
        relations += f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
    if shared:
        relations += f'<Relationship Id="rIdS" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        target = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{_RELATIONS}">{target}</Relationships>')
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{tags}</sheets>{book}</workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_RELATIONS}">{relations}</Relationships>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            sheet = rows if "<worksheet" in rows else worksheet(rows)
            archive.writestr(f"xl/worksheets/sheet{i}.xml", sheet)
        if shared:
            archive.writestr("xl/sharedStrings.xml", shared)
    return path


def worksheet(rows: str, before: str = "", after: str = "") -> str:
    """The XML of a worksheet."""
    return f'<worksheet xmlns="{_MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def ods(path: Path, tables: str, manifest: str = ""):
    """An .ods file with some `table:table` elements."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    spaces += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", manifest or "<manifest/>")
        archive.writestr("content.xml", f"<office:document-content{spaces}>{body}</office:document-content>")
    return path


def ods_text(text: str, more: str = "") -> str:
    """A cell with a text."""
    return f'<table:table-cell office:value-type="string"{more}><text:p>{text}</text:p></table:table-cell>'


def ods_number(value: float, more: str = "") -> str:
    """A cell with a number."""
    cell = f'office:value-type="float" office:value="{value}"{more}'
    return f"<table:table-cell {cell}><text:p>{value}</text:p></table:table-cell>"


def compound(path: Path, stream: str, data: bytes, *, endless: bool = False):
    """A compound file with one stream of at least 4,096 bytes."""
    data = data.ljust(max(4096, -(-len(data) // 512) * 512), b"\0")
    sectors = len(data) // 512
    tables = (sectors + 1) // 127 + 1
    first = tables + 1  # of the stream; the directory is before it
    chains = [*[_TABLE] * tables, _END, *range(first + 1, first + sectors), first if endless else _END]
    chains += [_FREE] * (128 * tables - len(chains))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, tables, tables, 0, 4096, _END, 0, _END, 0)
    head += struct.pack("<109I", *range(tables), *[_FREE] * (109 - tables))
    entries = _entry("Root Entry", 5, _END, 0, 1) + _entry(stream, 2, first, len(data)) + _entry("", 0, 0, 0) * 2
    path.write_bytes(head + struct.pack(f"<{len(chains)}I", *chains) + entries + data)
    return path


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    numbers = struct.pack("<HBBIII", len(raw) if name else 0, kind, 1, _FREE, _FREE, child)
    return raw.ljust(64, b"\0") + numbers + bytes(36) + struct.pack("<IQ", start, size)


def record(kind: int, payload: bytes) -> bytes:
    """A record of an .xls stream."""
    return struct.pack("<HH", kind, len(payload)) + payload


def label(row: int, column: int, text: str) -> bytes:
    """A text, rows and columns from 0."""
    return record(0x204, struct.pack("<HHHHB", row, column, 0, len(text), 1) + text.encode("utf-16-le"))


def number(row: int, column: int, value: float) -> bytes:
    """A number."""
    return record(0x203, struct.pack("<HHHd", row, column, 0, value))


def boolean(row: int, column: int, value: int, error: int = 0) -> bytes:
    """TRUE or FALSE, or an error value."""
    return record(0x205, struct.pack("<HHHBB", row, column, 0, value, error))


def xls(path: Path, sheets: dict[str, bytes], *, globals_: bytes = b"", hidden: tuple[str, ...] = ()):
    """An .xls file of BIFF8 records."""

    def beginning(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0xDBB, 0x7CC, 0x41, 6))

    def book(starts: list[int]) -> bytes:
        names = b"".join(
            record(0x85, struct.pack("<IBBBB", at, n in hidden, 0, len(n), 1) + n.encode("utf-16-le"))
            for n, at in zip(sheets, starts, strict=True)
        )
        return beginning(5) + globals_ + names + _EOF

    at, starts, body = len(book([0] * len(sheets))), [], b""
    for content in sheets.values():
        starts.append(at + len(body))
        body += beginning(0x10) + content + _EOF
    return compound(path, "Workbook", book(starts) + body)
