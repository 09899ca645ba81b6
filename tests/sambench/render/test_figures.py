import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from sambench.errors import UserError
from sambench.render import figures
from sambench.render.figures import labels, scales, style
from sambench.render.figures.known import thinned
from sambench.render.figures.marks import outline
from sambench.render.figures.panels import Panel

sys.path.insert(0, str(Path(__file__).parent))
from frames import empty, tables

pytest.importorskip("matplotlib")
SVG = "{http://www.w3.org/2000/svg}"
FOUR = ["plain", "sam", "asam", "esam"]
FORTY = ["plain", *(f"variant_number_{i}" for i in range(39))]
NAMES = (
    "accuracy",
    "differences",
    "differences-equal-epochs",
    "cost",
    "cost-time",
    "cost-memory",
    "search",
    "sensitivity",
    "budget",
    "curves",
)


@pytest.fixture(scope="module")
def four() -> dict[str, ET.Element]:
    return {
        drawn.name: ET.fromstring(drawn.svg)
        for drawn in figures.render(tables(FOUR), {"sam": "lr 0.1, rho 0.05, 10 epochs"})
    }


@pytest.fixture(scope="module")
def forty() -> dict[str, ET.Element]:
    return {drawn.name: ET.fromstring(drawn.svg) for drawn in figures.render(tables(FORTY))}


def points(root: ET.Element) -> list[ET.Element]:
    return [e for e in root.iter() if "point" in e.get("class", "").split()]


def told(root: ET.Element) -> list[str]:
    return [point.findtext(f"{SVG}title", "") for point in points(root)]


def test_every_figure_is_drawn(four):
    assert tuple(four) == NAMES


def test_no_data_no_figure():
    assert figures.render(empty()) == ()


def few(variants: list[str]) -> dict[str, pd.DataFrame]:
    """Tables of three figures only."""
    found = tables(variants)
    return {**empty(), "ranking": found["ranking"], "results": found["results"]}


def test_files_and_alt_texts(tmp_path):
    found = figures.draw(few(FOUR), tmp_path / "digits")
    written = sorted(path.name for path in (tmp_path / "digits").iterdir())
    assert sorted(f"{name.removeprefix('digits/')}" for name, _ in found) == written
    assert written == ["accuracy.svg", "differences-equal-epochs.svg", "differences.svg"]
    assert all("4 variants" in alt or "3 variants" in alt for _, alt in found)


def test_the_same_tables_give_the_same_bytes_in_another_process(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from test_figures import FOUR, few;"
        "from sambench.render import figures; figures.draw(few(FOUR), sys.argv[2])"
    )
    here = Path(__file__).parent
    subprocess.run([sys.executable, "-c", code, str(here), str(tmp_path)], check=True)
    for drawn in figures.render(few(FOUR)):
        assert (tmp_path / f"{drawn.name}.svg").read_text() == drawn.svg


def test_nothing_tells_when_or_by_what_it_was_drawn(four):
    for root in four.values():
        text = ET.tostring(root, encoding="unicode")
        assert "metadata" not in text and "atplotlib" not in text and "2026" not in text


@pytest.mark.parametrize("name", NAMES)
def test_ink_follows_the_theme(four, name):
    root = four[name]
    sheet = root.findtext(f"{SVG}style", "")
    assert "prefers-color-scheme: dark" in sheet and "color-scheme: light dark" in sheet
    for element in root.iter():
        assert element.get("style") is None
        for property_ in ("fill", "stroke"):
            assert (element.get(property_) or "").lower() not in ("#000000", style.INK)
    hues = {c for e in root.iter() for c in re.findall(r"\b[fs]\d\b", e.get("class", ""))}
    assert hues or name == "search"
    background = [e for e in root.iter() if e.get("fill") in ("#ffffff", "white")]
    assert not background


@pytest.mark.parametrize(("ground", "column"), [("#ffffff", 0), ("#0d1117", 1)])
def test_hues_are_legible(ground, column):
    for pair in style.HUES.items():
        assert contrast(pair[column], ground) >= 3, pair


def contrast(a: str, b: str) -> float:
    def luminance(colour: str) -> float:
        channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted([luminance(a), luminance(b)])
    return (light + 0.05) / (dark + 0.05)


def test_no_two_of_the_best_share_a_hue_or_a_marker():
    look = style.Look(tuple(FORTY), frozenset(["plain"]))
    assert len(look.best) == 6
    assert len({look.colour(v) for v in look.best}) == len({look.marker(v) for v in look.best}) == 6
    assert look.colour("plain") == style.INK and look.marker("plain") not in style.MARKERS


@pytest.mark.parametrize("name", NAMES)
def test_every_point_has_an_id_of_its_own_and_a_text(four, name):
    found = points(four[name])
    assert found and all(told(four[name]))
    ids = [e.get("id") for e in four[name].iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(rf"{name}-[a-z0-9-]+-\d+", point.get("id", "")) for point in found)


def test_points_are_the_rows(four):
    frames = tables(FOUR)
    assert len(points(four["search"])) == len(frames["search"])
    assert len(points(four["curves"])) == len(frames["curves"])
    runs = frames["results"].query("ranking == 'equal-compute'")
    assert len(points(four["accuracy"])) == len(runs) + len(FOUR)
    assert sum("diverged" in text for text in told(four["search"])) == 3


def test_marks_stand_where_their_values_say(four):
    """Among the points of one panel: further right is a larger radius, higher up a better score."""
    marks = [
        e for e in points(four["sensitivity"]) if e.get("id", "").startswith("sensitivity-sam-")
    ]
    found = [
        re.search(r": ([\d.]+)%.*rho ([\d.]+)", e.findtext(f"{SVG}title", ""), re.S) for e in marks
    ]
    scores, radii = (np.array([float(m[i]) for m in found if m]) for i in (1, 2))
    xs, ys = (np.array([float(e.get(name, "")) for e in marks]) for name in ("x", "y"))
    assert len(scores) == len(marks) > 5
    assert np.corrcoef(xs, np.log(radii))[0, 1] > 0.999
    assert np.corrcoef(ys, scores)[0, 1] < -0.999


def test_a_panel_places_by_its_scales():
    panel = Panel(1.0, 2.0, 4.0, 1.0, scales.Scale(0.01, 1, log=True), scales.Scale(0, 10))
    assert panel.place(np.array([[0.1, 5.0], [1.0, 0.0]])) == pytest.approx(
        72 * np.array([[3.0, 2.5], [5.0, 2.0]])
    )


def test_a_mark_is_as_large_as_its_area():
    assert outline("s", 4.0) == "M -1 1 L 1 1 L 1 -1 L -1 -1 z"


def test_hover_names_configuration_seed_and_value(four):
    run = tables(FOUR)["results"].query("variant == 'sam'").iloc[3]
    expected = f"sam, seed {run.seed}: {100 * run.test_accuracy:.2f}% test"
    found = [text for text in told(four["accuracy"]) if text.startswith(expected)]
    assert len(found) == 1 and found[0].endswith("\nlr 0.1, rho 0.05, 10 epochs")


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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num", ["four", "forty"])
def test_no_label_covers_another_or_leaves_the_figure(name, num, request):
    root = request.getfixturevalue(num)[name]
    width = float(root.get("viewBox", "").split()[2])
    found = boxes(root)
    for (a, one), (b, two) in combinations(found, 2):
        apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
        assert apart, f"{a!r} and {b!r}"
    for text, (left, _, right, _) in found:
        assert left > -2 and right < width + 4, text


def test_text_is_ten_pixels_on_a_phone(forty):
    for root in forty.values():
        _, _, width, _ = map(float, root.get("viewBox", "").split())
        sizes = [float(text.get("font-size", "")) for text in root.iter(f"{SVG}text")]
        assert min(sizes) * 400 / width >= 9


def test_hostile_names_stay_text():
    name = '<script>alert("&")</script>'
    for drawn in figures.render(few(["plain", name, "sam"])):
        assert "<script" not in drawn.svg
        assert any(name in text for text in told(ET.fromstring(drawn.svg)))


def test_names_that_differ_in_punctuation_only():
    found = figures.render(few(["plain", "sam!", "sam?"]))
    ids = [point.get("id") for point in points(ET.fromstring(found[0].svg))]
    assert len(ids) == len(set(ids))


def test_one_variant_without_intervals():
    found = tables(["plain"])
    found["ranking"][["low", "high"]] = np.nan
    assert [drawn.name for drawn in figures.render(found)] == [
        "accuracy",
        "search",
        "budget",
        "curves",
    ]


def test_only_some_search_runs_are_drawn_but_the_best():
    frame = pd.DataFrame(
        {"variant": ["a", "b"] * 1000, "trial": range(2000), "val_accuracy": [0.5] * 2000}
    )
    frame.loc[777, "val_accuracy"] = 0.9
    found = thinned(frame, 100)
    assert len(found) <= 202 and set(found["variant"]) == {"a", "b"}
    assert 777 in found["trial"].to_numpy()


def test_without_matplotlib_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match=r"pip install 'sambench\[figures\]'"):
        figures.render(tables(FOUR))


def test_users_settings_change_nothing():
    import matplotlib

    before = figures.render(few(FOUR))[0].svg
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert figures.render(few(FOUR))[0].svg == before


def test_spread_keeps_a_distance_and_the_limits():
    wanted = [0.1, 0.1, 0.1, 0.12, 0.9, 5.0]
    found = labels.spread(wanted, 0.2, 0.0, 2.0)
    ordered = sorted(found)
    assert all(b - a >= 0.2 - 1e-9 for a, b in pairwise(ordered))
    assert ordered[0] >= 0 and ordered[-1] <= 2 and found == ordered


def test_spread_squeezes_what_cannot_fit():
    found = labels.spread([0.0] * 11, 1.0, 0.0, 5.0)
    assert found == pytest.approx(np.linspace(0, 5, 11))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.009, 1.2, [0.01, 0.1, 1.0]),
        (0.04, 0.6, [0.05, 0.1, 0.2, 0.5]),
        (0.03, 0.04, [0.03, 0.04]),
        (1e-6, 1.0, [1e-6, 1e-4, 1e-2, 1.0]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert scales.ticks(low, high) == pytest.approx(expected)
