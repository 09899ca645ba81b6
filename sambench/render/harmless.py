"""Whether an SVG file only draws: it will stand in a page, where anything else could act."""

import re
from xml.etree import ElementTree as ET

from sambench.render.seal import drawing

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {
    *("svg", "style", "g", "defs", "clipPath", "path", "rect", "use", "text", "tspan", "title"),
}
ATTRIBUTES = {
    *("aria-label", "class", "clip-path", "d", "fill", "fill-opacity", "font-size", "font-weight"),
    *("height", "href", "id", "opacity", "points", "role", "stroke", "stroke-dasharray"),
    *("stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit"),
    *("stroke-opacity", "stroke-width", "text-anchor", "transform", "viewBox", "width", "x", "y"),
}
INSIDE = re.compile(r"#[\w-]+|url\(#[\w-]+\)")
OUTWARD = re.compile(r"url\s*\(|[@\\]import|script:|expression\s*\(|\\", re.IGNORECASE)


def is_harmless(svg: str) -> bool:
    """Whether all elements and attributes are those that our figures have, and point inside."""
    root = _parsed(svg)
    if root is None:
        return False
    styles = list(root.iter(f"{SVG}style"))
    return (
        root.tag == f"{SVG}svg"
        and all(_draws(element) for element in root.iter())
        and not any(OUTWARD.search(style.text or "") for style in styles)
        and styles == list(root)[: len(styles)]
        and len(styles) <= 1
    )


def alt(svg: str) -> str:
    """What it says to those who cannot see it."""
    root = _parsed(svg)
    return "" if root is None else root.get("aria-label", "")


def _parsed(svg: str) -> ET.Element | None:
    """None for what declares or comments anything but its seal, or is no XML."""
    text = drawing(svg)
    if "<!" in text or "<?" in text:
        return None
    try:
        return ET.fromstring(text)
    except ET.ParseError:
        return None


def _draws(element: ET.Element) -> bool:
    return element.tag.removeprefix(SVG) in ELEMENTS and all(
        name in ATTRIBUTES and _stays(name, value) for name, value in element.attrib.items()
    )


def _stays(name: str, value: str) -> bool:
    if name in ("href", "clip-path"):
        return INSIDE.fullmatch(value) is not None
    return name == "aria-label" or not OUTWARD.search(value)
