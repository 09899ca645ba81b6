"""The batch of a step, as a closure over its rows."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

Closure = Callable[..., object]
"""() or (rows) -> losses, or (losses, aux)"""
Selection = slice | Tensor
"""the rows that a closure is asked for: all, or an int64 tensor of them"""


@dataclass
class Batch:
    """A closure and how to cut its batch: `size` rows in micro-batches of at most `micro`.

    exact: an evaluation goes through all micro-batches; else they are batches of their own
    weight: (size, ...), what counts how much in the mean; see `SharpnessAware.step`
    """

    closure: Closure
    size: int | None = None
    micro: int | None = None
    exact: bool = True
    weight: Tensor | None = None

    def __post_init__(self) -> None:
        if self.weight is not None:
            self._take_weight(self.weight)
        if self.micro is not None and (self.micro < 1 or not self.size):
            got = f"micro={self.micro} and size={self.size}"
            raise ValueError(f"micro needs size and must be >= 1, got {got}")
        self.takes_rows = _takes_rows(self.closure)
        if self.micro is not None and not self.takes_rows:
            raise ValueError("micro-batches need a closure that takes rows: closure(rows)")

    def _take_weight(self, weight: Tensor) -> None:
        if not isinstance(weight, Tensor) or not weight.numel() or weight.ndim == 0:
            raise ValueError("weight must be a tensor of what each row counts, (size, ...)")
        self.size = len(weight) if self.size is None else self.size
        if len(weight) != self.size:
            raise ValueError(f"weight has {len(weight)} rows, and size={self.size}")
        weight = weight.to(torch.float64)
        self.weight = weight * (self.size / weight.sum())

    def chunks(
        self, rows: Tensor | None, device: torch.device, fewest: int
    ) -> list[tuple[Selection, float]]:
        """The selections to evaluate one after the other, with their weights."""
        if self.micro is None or self.size is None or not self.exact:
            return [(slice(None) if rows is None else rows, 1.0)]
        selected = torch.arange(self.size, device=device) if rows is None else rows
        return [(c, len(c) / len(selected)) for c in cut(selected, self.micro, fewest)]

    def parts(self, device: torch.device, fewest: int) -> list[Tensor]:
        """The rows of each micro-batch that is a batch of its own; none if the batch is whole."""
        if self.micro is None or self.size is None or self.exact:
            return []
        return cut(torch.arange(self.size, device=device), self.micro, fewest)

    def losses(self, rows: Selection, selected: bool) -> tuple[Tensor, object]:
        """Losses (rows,) or (), weighted so that their mean counts, and what else it returned.

        selected: whether a rule chose the rows by their losses
        """
        if selected and not self.takes_rows:
            raise ValueError("rows are selected: the closure must take rows")
        losses, aux = _split(self.closure(rows) if self.takes_rows else self.closure())
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
            expected = len(rows) if isinstance(rows, Tensor) else len(losses)
            if len(losses) != expected:
                raise ValueError(f"the closure returned {len(losses)} losses for {expected} rows")
        elif selected:
            raise ValueError("rows are selected: return losses with reduction='none'")
        elif isinstance(rows, Tensor) and len(rows) != self.size and self.weight is None:
            raise ValueError(
                "the closure returned one number for a micro-batch, be it a mean (of what?) or a "
                "sum: return a loss per row (reduction='none'), or, for means, say what each row "
                "counts: step(..., weight=), say its number of tokens"
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


def _takes_rows(closure: Closure) -> bool:
    """Whether a closure has a positional argument for rows; defaults (`x=x`) are captures."""
    parameters = inspect.signature(closure).parameters.values()
    positional = (p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD))
    return any(p.default is p.empty or p.name == "rows" for p in positional)
