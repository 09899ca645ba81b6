import dataclasses
import hashlib
import re
from base64 import b64encode
from importlib.metadata import PackageNotFoundError
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from sambench import records
from sambench.analysis import published
from sambench.render import drawing, harmless, ownership
from sambench.render import seal as seals
from sambench.render.html import inline
from sambench.render.place import Place
from sambench.render.regeneration import regenerate
from sambench.render.study_files import study_files
from sambench.render.tables import links

pytest.importorskip("matplotlib")
EVIL = '<script>alert("x")</script>'


def info(name: str, doc: str = "", **changes) -> SimpleNamespace:
    """What a registered variant says about itself."""
    radius = SimpleNamespace(default=0.05, domain=">= 0", range=(0.01, 0.5), log=True)
    given = {
        "name": name,
        "title": name.upper(),
        "paper": "A paper",
        "arxiv": "2010.01412",
        "year": 2021,
        "passes": 2.0,
        "copies": 2.0,
        "hyperparameters": {"rho": radius},
        "radius": "rho",
        "doc": doc or "The worst point of a ball.\n\ndirection = grad L(w + e),  e = rho * g / |g|",
    }
    return SimpleNamespace(**{**given, **changes})


@pytest.fixture
def build():
    """build({"digits": records}, folder, infos) -> text of all pages, by name; "" for the index"""

    def written(made, folder: Path, infos=None) -> dict[str, str]:
        for name, found in made.items():
            records.write(folder / f"{name}.csv", found.header, found.records)
        regenerate(folder, infos={"sam": info("sam")} if infos is None else infos)
        return {name: (folder / name / "index.html").read_text() for name in ("", *made)}

    return written


def test_it_asks_no_network_and_runs_our_script_only(make, build, tmp_path):
    pages = build({"digits": make({"plain": 0.9, "sam": 0.93})}, tmp_path)
    beside = {"": {"digits/index.html"}, "digits": {"../index.html", "../index.html#variant-sam"}}
    beside["digits"].add("../index.html#variant-plain")
    for name, page in pages.items():
        assert not re.search(r'(?:src|srcset|action|data)="', page)
        assert not re.search(r"@import|url\((?!#)", page)
        hrefs = set(re.findall(r'href="([^"]*)"', page))
        outer = {"data:,", "https://arxiv.org/abs/2010.01412"}
        assert {h for h in hrefs if not h.startswith("#")} == outer | beside[name]
        (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
        digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page


def test_what_records_say_is_never_markup(make, build, tmp_path):
    made = make({"plain": 0.9, "sam": 0.93})
    evil = [
        dataclasses.replace(run, device=EVIL, wandb="javascript:alert(1)", reason=EVIL)
        if run.variant == "sam"
        else run
        for run in made.records
    ]
    header = {**made.header, "command": EVIL, "versions": {EVIL: EVIL}}
    header["spec"] = {**made.header["spec"], "question": EVIL}
    header["spec"]["published"] = [
        {
            "variant": EVIL,
            "accuracy": 95.0,
            "sd": 0.1,
            "source": "javascript:alert(1)",
            "note": EVIL,
        }
    ]
    pages = build({"digits": records.Records(header, tuple(evil))}, tmp_path)
    for page in pages.values():
        assert page.count("<script") == 1 and "&lt;script&gt;" in page
        assert 'href="javascript' not in page
    markdown = (tmp_path / "digits.md").read_text().replace(f"    {EVIL}\n", "")  # a code block
    assert EVIL not in markdown and EVIL.replace("<", "\\<") in markdown


FORGED = {
    "script": "<script>alert(1)</script>",
    "handler": '<rect x="0" onload="alert(1)" />',
    "foreign": "<foreignObject><b>x</b></foreignObject>",
    "link": '<use href="javascript:alert(1)" />',
    "outer link": '<use href="https://example.com/x.svg#a" />',
    "old link": '<use xmlns:x="http://www.w3.org/1999/xlink" x:href="javascript:alert(1)" />',
    "image": '<image href="https://example.com/x.png" />',
    "animation": '<set attributeName="href" to="javascript:alert(1)" />',
    "address": '<rect fill="url(https://example.com/x)" />',
    "sheet": "<style>@import url(https://example.com)</style>",
    "second sheet": "<style>a{}</style>",
    "html": '<b xmlns="http://www.w3.org/1999/xhtml">x</b>',
    "comment": "<!-- --><script>alert(1)</script><!-- -->",
    "entity": "<!ENTITY x 'y'>",
    "no end": "<g id='forged'>",
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_figure_is_drawn_again(make, build, tmp_path, monkeypatch, case):
    """Whoever can count can seal; without matplotlib it is left out of the page."""
    made = {"digits": make({"plain": 0.9, "sam": 0.93})}
    good = build(made, tmp_path)
    figure = tmp_path / "digits" / "intervals.svg"
    svg = figure.read_text()
    seal = seals.read(svg)
    assert seal is not None and harmless.is_harmless(svg)
    evil = seals.drawing(svg).replace("</svg>", f"{FORGED[case]}</svg>")
    forged = seals.sealed(evil, seal)
    figure.write_text(forged)
    assert not harmless.is_harmless(forged)

    def without(name: str) -> str:
        raise PackageNotFoundError(name)

    with monkeypatch.context() as patch:
        patch.setattr(drawing, "version", without)
        regenerate(tmp_path, infos={"sam": info("sam")})
        assert FORGED[case] not in (tmp_path / "digits" / "index.html").read_text()
    assert build(made, tmp_path) == good and figure.read_text() == svg


def test_a_page_does_not_say_what_is_inlined(make, build, tmp_path, monkeypatch):
    """Without matplotlib too figures are those of the study's own folder, whatever a page links."""
    build({"digits": make({"plain": 0.9, "sam": 0.93})}, tmp_path)
    (tmp_path / "secret.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg">secret</svg>')
    page = tmp_path / "digits.md"
    page.write_text(page.read_text() + "\n![x](secret.svg)\n![x](digits/../secret.svg)\n")
    figure = tmp_path / "digits" / "intervals.svg"
    figure.write_text(figure.read_text().replace("<svg", "<svg ", 1))

    def without(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(drawing, "version", without)
    found = regenerate(tmp_path, infos={"sam": info("sam")})
    assert found.notes and "secret" not in (tmp_path / "digits" / "index.html").read_text()
    assert "secret" not in page.read_text()


def test_the_same_records_give_the_same_bytes(make, build, tmp_path):
    made = {"digits": make({"plain": 0.9, "sam": 0.93})}
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    assert build(made, folders[0]) == build(made, folders[1])
    assert not regenerate(folders[0], check=True, infos={"sam": info("sam")}).stale


def test_published_numbers_are_shown_and_not_ranked(make, build, tmp_path):
    made = make({"plain": 0.9, "sam": 0.93})
    made.header["spec"]["published"] = [
        {"variant": "sam", "accuracy": 97.3, "sd": None, "source": "https://example.org/p"}
    ]
    page = build({"digits": made}, tmp_path)["digits"]
    ranking, _, rest = page.partition('id="published-table"')
    assert "97.30" not in ranking and "97.30" in rest and 'class="table muted quiet"' in ranking


def test_thousands_of_runs_stay_a_small_file(make, build, tmp_path):
    made = make({"plain": 0.9, "sam": 0.93})
    first = made.records[0]
    many = [
        dataclasses.replace(first, stage="sweep", point=t, lr=10 ** (-3 + t / 3000))
        for t in range(8000)
    ]
    pages = build({"digits": records.Records(made.header, (*many, *made.records))}, tmp_path)
    assert len(pages["digits"]) < 2_000_000 and len(pages[""]) < 100_000


def test_each_study_more_adds_little_to_the_page_of_all(make, build, tmp_path):
    """Figures, and all that is of one study alone, are on its own page."""
    made = make({"plain": 0.9, "sam": 0.93, "asam": 0.92})
    few = build({"a": made, "b": made}, tmp_path)
    more = build({name: made for name in "abcdef"}, tmp_path)
    assert (len(more[""]) - len(few[""])) / 4 < 12_000
    assert "<svg" not in more[""] and more["a"].count("<svg") >= 6


def test_a_variant_that_is_not_installed_still_has_its_results(make, build, tmp_path):
    pages = build({"digits": make({"plain": 0.9, "sam": 0.93})}, tmp_path, infos={})
    part = pages[""].partition('<section id="variant-sam"')[2].partition("</section>")[0]
    assert "not installed" in part and 'href="digits/index.html"' in part
    assert "not installed" in pages["digits"]


def test_ids_are_unique_and_all_that_is_referred_to_is_there(make, build, tmp_path):
    made = make({"plain": 0.9, "sam": 0.93})
    for page in build({"a": made, "b": made}, tmp_path).values():
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        reference = r'(?:href="#|url\(#|popovertarget="|aria-controls="|aria-labelledby=")([^"?)]+)'
        assert set(re.findall(reference, page)) <= {*ids, "compare"}


def test_headings_go_down_by_one(make, build, tmp_path):
    made = make({"plain": 0.9, "sam": 0.93})
    for page in build({"a": made, "b": made}, tmp_path).values():
        levels = [int(level) for level in re.findall(r"<h(\d)[ >]", page)]
        steps = [b - a for a, b in pairwise(levels)]
        assert levels[0] == 1 and max(steps) <= 1


def test_the_answer_comes_first_and_the_rest_is_folded(make, build, tmp_path):
    page = build({"digits": make({"plain": 0.9, "sam": 0.93})}, tmp_path)["digits"]
    first, _, rest = page.partition('<h2 id="more">')
    places = [
        first.index(piece)
        for piece in ('class="answer"', "Use this", "How sure", 'id="figure-tuning"', "<table>")
    ]
    assert places == sorted(places) and "<details" not in first
    for name in ("method", "words", "pool", "reproduce", "variants"):
        assert f'<details id="{name}">' in rest


def test_a_study_that_stands_alone_links_to_no_index(make, tmp_path):
    made = make({"plain": 0.9, "sam": 0.93})
    folder = tmp_path / "digits"
    records.write(folder / "records.csv", made.header, made.records)
    study = published.read(folder / "records.csv")

    def page() -> str:
        files = study_files(Place.own(folder), study, {"sam": info("sam")})
        return files.texts[folder / "index.html"]

    assert "index.html" not in page() and "`records.csv`" not in page()
    assert "<code>records.csv</code>" in page() and "digits.csv" not in page()
    (tmp_path / "index.html").write_text("the user's")
    assert "index.html" not in page()
    (tmp_path / "index.html").unlink()
    regenerate(tmp_path, infos={})
    assert 'href="../index.html"' in page()


def test_an_older_page_of_ours_is_replaced(make, build, tmp_path):
    made = {"digits": make({"plain": 0.9, "sam": 0.93})}
    new = build(made, tmp_path)
    old = f"<footer>{ownership.INDEX_HTML}</footer>"
    (tmp_path / "index.html").write_text(old)
    assert build(made, tmp_path) == new


def test_inlined_figures_refer_to_their_own_ids():
    svg = '<svg><style>a {}</style><path id="m" /><use href="#m" clip-path="url(#m)" /></svg>'
    found = inline.inline(svg + "<!-- matplotlib 3 -->\n", "digits")
    assert found == (
        '<svg><path id="digits-m" /><use href="#digits-m" clip-path="url(#digits-m)" /></svg>'
    )


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ("", ""),
        (float("nan"), ""),
        ("offline", ""),
        ("javascript:alert(1)", ""),
        ("https://wandb.ai/a/b/runs/c", "https://wandb.ai/a/b/runs/c"),
        ("a/b/c", "https://wandb.ai/a/b/runs/c"),
        ("a/b/runs/c", "https://wandb.ai/a/b/runs/c"),
    ],
)
def test_links_to_runs(kept, expected):
    assert links.wandb(kept) == expected
