"""What a step costs, from the benchmarks of a device."""

from collections.abc import Sequence

from sambench.analysis import numbers
from sambench.bench import Bench, Cost, Costs, Epoch, Outside, costs
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text

OPTIMIZER = Column[Cost]("optimizer", lambda cost: text(cost.name), number=False)
STEP = Column[Cost]("step, ms", lambda cost: measured(cost.step_s, lambda s: f"{1e3 * s:.4g}"))
SPEED_AND_MEMORY: Sequence[Column[Cost]] = (
    Column("images/s", lambda cost: measured(cost.images_per_s, numbers.count)),
    Column("memory over plain", lambda cost: measured(cost.memory, numbers.ratio)),
    Column("copies", lambda cost: measured(cost.copies, "{:+z.2f}".format)),
)
STEPS: Sequence[Column[Cost]] = (
    OPTIMIZER,
    STEP,
    Column("time over plain", lambda cost: number(str(cost.ratio), cost.ratio.median)),
    Column("passes", lambda cost: measured(cost.passes, "{:.3g}".format)),
    *SPEED_AND_MEMORY,
)


def _quartiles(cost: Cost) -> Cell:
    return number(f"{cost.ratio.low:.2f} to {cost.ratio.high:.2f}", cost.ratio.low)


SORTABLE: Sequence[Column[Cost]] = (
    OPTIMIZER,
    STEP,
    Column("time over plain", lambda cost: measured(cost.ratio.median, "{:.2f}".format)),
    Column("quartiles", _quartiles),
    Column("gradients a step", lambda cost: measured(cost.passes, "{:.3g}".format)),
    *SPEED_AND_MEMORY,
)


def _milliseconds(outside: Outside) -> Cell:
    s = outside.seconds
    return Cell(f"{1e3 * s.median:.2f} [{1e3 * s.low:.2f}, {1e3 * s.high:.2f}]")


OUTSIDE: Sequence[Column[Outside]] = (
    Column("SAM", lambda outside: text(outside.name), number=False),
    Column("outside, ms", _milliseconds),
    Column("ours over it", lambda outside: measured(outside.ours_over_it, "{:.2f}".format)),
)
TRAINING: Sequence[Column[Epoch]] = (
    Column("epoch of", lambda epoch: text(f"{epoch.name}, {epoch.images:,} images"), number=False),
    Column("seconds", lambda epoch: Cell(str(epoch.seconds))),
    Column("share of the ceiling", lambda epoch: Cell(str(epoch.of_ceiling))),
    Column("GPU busy", lambda epoch: Cell(f"{epoch.busy:.1%}")),
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
