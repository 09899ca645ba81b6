"""The buffers that forward passes move: BatchNorm statistics and the like."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

_TRACKING = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)  # not what inherits from them

Owner = dict[str, Tensor | None]
"""A module's buffers by name."""


class Saved(NamedTuple):
    """A buffer, where it was found, and a copy of its value."""

    owner: Owner
    key: str
    buffer: Tensor | None
    value: Tensor | None


class Buffers:
    """A model's buffers: taken back, or kept from moving.

    A snapshot covers every module. Buffers that a forward pass replaces or creates come back as the
    tensors they were.
    """

    def __init__(self, model: nn.Module) -> None:
        modules = list(model.modules())
        self._owners = [m._buffers for m in modules]
        self._over_rows = [m for m in modules if isinstance(m, _BatchNorm)]
        self._tracking = [m for m in self._over_rows if type(m) in _TRACKING]
        self._other = [m._buffers for m in modules if type(m) not in _TRACKING and m._buffers]
        self._spare: list[Saved] = []

    @property
    def normalise_rows(self) -> bool:
        """Whether some BatchNorm is in training mode: it cannot tell the variance of one row."""
        return any(m.training for m in self._over_rows)

    def save(self, over: list[Saved]) -> list[Saved]:
        """All buffers, with copies of their values: in memory of the snapshot `over` if it fits."""
        return self._snapshot(self._owners, over)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Forward passes inside leave the buffers as they are.

        torch's BatchNorm is told so; what ignores `track_running_stats` (InstanceNorm) or counts on
        its own is put back. (A momentum of 0 would turn an infinite batch into NaN.)
        """
        quiet = [m for m in self._tracking if m.training and m.track_running_stats]
        saved = self._spare = self._snapshot(self._other, self._spare)
        for m in quiet:
            m.track_running_stats = False
        try:
            yield
        finally:
            for m in quiet:
                m.track_running_stats = True
            self.restore(saved)

    def _snapshot(self, owners: list[Owner], over: list[Saved]) -> list[Saved]:
        found = [(owner, key, b) for owner in owners for key, b in owner.items()]
        if len(over) == len(found) and all(map(_fits, over, found)):
            self._copy([(s.value, s.buffer) for s in over])
            return over
        return [Saved(o, key, b, None if b is None else b.clone()) for o, key, b in found]

    def restore(self, saved: list[Saved]) -> None:
        """Puts the buffers found by `save` back, and their values into them."""
        for s in saved:
            s.owner[s.key] = s.buffer
        self._copy([(s.buffer, s.value) for s in saved])

    def restore_unless(self, flag: Tensor, saved: list[Saved]) -> None:
        """Puts the values back unless the 0-d `flag` holds, without asking the device."""
        live = [(s.buffer, s.value) for s in saved if s.owner.get(s.key) is s.buffer]
        for buffers, values in _by_kind(live):
            flat, old = (torch.cat([t.reshape(-1) for t in ts]) for ts in (buffers, values))
            kept = torch.where(flag, flat, old).split([b.numel() for b in buffers])
            shaped = [k.view_as(b) for k, b in zip(kept, buffers, strict=True)]
            torch._foreach_copy_(buffers, shaped)

    def _copy(self, pairs: list[tuple[Tensor | None, Tensor | None]]) -> None:
        for to, values in _by_kind(pairs):
            torch._foreach_copy_(to, values)


def _by_kind(
    pairs: list[tuple[Tensor | None, Tensor | None]],
) -> Iterable[tuple[list[Tensor], list[Tensor]]]:
    """The pairs of tensors among `pairs`, those of a dtype and device together.

    A foreach kernel takes no others: of mixed tensors each would get a kernel of its own.
    """
    found: dict[tuple[torch.dtype, torch.device], tuple[list[Tensor], list[Tensor]]] = {}
    for a, b in pairs:
        if a is not None and b is not None:
            to, values = found.setdefault((a.dtype, a.device), ([], []))
            to.append(a)
            values.append(b)
    return found.values()


def _fits(saved: Saved, found: tuple[Owner, str, Tensor | None]) -> bool:
    owner, key, buffer = found
    if saved.buffer is not buffer or saved.owner is not owner or saved.key != key:
        return False
    return saved.value is None or buffer is None or saved.value.shape == buffer.shape
