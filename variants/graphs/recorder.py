"""Work on the device that is recorded once and replayed: CUDA graphs, behind a seam for tests."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch

T = TypeVar("T")
Replay = Callable[[], None]


class Recorder(Protocol):
    """Records work that reads and writes memory which outlives it; replays share their memory.

    What a recorded `work` returned is valid from its replay until the next one of any record.
    """

    def run(self, work: Callable[[], T]) -> T:
        """Does `work` once, in the way it will be recorded."""
        ...

    def record(self, work: Callable[[], T]) -> tuple[Replay, T]:
        """A replay of `work`, and what it returned. Recording computes nothing."""
        ...


class CudaGraphs:
    """CUDA graphs of one memory pool, warmed up and captured on one side stream."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    def run(self, work: Callable[[], T]) -> T:
        current = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            result = work()
        current.wait_stream(self._stream)
        return result

    def record(self, work: Callable[[], T]) -> tuple[Replay, T]:
        graph = torch.cuda.CUDAGraph()
        capture = torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        )  # other threads, of data loaders and trackers, may call CUDA meanwhile
        with _no_collection(), capture:
            result = work()
        return graph.replay, result


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collects garbage now, and none meanwhile: an old graph that is freed spoils a capture."""
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def of(device: torch.device) -> Recorder:
    """The recorder for weights on `device`; ValueError where there is none."""
    if device.type != "cuda":
        raise ValueError(f"CUDA graphs need a CUDA device, got {device}; call the optimizer's step")
    return CudaGraphs(device)
