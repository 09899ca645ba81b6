"""The batch of a step, as a closure over its rows."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from variants.driver.parts import Parts

Closure = Callable[..., object]
"""() or (rows) -> losses, or (losses, aux)"""
Selection = slice | Tensor
"""the rows that a closure is asked for: all, or an int64 tensor of them"""


class Loop(NamedTuple):
    """Stands for a closure where a loop evaluates, and calls `backward`: `ask` waits for it."""

    ask: Callable[[object], None]
    """hands out rows, or a part"""


class Chunk(NamedTuple):
    """Rows that are evaluated at once."""

    rows: Selection
    share: float
    """of the evaluation"""
    part: int | None = None
    """the loader's batch that has them"""
    places: Tensor | None = None
    """where its rows stand among those that were selected, if that is not where they come"""


@dataclass
class Batch:
    """A closure and how to cut its batch: `size` rows in micro-batches up to `micro`, or parts.

    exact: an evaluation goes through all micro-batches; else they are batches of their own
    weight: (size, ...), what counts how much in the mean; see `SharpnessAware.step`
    """

    closure: Closure | Loop
    size: int | None = None
    micro: int | None = None
    exact: bool = True
    weight: Tensor | None = None
    parts: Parts | None = None

    def __post_init__(self) -> None:
        if self.parts is not None:
            self._take_parts(self.parts)
        if self.weight is not None:
            self._take_weight(self.weight)
        if self.micro is not None and (self.micro < 1 or not self.size):
            got = f"micro={self.micro} and size={self.size}"
            raise ValueError(f"micro needs size and must be >= 1, got {got}")
        parts = self.parts is not None
        self.takes_rows = isinstance(self.closure, Loop) or _takes_rows(self.closure, parts)
        if self.micro is not None and not self.takes_rows:
            raise ValueError("micro-batches need a closure that takes rows: closure(rows)")
        self.own: list[Tensor] = []
        """the rows of micro-batches that are batches of their own"""

    def _take_parts(self, parts: Parts) -> None:
        given = {"size": self.size, "micro": self.micro, "weight": self.weight}
        if said := [name for name, value in given.items() if value is not None]:
            raise ValueError(
                f"parts have their own sizes, leave {said[0]} out (what a part counts: weights)"
            )
        self.size, self.weight = parts.size, parts.weight()

    def _take_weight(self, weight: Tensor) -> None:
        if not isinstance(weight, Tensor) or not weight.numel() or weight.ndim == 0:
            raise ValueError("weight must be a tensor of what each row counts, (size, ...)")
        self.size = len(weight) if self.size is None else self.size
        if len(weight) != self.size:
            raise ValueError(f"weight has {len(weight)} rows, and size={self.size}")
        weight = weight.to(torch.float64)
        self.weight = weight * (self.size / weight.sum())

    def chunks(self, rows: Tensor | None, device: torch.device, fewest: int) -> list[Chunk]:
        """The selections to evaluate one after the other, with their shares."""
        if self.parts is not None:
            return self._chunks_of(self.parts, rows)
        if self.micro is None or self.size is None or not self.exact:
            return [Chunk(slice(None) if rows is None else rows, 1.0)]
        selected = torch.arange(self.size, device=device) if rows is None else rows
        return [Chunk(c, len(c) / len(selected)) for c in cut(selected, self.micro, fewest)]

    def _chunks_of(self, parts: Parts, rows: Tensor | None) -> list[Chunk]:
        if rows is None:
            whole = enumerate(parts.slices())
            return [Chunk(s, (s.stop - s.start) / parts.size, i) for i, s in whole]
        known = [i for i, own in enumerate(self.own) if own is rows]
        if known:
            return [Chunk(rows, 1.0, known[0])]
        found = parts.found(rows)
        return [Chunk(rows[places], len(places) / len(rows), i, places) for i, places in found]

    def batches(self, device: torch.device, fewest: int) -> list[Tensor]:
        """The rows of each micro-batch that is a batch of its own; none if the batch is whole."""
        if not self.exact and self.parts is not None:
            self.own = [torch.arange(s.start, s.stop, device=device) for s in self.parts.slices()]
        elif not self.exact and self.micro is not None and self.size is not None:
            self.own = cut(torch.arange(self.size, device=device), self.micro, fewest)
        return self.own

    def given(self, chunk: Chunk, selected: bool) -> object:
        """What a closure, or a loop, is given to evaluate.

        selected: whether a rule chose the rows by their losses
        """
        if selected and not self.takes_rows:
            raise ValueError("rows are selected: the closure must take rows")
        if self.parts is None or chunk.part is None:
            return chunk.rows
        return self.parts.given(chunk.part, chunk.rows if selected else None)

    def losses(self, chunk: Chunk, selected: bool) -> tuple[Tensor, object]:
        """What the closure returns for a chunk, see `counted`."""
        given, closure = self.given(chunk, selected), cast(Closure, self.closure)
        return self.counted(closure(given) if self.takes_rows else closure(), chunk, selected)

    def counted(self, result: object, chunk: Chunk, selected: bool) -> tuple[Tensor, object]:
        """Losses (rows,) or (), weighted so that their mean counts, and what came with them."""
        rows = chunk.rows
        losses, aux = _split(result)
        self._check(losses, rows, selected)
        losses = losses.float() if losses.dtype in (torch.float16, torch.bfloat16) else losses
        if self.weight is not None:
            self.weight = self.weight.to(losses.device)
            return _weighted(losses, self.weight[rows]), aux
        return (losses.flatten(1).mean(1) if losses.ndim > 1 else losses), aux

    def _check(self, losses: Tensor, rows: Selection, selected: bool) -> None:
        if not losses.is_floating_point():
            raise ValueError(f"losses must be floating point, got {losses.dtype}")
        if losses.numel() == 0:
            raise ValueError("the closure returned no losses: an empty batch?")
        if losses.ndim:
            expected = _length(rows) or len(losses)
            if len(losses) != expected:
                raise ValueError(f"the closure returned {len(losses)} losses for {expected} rows")
        elif selected:
            raise ValueError("rows are selected: return losses with reduction='none'")
        elif _length(rows) not in (0, self.size) and self.weight is None:
            says = "row counts: step(..., weight=)"
            says = says if self.parts is None else "part counts: step(..., weights=)"
            raise ValueError(
                "the closure returned one number for a micro-batch, be it a mean (of what?) or a "
                "sum: return a loss per row (reduction='none'), or, for means, say what each "
                f"{says}, say its number of tokens"
            )


def _split(result: object) -> tuple[Tensor, object]:
    """The losses, and what else a closure returned, off the graph; ValueError where in doubt."""
    if isinstance(result, tuple) and len(result) != 2:
        raise ValueError(f"the closure must return losses or (losses, aux), got {len(result)}")
    losses, aux = result if isinstance(result, tuple) else (result, None)
    if not isinstance(losses, Tensor):
        hint = ": return the losses from it" if losses is None else ""
        hint = "; return its loss" if isinstance(losses, Mapping) else hint
        got = f"got {type(losses).__name__}{hint}"
        raise ValueError(f"the closure must return a tensor of losses, {got}")
    if isinstance(aux, Tensor) and aux.requires_grad and aux.ndim <= losses.ndim:
        shapes = f"{tuple(losses.shape)} and {tuple(aux.shape)}"
        raise ValueError(
            f"the closure returned two tensors that may both be the loss, of shapes {shapes}: "
            "return (losses, aux), the losses first and aux.detach()"
        )
    return losses, None if aux is None else tree_map_only(Tensor, Tensor.detach, aux)


def _weighted(losses: Tensor, weight: Tensor) -> Tensor:
    """Losses (rows,) or () times what they count on average; no weight, no loss, be it NaN."""
    if losses.ndim == 0:
        weight = weight.sum() / len(weight)
    elif losses.shape[: weight.ndim] == weight.shape:
        losses = losses.flatten(weight.ndim).mean(-1) if losses.ndim > weight.ndim else losses
    else:
        shapes = f"losses {tuple(losses.shape)}, weight {tuple(weight.shape)}"
        raise ValueError(f"weight must be one per row, or of the shape of the losses; got {shapes}")
    weighted = torch.where(weight != 0, losses * weight.to(losses.dtype), 0)
    return weighted.flatten(1).sum(1) if weighted.ndim > 1 else weighted


def cut(rows: Tensor, size: int, fewest: int) -> list[Tensor]:
    """Parts of `size` rows; a last one of less than `fewest` goes to the one before it."""
    parts = list(rows.split(size))
    if len(parts) > 1 and len(parts[-1]) < min(fewest, size):
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def joined(auxes: Sequence[object]) -> object:
    """What micro-batches returned beside their losses: concatenated if tensors, else a list."""
    if len(auxes) == 1:
        return auxes[0]
    tensors = [aux for aux in auxes if isinstance(aux, Tensor) and aux.ndim]
    if len(tensors) == len(auxes):
        return torch.cat(tensors)
    return None if all(aux is None for aux in auxes) else list(auxes)


def _takes_rows(closure: Closure, parts: bool) -> bool:
    """Whether a closure has a positional argument for rows; defaults (`x=x`) are captures."""
    if _requires_one(closure):
        return True
    parameters = inspect.signature(closure).parameters.values()
    positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    takes = any(p.default is p.empty or p.name == "rows" for p in positional)
    if parts and not takes:
        raise ValueError("parts are handed to the closure: closure(part)")
    return takes


def _requires_one(closure: Closure) -> bool:
    """Whether a function or method clearly needs an argument; to ask `inspect` takes longer."""
    function = getattr(closure, "__func__", closure)
    code = getattr(function, "__code__", None)
    if code is None or hasattr(function, "__wrapped__"):
        return False
    given = len(function.__defaults__ or ()) + (function is not closure)
    return code.co_argcount > given


def _length(rows: Selection) -> int:
    """The number of rows; 0 of the whole batch, whose number may be unknown."""
    if isinstance(rows, Tensor):
        return len(rows)
    return 0 if rows.stop is None else rows.stop - rows.start
