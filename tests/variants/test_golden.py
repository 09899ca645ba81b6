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
L2 = 5e-4

CALLS: dict[str, tuple[str, dict]] = {
    "base": ("plain", {}),
    "asam_davda": ("asam", {"form": "davda"}),
    "wsam_coupled": ("wsam", {"decouple": False}),
    "stable_usam": ("stable_sam", {"ascent": "raw"}),
    "sparse_sam": ("sparse_sam_d", {}),
    "le_sam": ("le_sam", {"warmup": 0.0, "anneal": 0.0}),
}
"""golden file -> variant and named form, where they differ from the file's own name

Not here: lookbehind_sam (several base steps a batch) and sam_step_size_only (an ablation: SAM's
gradient norm along the clean gradient) are no members of the family.
"""

RENAMED = {"lambda": "lam"}


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)


def cases() -> list[tuple[str, str]]:
    files = sorted(p for p in GOLDEN.glob("*.npz") if p.stem != "problem_mlp")
    return [(f.stem, c) for f in files for c in json.loads(str(arrays(f)["meta"]))["cases"]]


@pytest.fixture
def problem() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    data = arrays(GOLDEN / "problem_mlp.npz")
    model = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 3)).double()
    model.load_state_dict({n: torch.from_numpy(data[f"init/{n}"]) for n in model.state_dict()})
    return model, torch.from_numpy(data["x"]), torch.from_numpy(data["y"])


class DecaysLast(torch.optim.AdamW):
    """AdamW as momentum_sam's authors write it: weight decay after the Adam update."""

    def step(self, closure=None):
        group = self.param_groups[0]
        decay, group["weight_decay"] = group["weight_decay"], 0.0
        super().step(closure)
        group["weight_decay"] = decay
        for p in group["params"]:
            p.mul_(1 - group["lr"] * decay)


def base_optimizer(file: str, case: str, model: nn.Module) -> torch.optim.Optimizer:
    if case == "sgd":
        decay = 0.0 if file == "momentum_sam" else L2  # theirs acts at w + e: it is in the loss
        return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=decay)
    kind = DecaysLast if file == "momentum_sam" else torch.optim.AdamW
    return kind(model.parameters(), lr=0.01, weight_decay=0.01)


def penalty(file: str, case: str, model: nn.Module) -> torch.Tensor | float:
    if (file, case) != ("momentum_sam", "sgd"):
        return 0.0
    return 0.5 * L2 * sum(p.square().sum() for p in model.parameters())


def recorded(golden: dict[str, np.ndarray], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors recorded under `prefix`, by parameter name."""
    keys = [k for k in golden if k.startswith(f"{prefix}/")]
    return {k.removeprefix(f"{prefix}/"): torch.from_numpy(golden[k]) for k in keys}


def noise(file: str, case: str, golden: dict[str, np.ndarray], declared: dict):
    """The recorded draws as the oracle hands them out, None where a file has none."""
    if file == "eigen_sam":
        return lambda step, call, like: recorded(golden, f"{case}/extra/v_init")
    if f"{case}/extra/noise" not in golden:
        return None
    draws = torch.from_numpy(golden[f"{case}/extra/noise"]).double()
    return (draws / declared["half_cube_len"] + 1) / 2 if file == "det_sam" else draws


def hyperparameters(hypers: dict, declared: dict) -> dict:
    renamed = {RENAMED.get(k, k): v for k, v in hypers.items()}
    return {k: v for k, v in renamed.items() if k in declared}


def error(model: nn.Module, golden: dict[str, np.ndarray], prefix: str) -> float:
    """Largest difference over all tensors, relative to the largest recorded weight."""
    weights = recorded(golden, prefix)
    gap = max((p.detach() - weights[n]).abs().max() for n, p in model.named_parameters())
    return float(gap / max(r.abs().max() for r in weights.values()))


@pytest.mark.parametrize(("file", "case"), cases(), ids=map("/".join, cases()))
def test_equals_the_authors_code(file, case, problem):
    model, x, y = problem
    golden = arrays(GOLDEN / f"{file}.npz")
    meta = json.loads(str(golden["meta"]))["cases"][case]
    name, form = CALLS.get(file, (file, {}))
    given = hyperparameters(meta["hypers"], variants.info(name).hyperparameters)
    opt = variants.SharpnessAware(
        base_optimizer(file, case, model),
        variants.create(name, **given, **form),
        model,
        total_steps=12,
        noise=noise(file, case, golden, given),
    )
    if file == "sparse_sam":
        mask = recorded(golden, f"{case}/extra/mask")
        opt.context.state = {"mask": {n: m.bool() for n, m in mask.items()}}
    for t in range(1, 13):
        opt.step(
            lambda rows, t=t: (
                F.cross_entropy(model(x[t - 1][rows]), y[t - 1][rows], reduction="none")
                + penalty(file, case, model)
            )
        )
        if t in (1, 2, 3, 6, 12):
            assert error(model, golden, f"{case}/step_{t}") < TOLERANCE, f"step {t}"
