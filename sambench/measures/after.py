"""Measuring a run whose weights are kept in its folder."""

from pathlib import Path

from sambench.config import Measured
from sambench.measures.loading import Extent, subject_of
from sambench.measures.measuring import Found, chosen, measure_all, read, write
from sambench.training import Custom, Run, finished_outcome, weights


def after(run: Run, folder: Path, asked: Measured, cache: Path, custom: Custom = Custom()) -> Found:
    """What is measured of the run, left in its folder, too; what was so before is not done again.

    UserError where its weights are not there or are no weights of its model.
    """
    wanted = chosen(asked)
    extent = Extent(asked.max_batches, asked.batch_size)
    known = read(folder) or Found()
    asked_for = {
        name: {**one.model_dump(mode="json"), "items": extent.items(one)}
        for name, one in wanted.items()
    }
    left = {
        name: one
        for name, one in wanted.items()
        if name in known.failed or known.settings.get(name) != asked_for[name]
    }
    if not left:
        return known
    kept, outcome = weights.read(folder / weights.NAME), finished_outcome(run, folder)
    history = () if outcome is None else outcome.history
    with subject_of(run, kept, extent, cache, custom, history) as subject:
        found = measure_all(subject, left)
    found.settings.update({name: asked_for[name] for name in found.settings})
    found = _joined(known, found, [*wanted])
    write(folder, found)
    return found


def _joined(known: Found, found: Found, names: list[str]) -> Found:
    """What was known, but for what was measured anew."""
    failed = {k: why for k, why in known.failed.items() if k in names and k not in found.settings}
    return Found(
        values={**known.values, **found.values},
        details={**known.details, **found.details},
        failed={**failed, **found.failed},
        seconds={**known.seconds, **found.seconds},
        settings={**known.settings, **found.settings},
        items={**known.items, **found.items},
    )
