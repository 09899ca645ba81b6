"""Runs read back from W&B's own files: 7 bytes, then a LevelDB log in blocks of 32 KiB."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLOCK, HEADER, FIRST_AND_FULL, LAST_AND_FULL = 32768, 7, (1, 2), (1, 4)


@dataclass
class Offline:
    """All that one .wandb file says."""

    id: str = ""
    name: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    notes: str = ""
    tags: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, list[str]] = field(default_factory=dict)
    exit_code: int | None = None


def read(path: Path) -> Offline:
    run = Offline()
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run.id, run.project = record.run.run_id, record.run.project
            run.name, run.job_type = record.run.display_name, record.run.job_type
            run.group, run.notes = record.run.run_group, record.run.notes
            run.tags = list(record.run.tags)
            run.config |= _told(record.run.config.update)
        elif kind == "config":
            run.config |= _told(record.config.update)
        elif kind == "history":
            run.history.append(_told(record.history.item))
        elif kind == "summary":
            run.summary |= _told(record.summary.update)
        elif kind == "artifact":
            entries = record.artifact.manifest.contents
            run.artifacts[record.artifact.name] = [entry.path for entry in entries]
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
    run.config.pop("_wandb", None)
    return run


def runs(folder: Path) -> dict[str, Offline]:
    """By name; the test fails where two files hold one run."""
    found = [read(path) for path in sorted(folder.glob("wandb/offline-run-*/*.wandb"))]
    assert len({run.id for run in found}) == len(found)
    return {run.name.rpartition("/")[2]: run for run in found}


def records(path: Path) -> Iterator[Any]:
    """The file's protobuf records."""
    from wandb.proto import wandb_internal_pb2

    data, at, parts = path.read_bytes(), HEADER, b""
    assert data[:4] == b":W&B"
    while at + HEADER <= len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEADER])
        part = data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        parts = part if kind in FIRST_AND_FULL else parts + part
        if kind in LAST_AND_FULL:
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record


def _told(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
