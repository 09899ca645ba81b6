"""Seed numbers and the four named streams that each derives."""

import hashlib
from dataclasses import asdict, dataclass

STREAMS = ("split", "labels", "init", "order")
SEARCH, FINALIST, CONFIRM = 0, 1, 1000  # first seed of each stage, counted from the study's


@dataclass(frozen=True)
class Seeds:
    """A run's seed and its streams: data split, label noise, initial weights, order of the data."""

    number: int
    split: int
    labels: int
    init: int
    order: int

    @property
    def streams(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in STREAMS}

    def columns(self) -> dict[str, int]:
        """As records spell them: seed, seed_split, ..."""
        values = asdict(self)
        return {"seed": values.pop("number"), **{f"seed_{k}": v for k, v in values.items()}}


def derive(number: int) -> Seeds:
    """Independent streams, 32 bits each, from one seed number."""
    return Seeds(number, **{name: _hash(number, name) for name in STREAMS})


def _hash(number: int, name: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{number}/{name}".encode(), digest_size=4).digest())
