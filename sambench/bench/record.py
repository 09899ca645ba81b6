"""The evidence of a benchmark: every round's seconds, as JSON, from which tables are derived."""

import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sambench.bench import stored
from sambench.errors import UserError
from sambench.files import write_atomically


@dataclass(frozen=True)
class Timing:
    """One competitor in one heat. Competitors of a heat took turns, so rounds pair them."""

    name: str
    seconds: tuple[float, ...]
    """of one optimizer step, the mean of each round"""
    passes: float
    """gradient evaluations of a step, counted over the timed ones"""
    peak_bytes: int | None = None
    """tensors that were alive at once, weights and activations included"""


@dataclass(frozen=True)
class Training:
    """Epochs of the suite's engine on a GPU."""

    name: str
    images: int
    epoch_s: tuple[float, ...]
    ceiling_s: tuple[float, ...]
    """as many bare forward and backward passes, captured as a graph, after each epoch"""
    busy: float
    """share of an epoch in which some kernel or copy ran, by the profiler"""


@dataclass(frozen=True)
class Bench:
    """One benchmark: a model, a batch and a device, and what was measured there."""

    model: str
    batch_size: int
    image_size: int
    engine: str
    amp: str
    device: str
    hardware: str
    parameter_bytes: int
    variants: tuple[tuple[Timing, ...], ...]
    """heats over the whole batch; the first competitor of each is the baseline"""
    outside_batch: int
    outside: tuple[Timing, ...]
    """SAM beside its peers on a small batch; the first one is bare passes, as many as SAM's"""
    loops: tuple[Timing, ...]
    """a bare training loop, then the suite's"""
    notes: tuple[str, ...]
    command: str
    commit: str
    date: str
    versions: dict[str, str]
    host: dict[str, object]
    training: tuple[Training, ...] = ()

    @property
    def setting(self) -> tuple[str | int, ...]:
        """What makes two benchmarks comparable: the newer one takes the place of the older."""
        where = (self.hardware, self.model, self.image_size, self.batch_size)
        return (*where, self.engine, self.amp)


def read(path: Path) -> tuple[Bench, ...]:
    """The benchmarks of a file, UserError if it holds anything else."""
    found = stored.read(path, tuple[Bench, ...])
    for bench in found:
        if wrong := _wrong(bench):
            raise UserError(f"{path}: {bench.model}: {wrong}")
    return found


def _wrong(bench: Bench) -> str:
    """What keeps a benchmark from being compared round by round, "" if nothing does."""
    if len(bench.loops) != 2 or not bench.outside or not all(bench.variants) or not bench.variants:
        return "variants, outside and two loops must all hold timings"
    for heat in (*bench.variants, bench.outside, bench.loops):
        if len({len(timing.seconds) for timing in heat}) != 1 or not heat[0].seconds:
            return "timings of a heat must have as many rounds, and at least one"
    for epochs in bench.training:
        if len(epochs.epoch_s) != len(epochs.ceiling_s) or not epochs.epoch_s:
            return "training must have as many ceilings as epochs, and at least one"
    numbers = [bench.parameter_bytes, bench.batch_size]
    for timing in itertools.chain(*bench.variants, bench.outside, bench.loops):
        numbers += [*timing.seconds, timing.passes]
    numbers += [s for epochs in bench.training for s in (*epochs.epoch_s, *epochs.ceiling_s)]
    if not all(0 < number < math.inf for number in numbers):
        return "timings, passes and sizes must be finite and > 0"
    return ""


def write(path: Path, benches: Sequence[Bench]) -> None:
    """Writes benchmarks, a line each, in the order of their settings."""
    ordered = sorted(benches, key=lambda bench: bench.setting)
    lines = ",\n".join(json.dumps(asdict(bench)) for bench in ordered)
    write_atomically(path, f"[\n{lines}\n]\n")


def add(path: Path, bench: Bench) -> None:
    """Adds a benchmark to a file, in the place of an older one of the same setting."""
    others = read(path) if path.exists() else ()
    write(path, [bench, *(other for other in others if other.setting != bench.setting)])
