"""`sambench status`"""

import json
import os
import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sambench.cli import options
from sambench.errors import UserError, echo, nearest

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sambench.study.live import Live

EVERY_S = 2.0  # of --watch on a terminal
LINE_S = 10.0  # elsewhere, if there is news


@click.command()
@click.argument("name", metavar="[STUDY]", required=False)
@click.option("--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print what is known as JSON.")
@options.root
def status(name: str | None, watch: bool, as_json: bool, root: Path) -> None:
    """What runs where, how far, and what came of it so far; without STUDY, of every study.

    From any shell that sees the folder, while the study runs and after it. Changes nothing. Scores
    are on the validation set.
    """
    if watch and as_json:
        raise UserError("--watch and --json: choose one of them")
    folder = None if name is None else _find(name, root)
    if as_json:
        click.echo(json.dumps(_as_data(folder, root)))
        return

    from rich.console import Console

    console = Console()
    try:
        if watch:
            _watch(folder, root, console)
        elif folder is None:
            console.print(_overview(root, console.width))
        else:
            _show(folder, root, console)
    except KeyboardInterrupt:
        return


def _find(name: str, root: Path) -> Path:
    """The folder of a study that has begun."""
    from sambench import config
    from sambench.config import places

    for folder in (root / name, Path(name)):
        if (folder / places.KEPT).is_file():
            return folder
    try:
        own = config.name_of(name, root)
    except UserError:
        own = ""
    if own and (root / own / places.KEPT).is_file():
        return root / own
    if own:
        run = shlex.join(["python", "-m", "sambench", "study", name])
        raise UserError(f"study {echo(own)} has not begun in {root}; begin it: {run}")
    known = {path.parent.name for path in root.glob(f"*/{places.KEPT}")}
    hint = nearest(name, known) if known else f"none has begun in {root}"
    raise UserError(f"no study {echo(name)}; {hint}")


def _as_data(folder: Path | None, root: Path) -> dict[str, object]:
    """Of one study its state, else of all."""
    from sambench.study import status as asked

    if folder is not None:
        return _data(asked.status(folder, root), folder)
    studies, faults = _all(root)
    return {
        "root": str(root),
        "studies": [_data(live, root / name) for name, live in studies.items()],
        "unreadable": faults,
    }


def _data(live: "Live", folder: Path) -> dict[str, object]:
    return {"folder": str(folder), **live.model_dump(mode="json")}


def _all(root: Path) -> tuple[dict[str, "Live"], dict[str, str]]:
    """Every study below the root, and why some cannot be told."""
    from sambench.study import status as asked

    found = list(asked.each(root))
    known = {name: live for name, live, _ in found if live is not None}
    return known, {name: fault for name, live, fault in found if live is None}


def _overview(root: Path, width: int) -> "RenderableType":
    from rich.text import Text

    from sambench.render.terminal import status as shown

    studies, faults = _all(root)
    if not studies and not faults:
        return Text(f"no study has begun in {root}")
    return shown.listed(studies, faults, datetime.now(UTC), width)


def _show(folder: Path, root: Path, console: "Console") -> None:
    """How the study stands, and what to open or to paste."""
    from sambench.render.terminal import status as shown
    from sambench.study import status as asked

    live, page = asked.status(folder, root), folder / "index.html"
    console.print(shown.render(live, datetime.now(UTC), console.width))
    there = live.state == "complete" and page.is_file()
    for line in shown.closing(page=str(page) if there else "", goes_on=_goes_on(live)):
        console.print(f"\n{line}", markup=False, highlight=False, soft_wrap=True)


def _goes_on(live: "Live") -> str:
    """The command line, from here; nothing where it runs or is complete."""
    if live.state not in ("stopped", "detached") or not live.command:
        return ""
    away = live.directory and live.directory != os.getcwd()
    return f"cd {shlex.quote(live.directory)} && {live.command}" if away else live.command


def _watch(folder: Path | None, root: Path, console: "Console") -> None:
    """Until Ctrl-C: in place on a terminal, elsewhere line by line."""
    if not (console.is_interactive and console.file.isatty()):
        _log(folder, root, console)
        return
    from rich.live import Live as Shown

    from sambench.render.terminal import status as shown
    from sambench.study import status as asked

    with Shown(console=console, auto_refresh=False, vertical_overflow="crop") as block:
        while True:
            width, height = console.size
            if folder is None:
                drawn = _overview(root, width)
            else:
                live = asked.status(folder, root)
                drawn = shown.render(live, datetime.now(UTC), width, height)
            block.update(drawn, refresh=True)
            time.sleep(EVERY_S)


def _log(folder: Path | None, root: Path, console: "Console") -> None:
    """A line for each study of which there is news."""
    from sambench.render.terminal import status as shown
    from sambench.study import status as asked

    told: Mapping[str, tuple[object, ...]] = {}
    while True:
        if folder is None:
            studies = _all(root)[0]
        else:
            studies = {folder.name: asked.status(folder, root)}
        news = {
            name: (live.state, live.stage, live.runs, live.queued) for name, live in studies.items()
        }
        for name, live in studies.items():
            if told.get(name) != news[name]:
                line = shown.line(live, datetime.now(UTC))
                console.print(line, markup=False, highlight=False, soft_wrap=True)
        told = news
        time.sleep(LINE_S)
