"""One of several processes that train together, for test_ddp.py: RANK WORLD STORE MODE FILE.

Every variant in one process, because it takes longer to start than to train. Rank r has the rows
r, r + WORLD, ... of each batch.
"""

import sys
from typing import Any

import settings
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import variants
from variants.testing import problem

SHARDED = {"m_sam": {"size": 2}}  # of 4 rows here and 4 there: the 4 rows of one process
STEPS = 4
BAD_STEP = 2


def create(name: str) -> variants.Variant:
    whole = {"gamma": 1.0} if name in ("esam", "k_sam") else {}
    return settings.create(name, **whole, **SHARDED.get(name, {}))


class Replica(settings.Training):
    """This rank's rows of the batches."""

    def __init__(
        self,
        name: str,
        model: nn.Module,
        wrap: dict[str, Any],
        hand_in: str = "ddp",
        run: str = "ddp",
        **options: Any,
    ) -> None:
        """The driver is handed, and closures run, the model of DDP or the bare one."""
        model.double()
        given = DistributedDataParallel(model, **wrap) if hand_in == "ddp" else model
        super().__init__(create(name), dtype=torch.float64, model=given, **options)
        self.bare, self.model = model, {"ddp": given, "bare": model}[run]
        if hand_in == "bare":  # as tools do: the optimizer is there before DDP is
            self.wrapper = DistributedDataParallel(model, **wrap)
            self.model = {"ddp": self.wrapper, "bare": model}[run]
        mine = slice(dist.get_rank(), None, dist.get_world_size())
        self.x, self.y = self.x[:, mine], self.y[:, mine]

    def result(self) -> dict[str, Any]:
        buffers = {n: b.clone() for n, b in self.bare.named_buffers()}
        return {
            "weights": {n: p.detach().clone() for n, p in self.bare.named_parameters()},
            "state": self.opt.state_dict()["sharpness"]["state"],
            "steps": self.opt.steps,
            "skipped": self.opt.skipped,
            "passes": self.opt.passes,
            "buffers": buffers,
        }


def normed() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 3))


def train(name: str, mode: str) -> dict[str, Any]:
    """In uneven micro-batches, with gradients that live in DDP's buckets."""
    wrap = {"gradient_as_bucket_view": True}
    t = Replica(name, problem.Tiny(), wrap, ascent=mode, noise=settings.constant)
    return t.step(STEPS, size=4, micro=3).result()


def spoiled(name: str, mode: str) -> dict[str, Any]:
    """BatchNorm, a loss scale, clipping, and an overflow on the last rank alone."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    t = Replica(name, normed(), {}, ascent=mode, scaler=scaler, clip=1.0)
    rank, last = dist.get_rank(), dist.get_world_size() - 1
    for step in range(STEPS):
        bad = step == BAD_STEP and rank == last
        t.step(1, lambda f, bad=bad: lambda r: f(r) * (float("inf") if bad else 1.0), size=4)
    return t.result() | {"scale": scaler.get_scale()}


def mixed(name: str, mode: str) -> dict[str, Any]:
    """`train`, with the wrapped model here and the bare one there."""
    found = {}
    few = [("ddp", "bare"), ("bare", "bare")] if name in ("plain", "sam", "sampa") else []
    for hand_in, run in (("bare", "ddp"), *few):
        t = Replica(
            name,
            problem.Tiny(),
            {"gradient_as_bucket_view": True},
            hand_in,
            run,
            ascent=mode,
            noise=settings.constant,
        )
        found[f"{hand_in} {run}"] = t.step(STEPS, size=4, micro=3).result()["weights"]
    return found


class Halves(nn.Module):
    """Two DDP models, which one closure runs one after the other."""

    def __init__(self) -> None:
        super().__init__()
        whole = normed().double()
        self.halves = nn.ModuleList(map(DistributedDataParallel, (whole[:2], whole[3:])))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.halves[1](self.halves[0](x).tanh())


def halves(name: str, mode: str) -> dict[str, Any]:
    """Several DDP models in one, and what one DDP model of the same layers does."""
    found = {}
    for model in (Halves(), normed().double()):
        whole = isinstance(model, nn.Sequential)
        wrapped = DistributedDataParallel(model) if whole else model
        t = settings.Training(create(name), dtype=torch.float64, model=wrapped, ascent=mode)
        mine = slice(dist.get_rank(), None, dist.get_world_size())
        t.x, t.y = t.x[:, mine], t.y[:, mine]
        t.step(STEPS, size=4)
        found["one" if whole else "two"] = torch.cat([p.flatten() for p in t.weights().values()])
    return found


def judged(mode: str, *, apart: bool) -> dict[str, torch.Tensor]:
    """The gradient that a judge with an optimizer of its own gets, and the mean of both ranks'."""
    torch.manual_seed(0)
    generator, judge = nn.Linear(5, 4).double(), nn.Linear(4, 3).double()
    wrap = {"gradient_as_bucket_view": True}
    if apart:
        model = DistributedDataParallel(generator, **wrap)
        parts = [model, DistributedDataParallel(judge, **wrap)]
    else:
        model = DistributedDataParallel(nn.Sequential(generator, judge), **wrap)
        parts = [model]
    base = torch.optim.SGD(generator.parameters(), lr=0.1)
    opt = variants.SharpnessAware(base, create("sam"), model, ascent=mode)
    x, y = problem.data(8)
    mine = slice(dist.get_rank(), None, dist.get_world_size())
    x, y = x[0, mine].double(), y[0, mine]

    def losses(rows: Any = slice(None), parts: list[nn.Module] = parts) -> torch.Tensor:
        logits = nn.Sequential(*parts)(x[rows])
        return nn.functional.cross_entropy(logits, y[rows], reduction="none")

    bare = losses(parts=[generator, judge])
    (expected,) = torch.autograd.grad(bare.mean(), judge.weight)
    dist.all_reduce(expected)
    opt.step(losses, size=4, micro=3)
    assert judge.weight.grad is not None
    return {"found": judge.weight.grad.clone(), "expected": expected / dist.get_world_size()}


def refusals(mode: str) -> dict[str, str]:
    """What `step` says where replicas would not stay equal."""

    def said(model: nn.Module, wrap: dict[str, Any] | None, **options: Any) -> str:
        model.double()
        wrapper = model if wrap is None else DistributedDataParallel(model, **wrap)
        t = settings.Training("sam", dtype=torch.float64, model=model, **options)
        t.model = wrapper
        try:
            t.step(1, size=8)
        except ValueError as error:
            return str(error)
        return ""

    class Partly(nn.Sequential):
        """A DDP model, and a layer that is not in it, of other weights in every process."""

        def __init__(self) -> None:
            super().__init__(DistributedDataParallel(nn.Linear(5, 6).double()), nn.Linear(6, 3))
            torch.manual_seed(dist.get_rank())
            nn.init.normal_(self[1].weight)

    class Unused(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self[0](x)

    unused = Unused(nn.Linear(5, 3), nn.Linear(5, 3))
    return {
        "nobody": said(nn.Linear(5, 3), None, ascent=mode),
        "alone": said(nn.Linear(5, 3), None, ascent="alone"),
        "alone in DDP": said(nn.Linear(5, 3), {}, ascent="alone"),
        "partly": said(Partly(), None, ascent=mode),
        "unused": said(unused, {}, ascent=mode),
        "static graph": said(nn.Linear(5, 3), {"static_graph": True}, ascent=mode),
    }


class Branches(nn.Module):
    """Rank 0 never reaches `odd`."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.even, self.odd, self.never = nn.Linear(5, 3), nn.Linear(5, 3), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.even(x) + self.odd(x) if dist.get_rank() else self.even(x)


def branches(name: str, mode: str) -> dict[str, Any]:
    """Parameters that one replica only, or none, reaches; decay moves what has a gradient."""
    t = Replica(
        name,
        Branches(),
        {"find_unused_parameters": True},
        ascent=mode,
        base=lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.1),
    )
    return t.step(STEPS, size=4).result()


def main(rank: str, world: str, store: str, mode: str, file: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=int(rank), world_size=int(world)
    )
    results: dict[str, dict[str, Any]] = {}
    for case in (train, spoiled):
        results[case.__name__] = {name: case(name, mode) for name in variants.names()}
    results["branches"] = {name: branches(name, mode) for name in ("plain", "sam", "looksam")}
    results["mixed"] = {name: mixed(name, mode) for name in variants.names()}
    results["halves"] = {name: halves(name, mode) for name in ("plain", "sam", "vasso")}
    results["judged"] = {place: judged(mode, apart=place == "apart") for place in ("in", "apart")}
    results["refusals"] = refusals(mode)
    torch.save(results, f"{file}.{rank}")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
