"""Ray: real nodes on loopback, of which one is killed in mid-study."""

import dataclasses
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'sambench[ray]'")

from sambench import measures
from sambench.errors import UserError
from sambench.executors import (
    Assignment,
    Limit,
    Work,
    chosen,
    execute,
    lost,
    prepare,
    ray_cluster,
)
from sambench.executors.actor import RunWorker
from sambench.executors.away import Away, Changes, packed
from sambench.executors.ray import Ray
from sambench.executors.ray_actors import Actors
from sambench.executors.testing import ExecutorConformance, jobs
from sambench.training import Custom, weights
from tests.drills.deadly import Deadly
from tests.drills.drill import drill
from tests.drills.ray_cluster import OTHER, Cluster, opened
from tests.sambench.training.test_weights import run_of

pytestmark = pytest.mark.xdist_group("ray")  # one cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ExitStack() as stack:
        try:
            cluster = stack.enter_context(opened())
        except (AssertionError, OSError) as error:
            pytest.skip(f"Ray does not start here: {error}")
        yield cluster


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
class TestRay(ExecutorConformance):
    executor: ClassVar[Ray]

    @pytest.fixture(autouse=True)
    def _on(self, cluster: Cluster) -> None:
        type(self).executor = Ray(address=cluster.address, workers=2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_drill(cluster: Cluster, tmp_path: Path):
    """Workers are killed, then a whole node: nothing is lost, doubled or different."""
    results = []

    def meanwhile() -> None:
        results.append(1)
        if len(results) == 4:
            cluster.kill(OTHER)

    executor = Ray(address=cluster.address, workers=2)
    deadly = partial(Deadly, share=0.2, most=1)
    counts = drill(executor, tmp_path, deadly=deadly, meanwhile=meanwhile)
    assert counts.kills >= 3 and counts.runs == counts.results == 17
    assert counts.lost == counts.doubled == counts.different == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_kept_weights_and_what_was_measured_of_them_come_home(cluster: Cluster, tmp_path: Path):
    """From a worker that does not see the run's folder; the same as without Ray."""
    run = run_of(measure={"names": ["calibration"], "max_batches": 1})
    home, here = (
        Assignment(run, tmp_path / name / run.id, tmp_path / "data", 10.0, Custom())
        for name in ("home", "here")
    )
    far = Work(execute, partial(prepare, shared=False), lost, tmp_path / "home")
    with Ray(address=cluster.address, workers=1).opened(far) as workers:
        ((job, outcome),) = workers.run([home], lambda job, row: False, lambda job, host: None)
    assert job.folder == home.folder and outcome.outcome == "complete"
    execute(here, lambda row: False)
    kept, wanted = (weights.read(own.folder / weights.NAME) for own in (home, here))
    assert kept.run == wanted.run == run
    assert all(kept.tensors[name].equal(own) for name, own in wanted.tensors.items())
    found, same = (measures.read(own.folder) for own in (home, here))
    assert found is not None and same is not None and not found.failed
    assert (found.values, found.details) == (same.values, same.details) and "nll" in found.values


def work(tmp_path: Path) -> Work:
    return Work(jobs.execute, jobs.prepare, jobs.lost, tmp_path)


def test_no_cluster_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray, "init", raises(ConnectionError("Could not find any Ray\nat all")))
    with pytest.raises(UserError, match=r"--on ray: no cluster at auto: Could not find any Ray$"):
        with Ray(address="auto").opened(work(tmp_path)):
            pass


@pytest.mark.parametrize("by", ["setting", "environment"])
def test_an_address_of_rays_client_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
):
    there = "ray://head:10001"
    monkeypatch.setenv("RAY_ADDRESS", there if by == "environment" else "")
    on = Ray(address=there if by == "setting" else None)
    told = rf"^--on ray: {there} is for Ray's client, .* with address = \"auto\"$"
    with pytest.raises(UserError, match=told), on.opened(work(tmp_path)):
        pass


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_where_time_is_up_before_there_is_room_jobs_are_given_back(tmp_path: Path):
    """The cluster would have to grow: it is this machine's own, of too few cores."""
    cores = 4 * (os.cpu_count() or 1)
    actors = Actors(ray, Ray(cpus_per_run=cores), dataclasses.replace(
        work(tmp_path), limit=Limit(time.time() + 2, lambda job: "late")
    ))  # fmt: skip
    asked = [job(tmp_path), job(tmp_path)]
    with ray_cluster.connected(ray, Ray(workers=1)):
        try:
            assert [result for _, result in actors.run(asked, lambda *_: False)] == 2 * ["late"]
        finally:
            actors.end()


def raises(error: Exception):
    def raising(*_: object, **__: object) -> None:
        raise error

    return raising


def test_settings(tmp_path: Path):
    path = tmp_path / "cluster.toml"
    path.write_text('executor = "ray"\naddress = "auto"\ngpus_per_run = 0.5\nresources.big = 1\n')
    found = chosen(path)
    assert isinstance(found, Ray) and found.remote
    assert found.needs == {"CPU": 1, "GPU": 0.5, "big": 1}
    path.write_text('executor = "ray"\nadress = "auto"\n')
    with pytest.raises(UserError, match="adress: unknown key, did you mean address"):
        chosen(path)


def job(tmp_path: Path, **changes: object) -> jobs.Job:
    made = jobs.Job(jobs.square, "a", tmp_path / "home", tmp_path / "cache", 3)
    return dataclasses.replace(made, **changes)


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_folder_travels_both_ways(tmp_path: Path):
    home = tmp_path / "home"
    Changes({"checkpoint.pt": b"1", "old": b"2"}).apply(home)
    (home / ".checkpoint.pt.half").write_bytes(b"3")
    away = Away(job(tmp_path), packed(home))
    there = away.job.folder
    assert sorted(path.name for path in there.iterdir()) == ["checkpoint.pt", "old"]
    assert not away.changes()
    (there / "old").unlink()
    Changes({"result.json": b"4"}).apply(there)
    changes = away.changes()
    assert changes == Changes({"result.json": b"4"}, ("old",))
    away.sent()
    assert not away.changes()
    changes.apply(home)
    assert {p.name for p in home.iterdir()} == {
        "checkpoint.pt",
        "result.json",
        ".checkpoint.pt.half",
    }
    away.end()
    assert not there.exists()


def test_names_from_afar_stay_in_their_folder(tmp_path: Path):
    Changes({"../../x": b"1"}).apply(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b" / "x").read_bytes() == b"1"


def test_folders_of_killed_workers_are_removed_and_no_others(tmp_path: Path):
    held = Away(job(tmp_path), Changes())
    left = held.job.folder.with_name("run-left")
    left.mkdir()
    Away(job(tmp_path), Changes()).end()
    assert held.job.folder.is_dir() and not left.exists()
    held.end()


def test_a_folder_just_made_is_not_taken_for_one_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    make, others = tempfile.mkdtemp, list[threading.Thread]()

    def while_another_comes(**where: str) -> str:
        made = make(**where)
        if not others:
            others.append(threading.Thread(target=lambda: Away(job(tmp_path), Changes()).end()))
            others[0].start()
            others[0].join(0.3)
        return made

    monkeypatch.setattr("tempfile.mkdtemp", while_another_comes)
    held = Away(job(tmp_path), Changes())
    others[0].join()
    assert held.job.folder.is_dir()
    held.end()


def test_data_are_those_of_this_machine_unless_it_sees_the_studys(tmp_path: Path):
    away = Away(job(tmp_path), Changes())
    assert away.job.cache == tmp_path / f"sambench-{os.getuid()}" / "data"
    (tmp_path / "cache").mkdir()
    assert Away(job(tmp_path), Changes()).job.cache == tmp_path / "cache"


def test_a_worker_that_lacks_the_code_says_so(tmp_path: Path):
    worker = RunWorker(b"cno_such_module\nf\n.", 1, True, None)
    end = worker.hear().end
    assert end is not None and end.how == "error" and isinstance(end.what, UserError)
    assert "cannot import what the study needs: No module named 'no_such_module'" in str(end.what)
