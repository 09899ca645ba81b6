"""The device a study runs on, and what records say of it."""

import ctypes
import errno
import gc
import os
import platform
import re
from functools import cache
from pathlib import Path

from sambench.errors import UserError, echo, nearest

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h
NO_MEMORY = ("DefaultCPUAllocator", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""How plain RuntimeErrors of torch say so."""


def check(name: str) -> None:
    """UserError for what no machine has; knows no torch, which takes seconds to import."""
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", name):
        hint = nearest(name, ["auto", "cpu", "cuda"])
        raise UserError(f"--device: unknown device {echo(name)}; {hint}")


def resolve(name: str) -> str:
    """ "auto", "cpu", "cuda" or "cuda:N" as a device that is there; UserError if it is not."""
    import torch

    check(name)
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UserError(f"--device: no {name} on this machine; choose from {', '.join(_present())}")
    return name


def _present() -> list[str]:
    import torch

    return ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]


@cache
def describe(name: str) -> str:
    """The hardware behind a device name, e.g. "NVIDIA H200" or a processor's model name."""
    if name.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(name)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def keep_freed_memory() -> None:
    """What a step frees, the next one takes again, in this process from now on.

    glibc hands large blocks back to the kernel and has them cleared, page by page, when they are
    asked for anew: 2 to 20% of a step's time, 6% in the middle (test_resnet, resnet18 and test_vit
    at 32 to 96 px in batches of 64 and 128, on one core of an AMD EPYC, 2026-11-27).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # other C libraries have none
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def instructions() -> str:
    """The processor's instruction set that torch uses, e.g. "AVX2"; rounding depends on it."""
    import torch

    return torch.backends.cpu.get_cpu_capability()


def hardware() -> dict[str, str | int]:
    """What a study's header says of the machine."""
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cpus": os.cpu_count() or 1,
        "processor": describe("cpu"),
    }


def reset_peak_memory(name: str) -> None:
    """From here on `peak_memory` counts."""
    if name.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(name)


def peak_memory(name: str) -> int | None:
    """Bytes allocated on a CUDA device at most; None elsewhere, where torch does not count them."""
    if not name.startswith("cuda"):
        return None
    import torch

    return torch.cuda.max_memory_allocated(name)


def is_out_of_memory(error: BaseException | None) -> bool:
    """On an accelerator, in numpy, or on the host, where torch has no type of its own for it.

    Or because of it: a CUDA graph that finds no memory cannot be captured.
    """
    import torch

    if error is None:
        return False
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    if not known and isinstance(error, OSError):
        known = error.errno == errno.ENOMEM
    if not known and isinstance(error, RuntimeError):
        known = any(word in str(error) for word in NO_MEMORY)
    return known or is_out_of_memory(error.__cause__)


def is_usable(name: str) -> bool:
    """Whether this process can go on with a device: CUDA is lost to it once a kernel has failed."""
    if not name.startswith("cuda"):
        return True
    import torch

    try:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize(name)
    except RuntimeError:
        return False
    return True


def release_memory(name: str) -> None:
    """Gives back what torch keeps of it for later."""
    gc.collect()
    if name.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
