"""How fast the pictures of a folder come, from each source."""

from collections.abc import Callable, Sequence
from statistics import median

from sambench.bench import LOADER, MEMORY, Fed, Streaming, ratio
from sambench.render.tables.table import Cell, Column, Table, measured, of, text

Seconds = Callable[[Fed], Sequence[float]]


SOURCE: Column[Fed] = Column("source", lambda own: text(own.name), number=False)
HELD: Column[Fed] = Column(
    "memory, MB", lambda own: measured(own.memory_bytes / 1e6, "{:.0f}".format)
)


def of_sources(found: Streaming) -> Table:
    """Images per second, and their ratios to two of the sources."""
    return of(found.sources, [SOURCE, *_training(found), *_reading(found), HELD])


def of_training(found: Streaming) -> Table:
    """The half of it that is of training."""
    return of(found.sources, [SOURCE, *_training(found), HELD])


def of_reading(found: Streaming) -> Table:
    """The other half."""
    return of(found.sources, [SOURCE, *_reading(found)])


def _training(found: Streaming) -> list[Column[Fed]]:
    return _speed("training", lambda own: own.training_s, found)


def _reading(found: Streaming) -> list[Column[Fed]]:
    return _speed("reading alone", lambda own: own.reading_s, found)


def _speed(what: str, seconds: Seconds, found: Streaming) -> list[Column[Fed]]:
    return [
        Column(
            f"{what}, images/s",
            lambda own: measured(found.images / median(seconds(own)), "{:.0f}".format),
        ),
        Column("over memory", _over(MEMORY, seconds, found)),
        Column("over DataLoader", _over(LOADER, seconds, found)),
    ]


def _over(name: str, seconds: Seconds, found: Streaming) -> Callable[[Fed], Cell]:
    """Images per second over those of a source; empty for itself."""
    (reference,) = (own for own in found.sources if own.name == name)

    def cell(own: Fed) -> Cell:
        if own.name == name:
            return text("")
        spread = ratio(seconds(reference), seconds(own))
        return Cell(str(spread), spread.median)

    return cell
