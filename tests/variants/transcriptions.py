"""SAM variants once more, as their papers write them: naive torch on one flat vector of weights.

Written from the equations alone, without looking into `variants/`, and imports nothing of it. Each
rule takes a `Step` and its hyperparameters, and returns the direction for the base optimizer.
Where a paper leaves something open, the convention that the variant's docstring states is noted.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

TINY = 1e-12


class Problem:
    """Per-sample losses and mean gradients of a model's batches as functions of a flat vector."""

    def __init__(self, model: nn.Module, x: Tensor, y: Tensor) -> None:
        self.model, self.x, self.y = model, x, y
        self.names = [n for n, _ in model.named_parameters()]
        self.shapes = [p.shape for p in model.parameters()]
        self.start = torch.cat([p.detach().reshape(-1) for p in model.parameters()])

    def parts(self, v: Tensor) -> list[Tensor]:
        pieces = v.split([math.prod(s) for s in self.shapes])
        return [piece.reshape(s) for piece, s in zip(pieces, self.shapes, strict=True)]

    def losses(self, w: Tensor, t: int, rows: Tensor | None = None) -> Tensor:
        x, y = self.x[t], self.y[t]
        if rows is not None:
            x, y = x[rows], y[rows]
        weights = dict(zip(self.names, self.parts(w), strict=True))
        return F.cross_entropy(functional_call(self.model, weights, (x,)), y, reduction="none")

    def gradient(self, w: Tensor, t: int, rows: Tensor | None = None) -> Tensor:
        w = w.clone().requires_grad_(True)
        (g,) = torch.autograd.grad(self.losses(w, t, rows).mean(), w)
        return g


class SGD:
    def __init__(self, lr: float = 0.1, momentum: float = 0.9, weight_decay: float = 5e-4) -> None:
        self.lr, self.mu, self.wd = lr, momentum, weight_decay
        self.v: Tensor | float = 0.0

    def step(self, w: Tensor, d: Tensor) -> Tensor:
        self.v = self.mu * self.v + d + self.wd * w
        return w - self.lr * self.v


class AdamW:
    def __init__(self, lr: float = 0.01, weight_decay: float = 0.01) -> None:
        self.lr, self.wd, self.t = lr, weight_decay, 0
        self.m: Tensor | float = 0.0
        self.u: Tensor | float = 0.0

    def step(self, w: Tensor, d: Tensor) -> Tensor:
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * d
        self.u = 0.999 * self.u + 0.001 * d * d
        m, u = self.m / (1 - 0.9**self.t), self.u / (1 - 0.999**self.t)
        return w * (1 - self.lr * self.wd) - self.lr * m / (u.sqrt() + 1e-8)


class Step:
    """What a rule sees of step t = 0, 1, ... of T: w, and a memory of its own."""

    def __init__(self, problem: Problem, w: Tensor, t: int, total: int, memory: dict) -> None:
        self.problem, self.w, self.t, self.total, self.memory = problem, w, t, total, memory
        self.size = len(problem.y[t])
        self.draws: list[Tensor] = []
        """recorded noise of this step, flat, in the order of the draws"""

    def g(self, e: Tensor | float = 0.0, rows: Tensor | None = None) -> Tensor:
        return self.problem.gradient(self.w + e, self.t, rows)

    def losses(self, e: Tensor | float = 0.0, rows: Tensor | None = None) -> Tensor:
        return self.problem.losses(self.w + e, self.t, rows)

    def hessian_times(self, v: Tensor) -> Tensor:
        w = self.w.clone().requires_grad_(True)
        loss = self.problem.losses(w, self.t).mean()
        (g,) = torch.autograd.grad(loss, w, create_graph=True)
        return torch.autograd.grad(g @ v, w)[0]

    def each(self, rule: Callable[..., Tensor], *vectors: Tensor) -> Tensor:
        """Applies a rule tensor by tensor."""
        tensors = zip(*map(self.problem.parts, vectors), strict=True)
        return torch.cat([rule(*v).reshape(-1) for v in tensors])


class Part(Step):
    """A step that sees some rows of the batch only."""

    def __init__(self, whole: Step, rows: Tensor) -> None:
        super().__init__(whole.problem, whole.w, whole.t, whole.total, whole.memory)
        self.size, self._rows = len(rows), rows

    def g(self, e: Tensor | float = 0.0, rows: Tensor | None = None) -> Tensor:
        return super().g(e, self._rows if rows is None else self._rows[rows])


Rule = Callable[..., Tensor]


def train(
    problem: Problem, base: SGD | AdamW, rule: Rule, steps: int, total: int, draws: dict, **hypers
) -> Tensor:
    """The weights after some steps. draws: (step, call) -> recorded noise."""
    w, memory = problem.start, {}
    for t in range(steps):
        step = Step(problem, w, t, total, memory)
        step.draws = [v for (at, _), v in sorted(draws.items()) if at == t]
        w = base.step(w, rule(step, **hypers))
    return w


def unit(v: Tensor) -> Tensor:
    return v / (v.norm() + TINY)


def plain(s: Step) -> Tensor:
    return s.g()


def sam(s: Step, rho: float) -> Tensor:
    return s.g(rho * unit(s.g()))


def gnp(s: Step, rho: float, alpha: float) -> Tensor:
    """1.16: the penalty lambda |grad L| by a finite difference, alpha = lambda / rho."""
    g = s.g()
    return (1 - alpha) * g + alpha * s.g(rho * unit(g))


def tensor_sum_sam(s: Step, rho: float, mean: bool = False) -> Tensor:
    """1.33: every tensor its own unit ascent; the gradients are summed."""
    g = s.g()
    d = g + s.g(s.each(lambda gi: rho * unit(gi), g))
    return d / 2 if mean else d


def ae_trigger(s: Step, g: Tensor, delta: float, lambda1: float, lambda2: float) -> bool:
    """1.14: q >= mu + c_t sqrt(var). Steps count from 0; mu and var start at 0 (docstring)."""
    q = float(g.square().sum())
    m = s.memory
    m["mu"] = delta * m.get("mu", 0.0) + (1 - delta) * q
    m["var"] = delta * m.get("var", 0.0) + (1 - delta) * (q - m["mu"]) ** 2
    c = s.t / s.total * lambda1 + (1 - s.t / s.total) * lambda2
    fires = q >= m["mu"] + c * math.sqrt(m["var"])
    m["fired"] = m.get("fired", 0) + fires
    return fires


def ae_sam(s: Step, rho: float, delta: float, lambda1: float, lambda2: float) -> Tensor:
    g = s.g()
    return s.g(rho * unit(g)) if ae_trigger(s, g, delta, lambda1, lambda2) else g


def reuse(s: Step, g: Tensor, alpha: float) -> Tensor:
    """LookSAM between refreshes: g + alpha |g| v; v = 0 before the first refresh (docstring)."""
    v = s.memory.get("v")
    return g if v is None else g + alpha * g.norm() * v


def refresh(s: Step, g: Tensor, e: Tensor) -> Tensor:
    """LookSAM's SAM step: keeps the unit of the part of gs that is orthogonal to g."""
    gs = s.g(e)
    s.memory["v"] = unit(gs - (gs @ g) / (g @ g) * g)
    return gs


def ae_looksam(
    s: Step, rho: float, alpha: float, delta: float, lambda1: float, lambda2: float
) -> Tensor:
    g = s.g()
    if ae_trigger(s, g, delta, lambda1, lambda2):
        return refresh(s, g, rho * unit(g))
    return reuse(s, g, alpha)


def rst(s: Step, rho: float, p: float, alpha: float = 1.0) -> Tensor:
    """1.15: with probability p the mix of SAM (alpha = 1) or G-RST; a uniform draw decides."""
    g = s.g()
    if float(s.draws[0]) >= p:
        return g
    return (1 - alpha) * g + alpha * s.g(rho * unit(g))


def k_sam(s: Step, rho: float, gamma: float) -> Tensor:
    """1.24: both gradients on the k samples of highest loss, k = gamma * batch."""
    rows = s.losses().argsort(descending=True)[: int(gamma * s.size)]
    return s.g(rho * unit(s.g(rows=rows)), rows=rows)


def layered(s: Step, g: Tensor, rho: float, trust: bool) -> Tensor:
    """1.30: each tensor ascends by rho / sqrt(T), or by rho |w_i|."""
    if trust:
        return s.each(lambda gi, wi: rho * wi.norm() * unit(gi), g, s.w)
    return s.each(lambda gi: rho / math.sqrt(len(s.problem.shapes)) * unit(gi), g)


def layer_sam(s: Step, rho: float, trust: bool = False) -> Tensor:
    return s.g(layered(s, s.g(), rho, trust))


def look_layer_sam(s: Step, rho: float, k: int, alpha: float, trust: bool = False) -> Tensor:
    """1.6: LookSAM with the layer-wise ascent; refreshes at steps 0, k, 2k, ... (docstring)."""
    g = s.g()
    if s.t % k == 0:
        return refresh(s, g, layered(s, g, rho, trust))
    return reuse(s, g, alpha)


def m_sam(s: Step, size: int, inner: Callable[["Step"], Tensor]) -> Tensor:
    """1.34: a rule on each micro-batch of `size` samples, averaged over samples."""
    d = torch.zeros_like(s.w)
    for rows in torch.arange(s.size).split(size):
        d = d + len(rows) / s.size * inner(Part(s, rows))
    return d


def vasso(s: Step, rho: float, theta: float) -> Tensor:
    """1.19, with the 1e-7 of the authors' code."""
    g = s.g()
    d = s.memory["d"] = (1 - theta) * s.memory["d"] + theta * g if s.t else g
    return s.g(rho * d / (d.norm() + 1e-7))


def centralized(v: Tensor) -> Tensor:
    """Minus the mean over all dimensions but the first (output); vectors stay."""
    return v - v.mean(dim=tuple(range(1, v.ndim)), keepdim=True) if v.ndim > 1 else v


def gc_sam(s: Step, rho: float, descent: bool = True) -> Tensor:
    """1.36: both gradients centralised, the first before its norm is taken."""
    ga = s.g(rho * unit(s.each(centralized, s.g())))
    return s.each(centralized, ga) if descent else ga


def async_sam(s: Step, rho: float, tau: int = 1) -> Tensor:
    """1.36: the ascent follows the gradient of tau steps ago; none yet is no ascent."""
    past = s.memory.setdefault("past", [])
    past.append(s.g())
    return s.g(rho * unit(past[s.t - tau])) if s.t >= tau else past[-1]


def le_sam(
    s: Step, sigma: float, rho_max: float, warmup: float = 0.0, anneal: float = 0.0
) -> Tensor:
    """1.36: rho_t = min(sigma_t / |g|, rho_max); sigma_t rises linearly, falls as a cosine."""
    g = s.g()
    progress = s.t / s.total
    if progress < warmup:
        sigma = sigma * progress / warmup
    if progress > 1 - anneal:
        sigma = sigma * (1 + math.cos(math.pi * (progress - 1 + anneal) / anneal)) / 2
    return s.g(min(sigma / float(g.norm()), rho_max) * unit(g))


def bilateral_sam(s: Step, rho: float, ratio: float) -> Tensor:
    """SAM's gradient, plus g less the descended gradient at the ascended one's length."""
    g = s.g()
    up, down = s.g(rho * unit(g)), s.g(-ratio * rho * unit(g))
    return up + (g - up.norm() / down.norm() * down)


def s2_sam(s: Step, rho: float) -> Tensor:
    """The ascent follows what the last step went by; none yet is no ascent."""
    last = s.memory.get("last")
    s.memory["last"] = s.g() if last is None else s.g(rho * unit(last))
    return s.memory["last"]


def tilted_sam(s: Step, rho: float, tilt: float, n: int, radius: float, sigma: float) -> Tensor:
    """Exponentially tilted mean over n points, each a clipped Gaussian and a SAM step from it."""
    points, levels = [], []
    for z in s.draws[:n]:
        noise = sigma * z
        if noise.norm() > radius:
            noise = radius * z / z.norm()
        points.append(noise + rho * unit(s.g(noise)))
        levels.append(math.exp(tilt * float(s.losses(points[-1]).mean())))
    parts = zip(levels, points, strict=True)
    return sum((p / sum(levels) * s.g(e) for p, e in parts), torch.zeros_like(s.w))


def sagm(s: Step, rho: float, alpha: float) -> Tensor:
    """L(w) + L_p(w - alpha grad L(w)), halved."""
    g = s.g()
    return (g + s.g(rho * unit(g) - alpha * g)) / 2


def xsam(
    s: Step, rho: float, n_iters: int, reach: float, alpha_max: float, points: int, freq: int
) -> Tensor:
    """Slerp of the ascent (alpha = 0) and the last gradient (1), at that gradient's length."""
    e = torch.zeros_like(s.w)
    for _ in range(n_iters):
        e = e + rho / n_iters * unit(s.g(e))
    last = s.g(e)
    v0, v1 = unit(e), unit(last)
    angle = math.acos(float(v0 @ v1))

    def turned(alpha: float) -> Tensor:
        shares = math.sin((1 - alpha) * angle), math.sin(alpha * angle)
        return (shares[0] * v0 + shares[1] * v1) / math.sin(angle)

    if s.t % freq == 0:
        tried = [i * alpha_max / (points - 1) for i in range(points)]
        height = {a: float(s.losses(reach * rho * turned(a)).mean()) for a in tried}
        s.memory["alpha"] = max(tried, key=height.__getitem__)
    return last.norm() * turned(s.memory["alpha"])


def late_sam(s: Step, start: float, every: int, inner: Callable[["Step"], Tensor]) -> Tensor:
    """A rule from a share of the run on, at every few steps; else the bare gradient."""
    taken = s.t - round(start * s.total)
    if taken < 0 or taken % every:
        return s.g()
    return inner(s)


def largest(v: Tensor, count: int) -> Tensor:
    """1 at the `count` largest entries."""
    mask = torch.zeros_like(v)
    mask[v.argsort(descending=True)[:count]] = 1
    return mask


def sparse_sam(s: Step, rho: float, mask: Tensor) -> Tensor:
    """1.12: the norm is that of the full gradient; 1e-7 as in the authors' code."""
    g = s.g()
    return s.g(rho * mask * g / (g.norm() + 1e-7))


def sparse_sam_f(s: Step, rho: float, sparsity: float, update_freq: int, samples: int) -> Tensor:
    """1.12, F: the mask is the top of the summed squares of single-sample gradients.

    The samples are the first of the batch, the mask is fresh when it is used (docstring).
    """
    if s.t % update_freq == 0:
        fisher = sum(s.g(rows=torch.tensor([j])).square() for j in range(samples))
        s.memory["mask"] = largest(fisher, len(s.w) - math.ceil(len(s.w) * sparsity))
    return sparse_sam(s, rho, s.memory["mask"])


def sparse_sam_with(s: Step, rho: float, masks: list[Tensor]) -> Tensor:
    """1.12, D: the mask of each step is given; how it changes is checked by itself."""
    return sparse_sam(s, rho, masks[s.t])


def esam(s: Step, rho: float, beta: float, gamma: float, less: int) -> Tensor:
    """1.3: SWP per tensor, SDS on the largest rises; `less` is 1 in the authors' code."""
    g, before = s.g(), s.losses()
    kept = torch.cat(
        [(u < beta) * torch.ones_like(p).reshape(-1)
         for u, p in zip(s.draws[0], s.problem.parts(g), strict=True)]
    )  # fmt: skip
    e = rho / beta * kept * g / ((kept * g).norm() + 1e-7)
    rise = s.losses(e) - before
    return s.g(e, rows=rise.argsort(descending=True)[: int(gamma * s.size) - less])


def friendly_sam(s: Step, rho: float, sigma: float, lam: float) -> Tensor:
    """1.9, the paper: m is updated first, from 0 (docstring)."""
    g = s.g()
    s.memory["m"] = lam * s.memory.get("m", torch.zeros_like(g)) + (1 - lam) * g
    return s.g(rho * unit(g - sigma * s.memory["m"]))


def trace_sam(s: Step, rho: float, lam: float) -> Tensor:
    """1.17, the paper: directions on the unit sphere."""
    g = s.g()
    return g + lam * sum(s.g(rho * unit(z)) - g for z in s.draws) / len(s.draws)


def eigen_sam(s: Step, rho: float, alpha: float, freq: int) -> Tensor:
    """1.21, the paper: v is there from the first step, by 5 power iterations from noise."""
    g = s.g()
    if s.t % freq == 0:
        v = s.memory.get("v", s.draws[0] if s.draws else None)
        for _ in range(5):
            v = unit(s.hessian_times(v))
        s.memory["v"] = v
    u, v = unit(g), s.memory["v"]
    return s.g(rho * (u + alpha * torch.sign(g @ v) * (v - (u @ v) * u)))


def zsharp(s: Step, rho: float, q: float) -> Tensor:
    """1.31, the paper: each tensor filtered, one global norm."""

    def outstanding(gi: Tensor) -> Tensor:
        if gi.numel() == 1:
            return torch.zeros_like(gi)
        z = ((gi - gi.mean()) / (gi.std() + TINY)).abs()
        return gi * (z > torch.quantile(z.reshape(-1), q))

    return s.g(rho * unit(s.each(outstanding, s.g())))


def rwp(s: Step, gamma: float, alpha: float) -> Tensor:
    """1.28: alpha grad L(w + n) + (1 - alpha) grad L(w), n filter-wise Gaussian."""
    return alpha * s.g(gamma * filterwise(s, s.draws[0])) + (1 - alpha) * s.g()


def filterwise(s: Step, z: Tensor) -> Tensor:
    """Noise times the norm of the filter (index of the first dimension) it falls on."""

    def scaled(zi: Tensor, wi: Tensor) -> Tensor:
        if wi.ndim < 2:
            return zi * wi.norm()
        return zi * wi.flatten(1).norm(dim=1).reshape(-1, *[1] * (wi.ndim - 1))

    return s.each(scaled, z, s.w)


def random_sam(s: Step, rho: float, sigma: float, lam: float) -> Tensor:
    """1.27: e = rho unit(n + lam grad L(w + n)), n filter-wise Gaussian."""
    n = sigma * filterwise(s, s.draws[0])
    return s.g(rho * unit(n + lam * s.g(n)))
