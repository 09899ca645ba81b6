"""Every check finds what it looks for, tells the remedy, and never hangs."""

import json
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from sambench.doctor import (
    CHECKS,
    Asked,
    Check,
    data,
    engines,
    examine,
    machine,
    programs,
    software,
    storage,
    wandb,
)
from sambench.doctor.check import Finding, ok

HERE = Asked(Path("runs"))


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder with programs, the shell's apart."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    real = engines.shutil.which
    monkeypatch.setattr(engines.shutil, "which", lambda name, **_: real(name, path=str(folder)))
    return folder


def test_checks_are_told_in_order_and_each_by_one_line():
    two = [Check(name, 5, lambda _, name=name: ok(name.upper())) for name in "ab"]
    assert list(examine(two, HERE)) == [("a", "ok", "A", ""), ("b", "ok", "B", "")]
    assert not [n for n, num in Counter(check.name for check in CHECKS).items() if num > 1]
    assert all(0 < check.within_s < 300 for check in CHECKS)


def test_a_check_that_hangs_or_fails_is_a_problem_and_the_next_one_follows():
    never = threading.Event()

    def hangs(_: Asked) -> Finding:
        never.wait()
        return ok("")

    def fails(_: Asked) -> Finding:
        raise RuntimeError("at postgresql://me:secret@host/x")

    three = [Check("h", 0.05, hangs), Check("f", 5, fails), Check("o", 5, lambda _: ok("."))]
    found = list(examine(three, HERE))
    never.set()
    assert [one.state for one in found] == ["problem", "problem", "ok"]
    assert "no answer within" in found[0].said and "secret" not in found[1].said
    assert all(one.remedy for one in found if one.state != "ok")


def test_a_program_that_hangs_is_killed():
    start = time.monotonic()
    answer = programs.python("import time; time.sleep(60)", within_s=1.0)
    assert answer.code is None and time.monotonic() - start < 30
    assert programs.ask(["no-such-program"], 1.0).code is None
    assert programs.last_line("Traceback\n  x\nValueError: no\n\n") == "ValueError: no"


def test_python_and_sambench_are_named():
    assert sys.executable in software.python(HERE).said
    assert software.sambench(HERE).state == "ok"


@pytest.mark.parametrize(
    ("probe", "driver", "state", "words"),
    [
        ({"version": "2.15.0", "cuda": None, "devices": []}, ("", []), "ok", "none"),
        (
            {"version": "2.15.0", "cuda": "13.2", "devices": [["H100", 2**34, 2**36]]},
            ("580.1", ["H100"]), "ok", "H100 (16 of 64 GiB free), CUDA 13.2, driver 580.1",
        ),
        (
            {"version": "2.15.0", "cuda": None, "devices": []},
            ("580.1", ["H100"]), "problem", "CPU alone",
        ),
        (
            {"version": "2.15.0", "cuda": "13.2", "devices": [], "error": "driver too old"},
            ("470.1", ["K80"]), "problem", "driver too old",
        ),
    ],
)  # fmt: skip
def test_gpus_are_what_torch_and_the_driver_both_see(
    monkeypatch: pytest.MonkeyPatch, probe: Any, driver: Any, state: str, words: str
):
    monkeypatch.setattr(software, "_probe", lambda: probe)
    monkeypatch.setattr(software, "_driver", lambda: driver)
    found = software.gpu(HERE)
    assert found.state == state and words in found.said


def test_a_torch_that_cannot_be_imported_is_a_problem(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(software, "_probe", lambda: {"error": "libcudart.so: not found"})
    found = software.torch(HERE)
    assert found.state == "problem" and "libcudart" in found.said and found.remedy
    monkeypatch.setattr(software.importlib.metadata, "version", lambda _: "2.8.1")
    assert "too old" in software.torch(HERE).said


def test_the_driver_is_asked_of_nvidia_smi(path: Path, monkeypatch: pytest.MonkeyPatch):
    assert software._driver() == ("", [])
    program(path, "nvidia-smi", "echo '580.1, H100 80GB'; echo '580.1, H100 80GB'")
    assert software._driver() == ("580.1", ["H100 80GB"] * 2)


def test_threads_that_wait_for_each_other_are_warned_of(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "_cores", lambda: 4)
    monkeypatch.setattr(machine, "_quota", lambda: None)
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert machine.cores(HERE).remedy == "export OMP_NUM_THREADS=4"
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert machine.cores(HERE).state == "ok"
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (3.9, 0.0, 0.0))
    assert machine.cores(HERE).remedy == "export OMP_NUM_THREADS=1"
    monkeypatch.setattr(machine, "_quota", lambda: 2.0)
    assert "--workers 2" in machine.cores(HERE).remedy


def test_little_memory_and_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(machine, "_memory", lambda: (2**30, 2**34))
    assert machine.memory(HERE).state == "warning"
    monkeypatch.setattr(machine, "_memory", lambda: (2**33, 2**34))
    assert machine.memory(HERE).state == "ok"
    usage = machine.shutil.disk_usage(tmp_path)
    for free, state in ((2**40, "ok"), (2**31, "warning"), (2**20, "problem")):
        monkeypatch.setattr(
            machine.shutil, "disk_usage", lambda _, free=free: usage._replace(free=free)
        )
        assert machine.disk(Asked(tmp_path)).state == state
    file = tmp_path / "file"
    file.write_text("")
    assert machine.disk(Asked(file / "runs")).state == "problem"


def test_locks_are_tried_by_two_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    root = tmp_path / "runs" / "deep"
    assert machine.locks(Asked(root)).state == "ok"
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(machine, "TRY", "print('taken')")
    found = machine.locks(Asked(root))
    assert found.state == "problem" and found.remedy.startswith("--root")


def test_a_database_of_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(storage.VARIABLE, raising=False)
    assert storage.storage(HERE).state == "ok"
    file = tmp_path / "x.db"
    asked = Asked(tmp_path, storage=f"sqlite:///{file}")
    assert "will be made" in storage.storage(asked).said and not file.exists()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE studies (id INTEGER)")
        connection.execute("INSERT INTO studies VALUES (1)")
    connection.close()
    found = storage.storage(asked)
    assert found.state == "ok" and "ms, 1 studies" in found.said
    asked = Asked(tmp_path, storage=f"sqlite:///{tmp_path}/none/x.db")
    assert storage.storage(asked).state == "problem"


def test_a_database_that_is_not_there_is_a_problem_without_its_password():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql+psycopg://me:s3cret@127.0.0.1:{port}/studies"
    (found,) = examine([Check("storage", 60, storage.storage)], Asked(Path("runs"), storage=url))
    assert found.state == "problem" and "***@127.0.0.1" in found.said and found.remedy
    assert "s3cret" not in found.said + found.remedy


def test_slurm_is_asked_where_it_is(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert engines.slurm(HERE).state == "ok"
    assert engines.reach("slurm", {}).state == "problem"
    program(path, "sbatch", "")
    nodes = ("gpu* up a idle", "gpu* up b down*", "cpu up a idle", "cpu up c mixed")
    program(path, "sinfo", "; ".join(f"echo '{node}'" for node in nodes))
    monkeypatch.setattr(engines, "_version", lambda _: "1.5.4")
    assert engines.slurm(HERE).said == "Slurm: partitions cpu, gpu; 2 nodes up"
    assert engines.reach("slurm", {"partition": "gpu"}).state == "ok"
    assert engines.reach("slurm", {"partition": "gpus"}).remedy == "did you mean gpu or cpu?"
    monkeypatch.setattr(engines, "_version", lambda _: None)
    assert engines.reach("slurm", {}).remedy == "pip install 'sambench[slurm]'"
    program(path, "sinfo", "echo 'cannot connect' >&2; exit 1")
    assert engines.slurm(HERE).state == "warning"
    found = engines.reach("slurm", {})
    assert found.state == "problem" and "cannot connect" in found.said
    program(path, "sinfo", "sleep 30")
    monkeypatch.setattr(engines, "SLURM_S", 0.3)
    assert "no answer in time" in engines.reach("slurm", {}).said


def test_ray_is_asked_where_an_address_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(engines, "_version", lambda _: "2.60.0")
    asked = []

    def python(program: str, *arguments: str, within_s: float) -> programs.Answer:
        asked.append(arguments)
        if arguments == ("10.0.0.1:6379",):
            return programs.Answer(0, 'noise\n{"nodes": 2, "cpus": 8.0, "gpus": 1.0}\n', "")
        return programs.Answer(1, "", "Traceback\nConnectionError: nobody there\n")

    monkeypatch.setattr(programs, "python", python)
    assert engines.executor(Asked(tmp_path, on="ray")).state == "ok" and not asked
    file = tmp_path / "ray.toml"
    file.write_text('executor = "ray"\naddress = "10.0.0.1:6379"\n')
    found = engines.executor(Asked(tmp_path, on=str(file)))
    assert found.said == "Ray 2.60.0 at 10.0.0.1:6379: 2 nodes, 8 CPUs, 1 GPUs"
    file.write_text('executor = "ray"\naddress = "10.0.0.2:6379"\n')
    found = engines.executor(Asked(tmp_path, on=str(file)))
    assert found.state == "problem" and "nobody there" in found.said
    monkeypatch.setattr(engines, "_version", lambda _: None)
    assert engines.ray(HERE).state == "ok"
    assert engines.executor(Asked(tmp_path, on="ray")).state == "problem"


def test_what_cannot_be_an_executor_is_a_problem(tmp_path: Path):
    assert engines.executor(Asked(tmp_path, on="local")).state == "ok"
    assert engines.reach("somebody's", {}).state == "ok"
    found = engines.executor(Asked(tmp_path, on="rya"))
    assert found.state == "problem" and "did you mean ray" in found.said
    assert engines.executor(Asked(tmp_path, on=str(tmp_path / "no.toml"))).state == "problem"


def test_wandb_is_asked_only_where_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    asked = []
    told = [(0, "True\n", ""), (1, "", "bad key"), (None, "", "")]
    answers = [programs.Answer(*one) for one in told]

    def python(program: str, within_s: float) -> programs.Answer:
        asked.append(program)
        return answers[len(asked) - 1]

    monkeypatch.setattr(programs, "python", python)
    assert "offline, the default" in wandb.wandb(HERE).said and not asked
    monkeypatch.setenv("WANDB_MODE", "onlin")
    assert wandb.wandb(HERE).state == "problem"
    monkeypatch.setenv("WANDB_MODE", "online")
    assert wandb.wandb(HERE).remedy == "wandb login"
    (tmp_path / "netrc").write_text("machine api.wandb.ai login user password key\n")
    (tmp_path / "netrc").chmod(0o600)
    assert [wandb.wandb(HERE).state for _ in answers] == ["ok", "problem", "problem"]


def test_data_that_a_study_began_with_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    root, pictures = tmp_path / "runs", tmp_path / "pictures"
    table = {"dataset": f"folder:{pictures}", "model": "test_resnet"}
    spec = {
        "name": "mine", "variants": ["plain", "sam"], "task": table,
        "train": {"epochs": 2, "batch_size": 8},
        "search": {"lr": 0.1},
    }  # fmt: skip
    (root / "mine").mkdir(parents=True)
    (root / "mine" / "study.json").write_text(json.dumps({"spec": spec}))
    found = data.data(Asked(root))
    assert found.state == "problem" and "mine needs it" in found.said
    pictures.mkdir()
    found = data.data(Asked(root))
    assert found.state == "ok" and "built in: digits" in found.said
    assert f"there: folder:{pictures}" in found.said and "CIFAR10" in found.said
