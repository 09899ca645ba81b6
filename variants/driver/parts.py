"""Several batches of a loader as one batch: its rows are theirs, one after the other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map_only

Weights = Sequence[float | Tensor] | Tensor
"""what each part counts"""


class Parts:
    """`parts` as one batch: as many rows as tensors in it have, or one where it has none.

    weights: one per part, what its mean counts, say its number of tokens; else its number of rows
    """

    def __init__(self, parts: Iterable[Any], weights: Weights | None = None) -> None:
        self._parts = list(parts)
        if not self._parts:
            raise ValueError("parts is empty: an optimizer step needs at least one batch")
        if weights is not None and len(weights) != len(self._parts):
            raise ValueError(f"{len(weights)} weights for {len(self._parts)} parts")
        self._weights = weights
        lengths = [_rows(part) for part in self._parts]
        if weights is None and (blind := [i for i, n in enumerate(lengths) if n is None]):
            kind = type(self._parts[blind[0]]).__name__
            raise ValueError(
                f"parts[{blind[0]}], a {kind}, shows no rows: say what counts, weights="
            )
        self._lengths = [n or 1 for n in lengths]
        self._ends = list(accumulate(self._lengths))

    @property
    def size(self) -> int:
        return self._ends[-1]

    def weight(self) -> Tensor | None:
        """What each row counts, (size,); None if they all count alike."""
        if self._weights is None:
            return None
        counts = self._weights
        counts = [torch.as_tensor(w, dtype=torch.float64) for w in counts]
        of_rows = [w.expand(n) / n for w, n in zip(counts, self._lengths, strict=True)]
        return torch.cat(of_rows)

    def slices(self) -> list[slice]:
        """The rows of each part."""
        return [slice(end - n, end) for end, n in zip(self._ends, self._lengths, strict=True)]

    def found(self, rows: Tensor) -> Iterator[tuple[int, Tensor]]:
        """The parts that have some of these rows, with the places of those in `rows`."""
        for i, s in enumerate(self.slices()):
            places = ((rows >= s.start) & (rows < s.stop)).nonzero().flatten()
            if len(places):
                yield i, places

    def given(self, part: int, rows: slice | Tensor | None) -> Any:
        """A part, or `rows` of it, counted over all parts."""
        whole = self._parts[part]
        if rows is None or isinstance(rows, slice):
            return whole
        own = rows - self.slices()[part].start
        if not all(isinstance(leaf, Tensor) for leaf in tree_leaves(_plain(whole))):
            raise ValueError(
                "rows are selected: parts must be tensors, or tuples, lists or dicts of them, "
                f"got a {type(whole).__name__}"
            )
        return tree_map_only(Tensor, lambda t: t[own.to(t.device)], _plain(whole))


def _rows(part: Any) -> int | None:
    tensors = [leaf for leaf in tree_leaves(_plain(part)) if isinstance(leaf, Tensor) and leaf.ndim]
    return len(tensors[0]) if tensors else None


def _plain(part: Any) -> Any:
    """Mappings of tokenizers are no dicts."""
    return dict(part) if isinstance(part, Mapping) else part
