"""The page in a real browser; skipped, with the reason, where there is none."""

import dataclasses
import shutil
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
HASHES = ("overview", "study-digits", "variants", "variant-sam", "across")


PLAIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83}


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as driver:
        found = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory, make) -> str:
    folder = tmp_path_factory.mktemp("boards")
    for name, sam in (("digits", 0.93), ("digits-clean", 0.96)):
        made = make({**PLAIN, "sam": sam, "asam": 0.91, "esam": 0.88})
        runs = [dataclasses.replace(run, wandb="team/sambench/abc") for run in made.records]
        records.write(folder / f"{name}.csv", {**made.header, "study": name}, runs)
    radius = SimpleNamespace(default=0.05, domain=">= 0", range=(0.01, 0.5), log=True)
    sam = SimpleNamespace(
        title="SAM", paper="Sharpness", arxiv="2010.01412", year=2021, passes=2.0, copies=2.0,
        hyperparameters={"rho": radius}, radius="rho", doc="Worst.\n\ndirection = grad L(w + e)",
    )  # fmt: skip
    regenerate(folder, infos={"sam": sam})
    return (folder / "index.html").as_uri()


@pytest.fixture
def page(browser, address):
    """A page that complains of nothing and asks for nothing but itself."""
    found, told = browser.new_page(viewport={"width": 1400, "height": 900}), []
    found.on("console", lambda message: told.append(message.text))
    found.on("pageerror", lambda error: told.append(str(error)))
    asked = []
    found.on("request", lambda request: asked.append(request.url))
    found.goto(address)
    yield found
    found.close()
    assert told == []
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def column(page, table: str, i: int) -> list[str]:
    cells = page.locator(f"#{table} tbody tr:visible > *:nth-child({i})")
    return [text.split()[0] for text in cells.all_inner_texts()]


def test_sorting_by_button_and_keyboard(page):
    page.evaluate("location.hash = 'study-digits'")
    head = page.locator("#study-digits-ranking th", has_text="tuned(k)")
    head.locator("button").click()
    scores = [float(text) for text in column(page, "study-digits-ranking", 3)]
    assert scores == sorted(scores, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").press("Enter")
    assert [float(text) for text in column(page, "study-digits-ranking", 3)] == scores[::-1]
    assert head.get_attribute("aria-sort") == "ascending"
    other = page.locator("#study-digits-ranking th", has_text="Holm p")
    other.locator("button").click()
    assert column(page, "study-digits-ranking", 1)[-1].startswith("plain")  # it has no p
    assert head.get_attribute("aria-sort") is None


def test_filtering(page):
    page.evaluate("location.hash = 'study-digits'")
    field = page.locator("#study-digits-ranking input")
    field.fill("ESA")
    assert column(page, "study-digits-ranking", 1) == ["esam"]
    field.fill("no such")
    assert column(page, "study-digits-ranking", 1) == []
    field.fill("")
    assert len(column(page, "study-digits-ranking", 1)) == 6


def test_pages_have_addresses(page):
    def shown() -> list[str]:
        return page.locator("main > section:visible").evaluate_all("all => all.map(s => s.id)")

    assert shown() == ["overview"]
    for address in HASHES:
        page.evaluate("hash => { location.hash = hash }", address)
        page.wait_for_function("id => document.getElementById(id).matches('.shown')", arg=address)
        assert shown() == [address]
    page.goto(page.url.partition("#")[0] + "#variant-sam")
    page.reload()
    assert shown() == ["variant-sam"]
    assert page.locator("section:visible .formula").inner_text() == "direction = grad L(w + e)"
    assert page.title() == "sam · sambench"
    page.locator("section:visible a", has_text="digits-clean").click()
    assert shown() == ["study-digits-clean"]


def test_mouse_keyboard_and_finger_tell_scores_and_settings(page):
    page.evaluate("location.hash = 'study-digits'")
    tip = page.locator("#tip")
    assert tip.is_hidden()
    figure = page.locator(".sambench-figure", has=page.locator("#digits-intervals-sam-0"))
    figure.scroll_into_view_if_needed()
    mark = page.locator("#digits-intervals-sam-0")
    box = mark.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    text = tip.inner_text()
    assert text.startswith("sam: 9") and "% [" in text
    page.mouse.move(5, 5)
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
    assert tip.inner_text() == text
    points = page.locator(".sambench-figure", has=page.locator("[id^=digits-search-sam-]")).first
    points.focus()
    points.press("ArrowRight")
    assert ", point " in tip.inner_text() and "lr 0." in tip.inner_text()


def test_runs_link_to_wandb(page):
    page.evaluate("location.hash = 'study-digits'")
    page.locator("#study-digits summary", has_text="Reruns:").click()
    link = page.locator("#study-digits details[open] td a").first
    assert link.get_attribute("href") == "https://wandb.ai/team/sambench/runs/abc"


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for address in HASHES:
        page.evaluate("hash => { location.hash = hash }", address)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address


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
def test_both_themes_are_legible(page, scheme, dark):
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.documentElement.classList.remove('routed')")
    assert page.evaluate(CONTRAST) == []
    ink = page.locator(".sambench-figure").first.evaluate("e => getComputedStyle(e).color")
    assert (sum(map(int, ink[4:-1].split(","))) > 400) == dark
    mark = page.locator("#digits-intervals-sam-0")
    hues = {"light": "rgb(0, 114, 178)", "dark": "rgb(86, 180, 233)"}
    assert mark.evaluate("e => getComputedStyle(e).fill") == hues[scheme]


def test_without_a_script_everything_is_there(browser, address):
    context = browser.new_context(java_script_enabled=False)
    found = context.new_page()
    found.goto(address)
    assert found.locator("main > section:visible").count() >= len(HASHES)
    context.close()
