"""Multiple-response sets of an SPSS file (extension records 7 and 19), read and written.

Grammar of a set: `$name=C 5 Label v1 v2`, `$name=D1 1 5 Label v1 v2` (D, length and text of the counted value, then
length and text of the label, then members by short name), or `$name=E 1 1 1 5 Label v1 v2` in record 19.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from survey_kit.codebook import Code, MultipleResponse, format_code
from survey_kit.errors import listed
from survey_kit.io.spss.sav_records import SavDictionary
from survey_kit.schema import Notice

_HEAD = re.compile(rb"\$([^=\n]*)=(?:(C) |(D)(?= ?\d)|(E) (?:1|11) )")
_COUNT = re.compile(rb" ?(\d+) ")
_MEMBERS = re.compile(rb"([^\n]*)(?:\n|$)")
_Parsed = tuple[str | None, str, list[bytes]]


def read_sets(found: SavDictionary, encoding: str) -> tuple[dict[str, MultipleResponse], list[Notice]]:
    """Every set that can be read, and a notice for each that cannot."""
    sets: dict[str, MultipleResponse] = {}
    notices = []
    widths = zip(found.names(encoding), found.real_variables(), strict=True)
    texts = {name for name, variable in widths if variable.width > 0}
    for payload in (found.extensions.get(7, b""), found.extensions.get(19, b"")):
        for name, raw in _split(payload.strip(b"\0"), encoding):
            problem = raw if isinstance(raw, str) else _add(sets, name, raw, found, texts, encoding)
            if problem:
                notices.append(Notice("multiple_response", f"The multiple-response set '{name}' {problem}."))
    return sets, notices


def _split(payload: bytes, encoding: str) -> Iterable[tuple[str, _Parsed | str]]:
    at = 0
    while at < len(payload):
        head = _HEAD.match(payload, at)
        if head is None:
            line, _, _ = payload[at:].partition(b"\n")
            at += len(line) + 1
            name = line.partition(b"=")[0].decode(encoding, "replace").removeprefix("$")
            if line.strip():
                yield name, "has a form that is not known and was left out"
            continue
        name = head.group(1).decode(encoding, "replace")
        try:
            parsed, at = _one(payload, head, encoding)
        except ValueError:
            at = (payload.find(b"\n", at) + 1) or len(payload)
            yield name, "is damaged and was left out"
            continue
        yield name, parsed


def _one(payload: bytes, head: re.Match[bytes], encoding: str) -> tuple[_Parsed, int]:
    at = head.end()
    counted = None
    if not head.group(2):
        counted, at = _counted_text(payload, at, encoding)
    label, at = _counted_text(payload, at, encoding)
    members = _MEMBERS.match(payload, at)
    names = members.group(1).split() if members else []
    return (counted, label, names), members.end() if members else len(payload)


def _counted_text(payload: bytes, at: int, encoding: str) -> tuple[str, int]:
    size = _COUNT.match(payload, at)
    if size is None or size.end() + int(size.group(1)) > len(payload):
        raise ValueError("no counted text here")
    end = size.end() + int(size.group(1))
    return payload[size.end() : end].decode(encoding, "replace"), end


def _add(
    sets: dict[str, MultipleResponse],
    name: str,
    raw: _Parsed,
    found: SavDictionary,
    texts: set[str],
    encoding: str,
) -> str:
    """Add a set; returns what is wrong with it, or ""."""
    counted, label, members = raw
    columns = [_column(member, found, encoding) for member in members]
    known = [c for c in columns if c is not None]
    lost = [m.decode(encoding, "replace") for m, c in zip(members, columns, strict=True) if c is None]
    if lost:
        return f"names columns that the file does not have ({listed(lost)}) and was left out"
    if not members:
        return "has no columns and was left out"
    made = MultipleResponse(name, tuple(known), _typed(counted, known[0] in texts), label.rstrip())
    if sets.setdefault(name, made) != made:
        return "is there twice with different columns; the first was kept"
    return ""


def _column(member: bytes, found: SavDictionary, encoding: str) -> str | None:
    """The column that a set means: by short name, in any case, else by long name."""
    long = found.long_names
    if member.upper() in long:
        return long[member.upper()].decode(encoding, "replace")
    wanted = member.decode(encoding, "replace").upper()
    for short, name in long.items():
        column = name.decode(encoding, "replace")
        if wanted in (short.decode(encoding, "replace").upper(), column.upper()):
            return column
    return None


def _typed(counted: str | None, is_text: bool) -> Code | None:
    if counted is None:
        return None
    try:
        return counted.rstrip() if is_text else float(counted)
    except ValueError:
        return counted.rstrip()


def set_record(sets: Iterable[MultipleResponse], shorts: Mapping[str, bytes]) -> bytes:
    """The payload of extension record 7 in UTF-8. `shorts` maps column names to short names."""
    return b"".join(_line(s, shorts) for s in sets)


def _line(group: MultipleResponse, shorts: Mapping[str, bytes]) -> bytes:
    members = b" ".join(shorts[c].lower() for c in group.columns)
    label = group.label.replace("\n", " ").encode()
    kind = b"C"
    if group.counted is not None:
        value = format_code(group.counted).encode()
        kind = b"D%d %b" % (len(value), value)
    return b"$%b=%b %d %b %b\n" % (group.name.encode(), kind, len(label), label, members)
