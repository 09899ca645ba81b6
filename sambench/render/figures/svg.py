"""From a figure to the text of an SVG file: themes, marks, the same bytes every time."""

import io
import re
from xml.etree import ElementTree as ET

from sambench.render.figures import marks, style
from sambench.render.figures.plot import Plot

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
REFERENCE = re.compile(r"#([^)]+)")
DEFAULTS = {"stroke-width": "1", "stroke-linejoin": "miter", "opacity": "1", "fill-opacity": "1"}


def render(plot: Plot) -> str:
    """The file. Call it inside `style.settings`, as everything that draws."""
    buffer = io.StringIO()
    plot.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    root = ET.fromstring(buffer.getvalue())
    for kind in ("metadata", "defs"):
        for parent in list(root.iter()):
            for child in parent.findall(f"{SVG}{kind}"):
                if kind == "metadata" or child.find(f"{SVG}style") is not None:
                    parent.remove(child)
    for element in root.iter():
        _restyle(element)
        _round(element)
    _name_by_content(root, plot.name)
    _drop_ids(root)
    _head(root, plot)
    ET.register_namespace("", SVG[1:-1])
    drawn = ET.tostring(root, encoding="unicode").removesuffix("</svg>")
    return f"{drawn}{marks.svg(plot.marks, 72 * plot.height)}</svg>\n"


def _restyle(element: ET.Element) -> None:
    """Style properties as attributes, which style sheets can override; colours as classes."""
    found = element.attrib.pop("style", "")
    pairs = [part.split(":", 1) for part in found.split(";") if ":" in part]
    given = {name.strip(): value.strip() for name, value in pairs}
    classes = []
    for name, value in given.items():
        if name in ("font-family", "font") or DEFAULTS.get(name) == value:
            continue
        if name in ("fill", "stroke"):
            value, hue = style.painted(name, value)
            classes += [hue] if hue else []
        element.set(name, value.removesuffix("px"))
    if classes:
        element.set("class", " ".join(classes))
    if element.tag == f"{SVG}text" and "fill" not in given:
        element.set("fill", "currentColor")
    if target := element.attrib.pop(HREF, None):
        element.set("href", target)


def _round(element: ET.Element) -> None:
    """Hundredths of a point, from the millionths that matplotlib writes."""
    for name in ("d", "x", "y", "width", "height", "transform", "points"):
        if value := element.get(name):
            if name == "transform" and value.startswith("rotate(-0 "):
                del element.attrib[name]
                continue
            value = NUMBER.sub(
                lambda number: f"{float(number[0]):z.2f}".rstrip("0").rstrip("."), value
            )
            element.set(name, re.sub(r"\s+", " ", value).strip())


def _name_by_content(root: ET.Element, prefix: str) -> None:
    """Ids of what others refer to: matplotlib's hash the last bits of places that we round."""
    names: dict[str, str] = {}
    renamed: dict[str, str] = {}
    for parent in root.iter(f"{SVG}defs"):
        children = list(parent)
        for child in children:
            old = child.attrib.pop("id", "")
            content = ET.tostring(child, encoding="unicode").strip()
            if content in names:
                parent.remove(child)
            name = names.setdefault(content, f"{prefix}-part-{len(names)}")
            child.set("id", name)
            renamed[old] = name
        if len(parent):
            parent[-1].tail = children[-1].tail
    for element in root.iter():
        for name in ("clip-path", "href"):
            if found := REFERENCE.search(element.get(name, "")):
                element.set(name, found.string.replace(found[0], f"#{renamed[found[1]]}"))


def _drop_ids(root: ET.Element) -> None:
    """What nothing refers to needs no id."""
    text = ET.tostring(root, encoding="unicode")
    used = set(re.findall(r"(?:url\(|href=\")#([^\")]+)", text))
    for element in root.iter():
        if element.get("id", "") not in used:
            element.attrib.pop("id", None)


def _head(root: ET.Element, plot: Plot) -> None:
    for name in ("version", "width", "height"):
        root.attrib.pop(name, None)
    size = plot.figure.get_size_inches() * 96
    root.set("class", "sambench-figure")
    root.set("width", f"{size[0]:.0f}")
    root.set("height", f"{size[1]:.0f}")
    root.set("role", "img")
    root.set("aria-label", plot.alt)
    sheet = ET.Element(f"{SVG}style")
    sheet.text = (
        f".sambench-figure {{ color: {style.INK}; color-scheme: light dark; "
        f"font-family: {style.FONT} }}\n"
        "@media (prefers-color-scheme: dark) { .sambench-figure { color: #e6edf3 } }\n"
        f"{style.css('.sambench-figure')}\n"
    )
    root.insert(0, sheet)
