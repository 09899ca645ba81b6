"""Jobs of a Slurm cluster, submitted as arrays by submitit."""

import re
from contextlib import AbstractContextManager
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from sambench.config import LARGEST_COUNT, Broken, Count, Listed
from sambench.errors import UserError, echo
from sambench.executors import slurm_queue
from sambench.executors.executor import Executor, J, R, Work
from sambench.executors.registry import register

if TYPE_CHECKING:
    from sambench.executors.slurm_driver import Jobs

NOTICE_S = 90  # before a time limit
OWN = ("array", "error", "job-name", "open-mode", "output", "signal", "time", "wrap")
"""Options of sbatch that are the executor's; some have a setting."""
DEVICES = ("gres", "gpus", "gpus-per-node", "gpus-per-task")


def _minutes(given: object) -> object:
    """Of a time as sbatch takes it: minutes, or [days-]hours[:minutes[:seconds]]."""
    if isinstance(given, str):
        match = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", given.strip())
        if match is None:
            raise Broken(f'must be minutes, or as "4:00:00" or "2-12", got {echo(given)}')
        days, *rest = match.groups()
        parts = [int(part) for part in rest if part]
        if days is None and len(parts) < 3:  # "90" and "90:30" begin with minutes
            parts.insert(0, 0)
        hours, minutes, seconds = (*parts, 0, 0)[:3]
        given = ceil(int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LARGEST_COUNT:
        raise Broken(f'must be minutes >= 1, or as "4:00:00", got {echo(given)}')
    return given


def _options(given: object) -> object:
    """Options of sbatch, spelled as on its command line."""
    if not isinstance(given, dict):
        raise Broken(f"must be a table, got {echo(given)}")
    options = {str(key).lstrip("-").replace("_", "-"): value for key, value in given.items()}
    for key, value in options.items():
        if not re.fullmatch(r"[a-z][a-z0-9-]*", key):
            raise Broken(f"no option of sbatch, which are long ones such as account: {echo(key)}")
        if key in OWN:
            setting = {"time": "; write time, above [sbatch]"}.get(key, "")
            raise Broken(f"is the executor's own{setting}", key)
        if not isinstance(value, str | int | float):
            raise Broken(f"must be a string, a number, true or false, got {echo(value)}", key)
    return options


@register("slurm")
class Slurm(Executor):
    """Jobs of a cluster. The study's folder has to be on a file system that all nodes share."""

    remote: ClassVar[bool] = True
    queues: ClassVar[bool] = True

    workers: Count | None = None
    """runs at a time, by the throttle of the arrays; default: as many as Slurm lets"""
    gpus_per_run: Annotated[float, Field(ge=0, le=1024)] = 0.0
    """whole: Slurm's way to share a GPU is a gres of the site's, such as shard, under [sbatch]"""
    cpus_per_run: Count | None = 1
    """cores and threads of each of a run's processes"""
    time: Annotated[int, BeforeValidator(_minutes)] = 60
    """of a job, in minutes or as "4:00:00"; a run that takes longer is requeued, and goes on"""
    partition: str | None = None
    memory: str | None = None
    """of a job, as sbatch's --mem takes it: "8G\""""
    setup: Annotated[tuple[str, ...], Listed] = ()
    """lines of shell before a run: modules, environments"""
    python: str | None = None
    """what starts Python, such as "apptainer exec image.sif python"; default: this one"""
    sbatch: Annotated[dict[str, str | int | float | bool], BeforeValidator(_options)] = Field(
        default_factory=dict
    )
    """any further option of sbatch: account, qos, constraint, gres, ..."""

    @model_validator(mode="after")
    def _no_part_of_a_device(self) -> "Slurm":
        if self.gpus_per_run != int(self.gpus_per_run):
            rule = f"must be whole, got {self.gpus_per_run:g}; to share one, see [sbatch] gres"
            raise Broken(rule, "gpus_per_run")
        return self

    @property
    def threads(self) -> int:
        """Of each process, of which a run may have several."""
        return self.cpus_per_run or 1

    def opened(self, work: Work[J, R]) -> AbstractContextManager["Jobs[J, R]"]:
        try:
            import submitit as submitit
        except ImportError:
            raise UserError(
                "--on slurm: needs submitit, which is not installed: pip install 'sambench[slurm]'"
            ) from None
        if not work.eager and self.workers is None:
            raise UserError(
                "--on slurm: workers: is required where a study's sampler adapts to results: how "
                "many are tried at a time"
            )
        slurm_queue.check()
        from sambench.executors.slurm_driver import Jobs

        return Jobs(self, work, slurm_queue.max_array_size())

    def parameters(self, name: str, throttle: int, dependency: str) -> dict[str, Any]:
        """What submitit is told of jobs.

        throttle: jobs at a time of one array
        dependency: what they wait for, besides what the settings say; "" for nothing
        """
        cpus = self.threads * self.processes
        own: dict[str, Any] = {"requeue": True}
        own |= {k.replace("-", "_"): v for k, v in self.sbatch.items() if v is not False}
        if dependency:
            own["dependency"] = ",".join(filter(None, [own.get("dependency"), dependency]))
        asks = int(self.gpus_per_run) if not set(DEVICES) & self.sbatch.keys() else None
        return {
            "job_name": name,
            "partition": self.partition,
            "time": self.time,
            "mem": self.memory,
            "cpus_per_task": cpus,
            "gpus_per_node": asks or None,
            "setup": list(self.setup),
            "array_parallelism": throttle,
            "signal_delay_s": min(NOTICE_S, 15 * self.time),
            "srun_args": [f"--cpus-per-task={cpus}"],  # which Slurm 22.05 and later want to be told
            "stderr_to_stdout": True,
            "additional_parameters": own,
        }
