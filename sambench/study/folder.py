"""A study's folder, runs/STUDY/: who may write to it, its Optuna journal, and its runs."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import optuna
from pydantic import ValidationError

from sambench import plugins
from sambench.analysis import CONCLUDING
from sambench.config import RUNS, Arm, Study, changed_keys, fingerprint
from sambench.errors import UserError, WorkFailed
from sambench.files import write_atomically
from sambench.render import ownership
from sambench.study import storage as storages
from sambench.study.holder import LEAVING_S, LOCK, OWNER, Held, Holder, take
from sambench.study.journal import OPENING, open_journal
from sambench.tasks import images
from sambench.training import Run


class StudyFolder:
    """The files of one study.

    study.json    the study as it was last asked for; what its runs depend on, as first started:
                  seed, task, train, and every arm, with the file of a variant that is a user's own
    sizes.json    budgets and searches at which it was concluded, in order
    data.json     digests of the data that it was started with
    live.json     how it stands while it runs, and how it stood at the end, for `sambench status`
    journal.log   Optuna's journal: trials and their parameters, where no database keeps them
    owner         who runs the study, or did so last
    runs/ID/      a run's result.json, or its checkpoint while it is not finished
    sweeps/       results of trials that W&B agents ran, by sweep and run
    wandb/        W&B's files
    records.csv
    leaderboard.md, and its tables and figures in leaderboard/
    index.html    the interactive page
    """

    def __init__(
        self,
        root: Path,
        study: Study,
        own: Mapping[str, str] | None = None,
        arms: Iterable[Arm] | None = None,
        code: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`own` identifies what a Python caller brings beside the study; `arms`, and the `code` of
        their variants, are the registry's unless records, which froze them, say otherwise."""
        self.path = root / study.name
        self.study = study
        self.own = dict(own or {})
        self._kept = self._read()
        self._competitors = tuple(study.arms() if arms is None else arms)
        self.arms = self._frozen(self._competitors)
        """The competitors by label: those that the study had before stay as they were, whatever a
        newer registry says."""
        keys = {arm.key for arm in self.arms.values()}
        self.code = {k: dict(v) for k, v in (plugins.code(keys) if code is None else code).items()}
        """Variant -> file and digest of the code of a user's own."""

    @property
    def records(self) -> Path:
        return self.path / "records.csv"

    @property
    def page(self) -> Path:
        return self.path / "leaderboard.md"

    @property
    def web(self) -> Path:
        return self.path / "index.html"

    def figures(self) -> list[Path]:
        """What was drawn for the study's page, if anything."""
        return sorted(self.page.with_suffix("").glob("*.svg"))

    def run(self, run: Run) -> Path:
        return self.path / "runs" / run.id

    def begun(self) -> set[str]:
        """Names of the runs that have a folder."""
        runs = self.path / "runs"
        return set(os.listdir(runs)) if runs.is_dir() else set()

    def check(self) -> None:
        """UserError if runs exist and what they depend on has changed since.

        Budget, searches, margin and the list of variants may change: the study goes on.
        """
        if changed := self.changed():
            renamed = "with --fork NAME" if "training" not in self.own else "by another name="
            new = f"start a new study {renamed}"
            brought = self._kept.get("own") if self._kept else None
            if brought and not self.own:
                raise UserError(
                    f"study {self.study.name!r} was run from Python, which brought its "
                    f"{' and '.join(brought)}; go on from there, or {new}"
                )
            raise UserError(
                f"study {self.study.name!r} has runs, and these have changed since: "
                f"{', '.join(changed)}; undo that, or {new}"
            )

    def changed(self) -> list[str]:
        """Keys on which runs depend and that are not as the folder has them; of arms by label."""
        if self._kept is None:
            return []
        old = {key: self._kept.get(key) for key in (*RUNS, "own")}
        changed = changed_keys(old, self._content(RUNS))
        code = self._kept.get("code", {})
        changed += [
            f"the code of {key} in {own['file']}"
            for key, own in self.code.items()
            if key in code and code[key]["digest"] != own["digest"]
        ]
        asked = self._kept.get("asked", {})
        return changed + [
            f"{label}.{key}"
            for label, arm in self._asked(self._competitors).items()
            if label in asked
            for key in changed_keys(asked[label], arm)
        ]

    def _content(self, keys: Iterable[str]) -> dict[str, object]:
        return {**self.study.model_dump(mode="json", include=set(keys)), "own": self.own}

    def _asked(self, arms: Iterable[Arm]) -> dict[str, dict[str, object]]:
        """What the study's file says of each arm, by label; the registry's part left out."""
        said = self.study.asked()
        return {arm.label: said[arm.label] for arm in arms}

    def _read(self) -> dict[str, Any] | None:
        """What the folder says of its study, None if it has none."""
        path = self.path / "study.json"
        if not path.exists():
            return None
        try:
            kept = json.loads(path.read_text())
            if "arms" in kept and "asked" in kept:
                return kept
        except (ValueError, TypeError):
            raise UserError(f"{path} is damaged; remove it or use --fork NAME") from None
        raise UserError(
            f"{self.path} holds a study of an older protocol; move it away, or use --fork NAME"
        )

    def _frozen(self, arms: Iterable[Arm]) -> dict[str, Arm]:
        stored = self._kept["arms"] if self._kept else {}
        try:
            known = {label: Arm.model_validate(arm) for label, arm in stored.items()}
        except ValidationError:
            damaged = self.path / "study.json"
            raise UserError(f"{damaged} is damaged; remove it or use --fork NAME") from None
        return {arm.label: known.get(arm.label, arm) for arm in arms}

    def _keep(self) -> None:
        """Notes what the study's runs depend on, and arms that are new to it."""
        kept = self._kept or {"arms": {}, "asked": {}}
        arms = {label: arm.model_dump(mode="json") for label, arm in self.arms.items()}
        content = {
            "spec": self.study.model_dump(mode="json"),
            **self._content(RUNS),
            "arms": kept["arms"] | arms,
            "asked": kept["asked"] | self._asked(self.arms.values()),
            "code": kept.get("code", {}) | self.code,
        }
        if content != self._kept:
            write_atomically(self.path / "study.json", json.dumps(content, indent=1))
            self._kept = content

    def begin(self) -> None:
        """Makes the folder a study's, for a run that is trained outside of the study's process."""
        with self.collecting():
            self._kept = self._read()
            self.check()
            self._check_ours()
            self._keep()

    def concluded(self) -> int:
        """Notes that the study is concluded at its size; how often it was before, at others.

        Too small a size concludes nothing, and does not count.
        """
        search = self.study.search
        if min(search.searches, self.study.confirm.seeds) < CONCLUDING:
            return 0
        path = self.path / "sizes.json"
        size = [search.budget, search.searches]
        try:
            sizes = json.loads(path.read_text()) if path.exists() else []
            assert isinstance(sizes, list)
        except (ValueError, AssertionError):
            raise UserError(f"{path} is damaged; restore it from a copy, or remove it") from None
        if size not in sizes:
            sizes.append(size)
            write_atomically(path, json.dumps(sizes))
        return sizes.index(size)

    @property
    def data_digest(self) -> str | None:
        """Of all the data that the study began with; None if that was not kept."""
        known = self._began_with()
        return None if known is None else images.digest(known)

    def check_data(self, contents: images.Contents) -> None:
        """UserError if the study began with other data; kept if it only begins now."""
        with self.collecting():
            known = self._began_with()
            if known is None:
                write_atomically(self._data, json.dumps(dict(contents)))
            elif changed := images.difference(known, contents):
                raise UserError(
                    f"task.dataset: the data of study {self.study.name!r} have changed since it "
                    f"began: {changed}; undo that, or start a new study with --fork NAME"
                )

    @property
    def _data(self) -> Path:
        return self.path / "data.json"

    def _began_with(self) -> images.Contents | None:
        try:
            known = json.loads(self._data.read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            known = None
        if not isinstance(known, dict) or not all(isinstance(v, str) for v in known.values()):
            raise UserError(f"{self._data} is damaged; remove it or use --fork NAME")
        return known

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """For whoever takes in swept trials: one at a time, for a moment; a study waits for it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.path / "collecting.lock"):
            yield

    @contextmanager
    def opened(
        self, storage: str | None = None, say: Callable[[str], object] = print
    ) -> Iterator[optuna.storages.BaseStorage]:
        """Optuna's storage, for one process at a time; Held if another one holds the study.

        storage: the URL of a database; None: the study's own journal
        say: is told, in a line, where a database goes away and comes back
        """
        with self.collecting():
            held = self._take(LEAVING_S)
        with held, self._storage(storage, say) as opened:
            try:
                yield opened
            except Exception:
                self.check_kept()  # what came of it is not worth a word
                raise
            self.check_kept()

    @contextmanager
    def opened_to_collect(
        self, storage: str | None = None
    ) -> Iterator[optuna.storages.BaseStorage | None]:
        """The same, None while the study is being run: it takes in swept trials at its end."""
        with self.collecting():
            try:
                held = self._take(0)
            except Held:
                yield None
                return
            with held, self._storage(storage, print) as opened:
                yield opened

    def _take(self, patience_s: float) -> filelock.AcquireReturnProxy:
        self.path.mkdir(parents=True, exist_ok=True)
        owner = self.path / OWNER
        held = take(self.study.name, self.path / LOCK, owner, patience_s)
        try:
            self.check()
            self._check_ours()
            Holder.here().write(owner)
        except BaseException:
            held.lock.release()
            raise
        return held

    def check_kept(self) -> None:
        """WorkFailed if the folder was removed while the study runs."""
        if not (self.path / "study.json").exists():
            raise WorkFailed(
                f"{self.path} was removed while its study ran; the same command starts it afresh"
            )

    def _check_ours(self) -> None:
        """UserError if files of these names are the user's."""
        ownership.check({self.page: "", self.web: ""})
        if (self.path / "study.json").exists():
            return
        ownership.check({self.records: ownership.RECORDS})
        journal = self.path / "journal.log"
        if journal.exists() and not journal.read_bytes().startswith(OPENING):
            raise UserError(f"{journal} is not a study's; move it away, or use --fork NAME")

    @contextmanager
    def _storage(
        self, url: str | None, say: Callable[[str], object]
    ) -> Iterator[optuna.storages.BaseStorage]:
        """What the holder of the lock opens first."""
        if url is None:
            self._keep()
            yield open_journal(self.path / "journal.log")
            return
        identity = f"{self.study.name} {fingerprint(self.study)}"
        with storages.opened(url, self.study.name, identity, say) as opened:
            self._keep()
            yield opened
