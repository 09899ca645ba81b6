"""Where the offset is no plain ball of its radius, the shape that the docstring states."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import variants
from variants.testing import FunctionOracle, simulate

WITHIN = 1e-9
Tree = dict[str, Tensor]


def length(*trees: Tree) -> float:
    """|product of the trees|"""
    products = [math.prod(tree[n] for tree in trees) for n in trees[0]]
    return float(torch.sqrt(sum(t.square().sum() for t in products)))


def only(tree: Tree, names: set[str]) -> Tree:
    return {n: t for n, t in tree.items() if n in names}


def inner(a: Tree, b: Tree) -> float:
    return float(sum((t * b[n]).sum() for n, t in a.items()))


def norms(oracle: FunctionOracle) -> set[str]:
    return {n for n, kind in oracle.kinds.items() if kind == "norm"}


def asam(v, o, g, e):
    scale = {n: 1 / (p.abs() + v.eta) if "weight" in n else 1 + 0 * p for n, p in o.params.items()}
    assert length(e[0], scale) == pytest.approx(v.rho, rel=WITHIN)


def asam_davda(v, o, g, e):
    assert length(e[0], {n: 1 / p.abs() for n, p in o.params.items()}) == pytest.approx(v.rho)


def asam_on(v, o, g, e):
    assert {n for n, t in e[0].items() if t.any()} == norms(o)
    scale = {n: 1 / (o.params[n].abs() + v.eta) if "weight" in n else 1 for n in norms(o)}
    assert length(only(e[0], norms(o)), scale) == pytest.approx(v.rho, rel=WITHIN)


def sam_on(v, o, g, e):
    assert {n for n, t in e[0].items() if t.any()} == norms(o)
    assert length(e[0]) == pytest.approx(v.rho, rel=WITHIN)


def fisher(v, o, g, e):
    metric = {n: torch.sqrt(1 + v.eta * t.square()) for n, t in g.items()}
    assert length(e[0], metric) == pytest.approx(v.rho, rel=WITHIN)


def tensor_sum(v, o, g, e):
    assert [float(t.norm()) for t in e[0].values()] == pytest.approx([v.rho] * len(g), rel=WITHIN)


def layer(v, o, g, e):
    share = v.rho / math.sqrt(len(g))
    assert [float(t.norm()) for t in e[0].values()] == pytest.approx([share] * len(g), rel=WITHIN)


def usam(v, o, g, e):
    assert length(e[0]) == pytest.approx(v.rho * length(g), rel=WITHIN)


def zsharp(v, o, g, e):
    for n, t in e[0].items():
        if t.ndim > 1:
            assert float(t.norm()) == pytest.approx(v.rho, rel=WITHIN)
            assert 0 < t.count_nonzero() <= math.ceil((1 - v.q) * t.numel())
        else:
            assert float(t.norm()) == pytest.approx(v.rho * float(g[n].norm()) / length(g))


def ball(v, o, g, e):
    assert length(e[-1]) == pytest.approx(v.rho, rel=WITHIN)


def eigen(v, o, g, e):
    """The part along g is rho, the part orthogonal to it at most alpha rho."""
    along = inner(e[-1], g) / length(g)
    assert along == pytest.approx(v.rho, rel=1e-8)
    assert v.rho <= length(e[-1]) * (1 + WITHIN) <= v.rho * math.sqrt(1 + v.alpha**2) * (1 + 1e-8)


def gam(v, o, g, e):
    assert length(e[0]) == pytest.approx(v.rho, rel=WITHIN)
    assert length(e[1]) == pytest.approx(v.rho_n, rel=WITHIN)
    last = {n: t - e[1][n] for n, t in e[2].items()}
    assert length(last) == pytest.approx(v.rho, rel=WITHIN)


def both_sides(v, o, g, e):
    assert length(e[0]) == pytest.approx(v.rho, rel=WITHIN)
    assert all(torch.equal(t, -e[1][n]) for n, t in e[0].items())


def multi_step(v, o, g, e):
    lengths = [length(offset) for offset in e]
    assert lengths[0] == pytest.approx(v.step_mult * v.rho, rel=WITHIN)
    assert max(lengths) <= v.rho * (1 + WITHIN)


def cube(v, o, g, e):
    assert max(float(t.abs().max()) for t in e[0].values()) <= v.rho * v.half_cube_len


def filters(v, o, g, e):
    """Row i of a matrix moves by gamma |row i| times the length of 5 or 6 normal numbers."""
    moved = e[0]["first.weight"].norm(dim=1) / o.params["first.weight"].norm(dim=1)
    assert 0 < float(moved.min()) and float(moved.max()) < v.gamma * 5


def masked(v, o, g, e):
    """A fixed share of the coordinates moves, as far as SAM moves them."""
    whole = {n: v.rho * t / length(g) for n, t in g.items()}
    live = {n: t != 0 for n, t in e[0].items()}
    assert all(torch.allclose(t[live[n]], whole[n][live[n]], rtol=1e-5) for n, t in e[0].items())
    total = sum(t.numel() for t in g.values())
    assert sum(int(m.sum()) for m in live.values()) == pytest.approx(
        (1 - v.sparsity) * total, abs=1
    )


CASES: list[tuple[str, dict, Callable]] = [
    ("asam", {}, asam),
    ("asam", {"form": "davda"}, asam_davda),
    ("asam_on", {}, asam_on),
    ("sam_on", {}, sam_on),
    ("fisher_sam", {"eta": 3.0}, fisher),
    ("tensor_sum_sam", {}, tensor_sum),
    ("layer_sam", {}, layer),
    ("look_layer_sam", {"k": 1}, layer),
    ("usam", {}, usam),
    ("stable_sam", {"ascent": "raw"}, usam),
    ("zsharp", {"q": 0.8}, zsharp),
    ("zsharp", {"q": 0.8, "norm": "global"}, ball),
    ("eigen_sam", {"freq": 2, "form": "paper"}, eigen),
    ("gam", {}, gam),
    ("cr_sam", {}, both_sides),
    ("multi_step_sam", {}, multi_step),
    ("random_sam", {}, ball),
    ("trace_sam", {"sampler": "sphere"}, ball),
    ("det_sam", {}, cube),
    ("rwp", {}, filters),
    ("sparse_sam_f", {}, masked),
    ("sparse_sam_d", {}, masked),
]


@pytest.mark.parametrize(
    ("name", "hypers", "check"), CASES, ids=[f"{c[0]}-{c[2].__name__}" for c in CASES]
)
def test_offset(name, hypers, check):
    variant = variants.create(name, **hypers)
    for oracle, *_ in simulate(variant, range(6), torch.zeros((), dtype=torch.float64)):
        asked = list(oracle.offsets)
        check(variant, oracle, oracle.grad().grads, asked)
