"""The same dropout masks in all passes of a step."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Generators = tuple[Tensor, Tensor | None]
"""states of the global generators: CPU, and CUDA where the weights are there"""


class Streams:
    """The global random streams of a step; later passes replay what the first one drew.

    Afterwards the streams stand where the first pass left them, as after a step of plain training.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._start = self._end = self._state()

    @contextmanager
    def drawing(self, first: bool) -> Iterator[None]:
        """A pass: the first one of a batch draws, every other one draws the same again."""
        if first:
            self._start = self._state()
        else:
            self._set(self._start)
        try:
            yield
        finally:
            if first:
                self._end = self._state()
            else:
                self._set(self._end)

    def _state(self) -> Generators:
        cuda = torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None
        return torch.get_rng_state(), cuda

    def _set(self, state: Generators) -> None:
        cpu, cuda = state
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state(cuda, self._device)
