"""Study files: wrong keys and values, and damaged bytes. Most are planned, some are run."""

import tomllib
from random import Random
from typing import Any

from tests.fuzz.harness import ROOT, SPECIAL, Case
from tests.fuzz.mutations import damaged_text, mutated, toml
from tests.fuzz.world import STUDY, TINY, World

FULL: dict[str, Any] = {
    **TINY,
    "variants": [],
    "variant": [
        {"name": "plain", "length": [1, 2]},
        {
            "name": "sam",
            "label": "sam-wide",
            "length": 0.5,
            "fix": {},
            "space": {"rho": {"low": 0.01, "high": 1.0, "log": True}},
        },
        {"name": "esam", "label": "esam-half", "fix": {"gamma": 0.5}, "space": {}},
    ],
    "search": {**TINY["search"], "margin": 0.5, "sampler": "gp", "pruner": "median"},
    "train": {
        **TINY["train"],
        "base_args": {"dampening": 0.0},
        "schedule": "cosine",
        "warmup_epochs": 0.0,
        "weight_decay": 5e-4,
        "label_smoothing": 0.1,
        "augment": "crop-flip",
        "layer_decay": 0.9,
        "ema": 0.9,
        "mixup": 0.2,
        "cutmix": 0.5,
        "micro_batch": 16,
        "clip": 1.0,
        "yields": "best",
        "decay_norm_and_bias": False,
    },
    "published": [
        {"variant": "sam", "accuracy": 97.5, "sd": 0.1, "source": "a paper", "note": "no"},
    ],
}
"""A study file that uses nearly every key."""


FIXED: dict[str, Any] = {
    **TINY,
    "variants": [],
    "variant": [{"name": "plain"}, {"name": "sam", "fix": {"rho": 0.05}}],
    "search": {"lr": 0.1},
    "confirm": {"seeds": 2},
}
"""One that searches nothing."""


def make(rng: Random, world: World) -> Case:
    """A bad study file, planned or run."""
    if rng.random() < 0.25:
        content, what = _damaged(rng, world)
    else:
        data, what = mutated(rng, rng.choice([TINY, FULL, FIXED, _shipped(rng)]))
        content = toml(data).encode(errors="replace")
    if rng.random() < 0.03:
        maker = rng.choice(SPECIAL)
        return _planned(f"a study file that is a {maker.__name__}", {"tiny.toml": maker})
    if rng.random() < 0.3:
        return Case(what, STUDY, {"tiny.toml": content}, writes=("runs/*",), cut_s=15)
    return _planned(what, {"tiny.toml": content})


def valid(world: World) -> Case:
    """The full study, whole."""
    return _planned("a whole file", {"tiny.toml": toml(FULL).encode()})


def _planned(what: str, files: Any) -> Case:
    return Case(what, (*STUDY, "--dry-run"), files, writes=("runs/data*",))


def _damaged(rng: Random, world: World) -> tuple[bytes, str]:
    texts = [world.study, (ROOT / "studies" / "digits.toml").read_bytes()]
    return damaged_text(rng, rng.choice(texts))


def _shipped(rng: Random) -> dict[str, Any]:
    """A study of ours that needs no pictures from elsewhere."""
    names = ["digits", "digits-noise0", "digits-noise20", "digits-noise40-best"]
    return tomllib.loads((ROOT / "studies" / f"{rng.choice(names)}.toml").read_text())
