"""Arms whose steps did nothing of what the variant is for, by what their runs tell."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sambench.training import Outcome, Run

IDLE = 0.01
"""Of the perturbations that were looked at, or of the steps: more is worth a word."""
SKIPPED = 0.05


class _Told(NamedTuple):
    """Of one run."""

    idle: int
    """perturbations that were zero, or below the weights' precision"""
    perturbed: int
    """perturbations that were looked at so: those of the last step of an epoch"""
    still: float
    """steps whose perturbation left the loss exactly as it was"""
    moved: float
    """steps with a perturbation"""
    flat: float
    """steps whose gradient was zero"""
    skipped: float
    steps: float


def idle(results: Iterable[tuple[Run, Outcome]]) -> Iterator[str]:
    """A sentence for each thing that is wrong with an arm; its runs that diverged do not count."""
    found: defaultdict[str, list[_Told]] = defaultdict(list)
    for run, outcome in results:
        if outcome.outcome == "complete" and outcome.history:
            found[run.label].append(_told(outcome.history))
    for label, runs in sorted(found.items()):
        yield from _sentences(label, _Told(*map(sum, zip(*runs, strict=True))))


def _sentences(label: str, sums: _Told) -> Iterator[str]:
    if sums.perturbed and sums.idle > IDLE * sums.perturbed:
        yield (
            f"{label}: in {_share(sums.idle, sums.perturbed)} of the steps that were looked at, "
            "the last of each epoch, the perturbation was zero or below the weights' precision. "
            "There it is its base optimizer; a larger radius, or float32 weights, would help."
        )
    elif sums.still > IDLE * sums.moved:
        yield (
            f"{label}: in {_share(sums.still, sums.moved)} of the steps that perturb the weights, "
            "the loss was exactly the same there: the perturbation was zero or below the weights' "
            "precision. There it is its base optimizer; a larger radius, or float32 weights, would "
            "help."
        )
    if sums.flat > IDLE * sums.steps:
        yield (
            f"{label}: in {_share(sums.flat, sums.steps)} of the steps no parameter got a gradient "
            "other than zero: nothing was trained there."
        )
    if sums.skipped > SKIPPED * sums.steps:
        yield (
            f"{label}: {_share(sums.skipped, sums.steps)} of the steps were skipped, because a "
            "loss, a gradient or the direction was not finite."
        )


def _told(epochs: Sequence[Mapping[str, float]]) -> _Told:
    radii = [(row["radius"], row.get("lost", 0.0)) for row in epochs if _is_known(row)]
    return _Told(
        idle=sum(radius == 0 or lost == 1 for radius, lost in radii),
        perturbed=len(radii),
        still=sum(row.get("idle_steps", 0.0) for row in epochs),
        moved=sum(row.get("perturbed_steps", 0.0) for row in epochs),
        flat=sum(row.get("zero_gradients", 0.0) for row in epochs),
        skipped=epochs[-1].get("skipped_steps", 0.0),  # a caller's own training tells nothing
        steps=epochs[-1].get("steps", 0.0),
    )


def _is_known(row: Mapping[str, float]) -> bool:
    return math.isfinite(row.get("radius", math.nan))


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g}%"
