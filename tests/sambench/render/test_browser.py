"""The pages in a real browser; skipped, with the reason, where there is none."""

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from sambench import records
from sambench.render.regeneration import regenerate

pytest.importorskip("matplotlib")
api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium"),
    pytest.mark.xdist_group("browser"),
]
HASHES = ("overview", "compare", "across", "variants", "variant-sam")
PLAIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83}
STUDIES = {  # name -> accuracy of sam, date, dataset
    "digits": (0.93, "2026-03-01", "digits"),
    "digits-clean": (0.96, "2026-05-01", "digits"),
    "flat": (0.85, "2026-04-01", "cifar10"),
}


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, make) -> Path:
    """Three studies with their pages, and the page of all."""
    folder = tmp_path_factory.mktemp("boards")
    for name, (sam, date, dataset) in STUDIES.items():
        made = make({**PLAIN, "sam": sam, "asam": sam - 0.02, "esam": 0.82})
        runs = [dataclasses.replace(run, wandb="team/sambench/abc") for run in made.records]
        header = json.loads(json.dumps({**made.header, "study": name, "date": date}))
        header["spec"]["task"]["dataset"] = dataset
        header["spec"]["task"]["label_noise"] = 0.4 if dataset == "digits" else 0
        records.write(folder / f"{name}.csv", header, runs)
    radius = SimpleNamespace(default=0.05, domain=">= 0", range=(0.01, 0.5), log=True)
    sam = SimpleNamespace(
        title="SAM", paper="Sharpness", arxiv="2010.01412", year=2021, passes=2.0, copies=2.0,
        hyperparameters={"rho": radius}, radius="rho", doc="Worst.\n\ndirection = grad L(w + e)",
    )  # fmt: skip
    regenerate(folder, infos={"sam": sam})
    return folder


@pytest.fixture
def visit(browser, folder):
    """visit("digits/index.html"): a page that complains of nothing and asks for nothing."""
    found, told, asked = browser.new_page(viewport={"width": 1400, "height": 900}), [], []
    found.on("console", lambda message: told.append(message.text))
    found.on("pageerror", lambda error: told.append(str(error)))
    found.on("request", lambda request: asked.append(request.url))

    def opened(name: str):
        found.goto(f"{folder.as_uri()}/{name}")
        return found

    yield opened
    found.close()
    assert told == []
    assert [url for url in asked if not url.startswith((folder.as_uri(), "data:"))] == []


@pytest.fixture
def study(visit):
    return visit("digits/index.html")


@pytest.fixture
def index(visit):
    return visit("index.html")


def column(page, table: str, i: int) -> list[str]:
    cells = page.locator(f"#{table} tbody tr:visible > *:nth-child({i})")
    return [text.split()[0] for text in cells.all_inner_texts()]


def names(page) -> list[str]:
    """Studies that are shown, in their order; cards are drawn late, their inner text is as late."""
    return page.locator(".card:visible h2").all_text_contents()


def query(page) -> str:
    return page.evaluate("location.hash").partition("?")[2]


def test_sorting_by_button_and_keyboard(study):
    head = study.locator("#ranking-table th", has_text="tuned(k)")
    head.locator(".sort").click()
    scores = [float(text) for text in column(study, "ranking-table", 2)]
    assert scores == sorted(scores, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator(".sort").press("Enter")
    assert [float(text) for text in column(study, "ranking-table", 2)] == scores[::-1]
    assert head.get_attribute("aria-sort") == "ascending"
    other = study.locator("#ranking-table th", has_text="minus")
    other.locator(".sort").click()
    assert column(study, "ranking-table", 1)[-1].startswith("plain")  # nothing to subtract
    assert head.get_attribute("aria-sort") is None


def test_a_long_table_can_be_filtered(index):
    index.evaluate("location.hash = 'variants'")
    assert index.locator("#catalogue input").count() == 0  # four rows
    index.goto(index.url.replace("index.html", "digits/index.html").partition("#")[0] + "#pool")
    index.locator("#pool-table input").fill("esam")
    assert set(column(index, "pool-table", 1)) == {"esam"}
    index.locator("#pool-table input").fill("no such")
    assert column(index, "pool-table", 1) == []


def test_parts_of_the_index_have_addresses(index):
    def shown() -> list[str]:
        return index.locator("main > section:visible").evaluate_all("all => all.map(s => s.id)")

    assert shown() == ["overview"]
    for address in HASHES:
        index.evaluate("hash => { location.hash = hash }", address)
        index.wait_for_function("id => document.getElementById(id).matches('.shown')", arg=address)
        assert shown() == [address]
    assert index.locator("section:visible .formula").inner_text() == "direction = grad L(w + e)"
    index.reload()
    assert shown() == ["variant-sam"] and index.title() == "sam · sambench"
    index.locator("section:visible a", has_text="digits-clean").click()
    assert index.url.endswith("/digits-clean/index.html")
    index.locator("header a", has_text="All studies").click()
    assert shown() == ["overview"]


def test_studies_are_found_and_sorted_and_the_address_says_so(index):
    assert names(index) == ["digits-clean", "flat", "digits"]  # the newest first
    index.select_option("[name=sort]", "name")
    assert names(index) == ["digits", "digits-clean", "flat"] and query(index) == "sort=name"
    index.fill("[name=q]", "DIGITS clean")
    assert names(index) == ["digits-clean"]
    assert index.locator("output").inner_text() == "1 of 3 studies"
    index.fill("[name=q]", "")
    index.select_option("[name=dataset]", "cifar10")
    assert names(index) == ["flat"]
    index.select_option("[name=dataset]", "")
    index.select_option("[name=noise]", "40%")
    assert "40% wrong labels" in index.text_content(".card:not([hidden]) .meta")
    index.select_option("[name=noise]", "")
    index.select_option("[name=state]", "beats plain")
    assert names(index) == ["digits", "digits-clean"]
    index.select_option("[name=variant]", "asam")  # competes in both, and wins in one
    assert names(index) == ["digits-clean"]
    index.select_option("[name=variant]", "esam")
    assert names(index) == []


def test_a_shared_address_shows_the_same_studies(visit):
    page = visit("index.html#overview?state=none+beats+plain&q=flat")
    assert names(page) == ["flat"]
    assert page.locator("[name=q]").input_value() == "flat"
    page.evaluate("location.hash = 'overview'")
    page.wait_for_function("document.querySelectorAll('.card:not([hidden])').length === 3")
    assert page.locator("[name=q]").input_value() == ""


def test_two_studies_are_compared(index):
    picks = index.locator(".pick")
    picks.nth(0).click()
    assert "choose another" in index.locator(".picked").inner_text()
    picks.nth(1).press("Enter")
    index.locator(".picked a").click()
    heads = index.locator(".pair h2")
    assert heads.all_inner_texts() == ["digits-clean", "flat"]
    assert query(index) == "a=digits-clean&b=flat"
    boxes = [head.bounding_box() for head in heads.all()]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    assert index.locator(".pair .answer").count() == 2
    assert index.locator(".pair dt", has_text="Use this").count() == 2
    rows = index.locator(".difference tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["task.dataset", "digits", "cifar10"],
        ["task.label_noise", "0.4", "0.0"],
        ["date", "2026-05-01", "2026-04-01"],
    ]
    index.locator(".pair .sort").first.click()  # copied tables are as alive
    assert index.locator(".pair th[aria-sort]").count() == 1
    ids = index.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    index.select_option("#compare [name=b]", "digits")
    assert heads.all_inner_texts() == ["digits-clean", "digits"]
    assert query(index) == "a=digits-clean&b=digits"


@pytest.mark.parametrize("touch", [False, True])
def test_a_word_has_its_meaning_a_click_or_tap_away(browser, folder, touch):
    context = browser.new_context(has_touch=touch, viewport={"width": 400, "height": 900})
    page = context.new_page()
    page.goto((folder / "digits" / "index.html").as_uri())
    meaning = page.locator(".meaning:popover-open")
    for asked in (".answer .term", "#ranking-table .hint"):
        button = page.locator(asked).first
        button.scroll_into_view_if_needed()
        assert meaning.count() == 0
        button.tap() if touch else button.click()
        box, at = meaning.bounding_box(), button.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= 400
        assert box["y"] >= at["y"] + at["height"] or box["y"] + box["height"] <= at["y"]
        page.keyboard.press("Escape")
    page.locator("#ranking-table .hint").first.focus()
    page.keyboard.press("Enter")
    assert "schedule" in meaning.inner_text()
    context.close()


def test_every_column_of_the_answer_has_a_meaning(study):
    heads = study.locator("#ranking-table thead th")
    assert heads.count() == study.locator("#ranking-table thead .hint").count() > 3


def test_a_figure_is_enlarged_and_goes_back(study):
    figure, zoom = study.locator("#figure-tuning"), study.locator("#zoom")
    small = figure.locator("svg").bounding_box()
    figure.locator(".enlarge").press("Enter")
    assert zoom.locator("svg").bounding_box()["width"] > 1.5 * small["width"]
    zoom.locator("svg").focus()
    study.keyboard.press("ArrowRight")
    tip = study.locator("#tip")
    assert tip.is_visible()
    above = "([x, y]) => !!document.elementFromPoint(x, y).closest('dialog')"
    box = tip.bounding_box()
    assert study.evaluate(above, [box["x"] + 9, box["y"] + 9])  # which lets the pointer through
    study.keyboard.press("Escape")
    assert tip.is_hidden() and zoom.is_visible()
    study.keyboard.press("Escape")
    zoom.wait_for(state="hidden")
    assert figure.locator("svg").bounding_box()["width"] == small["width"]
    assert study.evaluate("document.activeElement.className") == "enlarge"
    figure.locator("svg").click(position={"x": 5, "y": 5})
    zoom.locator("button").click()
    zoom.wait_for(state="hidden")


def test_folded_parts_open_by_address_by_button_and_for_print(study):
    closed = study.locator("main details:not([open])")
    num = closed.count()
    assert num > 8
    study.locator("#ranking-table a", has_text="asam").click()
    study.wait_for_function("document.querySelector('#variants').open")
    assert closed.count() == num - 1 and study.locator("#variant-asam").is_visible()
    study.locator(".unfold").click()
    assert closed.count() == 0
    study.locator(".unfold").click()
    assert study.locator("main details[open]").count() == 0
    study.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0


def test_mouse_keyboard_and_finger_tell_scores_and_settings(study):
    tip, figure = study.locator("#tip"), study.locator("#figure-tuning svg")
    assert tip.is_hidden()
    mark = figure.locator(".point").last
    box = mark.bounding_box()
    study.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert "%" in tip.inner_text()
    study.mouse.move(5, 5)
    assert tip.is_hidden()
    figure.focus()
    figure.press("ArrowRight")
    first = tip.inner_text()
    figure.press("ArrowRight")
    assert tip.inner_text() != first and tip.is_visible()
    figure.press("Escape")
    assert tip.is_hidden()
    event = {"clientX": box["x"] + 2, "clientY": box["y"] + 2, "pointerType": "touch"}
    figure.dispatch_event("pointerdown", event)
    assert "%" in tip.inner_text()
    figure.dispatch_event("click", {"pointerType": "touch"})
    assert study.locator("#zoom").is_hidden()  # the finger asked for the point
    study.locator("#search summary").click()
    points = study.locator("#figure-search svg")
    points.focus()
    points.press("ArrowRight")
    assert ", point " in tip.inner_text() and "lr 0." in tip.inner_text()


def test_runs_link_to_wandb(study):
    study.locator("#reruns summary").click()
    link = study.locator("#reruns td a").first
    assert link.get_attribute("href") == "https://wandb.ai/team/sambench/runs/abc"


@pytest.mark.parametrize("width", [1400, 400])
def test_nothing_is_wider_than_the_window(visit, width):
    wide = "document.documentElement.scrollWidth"
    page = visit("index.html")
    page.set_viewport_size({"width": width, "height": 900})
    for address in HASHES:
        page.evaluate("hash => { location.hash = hash }", address)
        page.wait_for_function("id => document.getElementById(id).matches('.shown')", arg=address)
        assert page.evaluate(wide) <= width, address
    page = visit("digits/index.html")
    assert page.evaluate(wide) <= width
    page.locator(".unfold").click()
    assert page.evaluate(wide) <= width
    if width > 400:
        return
    settings = page.locator("#settings-table .scroll")
    assert settings.evaluate("e => e.scrollWidth <= e.clientWidth")
    scroll = page.locator("#plain-table .scroll")
    assert scroll.evaluate("e => e.scrollWidth > e.clientWidth && e.tabIndex === 0")
    scroll.evaluate("e => { e.scrollLeft = 1000 }")
    first = scroll.locator("tbody th").first  # stays where it is
    assert first.bounding_box()["x"] == pytest.approx(scroll.bounding_box()["x"], abs=2)


def test_the_first_screen_answers(study):
    """The sentence, what to use, how sure that is, the figure, and the table below them."""
    for piece in (".answer", ".told", "#figure-tuning", "#ranking-table thead"):
        box = study.locator(piece).first.bounding_box()
        assert box["y"] + box["height"] <= 900, piece


CONTRAST = """
() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const lum = (c) => {
    const l = parse(c).slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2];
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor, parts = parse(c);
      if (parts.length < 4 || parts[3] > 0) return c;
    }
  };
  const found = [];
  for (const e of document.querySelectorAll("body *:not(svg *)")) {
    if (![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || e.closest("#tip, script")) continue;
    const [a, b] = [lum(getComputedStyle(e).color), lum(ground(e))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) found.push(e.outerHTML.slice(0, 80));
  }
  return found;
}
"""  # noqa: E501


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_both_themes_are_legible(visit, scheme, dark):
    page = visit("index.html")
    page.emulate_media(color_scheme=scheme)
    page.locator(".pick").nth(0).click()
    page.evaluate("document.documentElement.classList.remove('routed')")
    assert page.evaluate(CONTRAST) == []
    page = visit("digits/index.html")
    page.locator(".unfold").click()
    page.locator(".answer .term").first.click()
    assert page.evaluate(CONTRAST) == []
    ink = page.locator(".sambench-figure").first.evaluate("e => getComputedStyle(e).color")
    assert (sum(map(int, ink[4:-1].split(","))) > 400) == dark
    hues = {"light": "rgb(0, 114, 178)", "dark": "rgb(86, 180, 233)"}
    mark = page.locator("#figure-tuning .f0").first
    assert mark.evaluate("e => getComputedStyle(e).fill") == hues[scheme]


def test_print_is_light_and_whole(study):
    study.emulate_media(media="print", color_scheme="dark")
    assert study.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert study.locator("#limits li").first.bounding_box()["height"] > 10  # though folded
    for gone in (".enlarge", ".hint", ".unfold", "header.top"):
        assert not study.locator(gone).first.is_visible()


def test_without_a_script_everything_is_there(browser, folder):
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto((folder / "index.html").as_uri())
    assert found.locator("main > section:visible").count() >= len(HASHES)
    assert found.locator(".card:visible").count() == len(STUDIES)
    assert found.locator("form:visible, .pick:visible").count() == 0
    found.goto((folder / "digits" / "index.html").as_uri())
    small = found.locator("#figure-tuning svg").bounding_box()["width"]
    found.locator("#figure-tuning .enlarge").click()
    assert found.locator("#figure-tuning svg").bounding_box()["width"] > 1.5 * small
    found.locator(".answer .term").first.click()
    assert found.locator(".meaning:popover-open").is_visible()
    found.locator("#limits summary").click()
    assert found.locator("#limits li").first.is_visible()
    context.close()
