"""The memory that an epoch of training holds for its data, in a process of its own."""

import contextlib
import gc
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Self

import psutil
import torch

from sambench import plugins
from sambench.bench.race import wait
from sambench.bench.sources import SOURCES, Job
from sambench.bench.trainee import Trainee
from sambench.errors import UserError
from sambench.training import device

EVERY_S = 0.1


def apart(job: Job, name: str) -> int:
    """`held`, measured in a new process. UserError if that is killed."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(held, job, name).result()
        except BrokenProcessPool:
            raise UserError(
                f"--folder: the process that measures {name} was killed, most likely for want of "
                "memory; choose a smaller --image-size, or fewer pictures"
            ) from None


def held(job: Job, name: str) -> int:
    """Bytes at the peak of an epoch, beyond those of the model that has taken a step already."""
    plugins.load(job.imports)
    torch.set_num_threads(job.threads)
    device.keep_freed_memory()
    trainee = Trainee(job)
    wait(job.device)
    gc.collect()
    with Memory() as memory:
        source = SOURCES[name](job)
        try:
            trainee.learn(source.epoch())
            wait(job.device)
            memory.look()
        finally:
            source.close()
    return max(0, memory.peak - memory.before)


class Memory:
    """Looks at this process and its children from time to time, while it is entered."""

    def __init__(self) -> None:
        self.before = self.peak = 0
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self.before = self.peak = of_tree()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watcher.join()

    def look(self) -> None:
        self.peak = max(self.peak, of_tree())

    def _watch(self) -> None:
        while not self._over.wait(EVERY_S):
            self.look()


def of_tree() -> int:
    """Bytes of this process and all below it: PSS, to which pages shared by n count an nth each."""
    own, total = psutil.Process(), 0
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # it has just ended
            found = process.memory_full_info()
            total += getattr(found, "pss", found.uss)  # only Linux tells PSS
    return total
