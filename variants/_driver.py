"""`SharpnessAware`: a torch optimizer that drives a variant around any base optimizer."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from variants import _groups, _model, _noise, _registry
from variants import _ops as ops
from variants._batch import Batch, Closure
from variants._oracle import EagerOracle, Trace
from variants._protocol import State, Tree, Update, Variant
from variants._rewind import Rewind


class SharpnessAware(Optimizer):
    """Steps `base_optimizer` along the direction of `variant`, computed on `model`.

    >>> model = nn.Linear(4, 2)
    >>> base = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> opt = SharpnessAware(base, _registry.create("sam", rho=0.05), model)
    >>> x, y = torch.randn(8, 4), torch.randint(2, (8,))
    >>> cross_entropy = nn.CrossEntropyLoss(reduction="none")
    >>> opt.step(lambda rows: cross_entropy(model(x[rows]), y[rows])).shape
    torch.Size([8])

    `param_groups` and `state` are the base's own, so any learning-rate scheduler attaches to it. A
    group may hold `rho`, its own radius (one norm over all groups), or `perturb=False`. To clip the
    final direction, clip in a step pre-hook of the base optimizer: there `.grad` holds it.

    seed, total_steps: of the variant's noise; length of the run, for variants that schedule
    scaler: a GradScaler; it scales every pass and its `step` and `update` are called here
    noise: recorded draws to replay in tests, see `variants._noise.Replay`
    """

    def __init__(
        self,
        base_optimizer: Optimizer,
        variant: Variant,
        model: nn.Module,
        *,
        seed: int = 0,
        total_steps: int | None = None,
        scaler: torch.amp.GradScaler | None = None,
        noise: _noise.Replay | None = None,
    ) -> None:
        _groups.refuse(base_optimizer, variant, total_steps)
        _model.parameters(model, base_optimizer)
        super().__init__(base_optimizer.param_groups, base_optimizer.defaults)
        self.base = base_optimizer
        self.variant = variant
        self.model = model
        self.steps = 0
        """optimizer steps completed"""
        self.skipped = 0
        """steps not applied because a pass was not finite"""
        self.passes = 0.0
        """gradient evaluations counted over all steps, skipped ones included"""
        self._seed = seed
        self._total_steps = total_steps
        self._scaler = scaler if scaler is not None and scaler.is_enabled() else None
        self._noise = noise
        self._kinds = _model.kinds(model)
        self._buffers = _model.Buffers(model)
        self._backup: Tree = {}
        self._variant_state: State | None = None
        self._trace = Trace()
        self._share_base()
        base_optimizer.register_load_state_dict_post_hook(lambda _: self._share_base())

    def _share_base(self) -> None:
        self.param_groups, self.state = self.base.param_groups, self.base.state

    @torch.no_grad()
    def step(self, closure: Closure, size: int | None = None, micro: int | None = None) -> Tensor:
        """One optimizer step; returns the losses of its first evaluation, (batch,), detached.

        closure(rows) returns the per-sample losses (batch,) of the selected rows, or (losses, aux);
        `rows` is `slice(None)` or an int64 tensor. Further loss dimensions are averaged. A scalar
        loss, or a closure without argument, will do for variants that select no samples. `micro`
        cuts `size` rows into micro-batches: gradients are exact, memory is that of one of them.

        A step with a non-finite loss or direction is skipped: weights, optimizer state, variant
        state and buffers stay as they were. They also do when the closure raises.
        """
        self._share_base()
        batch = Batch(closure, size, micro)
        self.base.zero_grad()  # else a leftover .grad of a frozen parameter would be applied
        before = self._buffers.save()
        oracle = self._oracle(batch)
        self._trace = oracle.trace
        state = self._state_for(oracle.params)
        has_after = type(self.variant).after is not Variant.after
        rewind = Rewind(self.base) if has_after else None
        try:
            update, state = self.variant.direction(oracle, state)
            applied = self._apply(update, oracle)
            if applied and rewind is not None:
                applied, state = self._after(oracle, state)
        except BaseException:
            self._undo(before, rewind)
            raise
        finally:
            self.base.zero_grad()
        self.passes += oracle.trace.passes
        if applied:
            self.steps += 1
            self._variant_state = state
        else:
            self.skipped += 1
            self._undo(before, rewind)
        return oracle.trace.losses[0]

    def _undo(self, buffers: list[_model.Saved], rewind: Rewind | None) -> None:
        self._buffers.restore(buffers)
        if rewind is not None:
            rewind.restore()

    @property
    def last(self) -> dict[str, Tensor | float]:
        """Metrics of the last step, 0-d tensors on the device (NaN where a variant has none).

        grad_norm at w, grad_norm_perturbed at w + e (the last such evaluation), cosine between the
        two, rise = L(w + e) - L(w), radius = |e|, and passes: counted gradient evaluations.
        """
        trace = self._trace
        nan = torch.full((), float("nan"))
        clean, perturbed = trace.clean, trace.perturbed
        at_w = ops.norm(clean.grads) if clean else nan
        at_e = ops.norm(perturbed.grads) if perturbed else nan
        cosine = rise = nan
        if clean and perturbed:
            cosine = ops.dot(clean.grads, perturbed.grads) / (at_w * at_e)
            if clean.losses.shape == perturbed.losses.shape:
                rise = perturbed.losses.mean() - clean.losses.mean()
        return {
            "grad_norm": at_w,
            "grad_norm_perturbed": at_e,
            "cosine": cosine,
            "rise": rise,
            "radius": ops.norm(trace.offset) if trace.offset else nan,
            "passes": trace.passes,
        }

    @property
    def aux(self) -> Any:
        """What else the closure returned in the first evaluation of the last step."""
        return self._trace.aux

    def state_dict(self) -> dict[str, Any]:
        """The base optimizer's own state_dict, and the variant's state under "sharpness"."""
        mine = {
            "variant": _registry.name_of(self.variant),
            "state": self._variant_state,
            "steps": self.steps,
            "skipped": self.skipped,
            "passes": self.passes,
            "seed": self._seed,
        }
        return {**self.base.state_dict(), "sharpness": mine}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores what `state_dict` returned; a run then continues bit for bit."""
        mine, key = state_dict.get("sharpness"), _registry.name_of(self.variant)
        if mine is None:
            raise ValueError(
                "no state of a variant in it; for a bare optimizer's: opt.base.load_state_dict"
            )
        if mine["variant"] != key:
            raise ValueError(
                f"the state is of variant {mine['variant']!r}, this optimizer runs {key!r}"
            )
        self.base.load_state_dict({k: v for k, v in state_dict.items() if k != "sharpness"})
        self._share_base()
        device = next(iter(self._trained().values())).device
        self._variant_state = _to(mine["state"], device)
        self.steps, self.skipped, self.passes = mine["steps"], mine["skipped"], mine["passes"]
        self._seed = mine["seed"]

    def _trained(self) -> dict[str, nn.Parameter]:
        named = _model.parameters(self.model, self.base)
        return {name: p for name, p in named.items() if p.requires_grad}

    def _oracle(self, batch: Batch) -> EagerOracle:
        parameters = self._trained()
        if not parameters:
            raise ValueError("no parameter of the optimizer requires a gradient")
        device = next(iter(parameters.values())).device
        one = torch.ones((), device=device)
        return EagerOracle(
            parameters,
            batch,
            base=self.base,
            buffers=self._buffers,
            backup=self._backup,
            kinds=self._kinds,
            radii=_groups.radii(self.base, self.variant, parameters),
            scale=None if self._scaler is None else self._scaler.scale(one),
            seed=self._seed,
            step=self.steps,
            total_steps=self._total_steps,
            noise=self._noise,
        )

    def _state_for(self, params: Tree) -> State:
        """The variant's state, with fresh entries for parameters that began to train meanwhile."""
        state = self._variant_state
        if state is None:
            return self.variant.init(params)
        trees = [v for v in state.values() if isinstance(v, dict)]
        if all(params.keys() <= tree.keys() for tree in trees):
            return state
        fresh = self.variant.init(params)
        return {k: {**fresh[k], **v} if isinstance(v, dict) else v for k, v in state.items()}

    def _apply(self, update: Update, oracle: EagerOracle) -> bool:
        """Lets the base optimizer step, unless some pass was not finite; says whether it did."""
        finite = oracle.trace.finite(*(tree for tree in update if tree is not None))
        if self._scaler is not None:
            return self._apply_scaled(self._scaler, update, oracle, finite)
        if not bool(finite):
            return False
        oracle.assign(update.grads)
        self.base.step()
        self._move_directly(update.direct)
        return True

    def _apply_scaled(
        self, scaler: torch.amp.GradScaler, update: Update, oracle: EagerOracle, finite: Tensor
    ) -> bool:
        one = torch.ones((), device=finite.device)
        factor = torch.where(finite, scaler.scale(one), torch.full_like(one, float("inf")))
        oracle.assign(ops.scale(update.grads, factor))
        scaler.step(self.base)
        scaler.update()
        applied = bool(finite)
        if applied:
            self._move_directly(update.direct)
        return applied

    def _move_directly(self, direct: Tree | None) -> None:
        if direct is None:
            return
        for name, p, group in _groups.members(self.base, self._trained()):
            p.sub_(group["lr"] * direct[name])

    def _after(self, oracle: EagerOracle, state: State) -> tuple[bool, State]:
        oracle.moved()
        replacement, state = self.variant.after(oracle, state)
        trained = self._trained()
        for name, value in (replacement or {}).items():
            trained[name].copy_(value)
        return bool(oracle.trace.finite(replacement or {})), state


def _to(value: Any, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {k: _to(v, device) for k, v in value.items()}
    return value
