"""Variants that reduce to one another, and closed forms: no reference code, algebra alone."""

import math
from typing import Any

import pytest
import torch
from torch import nn

import variants
from variants.testing import Run, Tiny

EXACT = 1e-12  # float64, the same algebra; relative to the largest weight
STABILISED = 1e-6  # where the published code adds 1e-7 to a norm, and ours does then too
FEW_DIGITS = 1e-10  # directions are found from differences of weights
STEPS = 8


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.01)


def bare_sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.05)


class OneTensor(nn.Module):
    """A linear map alone."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(Tiny().first.weight.detach()[:3].clone())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight.T


class NormAlone(nn.Sequential):
    """A normalisation layer and nothing else."""

    def __init__(self) -> None:
        super().__init__(nn.LayerNorm(5).double())


class Vectors(nn.Module):
    """Two vectors: no tensor with an input dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.linspace(0.5, 1.5, 5).double())
        self.shift = nn.Parameter(torch.linspace(-0.5, 0.5, 5).double())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * x + self.shift


RHO = {"rho": 0.1}
SAM = ("sam", RHO)
PLAIN = ("plain", {})
ALWAYS, NEVER = -1e6, 1e6

SAME: list[tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]], dict[str, Any]]] = [
    (("momentum_sam", {"rho": 0.0}), PLAIN, {}),
    (("vasso", {**RHO, "theta": 1.0}), SAM, {"within": STABILISED}),
    (("friendly_sam", {**RHO, "sigma": 0.0}), SAM, {}),
    (("friendly_sam", {**RHO, "sigma": 0.0, "form": "paper"}), SAM, {}),
    (("gsam", {**RHO, "alpha": 0.0}), SAM, {}),
    (("cr_sam", {**RHO, "gamma": 0.0, "beta": 0.0}), SAM, {}),
    (("wsam", {**RHO, "gamma": 0.5, "decouple": False}), SAM, {}),
    (("wsam", {**RHO, "gamma": 0.0, "decouple": False}), PLAIN, {}),
    (("wsam", {**RHO, "gamma": 0.0}), PLAIN, {}),
    (("wsam", {**RHO, "gamma": 0.5}), SAM, {"bases": [bare_sgd]}),
    (
        ("wsam", {**RHO, "gamma": 0.8}),
        ("wsam", {**RHO, "gamma": 0.8, "decouple": False}),
        {"bases": [bare_sgd]},
    ),
    (("gnp", {**RHO, "alpha": 1.0}), SAM, {}),
    (("gnp", {**RHO, "alpha": 0.0}), PLAIN, {}),
    (("gnp", {**RHO, "alpha": 0.8}), ("wsam", {**RHO, "gamma": 4 / 9, "decouple": False}), {}),
    (
        ("tensor_sum_sam", {**RHO, "reduction": "mean"}),
        ("gnp", {**RHO, "alpha": 0.5}),
        {"model": OneTensor},
    ),
    (("fisher_sam", {**RHO, "eta": 0.0}), SAM, {}),
    (("looksam", {**RHO, "k": 1}), SAM, {}),
    (("esam", {**RHO, "beta": 1.0, "gamma": 1.0}), SAM, {"within": STABILISED}),
    (("multi_step_sam", {**RHO, "n_iters": 1, "step_mult": 1.0}), SAM, {}),
    (("sam_on", RHO), SAM, {"model": NormAlone}),
    (("asam_on", RHO), ("asam", RHO), {"model": NormAlone}),
    (("sam_on", RHO), PLAIN, {"model": OneTensor}),
    (("gam", {**RHO, "beta2": 0.0, "beta3": 0.0, "gamma": 0.0}), SAM, {}),
    (("frob_sam", {"lam": 0.0}), PLAIN, {}),
    (("trace_sam", {"lam": 0.0}), PLAIN, {}),
    (("det_sam", {"lam": 0.0}), PLAIN, {}),
    (("rwp", {"alpha": 0.0}), PLAIN, {}),
    (("rwp", {"gamma": 0.0}), PLAIN, {}),
    (("random_sam", {**RHO, "sigma": 0.0}), SAM, {}),
    (("eigen_sam", {**RHO, "freq": 100}), ("usam", RHO), {}),
    (("eigen_sam", {**RHO, "alpha": 0.0, "freq": 2, "form": "paper"}), SAM, {}),
    (("zsharp", RHO), SAM, {"model": Vectors}),
    (("rst", {**RHO, "p": 1.0}), SAM, {}),
    (("rst", {**RHO, "p": 0.0}), PLAIN, {}),
    (("sparse_sam_f", {**RHO, "sparsity": 0.0}), SAM, {"within": STABILISED}),
    (("sparse_sam_d", {**RHO, "sparsity": 0.0}), SAM, {"within": STABILISED}),
    (("ae_sam", {**RHO, "lambda1": ALWAYS, "lambda2": ALWAYS}), SAM, {}),
    (("ae_sam", {**RHO, "lambda1": NEVER, "lambda2": NEVER}), PLAIN, {}),
    (("ae_looksam", {**RHO, "lambda1": ALWAYS, "lambda2": ALWAYS}), SAM, {}),
    (("ae_looksam", {**RHO, "lambda1": NEVER, "lambda2": NEVER}), PLAIN, {}),
    (("k_sam", {**RHO, "gamma": 1.0}), SAM, {}),
    (("layer_sam", RHO), SAM, {"model": OneTensor}),
    (("look_layer_sam", {**RHO, "k": 1}), ("layer_sam", RHO), {}),
    (("look_layer_sam", {**RHO, "k": 3}), ("looksam", {**RHO, "k": 3}), {"model": OneTensor}),
    (("m_sam", {"inner": SAM, "size": 8}), SAM, {}),
    (("m_sam", {"inner": PLAIN, "size": 2}), PLAIN, {}),
    (("gc_sam", RHO), SAM, {"model": Vectors}),
    (("asam", RHO), SAM, {"model": Vectors}),  # no tensor is called a weight
    (("async_sam", {**RHO, "tau": 0}), SAM, {}),
    (("s2_sam", {"rho": 0.0}), PLAIN, {}),
    (("sagm", {**RHO, "alpha": 0.0}), ("gnp", {**RHO, "alpha": 0.5}), {}),
    (("tilted_sam", {**RHO, "radius": 0.0}), SAM, {}),
    (("tilted_sam", {**RHO, "sigma": 0.0, "n": 1}), SAM, {}),
    (("late_sam", {**RHO, "start": 0.0}), SAM, {}),
    (("late_sam", {**RHO, "start": 1.0}), PLAIN, {}),
    (("late_sam", {"inner": PLAIN, "start": 0.0, "every": 3}), PLAIN, {}),
    (
        ("late_sam", {**RHO, "inner": ("looksam", {"k": 2}), "start": 0.0}),
        ("looksam", {**RHO, "k": 2}),
        {},
    ),
    (("le_sam", {"sigma": 1e6, "rho_max": 0.1, "warmup": 0.0, "anneal": 0.0}), SAM, {}),
]
"""a variant, the one that it reduces to; bases, model and tolerance where they are not usual"""


def make(call: tuple[str, dict[str, Any]]) -> variants.Variant:
    name, given = call
    return variants.create(name, **{k: make(v) if k == "inner" else v for k, v in given.items()})


def gap(found: Run, wanted: Run) -> float:
    """Largest difference of weights, relative to the largest weight."""
    left, right = found.weights(), wanted.weights()
    size = max(float(t.abs().max()) for t in right.values())
    return max(float((left[n] - t).abs().max()) for n, t in right.items()) / size


CASES = [
    pytest.param(
        left,
        right,
        base,
        rest.get("model", Tiny),
        rest.get("within", EXACT),
        id=f"{left[0]}-{right[0]}-{base.__name__}-{i}",
    )
    for i, (left, right, rest) in enumerate(SAME)
    for base in rest.get("bases", [sgd, adamw])
]


@pytest.mark.parametrize(("left", "right", "base", "model", "within"), CASES)
def test_reduces_to(left, right, base, model, within):
    found = Run(make(left), base, model=model()).step(STEPS)
    wanted = Run(make(right), base, model=model()).step(STEPS)
    assert gap(found, wanted) < within


def test_tensor_sum_is_twice_the_mean():
    """The summed gradient is the mean's at twice the learning rate, without weight decay."""

    def rate(lr: float):
        return lambda model: torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)

    summed = Run(make(("tensor_sum_sam", RHO)), rate(0.05)).step(STEPS)
    mean = Run(make(("tensor_sum_sam", {**RHO, "reduction": "mean"})), rate(0.1)).step(STEPS)
    assert gap(summed, mean) < EXACT


INVARIANT = ["sam", "asam", "gsam", "wsam", "friendly_sam", "vasso", "cr_sam", "gnp", "sam_on"]
INVARIANT += ["asam_on", "multi_step_sam", "stable_sam", "tensor_sum_sam", "looksam", "layer_sam"]
DEPENDENT = ["usam", "fisher_sam"]


@pytest.mark.parametrize("name", [*INVARIANT, *DEPENDENT])
def test_scale_of_the_loss(name):
    """Three times the loss at a third of the learning rate is the same run, or is not."""

    def rate(lr: float):
        return lambda model: torch.optim.SGD(model.parameters(), lr=lr)

    one = Run(make((name, {})), rate(0.06)).step(STEPS)
    three = Run(make((name, {})), rate(0.02)).step(STEPS, weight=3.0)
    within = STABILISED if name == "vasso" else EXACT
    assert (gap(three, one) < within) == (name in INVARIANT)


A, W, LR = 0.7, 1.3, 0.1
RHO_Q = 0.2


class Quadratic(nn.Module):
    """L(w) = a w^2 / 2 of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(W, dtype=torch.float64))

    def losses(self, rows: Any) -> torch.Tensor:
        return (A / 2 * self.weight.square()).expand(4)[rows]


def directions(
    variant: variants.Variant, steps: int, noise: Any = None
) -> list[tuple[float, float]]:
    """(w, direction) of each step of plain gradient descent."""
    model = Quadratic()
    base = torch.optim.SGD(model.parameters(), lr=LR)
    opt = variants.SharpnessAware(base, variant, model, total_steps=100, noise=noise)
    found = []
    for _ in range(steps):
        w = float(model.weight.detach())
        opt.step(model.losses, size=4)
        found.append((w, (w - float(model.weight.detach())) / LR))
    return found


def g(w: float) -> float:
    return A * w


def ascended(factor: float):
    """The gradient at w + factor * rho, for w > 0."""
    return lambda w, t: g(w + factor * RHO_Q)


R = {"rho": RHO_Q}
CLOSED: list[tuple[str, dict[str, Any], Any]] = [
    ("plain", {}, lambda w, t: g(w)),
    ("sam", R, ascended(1)),
    ("asam", {**R, "eta": 0.5}, lambda w, t: g(w + RHO_Q * (w + 0.5))),
    ("asam", {**R, "form": "davda"}, lambda w, t: g(w * (1 + RHO_Q))),
    ("gsam", {**R, "alpha": 0.4}, ascended(1)),  # in one dimension nothing is orthogonal
    ("wsam", {**R, "gamma": 0.9}, ascended(9)),
    ("wsam", {**R, "gamma": 0.9, "decouple": False}, ascended(9)),
    ("gnp", {**R, "alpha": 0.8}, ascended(0.8)),
    ("cr_sam", {**R, "gamma": 0.3, "beta": 0.2}, ascended(1 + 2 * 0.2)),
    (
        "gam",
        {**R, "rho_n": 0.3, "beta1": 0.6, "beta3": 0.4, "gamma": 0.1},
        lambda w, t: 0.6 * g(w + RHO_Q) + 0.4 * g(w + 0.3 + RHO_Q),
    ),
    ("usam", R, lambda w, t: g(w + RHO_Q * g(w))),
    ("fisher_sam", {**R, "eta": 2.0}, lambda w, t: g(w + RHO_Q / math.sqrt(1 + 2 * g(w) ** 2))),
    ("tensor_sum_sam", R, lambda w, t: g(w) + g(w + RHO_Q)),
    ("layer_sam", R, ascended(1)),
    ("multi_step_sam", {**R, "n_iters": 3, "step_mult": 0.3}, ascended(0.9)),
    ("multi_step_sam", {**R, "n_iters": 3, "step_mult": 0.5}, ascended(1)),
    ("stable_sam", R, lambda w, t: g(w)),
    ("vasso", {**R, "theta": 0.4}, ascended(1)),
    ("friendly_sam", {**R, "sigma": 0.5}, ascended(1)),
    ("looksam", {**R, "k": 3}, lambda w, t: g(w + RHO_Q) if t % 3 == 0 else g(w)),
    ("zsharp", R, ascended(1)),
    ("sam_on", R, lambda w, t: g(w)),
    ("eigen_sam", {**R, "freq": 3}, lambda w, t: g(w + RHO_Q * (g(w) if t < 3 else 1))),
    ("ae_sam", {**R, "lambda1": ALWAYS, "lambda2": ALWAYS}, ascended(1)),
    ("k_sam", {**R, "gamma": 0.5}, ascended(1)),
    ("gc_sam", R, ascended(1)),
    ("rst", {**R, "p": 1.0}, ascended(1)),
    ("esam", {**R, "beta": 1.0}, ascended(1)),
    ("asam_on", R, lambda w, t: g(w)),
    ("async_sam", R, lambda w, t: g(w) if t == 0 else g(w + RHO_Q)),
    ("ae_looksam", {**R, "lambda1": ALWAYS, "lambda2": ALWAYS}, ascended(1)),
    ("layer_sam", {**R, "form": "trust"}, lambda w, t: g(w * (1 + RHO_Q))),
    (
        "look_layer_sam",
        {**R, "k": 2},
        lambda w, t: g(w + RHO_Q) if t % 2 == 0 else g(w),
    ),
    ("m_sam", {"size": 2, "inner": ("sam", R)}, ascended(1)),
    (
        "le_sam",
        {"sigma": 0.1, "rho_max": 9.0, "warmup": 0.0, "anneal": 0.0},
        lambda w, t: g(w + 0.1 / g(w)),
    ),
    ("sparse_sam_f", {**R, "sparsity": 0.0, "share": 0.25}, ascended(1)),
    ("sparse_sam_d", {**R, "sparsity": 0.0}, ascended(1)),
    ("stable_sam", {**R, "ascent": "raw"}, lambda w, t: g(w)),
    ("bilateral_sam", {**R, "ratio": 0.5}, lambda w, t: g(w)),  # |ga| gd / |gd| is ga
    ("s2_sam", R, lambda w, t: g(w) if t == 0 else g(w + RHO_Q)),
    ("sagm", {**R, "alpha": 0.1}, lambda w, t: (g(w) + g(w + RHO_Q - 0.1 * g(w))) / 2),
    ("xsam", R, ascended(1)),  # in one dimension there is no plane to turn in
    (
        "late_sam",
        {**R, "start": 0.0, "every": 3},
        lambda w, t: g(w + RHO_Q) if t % 3 == 0 else g(w),
    ),
]
"""variant, hyperparameters, its direction at w > 0 in step t"""

CLOSED_CASES = [pytest.param(*c, id=f"{c[0]}-{i}") for i, c in enumerate(CLOSED)]
ADDS_1E_7 = ("vasso", "esam", "sparse_sam_f", "sparse_sam_d")


@pytest.mark.parametrize(("name", "hypers", "direction"), CLOSED_CASES)
def test_on_a_quadratic(name, hypers, direction):
    found = directions(make((name, hypers)), 6)
    errors = [abs(d - direction(w, t)) / abs(direction(w, t)) for t, (w, d) in enumerate(found)]
    assert max(errors) < (STABILISED if name in ADDS_1E_7 else FEW_DIGITS)


Z = [0.7, -1.1, 0.4]


def loss(w: float) -> float:
    return A / 2 * w * w


def frob(w: float, rho: float, lam: float) -> float:
    """lam / rho^2 times the sample covariance of losses and gradients."""
    at = [w + rho * z for z in Z]
    mean_l, mean_g = sum(map(loss, at)) / 3, sum(map(g, at)) / 3
    covariance = sum((loss(p) - mean_l) * (g(p) - mean_g) for p in at) / 2
    return g(w) + lam / rho**2 * covariance


def det(w: float, rho: float, lam: float, c: float) -> float:
    """lam times the gradient of S^-2 up to the chain factor 1 / rho^2; z uniform in [-c, c]."""
    at = [w + rho * c * (2 * u - 1) for u in (0.9, 0.2)]
    factors = [math.exp(-(loss(p) - loss(w)) / rho**2 / 2) for p in at]
    s = sum(factors) / 2
    return g(w) + lam / s**3 * sum(f * (g(p) - g(w)) for f, p in zip(factors, at, strict=True)) / 2


def tilted(w: float, rho: float, tilt: float, radius: float) -> float:
    """Gradients at random points and rho beyond, by the exponential of their losses."""
    at = [w + max(-radius, min(radius, z)) + rho for z in Z]
    weights = [math.exp(tilt * loss(p)) for p in at]
    return sum(f * g(p) for f, p in zip(weights, at, strict=True)) / sum(weights)


RANDOM: list[tuple[str, dict[str, Any], list[float], Any]] = [
    ("frob_sam", {"rho": 0.3, "lam": 0.2, "n": 3}, Z, lambda w: frob(w, 0.3, 0.2)),
    ("trace_sam", {"rho": 0.3, "lam": 0.5, "n": 3}, Z, lambda w: g(w) + 0.5 * g(0.3 * sum(Z) / 3)),
    (
        "det_sam",
        {"rho": 0.8, "lam": 0.5, "n": 2, "half_cube_len": 0.6},
        [0.9, 0.2],
        lambda w: det(w, 0.8, 0.5, 0.6),
    ),
    (
        "tilted_sam",
        {"rho": 0.3, "tilt": 2.0, "n": 3, "radius": 0.5, "sigma": 1.0},
        Z,
        lambda w: tilted(w, 0.3, 2.0, 0.5),
    ),
    ("rwp", {"gamma": 0.1, "alpha": 0.6}, [-1.1], lambda w: g(w - 0.6 * 0.1 * 1.1 * w)),
    ("random_sam", {**R, "sigma": 0.1, "lam": 0.2}, [0.7], lambda w: g(w + RHO_Q)),
    ("random_sam", {**R, "sigma": 0.5, "lam": 0.01}, [-1.1], lambda w: g(w - RHO_Q)),
]
"""variant, hyperparameters, the draws of every step, its direction"""


@pytest.mark.parametrize(
    ("name", "hypers", "draws", "direction"),
    RANDOM,
    ids=[f"{c[0]}-{i}" for i, c in enumerate(RANDOM)],
)
def test_on_a_quadratic_with_known_noise(name, hypers, draws, direction):
    noise = [[torch.tensor([z], dtype=torch.float64) for z in draws]] * 4
    errors = [
        abs(d - direction(w)) / abs(direction(w))
        for w, d in directions(make((name, hypers)), 4, noise)
    ]
    assert max(errors) < FEW_DIGITS


def test_momentum_sam_on_a_quadratic():
    """v <- mu v + A (w - rho sign v), w <- w - lr v: it overshoots along the coming step."""
    model = Quadratic()
    base = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9)
    opt = variants.SharpnessAware(base, variants.create("momentum_sam", rho=RHO_Q), model)
    w, v = W, 0.0
    for t in range(6):
        opt.step(model.losses, size=4)
        v = 0.9 * v + g(w - (RHO_Q if t else 0.0))
        w -= LR * v
        assert float(model.weight.detach()) == pytest.approx(w, rel=EXACT)


def test_sampa_on_a_quadratic():
    """y = w - lr * g2, of the last g2; d = (1 - lam) A (w + rho) + lam A y."""
    found = directions(variants.create("sampa", rho=RHO_Q, lam=0.3), 6)
    g2 = g(W)
    for t, (w, d) in enumerate(found):
        if t:
            g2 = g(w - LR * g2)
        assert d == pytest.approx(g2 if t == 0 else 0.7 * g(w + RHO_Q) + 0.3 * g2, rel=FEW_DIGITS)


def test_every_variant_has_a_closed_form():
    """A new variant is listed here, or says why it has none."""
    have = {c[0] for c in CLOSED} | {c[0] for c in RANDOM} | {"momentum_sam", "sampa"}
    ours = {n for n in variants.names() if type(variants.create(n)).__module__[:9] == "variants."}
    assert ours <= have
