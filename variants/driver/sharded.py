"""A model in shards, as torch's fully_shard (FSDP2) makes it of data-parallel processes."""

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

from torch import nn

from variants.core import registry
from variants.core.protocol import Variant
from variants.core.shards import is_shard

Parameters = Mapping[str, nn.Parameter]

STUCK = (
    "; or a pass through it failed half-way, which shards recover from where torch has "
    "FSDPModule.reset_iter_state (2.14 has): go on from a checkpoint"
)
UNSUPPORTED = (
    "does not have a sharding strategy",
    "unevenly sharded",
    "found no DeviceMesh",
    "Sharding propagation failed",
)
"""what torch says then, from 2.9 to 2.15"""


class Sharded:
    """The modules of a model that fully_shard took over; where there are none, it does nothing.

    Forward passes gather whole weights, and some keep them, the outermost module's to begin with:
    w + e would then be evaluated at w. Whoever changes the shards lets go of them.
    """

    def __init__(self) -> None:
        self._seen: list[nn.Module] | None = None
        self._taken: list[Any] = []
        self._outermost: list[Any] = []

    def look(self, modules: list[nn.Module]) -> None:
        """Finds them among the modules of the model, as they are now, and lets go."""
        if modules is not self._seen:
            self._seen, self._taken = modules, taken_over(modules)
            inside = {id(n) for m in self._taken for n in m.modules() if n is not m}
            self._outermost = [m for m in self._taken if id(m) not in inside]
        self.let_go()

    def let_go(self) -> None:
        """Frees the whole weights: the next forward pass gathers them anew."""
        for module in self._taken:
            module.reshard()

    def begin(self) -> None:
        """A step begins: its gradients are reduced, unless a loop asks otherwise."""
        for module in self._outermost:
            module.set_requires_gradient_sync(True)

    def recover(self) -> None:
        """After a pass that failed half-way."""
        for module in self._outermost:
            with suppress(AttributeError):  # of torch 2.9, and of a model that has yet to run
                module.reset_iter_state()
        self.let_go()


def taken_over(modules: Iterable[nn.Module]) -> list[Any]:
    """Those that fully_shard was applied to."""
    fsdp = sys.modules.get("torch.distributed.fsdp")
    return [] if fsdp is None else [m for m in modules if isinstance(m, fsdp.FSDPModule)]


def holder(parameters: Iterable[nn.Parameter]) -> nn.Module | None:
    """The model that fully_shard was applied to, and which has these shards; None if none has."""
    if not any(map(is_shard, wanted := list(parameters))):
        return None
    ids = {id(p) for p in wanted}
    alive = taken_over(o for o in gc.get_objects() if issubclass(type(o), nn.Module))
    return next((m for m in alive if ids <= {id(p) for p in m.parameters()}), None)


def mesh(parameters: Parameters) -> Any:
    """The processes that hold the shards, a DeviceMesh; None of parameters that are whole."""
    first = next(iter(parameters.values()), None)
    return None if first is None or not is_shard(first) else cast(Any, first).device_mesh


def refuse(model: nn.Module, parameters: Parameters) -> None:
    """ValueError for shards of another kind, or unlike each other."""
    modules = list(model.modules())
    if any(type(m).__name__ == "FullyShardedDataParallel" for m in modules) or any(
        hasattr(p, "_is_flat_param") for p in parameters.values()
    ):
        raise ValueError(
            "FullyShardedDataParallel (FSDP1) hides the parameters in flat ones: not supported, "
            "use torch.distributed.fsdp.fully_shard (FSDP2)"
        )
    shards = {n: p for n, p in parameters.items() if is_shard(p)}
    by_fsdp = {id(p) for m in taken_over(modules) for p in m.parameters()} if shards else set()
    for name, p in shards.items():
        if id(p) not in by_fsdp or not _is_data_parallel(cast(Any, p).placements):
            raise ValueError(
                f"{name} is cut otherwise than by fully_shard alone (tensor parallel, or a DTensor "
                "of your own): not supported, use fully_shard (FSDP2) or DDP on all of the model"
            )
    meshes = {cast(Any, p).device_mesh: name for name, p in shards.items()}
    if len(meshes) > 1:
        a, b = list(meshes.values())[:2]
        raise ValueError(f"{a} and {b} are in shards of different meshes: use one mesh for all")
    if shards and len(shards) < len(parameters):
        bare = next(name for name in parameters if name not in shards)
        raise ValueError(
            f"{bare} is whole on every process, and others are in shards: apply fully_shard to "
            "the whole model too, as the last call"
        )


@contextmanager
def explained() -> Iterator[None]:
    """ValueError where torch has no operator for shards, in the rule or in the base optimizer."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        line = str(error).partition("\n")[0]
        if not any(said in line for said in UNSUPPORTED):
            raise
        raise ValueError(
            "the rule or the base optimizer needs what torch cannot do with shards (fully_shard); "
            f"a rule of your own says whole = True then: {line}"
        ) from error


def _is_data_parallel(placements: tuple[Any, ...]) -> bool:
    """(Shard), or (Replicate, Shard) of a mesh that both replicates and shards."""
    *outer, last = placements
    return (
        type(last).__name__ == "Shard"
        and len(outer) <= 1
        and all(type(p).__name__ == "Replicate" for p in outer)
    )


def refuse_rule(variant: Variant, parameters: Parameters) -> None:
    """ValueError for a rule that needs whole tensors, where they are in shards."""
    if variant.whole and any(map(is_shard, parameters.values())):
        raise ValueError(
            f"{registry.name_of(variant)} needs whole tensors, as to rank their entries, and the "
            "parameters are in shards (fully_shard): choose another rule, or train with DDP"
        )
