"""Which sharpness-aware optimizer, at which rho and learning rate, is worth its cost?"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sambench.study.run import run_study as run_study

__all__ = ["run_study"]


def __getattr__(name: str) -> Any:
    """Imports torch and the rest only when something is used: `--help` must be instant."""
    if name == "run_study":
        from sambench.study.run import run_study

        return run_study
    raise AttributeError(f"module 'sambench' has no attribute {name!r}")
