"""Every variant equals its authors' code: 12 float64 steps recorded from the public references.

Provenance, equations and hyperparameters of every file: golden/README.md.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants

GOLDEN = Path(__file__).parent / "golden"
TOLERANCE = 1e-10  # the recorded problems do not amplify rounding (golden/README.md)

CALLS: dict[str, tuple[str, dict]] = {
    "base": ("plain", {}),
    "asam_davda": ("asam", {"form": "davda"}),
}
"""golden file -> variant and named form, where they differ from the file's own name"""

RENAMED = {"lambda": "lam"}


def cases() -> list[tuple[str, str]]:
    files = sorted(p for p in GOLDEN.glob("*.npz") if p.stem != "problem_mlp")
    return [(f.stem, c) for f in files for c in json.loads(str(np.load(f)["meta"]))["cases"]]


@pytest.fixture
def problem() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    data = np.load(GOLDEN / "problem_mlp.npz")
    model = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 3)).double()
    model.load_state_dict({n: torch.from_numpy(data[f"init/{n}"]) for n in model.state_dict()})
    return model, torch.from_numpy(data["x"]), torch.from_numpy(data["y"])


def base_optimizer(case: str, model: nn.Module) -> torch.optim.Optimizer:
    if case == "sgd":
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    return torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)


def hyperparameters(recorded: dict, declared: dict) -> dict:
    renamed = {RENAMED.get(k, k): v for k, v in recorded.items()}
    return {k: v for k, v in renamed.items() if k in declared}


def error(model: nn.Module, golden: np.lib.npyio.NpzFile, prefix: str) -> float:
    """Largest difference over all tensors, relative to the largest recorded weight."""
    recorded = {n: torch.from_numpy(golden[f"{prefix}/{n}"]) for n, _ in model.named_parameters()}
    gap = max((p.detach() - recorded[n]).abs().max() for n, p in model.named_parameters())
    return float(gap / max(r.abs().max() for r in recorded.values()))


@pytest.mark.parametrize(("file", "case"), cases(), ids="/".join)
def test_equals_the_authors_code(file, case, problem):
    model, x, y = problem
    golden = np.load(GOLDEN / f"{file}.npz")
    meta = json.loads(str(golden["meta"]))["cases"][case]
    name, form = CALLS.get(file, (file, {}))
    declared = variants.info(name).hyperparameters
    recorded = hyperparameters(meta["hypers"] if "hypers" in meta else meta["variant"], declared)
    variant = variants.create(name, **recorded, **form)
    opt = variants.SharpnessAware(base_optimizer(case, model), variant, model)
    for t in range(1, 13):
        opt.step(
            lambda rows, t=t: F.cross_entropy(
                model(x[t - 1][rows]), y[t - 1][rows], reduction="none"
            )
        )
        if t in (1, 2, 3, 6, 12):
            assert error(model, golden, f"{case}/step_{t}") < TOLERANCE, f"step {t}"
