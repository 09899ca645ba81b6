"""A W&B sweep without a server: W&B's controller and its agents, in one process."""

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import filelock
import optuna

from sambench.errors import UserError, WorkFailed
from sambench.executors import RunFailed
from sambench.files import write_atomically
from sambench.study import open_journal
from sambench.sweeps import agent, command, hyperband, orphans
from sambench.sweeps.controller import Controller, Ended, Planned
from sambench.sweeps.local_run import LocalRun, kill_delay_s
from sambench.sweeps.safe_yaml import clipped
from sambench.sweeps.sweep_file import Sweep

POLL_S = 0.25
FIRST_FAILURES = 5  # W&B's agent, too, gives up if its first five runs fail

Say = Callable[[str], None]


class LocalSweep:
    """Runs a sweep, or goes on with it.

    sweep.json    the sweep file as first started, and the sweep's id
    journal.log   Optuna's journal: every run's config and end
    output/       what the programs printed
    wandb/        the runs, which `wandb sync` uploads
    """

    def __init__(
        self, sweep: Sweep, folder: Path, *, workers: int = 1, seed: int = 0, say: Say = print
    ) -> None:
        self.sweep = sweep
        self.folder = folder.absolute()
        self.workers = workers
        self.seed = seed
        self.say = say
        self._running: list[LocalRun] = []

    def run(
        self, count: int | None = None, started: Callable[[], None] = lambda: None
    ) -> list[Ended]:
        """Every run of the sweep that is over; at most `count` new ones are started.

        started: called once nothing is left that would refuse the sweep
        """
        kill_delay_s()
        with self._opened() as controller:
            if controller.has_next():
                command.check_startable(self.sweep.command, self.sweep.program)
            started()
            known = len(controller.ended())
            if known:
                self.say(f"going on after {known} runs")
            try:
                self._loop(controller, count)
                return controller.ended()
            except BaseException as error:
                self._end_children()
                if isinstance(error, OSError) and not (self.folder / "sweep.json").exists():
                    raise WorkFailed(f"{self.folder} was deleted while the sweep ran") from None
                raise

    @contextmanager
    def _opened(self) -> Iterator[Controller]:
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.folder / "lock")
        try:
            held = lock.acquire(blocking=False)
        except filelock.Timeout:
            raise UserError(f"{self.folder} belongs to a sweep that is running; wait") from None
        with held:
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            journal = self.folder / "journal.log"
            storage = open_journal(journal)
            self.id = self._identity(storage)
            if num := orphans.end(self.folder):
                self.say(f"ended {num} programs that a killed sweep had left running")
            try:
                controller = Controller(self.sweep, self.id, storage, self.seed)
                controller.ended()
            except (LookupError, TypeError):
                raise UserError(f"{journal} is damaged; restore it from a copy") from None
            yield controller

    def _identity(self, storage: optuna.storages.BaseStorage) -> str:
        """The sweep's id; UserError if the folder holds runs of another sweep.

        The journal knows it, too, so that nothing is lost with sweep.json.
        """
        path = self.folder / "sweep.json"
        content = {**self.sweep.model_dump(mode="json"), "seed": self.seed}
        studies = {study.study_name: study._study_id for study in storage.get_all_studies()}
        over = [name for name, key in studies.items() if _is_over(storage, key)]
        if path.exists():
            stored, identity = _stored(path, studies)
            changed = [k for k in content if k != "run_cap" and _differ(content, stored, k)]
            if not changed:
                return identity
            if over:
                raise UserError(
                    f"{self.folder} holds runs, and these keys have changed since: "
                    f"{', '.join(changed)}; undo that, or give the sweep another name"
                )
        identity = over[0] if over else uuid.uuid4().hex[:8]
        write_atomically(path, json.dumps({"id": identity, "sweep": content}, indent=1))
        return identity

    def _loop(self, controller: Controller, count: int | None) -> None:
        started = 0
        over = self._reached(controller)
        while True:
            while not over and len(self._running) < self.workers and started != count:
                planned = controller.ask()
                if planned is None:
                    break
                self._running.append(self._start(planned))
                started += 1
            if not self._running:
                return
            time.sleep(POLL_S)
            for process in list(self._running):
                code = process.poll()
                process.read()
                if code is not None:
                    self._running.remove(process)
                    self._finish(process, controller)
                    over = over or self._reached(controller)
            self._stop_early(controller)

    def _start(self, planned: Planned) -> LocalRun:
        sweep = self.sweep
        files = agent.write_config(self.folder, self.id, planned.run_id, planned.config)
        project = sweep.project or "uncategorized"
        env = agent.environment(
            self.folder, self.id, planned.run_id, files.yaml, project=project, entity=sweep.entity
        )
        words = command.expand(
            sweep.command, planned.config, program=sweep.program, json_file=str(files.json)
        )
        self.say(f"run {planned.number} ({planned.run_id}): {_flat(planned.config)}")
        process = LocalRun(planned, words, env, self.folder, sweep.metric)
        orphans.note(self.folder, planned.run_id, process.pid)
        return process

    def _finish(self, process: LocalRun, controller: Controller) -> None:
        ended = process.ended()
        controller.tell(ended)
        orphans.forget(self.folder, ended.run_id)
        metric = self.sweep.metric
        found = "" if metric is None or ended.best is None else f", {metric.name} {ended.best:.6g}"
        total = self.sweep.num_configs
        of = "" if total is None else f" of {total}"
        done = f"{len(controller.ended())}{of} over"
        self.say(f"run {ended.number} ({ended.run_id}) {ended.state}{found}; {done}")
        if ended.state == "failed":
            self.say(f"  exit code {ended.exit_code}: {process.last_line()} ({process.output})")
            runs = controller.ended()
            if len(runs) == FIRST_FAILURES and all(run.state == "failed" for run in runs):
                raise RunFailed(f"the first {FIRST_FAILURES} runs of the sweep; see the output")
        if process.damaged:
            self.say("  its W&B file is damaged: what stands behind the damage is not counted")
        elif metric is not None and ended.best is None and ended.state != "failed":
            self.say(f"  it logged no {metric.name!r}: {_logged(process)}")

    def _stop_early(self, controller: Controller) -> None:
        rule = self.sweep.early_terminate
        if rule is None or not self._running:
            return
        assert self.sweep.metric is not None
        sign = self.sweep.metric.sign
        over = [[sign * value for value in run.history] for run in controller.ended()]
        histories = [*over, *(process.history for process in self._running)]
        for process in self._running:
            if not process.stopped and hyperband.stops(process.history, histories, rule):
                process.stopped = True
                process.terminate()

    def _reached(self, controller: Controller) -> bool:
        """Whether a run is as good as the metric's target."""
        metric = self.sweep.metric
        if metric is None or metric.target is None:
            return False
        target = metric.sign * metric.target
        values = (run.best for run in controller.ended())
        return any(best is not None and metric.sign * best <= target for best in values)

    def _end_children(self) -> None:
        """As an agent that is told to stop: SIGTERM, time to write, SIGKILL."""
        for process in self._running:
            process.terminate()
        try:
            while any(process.poll() is None for process in self._running):
                time.sleep(POLL_S)
        except KeyboardInterrupt:
            for process in self._running:
                process.kill()


def _is_over(storage: optuna.storages.BaseStorage, study: int) -> bool:
    """Whether some run of a sweep is."""
    return any(trial.state.is_finished() for trial in storage.get_all_trials(study, deepcopy=False))


def _stored(path: Path, known: Collection[str]) -> tuple[dict[str, object], str]:
    """The sweep file as first started, and its id, one of those known if any is."""
    try:
        found = json.loads(path.read_bytes())
        sweep, identity = found["sweep"], found["id"]
    except (ValueError, LookupError, TypeError, RecursionError):
        sweep, identity = None, None
    if not (isinstance(sweep, dict) and isinstance(identity, str)) or (
        known and identity not in known
    ):
        raise UserError(
            f"{path} is damaged; remove it, and the sweep goes on: its runs are in journal.log"
        )
    return sweep, identity


def _differ(one: Mapping[str, object], other: Mapping[str, object], key: str) -> bool:
    """As JSON, where NaN equals NaN."""
    first, second = (json.dumps(table.get(key), sort_keys=True) for table in (one, other))
    return first != second


def _logged(process: LocalRun) -> str:
    if process.names is None:
        return "it started no W&B run below WANDB_DIR"
    return f"it logged {', '.join(sorted(process.names)) or 'nothing'}"


def _flat(config: Mapping[str, object]) -> str:
    return clipped(" ".join(f"{name}={_shown(value)}" for name, value in config.items()))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value) if str(value).isprintable() else repr(value)
