"""Measures what a study costs beside its training: executors, starting, reports, storages."""

import importlib.metadata
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sambench.bench import Scale
from sambench.config import Study
from sambench.scale import dispatching, reporting, starting, storing
from sambench.scale.options import Options
from sambench.scale.quiet import quiet
from sambench.scale.subject import MORE, of_points
from sambench.training import device, provenance


def measure(options: Options) -> Iterator[Scale]:
    """After each part, all that was measured until then; whoever stops keeps that.

    UserError for a database that cannot be used.
    """
    study = of_points(max(options.stored) + MORE)
    host = {**provenance.hardware(), "load before": provenance.load()}
    found = Scale(
        arms=len(study.arms()),
        storing=(),
        dispatching=(),
        starting=(),
        reporting=(),
        hardware=device.describe("cpu"),
        command=_command(options),
        commit=provenance.commit(),
        date=provenance.date(None),
        versions={name: importlib.metadata.version(name) for name in ("optuna", "pandas")},
        host=host,
    )
    with tempfile.TemporaryDirectory(prefix="sambench-") as name, quiet():
        for part, each in _parts(study, Path(name), options):
            found = replace(found, **{part: (*getattr(found, part), each)})
            yield replace(found, host={**host, "load after": provenance.load()})


def _parts(study: Study, root: Path, options: Options) -> Iterator[tuple[str, object]]:
    """Each line of a table, with its table's name; what is over soonest comes first."""
    for each in dispatching.measure(root, options):
        yield "dispatching", each
    for num in options.stored:
        options.progress(f"start with {num} finished runs")
        yield "starting", starting.measure(study, root / f"start-{num}", num)
    for rows in options.rows:
        options.progress(f"leaderboard of {rows} runs")
        yield "reporting", reporting.measure(root / f"reports-{rows}", rows)
    databases = {"sqlite": f"sqlite:///{root / 'trials.db'}"}
    databases |= {url.partition(":")[0].partition("+")[0]: url for url in options.databases}
    for storage, url in {"journal": None, **databases}.items():
        for each in storing.measure(study, root / storage, storage, url, options):
            yield "storing", each


def _command(options: Options) -> str:
    """The command line that repeats it, but for passwords."""
    words = ["python", "-m", "sambench", "bench", "--scale"]
    for option, numbers in (("--trials", options.stored), ("--rows", options.rows)):
        words += [option, ",".join(map(str, numbers))]
    if options.databases:
        from sambench.study import Address

        words += [word for url in options.databases for word in ("--storage", str(Address(url)))]
    return shlex.join(words)
