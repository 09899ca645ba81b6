"""Actors of a Ray cluster: of other machines, which need not see this one's files."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from sambench.config import Count
from sambench.executors import ray_cluster
from sambench.executors.executor import Executor, J, R, Work
from sambench.executors.registry import register

if TYPE_CHECKING:
    from sambench.executors.ray_actors import Actors


@register("ray")
class Ray(Executor):
    """Actors of a Ray cluster, which need not see this machine's files."""

    remote: ClassVar[bool] = True

    address: str | None = None
    """of a cluster of which this machine is a node: "HOST:PORT" or "auto"; default: that of
    RAY_ADDRESS, else a Ray of its own on this machine"""
    gpus_per_run: Annotated[float, Field(ge=0, le=1024)] = 0.0
    """4: torchrun trains each run on four; 0.5: two runs share one; 0: on CPUs"""
    cpus_per_run: Count | None = 1
    """cores and threads of a run"""
    resources: dict[str, float] = Field(default_factory=dict)
    """of a run beside these, by the names that the cluster's nodes give them"""
    runtime_env: dict[str, object] = Field(default_factory=dict)
    """what workers need beside what their machines have: Ray's pip, py_modules, env_vars, ..."""

    @property
    def needs(self) -> dict[str, float]:
        """What a run takes of a node."""
        own = {"CPU": float(self.cpus_per_run or 1), "GPU": self.gpus_per_run, **self.resources}
        return {name: amount for name, amount in own.items() if amount}

    @contextmanager
    def opened(self, work: Work[J, R]) -> Iterator["Actors[J, R]"]:
        from sambench.executors.ray_actors import Actors

        ray = ray_cluster.imported()
        with ray_cluster.connected(ray, self):
            actors = Actors(ray, self, work)
            try:
                yield actors
            finally:
                actors.end()
