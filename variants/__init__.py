"""Sharpness-aware optimizers: small pure rules around any torch optimizer. Needs torch only."""

import importlib
import pkgutil

from variants.core import ops
from variants.core.protocol import Evaluation, Oracle, Real, State, Tree, Update, Variant, hyper
from variants.core.registry import VariantInfo, create, info, names, register
from variants.driver.checkpoint import Checkpoint
from variants.driver.sharpness_aware import SharpnessAware
from variants.driver.two_calls import SAM
from variants.graphs.graphed import Graphed

__all__ = [
    "SAM",
    "Checkpoint",
    "Evaluation",
    "Graphed",
    "Oracle",
    "Real",
    "SharpnessAware",
    "State",
    "Tree",
    "Update",
    "Variant",
    "VariantInfo",
    "create",
    "hyper",
    "info",
    "names",
    "ops",
    "register",
]

for _module in pkgutil.iter_modules(__path__):  # a new variant is one new file in this folder
    if not _module.ispkg:
        importlib.import_module(f"{__name__}.{_module.name}")
