"""How a study stands by what lies in its folder: its records, or the results of its runs."""

import json
import re
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from sambench.config import Arm, Study, places
from sambench.errors import UserError
from sambench.files import read_sealed
from sambench.scores import ACCURACY, Score
from sambench.study import live, pool
from sambench.study.expected import expected_runs
from sambench.training import named_scores

STAGES = ("pool", "confirm", "setting")
RESULT = "result.json"
CHECKPOINT = "checkpoint.pt"
RECORDS = "records.csv"
REMEMBERED = 20  # failures
RUN = re.compile(r"(?P<stage>pool|confirm)-(?P<label>.+?)-p(?P<point>\d+)(-r(?P<rerun>\d+))?")
SETTING = re.compile(r"setting-(?P<label>.+)-(?P<which>[0-9a-f]{8})-r(?P<rerun>\d+)")
"""Names of the folders of runs."""


class Kept(NamedTuple):
    """What the folder says of its study."""

    arms: dict[str, Arm]
    """label -> competitor"""
    study: Study | None
    """None in older folders: their records know it"""
    own: bool
    """whether a Python caller brought more than a file can say"""


class Named(NamedTuple):
    """What the name of a run says."""

    label: str
    stage: str
    point: int
    """-1 for a setting's runs"""
    rerun: int
    which: str
    """of several settings; empty for a point's runs"""


class Ended(NamedTuple):
    """A run that has ended."""

    id: str
    label: str
    stage: str
    point: int
    outcome: str
    reason: str
    score: float | None
    """validation"""
    lr: float
    rho: float | None
    wall_s: float
    at: datetime | None = None


class Found(NamedTuple):
    """The runs that have ended, and whence that is known."""

    runs: list[Ended]
    complete: bool = False
    """whether the study was concluded with them"""
    command: str = ""
    remarks: Sequence[str] = ()


def read(folder: Path, root: Path) -> live.Live:
    """The study as `complete` or `stopped`; ValueError if its folder cannot be told from others."""
    known = kept(folder)
    found = None
    if (folder / RECORDS).is_file() and not _newer(folder):
        known, found = _recorded(folder, known)
    found = found or _results(folder, known)
    arms, runs = known.arms, found.runs
    score = ACCURACY if known.study is None else known.study.task.decides
    done = Counter((run.stage, run.label) for run in runs)
    expected = _expected(known)
    left = {
        (stage, label): 0 if found.complete else max(0, num - done[stage, label])
        for stage, own in expected.items()
        for label, num in own.items()
    }
    open_stages = [stage for stage in STAGES if any(left.get((stage, label)) for label in arms)]
    begun = [path.parent.name for path in folder.glob(f"runs/*/{CHECKPOINT}")]
    remarks = [*found.remarks]
    if begun:
        remarks.append(f"{len(begun)} runs have a checkpoint, from which they go on")
    return live.Live(
        study=folder.name,
        state="complete" if found.complete else "stopped",
        updated=_last(folder),
        command=found.command or _command(folder, root, own=known.own),
        score=score,
        searches=not pool.searches_nothing(arms),
        stage=STAGES[-1] if found.complete else (open_stages or [""])[0],
        later=[] if found.complete else open_stages[1:],
        runs=live.Runs(
            done=len(runs),
            all=len(runs) + sum(left.values()) if expected else None,
            exact=found.complete,
        ),
        share=1.0 if found.complete else None,
        left_s=0.0 if found.complete else None,
        arms=[
            _arm(
                label,
                [run for run in runs if run.label == label],
                {s: live.Stage(done=done[s, label], left=left.get((s, label))) for s in STAGES},
                score,
            )
            for label in arms
        ],
        failures=[
            live.Failure(run=r.id, arm=r.label, stage=r.stage, reason=r.reason, at=r.at)
            for r in runs
            if r.outcome == "failed"
        ][-REMEMBERED:],
        remarks=remarks,
    )


def named(name: str, labels: Collection[str]) -> Named | None:
    """None where it is no run of these arms."""
    found = RUN.fullmatch(name) or SETTING.fullmatch(name)
    if found is None or found["label"] not in labels:
        return None
    said = {"stage": "setting", "point": -1, "which": "", **found.groupdict()}
    point, rerun = int(said["point"]), int(said["rerun"] or 0)
    return Named(said["label"], said["stage"], point, rerun, said["which"])


def kept(folder: Path) -> Kept:
    """ValueError if it is damaged, or not there yet."""
    path = folder / places.KEPT
    if not path.exists():
        raise ValueError(f"{folder} has no {places.KEPT}: no study has begun there so far")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        arms = {label: Arm.model_validate(arm) for label, arm in told["arms"].items()}
        study = Study.model_validate(told["spec"]) if "spec" in told else None
        return Kept(_competing(arms, study), study, bool(told.get("own")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise ValueError(f"{path} is damaged, or of an older protocol") from None


def _competing(arms: Mapping[str, Arm], study: Study | None) -> dict[str, Arm]:
    """Arms that the study had once may have left it."""
    if study is None:
        return dict(arms)
    return {label: arms[label] for label in study.labels() if label in arms}


def _expected(known: Kept) -> dict[str, dict[str, int]]:
    return {} if known.study is None else expected_runs(known.study, known.arms.values())


def _newer(folder: Path) -> bool:
    """Whether a run ended since the records were written."""
    written = (folder / RECORDS).stat().st_mtime
    return any(path.stat().st_mtime > written for path in folder.glob(f"runs/*/{RESULT}"))


def _last(folder: Path) -> datetime:
    """When a run ended, or the records were written."""
    files = [folder / places.KEPT, folder / RECORDS, *folder.glob(f"runs/*/{RESULT}")]
    return max(_time(path) for path in files if path.exists())


def _time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _recorded(folder: Path, known: Kept) -> tuple[Kept, Found | None]:
    """What the records hold, and the study that they tell of; None where they cannot be read."""
    from sambench import records  # pandas

    try:
        found = records.read(folder / RECORDS)
    except UserError:
        return known, None
    header, frame = found.header, found.frame
    spec = Study.model_validate(header["spec"])
    if known.study is not None and known.study != spec:
        return known, None  # it was asked for at another size since
    arms = {label: Arm.model_validate(arm) for label, arm in header["arms"].items()}
    known = known._replace(study=spec, arms=_competing(arms, spec))
    own = frame[(frame["source"] == "study") & frame["variant"].isin(list(known.arms))]
    names = [
        "variant",
        "stage",
        "point",
        "outcome",
        "reason",
        f"val_{found.objective}",
        "lr",
        "rho",
        "wall_s",
    ]
    columns = [own[name].tolist() for name in [*names, "rerun"]]
    runs = [
        Ended(
            f"{stage}-{label}-p{point}" + (f"-r{rerun}" if stage == "confirm" else ""),
            *(label, stage, point, outcome, reason, number(score), lr, number(rho), wall_s),
        )
        for label, stage, point, outcome, reason, score, lr, rho, wall_s, rerun in zip(
            *columns, strict=True
        )
    ]
    concluded = bool(header["fits"]) or pool.searches_nothing(known.arms)
    remarks = [f"{len(found.damages)} lines of {RECORDS} are damaged"] if found.damages else []
    command = "" if known.own else str(header["command"])
    return known, Found(runs, concluded and not found.damages, command, remarks)


def _results(folder: Path, known: Kept) -> Found:
    """What the files of runs say, settings of an earlier, smaller pool left out."""
    runs: list[Ended] = []
    settings: dict[str, dict[str, list[Ended]]] = {}
    num_damaged = 0
    for path in sorted(folder.glob(f"runs/*/{RESULT}")):
        name = path.parent.name
        if (own := named(name, known.arms)) is None:
            continue
        try:
            run = _ended(path, own, known.arms[own.label])
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            num_damaged += 1
            continue
        if run.stage == "setting":
            settings.setdefault(run.label, {}).setdefault(own.which, []).append(run)
        else:
            runs.append(run)
    for of in settings.values():
        runs += max(of.values(), key=lambda same: max(run.at.timestamp() for run in same if run.at))
    damaged = f"{num_damaged} results are damaged: their runs are repeated"
    return Found(runs, remarks=[damaged] if num_damaged else [])


def _ended(path: Path, own: Named, arm: Arm) -> Ended:
    told = read_sealed(path)
    setting, outcome = told["setting"], named_scores(told["outcome"])
    radius = setting["hyperparameters"].get(arm.radius)
    return Ended(
        path.parent.name,
        arm.label,
        own.stage,
        own.point,
        str(outcome["outcome"]),
        str(outcome["reason"]),
        number(outcome["scores"].get(f"val_{outcome['objective']}")),
        float(setting["lr"]),
        number(radius),
        float(outcome["wall_s"]),
        _time(path),
    )


def _arm(
    label: str, runs: Sequence[Ended], stages: dict[str, live.Stage], score: Score
) -> live.ArmState:
    scored = [run for run in runs if run.outcome == "complete" and run.score is not None]
    of_pool = [run for run in scored if run.stage == "pool"]
    best = max(of_pool, key=lambda run: (score.sign * (run.score or 0.0), -run.point), default=None)
    outcomes = Counter(run.outcome for run in runs)
    return live.ArmState(
        arm=label,
        best=best
        and live.Best(validation=best.score or 0.0, lr=best.lr, rho=best.rho, point=best.point),
        mean=fmean(run.score or 0.0 for run in scored) if scored else None,
        complete=outcomes["complete"],
        diverged=outcomes["diverged"],
        failed=outcomes["failed"],
        pruned=outcomes["pruned"],
        run_s=fmean(run.wall_s for run in scored) if scored else None,
        stages=stages,
    )


def _command(folder: Path, root: Path, *, own: bool) -> str:
    """What goes on with a study that a file tells of whole."""
    if own:
        return ""
    return shlex.join(["python", "-m", "sambench", "study", str(folder), "--root", str(root)])


def number(value: Any) -> float | None:
    """None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(value)
