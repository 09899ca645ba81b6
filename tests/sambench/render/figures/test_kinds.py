"""What a figure says is what it shows, whatever kind of study it is of."""

import re
import sys
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from sambench.records import Records
from sambench.render.figures.plot import NAME, shorten

sys.path.insert(0, str(Path(__file__).parent))
from kinds import FIGURES, KINDS, drawn
from reading import SVG, boxes, group, points, told, words

pytest.importorskip("matplotlib")
CASES = [(kind, name) for kind, names in FIGURES.items() for name in names]
TABLES = {"intervals": "ranking", "differences": "ranking", "search": "pool", "radius": "profile"}
AXES = {  # across, upwards; "" where names of arms stand
    "tuning": ("budget, in full runs of plain (log scale)", "test accuracy, %"),
    "intervals": ("test accuracy, %", ""),
    "differences": ("points of test accuracy above ", ""),
    "cost": ("gradient evaluations of a run, plain being 1", "test accuracy, %"),
    "cost-time": ("seconds of a run", "test accuracy, %"),
    "cost-memory": ("peak memory of a run, MiB", "test accuracy, %"),
    "search": ("learning rate (log)", r"(radius \(log\)|validation(| accuracy), %)"),
    "radius": ("rho (log)", "validation accuracy, %"),
    "curves": ("epochs", "validation accuracy, %"),
}
NUMBER = re.compile(r"\u2212?[\d,.]+")
VALUE = re.compile(r": ([-+\d.]+)(?:%| points)")


class Figure(NamedTuple):
    """As drawn, and the arms of its table."""

    alt: str
    root: ET.Element
    arms: set[str]


@pytest.fixture(scope="module")
def figure(make: Callable[..., Records]) -> Callable[[str, str], Figure]:
    """figure("few", "cost")"""

    @cache
    def study(kind: str) -> dict[str, Figure]:
        found = KINDS[kind](make)
        ranked = found.tables["ranking"].query("score == score")
        figures = {}
        for one in drawn(found):
            table = found.tables[TABLES.get(one.name, one.name.partition("-")[0])]
            arms = set(table["variant"])
            if one.name in ("intervals", "cost", "cost-time", "cost-memory"):
                arms &= set(ranked["variant"])
            if one.name == "differences":
                arms = set(table.query("difference == difference")["variant"])
            figures[one.name] = Figure(one.alt, ET.fromstring(one.svg), arms)
        assert tuple(figures) == FIGURES[kind]
        return figures

    return lambda kind, name: study(kind)[name]


def paths(root: ET.Element, **attributes: str) -> list[ET.Element]:
    """Those with these attributes, "_" for "-"."""
    wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
    return [e for e in root.iter() if wanted.items() <= e.attrib.items() and e.get("d")]


def named(root: ET.Element, part: str) -> list[ET.Element]:
    return [e for e in points(root) if part in e.get("id", "")]


def dashed(root: ET.Element) -> list[ET.Element]:
    """Lines with dashes of 3 and 2 points, or their multiples by a line's width."""
    return [e for e in root.iter() if e.get("stroke-dasharray") and e.get("stroke-width") != "0.6"]


# --- the words


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_it_has_as_many_arms_as_it_says(figure, kind: str, name: str):
    found = figure(kind, name)
    said = re.search(r"(\d+) arms?\b", found.alt)
    assert said and int(said[1]) == len(found.arms)
    shown = {re.split(r"[:,] ", text)[0] for text in told(found.root)}
    assert shown == found.arms


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_arm_has_its_name_written(figure, kind: str, name: str):
    found = figure(kind, name)
    written = {text.text for text in found.root.iter(f"{SVG}text")}
    assert {shorten(arm, NAME) for arm in found.arms} <= written


@pytest.mark.parametrize(("kind", "name"), [case for case in CASES if case[1] != "radius"])
def test_the_best_arm_is_the_best_of_its_marks(figure, kind: str, name: str):
    found = figure(kind, name)
    shown = [text for text in told(found.root) if VALUE.search(text)]
    if name == "curves":  # each line's last
        ends = {text.split(",")[0]: text for text in shown}
        shown = list(ends.values())
    if name == "tuning":
        shown = [e.findtext(f"{SVG}title", "") for e in named(found.root, "-end-")]
    best = max(shown, key=lambda text: float(VALUE.search(text)[1]))  # pyright: ignore
    arm, value = re.split(r"[:,] ", best)[0], VALUE.search(best)[1]  # pyright: ignore
    said = {
        "tuning": f"budget: {arm} {value}%",
        "differences": f"; {arm} comes first with {value} points",
        "curves": f"; {arm} ends highest, at {value}%",
        "search": f"; the best, of {arm}, has {value}%",
    }.get(name, f"; {arm} has the highest, {value}%")
    assert said in found.alt


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_caption_tells_of_bands_that_are_drawn(figure, kind: str, name: str):
    root = figure(kind, name).root
    bands = [e for e in root.iter() if e.get("opacity") in ("0.1", "0.16") and e.get("d")]
    assert bool(bands) == ("band" in words(root).lower())


def _retrained(root: ET.Element) -> list[ET.Element]:
    return named(root, "-retrained-")


def _hollow(root: ET.Element) -> list[ET.Element]:
    return [e for e in points(root) if group(root, e).get("fill") == "none"]


def _filled(root: ET.Element) -> list[ET.Element]:
    return [e for e in points(root) if group(root, e).get("fill") != "none"]


def _bars(root: ET.Element) -> list[ET.Element]:
    return paths(root, opacity="0.5", fill="none")


def _barless(root: ET.Element) -> list[ET.Element]:
    return points(root)[len(_bars(root)) :]


Shown = dict[str, Callable[[ET.Element], list[ET.Element]]]
COST: Shown = {"95% interval": _bars, "of those in colour and of plain alone": _barless}
TOLD: dict[str, Shown] = {
    "tuning": {
        "ands and bars: 95%|Bars: 95%": lambda root: paths(root, stroke_width="1.1"),
        "Dashed, upright: the study's budget": lambda root: paths(root, stroke_width="0.9"),
        "then all others in one place": lambda root: [
            e for e in named(root, "-end-") if group(root, e).get("fill-opacity") == "0.45"
        ],
    },
    "intervals": {
        "95% interval": lambda root: paths(root, stroke_width="1.6"),
        "Upright lines: the arms of plain": lambda root: paths(root, stroke_width="0.9"),
        "Hollow: not ranked": _hollow,
    },
    "differences": {
        "95% interval": lambda root: paths(root, stroke_width="1.6"),
        "Filled: the arm beats": _filled,
        "Hollow: no arm beats": lambda root: [] if _filled(root) else _hollow(root),
    },
    "cost": COST,
    "cost-time": COST,
    "cost-memory": COST,
    "search": {
        "ring: the best": lambda root: paths(root, fill="none"),
        "square: retrained": _retrained,
        "cross: diverged": lambda root: named(root, "-diverged-"),
        "dashed lines": dashed,
    },
    "radius": {
        "Solid, upright: the setting to use": lambda root: named(root, "-use-"),
        "Dashed: the paper's default": lambda root: named(root, "-default-"),
        "Bar below": lambda root: paths(root, stroke_width="3"),
    },
    "curves": {},
}


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_caption_tells_of_marks_that_are_drawn_and_of_no_others(figure, kind: str, name: str):
    root = figure(kind, name).root
    for said, shown in TOLD[name].items():
        assert bool(re.search(said, words(root))) == bool(shown(root)), said


@pytest.mark.parametrize(("kind", "name"), [case for case in CASES if case[1] == "search"])
def test_points_are_counted(figure, kind: str, name: str):
    found = figure(kind, name)
    lost = named(found.root, "-diverged-")
    said = re.search(r"of (\d+) points .* (none|\d+) diverged", found.alt)
    assert said and said[2] == (str(len(lost)) if lost else "none")
    assert int(said[1]) == len(points(found.root)) - len(lost)
    assert ("and radius" in found.alt) == ("radius (log)" in words(found.root))


def test_what_has_not_run_again_is_not_called_retrained(figure):
    """In a pool that is not done no point has; with some reruns, two of each arm have."""
    assert not _retrained(figure("partial", "search").root)
    assert len(_retrained(figure("half", "search").root)) == 2 * 6
    for kind in ("partial", "half"):
        texts = told(figure(kind, "search").root)
        again = sum(", retrained" in text for text in texts)
        assert again == len(_retrained(figure(kind, "search").root))


@pytest.mark.parametrize(("kind", "name"), [case for case in CASES if case[1] == "radius"])
def test_settings_to_use_are_those_marked(figure, kind: str, name: str):
    found = figure(kind, name)
    texts = [e.findtext(f"{SVG}title", "") for e in named(found.root, "-use-")]
    marked = re.findall(r"(\S+): the setting to use, (\S+ [\d.]+)", "\n".join(texts))
    said = re.search(r"settings to use \((.*?)\)", found.alt)
    assert (said[1] if said else "").startswith("; ".join(" ".join(one) for one in marked[:6]))
    assert len(marked) == len(texts) and bool(said) == bool(marked)


# --- the axes


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_every_axis_has_its_name_beside_it(figure, kind: str, name: str):
    """Below a row of numbers, of which there are two, and above a column of them."""
    across, upwards = AXES[name]
    texts = list(figure(kind, name).root.iter(f"{SVG}text"))
    at = {id(t): (float(t.get("x", "")), float(t.get("y", ""))) for t in texts}
    ticks = [t for t in texts if NUMBER.fullmatch(t.text or "")]
    rows = {at[id(t)][1] for t in ticks if t.get("text-anchor") == "middle"}
    columns = {at[id(t)][0] for t in ticks if t.get("text-anchor") == "end"}
    assert rows and (columns or not upwards)
    for row in rows:
        assert sum(at[id(t)][1] == row for t in ticks) > 1
        below = [t for t in texts if 5 < at[id(t)][1] - row < 25 and across in (t.text or "")]
        assert below, row
    for column in columns:
        edge = column + 4.5
        above = [t for t in texts if abs(at[id(t)][0] - edge) < 1 and upwards
                 and re.fullmatch(upwards, t.text or "")]  # fmt: skip
        assert above, column


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_accuracies_end_where_accuracies_do(figure, kind: str, name: str):
    """No tick beyond 0 or 100%, and what reaches beyond is cut inside the figure."""
    if name == "differences":
        return
    root = figure(kind, name).root
    anchor = "middle" if name == "intervals" else "end"
    ticks = [t.text or "" for t in root.iter(f"{SVG}text") if t.get("text-anchor") == anchor]
    numbers = [
        float(t.replace("\u2212", "-").replace(",", "")) for t in ticks if NUMBER.fullmatch(t)
    ]
    assert all(0 <= number <= 100 for number in numbers)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    strokes = [e.get("d", "") for e in root.iter() if e.get("stroke") and e.get("d")]
    ends = [tuple(map(float, end)) for d in strokes for end in re.findall(r"[ML] (\S+) (\S+)", d)]
    inside = [0 <= x <= width and 0 <= y <= height for x, y in ends if abs(x) > 10 or abs(y) > 10]
    assert all(inside)


# --- the layout


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_no_text_covers_another_or_leaves_the_figure(figure, kind: str, name: str):
    root = figure(kind, name).root
    width = float(root.get("viewBox", "").split()[2])
    found = boxes(root)
    for (a, one), (b, two) in combinations(found, 2):
        apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
        assert apart, f"{a!r} and {b!r}"
    for text, (left, _, right, _) in found:
        assert left > -2 and right < width + 4, text


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_text_is_nine_pixels_on_a_phone(figure, kind: str, name: str):
    root = figure(kind, name).root
    width = float(root.get("viewBox", "").split()[2])
    sizes = [float(text.get("font-size", "")) for text in root.iter(f"{SVG}text")]
    assert min(sizes) * 400 / width >= 9


@pytest.mark.parametrize("kind", [kind for kind, names in FIGURES.items() if "search" in names])
@pytest.mark.parametrize("name", ["search", "radius"])
def test_panels_leave_no_hole(figure, kind: str, name: str):
    """Every row of frames ends at the same right edge."""
    if name not in FIGURES[kind]:
        return
    root = figure(kind, name).root
    frames = next(
        e.get("d", "") for e in paths(root, stroke_width="0.6") if e.get("fill") == "none"
    )
    lines = re.findall(r"M (\S+) (\S+) L (\S+) (\S+)", frames)
    bottoms: dict[str, float] = {}
    for left, y, right, y1 in lines:
        if y == y1 and float(right) - float(left) > 40:  # not a tick
            bottoms[y] = max(bottoms.get(y, 0), float(right))
    assert len({round(right, 1) for right in bottoms.values()}) == 1
