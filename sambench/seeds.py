"""The streams of random numbers that a run draws from, and where a pool's points lie.

All are hashes of names, so that nothing depends on what else a study runs: two arms share what they
can share, and a pool may grow, or be run in parts on several machines.
"""

import hashlib
from dataclasses import asdict, dataclass

STREAMS = ("split", "labels", "init", "order")


@dataclass(frozen=True)
class Seeds:
    """Of a run: data split, label noise, initial weights, order of the data; 32 bits each."""

    split: int
    labels: int
    init: int
    order: int

    @property
    def streams(self) -> dict[str, int]:
        return asdict(self)

    def columns(self) -> dict[str, int]:
        """As records spell them: seed_split, ..."""
        return {f"seed_{name}": value for name, value in self.streams.items()}


def derive(study: int, *run: str | int) -> Seeds:
    """The streams of a run, independent of those of every other.

    study: its seed; run: ("point", i) of a pool, ("confirm", i, j) of the point's rerun j

    >>> derive(0, "point", 3) == derive(0, "point", 3) != derive(0, "confirm", 3, 0)
    True
    """
    return Seeds(**{name: _hash(32, study, *run, name) for name in STREAMS})


def position(study: int, point: int, axis: str) -> float:
    """Where a pool's point lies along an axis, uniform in [0, 1); the same for every arm.

    axis: "lr", "radius", or a further hyperparameter's name
    """
    return _hash(53, study, "point", point, axis) / 2**53


def _hash(bits: int, *name: str | int) -> int:
    text = "/".join(map(str, name)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest()) >> (64 - bits)
