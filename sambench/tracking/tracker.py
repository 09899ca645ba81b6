"""A study's side of tracking: tells the process that talks to W&B, and waits for it at the end."""

import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sambench.errors import UserError
from sambench.tracking.describe import describe, ending, run_id
from sambench.tracking.modes import Mode

if TYPE_CHECKING:
    from sambench.train import Outcome, Run

ROOT = Path(__file__).parents[2]
LEAVE_S = 10.0  # for the process to end
NO_KEY = (
    "--wandb online: W&B knows no key here; run `wandb login`, or keep the runs in files with "
    "--wandb offline"
)


class Tracker:
    """A context manager. No call of it fails or waits, but entering (online) and `settle`.

    folder: the study's; W&B's files go to its wandb/, with tracked.jsonl, which runs W&B has
    equal_compute: labels whose confirm runs have a tuned schedule length
    patience_s: for the login, and between two answers at the end; W&B has half of it for each
    """

    def __init__(
        self,
        folder: Path,
        mode: Mode,
        equal_compute: Collection[str] = (),
        patience_s: float = 60.0,
    ) -> None:
        self.mode = mode
        self._paths: dict[str, str] = {}  # W&B's run id -> `path` of the run
        self._contents: dict[str, str] = {}  # summary's id -> digest of what was told
        self._equal_compute = equal_compute
        self._patience_s = patience_s
        self._folder = folder.absolute()
        self._ledger = self._folder / "wandb" / "tracked.jsonl"
        self._process: subprocess.Popen[str] | None = None
        self._orders: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._open: set[str] = set()
        self._awaited: set[str] = set()
        self._news = threading.Condition()
        self._checked: str | None = None
        self._over = mode == "disabled"
        self._warned = False

    def __enter__(self) -> Self:
        """UserError if online and nobody is logged in."""
        if self.mode == "disabled":
            return self
        self._paths = _read(self._ledger)
        if self.mode == "online":
            self._launch()
            with self._news:
                known = self._news.wait_for(lambda: self._over or self._checked, self._patience_s)
            if self._checked == "no key":
                self._end()
                raise UserError(NO_KEY)
            if not known:
                self._give_up("W&B did not answer; the study goes on without it")
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self.settle()
        self._end()

    def start(self, run: "Run") -> None:
        """Opens the W&B run of a run that begins or goes on."""
        id = run_id(run)
        if self._over or id in self._open:
            return
        self._open.add(id)
        equal_compute = run.label in self._equal_compute
        self._tell({"do": "start", "described": describe(run, equal_compute=equal_compute)})

    def log(self, run: "Run", row: dict[str, float]) -> None:
        self._tell({"do": "log", "id": run_id(run), "row": row})

    def finish(self, run: "Run", outcome: "Outcome") -> None:
        """Ends a run; one that an earlier process finished is told from the start, if need be."""
        id = run_id(run)
        if self._over or (id in self._paths and id not in self._open):
            return
        self.start(run)
        self._open.discard(id)
        self._awaited.add(id)
        self._tell({"do": "finish", "id": id, "ending": ending(outcome)})

    def summarize(self, described: dict[str, Any], content: dict[str, Any]) -> None:
        """Makes or updates the run of the whole study; see `summary.fill`.

        Nothing is told that W&B has already.
        """
        id, digest = described["id"], _digest(content)
        if not self._over and self._paths.get(f"{id}/content") != digest:
            self._awaited.add(id)
            self._contents[id] = digest
            self._tell({"do": "summarize", "described": described, "content": content})

    def path(self, run: "Run") -> str:
        """The URL of a finished run; offline, its id; empty where W&B has none."""
        return self._paths.get(run_id(run), "")

    def settle(self) -> None:
        """Waits until W&B has every finished run, or has been silent for too long."""
        with self._news:
            left = -1
            while self._awaited and not self._over and len(self._awaited) != left:
                left = len(self._awaited)
                self._news.wait_for(lambda n=left: self._over or len(self._awaited) < n, self._patience_s)
            late = bool(self._awaited) and not self._over
        if late:
            self._give_up("W&B takes too long; `wandb sync` uploads what is left")

    def _tell(self, order: dict[str, Any]) -> None:
        if self._over:
            return
        if self._process is None:
            self._launch()
        self._orders.put(order)

    def _launch(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__.replace("tracker", "process"), self.mode]
                + [str(self._folder), str(self._patience_s / 2)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=_environment(self.mode),
                start_new_session=True,  # Ctrl-C is for the study
            )
        except OSError as error:
            self._give_up(f"W&B failed: {error}; the study goes on without it")
            return
        self._threads = [
            threading.Thread(target=work, args=(self._process,), daemon=True)
            for work in (self._write, self._read_answers)
        ]
        for thread in self._threads:
            thread.start()

    def _write(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        with suppress(OSError, ValueError):
            while (order := self._orders.get()) is not None:
                process.stdin.write(json.dumps(order, default=str) + "\n")
                process.stdin.flush()
        with suppress(OSError):
            process.stdin.close()

    def _read_answers(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self._hear(json.loads(line))
        with self._news:
            died = not self._over
            self._over = True
            self._news.notify_all()
        if died:
            self._warn("W&B failed: its process ended; the study goes on without it")

    def _hear(self, answer: dict[str, Any]) -> None:
        if "warning" in answer:
            self._warn(answer["warning"])
        with self._news:
            self._checked = answer.get("checked", self._checked)
            if (id := answer.get("finished")) is not None:
                self._awaited.discard(id)
                if answer["path"] is not None:
                    self._note(id, answer["path"])
                    if id in self._contents:
                        self._note(f"{id}/content", self._contents[id])
            self._news.notify_all()

    def _note(self, id: str, path: str) -> None:
        self._paths[id] = path
        with suppress(OSError), self._ledger.open("a") as file:
            file.write(json.dumps({"id": id, "path": path}) + "\n")

    def _give_up(self, why: str) -> None:
        with self._news:
            self._over = True
        self._warn(why)
        if self._process is not None:
            self._process.kill()

    def _end(self) -> None:
        """Lets the process end, or ends it."""
        self._over = True
        if self._process is None:
            return
        self._orders.put(None)
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(LEAVE_S)

    def _warn(self, text: str) -> None:
        """Once per study: a tracker that fails must not stop the work it tracks."""
        if not self._warned:
            print(text, file=sys.stderr)
        self._warned = True


def _environment(mode: str) -> dict[str, str]:
    """Ours, less what would make every run one and the same."""
    own = {"WANDB_SERVICE", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_NAME", "WANDB_NOTES"}
    own |= {"WANDB_SWEEP_ID", "WANDB_SWEEP_PARAM_PATH", "WANDB_RUN_GROUP", "WANDB_JOB_TYPE"}
    kept = {name: value for name, value in os.environ.items() if name not in own}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    project = kept.get("WANDB_PROJECT") or "sambench"
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(paths),
        "WANDB_MODE": mode,
        "WANDB_PROJECT": project,
    }


def _read(ledger: Path) -> dict[str, str]:
    """The runs that W&B has; a torn line is as good as none, its run is told again."""
    found: dict[str, str] = {}
    with suppress(OSError, UnicodeDecodeError):
        for line in ledger.read_text().splitlines():
            with suppress(ValueError, KeyError, TypeError):
                entry = json.loads(line)
                found[entry["id"]] = entry["path"]
    return found


def _digest(content: dict[str, Any]) -> str:
    """Of a summary and the files it names."""
    found = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode())
    for path in content["files"]:
        found.update(Path(path).read_bytes())
    return found.hexdigest()
