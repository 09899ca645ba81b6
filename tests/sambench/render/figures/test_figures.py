import os
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from sambench.errors import UserError
from sambench.render import figures
from sambench.render.figures import Chosen, Drawn, labels, scales, style
from sambench.render.figures.known import thinned
from sambench.render.figures.marks import outline
from sambench.render.figures.panels import Panel

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from frames import bases, chosen, empty, tables
from reading import (
    SVG,
    boxes,
    group,
    marks,
    places,
    points,
    shaded,
    told,
    told_by,
    words,
)
from test_machines import NOISY, OTHER, PLAIN, Shaken

pytest.importorskip("matplotlib")
SIX = ["asam", "plain-x0.5", "sam", "plain", "esam-x0.5", "plain-x2"]
MANY = ["plain-x0.5", *(f"variant_number_{i}" for i in range(39)), "plain", "plain-x2"]
NAMES = (
    "tuning",
    "intervals",
    "differences",
    "cost",
    "cost-time",
    "cost-memory",
    "search",
    "radius",
    "curves",
)
Tables = dict[str, pd.DataFrame]


def render(found: Tables, settings: dict[str, Chosen] | None = None) -> tuple[Drawn, ...]:
    """With settings to use, unless others are given."""
    arms = list(found["ranking"]["variant"])
    return figures.render(found, bases(arms), chosen(arms) if settings is None else settings)


def drawn(found: Tables, name: str, settings: dict[str, Chosen] | None = None) -> ET.Element:
    every = render(found, settings)
    return next(ET.fromstring(drawn.svg) for drawn in every if drawn.name == name)


@pytest.fixture(scope="module")
def six() -> dict[str, ET.Element]:
    return {drawn.name: ET.fromstring(drawn.svg) for drawn in render(tables(SIX))}


@pytest.fixture(scope="module")
def many() -> dict[str, ET.Element]:
    return {drawn.name: ET.fromstring(drawn.svg) for drawn in render(tables(MANY))}


def test_every_figure_is_drawn(six):
    assert tuple(six) == NAMES


def test_no_data_no_figure():
    assert figures.render(empty(), []) == ()


def few(arms: list[str]) -> Tables:
    """Tables of two figures only."""
    return {**empty(), "ranking": tables(arms)["ranking"]}


def test_files_and_alt_texts(tmp_path):
    found = figures.draw(few(SIX), tmp_path / "digits", bases(SIX))
    written = sorted(path.name for path in (tmp_path / "digits").iterdir())
    assert sorted(f"{name.removeprefix('digits/')}" for name, _ in found) == written
    assert written == ["differences.svg", "intervals.svg"]
    assert "6 arms" in found[0][1] and "3 arms to plain-x0.5" not in found[0][1]
    told = "Differences of 3 arms to plain-x0.5, the best arm of plain, with 95% intervals; asam "
    assert found[1][1].startswith(told)


@pytest.mark.parametrize("machine", [PLAIN, OTHER], ids=["plain", "other"])
def test_another_process_with_other_kernels_draws_the_same_bytes(tmp_path, machine):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from test_figures import SIX, bases, chosen, tables;"
        "from sambench.render import figures;"
        "figures.draw(tables(SIX), sys.argv[2], bases(SIX), chosen(SIX))"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)]
    subprocess.run(command, check=True, env={**os.environ, **machine})
    for drawn in render(tables(SIX)):
        assert (tmp_path / f"{drawn.name}.svg").read_text() == drawn.svg


def test_other_last_bits_draw_the_same_bytes(monkeypatch: pytest.MonkeyPatch):
    before = render(tables(SIX))
    for module, names in NOISY.items():
        for name in names:
            monkeypatch.setattr(module, name, Shaken(getattr(module, name)))
    assert [drawn.svg for drawn in render(tables(SIX))] == [drawn.svg for drawn in before]


def test_nothing_tells_when_or_by_what_it_was_drawn(six):
    for root in six.values():
        text = ET.tostring(root, encoding="unicode")
        assert "metadata" not in text and "atplotlib" not in text and "2026" not in text


@pytest.mark.parametrize("name", NAMES)
def test_ink_follows_the_theme(six, name):
    root = six[name]
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
    look = style.Look(tuple(MANY), tuple(bases(MANY)))
    assert len(look.best) == 6
    for kind in (look.colour, look.marker, look.dashes):
        assert len(set(map(kind, look.best))) == 6
    assert {look.colour(v) for v in look.baselines} == {style.INK}
    assert len({look.dashes(v) for v in look.baselines}) == 3
    assert not {look.marker(v) for v in look.baselines} & set(style.MARKERS)


@pytest.mark.parametrize("name", NAMES)
def test_every_point_has_an_id_of_its_own_and_a_text(six, name):
    found = points(six[name])
    assert found and all(told(six[name]))
    ids = [e.get("id") for e in six[name].iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(rf"{name}-[a-z0-9-]+-\d+", point.get("id", "")) for point in found)


def test_points_are_the_rows(six):
    frames = tables(SIX)
    assert len(points(six["search"])) == len(frames["pool"])
    assert len(points(six["curves"])) == len(frames["curves"])
    assert len(points(six["tuning"])) == len(frames["tuning"])
    assert len(points(six["intervals"])) == len(frames["ranking"])
    curves = [text for text in told(six["radius"]) if "±" in text]
    assert len(curves) == len(frames["profile"])
    assert sum("diverged" in text for text in told(six["search"])) == 3


def test_marks_stand_where_their_values_say(six):
    """Among the points of one panel: further right is a larger radius, higher up a better score."""
    found = marks(six["radius"], "radius-sam-")
    found = [e for e in found if "±" in told_by(e)]
    texts = [e.findtext(f"{SVG}title", "") for e in found]
    values = [re.search(r"rho ([\d.]+): ([\d.]+)", text) for text in texts]
    radii, scores = (np.array([float(m[i]) for m in values if m]) for i in (1, 2))
    xs, ys = places(found).T
    assert len(scores) == len(found) > 8
    assert np.corrcoef(xs, np.log(radii))[0, 1] > 0.999
    assert np.corrcoef(ys, scores)[0, 1] < -0.999


# --- the tuning curve


def test_budgets_double_from_tick_to_tick(six):
    """plain-x0.5 is shown from 4 trials, for 2 runs of plain, to 16 trials for the budget of 8."""
    found = marks(six["tuning"], "tuning-plain-x0-5-")
    line = [mark for mark in found if "-end-" not in mark.get("id", "")]
    texts = [mark.findtext(f"{SVG}title", "") for mark in line]
    assert texts[0].startswith("plain-x0.5, 4 trials for 2 runs of plain: ")
    assert len(line) == 12 and "15 trials for 7.5 runs" in texts[-1]
    xs = dict(zip(range(4, 16), places(line)[:, 0], strict=True))
    assert xs[8] - xs[4] == pytest.approx(xs[12] - xs[6], abs=0.02)
    assert {"2", "4", "8"} <= {text.text for text in six["tuning"].iter(f"{SVG}text")}


def test_every_arm_stands_right_of_the_budget(six):
    """Those too that afford no choice of trials, and none before another."""
    ends = [e for e in points(six["tuning"]) if "-end-" in e.get("id", "")]
    assert len(ends) == len(SIX)
    xs = sorted(places(ends)[:, 0])
    assert all(b - a > 5 for a, b in pairwise(xs))
    inner = [e for e in points(six["tuning"]) if "-end-" not in e.get("id", "")]
    assert max(places(inner)[:, 0]) < xs[0]
    assert all(f"{arm}, " in " ".join(told(six["tuning"])) for arm in SIX)
    assert [t.text for t in six["tuning"].iter(f"{SVG}text") if t.text in SIX]


def test_many_arms_share_a_panel_and_each_has_its_name(many):
    """In the ranking's order, which is that of their scores here; the last one is not ranked."""
    for name, arms in (("tuning", MANY[:-1]), ("curves", MANY)):
        written = [text.text for text in many[name].iter(f"{SVG}text")]
        assert [arm for arm in written if arm in arms] and set(arms) <= set(written)
        assert sum("accuracy, %" in (text or "") for text in written) == 1
    ends = [e for e in points(many["tuning"]) if "-end-" in e.get("id", "")]
    across = Counter(places(ends)[:, 0])
    assert sorted(across.values()) == [*[1] * 8, 33]  # 6 hues and the ranked arms of plain apart


def test_of_many_arms_no_bands_are_drawn_or_told(many):
    assert not shaded(many["curves"]) and "band" not in words(many["curves"])
    assert not shaded(many["tuning"]) or "Bands" in words(many["tuning"])


def test_a_band_says_of_what_it_is():
    """Records without a width of the bands have none."""
    found = tables(SIX)
    with_bands = drawn(found, "tuning")
    assert "95%, simultaneous over all arms and budgets shown" in words(with_bands)
    found["tuning"][["band_low", "band_high"]] = np.nan
    without = drawn(found, "tuning")
    assert "95%" not in words(without)
    shaded = [
        [e for e in root.iter() if e.get("opacity") == "0.1"] for root in (with_bands, without)
    ]
    assert (len(shaded[0]), len(shaded[1])) == (3, 0)  # the others afford 4 trials at most


def test_no_curve_where_no_arm_affords_a_choice():
    found = tables(SIX)
    found["tuning"] = found["tuning"].query("evaluations == 8")
    assert "tuning" not in [drawn.name for drawn in render(found)]


# --- the others


def test_arms_that_are_not_ranked_are_hollow(many):
    last = marks(many["intervals"], "intervals-plain-x2-")[0]
    assert "\nnot ranked: only 2 of the 3 trials that are needed\n" in last.findtext(
        f"{SVG}title", ""
    )
    fills = {group(many["intervals"], e).get("fill") for e in points(many["intervals"])}
    assert group(many["intervals"], last).get("fill") == "none"
    assert fills > {"none"}


def test_a_caption_explains_what_is_there_alone(six, many):
    assert "Hollow" in words(many["intervals"]) and "Hollow" not in words(six["intervals"])
    found = tables(SIX)
    found["ranking"]["group"] = ""
    assert "letter" in words(six["intervals"]) and "letter" not in words(drawn(found, "intervals"))


def test_the_arm_that_beats_plain_is_filled(six):
    fills = {e.get("id", ""): group(six["differences"], e).get("fill")
             for e in points(six["differences"])}  # fmt: skip
    assert fills["differences-asam-0"] != "none" == fills["differences-sam-0"]
    assert "Points above plain-x0.5" in words(six["differences"])
    assert "Filled: the arm beats every arm of plain" in words(six["differences"])


def test_fixed_settings_are_not_called_tuned():
    found = tables(SIX)
    fixed = {**empty(), "ranking": found["ranking"], "cost": found["cost"]}
    for drawn in render(fixed):
        assert "tuned" not in drawn.svg and "budget" not in drawn.svg
    assert "Mean test accuracy over seeds" in render(fixed)[0].svg


def test_a_wide_band_is_cut_at_the_edge_of_its_panel():
    """Two runs have t intervals of more than all that an accuracy can be."""
    found = tables(SIX)
    found["curves"]["low"] -= 3
    found["curves"]["high"] += 3
    root = drawn(found, "curves")
    height = float(root.get("viewBox", "").split()[3])
    for band in shaded(root):
        ys = [float(y) for y in re.findall(r"[ML] [-\d.]+ ([-\d.]+)", band.get("d", ""))]
        assert len(ys) > 4 and 0 < min(ys) < max(ys) < height
    assert "100" not in {text.text for text in root.iter(f"{SVG}text")}


def test_few_epochs_are_whole():
    found = tables(SIX)
    found["curves"] = found["curves"].query("epoch <= 2")
    written = [text.text for text in drawn(found, "curves").iter(f"{SVG}text")]
    ticks = [text for text in written if text in ("1", "1.5", "2")]
    assert ticks == ["1", "2"]


def test_steps_that_equal_scores_leave_empty_have_no_entry():
    found = tables(SIX)
    found["pool"]["val"] = found["pool"]["val"].where(found["pool"]["val"].isna(), 0.5)
    found["pool"].loc[0, "val"] = 0.6
    written = [text.text or "" for text in drawn(found, "search").iter(f"{SVG}text")]
    entries = [text for text in written if "50.0" in text]
    assert entries == ["< 50.0", "\u2265 50.0"]


def test_the_setting_to_use_is_in_sight():
    """It may lie beyond all points, and is drawn before they are."""
    found = tables(SIX)
    far = {v: Chosen(5.0, own.rho and 100 * own.rho, 10) for v, own in chosen(SIX).items()}
    root = drawn(found, "search", far)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    dashed = [e.get("d", "") for e in root.iter() if e.get("stroke-dasharray")]
    ends = [tuple(map(float, end)) for d in dashed for end in re.findall(r"[ML] (\S+) (\S+)", d)]
    assert len(ends) == 3 * 2 + 3 * 4  # one line in each panel, a second one where radii are
    assert all(0 < x < width and 0 < y < height for x, y in ends)
    assert "dashed lines meet at the setting to use" in words(root)

    found["confirmed"] = found["confirmed"].iloc[:0]
    found["pool"] = found["pool"].query("outcome == 'complete'")
    alone = words(drawn(found, "search", {}))
    assert not any(word in alone for word in ("dashed", "square", "cross:"))
    no_radius = drawn(tables(["plain"]), "search")
    assert "dashed lines at the setting to use" in words(no_radius)


def test_a_fixed_setting_with_trials_of_sweeps_is_still_fixed():
    found = tables(["plain", "sam"])
    found["pool"]["source"] = "sweep"
    assert "Mean test accuracy over seeds" in words(drawn(found, "intervals"))


STEP = re.compile(r"-(\d)(?:-retrained)?-\d+$")


def test_the_scale_tells_good_points_apart():
    """Half the points score alike well: few of them share the highest step."""
    draw = np.random.default_rng(0)
    found = tables(["plain", "sam"])
    pool = pd.concat([found["pool"]] * 10, ignore_index=True)
    pool["val"] = np.where(draw.random(len(pool)) < 0.5, 0.55, 0.3) + 0.02 * draw.random(len(pool))
    pool["outcome"] = "complete"
    root = drawn({**found, "pool": pool}, "search")
    ids = [mark.get("id", "") for mark in points(root)]
    steps = Counter(found[1] for id in ids if (found := STEP.search(id)))
    assert sorted(steps) == list("012345")
    good = [steps[step] / steps.total() for step in "2345"]
    assert good == pytest.approx([0.2, 0.15, 0.1, 0.05], abs=0.02)
    assert "in finer steps among the best" in words(root)


def test_an_arm_with_more_points_sets_no_scale_of_its_own():
    found = tables(["plain", "sam"])
    pool = found["pool"].query("outcome == 'complete'").copy()
    pool["val"] = np.where(pool["variant"] == "sam", 0.9, 0.1) + 0.001 * pool["point"]
    more = [pool, *[pool.query("variant == 'plain'")] * 9]
    few, many = (drawn({**found, "pool": pd.concat(own)}, "search") for own in ([pool], more))
    bounds = [[float(found) for found in re.findall(r"≥ ([\d.]+)", words(r))] for r in (few, many)]
    assert bounds[0] == pytest.approx(bounds[1], abs=0.2) and bounds[0][0] < 50 < bounds[0][1]


def squares(root: ET.Element) -> list[ET.Element]:
    return [e for e in points(root) if "-retrained-" in e.get("id", "")]


def test_points_that_ran_again_are_squares():
    """Of a pool that is not done, ranks are known before they run; a failed rerun is none."""
    found = tables(SIX)
    root, retrained = drawn(found, "search"), len(found["pool"].query("rank >= 0"))
    shapes = {e.get("href", "")[1:] for e in squares(root)}
    outlines = [e.get("d", "") for e in root.iter(f"{SVG}path") if e.get("id") in shapes]
    assert len(squares(root)) == retrained == 4 * len(SIX)
    assert outlines and not any("C" in d for d in outlines)
    assert sum(", retrained" in text for text in told(root)) == retrained

    found["confirmed"] = found["confirmed"].query("variant == 'sam' and rank < 2")
    found["confirmed"].loc[found["confirmed"]["rank"] == 1, "outcome"] = "failed"
    root = drawn(found, "search")
    assert [e.findtext(f"{SVG}title", "")[:14] for e in squares(root)] == ["sam, point 6: "]
    assert sum(", retrained" in text for text in told(root)) == 1
    assert sum(", rank 2" in text for text in told(root)) == len(SIX)
    found["confirmed"] = found["confirmed"].iloc[:0]
    root = drawn(found, "search")
    assert not squares(root) and "square" not in words(root)


def test_the_best_of_each_arm_has_a_ring():
    """Whether or not it has a rank, and never for a trial of a sweep."""
    found = tables(SIX)
    found["pool"]["rank"] = -1
    found["pool"].loc[1, ["val", "source"]] = 0.99, "sweep"
    root = drawn(found, "search")
    rings = [g for g in root.iter(f"{SVG}g") if g.get("stroke-width") == "1" and len(g)]
    at = {(e.get("x"), e.get("y")) for ring in rings for e in ring}
    best = [e for e in points(root) if "point 6:" in e.findtext(f"{SVG}title", "")]
    assert at == {(e.get("x"), e.get("y")) for e in best} and len(at) == len(SIX)


def test_an_arm_without_a_radius_shows_its_scores_instead(six):
    texts = Counter(text.text for text in six["search"].iter(f"{SVG}text"))
    assert (texts["radius (log)"], texts["validation accuracy, %"]) == (3, 3)
    found = [e for e in points(six["search"]) if e.get("id", "").startswith("search-plain-x2-")]
    scores = [float(told_by(e).partition("%")[0].rpartition(" ")[2]) for e in found]
    assert np.corrcoef(places(found)[:, 1], scores)[0, 1] < -0.999


def test_a_radius_that_was_not_searched_is_no_axis():
    found = tables(["plain", "sam"])
    found["pool"]["rho"] = found["pool"]["rho"].where(found["pool"]["rho"].isna(), 0.05)
    root = drawn(found, "search")
    texts = Counter(text.text for text in root.iter(f"{SVG}text"))
    assert (texts["radius (log)"], texts["validation accuracy, %"]) == (0, 2)
    assert len(points(root)) == len(found["pool"])


def test_sweeps_trials_are_told_from_points():
    found = tables(["plain", "sam"])
    found["pool"].loc[3, "source"] = "sweep"
    assert sum("trial 3 of a sweep" in text for text in told(drawn(found, "search"))) == 1


def test_a_panel_places_by_its_scales():
    panel = Panel(1.0, 2.0, 4.0, 1.0, scales.Scale(0.01, 1, log=True), scales.Scale(0, 10))
    assert panel.place(np.array([[0.1, 5.0], [1.0, 0.0]])) == pytest.approx(
        72 * np.array([[3.0, 2.5], [5.0, 2.0]])
    )


def test_a_mark_is_as_large_as_its_area():
    assert outline("s", 4.0) == "M -1 1 L 1 1 L 1 -1 L -1 -1 z"


def test_hover_names_score_interval_and_setting(six):
    found = marks(six["intervals"], "intervals-sam-")[0].findtext(f"{SVG}title", "")
    setting = "setting to use: lr 0.03, rho 0.07, 10 epochs"
    assert found == f"sam: 89.00% [88.00, 90.00]\ngroup ab\n{setting}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("num", ["six", "many"])
def test_no_label_covers_another_or_leaves_the_figure(name, num, request):
    root = request.getfixturevalue(num)[name]
    width = float(root.get("viewBox", "").split()[2])
    found = boxes(root)
    for (a, one), (b, two) in combinations(found, 2):
        apart = one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]
        assert apart, f"{a!r} and {b!r}"
    for text, (left, _, right, _) in found:
        assert left > -2 and right < width + 4, text


def test_text_is_ten_pixels_on_a_phone(many):
    for root in many.values():
        _, _, width, _ = map(float, root.get("viewBox", "").split())
        sizes = [float(text.get("font-size", "")) for text in root.iter(f"{SVG}text")]
        assert min(sizes) * 400 / width >= 9


def test_hostile_names_stay_text():
    name = '<script>alert("&")</script>'
    for drawn in render(few(["plain", name, "sam"])):
        assert "<script" not in drawn.svg
        assert any(name in text for text in told(ET.fromstring(drawn.svg)))


def test_names_that_differ_in_punctuation_only():
    found = render(few(["plain", "sam!", "sam?"]))
    ids = [point.get("id") for point in points(ET.fromstring(found[0].svg))]
    assert len(ids) == len(set(ids))


def test_one_arm_without_intervals():
    found = tables(["plain"])
    found["ranking"][["low", "high"]] = np.nan
    assert [drawn.name for drawn in render(found)] == ["tuning", "intervals", "search", "curves"]


def test_only_some_points_are_drawn_but_the_best():
    frame = pd.DataFrame({"variant": ["a", "b"] * 1000, "point": range(2000), "val": [0.5] * 2000})
    frame.loc[777, "val"] = 0.9
    found = thinned(frame, 100)
    assert len(found) <= 202 and set(found["variant"]) == {"a", "b"}
    assert 777 in found["point"].to_numpy()


def test_without_matplotlib_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UserError, match=r"pip install 'sambench\[figures\]'"):
        render(tables(SIX))


def test_users_settings_change_nothing():
    import matplotlib

    before = render(few(SIX))[0].svg
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert render(few(SIX))[0].svg == before


def test_spread_keeps_a_distance_and_the_limits():
    wanted = [0.1, 0.1, 0.1, 0.12, 0.9, 5.0]
    found = labels.spread(wanted, 0.2, 0.0, 2.0)
    ordered = sorted(found)
    assert all(b - a >= 0.2 - 1e-9 for a, b in pairwise(ordered))
    assert ordered[0] >= 0 and ordered[-1] <= 2 and found[3:] == ordered[3:]
    assert found[:3] == sorted(found[:3], reverse=True)  # of equal ones the first stands highest


def test_spread_squeezes_what_cannot_fit():
    found = labels.spread([0.0] * 11, 1.0, 0.0, 5.0)
    assert found == pytest.approx(np.linspace(5, 0, 11))


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
