"""`SharpnessAware`: a torch optimizer that drives a variant around any base optimizer."""

from collections.abc import Iterable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any
from weakref import ref

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils._pytree import tree_map_only

from variants.core import ops, registry
from variants.core.protocol import State, Update, Variant, works_after
from variants.driver import arguments, autocast, bases, callers, groups, memory, rows, sharded
from variants.driver import noise as _noise
from variants.driver.alarms import UNREACHED, VANISHED
from variants.driver.batch import Batch, Closure, Loop
from variants.driver.buffers import Buffers
from variants.driver.context import Context
from variants.driver.descent import Descent, chosen, owned
from variants.driver.gradients import Bystanders
from variants.driver.modules import Modules
from variants.driver.oracle import ModelOracle
from variants.driver.parameters import TrainedParameters
from variants.driver.parts import Parts, Weights
from variants.driver.replicas import Replicas
from variants.driver.rewind import Rewind
from variants.driver.taken import Taken
from variants.driver.trace import Trace
from variants.driver.turns import turns


class SharpnessAware(Optimizer):
    """Steps `base_optimizer` along the direction of `variant`, computed on `model`.

    >>> model = nn.Linear(4, 2)
    >>> base = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> opt = SharpnessAware(base, registry.create("sam", rho=0.05), model)
    >>> x, y = torch.randn(8, 4), torch.randint(2, (8,))
    >>> cross_entropy = nn.CrossEntropyLoss(reduction="none")
    >>> opt.step(lambda rows: cross_entropy(model(x[rows]), y[rows])).shape
    torch.Size([8])

    `param_groups` and `state` are the base's own, so any learning-rate scheduler attaches to it. A
    group may hold `rho`, its own radius (one norm over all groups), or `perturb=False`; one that
    holds neither has no such key, and the variant's radius.

    Autocast may stand in the closure or around `step`: it covers the closure alone. In several
    processes DistributedDataParallel or fully_shard must hold the model, and the seed be the same
    everywhere.
    Averaging is then done here, not by DDP (nor by its communication hooks), so that `model` and
    the closure may each use the wrapped model or the bare one; weights are the same on every rank
    after every step, and a step is skipped on all or none.

    seed, total_steps: of the variant's noise; length of the run, for variants that schedule
    scaler: a GradScaler; it scales every pass and its `step` and `update` are called here
    noise: recorded draws to replay in tests, see `variants.driver.noise.Replay`
    accumulation: what micro-batches are: "exact", parts of one evaluation (all at w, then all at
        w + e); "m", batches of the rule by themselves, directions averaged (m-sharpness, `m_sam`)
    ascent: what processes do: "local", each runs the rule on its own rows and the directions are
        averaged (m-sharpness); "synced", every gradient is averaged, so that they run it together
        (rows are selected, and `losses` reported, by each process among its own); "alone", each
        trains a model of its own, without DDP. Shards (fully_shard) are synced: say so
    clip: largest global norm of the final direction, after unscaling and averaging
    replay: draw the same dropout masks in all passes of a step (torch's global generators)
    metrics: whether `last` has the cosine and the radius; they keep a gradient longer. An
        attribute of the same name: set it before any step. So is `watch`: whether `last` says if
        the perturbation was lost in the weights' precision, which reads them once more
    """

    _step_supports_amp_scaling = True  # it does not: a GradScaler calls `step` then, which says so

    def __init__(
        self,
        base_optimizer: Optimizer | Sequence[Optimizer],
        variant: Variant,
        model: nn.Module | Sequence[nn.Module],
        *,
        seed: int = 0,
        total_steps: int | None = None,
        scaler: torch.amp.GradScaler | None = None,
        noise: _noise.Replay | None = None,
        accumulation: str = "exact",
        ascent: str = "local",
        clip: float | None = None,
        replay: bool = False,
        metrics: bool = True,
    ) -> None:
        base = bases.joined(base_optimizer)
        together: nn.Module = arguments.together(model)
        arguments.check(base, variant, together)
        if isinstance(base, SharpnessAware):
            raise ValueError(
                "SharpnessAware evaluates the loss itself: it cannot be a base optimizer"
            )
        groups.refuse(base, variant, total_steps)
        rows.refuse_mode(variant, accumulation)
        modules = Modules(together)
        trained = TrainedParameters(modules, base)
        self.base: Any = SimpleNamespace(add_param_group=lambda _: None)
        super().__init__([{"params": []}], base.defaults)  # groups and state of no use
        self.base = base
        self._variant = variant
        self.model: nn.Module = together
        self.accumulation = accumulation
        self.ascent = ascent
        self.metrics = metrics
        self.watch = False
        self.steps = 0
        """optimizer steps completed; those that a fused optimizer on a GPU skipped included"""
        self.passes = 0.0
        """gradient evaluations counted over all steps, skipped ones included"""
        self.replay = replay
        self._remembered: object = None
        self._running: ModelOracle | None = None
        """of the step that is under way"""
        self._loop: ref[Any] | None = None
        """the latest iterator of `evaluations`"""
        self._taken = Taken()
        self._descent = Descent(base, scaler, clip)
        self._replicas = Replicas(together, ascent)
        self.context = Context(
            base=base,
            trained=trained,
            buffers=Buffers(modules),
            replicas=self._replicas,
            bystanders=Bystanders(together, self._replicas),
            seed=seed,
            total_steps=total_steps,
            noise=noise,
        )
        """not of the interface: `Graphed` works on it"""

    @property
    def variant(self) -> Variant:
        """The rule. Another one may take its place between steps, with a memory of its own.

        The same rule with other hyperparameters, see `set`, keeps what it remembers.
        """
        return self._variant

    @variant.setter
    def variant(self, variant: Variant) -> None:
        arguments.check(self.base, variant, self.model)
        groups.refuse(self.base, variant, self.context.total_steps)
        rows.refuse_mode(variant, self.accumulation)
        if type(variant) is not type(self._variant):
            self._forget()
        self._variant, self._remembered = variant, None

    def set(self, **hyperparameters: object) -> None:
        """Sets hyperparameters of the variant in mid-run, as a schedule does a group's lr.

        ValueError as of `variants.create`.
        """
        self.variant = registry.changed(self._variant, **hyperparameters)

    def reset(self) -> None:
        """Forgets what steps left: the base optimizer's state, the variant's, and all counts."""
        self.base.state.clear()
        self._forget()
        self.steps, self.passes, self.context.skipped = 0, 0.0, 0

    def _forget(self) -> None:
        self.context.state, self.context.dormant, self._remembered = None, {}, None

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The base optimizer's own."""
        return self.base.param_groups

    @param_groups.setter
    def param_groups(self, groups: list[dict[str, Any]]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self.base.param_groups = groups

    @property
    def state(self) -> Any:
        """The base optimizer's own."""
        return self.base.state

    @state.setter
    def state(self, state: Any) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self.base.state = state

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds it to the base optimizer."""
        self.base.add_param_group(param_group)

    def train(self) -> None:
        """Tells a schedule-free base that the weights are to train; others have no such mode."""
        getattr(self.base, "train", lambda: None)()

    def eval(self) -> None:
        """Tells a schedule-free base that the weights are to be evaluated, or saved."""
        getattr(self.base, "eval", lambda: None)()

    @torch.no_grad()
    def step(
        self,
        closure: Closure | Loop | None = None,
        size: int | None = None,
        micro: int | None = None,
        weight: Tensor | None = None,
        *,
        parts: Iterable[Any] | None = None,
        weights: Weights | None = None,
    ) -> Tensor:
        """One optimizer step; returns the losses of its first evaluation, (batch,), detached.

        closure(rows) returns the per-sample losses (batch,) of the selected rows, or (losses, aux);
        `rows` is `slice(None)` or an int64 tensor. Further loss dimensions are averaged. A scalar
        loss, or a closure without argument, will do for variants that select no samples. `micro`
        cuts `size` rows into micro-batches (see `accumulation`): memory is that of one of them.

        What counts is the mean of the losses, or with `weight`, (size,) or of the losses' shape,
        sum(weight * losses) / sum(weight): the own mean of a criterion with `weight=` (of the
        labels) or `ignore_index=` (0 or 1), which `reduction="none"` does not know. The scalar
        losses of micro-batches need it: they are taken for such means. Reported losses are
        weighted, so that their mean is what counts.

        Several batches of a loader are one step by `parts`: closure(part) gets each of them, or
        selected rows of the tensors in it. What counts is the mean over all their rows, or, with
        `weights`, one number a part, sum(weights * mean of the part) / sum(weights).

        `evaluation` tells the closure which evaluation of the step this is.

        A step with a non-finite loss or direction is skipped: weights, optimizer state, variant
        state and buffers stay as they were. They also do when the closure raises.
        """
        if callers.says_nothing(closure) and "found_inf" not in vars(self) and self._taken.once():
            return self.context.trace.reported()
        return self._step(closure, size, micro, weight, parts=parts, weights=weights)

    def _patch_step_function(self) -> None:
        """Hooks run around `_step`: a `step()` that follows a loop is none."""
        type(self).step.hooked = True  # pyright: ignore[reportFunctionMemberAccess]
        super()._patch_step_function()

    @Optimizer.profile_hook_step
    def _step(
        self,
        closure: Closure | Loop | None,
        size: int | None,
        micro: int | None,
        weight: Tensor | None,
        *,
        parts: Iterable[Any] | None,
        weights: Weights | None,
    ) -> Tensor:
        closure = callers.checked(self, closure)
        if weights is not None and parts is None:
            raise ValueError("weights are of parts: step(closure, parts=[...], weights=...)")
        batches = None if parts is None else Parts(parts, weights)
        batch = Batch(closure, size, micro, self.accumulation == "exact", weight, batches)
        trained, buffers = self.context.trained, self.context.buffers
        self._taken.forget()
        self.context.bystanders.begin(parameters := trained.by_name())
        trained.clear_grads()  # else a leftover .grad of a frozen parameter would be applied
        sharded.refuse_rule(self.variant, parameters)
        trained.sharded.begin()
        self._replicas.begin(parameters)
        oracle = self._running = self._oracle(batch, parameters)
        self.context.trace = oracle.trace
        rewind = Rewind(self.base) if works_after(self.variant) else None
        buffers.begin(parameters)
        try:
            with autocast.suspended(oracle.autocast), self._replicas.quiet(), sharded.explained():
                state, finite = self._take(oracle, rewind)
        except BaseException:
            trained.sharded.recover()
            self._undo(rewind)
            raise
        else:
            if isinstance(closure, Loop):
                self._taken = Taken(parameters)
        finally:
            self._running = None
            if not isinstance(closure, Loop):
                trained.clear_grads()
            oracle.trace.settle()
            oracle.trace.lost = oracle.weights.vanished if self.watch else None
        self.passes += oracle.trace.passes
        if finite:
            self.steps += 1
            self.context.state = state
        else:
            self.context.skipped += 1
            self._undo(rewind)
        self._warn(oracle, finite)
        return oracle.trace.reported()

    def evaluations(
        self,
        size: int | None = None,
        micro: int | None = None,
        weight: Tensor | None = None,
        *,
        parts: Iterable[Any] | None = None,
        weights: Weights | None = None,
    ) -> Iterator[Any]:
        """One optimizer step, for loops that call `backward` themselves; arguments as of `step`.

            for rows in optimizer.evaluations():
                cross_entropy(model(x[rows]), y[rows]).backward()

        The body runs once for each evaluation that the rule asks for (or each micro-batch of it,
        or each part, which it then gets in the place of rows), with the weights where the rule
        wants them, and calls `backward` once. The step is taken as the loop ends. Leaving it early,
        by `break` or an exception, undoes the step.

        Gradients of an evaluation add up: micro-batches and parts are scaled by the loop, as in
        plain training. Or let it call `backward` on `loss(losses)`, which counts as in `step`;
        rules that look at losses need that. With a scaler, backward is called on the scaled loss.

        The step's direction stays in `.grad`. A `step()` that follows does nothing more, so that
        loops may call it.
        """
        if self._loop is not None and (abandoned := self._loop()) is not None:
            abandoned.close()
        given = {"parts": parts, "weights": weights}
        loop = turns(lambda ask: self.step(Loop(ask), size, micro, weight, **given))
        self._loop = ref(loop)
        return loop

    def loss(self, losses: Tensor | tuple[Tensor, object]) -> Tensor:
        """In the body of a loop over `evaluations`: the 0-d loss to call `backward` on.

        losses: what a closure returns to `step`
        """
        if self._running is None:
            raise ValueError(callers.OUTSIDE)
        return self._running.tell(losses)

    @property
    def evaluation(self) -> int | None:
        """Which evaluation of the step is under way, from 0; None between steps.

        SAM ascends along the gradient of 0 and descends along that of 1: a closure may return
        another loss for the ascent, or move a momentum encoder at 0 alone. To ask tells that the
        closure sees to it: in later evaluations what moved at 0 stays moved, where else each moves
        it from where it was before the step. Where micro-batches are batches of their own
        (accumulation="m") each counts anew.
        """
        if self._running is None:
            return None
        self.context.buffers.repeats = False
        return self._running.evaluation

    def _warn(self, oracle: ModelOracle, taken: bool) -> None:
        alarms = self.context.alarms
        if not oracle.trace.reached:
            alarms.give(UNREACHED)
        if oracle.weights.vanished is not None and oracle.step == 0:
            alarms.ask(oracle.weights.vanished, VANISHED)
        alarms.stepped(taken, self.context.skipped)

    def _take(self, oracle: ModelOracle, rewind: Rewind | None) -> tuple[State, bool]:
        """The step itself: the variant's next state, and whether it counts.

        The host decides, or the device does, where nothing has to wait for the decision.
        """
        old, replicas = self._state_for(oracle), self._replicas
        update, state = self._direction(oracle, old)
        finite = replicas.all(oracle.trace.finite(*update))
        update = self._owned(update, oracle, state, old)
        oracle.trace.settle()
        self.context.bystanders.settle()
        replicas.join(update, oracle.trace.reached)
        oracle.weights.let_go()
        if rewind is not None or self._descent.waits(oracle.device):
            taken, state = self._step_on_host(update, state, oracle, finite, rewind)
            return replicas.joined(state, old) if taken else old, taken
        self._descent.step_on_device(update, oracle, finite)
        self._descent.close(ok=True)
        self.context.buffers.undo_unless(finite)
        self.context.skipped = self.context.skipped + (~finite).long()
        return chosen(finite, replicas.joined(state, old), old), True

    def _step_on_host(
        self,
        update: Update,
        state: State,
        oracle: ModelOracle,
        finite: Tensor,
        rewind: Rewind | None,
    ) -> tuple[bool, State]:
        """Steps if all is finite, also after the step; says whether it is, and the next state."""
        taken, ok = self._descent.step_on_host(update, oracle, finite), True
        try:
            if taken and rewind is not None:
                ok, state = self._after(oracle, state)
        finally:
            self._descent.close(ok)
        return taken and ok, state

    def _direction(self, oracle: ModelOracle, state: State) -> tuple[Update, State]:
        parts = oracle.parts()
        if parts is None:
            update, state = self.variant.direction(oracle, state)
        else:
            update, state = rows.average(self.variant, parts, oracle.size, state)
        return update, ops.unmeasured(state)

    def _owned(self, update: Update, oracle: ModelOracle, state: State, old: State) -> Update:
        """The update, in memory that is nobody else's."""
        alone = update.direct is None and not state and not old
        if alone and oracle.trace.is_latest(update.grads):
            return Update(dict(update.grads))
        return owned(update, state, old, oracle.params, self.base.state)

    def _after(self, oracle: ModelOracle, state: State) -> tuple[bool, State]:
        replacement, state = self.variant.after(oracle, state)
        state = ops.unmeasured(state)
        replacement = self._replicas.joined(dict(replacement or {}), {})
        for name, value in replacement.items():
            oracle.weights.parameters[name].copy_(value)
        return bool(self._replicas.all(oracle.trace.finite(replacement))), state

    def _undo(self, rewind: Rewind | None) -> None:
        self.context.buffers.undo()
        if rewind is not None:
            rewind.restore()

    def replayed(self, trace: Trace) -> None:
        """Counts a step that a graph has taken."""
        self.steps += 1
        self.passes += trace.passes
        self.context.trace = trace
        self.context.alarms.stepped(True, self.context.skipped)

    @property
    def is_distributed(self) -> bool:
        """Whether the model is DistributedDataParallel's."""
        self._replicas.meet(self.context.trained.by_name())
        return self._replicas.is_distributed

    @property
    def last(self) -> dict[str, Tensor | float]:
        """Metrics of the last step, 0-d tensors on the device (NaN where a variant has none).

        grad_norm at w, grad_norm_perturbed at w + e (the last such evaluation), cosine between the
        two, rise = L(w + e) - L(w), radius = |e|, and passes: counted gradient evaluations. Where
        `watch` is set also lost: whether e was below the weights' precision. Those of this process,
        under ascent="local".
        """
        return self.context.trace.summary()

    @property
    def gradient_norm(self) -> Tensor:
        """Of the last step's first evaluation, a 0-d tensor on the device."""
        return self.context.trace.first_norm

    @property
    def skipped(self) -> int:
        """Steps not applied because a pass was not finite; may wait for the device."""
        return int(self.context.skipped)

    @property
    def aux(self) -> Any:
        """What else the closure returned in the first evaluation of the last step."""
        return self.context.trace.aux

    def state_dict(self) -> dict[str, Any]:
        """The base optimizer's own state_dict, and the variant's state under "sharpness"."""
        callers.refuse_checkpoint()
        return {**self.base.state_dict(), "sharpness": self._memory(self.context.state)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` returned; a run then continues bit for bit."""
        mine = state_dict.get("sharpness")
        if mine is None:
            callers.refuse_checkpoint()
            raise ValueError(
                "no state of a variant in it; for a bare optimizer's: opt.base.load_state_dict"
            )
        self.check(mine)
        self.base.load_state_dict({k: v for k, v in state_dict.items() if k != "sharpness"})
        self.recall(mine)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, copy and torch.save: a driver is built anew, around the model that it has."""
        context = self.context
        options = {
            "seed": context.seed,
            "total_steps": context.total_steps,
            "scaler": self._descent.scaler,
            "noise": context.noise,
            "accumulation": self.accumulation,
            "ascent": self.ascent,
            "clip": self._descent.clip,
            "replay": self.replay,
            "metrics": self.metrics,
        }
        parts = (self.base, self.variant, self.model)
        return {"parts": parts, "options": options, "sharpness": self._memory(self.context.state)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        SharpnessAware.__init__(self, *state["parts"], **state["options"])
        self.recall(state["sharpness"])

    def memory(self) -> dict[str, Any]:
        """What `state_dict` has beside the base's; of a rule that has yet to step, its start."""
        parameters = self.context.trained.by_name()
        params = {name: p.detach() for name, p in parameters.items()}
        state = self.context.state
        return self._memory(self.variant.init(params) if state is None else state)

    def _memory(self, state: State | None) -> dict[str, Any]:
        dormant = self.context.dormant
        return {
            **memory.rule(self.variant),
            "parameters": self.context.trained.in_groups(),
            "state": None if state is None else memory.joined(state, dormant),
            "steps": self.steps,
            "skipped": self.skipped,
            "passes": self.passes,
            "seed": self.context.seed,
            "accumulation": self.accumulation,
            "ascent": self.ascent,
        }

    def check(self, mine: dict[str, Any]) -> None:
        """ValueError if a memory is another rule's."""
        if unlike := list(memory.differences(mine, self.variant)):
            saved, here = (", ".join(words) for words in zip(*unlike, strict=True))
            raise ValueError(f"the state is of {saved}, this optimizer runs {here}")

    def recall(self, mine: dict[str, Any]) -> None:
        """Goes on from a memory."""
        memory.restore_tensors(mine, self.variant)
        names = memory.paired(mine["parameters"], self.context.trained.in_groups())
        device = next(iter(self.context.trained.by_name().values())).device
        state = tree_map_only(Tensor, lambda t: t.to(device), mine["state"])
        self.context.state = state and memory.renamed(state, names)
        self.context.dormant, self._remembered = {}, None
        self.steps, self.context.skipped, self.passes = (
            mine["steps"],
            mine["skipped"],
            mine["passes"],
        )
        self.context.seed = mine["seed"]

    def _oracle(self, batch: Batch, parameters: dict[str, nn.Parameter]) -> ModelOracle:
        device = next(iter(parameters.values())).device
        return ModelOracle(
            self.context,
            parameters,
            batch,
            step=self.steps,
            radii=groups.radii(self.base, self.variant, parameters),
            scale=self._descent.scale(device),
            autocast=autocast.current(device),
            replay=self.replay,
            metrics=self.metrics,
            watch=self.watch,
        )

    def _state_for(self, oracle: ModelOracle) -> State:
        """The variant's state, of the parameters that train now; of others it keeps what it has."""
        context, parameters = self.context, oracle.weights.parameters
        if context.state is None:
            return self.variant.init(oracle.params)
        if parameters is not self._remembered:
            known, fresh = (
                memory.joined(context.state, context.dormant),
                self.variant.init(oracle.params),
            )
            context.state, context.dormant = memory.fitted(known, fresh)
            self._remembered = parameters
        return context.state
