"""What an SVG file shows: its marks and what they tell, its texts and where they stand."""

from xml.etree import ElementTree as ET

import numpy as np

SVG = "{http://www.w3.org/2000/svg}"


def points(root: ET.Element) -> list[ET.Element]:
    return [e for e in root.iter() if "point" in e.get("class", "").split()]


def told(root: ET.Element) -> list[str]:
    return [point.findtext(f"{SVG}title", "") for point in points(root)]


def told_by(mark: ET.Element) -> str:
    return mark.findtext(f"{SVG}title", "")


def words(root: ET.Element) -> str:
    """All that is written, in the order of the file."""
    return " ".join(text.text or "" for text in root.iter(f"{SVG}text"))


def marks(root: ET.Element, start: str) -> list[ET.Element]:
    return [e for e in points(root) if e.get("id", "").startswith(start)]


def places(found: list[ET.Element]) -> np.ndarray:
    """(n, 2), from the upper left corner."""
    return np.array([[float(e.get("x", "")), float(e.get("y", ""))] for e in found])


def group(root: ET.Element, mark: ET.Element) -> ET.Element:
    return next(g for g in root.iter(f"{SVG}g") if mark in list(g))


def shaded(root: ET.Element) -> list[ET.Element]:
    return [e for e in root.iter() if e.get("opacity") == "0.1"]


def boxes(root: ET.Element) -> list[tuple[str, tuple[float, float, float, float]]]:
    """Where upright texts stand, for letters as wide as those of a wide font."""
    found = []
    for text in root.iter(f"{SVG}text"):
        if "rotate" in text.get("transform", ""):
            continue
        x, y, size = (float(text.get(k, "")) for k in ("x", "y", "font-size"))
        width = 0.55 * size * len(text.text or "")
        left = {"start": x, "middle": x - width / 2, "end": x - width}[
            text.get("text-anchor", "start")
        ]
        found.append((text.text or "", (left, y - 0.75 * size, left + width, y + 0.1 * size)))
    return found
