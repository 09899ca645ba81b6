"""Joins the records of a study that several machines ran in parts: rows become runs of its folder.

A run is a function of its study, arm, stage and number (rule 10), so that every row can be held to
what the study would run. `study` then goes on from all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sambench import config, measures, records
from sambench.config import RUNS, Arm, changed_keys
from sambench.errors import UserError, shortened
from sambench.measures import Found
from sambench.records import Record, Records, Score
from sambench.study import pool, results
from sambench.study.folder import StudyFolder
from sambench.study.protocol import Protocol
from sambench.training import RESULT_FILE, Outcome, Run, read_outcome, write_outcome

LISTED = 120  # characters of a list of keys
CIRCUMSTANCES = (
    *("step_time_s", "wall_s", "device", "processor", "instructions", "threads", "torch"),
    *("peak_memory", "wandb", "history", "spent"),
)
"""Of an outcome: where and when it came about; the rest is what came out."""


@dataclass(frozen=True)
class Merged:
    """What a merge brought into a study's folder."""

    study: str
    """as the first file calls it"""
    folder: Path
    came: int
    """runs that are new to it"""
    known: int
    """rows of runs that were there already, or that an earlier file has"""
    failed: int
    """rows of runs lost to a machine, which are repeated"""
    swept: int
    """rows of sweeps' trials, which are no points of a pool"""
    imports: Sequence[str]
    """names of the files that register variants of a user's own"""
    missing: Mapping[str, int]
    """label -> points of its pool, or of its paired seeds, at the largest size among the files"""
    damages: Sequence[str]
    """lines that did not count"""


@dataclass(frozen=True)
class _Part:
    """A file of records, and the study that it tells of."""

    path: Path
    found: Records
    folder: StudyFolder

    @property
    def protocol(self) -> Protocol:
        return Protocol(self.folder.study, self.folder.arms, "cpu")


@dataclass(frozen=True)
class _Row:
    """A run that a file tells of."""

    part: _Part
    place: str
    """file and line"""
    run: Run
    outcome: Outcome
    measured: Found

    @property
    def file(self) -> Path:
        return self.part.folder.run(self.run)


def merge(files: Sequence[Path], root: Path, into: str | None = None) -> Merged:
    """Brings every run of the files into root/STUDY, which is made if it is not there.

    into: the study's name there; default: the one that the files have

    UserError, and nothing is written, where files, or the folder, differ in task, training, seed,
    arms or data, or where two of them tell a run differently.
    """
    parts = _parts(files, root, into)
    rows: dict[str, _Row] = {}
    counts = dict.fromkeys(("known", "failed", "swept"), 0)
    for part in parts:
        for line, record in zip(part.found.lines, part.found.records, strict=True):
            if record.source != "study":
                counts["swept"] += 1
            elif record.outcome == "failed":
                counts["failed"] += 1
            else:
                row = _row(part, f"{part.path}: line {line}", record)
                first = rows.setdefault(row.run.id, row)
                if first is not row:
                    _check_equal(row, first.outcome, first.place)
                    counts["known"] += 1
    fresh = [row for row in rows.values() if not _is_there(row)]
    for part in parts:
        _write(part, [row for row in fresh if row.part is part])
    return Merged(
        study=parts[0].found.header["study"],
        folder=parts[0].folder.path,
        came=len(fresh),
        **{**counts, "known": counts["known"] + len(rows) - len(fresh)},
        imports=sorted({own["file"] for part in parts for own in part.folder.code.values()}),
        missing=_missing(parts),
        damages=[f"{part.path}: {damage}" for part in parts for damage in part.found.damages],
    )


def _parts(files: Sequence[Path], root: Path, into: str | None) -> list[_Part]:
    """The files, each held to the first one and to what the folder has; a study's folder stands
    for the file in it."""
    own = [path / "records.csv" if path.is_dir() else path for path in files]
    read = [(path, records.read(path)) for path in own]
    first, whole = read[0]
    for path, found in read[1:]:
        if differing := _differences(whole.header, found.header):
            raise UserError(f"{path}: of another study than {first}: {_listed(differing)} differ")
        if into is None and found.header["study"] != whole.header["study"]:
            names = f"{found.header['study']!r}, and of {whole.header['study']!r} in {first}"
            raise UserError(f"{path}: records of study {names}; name the folder with --into")
    return [_part(path, found, root, into or whole.header["study"]) for path, found in read]


def _part(path: Path, found: Records, root: Path, name: str) -> _Part:
    header = found.header
    study = config.parse({**header["spec"], "name": name}, f"{path}: line 1: spec")
    if study.search.sampler != "random":
        raise UserError(
            f"{path}: {study.search.sampler} chose each point by those before it; only pools of "
            "random points can be joined"
        )
    arms = {label: Arm.model_validate(arm) for label, arm in header["arms"].items()}
    folder = StudyFolder(root, study, header["own"], arms.values(), header["code"])
    differing = folder.changed() + [
        f"{label}.{key}"
        for label, arm in folder.arms.items()
        for key in changed_keys(arm.model_dump(), arms[label].model_dump())
    ]
    digests = (folder.data_digest, header.get("data_digest"))
    if None not in digests and len(set(digests)) > 1:
        differing.append("the data")
    if differing:
        raise UserError(
            f"{path}: of another study than {folder.path}: {_listed(differing)} differ; "
            "choose another --into"
        )
    return _Part(path, found, folder)


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What runs depend on and two headers tell differently; arms that only one has do not count."""
    first, second = (
        {"own": h["own"], **{key: h["spec"].get(key) for key in RUNS}} for h in (one, other)
    )
    found = changed_keys(first, second)
    found += [key for key in ("scores", "measures") if one[key] != other[key]]
    for label in one["arms"].keys() & other["arms"].keys():
        arms = one["arms"][label], other["arms"][label]
        found += sorted(f"{label}.{key}" for key in changed_keys(*arms))
    for key in one["code"].keys() & other["code"].keys():
        if one["code"][key]["digest"] != other["code"][key]["digest"]:
            found.append(f"the code of {key}")
    if one.get("data_digest") != other.get("data_digest"):
        found.append("the data")
    return found


def _listed(keys: Sequence[str]) -> str:
    return shortened(", ".join(keys), LISTED)


def _row(part: _Part, place: str, record: Record) -> _Row:
    """The run that a record is of; UserError if the study has another under its number."""
    try:
        run = _run(part, record)
    except ValueError as error:  # the registry's, of a setting
        raise UserError(f"{place}: {error}") from None
    hyperparameters = records.hyperparameters(record.hyperparameters)
    told = {**asdict(record), "hyperparameters": hyperparameters}
    own = {**run.seeds.columns(), **run.setting}
    if wrong := [key for key, value in own.items() if told[key] != value]:
        raise UserError(
            f"{place}: {run.id} is no run of {part.folder.study.name}: {_listed(wrong)} differ"
        )
    values = {name: value for name, value in record.measures.items() if value is not None}
    details = {name: text for name, text in record.details.items() if text}
    outcome = results.outcome(record, part.folder.study.task)
    return _Row(part, place, run, outcome, Found(values, details))


def _run(part: _Part, record: Record) -> Run:
    """What the study would run under the record's stage and numbers."""
    study, arm = part.folder.study, part.folder.arms[record.variant]
    if record.stage == "setting":
        values = {**records.hyperparameters(record.hyperparameters), "lr": record.lr}
        own = {name: values.get(name) for name in arm.space}
        return part.protocol.setting_run(arm, own, record.rerun)
    own = part.protocol.pool_run(arm, record.point, pool.parameters(study, arm, record.point))
    return own if record.stage == "pool" else part.protocol.confirm_run(own, record.rerun)


def _is_there(row: _Row) -> bool:
    """Whether the folder has the run; UserError if it came to something else there."""
    known = read_outcome(row.run, row.file)
    if known is None or known.outcome == "failed":
        return False
    _check_equal(row, known, str(row.file / RESULT_FILE))
    return True


def _check_equal(row: _Row, other: Outcome, place: str) -> None:
    decides = row.run.study.task.decides
    own, known = (_content(outcome, decides) for outcome in (row.outcome, other))
    if wrong := [key for key in {**own, **known} if own.get(key) != known.get(key)]:
        raise UserError(
            f"{row.place}: {row.run.id} came to something else than in {place}: {_listed(wrong)} "
            "differ; nothing is merged"
        )


def _content(outcome: Outcome, decides: Score) -> dict[str, Any]:
    """What came out of a run, whoever ran it."""
    found = {k: v for k, v in asdict(outcome).items() if k not in CIRCUMSTANCES}
    curve = records.curve_text(outcome.curve, decides)
    scores = found.pop("scores")
    return {**found, **scores, "curve": curve}


def _write(part: _Part, rows: Sequence[_Row]) -> None:
    """The runs, and the sizes at which they were concluded before."""
    folder = part.folder
    again = StudyFolder(
        folder.path.parent, folder.study, folder.own, folder.arms.values(), folder.code
    )
    with again.opened():  # after the parts before, which may have brought other arms
        for row in rows:
            write_outcome(row.run, row.file, row.outcome)
            if row.measured.values:
                measures.write(row.file, row.measured)
        if part.found.header["fits"]:
            again.concluded()


def _missing(parts: Sequence[_Part]) -> dict[str, int]:
    """Points, or paired seeds, that the folder lacks, by label; the largest number of any file."""
    found: dict[str, int] = {}
    for part in parts:
        absent = [r for r in _wanted(part) if not (part.folder.run(r) / RESULT_FILE).exists()]
        for label in part.folder.arms:
            lacks = sum(run.label == label for run in absent)
            found[label] = max(lacks, found.get(label, 0))
    return found


def _wanted(part: _Part) -> Iterator[Run]:
    """The runs that a study begins with."""
    study, protocol = part.folder.study, part.protocol
    if protocol.is_fixed:
        yield from protocol.confirmations({})
    for arm in part.folder.arms.values():
        for point in range(protocol.size(arm)):
            yield protocol.pool_run(arm, point, pool.parameters(study, arm, point))
