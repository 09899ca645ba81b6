"""Warnings that steps do nothing, each given once, without a wait for the device."""

import warnings

import torch
from torch import Tensor

IN_A_ROW = 50
SKIPPED = (
    f"{IN_A_ROW} steps in a row were skipped, nothing is trained: a loss, a gradient or the "
    "direction was not finite (optimizer.skipped counts them)"
)
UNREACHED = (
    "no parameter of the optimizer received a gradient, nothing is trained: does the closure run "
    "the model that the optimizer holds?"
)
VANISHED = (
    "the perturbation vanished in the weights' precision, and the variant is its base optimizer: "
    "take a larger rho, or float32 weights under autocast"
)


class Alarms:
    """What to warn of, and what the device has yet to answer."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._asked: list[tuple[str, Tensor, torch.cuda.Event | None]] = []
        self._row = 0
        self._steps = 0
        self._before: int | Tensor = 0

    def stepped(self, taken: bool, skipped: int | Tensor) -> None:
        """A step is over; `skipped` counts, on the device where that decides."""
        self._row = 0 if taken else self._row + 1
        self._steps += 1
        if self._row == IN_A_ROW:
            self.give(SKIPPED)
        if isinstance(skipped, Tensor) and self._steps % IN_A_ROW == 0:
            self.ask(skipped - self._before >= IN_A_ROW, SKIPPED)
            self._before = skipped.clone()
        self._hear()

    def give(self, text: str) -> None:
        if text not in self._given:
            self._given.add(text)
            warnings.warn(text, RuntimeWarning, stacklevel=5)

    def ask(self, flag: Tensor, text: str) -> None:
        """Warns if the 0-d `flag` holds, once that is known."""
        if flag.device.type != "cuda":
            self._asked.append((text, flag, None))
            return
        answer = torch.empty((), dtype=flag.dtype, pin_memory=True)
        answer.copy_(flag, non_blocking=True)
        event = torch.cuda.Event()
        event.record()
        self._asked.append((text, answer, event))

    def _hear(self) -> None:
        waiting = [a for a in self._asked if a[2] is not None and not a[2].query()]
        answered = [a for a in self._asked if not any(a is w for w in waiting)]
        self._asked = waiting
        for text, flag, _ in answered:
            if bool(flag):
                self.give(text)
