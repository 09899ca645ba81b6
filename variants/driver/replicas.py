"""Processes that train one model: replicas of DistributedDataParallel, or fully_shard's shards."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from weakref import ref

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.nn.parallel import DistributedDataParallel

from variants.core.protocol import State, Tree, Update
from variants.driver import sharded

BUCKET = 2**25  # bytes that one collective moves; the copy it needs is as large
ASCENTS = ("local", "synced", "alone")


class Replicas:
    """This process among those that train copies of one model; alone, nothing here does anything.

    local: every replica runs the rule on its own rows, and their directions are averaged;
    synced: every gradient is averaged, so that all replicas run one rule on one batch.

    DDP's own averaging rests during a step, and what it would do is done here: it is all the same
    whether a closure runs the wrapped model or the bare one, and who wrapped it when. Shards
    (FSDP2) come with their gradients averaged, and are always synced.
    """

    def __init__(self, model: nn.Module, ascent: str) -> None:
        if ascent not in ASCENTS:
            *others, last = map(repr, ASCENTS)
            raise ValueError(f"ascent must be {', '.join(others)} or {last}, got {ascent!r}")
        self._model = model
        self._ascent = ascent
        self._known: list[ref[DistributedDataParallel]] | None = None
        self._all: list[ref[DistributedDataParallel]] = []
        """also of models that a closure only runs"""
        self._groups: list[dist.ProcessGroup | None] = []
        """one after the other they join all processes"""
        self.in_shards = False
        """whether gradients come averaged, be it after the last micro-batch alone"""
        self.count = 1

    def meet(self, parameters: dict[str, nn.Parameter]) -> None:
        """Finds the DDP models that hold these parameters; ValueError where they cannot agree."""
        if not (dist.is_available() and dist.is_initialized()):
            return
        if (mesh := sharded.mesh(parameters)) is not None:
            self._meet_shards(mesh)
            return
        if self._known is not None and len(self._ddps) == len(self._known):
            return
        alive, known = _alive(self._model), self._known
        ddps = _holders(alive, list(parameters.values()))
        processes = dist.get_world_size(ddps[0].process_group if ddps else None)
        _refuse(ddps, processes, self._ascent)
        self._known = [ref(ddp) for ddp in ddps]
        self._all = [ref(a) for a in alive if ddps and a.process_group == ddps[0].process_group]
        if ddps and processes > 1:
            self._groups, self.count = [ddps[0].process_group], processes
            if known is None:
                self._check_equal(parameters)

    def _meet_shards(self, mesh: DeviceMesh) -> None:
        if self._ascent != "synced":
            raise ValueError(
                f"shards (fully_shard) are perturbed together, and ascent is {self._ascent!r}: say "
                "SharpnessAware(..., ascent='synced'), one perturbation for all processes"
            )
        self.in_shards, self.count = True, mesh.size()
        self._groups = [mesh.get_group(i) for i in range(mesh.ndim)]

    def has(self, leaf: Tensor) -> bool:
        """Whether the processes have copies of a tensor that is not trained here."""
        return any(leaf is p for ddp in _living(self._all) for p in ddp.module.parameters())

    @property
    def local(self) -> bool:
        """Whether directions are averaged, of rules that each process runs on its own rows."""
        return self.count > 1 and self._ascent == "local"

    @property
    def synced(self) -> bool:
        """Whether every gradient is averaged."""
        return self.count > 1 and self._ascent == "synced"

    @property
    def is_distributed(self) -> bool:
        """Whether DDP wraps the model, or it is in shards, be it alone."""
        return bool(self._known) or self.in_shards

    @property
    def _ddps(self) -> list[DistributedDataParallel]:
        return _living(self._known or [])

    def _check_equal(self, parameters: dict[str, nn.Parameter]) -> None:
        bits = [p.detach().reshape(-1).view(torch.uint8) for p in parameters.values()]
        sums = torch.stack([b.sum(dtype=torch.int64) for b in bits])
        ends = torch.stack([sums, -sums])
        self._reduce(ends, dist.ReduceOp.MIN)
        least, most = ends.tolist()
        for name, low, high in zip(parameters, least, most, strict=True):
            if low != -high:
                raise ValueError(
                    f"{name} differs between the processes, and stays so: no DDP model holds it. "
                    "Wrap all that is trained, or start from the same weights everywhere"
                )

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Forward and backward passes in it stay in this process."""
        with ExitStack() as stack:
            for ddp in _living(self._all):
                stack.enter_context(ddp.no_sync())
            yield

    def begin(self, parameters: dict[str, nn.Parameter]) -> None:
        """Starts a step of these parameters, with the buffers of rank 0, as DDP does."""
        self.meet(parameters)
        if self.count == 1:
            return
        for ddp in (ddp for ddp in self._ddps if ddp.broadcast_buffers):
            for bucket in _buckets([b for b in ddp.module.buffers() if b.numel()]):
                flat = torch.cat([b.reshape(-1) for b in bucket])
                self._broadcast(flat)
                _unpack(flat, bucket)

    def shared(self, grads: Tree) -> Tree:
        """The gradients of a pass; their mean, in place, where processes share them."""
        if self.synced and not self.in_shards:
            self.mean_(list(grads.values()))
        return grads

    def mean_(self, tensors: list[Tensor]) -> None:
        """Replaces tensors by their mean over the replicas, the same bits on all of them."""
        for bucket in _buckets(tensors):
            flat = torch.cat([t.reshape(-1) for t in bucket])
            self._reduce(flat, dist.ReduceOp.SUM)
            _unpack(flat.div_(self.count), bucket)

    def average(self, value: Tensor) -> Tensor:
        """The mean of a tensor over replicas that share their gradients; else itself."""
        if not self.synced:
            return value
        value = value.clone()
        self.mean_([value])
        return value

    def first(self, value: Tensor) -> Tensor:
        """The value of rank 0, on all ranks."""
        if self.count == 1:
            return value
        value = value.clone()
        self._broadcast(value)
        return value

    def _broadcast(self, value: Tensor) -> None:
        bits = value.view(torch.uint8) if value.dtype == torch.bool else value  # gloo has no bool
        for group in reversed(self._groups):
            dist.broadcast(bits, group=group, group_src=0)

    def _reduce(self, value: Tensor, by: dist.ReduceOp.RedOpType) -> None:
        for group in self._groups:
            dist.all_reduce(value, by, group=group)

    def all(self, flag: Tensor) -> Tensor:
        """Whether a 0-d flag holds on every rank."""
        if self.count == 1:
            return flag
        votes = flag.to(torch.int32)
        self._reduce(votes, dist.ReduceOp.MIN)
        return votes.bool()

    def join(self, update: Update, reached: set[str]) -> None:
        """Makes local directions one: the mean, of whatever some replica reached. In place."""
        if self.count == 1 or self.in_shards:
            return
        if any(ddp.find_unused_parameters for ddp in self._ddps):
            device = next(iter(update.grads.values())).device
            hits = torch.tensor([n in reached for n in update.grads], device=device).int()
            self._reduce(hits, dist.ReduceOp.MAX)
            reached.update(n for n, hit in zip(update.grads, hits.tolist(), strict=True) if hit)
        elif missed := [name for name in update.grads if name not in reached]:
            raise ValueError(
                f"no gradient arrived at {missed[0]} on this process: that needs "
                "DistributedDataParallel(..., find_unused_parameters=True)"
            )
        if self.local:
            self.mean_([t for tree in update if tree is not None for t in tree.values()])

    def joined(self, new: State, old: State) -> State:
        """Local states as one: the mean of what floats, rank 0's of the rest."""
        if not self.local:
            return new
        changed: list[Tensor] = []
        state = _copied(new, old, changed)
        self.mean_([t for t in changed if t.is_floating_point()])
        for t in changed:
            if not t.is_floating_point():
                t.copy_(self.first(t))
        return state


def _alive(model: nn.Module) -> list[DistributedDataParallel]:
    """All DDP models: what is wrapped does not know its wrapper, which may be younger than us."""
    inside = (m for m in model.modules() if isinstance(m, DistributedDataParallel))
    others = (o for o in gc.get_objects() if issubclass(type(o), DistributedDataParallel))
    return list(dict.fromkeys((*inside, *others)))


def _living(known: list[ref[DistributedDataParallel]]) -> list[DistributedDataParallel]:
    return [ddp for one in known if (ddp := one()) is not None]


def _holders(
    ddps: list[DistributedDataParallel], parameters: list[nn.Parameter]
) -> list[DistributedDataParallel]:
    """Those with some of these parameters, in an order that all processes share."""
    place = {id(p): i for i, p in enumerate(parameters)}
    found: dict[DistributedDataParallel, tuple[int, int]] = {}
    for ddp in ddps:
        places = [place[id(p)] for p in ddp.module.parameters() if id(p) in place]
        if places:
            found[ddp] = (min(places), len(places))
    return sorted(found, key=found.__getitem__)


def _refuse(ddps: list[DistributedDataParallel], processes: int, ascent: str) -> None:
    """ValueError for replicas that would not stay equal, or would against the user's word."""
    if processes == 1:
        return
    if not ddps and ascent != "alone":
        raise ValueError(
            f"{processes} processes, and no DistributedDataParallel holds what is trained: wrap "
            "the model (Lightning: strategy='ddp', Accelerate: prepare(model)), or say "
            "ascent='alone' where each process trains a model of its own"
        )
    if ddps and ascent == "alone":
        raise ValueError(
            "ascent='alone' is for models of their own, and DistributedDataParallel holds this one"
        )
    if len({ddp.process_group for ddp in ddps}) > 1:
        raise ValueError("the DDP models of one optimizer must have one process group")
    if any(ddp.static_graph for ddp in ddps):
        raise ValueError(
            "DistributedDataParallel(static_graph=True) averages by a plan of its own: leave "
            "static_graph out"
        )


def _copied(new: State, old: State, changed: list[Tensor]) -> State:
    """`new`; where a step made a tensor, a copy of it, which also goes into `changed`."""
    state: State = {}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, dict):
            value = _copied(value, before if isinstance(before, dict) else {}, changed)
        elif isinstance(value, Tensor) and value is not before:  # else it is equal everywhere
            value = value.clone()
            changed.append(value)
        state[key] = value
    return state


def _buckets(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """Tensors of one dtype and device together, up to a size; the same cut on every rank."""
    kinds = {(t.dtype, t.device): None for t in tensors}
    for kind in kinds:
        bucket, size = [], 0
        for t in (t for t in tensors if (t.dtype, t.device) == kind):
            if bucket and size + t.nbytes > BUCKET:
                yield bucket
                bucket, size = [], 0
            bucket.append(t)
            size += t.nbytes
        yield bucket


def _unpack(flat: Tensor, bucket: list[Tensor]) -> None:
    pieces = flat.split([t.numel() for t in bucket])
    torch._foreach_copy_(bucket, [v.view_as(t) for v, t in zip(pieces, bucket, strict=True)])
