"""`python -m tests.drills EXECUTOR`: some 60 runs, counted."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sambench.errors import nearest
from sambench.executors import Executor, Local
from tests.drills import slurm
from tests.drills.drill import drill


@contextmanager
def local(folder: Path) -> Iterator[Executor]:
    yield Local(workers=2)


@contextmanager
def ray(folder: Path) -> Iterator[Executor]:
    from sambench.executors.ray import Ray
    from tests.drills.ray_cluster import opened

    with opened() as cluster:
        yield Ray(address=cluster.address, workers=2)


EXECUTORS: dict[str, Callable[[Path], AbstractContextManager[Executor]]] = {
    "local": local,
    "ray": ray,
}


def main(name: str = "", *_: str) -> None:
    if name == "slurm":  # its jobs are killed in ways of their own
        with tempfile.TemporaryDirectory() as folder:
            print(f"slurm: {slurm.drill(Path(folder))}")
        return
    if name not in EXECUTORS:
        sys.exit(f"which executor? {nearest(name, [*EXECUTORS, 'slurm'])}")
    with tempfile.TemporaryDirectory() as folder, EXECUTORS[name](Path(folder)) as executor:
        print(f"{name}: {drill(executor, Path(folder), searches=4)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
