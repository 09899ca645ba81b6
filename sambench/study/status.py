"""How a study stands, whoever runs it, asked from outside. Changes nothing in its folder."""

import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sambench.config import places
from sambench.errors import UserError, hidden
from sambench.study import holder, live
from sambench.study.holder import OWNER, Holder
from sambench.study.live import Live

ERROR = "error.txt"  # of a run that failed
SILENT_S = 90.0  # a driver writes three times as often


def status(folder: Path, root: Path) -> Live:
    """UserError if the folder holds no study that can be told of."""
    remarks: list[str] = []
    try:
        told = live.read(folder)
    except (OSError, ValueError):
        told = None
        remarks.append(f"{live.FILE} is damaged: this is told by results")
    held = _drives(folder, told)
    if told is None or not _believed(folder, told, held=held):
        told = _by_traces(folder, root, told, held=held)
    if not held and told.state == "stopped":
        from sambench.study import queue

        told = queue.asked(folder, told)
    return told.model_copy(
        update={
            "remarks": [*remarks, *told.remarks],
            "failures": [_with_traceback(folder, failure) for failure in told.failures],
        }
    )


def each(root: Path) -> Iterator[tuple[str, Live | None, str]]:
    """Every study below a root: its name, how it stands, or, in words, why that cannot be told."""
    for path in sorted(root.glob(f"*/{places.KEPT}")):
        folder = path.parent
        try:
            yield folder.name, status(folder, root), ""
        except UserError as error:
            yield folder.name, None, str(error)


def _drives(folder: Path, told: Live | None) -> bool:
    """Whether a process drives the study: its lock says so, or, where that tells nothing, the last
    word of the driver."""
    held = holder.is_held(folder)
    if held is not None:
        return held
    if told is None or told.state != "running":
        return False
    if told.driver.host == socket.gethostname() and not _lives(told.driver.pid):
        return False
    return (datetime.now(UTC) - told.updated).total_seconds() < SILENT_S


def _lives(pid: int | None) -> bool:
    try:
        os.kill(pid or 0, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _believed(folder: Path, told: Live, *, held: bool) -> bool:
    """Whether the driver's own words still hold."""
    if held:
        who = Holder.read(folder / OWNER)
        own = (told.driver.host, told.driver.pid)
        return told.state == "running" and (who is None or (who.host, who.pid) == own)
    if told.state == "running":
        return False
    written = (folder / live.FILE).stat().st_mtime
    later = [path for path in (folder / "runs", folder / "records.csv") if path.exists()]
    return all(path.stat().st_mtime <= written for path in later)


def _by_traces(folder: Path, root: Path, told: Live | None, *, held: bool) -> Live:
    from sambench.study import traces  # scipy

    try:
        found = traces.read(folder, root)
    except ValueError as error:
        raise UserError(str(error)) from None
    who = Holder.read(folder / OWNER)
    change: dict[str, object] = {"driver": _drives_it(who)}
    if held:
        change |= {
            "state": "running",
            "reason": "",
            "remarks": [*found.remarks, f"{who or 'its driver'} has not told yet what it does"],
        }
    elif told is not None and told.state == "running":
        change |= {"driver": told.driver, "reason": _gone(told)}
    elif told is not None and found.state == "stopped" and told.state == "stopped":
        change |= {"driver": told.driver, "reason": told.reason}
    if told is not None and told.command:
        change |= {"command": told.command, "directory": told.directory}
    return found.model_copy(update=change)


def _drives_it(who: Holder | None) -> live.Drives:
    if who is None:
        return live.Drives()
    try:
        since = datetime.fromisoformat(who.since).replace(tzinfo=UTC)
    except ValueError:
        since = None
    return live.Drives(pid=who.pid, host=who.host, since=since)


def _gone(told: Live) -> str:
    busy = f", {len(told.workers)} runs under way" if told.workers else ""
    own = f"process {told.driver.pid} on {told.driver.host}"
    return f"{own} was killed, or its host went down{busy}"


def _with_traceback(folder: Path, failure: live.Failure) -> live.Failure:
    path = folder / "runs" / failure.run / ERROR
    inside = Path(failure.run).name == failure.run
    return failure.model_copy(
        update={
            "reason": hidden(failure.reason),
            "traceback": str(path) if inside and path.is_file() else None,
        }
    )
