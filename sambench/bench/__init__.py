"""What a step costs: variants, peers and training loops, timed in turns in one process."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sambench.bench.benchmark import Settings as Settings
    from sambench.bench.benchmark import measure as measure

__all__ = ["Settings", "measure"]


def __getattr__(name: str) -> Any:
    """Imports torch only for whoever measures: records and costs are read without."""
    if name in __all__:
        from sambench.bench import benchmark

        return getattr(benchmark, name)
    raise AttributeError(f"module 'sambench.bench' has no attribute {name!r}")
