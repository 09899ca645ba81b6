"""Every registered variant passes the conformance suite that ships with the package.

A new file in `variants/` is tested the day it appears; a rule that differs by intent says so here.
"""

from typing import Any

import variants
from variants.testing import VariantConformance

T = 7  # tensors of the tiny problem

DIFFERENT: dict[str, dict[str, Any]] = {
    "asam": {"length": None},  # a ball in scaled weights: see test_radii.py, also of the others
    "asam_on": {"length": None},
    "det_sam": {"length": None},
    "eigen_sam": {  # its estimates are rare and costly, and step 0 has none
        "length": None,
        "hyperparameters": {"freq": 4},
        "slack": 2.0,
    },
    "esam": {"zero": {"gamma": 1.0}, "length": 1 / 0.6},  # else it steps with some samples only
    "fisher_sam": {"length": None},
    "frob_sam": {"length": None},
    "gc_sam": {"zero": {"descent": False}},
    "gam": {"zero": {"rho_n": 0.0, "beta3": 0.0}, "length": None},
    "k_sam": {"zero": {"gamma": 1.0}},
    "late_sam": {"hyperparameters": {"start": 0.05, "every": 2}},
    "le_sam": {"length": None},
    "m_sam": {"hyperparameters": {"size": 4}, "zero": {"inner": variants.create("plain")}},
    "rwp": {"length": None},
    "sagm": {"zero": {"alpha": 0.0}, "length": None},
    "sampa": {"zero": None},  # its point y is ahead of w, whatever the radius
    "sparse_sam_d": {"length": None, "hyperparameters": {"update_freq": 3}},
    "sparse_sam_f": {"length": None, "hyperparameters": {"update_freq": 3}},
    "tensor_sum_sam": {"zero": None, "length": T**0.5},  # d = 2 g
    "tilted_sam": {"zero": {"radius": 0.0}, "length": None},
    "trace_sam": {"length": None},
    "usam": {"length": None},
    "xsam": {"hyperparameters": {"freq": 4}},
    "zsharp": {"length": None},
}
"""where a rule differs by intent from a ball of its radius around w"""

for _name in variants.names():
    globals()[f"Test_{_name}"] = type(
        f"Test_{_name}", (VariantConformance,), {"name": _name, **DIFFERENT.get(_name, {})}
    )
