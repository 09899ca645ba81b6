"""The folder of published studies and benchmarks: records and pages of each, and one index."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from sambench.analysis import published
from sambench.bench import Bench, Prices, Scale, Streaming, Trials, prices, record, streaming
from sambench.bench import scale as scales
from sambench.bench import trials as races
from sambench.files import write_atomically
from sambench.render import ownership
from sambench.render.leaderboards_folder import COST, MEASURES, SCALE, STREAMING, TRIALS
from sambench.render.place import INDEX, Place
from sambench.render.regeneration import regenerate
from sambench.render.study_files import Infos, study_files, sync


def publish(run_dir: str | Path, folder: str | Path, infos: Infos = None) -> Path:
    """Copy a run's records into the folder, bring pages and index up to date, return its page."""
    source, folder = Path(run_dir) / "records.csv", Path(folder)
    study = published.read(source)
    name, text = study.leaderboard.study, source.read_text(encoding="utf-8")
    target = folder / f"{name}.csv"
    files = study_files(Place.published(folder, name), replace(study, path=target), infos)
    _check_pages({target: text, **files.texts}, folder, infos)
    write_atomically(target, text)
    sync(files.texts)
    regenerate(folder, infos=infos)
    return target.with_suffix(".md")


def publish_costs(bench: Bench, folder: str | Path, infos: Infos = None) -> Path:
    """Add a benchmark to those of its device, bring the pages up to date, return its page."""
    target = Path(folder) / f"{COST}-{_slug(bench)}.json"
    return _publish(target, partial(record.add, bench=bench), infos)


def publish_scale(scale: Scale, folder: str | Path, infos: Infos = None) -> Path:
    """Write what studies cost beside training, bring the pages up to date, return its page."""
    return _publish(Path(folder) / f"{SCALE}-cpu.json", partial(scales.write, scale=scale), infos)


def publish_prices(found: Prices, folder: str | Path, infos: Infos = None) -> Path:
    """Write what measures cost, bring the pages up to date, return its page."""
    return _publish(
        Path(folder) / f"{MEASURES}-cpu.json", partial(prices.write, prices=found), infos
    )


def publish_trials(found: Trials, folder: str | Path, infos: Infos = None) -> Path:
    """Write what a trial takes beside others, bring the pages up to date, return its page."""
    return _publish(Path(folder) / f"{TRIALS}-cpu.json", partial(races.write, trials=found), infos)


def publish_streaming(found: Streaming, folder: str | Path, infos: Infos = None) -> Path:
    """Write how fast pictures come on a device, bring the pages up to date, return its page."""
    target = Path(folder) / f"{STREAMING}-{_slug(found)}.json"
    return _publish(target, partial(streaming.write, streaming=found), infos)


def _slug(of: Bench | Streaming) -> str:
    """The device, as file names have it."""
    words = of.device if of.device == "cpu" else of.hardware
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _publish(target: Path, write: Callable[[Path], None], infos: Infos) -> Path:
    _check_pages({target: "", target.with_suffix(".md"): ""}, target.parent, infos)
    write(target)
    regenerate(target.parent, infos=infos)
    return target.with_suffix(".md")


def _check_pages(texts: Mapping[Path, str], folder: Path, infos: Infos) -> None:
    """UserError, ahead of all writing, if these or the pages of the whole folder are not ours."""
    pages = ["README.md", *([INDEX] if infos is not None else [])]
    ownership.check({**texts, **{folder / page: "" for page in pages}})
