"""Who is timed: our variants, and SAM as others write it."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch

import variants
from sambench.bench.work import LR, Pupil, Work
from variants.graphs import recorder as _recorder

PEER = "pytorch_optimizer"
WARM_UP = 3  # calls before a capture
TOTAL_STEPS = 1_000_000  # longer than any benchmark, for variants with a schedule


@dataclass(frozen=True)
class Competitor:
    """Something that can be called again and again."""

    name: str
    run: Callable[[], object]
    passes: Callable[[], float]
    """gradient evaluations since the start"""
    steps: int = 1
    """optimizer steps of one call"""


Entry = Callable[[Work], Competitor]
"""Starts afresh, with a copy of the model: nobody inherits another one's weights or memory."""


def variant(rule: variants.Variant, name: str) -> Entry:
    """A variant around the base optimizer, by our own driver or from graphs, as `Train` says."""

    def enter(work: Work) -> Competitor:
        pupil = Pupil(work)
        optimizer = variants.SharpnessAware(
            pupil.base(), rule, pupil.model, total_steps=TOTAL_STEPS, metrics=False
        )
        size = len(work.y)

        run = partial(optimizer.step, pupil.losses, size=size)
        if work.train.engine == "graph":
            run = partial(variants.Graphed(optimizer, pupil.losses_of), work.x, work.y)
        return Competitor(name, run, lambda: optimizer.passes)

    return enter


def bare_passes(num: int, *, captured: bool = False) -> Entry:
    """Forward and backward alone, `num` times a step: no optimizer, no perturbation.

    Gradients are dropped by hand: a `zero_grad` would be taken off what others spend on theirs.

    captured: as a CUDA graph, the device's time without the host's
    """

    def enter(work: Work) -> Competitor:
        pupil = Pupil(work)
        parameters = list(pupil.model.parameters())

        def run() -> None:
            for _ in range(num):
                for p in parameters:
                    p.grad = None
                pupil.backward()

        if not captured:
            return Competitor(f"{num} bare passes", run, lambda: pupil.evaluations)
        recorder = _recorder.of(work.device)
        for _ in range(WARM_UP):
            recorder.run(run)
        replay, _ = recorder.record(run)

        def replayed() -> None:
            replay()
            pupil.evaluations += num

        return Competitor(f"{num} bare passes", replayed, lambda: pupil.evaluations)

    return enter


def two_passes(rho: float) -> Entry:
    """SAM in a dozen lines by hand, as fast as eager torch lets it, without any of the care.

    BatchNorm statistics move twice a step and a non-finite gradient ruins the weights.
    """

    def enter(work: Work) -> Competitor:
        pupil = Pupil(work)
        optimizer, parameters = pupil.base(), list(pupil.model.parameters())

        def run() -> None:
            optimizer.zero_grad()
            pupil.backward()
            with torch.no_grad():
                grads = [p.grad for p in parameters if p.grad is not None]
                moved = [p.detach() for p in parameters if p.grad is not None]
                norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(grads)))
                backup = [p.clone() for p in moved]
                torch._foreach_add_(moved, torch._foreach_mul(grads, rho / (norm + 1e-12)))
                del grads
            optimizer.zero_grad()
            pupil.backward()
            with torch.no_grad():
                torch._foreach_copy_(moved, backup)
            optimizer.step()

        return Competitor("two-pass loop by hand", run, lambda: pupil.evaluations)

    return enter


def peer(rho: float) -> Entry | None:
    """`pytorch_optimizer`'s SAM, used as its documentation says; None where not installed."""
    try:
        rule = importlib.import_module(PEER).SAM
    except ImportError:
        return None

    def enter(work: Work) -> Competitor:
        pupil = Pupil(work)
        base = pupil.base()
        settings = {"lr": LR, "momentum": work.train.momentum}
        settings["weight_decay"] = work.train.weight_decay
        optimizer = rule(pupil.model.parameters(), type(base), rho=rho, **settings)

        def closure() -> None:
            optimizer.zero_grad()
            pupil.backward()

        def run() -> None:
            closure()
            optimizer.step(closure)

        return Competitor(f"{PEER}'s SAM", run, lambda: pupil.evaluations)

    return enter
