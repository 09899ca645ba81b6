"""Where runs may execute: Ray, Slurm, and the executor that --on names."""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Mapping

from sambench import executors
from sambench.analysis import numbers
from sambench.doctor import programs
from sambench.doctor.check import Asked, Finding, ok, problem, warning
from sambench.errors import UserError, nearest

RAY_S = 45.0
SLURM_S = 15.0
JOIN = """
import json, sys, ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="error")
alive = [node for node in ray.nodes() if node["Alive"]]
have = ray.cluster_resources()
print(json.dumps({"nodes": len(alive), "cpus": have.get("CPU", 0), "gpus": have.get("GPU", 0)}))
"""
LOCAL = ("inline", "local")

Settings = Mapping[str, object]
"""Of an executor, as its file has them."""


def ray(asked: Asked) -> Finding:
    version = _version("ray")
    if version is None:
        return ok("not installed; only --on ray needs it: pip install 'sambench[ray]'")
    return ok(f"{version} installed; --on ray, or a file with its address, looks for a cluster")


def slurm(asked: Asked) -> Finding:
    if shutil.which("sbatch") is None:
        return ok("not on this machine; only --on slurm needs it")
    found = reach_slurm({})
    return found if found.state == "ok" else warning(found.said, found.remedy)


def executor(asked: Asked) -> Finding:
    """The one that was asked for."""
    if asked.on is None:
        return ok("this machine's processes")
    try:
        found = executors.chosen(asked.on)
    except UserError as error:
        return problem(str(error), "name one that is known, or mend its file")
    return reach(executors.name_of(found), found.model_dump())


def reach(name: str, settings: Settings) -> Finding:
    """Whether an executor of that name, so set up, can be reached."""
    if name in LOCAL:
        return ok(f"{name}: this machine")
    if name not in REACH:
        return ok(f"{name}: there is no check for it")
    return REACH[name](settings)


def reach_ray(settings: Settings) -> Finding:
    version = _version("ray")
    if version is None:
        return problem("Ray is not installed", "pip install 'sambench[ray]'")
    address = str(settings.get("address") or os.environ.get("RAY_ADDRESS") or "")
    if not address:
        return ok(f"Ray {version}; without an address a cluster of this host is started")
    answer = programs.python(JOIN, address, within_s=RAY_S)
    try:
        found = json.loads(answer.out.strip().splitlines()[-1])
    except (ValueError, IndexError):
        why = programs.last_line(answer.err)
        line = f"no Ray cluster at {address}: {why}"
        return problem(line, "on its first host: ray start --head; on the others: --address=...")
    return ok(
        f"Ray {version} at {address}: {numbers.times(found['nodes'], 'node')}, "
        f"{found['cpus']:g} CPUs, {found['gpus']:g} GPUs"
    )


def reach_slurm(settings: Settings) -> Finding:
    if missing := [name for name in ("sbatch", "sinfo") if shutil.which(name) is None]:
        return problem(
            f"no {' and no '.join(missing)} on PATH", "use a login node: module load slurm"
        )
    answer = programs.ask(["sinfo", "--noheader", "--Node", "--format=%P %a %N %T"], SLURM_S)
    if answer.code != 0:
        why = programs.last_line(answer.err) or f"sinfo ended with {answer.code}"
        return problem(f"Slurm does not answer: {why}", "see `scontrol ping`, and SLURM_CONF")
    rows = [line.split() for line in answer.out.splitlines() if len(line.split()) == 4]
    partitions = {name.rstrip("*") for name, *_ in rows}
    wanted = str(settings.get("partition") or "")
    if wanted and wanted not in partitions:
        return problem(f"Slurm has no partition {wanted}", nearest(wanted, partitions))
    if _version("submitit") is None:
        return problem("Slurm answers; submitit is not installed", "pip install 'sambench[slurm]'")
    up = {node for name, state, node, how in rows if state == "up" and _works(how)}
    nodes = numbers.times(len(up), "node")
    return ok(f"Slurm: partitions {', '.join(sorted(partitions))}; {nodes} up")


REACH: dict[str, Callable[[Settings], Finding]] = {"ray": reach_ray, "slurm": reach_slurm}
"""By the executor's name."""


def _works(state: str) -> bool:
    return not state.startswith(("down", "drain", "fail", "unk"))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
