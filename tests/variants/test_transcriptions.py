"""Variants without recorded data equal an independent transcription of their paper's equations.

14 steps in float64 under SGD with momentum and AdamW, both with weight decay. Random rules replay
the noise that the variant drew. transcriptions.py was written from the equations alone.
"""

import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import variants
from variants.testing import Run, data

_spec = importlib.util.spec_from_file_location(
    "transcriptions", Path(__file__).with_name("transcriptions.py")
)
paper = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(paper)

TOLERANCE = 1e-10  # relative to the largest weight; SGD(0.1) does not amplify rounding here
STEPS = 14

BASES = {
    "sgd": (
        lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4),
        paper.SGD,
    ),
    "adamw": (
        lambda m: torch.optim.AdamW(m.parameters(), lr=0.01, weight_decay=0.01),
        paper.AdamW,
    ),
}


def normal(step: int, call: int, like: dict) -> dict:
    rng = torch.Generator().manual_seed(1000 * step + call)
    return {n: torch.randn(t.shape, generator=rng, dtype=t.dtype) for n, t in like.items()}


def uniform(step: int, call: int, like: dict) -> dict:
    rng = torch.Generator().manual_seed(1000 * step + call)
    return {n: torch.rand(t.shape, generator=rng, dtype=t.dtype) for n, t in like.items()}


AE = {"rho": 0.1, "delta": 0.8, "lambda1": -1.0, "lambda2": 0.5}
SPARSE = {"rho": 0.2, "sparsity": 0.6, "update_freq": 3}


def vasso_inside(step):
    return paper.vasso(step, rho=0.1, theta=0.4)


def sam_inside(step):
    return paper.sam(step, rho=0.1)


def s2_inside(step):
    return paper.s2_sam(step, rho=0.1)


@dataclass
class Case:
    """A variant with its hyperparameters, and the transcription with what it calls otherwise."""

    name: str
    hypers: dict[str, Any]
    instead: dict[str, Any] | None = None
    """the transcription's hyperparameters, where they are not the variant's"""
    noise: Any = None
    within: float = TOLERANCE

    def __str__(self) -> str:
        form = [
            str(v) for v in self.hypers.values() if isinstance(v, str | bool | variants.Variant)
        ]
        return "-".join([self.name, *form])


CASES = [
    Case("plain", {}),
    Case("sam", {"rho": 0.1}),
    Case("gnp", {"rho": 0.2, "alpha": 0.8}),
    Case("tensor_sum_sam", {"rho": 0.05}),
    Case("tensor_sum_sam", {"rho": 0.05, "reduction": "mean"}, instead={"rho": 0.05, "mean": True}),
    Case("random_sam", {"rho": 0.1, "sigma": 0.05, "lam": 2.0}, noise=normal),
    Case("rwp", {"gamma": 0.1, "alpha": 0.7}, noise=normal),
    Case("ae_sam", AE),
    Case("ae_looksam", {**AE, "alpha": 0.7}),
    Case("rst", {"rho": 0.1, "p": 0.6}, noise=uniform),
    Case("rst", {"rho": 0.1, "p": 0.6, "alpha": 1.5}, noise=uniform),
    Case("k_sam", {"rho": 0.1, "gamma": 0.5}),
    Case("layer_sam", {"rho": 0.1}),
    Case("layer_sam", {"rho": 0.1, "form": "trust"}, instead={"rho": 0.1, "trust": True}),
    Case("look_layer_sam", {"rho": 0.1, "k": 3, "alpha": 0.7}),
    Case("look_layer_sam", {"rho": 0.05, "k": 3, "alpha": 0.5, "form": "trust"},
         instead={"rho": 0.05, "k": 3, "alpha": 0.5, "trust": True}),
    Case("m_sam", {"size": 3, "inner": variants.create("sam", rho=0.1)},
         instead={"size": 3, "inner": sam_inside}),
    Case("m_sam", {"size": 3, "inner": variants.create("vasso", rho=0.1, theta=0.4)},
         instead={"size": 3, "inner": vasso_inside}),
    Case("late_sam", {"rho": 0.1, "start": 0.3, "every": 3},
         instead={"start": 0.3, "every": 3, "inner": sam_inside}),
    Case("late_sam", {"rho": 0.1, "start": 0.0, "every": 2, "inner": variants.create("s2_sam")},
         instead={"start": 0.0, "every": 2, "inner": s2_inside}),
    Case("bilateral_sam", {"rho": 0.1, "ratio": 0.5}),
    Case("s2_sam", {"rho": 0.1}),
    Case("tilted_sam", {"rho": 0.1, "tilt": 4.0, "n": 3, "radius": 0.3, "sigma": 0.04},
         noise=normal),
    Case("sagm", {"rho": 0.1, "alpha": 0.05}),
    Case("xsam", {"rho": 1.0, "n_iters": 2, "reach": 2.0, "alpha_max": 2.0, "points": 11,
                  "freq": 5}),
    Case("gc_sam", {"rho": 0.1}),
    Case("gc_sam", {"rho": 0.1, "descent": False}),
    Case("le_sam", {"sigma": 0.1, "rho_max": 0.15, "warmup": 0.0, "anneal": 0.0}),
    Case("le_sam", {"sigma": 0.1, "rho_max": 0.15, "warmup": 0.3, "anneal": 0.5}),
    Case("async_sam", {"rho": 0.1}),
    Case("async_sam", {"rho": 0.1, "tau": 3}),
    Case("sparse_sam_f", {**SPARSE, "share": 0.5}, instead={**SPARSE, "samples": 4}),
    Case("esam", {"rho": 0.1, "beta": 0.6, "gamma": 0.5},
         instead={"rho": 0.1, "beta": 0.6, "gamma": 0.5, "less": 1}, noise=uniform),
    Case("esam", {"rho": 0.1, "beta": 0.6, "gamma": 0.5, "keep": "paper"},
         instead={"rho": 0.1, "beta": 0.6, "gamma": 0.5, "less": 0}, noise=uniform),
    Case("friendly_sam", {"rho": 0.1, "sigma": 0.7, "lam": 0.6, "form": "paper"},
         instead={"rho": 0.1, "sigma": 0.7, "lam": 0.6}),
    Case("trace_sam", {"rho": 0.2, "lam": 1.5, "n": 2, "sampler": "sphere"},
         instead={"rho": 0.2, "lam": 1.5}, noise=normal),
    # the transcription differentiates twice, the variant takes differences of gradients
    Case("eigen_sam", {"rho": 0.1, "alpha": 0.3, "freq": 3, "form": "paper"},
         instead={"rho": 0.1, "alpha": 0.3, "freq": 3}, noise=normal, within=1e-7),
    Case("zsharp", {"rho": 0.1, "q": 0.7, "norm": "global"}, instead={"rho": 0.1, "q": 0.7}),
]  # fmt: skip


class Recorder:
    """Gives noise to a variant and keeps it for the transcription."""

    def __init__(self, kind) -> None:
        self.kind, self.draws = kind, {}

    def __call__(self, step: int, call: int, like: dict) -> dict:
        drawn = self.kind(step, call, like)
        self.draws[step, call] = torch.cat([t.reshape(-1) for t in drawn.values()])
        return drawn


def flat(run: Run) -> torch.Tensor:
    return torch.cat([p.reshape(-1) for p in run.weights().values()])


def gap(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_equals_the_paper(case, base):
    make, transcribed = BASES[base]
    noise = None if case.noise is None else Recorder(case.noise)
    run = Run(variants.create(case.name, **case.hypers), make, total_steps=STEPS, noise=noise)
    problem = paper.Problem(Run(variants.create("plain")).model, *data(8))
    run.step(STEPS)
    draws = {} if noise is None else noise.draws
    rule, hypers = getattr(paper, case.name), case.hypers if case.instead is None else case.instead
    wanted = paper.train(problem, transcribed(), rule, STEPS, STEPS, draws, **hypers)
    assert gap(flat(run), wanted) < case.within
    if case.name != "plain":  # the case tells the rule from the base optimizer
        bare = paper.train(problem, transcribed(), paper.plain, STEPS, STEPS, {})
        assert gap(flat(run), bare) > 1e-4


def mask_of(run: Run) -> torch.Tensor:
    mask = run.opt.state_dict()["sharpness"]["state"]["mask"]
    return torch.cat([m.reshape(-1) for m in mask.values()]).bool()


@pytest.mark.parametrize("base", BASES)
def test_sparse_sam_d_moves_its_mask(base):
    """1.12, D: at a refresh the weakest of the live weights make room for as many dead ones.

    After e, every update_freq steps but the first; d is rounded down, and those that leave do not
    come back at once (docstring, "others").
    """
    make, transcribed = BASES[base]
    hypers = {"rho": 0.2, "sparsity": 0.6, "update_freq": 3, "drop_rate": 0.5}
    run = Run(variants.create("sparse_sam_d", **hypers), make, total_steps=STEPS)
    problem = paper.Problem(Run(variants.create("plain")).model, *data(8))
    size = len(problem.start)
    used, refreshed = [], 0
    for t in range(STEPS):
        g, before = problem.gradient(flat(run), t), None if t == 0 else mask_of(run)
        run.step()
        after = mask_of(run)
        assert int(after.sum()) == size - math.ceil(size * 0.6)
        used.append((after if before is None else before).double())
        if before is None or t % 3:
            assert before is None or torch.equal(after, before)
            continue
        share = 0.5 * (1 + math.cos(math.pi * t / STEPS)) / 2
        weakest = torch.where(before, g.abs(), torch.inf).argsort()[: int(share * before.sum())]
        assert set((before & ~after).nonzero().flatten().tolist()) == set(weakest.tolist())
        assert int((after & ~before).sum()) == len(weakest)
        refreshed += 1
    assert refreshed == 4
    rule = paper.sparse_sam_with
    wanted = paper.train(problem, transcribed(), rule, STEPS, STEPS, {}, rho=0.2, masks=used)
    assert gap(flat(run), wanted) < TOLERANCE


def test_sparse_sam_d_draws_its_mask_at_random():
    masks = [mask_of(Run(variants.create("sparse_sam_d"), seed=s).step()) for s in (0, 0, 1)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_ae_sam_takes_both_branches():
    """Else the comparison above would prove half of it."""
    problem = paper.Problem(Run(variants.create("plain")).model, *data(8))
    w, memory, base = problem.start, {}, paper.SGD()
    for t in range(STEPS):
        step = paper.Step(problem, w, t, STEPS, memory)
        w = base.step(w, paper.ae_sam(step, **AE))
    assert 3 <= memory["fired"] <= STEPS - 3
