"""What forward passes move beside the weights: BatchNorm statistics, queues, a momentum encoder."""

import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from variants.driver.modules import Modules
from variants.driver.visits import guarded, visited
from variants.driver.writes import Writes

_TRACKING = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)  # not what inherits from them

Owner = dict[str, Any]
"""A module's buffers, or parameters, by name."""


Place = tuple[Owner, str, Tensor | None]
"""a tensor, and where it was found"""


class Saved(NamedTuple):
    """A tensor, where it was found, and a copy of its value."""

    owner: Owner
    key: str
    buffer: Tensor | None
    value: Tensor | None


class Buffers:
    """What `model`, and any module that a closure runs, moves: taken back, or kept from moving.

    That is buffers, and parameters that the optimizer does not train but a forward pass writes to.
    The first evaluation of a batch moves them, as plain training does; later ones start from what
    it found, and leave what it left: a queue gets the batch in each of them, and keeps it once.
    Unless `repeats` is off: then they start from what the first one left. Modules beside the model
    are met when they run: in first evaluations, and in later ones until a step has met no others.
    """

    def __init__(self, modules: Modules) -> None:
        self._modules = modules
        self._seen: list[nn.Module] = []
        self._trained: Mapping[str, nn.Parameter] = {}
        self._outside: weakref.WeakSet[nn.Module] = weakref.WeakSet()
        self._both: set[nn.Module] = set()
        """BatchNorms that run in training and in evaluation mode within one evaluation"""
        self._written: list[Place] = []
        """parameters that a forward pass writes to"""
        self._changed = False
        """whether others may be found in the model"""
        self._news = True
        """whether this step may run modules that were not met yet"""
        self._heard = self._undone = False
        """of the latest step: whether later evaluations were, and whether it may be half a step"""
        self._watching: ExitStack | None = None
        self._modes: dict[nn.Module, set[bool]] = {}
        self._before: list[Saved] = []
        self._start: list[Saved] = []
        self._spare: list[Saved] = []
        self.late = False
        """whether the first evaluation is over when a step begins: all that runs has run in it"""
        self.repeats = True
        """whether later evaluations of this step move again what the first one moved"""
        self._left: list[Saved] | None = None
        """in a later evaluation: what is put back after it"""

    @property
    def normalise_rows(self) -> bool:
        """Whether some BatchNorm is in training mode: it cannot tell the variance of one row."""
        return self._normalised or any(m.training for m in self._over_rows)

    def begin(self, trained: Mapping[str, nn.Parameter]) -> None:
        """A step that trains these parameters begins."""
        if self._modules.known is not self._seen or trained is not self._trained:
            self._look(trained)
        elif self._undone or self._heard:
            self._news = self._undone
        self._heard = self._undone = False
        self._normalised, self.repeats = False, True
        everywhere = places(m._buffers for m in [*self._seen, *self._outside])
        self._before = snapshot([*everywhere, *self._written], self._before)

    @contextmanager
    def moving(self) -> Iterator[None]:
        """The first evaluation of a batch."""
        self._start = snapshot(self._free(), self._start)
        self._modes.clear()
        with ExitStack() as stack, visited(self._visit, self._plain):
            self._watching = stack
            try:
                if self._changed:
                    self._watch(self._seen, stack)
                yield
            finally:
                self._watching = None
        self._changed = False
        for m in self._tracking:
            if len(self._modes.get(m, ())) > 1 and m not in self._both:
                self._both.add(m)
                self._start += [_copied(s) for s in self._before if s.owner is m._buffers]

    @contextmanager
    def held(self) -> Iterator[None]:
        """A later evaluation.

        torch's BatchNorm is told not to track; all else starts from where the first evaluation
        started, and is put back. (A momentum of 0 would turn an infinite batch into NaN.)
        """
        quiet = [m for m in self._tracking if m.track_running_stats and m not in self._both]
        self._left = self._spare = snapshot(self._free(), self._spare)
        if self.repeats:
            restore(self._start)
        for m in quiet:
            vars(m)["track_running_stats"] = False  # Module.__setattr__ takes ten times as long
        hear = self._news or self.late or guarded()
        try:
            with visited(self._visit, self._plain) if hear else nullcontext():
                yield
            self._heard |= hear
        finally:
            for m in quiet:
                vars(m)["track_running_stats"] = True
            restore(self._left)
            self._left = None

    def outside(self) -> list[nn.Module]:
        """The modules beside the model that have run so far."""
        return list(self._outside)

    def undo(self) -> None:
        """Puts everything back as the step found it."""
        self._undone = True
        restore(self._before)

    def undo_unless(self, flag: Tensor) -> None:
        """Puts the values back unless the 0-d `flag` holds, without asking the device."""
        found = (s for s in self._before if s.key in s.owner and s.owner[s.key] is s.buffer)
        live = [(s.buffer, s.value) for s in found]
        for buffers, values in _by_kind(live):
            flat, old = (torch.cat([t.reshape(-1) for t in ts]) for ts in (buffers, values))
            kept = torch.where(flag, flat, old).split([b.numel() for b in buffers])
            shaped = [k.view_as(b) for k, b in zip(kept, buffers, strict=True)]
            torch._foreach_copy_(buffers, shaped)

    def _look(self, trained: Mapping[str, nn.Parameter]) -> None:
        self._seen, self._trained, self._news = self._modules.known, trained, True
        self._known = {id(m) for m in self._seen}
        self._plain = {id(m) for m in self._seen if _tells_nothing(m)}
        self._over_rows = [m for m in self._seen if isinstance(m, _BatchNorm)]
        self._tracking = [m for m in self._over_rows if type(m) in _TRACKING]
        self._other = [m._buffers for m in self._seen if type(m) not in _TRACKING and m._buffers]
        self._both.clear()
        mine = {id(p) for p in trained.values()}
        self._written = [place for place in self._written if id(place[2]) not in mine]
        self._changed = True

    def _free(self) -> list[Place]:
        """What an evaluation may move, whatever flag is set."""
        buffers = (m._buffers for m in [*self._both, *self._outside])
        return [*places([*self._other, *buffers]), *self._written]

    def _visit(self, module: nn.Module) -> None:
        """A module is about to run."""
        for m in module.modules() if _is_compiled(module) else (module,):
            if isinstance(m, _BatchNorm):
                self._modes.setdefault(m, set()).add(m.training)
                self._normalised |= m.training
        if id(module) not in self._known and module not in self._outside:
            self._meet(module)

    def _meet(self, module: nn.Module) -> None:
        """A module beside the model: what it holds is saved before it runs for the first time."""
        self._news = True
        fresh = {m for m in module.modules() if id(m) not in self._known} - set(self._outside)
        self._outside.update(fresh)
        saved = snapshot(places(m._buffers for m in fresh), [])
        self._before += saved
        self._start += map(_copied, saved)
        if self._left is not None and self.late:
            self._left += map(_copied, saved)
        if self._watching is not None:
            self._watch(fresh, self._watching)

    def _watch(self, modules: Iterable[nn.Module], stack: ExitStack) -> None:
        """Finds the parameters of theirs that the evaluation writes to: the optimizer does not."""
        known = {id(p) for p in self._trained.values()} | {id(p) for *_, p in self._written}
        found: dict[Tensor, Place] = {
            p: (m._parameters, leaf, p)
            for m in modules
            for leaf, p in m._parameters.items()
            if p is not None and id(p) not in known
        }
        if found:
            writes = Writes(found)
            stack.callback(lambda: self._take_note(found, writes))
            stack.enter_context(writes)

    def _take_note(self, found: Mapping[Tensor, Place], writes: Writes) -> None:
        for p, value in writes.found():
            self._written.append(found[p])
            self._before.append(Saved(*found[p], value))
            self._start.append(Saved(*found[p], value.clone()))


def _tells_nothing(module: nn.Module) -> bool:
    """Whether nothing is to be learned of a module of the model when it runs."""
    return not isinstance(module, _BatchNorm) and not _is_compiled(module)


def _is_compiled(module: nn.Module) -> bool:
    """Whether `torch.compile` made it: the modules in it run without hooks."""
    return "_orig_mod" in module._modules


def snapshot(places: Iterable[Place], over: list[Saved]) -> list[Saved]:
    """Copies of what is there: in memory of the snapshot `over` if it fits."""
    found = list(places)
    if len(over) == len(found) and all(map(_fits, over, found)):
        _copy([(s.value, s.buffer) for s in over])
        return over
    return [Saved(o, key, b, None if b is None else b.clone()) for o, key, b in found]


def restore(saved: list[Saved]) -> None:
    """Puts the tensors back where they were found, and their values into them."""
    for s in saved:
        s.owner[s.key] = s.buffer
    _copy([(s.buffer, s.value) for s in saved])


def _copied(saved: Saved) -> Saved:
    return saved._replace(value=None if saved.value is None else saved.value.clone())


def places(owners: Iterable[Owner]) -> Iterator[Place]:
    return ((owner, key, b) for owner in owners for key, b in owner.items())


def _copy(pairs: list[tuple[Tensor | None, Tensor | None]]) -> None:
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


def _fits(saved: Saved, found: Place) -> bool:
    owner, key, buffer, value = saved
    if found[2] is not buffer or found[0] is not owner or found[1] != key:
        return False
    if buffer is None or value is None:
        return buffer is value
    same_kind = value.dtype == buffer.dtype and value.device == buffer.device
    return same_kind and value.shape == buffer.shape
