"""What training takes on a GPU: epochs, beside the passes alone, and how busy they keep it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

import variants
from sambench.bench import competitors, loops
from sambench.bench.race import wait
from sambench.bench.record import Training
from sambench.bench.work import Work

IMAGES = 50_000  # CIFAR's training set
WARM_UP = 2  # epochs: the second one captures what the first one met once
EPOCHS = 3


def measure(work: Work, rules: Mapping[str, variants.Variant]) -> tuple[Training, ...]:
    """Epochs of each rule with the suite's engine, each followed by its passes alone."""
    rows = torch.arange(IMAGES, device=work.device) % len(work.data.train)
    large = replace(work, data=replace(work.data, train=work.data.train.rows(rows)))
    return tuple(_train(large, name, rule) for name, rule in rules.items())


def _train(work: Work, name: str, rule: variants.Variant) -> Training:
    engine = loops.engine_for(work, rule)
    numbers = iter(range(WARM_UP + EPOCHS + 1))

    def epoch() -> None:
        with work.autocast():
            engine.train_epoch(next(numbers))

    for _ in range(WARM_UP):
        epoch()
    steps = engine.steps_per_epoch
    bare = competitors.bare_passes(round(rule.passes), captured=True)(work)

    def passes() -> None:
        for _ in range(steps):
            bare.run()

    found = [(_seconds(epoch, work), _seconds(passes, work)) for _ in range(EPOCHS)]
    epochs, ceilings = zip(*found, strict=True)
    return Training(name, steps * work.train.batch_size, epochs, ceilings, _busy(epoch, work))


def _seconds(run: Callable[[], None], work: Work) -> float:
    wait(work.device)
    start = time.perf_counter()
    run()
    wait(work.device)
    return round(time.perf_counter() - start, 6)


def _busy(run: Callable[[], None], work: Work) -> float:
    """Share of the time of `run` in which the device did something."""
    with profile(activities=[ProfilerActivity.CUDA], acc_events=True) as profiler:
        seconds = _seconds(run, work)
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in profiler.events() or []
        if event.device_type == DeviceType.CUDA and not event.is_user_annotation
    ]
    return round(covered(spans) / 1e6 / seconds, 4)


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Length of the union of intervals."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
