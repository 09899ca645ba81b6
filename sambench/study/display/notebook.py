"""In a notebook: one block that is replaced, with the last lines of the log below it."""

import time
from collections import deque
from io import StringIO
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.jupyter import JUPYTER_HTML_FORMAT
from rich.text import Text

from sambench.study.display.surface import news
from sambench.training import Outcome, Run

EVERY_S = 1.0
LINES = 60
LOG = 5  # lines of it


class Notebook:
    def __init__(self, block: RenderableType, width: int) -> None:
        self._block = block
        self._width = width
        self._log: deque[str] = deque(maxlen=LOG)
        self._handle: Any = None
        self._shown = -EVERY_S

    def open(self) -> None:
        from IPython.display import display  # pyright: ignore[reportMissingImports]

        self._handle = display(self._content(), raw=True, display_id=True)

    def close(self) -> None:
        pass

    def say(self, line: str) -> None:
        self._log.append(line)
        self._show()

    def changed(self) -> None:
        if time.monotonic() - self._shown >= EVERY_S:
            self._show()

    def ended(self, run: Run, outcome: Outcome, *, improves: bool) -> None:
        if line := news(run, outcome, improves=improves):
            self._log.append(line)
        self.changed()

    def _show(self) -> None:
        self._shown = time.monotonic()
        self._handle.update(self._content(), raw=True)

    def _content(self) -> dict[str, str]:
        """By type, as IPython shows it."""
        page = Console(
            file=StringIO(), record=True, width=self._width, height=LINES, force_jupyter=False
        )
        page.print(Group(self._block, *map(Text, ["", *self._log])))
        html = page.export_html(inline_styles=True, code_format=JUPYTER_HTML_FORMAT, clear=False)
        return {"text/html": html, "text/plain": page.export_text()}
