"""The oracle over a torch model: losses and gradients at w + e, and w left as it was."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import NoReturn, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from variants.core import ops, shards
from variants.core.protocol import FORWARD, Evaluation, Real, Tree
from variants.driver import autocast as _autocast
from variants.driver import groups
from variants.driver.batch import Batch, Chunk, Loop, joined
from variants.driver.callers import NO_BACKWARD, NO_GRADIENT, OUTSIDE, UNTOLD
from variants.driver.context import Context
from variants.driver.dropout import Streams
from variants.driver.noise import Kind
from variants.driver.rewind import Rewind
from variants.driver.rows import RowsOracle
from variants.driver.trace import Trace
from variants.driver.weights import Weights


class Untold(Evaluation):
    """An evaluation of a loop that did not tell its losses."""

    @property
    def losses(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        raise ValueError(UNTOLD)

    def __iter__(self) -> NoReturn:  # `losses, grads = oracle.grad()`
        raise ValueError(UNTOLD)


class ModelOracle:
    """One step's oracle over a torch model. The contract: `variants.core.protocol.Oracle`."""

    def __init__(
        self,
        context: Context,
        parameters: dict[str, nn.Parameter],
        batch: Batch,
        *,
        step: int,
        radii: Mapping[str, Real],
        scale: Tensor | None,
        autocast: _autocast.Settings,
        replay: bool,
        metrics: bool,
        watch: bool,
    ) -> None:
        self.step = step
        self.trace = Trace(metrics)
        self.weights = Weights(parameters, context.room, watch=watch or step == 0)
        self._context = context
        self._parameters = parameters
        self.device = next(iter(parameters.values())).device
        self._batch = batch
        self._radii = radii
        self.scale = scale
        self._maximizes = groups.maximizes(context.base)
        self.autocast = autocast
        self._streams = Streams(self.device) if replay else None
        self.begun = False
        """whether the batch's first evaluation, the one that moves BatchNorm, is over"""
        self.evaluation = -1
        """number of the evaluation that is under way, from 0 for the batch's first"""
        self._open: tuple[Chunk, bool, bool] | None = None
        """what a loop evaluates: a chunk, whether its rows are selected, whether for a gradient"""
        self._told: tuple[Tensor, object] | None = None
        """losses and aux that the loop told of it"""
        self._graded = False
        """whether the batch's first gradient has been evaluated"""
        self._part: Tensor | None = None
        """rows of the micro-batch that is the batch now"""
        self._calls = 0
        self._size = batch.size
        self._whole: int | None = None
        """losses that the closure returned for the whole batch"""

    @property
    def total_steps(self) -> int:
        if self._context.total_steps is None:
            raise ValueError("this variant needs total_steps: SharpnessAware(..., total_steps=N)")
        return self._context.total_steps

    @property
    def size(self) -> int:
        return self.loss().numel() if self._size is None else self._size

    @property
    def fewest(self) -> int:
        return 2 if self._context.buffers.normalise_rows else 1

    @property
    def kinds(self) -> Mapping[str, str]:
        return self._context.trained.kinds()

    @property
    def params(self) -> Tree:
        return {name: p.detach() for name, p in self._parameters.items()}

    @property
    def momentum(self) -> Tree:
        found = groups.moments(self._context.base, self._parameters)
        if self.step and not found:
            raise ValueError(
                "the variant needs the base optimizer's momentum, and "
                f"{type(self._context.base).__name__} keeps none as exp_avg or momentum_buffer of "
                "its state: take SGD(momentum > 0) or AdamW"
            )
        return {n: found.get(n, torch.zeros_like(p)) for n, p in self._parameters.items()}

    def grad(
        self, at: Tree | None = None, rows: Tensor | None = None, *, perturbs: bool = True
    ) -> Evaluation:
        for p in self._parameters.values():
            p.grad = None
        offset = self._offset(at) if perturbs else self._trained(at)
        perturbed, clean = perturbs and at is not None, at is None and rows is None
        del at  # where the rule keeps it no more, there is room for the gradient to come
        radius = ops.norm(offset) if perturbed and self.trace.metrics else None
        losses = self._evaluate(offset, rows, backward=True)
        grads = ops.measured(self._collect(), kept=self.trace.metrics)
        self.trace.saw(losses, grads, radius, perturbed=perturbed, clean=clean)
        if losses is None:
            return Untold(torch.empty(0), grads)
        return Evaluation(self._to_minimize(losses), grads)

    def loss(self, at: Tree | None = None, rows: Tensor | None = None) -> Tensor:
        losses = self._evaluate(self._offset(at), rows, backward=False)
        if losses is None:
            raise ValueError(UNTOLD)
        return self._to_minimize(losses)

    def preview(self, grads: Tree) -> Tree:
        rewind = Rewind(self._context.base)
        self.assign({name: g.clone() for name, g in grads.items()})
        try:
            groups.step_alone(self._context.base, self.device)
            before = {name: rewind.before(p) for name, p in self._parameters.items()}
            return ops.sub(self.params, before)
        finally:
            rewind.restore()
            for p in self._parameters.values():
                p.grad = None

    def _to_minimize(self, value: Tensor) -> Tensor:
        """Rules minimise: under `maximize=True` they see the negative of losses and gradients."""
        return -value if self._maximizes else value

    def normal(self, like: Tree) -> Tree:
        return self._noise(torch.randn, like)

    def uniform(self, like: Tree) -> Tree:
        return self._noise(torch.rand, like)

    def _noise(self, kind: Kind, like: Tree) -> Tree:
        call, self._calls = self._calls, self._calls + 1
        return (self._context.draws or self._context.draw)(kind, like, self.step, call)

    def average(self, value: Tensor) -> Tensor:
        return self._context.replicas.average(value)

    def decide(self, flag: Tensor) -> bool:
        return bool(self._context.replicas.first(shards.whole(flag)))

    def parts(self) -> Iterator[RowsOracle] | None:
        """Micro-batches that are batches of their own, each with a first evaluation of its own."""
        rows = self._batch.batches(self.device, self.fewest)
        return (self._begin(r) for r in rows) if rows else None

    def _begin(self, rows: Tensor) -> RowsOracle:
        self.begun, self._graded, self.evaluation = False, False, -1
        self._part = rows
        return RowsOracle(self, rows)

    def assign(self, grads: Tree) -> None:
        """Sets `.grad` of every parameter that some evaluation of this step reached.

        Base optimizers write into them: the tensors must be nobody else's.
        """
        reached = self.trace.reached if self.trace.passes else self._parameters.keys()
        for name, p in self._parameters.items():
            p.grad = self._like(p, grads[name]) if name in reached else None

    def _like(self, p: nn.Parameter, grad: Tensor) -> Tensor:
        grad = grad if grad.dtype == p.dtype else grad.to(p.dtype)
        return self._to_minimize(shards.laid(grad, p) if self.weights.in_shards else grad)

    def _evaluate(self, offset: Tree, rows: Tensor | None, *, backward: bool) -> Tensor | None:
        first = not self.begun
        self.evaluation += 1
        self.trace.forget()
        _forget_casts()
        try:
            buffers = self._context.buffers
            still = buffers.moving() if first else buffers.held()
            with self._drawing(first), self.weights.at(offset), still:
                losses, aux = (self._context.evaluate or ModelOracle.evaluate)(self, rows, backward)
        finally:
            _forget_casts()
            self._context.trained.sharded.let_go()
        self.begun = True
        self._graded = self._graded or backward
        if rows is None and losses is not None:
            self._whole = losses.numel()
            self._size = self._size or self._whole
        share = 1.0 if rows is None else len(rows) / (self._size or len(rows))
        self.trace.passes += (1.0 if backward else FORWARD) * share
        if losses is None:
            return None
        if first:
            self.trace.first.append(losses if losses.ndim else losses * share)
            self.trace.aux = aux if len(self.trace.losses) == 0 else self.trace.aux
        losses = losses.reshape(-1)
        self.trace.losses.append(losses)
        return losses

    def evaluate(self, rows: Tensor | None, backward: bool) -> tuple[Tensor | None, object]:
        """Losses (rows,) or () and aux of all micro-batches; gradients add up in `.grad`.

        No losses if a loop evaluates and tells none.
        """
        selected = rows is not None and rows is not self._part
        if selected and self._whole is not None:
            self._check_rows(self._whole)
        chunks = self._batch.chunks(rows, self.device, self.fewest)
        work = self._handed if isinstance(self._batch.closure, Loop) else self._called
        found = [work(chunk, selected, backward) for chunk in chunks]
        if backward and isinstance(self._batch.closure, Loop):
            self._check_arrived()
        losses = [losses for losses, _ in found if losses is not None]
        aux = joined([aux for _, aux in found])
        if len(losses) < len(found):
            return None, aux
        if losses[0].ndim:
            return _in_place(torch.cat(losses), chunks), aux
        return torch.stack(
            [x * chunk.share for x, chunk in zip(losses, chunks, strict=True)]
        ).sum(), aux

    def _called(self, chunk: Chunk, selected: bool, backward: bool) -> tuple[Tensor, object]:
        """What the closure returns for a chunk; its gradient is added to `.grad`."""
        held = self._parameters.values() if backward else ()
        others = {p: grad for p in held if (grad := p.grad) is not None}
        for p in others:
            p.grad = None  # a closure may call zero_grad(), and must not call backward()
        with _autocast.resumed(self.autocast), torch.set_grad_enabled(backward):
            with nullcontext() if backward else _penalties():
                losses, aux = self._batch.losses(chunk, selected)
        if not backward:
            return losses.detach(), aux
        self._check_graph(losses)
        for p, grad in others.items():
            p.grad = grad
        bystanders = self._context.bystanders
        bystanders.look(self._parameters, losses)
        bystanders.meet(self._parameters, self._context.buffers.outside())
        with torch.enable_grad(), bystanders.receiving(self._received()):
            objective = losses.mean() if chunk.share == 1 else losses.mean() * chunk.share
            (objective if self.scale is None else objective * self.scale).backward()
        return losses.detach(), aux

    def _handed(self, chunk: Chunk, selected: bool, backward: bool) -> tuple[Tensor | None, object]:
        """What a loop told of a chunk; the gradient that it left is added to `.grad`."""
        others = {p: p.grad for p in self._parameters.values()}
        for p in others:
            p.grad = None  # the loop may call zero_grad()
        bystanders = self._context.bystanders
        self._open, self._told = (chunk, selected, backward), None
        try:
            with bystanders.receiving(self._received() if backward else 0.0):
                cast(Loop, self._batch.closure).ask(self._batch.given(chunk, selected))
        finally:
            self._open = None
        bystanders.meet(self._parameters, self._context.buffers.outside())
        if backward and not self._context.replicas.in_shards:
            self._check_arrived()
        for p, grad in others.items():
            if grad is not None and p.grad is not None and backward:
                p.grad.add_(grad)
            elif not backward or p.grad is None:
                p.grad = grad
        if self._told is None and (self._batch.weight is not None or not backward):
            raise ValueError(UNTOLD)
        return self._told or (None, None)

    def _check_arrived(self) -> None:
        if all(p.grad is None for p in self._parameters.values()):
            raise ValueError(NO_GRADIENT)

    def tell(self, result: object) -> Tensor:
        """The 0-d loss on which a loop calls `backward`, of the losses that it has evaluated."""
        if self._open is None:
            raise ValueError(OUTSIDE)
        chunk, selected, backward = self._open
        losses, aux = self._batch.counted(result, chunk, selected)
        self._told = losses.detach(), aux
        if not backward:
            return losses.detach().mean().requires_grad_()  # the rule needs no gradient: none costs
        if not losses.requires_grad:
            raise ValueError("the losses do not depend on any trained parameter")
        self._context.bystanders.look(self._parameters, losses)
        return losses.mean() * chunk.share

    def _check_rows(self, num: int) -> None:
        """ValueError unless the losses of the whole batch, so many, were those of its rows."""
        known = self._batch.size
        if num != known and (num == 1 or known is not None):
            of = "the whole batch" if known is None else f"{known} rows"
            raise ValueError(
                f"rows are selected by their losses, and the closure returned {num} for {of}: "
                "return one per row (reduction='none'), and say size=1 if there is one row"
            )

    def _received(self) -> float:
        """The share of a gradient that parameters of other optimizers receive."""
        if self._graded:
            return 0.0
        return 1.0 if self._part is None or self._size is None else len(self._part) / self._size

    def _check_graph(self, losses: Tensor) -> None:
        if any(p.grad is not None for p in self._parameters.values()):
            raise ValueError(NO_BACKWARD)
        if not losses.requires_grad:
            raise ValueError("the closure's losses do not depend on any trained parameter")

    def _collect(self) -> Tree:
        grads: Tree = {}
        for name, p in self._parameters.items():
            grad = p.grad
            if grad is None:
                grads[name] = torch.zeros_like(p)
                continue
            if grad.is_sparse:
                raise ValueError(f"{name} has a sparse gradient; use sparse=False in its embedding")
            self.trace.reached.add(name)
            grads[name], p.grad = grad, None
        if not self.trace.reached:
            self._refuse_hooks()
        grads = self._context.replicas.shared(grads)
        if self._maximizes:
            grads = {name: self._to_minimize(g) for name, g in grads.items()}
        return grads if self.scale is None else ops.scale_(grads, 1 / self.scale)

    def _refuse_hooks(self) -> None:
        """ValueError if no gradient arrived, and hooks are there that may have freed them."""
        for name, p in self._parameters.items():
            if p._post_accumulate_grad_hooks:
                raise ValueError(
                    f"a hook on {name} frees its gradient (register_post_accumulate_grad_hook, an "
                    "optimizer in the backward pass): all passes need it, take the hook away"
                )

    def _offset(self, at: Tree | None) -> Tree:
        """What is added to w for `at`: the part that trains, by the radius of its group."""
        return {
            n: (e * self._radii[n]).to(e.dtype) if n in self._radii else e
            for n, e in self._trained(at).items()
        }

    def _trained(self, at: Tree | None) -> Tree:
        return {n: e for n, e in (at or {}).items() if n in self._parameters}

    @contextmanager
    def _drawing(self, first: bool) -> Iterator[None]:
        with nullcontext() if self._streams is None else self._streams.drawing(first):
            yield


@contextmanager
def _penalties() -> Iterator[None]:
    """A pass for losses alone records no graph; a gradient penalty in the closure needs one."""
    try:
        yield
    except RuntimeError as error:
        if "does not require grad" not in str(error):
            raise
        raise RuntimeError(
            "the variant asks for losses alone, without gradients, and the closure takes a "
            "gradient: let it do so under torch.enable_grad()"
        ) from error


def _in_place(losses: Tensor, chunks: list[Chunk]) -> Tensor:
    """Losses of chunks, one after the other, in the order in which their rows were selected."""
    places = [chunk.places for chunk in chunks if chunk.places is not None]
    if not places:
        return losses
    return torch.empty_like(losses).index_copy(0, torch.cat(places), losses)


def _forget_casts() -> None:
    """Else what autocast and `parametrize.cached` made of w serves for w + e: SAM is its base."""
    torch.clear_autocast_cache()
    parametrize._cache.clear()
