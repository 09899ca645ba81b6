"""Which part of every batch a process has, where several train together."""

from typing import NamedTuple

import numpy as np


class Shard(NamedTuple):
    """Part `rank` of `size`: a stretch of each batch; lengths differ by one item at most."""

    rank: int = 0
    size: int = 1

    def of(self, rows: np.ndarray, *, mixed: bool) -> np.ndarray:
        """The rows of a batch that this part needs.

        mixed: each image needs the one before it too, in a circle: one more, ahead of the others
        """
        if self.size == 1:
            return rows
        start, stop = self._bounds(len(rows))
        return rows[np.arange(start - mixed, stop)]  # -1 is the last one

    def weight(self, num_rows: int) -> float:
        """Rows of this part over the mean of all parts, of a batch of `num_rows`."""
        start, stop = self._bounds(num_rows)
        return self.size * (stop - start) / num_rows

    def _bounds(self, num: int) -> tuple[int, int]:
        return self.rank * num // self.size, (self.rank + 1) * num // self.size
