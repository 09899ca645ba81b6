"""On a terminal: a block that is drawn anew, below a short log."""

from rich.console import Console, RenderableType
from rich.live import Live

from sambench.study.display.surface import news
from sambench.training import Outcome, Run

PER_SECOND = 2


class Terminal:
    """The block is gone once it is closed; the log stays."""

    def __init__(self, block: RenderableType, console: Console) -> None:
        self._console = console
        self._live = Live(block, console=console, refresh_per_second=PER_SECOND, transient=True)

    def open(self) -> None:
        self._live.start()

    def close(self) -> None:
        self._live.stop()

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)

    def changed(self) -> None:
        pass

    def ended(self, run: Run, outcome: Outcome, *, improves: bool) -> None:
        if line := news(run, outcome, improves=improves):
            self.say(line)
