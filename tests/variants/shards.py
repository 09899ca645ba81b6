"""One of several processes that train one model in shards, for test_fsdp.py.

Arguments: RANK WORLD STORE - FILE.

Every rule in one process, because it takes longer to start than to train. Rank r has the rows
r, r + WORLD, ... of each batch.
"""

import sys
from pathlib import Path
from typing import Any

import replicas
import settings
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.nn import functional as F

import variants
from variants.driver.descent import Descent
from variants.testing import problem

STEPS = 4
BAD_STEP = 2
FEW = ("plain", "sam", "sampa", "vasso")


def tiny() -> nn.Module:
    """Of tensors that two processes cut unevenly: one row, or none, on the last."""
    model = problem.Tiny()
    model.temperature = nn.Parameter(model.temperature.detach().reshape(1))
    return model


def in_shards(model: nn.Module, **how: Any) -> nn.Module:
    for layer in model.children():
        if list(layer.parameters()):
            fully_shard(layer, **how)
    fully_shard(model, **how)
    return model


class Shard(settings.Training):
    """This rank's rows of the batches."""

    def __init__(self, name: str, model: nn.Module, **options: Any) -> None:
        super().__init__(
            replicas.create(name), dtype=torch.float64, model=model, ascent="synced", **options
        )
        mine = slice(dist.get_rank(), None, dist.get_world_size())
        self.x, self.y = self.x[:, mine], self.y[:, mine]

    def result(self) -> dict[str, Any]:
        return {
            "weights": gathered(dict(self.model.named_parameters())),
            "buffers": {n: b.clone() for n, b in self.model.named_buffers()},
            "steps": self.opt.steps,
            "skipped": self.opt.skipped,
            "passes": self.opt.passes,
            "norm": float(self.opt.gradient_norm),
        }


def gathered(tree: dict[str, Any]) -> dict[str, torch.Tensor]:
    return {n: getattr(t, "full_tensor", lambda t=t: t)().detach().clone() for n, t in tree.items()}


def train(name: str, **how: Any) -> dict[str, Any]:
    """In uneven micro-batches."""
    return Shard(name, in_shards(tiny(), **how)).step(STEPS, size=4, micro=3).result()


def adamw(name: str) -> dict[str, Any]:
    """Clipped, and some layers frozen for a while."""
    t = Shard(name, in_shards(tiny()), clip=0.5, base=lambda p: torch.optim.AdamW(p, lr=0.01))
    return frozen_for_a_while(t, size=4).result()


def frozen_for_a_while(t: settings.Training, **cut: Any) -> settings.Training:
    t.step(1, **cut)
    t.model.norm.requires_grad_(False)
    t.step(1, **cut)
    t.model.norm.requires_grad_(True)
    return t.step(2, **cut)


def spoiled(name: str, *, sharded: bool) -> dict[str, Any]:
    """BatchNorm, a loss scale, clipping, and an overflow on the last rank; in shards or by DDP."""
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    if sharded:
        model = in_shards(replicas.normed().double())
        t = Shard(name, model, scaler=scaler, clip=1.0)
    else:
        wrap = {"broadcast_buffers": False}
        t = replicas.Replica(
            name, replicas.normed(), wrap, ascent="synced", scaler=scaler, clip=1.0
        )
    rank, last = dist.get_rank(), dist.get_world_size() - 1
    for step in range(STEPS):
        bad = step == BAD_STEP and rank == last
        t.step(1, lambda f, bad=bad: lambda r: f(r) * (float("inf") if bad else 1.0), size=4)
    return t.result() | {"scale": scaler.get_scale()}


def on_device(name: str) -> dict[str, Any]:
    """A fused base that skips by itself, as on a GPU; an overflow on the last rank."""
    base = {"base": lambda p: torch.optim.AdamW(p, lr=0.01, fused=True)}
    t = Shard(name, in_shards(tiny()), **base)
    asks, Descent.waits = Descent.waits, lambda self, device: False
    try:
        t.step(2, size=4)
        bad = dist.get_rank() == dist.get_world_size() - 1
        t.step(1, lambda f: lambda r: f(r) * (float("inf") if bad else 1.0), size=4)
        return t.step(1, size=4).result()
    finally:
        Descent.waits = asks


def kept_whole(name: str) -> dict[str, Any]:
    """Weights that a forward pass gathered stay so, and the model is evaluated between steps."""
    model = in_shards(tiny(), reshard_after_forward=False)
    model.set_reshard_after_backward(False)
    t = Shard(name, model)
    seen: list[torch.Tensor] = []
    model.last.register_forward_hook(lambda m, *_: seen.append(m.weight.detach().clone()))
    before = gathered(dict(model.named_parameters()))
    for _ in range(STEPS):
        with torch.no_grad():
            model(t.x[0])
        t.step(1, size=4, micro=3)
    return t.result() | {"seen": seen, "before": before}


def loops(name: str) -> dict[str, Any]:
    """Loops that call `backward`, and reduce gradients at the last micro-batch alone."""
    t = Shard(name, in_shards(tiny()))
    micros = 2  # of 3 rows and 1
    for step in range(STEPS):
        for i, rows in enumerate(t.opt.evaluations(size=4, micro=3)):
            t.model.set_requires_gradient_sync(i % micros == micros - 1)
            t.opt.loss(t.losses(rows, step)).backward()
    return t.result()


def two_calls() -> dict[str, Any]:
    model = in_shards(tiny())
    t = Shard("plain", model)
    optimizer = variants.SAM(model.parameters(), torch.optim.SGD, rho=0.05, lr=0.05, momentum=0.9)
    for step in range(STEPS):
        t.losses(slice(None), step).mean().backward()
        optimizer.first_step()
        t.losses(slice(None), step).mean().backward()
        optimizer.second_step()
    return {"weights": gathered(dict(model.named_parameters()))}


def precise(name: str) -> dict[str, Any]:
    """Forward and backward passes in bfloat16, weights and sums in float64."""
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    model = in_shards(tiny(), mp_policy=policy)
    return Shard(name, model).step(STEPS, size=4, micro=3).result()


def early() -> torch.Tensor:
    raise problem.OnPurposeError


def failing() -> dict[str, Any]:
    """A closure that raises on all ranks: before any pass, and half-way through the second."""
    model = in_shards(tiny())
    t = Shard("sam", model)
    try:
        t.opt.step(early)
    except problem.OnPurposeError:
        t.step(1, size=4)
    before = gathered(dict(model.named_parameters()))
    calls: list[object] = []

    def fail(*_: object) -> None:
        calls.append(None)
        if len(calls) == 2:
            raise problem.OnPurposeError

    hook = model.norm.register_forward_hook(fail)
    try:
        t.step(1, size=4)
    except problem.OnPurposeError:
        hook.remove()
    after = gathered(dict(model.named_parameters()))
    return {"before": before, "after": after, **t.step(STEPS - 1, size=4).result()}


def judged() -> dict[str, torch.Tensor]:
    """The gradient that a judge with an optimizer of its own gets, and the one it has at w."""
    torch.manual_seed(0)
    generator, judge = nn.Linear(5, 4).double(), nn.Linear(4, 3).double()
    x, y = problem.data(8)
    whole = F.cross_entropy(judge(generator(x[0])), y[0])
    (expected,) = torch.autograd.grad(whole, judge.weight)
    fully_shard(generator)
    fully_shard(judge)
    base = torch.optim.SGD(generator.parameters(), lr=0.1)
    rule = variants.create("sam", rho=0.5)
    opt = variants.SharpnessAware(base, rule, [generator, judge], ascent="synced")
    mine = slice(dist.get_rank(), None, dist.get_world_size())
    x, y = x[0, mine], y[0, mine]
    opt.step(
        lambda rows: F.cross_entropy(judge(generator(x[rows])), y[rows], reduction="none"),
        size=4,
        micro=3,
    )
    found = judge.weight.grad
    assert found is not None
    return {"found": gathered({"": found})[""], "expected": expected}


def hybrid(name: str) -> dict[str, Any]:
    """A mesh that replicates and shards."""
    mesh = init_device_mesh("cpu", (dist.get_world_size(), 1), mesh_dim_names=("copies", "parts"))
    return train(name, mesh=mesh)


def run(t: settings.Training) -> dict[str, Any]:
    return {"model": t.model, "optimizer": variants.Checkpoint(t.opt)}


def checkpoints(name: str, folder: Path) -> dict[str, Any]:
    """A run of this rank alone, saved and resumed by all of them, and the reverse."""
    first = dist.get_rank() == 0
    base = {"base": lambda p: torch.optim.AdamW(p, lr=0.01)}

    def alone() -> settings.Training:
        options = {"ascent": "alone", **base}
        return settings.Training(
            replicas.create(name), dtype=torch.float64, model=tiny(), **options
        )

    def together() -> Shard:
        return Shard(name, in_shards(tiny()), **base)

    cut = {"micro": 4}  # m_sam: a process has as many batches as all have
    if first:
        one = alone().step(2, **cut)
        dcp.save(run(one), checkpoint_id=folder / f"{name}.one", no_dist=True)
    dist.barrier()
    many = together()
    dcp.load(run(many), checkpoint_id=folder / f"{name}.one")
    resumed = many.step(2, size=4).result()

    many = together().step(2, size=4)
    dcp.save(run(many), checkpoint_id=folder / f"{name}.two")
    dist.barrier()
    if not first:
        return {"on two": resumed}
    one = alone()
    dcp.load(run(one), checkpoint_id=folder / f"{name}.two", no_dist=True)
    return {"on two": resumed, "on one": one.step(2, **cut).weights(), "steps": one.opt.steps}


def refusals() -> dict[str, str]:
    """What is said of shards that cannot be stepped."""

    def said(work: Any) -> str:
        try:
            work()
        except ValueError as error:
            return str(error)
        return ""

    def optimizer(model: nn.Module, **options: Any) -> variants.SharpnessAware:
        base = torch.optim.SGD(model.parameters(), lr=0.1)
        rule = options.pop("rule", "sam")
        options = {"ascent": "synced", "total_steps": 9} | options
        return variants.SharpnessAware(base, settings.create(rule), model, **options)

    def step(model: nn.Module, **options: Any) -> None:
        x, y = problem.data(4)
        optimizer(model, **options).step(lambda: F.cross_entropy(model(x[0]), y[0]))

    def layered(style: Any) -> nn.Module:
        from torch.distributed.tensor.parallel import parallelize_module

        mesh = init_device_mesh("cpu", (dist.get_world_size(),))
        return parallelize_module(problem.Tiny(), mesh, {"first": style})

    def partly() -> nn.Module:
        model = problem.Tiny()
        fully_shard(model.first)
        return model

    def wrapped() -> nn.Module:
        from torch.distributed.fsdp import FullyShardedDataParallel

        return FullyShardedDataParallel(tiny(), device_id=torch.device("cpu"))

    from torch.distributed.tensor.parallel import ColwiseParallel

    class Ranks(variants.Variant):
        """Of somebody who does not say that it needs whole tensors."""

        passes = 1.0

        def direction(self, oracle: Any, state: Any) -> Any:
            grads = oracle.grad().grads
            return variants.Update({n: g.flatten().sort().values for n, g in grads.items()}), state

    def fused_sgd() -> None:
        model = in_shards(tiny())
        Shard("sam", model, base=lambda p: torch.optim.SGD(p, lr=0.1, fused=True)).step(1, size=4)

    def ranking() -> None:
        t = Shard("sam", in_shards(tiny()))
        t.opt.variant = Ranks()
        t.step(1, size=4)

    rules = [name for name in variants.names() if variants.info(name).whole]
    return {
        "local": said(lambda: step(in_shards(tiny()), ascent="local")),
        "alone": said(lambda: step(in_shards(tiny()), ascent="alone")),
        "tensor parallel": said(lambda: optimizer(layered(ColwiseParallel()))),
        "partly": said(lambda: optimizer(partly())),
        "fused": said(fused_sgd),
        "ranking": said(ranking),
        "FSDP1": said(lambda: optimizer(wrapped())),
        **{name: said(lambda n=name: step(in_shards(tiny()), rule=n)) for name in rules},
    }


def main(rank: str, world: str, store: str, _mode: str, file: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{store}", rank=int(rank), world_size=int(world)
    )
    running = [name for name in variants.names() if not variants.info(name).whole]
    results: dict[str, Any] = {"train": {name: train(name) for name in running}}
    for case in (adamw, on_device, kept_whole, loops, precise, hybrid):
        results[case.__name__] = {name: case(name) for name in FEW}
    results["spoiled"] = {name: spoiled(name, sharded=True) for name in FEW}
    results["replicas"] = {name: spoiled(name, sharded=False) for name in FEW}
    if hasattr(FSDPModule, "reset_iter_state"):
        results["failing"] = failing()
    results["two calls"] = two_calls()
    results["judged"] = judged()
    folder = Path(store).parent
    results["checkpoints"] = {n: checkpoints(n, folder) for n in ("vasso", "le_sam", "sampa")}
    results["refusals"] = refusals()
    torch.save(results, f"{file}.{rank}")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
