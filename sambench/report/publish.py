"""The folder of published studies and benchmarks: records and page of each, and one index."""

import re
from itertools import combinations
from pathlib import Path

from sambench import records, timings
from sambench.files import write_atomically
from sambench.report import costs_page, index, page
from sambench.report.analysis import Analysis, analyse
from sambench.report.numbers import listing
from sambench.timings import Bench


def publish(run_dir: str | Path, folder: str | Path) -> Path:
    """Copy a run's records into the folder, bring pages and index up to date, return its page."""
    source = Path(run_dir) / "records.csv"
    study = records.read(source).header["study"]
    target = Path(folder) / f"{study}.csv"
    write_atomically(target, source.read_text(encoding="utf-8"))
    regenerate(folder)
    return target.with_suffix(".md")


def publish_costs(bench: Bench, folder: str | Path) -> Path:
    """Add a benchmark to those of its device, bring the pages up to date, return its page."""
    words = bench.device if bench.device == "cpu" else bench.hardware
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    target = Path(folder) / f"cost-{slug}.json"
    timings.add(target, bench)
    regenerate(folder)
    return target.with_suffix(".md")


def regenerate(folder: str | Path, check: bool = False) -> list[Path]:
    """Write every page and the index from the records; return those that were stale.

    With `check` nothing is written.
    """
    folder = Path(folder)
    studies = {path.stem: analyse(records.read(path)) for path in sorted(folder.glob("*.csv"))}
    benches = {path.stem: timings.read(path) for path in sorted(folder.glob("cost-*.json"))}
    texts = {folder / f"{name}.md": page.render(study) for name, study in studies.items()}
    texts |= {folder / f"{name}.md": costs_page.render(name, b) for name, b in benches.items()}
    texts[folder / "README.md"] = index.render(studies, benches)
    stale = [path for path, text in texts.items() if not _holds(path, text)]
    for path in stale if not check else ():
        write_atomically(path, texts[path])
    return stale


def groups_agree(run: Analysis, published: Analysis) -> str:
    """Whether two runs of a study order and separate the same pairs of variants, in a sentence."""
    ours, theirs = _orders(run), _orders(published)
    if not ours or not theirs:
        unranked = "this run" if not ours else "the published page"
        return f"No comparison with the published page: {unranked} ranks nothing."
    common = [pair for pair in ours if pair in theirs]
    changed = [
        f"{ours[pair]} (published: {theirs[pair]})" for pair in common if ours[pair] != theirs[pair]
    ]
    if changed:
        return f"The published page does not agree: here {listing(changed)}."
    return f"The published page agrees on all {len(common)} pairs of variants."


def _orders(analysis: Analysis) -> dict[tuple[str, str], str]:
    """For each pair of ranked variants "a ties b", or who is ahead: "a beats b"."""
    ranked = [row for row in analysis.rows if row.group]
    return {
        (min(a.label, b.label), max(a.label, b.label)): (
            f"{min(a.label, b.label)} ties with {max(a.label, b.label)}"
            if set(a.group) & set(b.group)
            else f"{a.label} beats {b.label}"
        )
        for a, b in combinations(ranked, 2)
    }


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
