"""The measures, each under its name."""

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
