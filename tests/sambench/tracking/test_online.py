"""The real client against a small server on loopback: well, wrong key, failing, silent, gone."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import wandb_files
from wandb_server import Bucket, Server

from sambench.errors import UserError
from sambench.tracking import Tracker, run_id
from sambench.training import Outcome, Run

ROWS = [{"epoch": e, "val_accuracy": 0.3 + e / 10} for e in (1, 2, 3)]
DONE = Outcome("complete", scores={"test_accuracy": 0.25}, history=tuple(ROWS))
LIMIT_S = 5.0


class RunServer(Server):
    """Also knows how far a run has got, which ids were those of runs that were deleted since, and
    fails on request: "401", "500" or "silent".
    """

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""
        self.deleted: set[str] = set()
        self.sent: list[tuple[str, int | None, int]] = []
        """(run, offset, rows) of what was sent of histories"""
        self.upserts: list[dict[str, Any]] = []
        self.over = threading.Event()
        usual = self._http.RequestHandlerClass
        server = self

        class Handler(usual):  # pyright: ignore[reportGeneralTypeIssues]
            def do_POST(self) -> None:
                if server.trouble == "silent":
                    server.over.wait(60)
                    self.close_connection = True
                elif server.trouble:
                    self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    self.send_error(int(server.trouble))
                else:
                    super().do_POST()

            def _send(self, content: Any) -> None:
                if "errors" in content:
                    self.send_response(409)
                    body = json.dumps(content).encode()
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                else:
                    super()._send(content)

        self._http.RequestHandlerClass = Handler

    def __exit__(self, *error: Any) -> None:
        self.over.set()
        super().__exit__(*error)

    def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "upsertBucket" in query:
            self.upserts.append(variables)
            if variables["name"] in self.deleted:
                told = f"run me/sambench/{variables['name']} was previously created and deleted"
                return {"errors": [{"message": f"{told}; try a new run name"}], "data": None}
        found = super()._answer(query, variables)
        if "historyTail" in query:
            known = self.buckets.get(variables["name"])
            found["data"]["model"] = {
                "id": "p1",
                "name": "sambench",
                "entity": {"id": "e1", "name": "me"},
                "bucket": known and _resumed(known),
            }
        return found

    def stream(self, run: str, body: dict[str, Any]) -> dict[str, Any]:
        """From its offset on a file is replaced, as on the server."""
        if sent := (body.get("files") or {}).get("wandb-history.jsonl"):
            self.sent.append((run, sent.get("offset"), len(sent["content"])))
            with self._lock:
                del self.buckets[run].history[sent.get("offset") or 0 :]
        return super().stream(run, body)


def _resumed(bucket: Bucket) -> dict[str, Any]:
    tail = json.dumps([json.dumps(row) for row in bucket.history[-1:]])
    return {
        "id": bucket.name,
        "name": bucket.name,
        "summaryMetrics": json.dumps(bucket.summary),
        "displayName": bucket.name,
        "logLineCount": 0,
        "historyLineCount": len(bucket.history),
        "eventsLineCount": 0,
        "historyTail": tail,
        "eventsTail": "[]",
        "config": json.dumps({name: {"value": value} for name, value in bucket.config.items()}),
        "tags": [],
        "notes": "",
        "wandbConfig": json.dumps({"t": {"value": 1}}),
    }


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunServer]:
    with RunServer() as server:
        for name, value in server.env.items():
            monkeypatch.setenv(name, value)
        yield server


def track(tracker: Tracker, run: Run) -> None:
    tracker.start(run)
    for row in ROWS:
        tracker.log(run, row)
    tracker.finish(run, DONE)


def test_a_run_reaches_the_server_and_is_continued_there(
    server: RunServer, run_: Run, tmp_path: Path
):
    cut = replace(run_, point=4)
    known = [{**row, "_step": row["epoch"]} for row in ROWS[:2]]
    server.buckets[run_id(cut)] = Bucket(run_id(cut), history=list(known), summary=known[-1])
    with Tracker(tmp_path, "online") as tracker:
        track(tracker, run_)
        track(tracker, cut)
        tracker.settle()
        assert tracker.path(run_) == f"{server.url}/me/sambench/runs/{run_id(run_)}"
    for run in (run_, cut):
        found = server.buckets[run_id(run)]
        assert [row["_step"] for row in found.history] == [1, 2, 3]
        assert [row["val_accuracy"] for row in found.history] == [0.4, 0.5, 0.6]
        assert (found.group, found.exit_code) == ("tiny/sam", 0)
        assert found.config["rho"] == 0.05 and found.config["lr"] == 0.1
        assert "test_accuracy" not in found.summary
    told = next(upsert for upsert in server.upserts if upsert["name"] == run_id(run_))
    assert (told["jobType"], set(told["tags"])) == ("confirm", {"sam", "test_resnet", "synthetic"})


def test_without_a_key_nothing_is_launched(
    server: RunServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("WANDB_API_KEY")
    with pytest.raises(UserError, match=r"`wandb login`.*--wandb offline"):
        Tracker(tmp_path, "online").__enter__()
    assert server.operations == []


@pytest.mark.parametrize(
    ("trouble", "when"),
    [
        ("401", "at once"),
        ("silent", "at once"),
        ("gone", "at once"),
        ("500", "later"),
        ("silent", "later"),
    ],
)
def test_trouble_is_told_once_and_the_runs_are_kept(
    trouble: str,
    when: str,
    server: RunServer,
    run_: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    def break_() -> None:
        if trouble == "gone":
            server._http.server_close()
        server.trouble = trouble

    runs = [replace(run_, point=point) for point in range(4)]
    if when == "at once":
        break_()
    with Tracker(tmp_path, "online", limit_s=LIMIT_S) as tracker:
        for i, run in enumerate(runs):
            if i == 1 and when == "later":
                tracker.settle()
                break_()
            before = time.monotonic()
            track(tracker, run)
            assert time.monotonic() - before < 0.5  # training does not wait
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("W&B failed: ")
    assert line.endswith(f"runs are kept in {tmp_path / 'wandb'}, for `wandb sync`")
    assert str(os.environ["WANDB_API_KEY"]) not in line
    kept = wandb_files.runs(tmp_path)
    late = {run.id for run in runs[2:]}
    assert late <= set(kept)
    for id in late:
        assert [row["epoch"] for row in kept[id].history] == [1, 2, 3]
        assert kept[id].exit_code == 0


def test_a_run_that_was_deleted_does_not_block_its_id(
    server: RunServer, run_: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The next free one of ID-2, ID-3, ... has it, also when it goes on."""
    own = run_id(run_)
    server.deleted = {own}
    with Tracker(tmp_path, "online", limit_s=LIMIT_S) as tracker:
        tracker.start(run_)
        tracker.log(run_, ROWS[0])
        tracker.__exit__(KeyboardInterrupt, None, None)
    with Tracker(tmp_path, "online", limit_s=LIMIT_S) as tracker:
        track(tracker, run_)
        tracker.settle()
        assert tracker.path(run_) == f"{server.url}/me/sambench/runs/{own}-2"
    found = server.buckets[f"{own}-2"]
    assert [row["_step"] for row in found.history] == [1, 2, 3]
    assert own not in server.buckets
    assert capsys.readouterr().err == ""


def test_pieces_that_are_synced_one_after_the_other_are_one_run(
    server: RunServer, run_: Run, tmp_path: Path
):
    """`wandb sync` replaces what the server has of a run, from its first row on."""
    for i, rows in enumerate((ROWS[:2], ROWS[2:])):
        with Tracker(tmp_path, "offline") as tracker:
            tracker.start(run_)
            for row in rows:
                tracker.log(run_, row)
            tracker.__exit__(KeyboardInterrupt, None, None)
        last = max(tmp_path.glob("wandb/offline-run-*"), key=lambda path: path.stat().st_mtime_ns)
        words = [sys.executable, "-m", "wandb", "sync", str(last)]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        found = server.buckets[run_id(run_)]
        assert [row["_step"] for row in found.history] == [[1, 2], [1, 2, 3]][i]
    assert {offset for _, offset, _ in server.sent} == {0}
