"""Every registered variant passes the conformance suite that ships with the package.

A new file in `variants/` is tested the day it appears; a rule that differs by intent says so here.
"""

from typing import Any

import variants
from variants.testing import VariantConformance

DIFFERENT: dict[str, dict[str, Any]] = {
    "esam": {  # it steps with the kept samples alone; the kept tensors ascend the further for it
        "zero": {"gamma": 1.0},
        "length": 1 / 0.6,
    },
    "asam": {"length": None},  # a ball in scaled weights
    "tensor_sum_sam": {"zero": None, "length": 7**0.5},  # d = 2 g; the ball of each of 7 tensors
}

for _name in variants.names():
    globals()[f"Test_{_name}"] = type(
        f"Test_{_name}", (VariantConformance,), {"name": _name, **DIFFERENT.get(_name, {})}
    )
