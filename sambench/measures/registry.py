"""The measures, each under its name."""

from collections.abc import Collection

from sambench.measures.measure import Measure
from sambench.registry import Registry

_MODULES = (
    "ascent",
    "adaptive_sharpness",
    "adversarial",
    "calibration",
    "cifar_c",
    "classwise",
    "corruptions",
    "curvature",
    "generalisation",
    "memorisation",
    "random_perturbation",
    "slices",
    "stability",
)

measures: Registry[Measure] = Registry(
    "measure",
    "sambench.measures",
    {name: f"sambench.measures.{name}" for name in _MODULES},
    'a measure one under @measures.register("its_name")',
)
"""Others come by the entry point `sambench.measures`, or by --import."""


def ready(settings: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the measures that need no setting, or have some."""
    return tuple(n for n in measures.names() if n in settings or measures.get(n).is_ready())
