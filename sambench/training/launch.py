"""What the environment says of the processes that torchrun starts. Knows no torch."""

import os

from sambench.errors import UserError, echo


def launched() -> bool:
    """Whether torchrun, or whatever sets the same variables, started this as one of several.

    UserError where several are said to be, and the rest of the variables makes no sense.
    """
    if "RANK" not in os.environ or os.environ.get("WORLD_SIZE", "1").strip() in ("", "1"):
        return False
    size = _number("WORLD_SIZE", "1", low=1, high=100_000)
    _number("RANK", "0", low=0, high=size - 1)
    _number("LOCAL_RANK", "0", low=0, high=size - 1)
    return True


def check_meeting_place() -> None:
    """UserError where several processes are started and are not told where to meet."""
    if not launched():
        return
    _number("MASTER_PORT", "", low=1, high=65535)
    if not os.environ.get("MASTER_ADDR", "").strip():
        raise UserError(f"MASTER_ADDR: must be set where WORLD_SIZE is; {WAY_OUT}")


def local_rank() -> int:
    """Number of this process on its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))


WAY_OUT = "start with torchrun, or unset RANK and WORLD_SIZE"


def _number(name: str, default: str, *, low: int, high: int) -> int:
    text = os.environ.get(name, default).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1
    if not low <= number <= high:
        raise UserError(
            f"{name}: must be a number from {low} to {high}, got {echo(text)}; {WAY_OUT}"
        )
    return number
