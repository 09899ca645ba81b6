"""How a direction becomes a step of the base optimizer: clipped, scaled, or not at all."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer

from variants.core import ops, shards
from variants.core.protocol import State, Tree, Update
from variants.driver import groups
from variants.driver.oracle import ModelOracle


class Descent:
    """Steps of `base` along updates, of a global norm up to `clip`.

    scaler: scales the direction, for it unscales the gradients that it steps with
    """

    def __init__(
        self, base: Optimizer, scaler: torch.amp.GradScaler | None, clip: float | None
    ) -> None:
        if clip is not None and not clip > 0:
            raise ValueError(f"clip must be > 0, got {clip=}")
        self.base = base
        self.clip = clip
        self.scaler = scaler if scaler is not None and scaler.is_enabled() else None

    def scale(self, device: torch.device) -> Tensor | None:
        """The loss scale, the same for all passes of a step."""
        return None if self.scaler is None else self.scaler.scale(torch.ones((), device=device))

    def waits(self, device: torch.device) -> bool:
        """Whether the host has to know if a step is finite: fused kernels skip on the device."""
        fused = getattr(self.base, "_step_supports_amp_scaling", False)
        first = bool(self.base.defaults.get("momentum")) and not self.base.state
        return device.type == "cpu" or not fused or first  # skipping, they make a buffer of junk

    def step_on_host(self, update: Update, oracle: ModelOracle, finite: Tensor) -> bool:
        """Steps if `finite`, which the host waits for; says whether it did."""
        update = self._clipped(update)
        taken = bool(finite)
        if self.scaler is not None:
            first = not self.base.state
            self._step_scaled(self.scaler, update, oracle, finite)
            if first and not taken:
                self.base.state.clear()
        elif taken:
            oracle.assign(update.grads)
            self.base.step()
        if taken:
            self._move(update.direct, oracle)
        return taken

    def step_on_device(self, update: Update, oracle: ModelOracle, finite: Tensor) -> None:
        """Steps where `finite` holds: fused kernels look at it themselves."""
        update = self._clipped(update)
        if self.scaler is not None:
            self._step_scaled(self.scaler, update, oracle, finite)
        else:
            oracle.assign(update.grads)
            self.base.found_inf = (~finite).float()  # pyright: ignore[reportAttributeAccessIssue]
            try:  # in the way GradScaler tells them
                self.base.step()
            finally:
                del self.base.found_inf  # pyright: ignore[reportAttributeAccessIssue]
        self._move(ops.where(finite, update.direct or {}), oracle)

    def _step_scaled(
        self, scaler: torch.amp.GradScaler, update: Update, oracle: ModelOracle, finite: Tensor
    ) -> None:
        """A step of the scaler, which skips it unless `finite`."""
        scale = scaler.scale(torch.ones((), device=finite.device))
        factor = torch.where(finite, scale, torch.full_like(scale, float("inf")))
        oracle.assign(ops.scale_(update.grads, factor))
        scaler.step(self.base)

    def close(self, ok: bool) -> None:
        """Ends a step for the loss scale; not `ok` is an overflow that came after `step`."""
        if self.scaler is None:
            return
        if ok:
            self.scaler.update()
        else:
            self.scaler.update(self.scaler.get_scale() * self.scaler.get_backoff_factor())

    def _clipped(self, update: Update) -> Update:
        return update if self.clip is None else _clipped(update, self.clip)

    def _move(self, direct: Tree | None, oracle: ModelOracle) -> None:
        """w -= lr * direct, past the base optimizer; uses up `direct`."""
        if direct:
            for name, p, group in groups.members(self.base, oracle.weights.parameters):
                p.sub_(direct[name].mul_(group["lr"]))


def owned(update: Update, *others: object) -> Update:
    """The update in memory of its own, by copies of what it shares with itself or with `others`."""
    taken = set(_memory(others))

    def own(t: Tensor) -> Tensor:
        mine = shards.local(t).untyped_storage().data_ptr()
        shared = mine in taken or 0 in t.stride()
        taken.add(mine)
        return t.clone() if shared else t

    grads = {name: own(t) for name, t in update.grads.items()}
    direct = None if update.direct is None else {n: own(t) for n, t in update.direct.items()}
    return Update(grads, direct)


def _memory(value: object) -> Iterator[int]:
    if isinstance(value, Tensor):
        yield shards.local(value).untyped_storage().data_ptr()
    elif isinstance(value, Mapping):
        for v in value.values():
            yield from _memory(v)
    elif isinstance(value, list | tuple):
        for v in value:
            yield from _memory(v)


def _clipped(update: Update, limit: float) -> Update:
    """The direction shortened to a global norm of `limit`, as torch's clip_grad_norm_ does.

    Of an update in two parts it is the sum that counts, and both are shortened alike.
    """
    whole = update.grads if update.direct is None else ops.add(update.grads, update.direct)
    factor = (limit / (ops.norm(whole) + 1e-6)).clamp(max=1.0)
    direct = update.direct and ops.scale_(update.direct, factor)
    return Update(ops.scale_(update.grads, factor), direct)


def chosen(flag: Tensor, new: State, old: State) -> State:
    """`new` where the 0-d `flag` holds, else `old`, through nested dicts; numbers are new."""
    state: State = {}
    for key, value in new.items():
        if isinstance(value, dict):
            value = chosen(flag, value, old[key])
        elif isinstance(value, Tensor):
            value = torch.where(flag, value, old[key])
        state[key] = value
    return state
