"""A chart's SVG made fit to stand inside an HTML page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from survey_kit.errors import OutputError

_DROPPED = ("metadata", "script", "foreignObject", "iframe", "animate", "set")
_REFERENCE = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
_FONT_SIZE = re.compile(r"font(?:-size)?:\s*(?:[a-z0-9]+\s+)*?([\d.]+)px")
_LEAST_TYPE = 9.0  # px, below which a figure scrolls rather than shrinks
_USUAL_TYPE = 8.0  # user units, where a chart does not state its type size


def inline_svg(text: str, ident: str, alt: str) -> str:
    """The SVG without prolog, namespaces, scripts and outside references; ids led by `ident`, named by `alt`.

    Raises:
        OutputError: the chart gave no well-formed SVG.
    """
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as problem:
        raise OutputError(
            f"The chart of figure {ident!r} is not well-formed SVG ({problem}). Draw it again."
        ) from problem
    _clean(root, ident)
    _use_box(root)
    for name in ("aria-labelledby", "aria-describedby"):  # would outrank the label
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", alt)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def least_width(text: str) -> int:
    """The width in px under which the smallest type of an SVG falls below 9 px."""
    box = re.search(r'viewBox="[\d.\-]+ [\d.\-]+ ([\d.]+) [\d.]+"', text)
    sizes = [float(size) for size in _FONT_SIZE.findall(text) if float(size) > 0]
    return round(float(box.group(1)) * _LEAST_TYPE / min(sizes, default=_USUAL_TYPE)) if box else 0


def _clean(element: ElementTree.Element, ident: str) -> None:
    element.tag = _local(element.tag)
    for name, value in list(element.attrib.items()):
        del element.attrib[name]
        plain = _local(name)
        kept = _attribute(plain, value, ident)
        if kept is not None:
            element.set(plain, kept)
    for child in list(element):
        if not isinstance(child.tag, str) or _local(child.tag) in _DROPPED:
            _drop(element, child)
        elif _local(child.tag) == "style":
            _inherit(element, child)
        else:
            _clean(child, ident)


def _attribute(name: str, value: str, ident: str) -> str | None:
    """The value that an attribute keeps; None where it goes."""
    if name.lower().startswith("on"):
        return None
    if name == "id":
        return f"{ident}-{value}"
    if name == "href":
        inside = value.startswith("data:image/")
        return f"#{ident}-{value[1:]}" if value.startswith("#") else value if inside else None
    return _REFERENCE.sub(lambda found: f"url(#{ident}-{found.group(1)})", value)


def _inherit(parent: ElementTree.Element, style: ElementTree.Element) -> None:
    """A rule for everything ("*{...}") becomes a property of the parent, so that it does not reach the page."""
    rule = re.fullmatch(r"\s*\*\s*\{([^{}]*)\}\s*", style.text or "")
    if rule:
        parent.set("style", ";".join(filter(None, [parent.get("style", ""), rule.group(1).strip()])))
    _drop(parent, style)


def _drop(parent: ElementTree.Element, child: ElementTree.Element) -> None:
    tail = (child.tail or "").strip()
    if tail:
        at = list(parent).index(child)
        if at:
            parent[at - 1].tail = (parent[at - 1].tail or "") + tail
        else:
            parent.text = (parent.text or "") + tail
    parent.remove(child)


def _use_box(root: ElementTree.Element) -> None:
    """Let the page decide the size: width and height become a viewBox."""
    width, height = root.attrib.pop("width", ""), root.attrib.pop("height", "")
    if "viewBox" not in root.attrib and width and height:
        root.set("viewBox", f"0 0 {re.sub('[a-z]+', '', width)} {re.sub('[a-z]+', '', height)}")


def _local(name: str) -> str:
    return name.rpartition("}")[2]
