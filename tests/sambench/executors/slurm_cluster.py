"""A cluster of Slurm's own daemons on this machine's loopback, for tests with the real thing."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
SBIN = "/usr/sbin"  # where Debian has the daemons, outside of many a PATH

CONF = """
ClusterName=sambench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={next}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=2,batch_sched_delay=0
MpiDefault=none
ReturnToService=2
KillWait=1
MaxArraySize={array}
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=2
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2 PreemptMode=OFF
"""


def missing() -> str:
    """Why no cluster can be started here; "" if it can."""
    if os.geteuid() != 0:
        return "Slurm's daemons are started as root"
    lacking = [name for name in NEEDED if not _found(name)]
    packages = "apt-get install slurmctld slurmd slurm-client munge"
    return f"no {', '.join(lacking)} here; {packages}" if lacking else ""


@contextmanager
def cluster(folder: Path, array: int = 1001, slurmd: Sequence[str] = ()) -> Iterator[None]:
    """munged, slurmctld and a slurmd of two CPUs; found by all that starts in here.

    folder: of the daemons
    array: Slurm's MaxArraySize
    slurmd: words before the daemon's command
    """
    host = socket.gethostname().partition(".")[0]
    folder.chmod(0o755)
    munge = _munge(folder)
    conf = folder / "slurm.conf"
    port = _free_port()
    conf.write_text(
        CONF.format(folder=folder, host=host, port=port, next=_free_port(), array=array)
    )
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(conf)
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    try:
        subprocess.run([*munge, "--force"], check=True, capture_output=True, timeout=60)
        subprocess.run([_found("slurmctld"), "-i"], check=True, capture_output=True, timeout=60)
        subprocess.run([*slurmd, _found("slurmd")], check=True, capture_output=True, timeout=60)
        _wait_for_node()
        yield
    finally:
        with suppress(subprocess.SubprocessError):
            subprocess.run(["scancel", "--user=root"], capture_output=True, timeout=20)
        for daemon in ("slurmd", "slurmctld", "munged"):
            _stop(folder / f"{daemon}.pid")
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before


def _munge(folder: Path) -> list[str]:
    """The command that starts a munged with a key of its own."""
    own = folder / "munge"
    own.mkdir(mode=0o700)
    key = own / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    return [
        _found("munged"),
        f"--key-file={key}",
        f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid",
        f"--log-file={own}/munged.log",
        f"--seed-file={own}/munged.seed",
    ]


def _wait_for_node(seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while True:
        told = subprocess.run(
            ["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, timeout=30
        )
        if set(told.stdout.split()) == {"idle"}:
            return
        assert time.monotonic() < end, f"no node: {told.stdout} {told.stderr}"
        time.sleep(0.3)


def _stop(pid_file: Path, seconds: float = 15.0) -> None:
    """Ends a daemon of ours, if it runs."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)


def _found(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path=SBIN) or ""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
