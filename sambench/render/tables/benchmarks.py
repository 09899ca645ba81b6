"""What a step costs, from the benchmarks of a device."""

from collections.abc import Sequence

from sambench.analysis import numbers
from sambench.bench import Bench, Cost, Costs, Epoch, Outside, costs
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text

PASSES = "Gradient evaluations of a step, counted"
COPIES = "Peak memory beyond plain's on this model and batch, in copies of the parameters"
OPTIMIZER = Column[Cost](
    "optimizer", lambda cost: text(cost.name), number=False, hint="Ours by their names in studies"
)
STEP = Column[Cost](
    "step, ms",
    lambda cost: measured(cost.step_s, lambda s: f"{1e3 * s:.4g}"),
    hint="Median time of a training step",
)
SPEED_AND_MEMORY: Sequence[Column[Cost]] = (
    Column(
        "images/s", lambda cost: measured(cost.images_per_s, numbers.count), hint="In those steps"
    ),
    Column(
        "memory over plain",
        lambda cost: measured(cost.memory, numbers.ratio),
        hint="Peak memory of a step over plain's",
    ),
    Column("copies", lambda cost: measured(cost.copies, "{:+z.2f}".format), hint=COPIES),
)
STEPS: Sequence[Column[Cost]] = (
    OPTIMIZER,
    STEP,
    Column(
        "time over plain",
        lambda cost: number(str(cost.ratio), cost.ratio.median),
        hint="Within a round: median over rounds [quartiles]",
    ),
    Column("passes", lambda cost: measured(cost.passes, "{:.3g}".format), hint=PASSES),
    *SPEED_AND_MEMORY,
)


def _quartiles(cost: Cost) -> Cell:
    return number(f"{cost.ratio.low:.2f} to {cost.ratio.high:.2f}", cost.ratio.low)


SORTABLE: Sequence[Column[Cost]] = (
    OPTIMIZER,
    STEP,
    Column(
        "time over plain",
        lambda cost: measured(cost.ratio.median, "{:.2f}".format),
        hint="Within a round: median over rounds",
    ),
    Column("quartiles", _quartiles, hint="Of the time over plain"),
    Column("gradients a step", lambda cost: measured(cost.passes, "{:.3g}".format), hint=PASSES),
    *SPEED_AND_MEMORY,
)


def _milliseconds(outside: Outside) -> Cell:
    s = outside.seconds
    return Cell(f"{1e3 * s.median:.2f} [{1e3 * s.low:.2f}, {1e3 * s.high:.2f}]")


OUTSIDE: Sequence[Column[Outside]] = (
    Column("SAM", lambda outside: text(outside.name), number=False, hint="Whose it is"),
    Column(
        "outside, ms",
        _milliseconds,
        hint="Time of a step outside forward and backward: median [quartiles]",
    ),
    Column(
        "ours over it",
        lambda outside: measured(outside.ours_over_it, "{:.2f}".format),
        hint="Our time outside over its",
    ),
)
TRAINING: Sequence[Column[Epoch]] = (
    Column(
        "epoch of",
        lambda epoch: text(f"{epoch.name}, {epoch.images:,} images"),
        number=False,
        hint="By the study's own loop",
    ),
    Column("seconds", lambda epoch: Cell(str(epoch.seconds)), hint="Median [quartiles]"),
    Column(
        "share of the ceiling",
        lambda epoch: Cell(str(epoch.of_ceiling)),
        hint="Time of as many bare passes over the epoch's",
    ),
    Column("GPU busy", lambda epoch: Cell(f"{epoch.busy:.1%}"), hint="Share of the time"),
)


def title(bench: Bench) -> str:
    """The setting of a benchmark in a line."""
    size = f"{bench.image_size}x{bench.image_size}"
    amp = "float32" if bench.amp == "none" else bench.amp
    batch = f"batch {bench.batch_size}, {amp}, {bench.engine} engine"
    return f"{bench.model} at {size}, {batch}, {bench.hardware}"


def steps(found: Costs) -> Table:
    return of(found.variants, STEPS)


def outside(found: Costs) -> Table:
    return of(found.outside, OUTSIDE)


def training(found: Costs) -> Table:
    """Empty where none was timed."""
    return of(found.training, TRAINING)


def sortable(bench: Bench) -> Table:
    after = f"{bench.command}; {bench.date}, commit {bench.commit}"
    return of(costs(bench).variants, SORTABLE, title(bench), after=after, notes=bench.notes)
