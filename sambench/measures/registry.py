"""The measures, each under its name."""

from sambench.measures.measure import Measure
from sambench.registry import Registry

_MODULES = (
    "ascent",
    "adaptive_sharpness",
    "adversarial",
    "calibration",
    "classwise",
    "corruptions",
    "curvature",
    "memorisation",
    "random_perturbation",
    "stability",
)

measures: Registry[Measure] = Registry(
    "measure",
    "sambench.measures",
    {name: f"sambench.measures.{name}" for name in _MODULES},
    'a measure one under @measures.register("its_name")',
)
"""Others come by the entry point `sambench.measures`, or by --import."""
