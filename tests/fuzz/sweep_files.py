"""W&B sweep files: run without a server, one run each, whose program does nothing."""

from itertools import pairwise
from random import Random
from typing import Any

from tests.fuzz.harness import SPECIAL, Case
from tests.fuzz.mutations import damaged_text, mutated, yaml
from tests.fuzz.world import World

RANDOM: dict[str, Any] = {
    "name": "a sweep",
    "method": "random",
    "command": ["true", "${args}"],
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"distribution": "log_uniform_values", "min": 0.001, "max": 0.3},
        "batch": {"values": [16, 32]},
        "seed": {"value": 3},
        "drop": {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.1},
        "depth": {"distribution": "int_uniform", "min": 1, "max": 4},
        "width": {"distribution": "normal", "mu": 1.0, "sigma": 0.5},
        "decay": {"distribution": "log_uniform", "min": -6.0, "max": -2.0},
        "base": {"parameters": {"momentum": {"min": 0.1, "max": 0.9}}},
        "kind": {"values": ["a", "b"], "probabilities": [0.5, 0.5]},
    },
    "early_terminate": {"type": "hyperband", "min_iter": 3, "eta": 3, "s": 2},
    "run_cap": 3,
    "project": "p",
    "entity": "e",
    "description": "of no use",
}
GRID: dict[str, Any] = {
    "method": "grid",
    "program": "train.py",
    "command": ["true", "${program}", "${args_no_equals}"],
    "parameters": {"lr": {"values": [0.1, 0.2]}, "depth": {"min": 1, "max": 3}},
}
BAYES: dict[str, Any] = {
    "method": "bayes",
    "command": ["true", "${args_json}"],
    "metric": {"name": "accuracy", "goal": "maximize", "target": 0.9},
    "parameters": {"lr": {"min": 0.001, "max": 0.1}},
}
PROGRAM = "method: random\ncommand: ['true', '${args}']\n"
NESTED = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in pairwise("abcdefghij"))
TEXTS = {
    "an anchor within itself": f"{PROGRAM}parameters: &a\n  x: {{value: 1}}\n  y: *a\n",
    "nested anchors": f"a: &a [x, x]\n{NESTED}{PROGRAM}parameters: {{x: {{values: *j}}}}\n",
    "an anchor as method": f"{PROGRAM}b: &b [x]\nmethod: *b\nparameters: {{x: {{values: *b}}}}\n",
    "a grid of 10^8 points": "method: grid\ncommand: ['true']\nparameters:\n"
    + "".join(f"  p{i}: {{values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}\n" for i in range(8)),
    "dates": f"{PROGRAM}parameters: {{x: {{values: [2026-01-01, 2026-01-01 12:30:00]}}}}\n",
    "no words": "method: random\ncommand: []\nparameters: {x: {value: 1}}\n",
    "numbers that YAML reads as text": f"{PROGRAM}parameters: {{lr: {{min: 1e-5, max: 1e-1}}}}\n",
    "exponents that overflow": f"{PROGRAM}parameters:\n"
    "  x: {distribution: log_uniform, min: 0.1, max: 1e9}\n",
    "keys that are no text": f"{PROGRAM}parameters: {{? [a, b] : {{value: 1}}, 3: {{value: 2}}}}\n",
    "words of Hydra": "method: random\ncommand: ['true', '${now:%Y}', '${oc.env:HOME}']\n"
    "parameters: {'++a/b': {value: null}}\n",
    "words that are no text": "method: random\ncommand: ['true', null, true, 3]\n"
    "parameters: {<<: {x: {value: 1}}, y: {value: 2}}\n",
    "two documents": f"{PROGRAM}parameters: {{x: {{value: 1}}}}\n---\n{PROGRAM}",
    "a tab": f"{PROGRAM}parameters:\n\tx: {{value: 1}}\n",
    "binary": f"{PROGRAM}parameters: {{x: {{values: [!!binary aGVsbG8=]}}}}\n",
    "a set": f"{PROGRAM}parameters: {{x: {{values: !!set {{a, b}}}}}}\n",
}


def make(rng: Random, world: World) -> Case:
    """A bad sweep file, run."""
    kind = rng.random()
    if kind < 0.03:
        maker = rng.choice(SPECIAL)
        return _case(f"a sweep file that is a {maker.__name__}", maker)
    if kind < 0.1:
        what = rng.choice(list(TEXTS))
        return _case(what, TEXTS[what].encode())
    base = rng.choice([RANDOM, GRID, BAYES])
    if kind < 0.3:
        text, what = damaged_text(rng, yaml(base).encode())
    else:
        data, what = mutated(rng, base)
        text = yaml(data).encode(errors="replace")
    return _case(what, text)


def valid(world: World) -> Case:
    """A sweep file, whole."""
    return _case("a whole file", yaml(RANDOM).encode())


def _case(what: str, content: Any) -> Case:
    words = ("sweep", "run", "sweep.yaml", "--local", "--count", "1")
    return Case(what, words, {"sweep.yaml": content}, writes=("runs/sweeps/*",), cut_s=12)
