"""`Graphed`: steps of `SharpnessAware` replayed as CUDA graphs."""

import weakref
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from variants.core.protocol import Variant, works_after
from variants.driver import autocast
from variants.driver.batch import Selection
from variants.driver.oracle import ModelOracle
from variants.driver.sharpness_aware import SharpnessAware
from variants.driver.trace import Trace
from variants.graphs import recorder as _recorder
from variants.graphs.recorder import Recorder, Replay
from variants.graphs.static import SCHEDULED, Carried, Inputs, Noise, Scalars

BASES = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


@dataclass
class Record:
    """One graph, what its replays compute, and what they cannot tell."""

    replay: Replay
    result: Any
    """losses of a step, or what a pass found"""
    trace: Trace = field(default_factory=Trace)
    noise: Sequence[Hashable] = ()
    variant: Variant | None = None
    """kept alive: kinds know it by its id"""


class Graphed:
    """Steps `optimizer` on batches, from the second step of a kind on as one CUDA graph.

    `losses(*batch)` returns the losses (rows,) of rows of a batch, or (losses, aux). A call with a
    batch of tensors is one step, and returns what `SharpnessAware.step` returns.

        def losses(x, y):
            return cross_entropy(model(x), y, reduction="none")

        step = variants.Graphed(optimizer, losses)
        step(x, y)

    The graph holds all passes, the rule and the base optimizer's update: a fused SGD, Adam or
    AdamW. Where the host has a say between passes (`dynamic` variants, those that work after the
    update, `replay=True`) each pass is a graph, and any base optimizer will do.

    Steps of a kind run the same kernels on the same memory: equal phase, shapes, parameters and
    group options. The first one of a kind runs as it is, which also warms it up, the second one is
    captured. Learning rates and the groups' `rho` may change all the time, as may hyperparameters
    that are 0-d tensors on the device; other options make a new kind.

    The weights are those of `optimizer.step`, to rounding: a rate is a float32 on the device.
    `optimizer.last` and `optimizer.aux` are valid until the next step. Hooks on `step` run only
    when a step is not replayed.

    micro: rows of a micro-batch, as for `SharpnessAware.step`
    recorder: stands in for CUDA graphs in tests
    """

    def __init__(
        self,
        optimizer: SharpnessAware,
        losses: Callable[..., object],
        *,
        micro: int | None = None,
        recorder: Callable[[torch.device], Recorder] | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.captures = 0
        """graphs captured so far"""
        self._losses = losses
        self._micro = micro
        self._device = next(p for g in optimizer.base.param_groups for p in g["params"]).device
        self._new_recorder = recorder or _recorder.of
        self._by_pass = _host_has_a_say(optimizer)
        self._asks = False
        """whether `losses` asks which evaluation it is: no two of a step are of one kind then"""
        self._forget()
        _refuse(optimizer, self._device, self._by_pass)
        self._inputs = Inputs(self._device)
        self._scalars = Scalars(optimizer.base, self._device)
        self._noise = Noise(optimizer.context)
        self._carried = Carried()
        self._rows: dict[Hashable, Tensor] = {}
        self._scale = torch.ones((), device=self._device)
        self._kind: Hashable = None
        forget = weakref.WeakMethod(self._forget)  # the hook is the base's: it must not own us
        optimizer.base.register_load_state_dict_post_hook(lambda _: (f := forget()) and f())

    def _forget(self) -> None:
        """Drops all graphs: the memory that they know is no longer in use."""
        self._records: dict[Hashable, Record] = {}
        self._seen: set[int] = set()
        self._recorder = self._new_recorder(self._device)

    def _is_new(self, kind: Hashable) -> bool:
        return kind not in self._records and hash(kind) not in self._seen

    @torch.no_grad()
    def __call__(self, *batch: Tensor) -> Tensor:
        """One step; the losses of its first evaluation, (batch,)."""
        if not batch or not all(isinstance(t, Tensor) and t.ndim for t in batch):
            raise ValueError("a batch is tensors with a row per sample, at least one")
        signature = tuple((t.shape, t.dtype, t.stride()) for t in batch)
        inputs = self._inputs.fill(signature, batch)
        self._kind = (signature, self._surroundings())
        return self._in_passes(inputs) if self._by_pass else self._whole(inputs)

    def _surroundings(self) -> Hashable:
        """What else a forward and backward pass depends on, beside the values of tensors."""
        groups = self.optimizer.base.param_groups
        return (
            tuple((p.data_ptr(), p.requires_grad) for g in groups for p in g["params"]),
            tuple(module.training for module in self.optimizer.model.modules()),
            tuple(autocast.current(self._device)),
        )

    def _take(self, inputs: tuple[Tensor, ...]) -> Tensor:
        def closure(rows: Selection) -> object:
            return self._losses(*(t[rows] for t in inputs))

        return self.optimizer.step(closure, size=len(inputs[0]), micro=self._micro)

    # --- the whole step as a graph

    def _whole(self, inputs: tuple[Tensor, ...]) -> Tensor:
        opt = self.optimizer
        self._keep()
        self._scalars.fill()
        kind = (self._kind, self._options())
        work = partial(self._static, inputs)
        if self._is_new(kind):
            losses = self._recorder.run(work)
            self._seen.add(hash(kind))
            return losses
        if kind not in self._records:
            self._records[kind] = self._record(work)
        record = self._records[kind]
        self._noise.fill(record.noise, opt.steps)
        record.replay()
        opt.replayed(record.trace)
        return record.result.clone()

    def _options(self) -> Hashable:
        """What a step depends on beyond its passes."""
        opt = self.optimizer
        groups = [
            tuple(
                tuple(v) if isinstance(v, list) else v
                for k, v in group.items()
                if k != "params" and k not in SCHEDULED
            )
            for group in opt.base.param_groups
        ]
        begun = bool(opt.base.state)
        phase = opt.variant.phase_of(opt.steps, opt.context.total_steps)
        asked = (opt.metrics, opt.watch)
        return (id(opt.variant), phase, asked, begun, tuple(groups))

    def _static(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """A step that reads and writes memory at fixed addresses."""
        context = self.optimizer.context
        context.draws = self._noise
        try:
            with self._scalars.in_groups():
                losses = self._take(inputs)
        finally:
            context.draws = None
        self._keep()
        return losses

    def _keep(self) -> None:
        """Moves what the optimizer remembers to where graphs look for it."""
        context = self.optimizer.context
        skipped = torch.as_tensor(context.skipped, device=self._device)
        kept, same_memory = self._carried.keep((context.state, skipped))
        if not same_memory:
            self._forget()
        context.state, context.skipped = kept

    def _record(self, work: Callable[[], Tensor]) -> Record:
        opt = self.optimizer
        steps, passes = opt.steps, opt.passes
        with self._noise.asked() as asked, _capturable(opt.base):
            record = self._captured(work)
        opt.steps, opt.passes = steps, passes  # nothing has happened yet
        return replace(record, trace=opt.context.trace, noise=asked, variant=opt.variant)

    def _captured(self, work: Callable[[], object]) -> Record:
        try:
            record = Record(*self._recorder.record(work))
        except RuntimeError as error:
            line = str(error.__context__ or error).partition("\n")[0]
            raise RuntimeError(f"this step cannot be captured: {line}") from error
        self.captures += 1
        return record

    # --- each pass as a graph

    def _in_passes(self, inputs: tuple[Tensor, ...]) -> Tensor:
        context = self.optimizer.context
        context.evaluate = self._pass
        try:
            return self._take(inputs)
        finally:
            context.evaluate = None

    def _pass(
        self, oracle: ModelOracle, rows: Tensor | None, backward: bool
    ) -> tuple[Tensor | None, object]:
        """`oracle.evaluate` from a graph: losses and aux, and gradients in `.grad`."""
        num = None if rows is None else len(rows)
        buffers = self.optimizer.context.buffers
        number = oracle.evaluation if self._asks else None
        kind = (self._kind, num, backward, oracle.begun, oracle.scale is None, number)
        if oracle.scale is not None and oracle.scale is not self._scale:
            oracle.scale = self._scale.copy_(oracle.scale)
        if rows is not None:
            rows = self._rows.setdefault(kind, torch.empty_like(rows)).copy_(rows)

        def work() -> tuple[tuple[Tensor | None, object], dict[str, Tensor | None]]:
            found = oracle.evaluate(rows, backward)
            grads = {name: p.grad for name, p in oracle.weights.parameters.items()}
            self.optimizer.base.zero_grad()
            return found, grads

        if self._is_new(kind):
            found, grads = self._recorder.run(work)
            self._seen.add(hash(kind))
            self._asks |= not buffers.repeats
        else:
            if kind not in self._records:
                self._records[kind] = self._captured(work)
            self._records[kind].replay()
            found, grads = tree_map_only(Tensor, torch.clone, self._records[kind].result)
        buffers.repeats = not self._asks
        for name, p in oracle.weights.parameters.items():
            p.grad = grads[name]
        return found


def _host_has_a_say(optimizer: SharpnessAware) -> bool:
    variant = optimizer.variant
    return variant.dynamic or works_after(variant) or optimizer.replay


def _refuse(optimizer: SharpnessAware, device: torch.device, by_pass: bool) -> None:
    """ValueError for what cannot be captured."""
    if optimizer.is_distributed:
        raise ValueError("steps of several processes are not captured yet: call optimizer.step")
    if by_pass:
        return
    base = optimizer.base
    if type(base) not in BASES or not all(g.get("fused") for g in base.param_groups):
        allowed = "SGD, Adam or AdamW with fused=True"
        raise ValueError(
            f"a captured step needs a base optimizer that skips on the device: {allowed}, "
            f"got {type(base).__name__}(fused={base.defaults.get('fused')})"
        )
    for name, value in _tensors(optimizer.variant):
        if value.device != device:
            raise ValueError(f"{name} is captured by its place: move it to {device}")


def _tensors(variant: Variant) -> Iterator[tuple[str, Tensor]]:
    for name in variant.hyperparameters():
        value = getattr(variant, name)
        if isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, Variant):
            yield from _tensors(value)


@contextmanager
def _capturable(base: torch.optim.Optimizer) -> Iterator[None]:
    """Tells Adam what its fused kernels are anyway; outside a capture it would warn."""
    groups = [g for g in base.param_groups if g.get("capturable") is False]
    for group in groups:
        group["capturable"] = True
    try:
        yield
    finally:
        for group in groups:
            group["capturable"] = False
