"""The batch of a step, as a closure over its rows."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Closure = Callable[..., object]
"""() or (rows) -> losses, or (losses, aux)"""
Selection = slice | Tensor
"""the rows that a closure is asked for: all, or an int64 tensor of them"""


@dataclass
class Batch:
    """A closure and how to cut its batch: `size` rows in micro-batches of at most `micro`.

    exact: an evaluation goes through all micro-batches; else they are batches of their own
    """

    closure: Closure
    size: int | None = None
    micro: int | None = None
    exact: bool = True

    def __post_init__(self) -> None:
        if self.micro is not None and (self.micro < 1 or not self.size):
            got = f"micro={self.micro} and size={self.size}"
            raise ValueError(f"micro needs size and must be >= 1, got {got}")
        self.takes_rows = _takes_rows(self.closure)
        if self.micro is not None and not self.takes_rows:
            raise ValueError("micro-batches need a closure that takes rows: closure(rows)")

    def chunks(self, rows: Tensor | None, device: torch.device) -> list[tuple[Selection, float]]:
        """The selections to evaluate one after the other, with their weights."""
        if self.micro is None or self.size is None or not self.exact:
            return [(slice(None) if rows is None else rows, 1.0)]
        selected = torch.arange(self.size, device=device) if rows is None else rows
        return [(c, len(c) / len(selected)) for c in selected.split(self.micro)]

    def parts(self, device: torch.device) -> list[Tensor]:
        """The rows of each micro-batch that is a batch of its own; none if the batch is whole."""
        if self.micro is None or self.size is None or self.exact:
            return []
        return list(torch.arange(self.size, device=device).split(self.micro))

    def losses(self, rows: Selection, selected: bool) -> tuple[Tensor, object]:
        """Per-sample losses (rows,) of the closure, and whatever else it returned."""
        if selected and not self.takes_rows:
            raise ValueError("rows are selected: the closure must take rows")
        result = self.closure(rows) if self.takes_rows else self.closure()
        if isinstance(result, tuple) and len(result) != 2:
            raise ValueError(f"the closure must return losses or (losses, aux), got {len(result)}")
        losses, aux = result if isinstance(result, tuple) else (result, None)
        if not isinstance(losses, Tensor):
            raise ValueError(
                f"the closure must return a tensor of losses, got {type(losses).__name__}"
            )
        if not losses.is_floating_point():
            raise ValueError(f"losses must be floating point, got {losses.dtype}")
        if losses.numel() == 0:
            raise ValueError("the closure returned no losses: an empty batch?")
        if losses.ndim == 0 and selected:
            raise ValueError("rows are selected: return losses with reduction='none'")
        if losses.ndim > 0 and isinstance(rows, Tensor) and len(losses) != len(rows):
            raise ValueError(f"the closure returned {len(losses)} losses for {len(rows)} rows")
        losses = losses.float() if losses.dtype in (torch.float16, torch.bfloat16) else losses
        return (losses.flatten(1).mean(1) if losses.ndim > 1 else losses.reshape(-1)), aux


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
