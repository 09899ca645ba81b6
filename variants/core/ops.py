"""Tree operations. Norms and inner products are global (over all tensors) and at least float32.

The only way of a rule to `torch._foreach_*`, which has no rule under `torch.vmap`.
"""

from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from variants.core import shards
from variants.core.protocol import Real, State, Tree

TINY = 1e-12  # keeps 0 / 0 out of a normalisation; the published codes use 0 to 1e-7


class Measured(Tree):
    """A tree that knows its norm. Whoever changes its tensors makes a plain tree of it."""

    def __init__(self, tree: Tree, length: Tensor) -> None:
        super().__init__(tree)
        self.length = length


def measured(tree: Tree) -> Measured:
    """`tree`, with its norm: what asks for that again need not compute it."""
    return Measured(tree, norm(tree))


def unmeasured(state: State) -> State:
    """`state` with plain dicts for the trees in it: it lives on, and is stored."""
    return {k: unmeasured(v) if isinstance(v, dict) else v for k, v in state.items()}


def _plain(tensors: Sequence[Tensor]) -> bool:
    """Whether foreach kernels apply: eager tensors, not compiled and not wrapped by functorch."""
    if torch.compiler.is_compiling():
        return False
    return not any(map(is_functorch_wrapped_tensor, tensors))


def _wide(t: Tensor) -> Tensor:
    return t.float() if t.dtype in (torch.float16, torch.bfloat16) else t


def each(rule: Callable[..., Tensor], tree: Tree, *others: Tree) -> Tree:
    """Applies `rule` to every tensor of `tree` and those of the same name in `others`."""
    return {name: rule(t, *(o[name] for o in others)) for name, t in tree.items()}


def scale(tree: Tree, factor: Real) -> Tree:
    """factor * tree"""
    tensors = list(tree.values())
    if not tensors or not _plain([*tensors, *([factor] if isinstance(factor, Tensor) else [])]):
        return {name: (_wide(t) * factor).to(t.dtype) for name, t in tree.items()}
    if isinstance(factor, Tensor) and any(t.dtype != factor.dtype for t in tensors):
        return {name: (_wide(t) * factor).to(t.dtype) for name, t in tree.items()}
    return dict(zip(tree, torch._foreach_mul(tensors, factor), strict=True))


def scale_(tree: Tree, factor: Tensor) -> Tree:
    """tree *= factor, a 0-d tensor; returns it."""
    tensors = list(tree.values())
    if tensors and _plain(tensors) and all(t.dtype == factor.dtype for t in tensors):
        torch._foreach_mul_(tensors, factor)
    else:
        for t in tensors:
            t.copy_(_wide(t) * factor)
    return tree


def add(a: Tree, b: Tree, factor: Real = 1.0) -> Tree:
    """a + factor * b, over the names of `a`"""
    left, right = list(a.values()), [b[name] for name in a]
    if not left or isinstance(factor, Tensor) or not _plain([*left, *right]):
        pairs = zip(a, left, right, strict=True)
        return {n: (x + factor * _wide(y)).to(x.dtype) for n, x, y in pairs}
    return dict(zip(a, torch._foreach_add(left, right, alpha=factor), strict=True))


def sub(a: Tree, b: Tree) -> Tree:
    """a - b"""
    return add(a, b, -1.0)


def norm(tree: Tree) -> Tensor:
    """|tree|, the l2 norm over all its tensors as a 0-d tensor; 0 for an empty tree."""
    if isinstance(tree, Measured):
        return tree.length
    tensors = list(tree.values())
    if not tensors:
        return torch.zeros(())
    if _plain(tensors):
        low = any(t.dtype in (torch.float16, torch.bfloat16) for t in tensors)
        norms = torch._foreach_norm(tensors, 2, dtype=torch.float32 if low else None)
    else:
        norms = [torch.linalg.vector_norm(_wide(t)) for t in tensors]
    return shards.whole(torch.linalg.vector_norm(torch.stack(list(norms))))


def dot(a: Tree, b: Tree) -> Tensor:
    """<a, b> over the names of `a`, a 0-d tensor."""
    if not a:
        return torch.zeros(())
    sums = torch.stack([(_wide(t) * _wide(b[name])).sum() for name, t in a.items()])
    return shards.whole(sums.sum())


def reciprocal(n: Tensor, tiny: float = TINY) -> Tensor:
    """1 / (n + tiny), and 0 where the norm `n` is zero or not finite: no perturbation then."""
    return torch.where((n > 0) & torch.isfinite(n), 1 / (n + tiny), torch.zeros_like(n))


def ball(tree: Tree, rho: Real, *, tiny: float = TINY) -> Tree:
    """rho * tree / |tree|: the boundary point of the l2 ball in the direction of `tree`."""
    return scale(tree, rho * reciprocal(norm(tree), tiny))


def settle(part: Tree, whole: Tree) -> Tree:
    """`part`, a remainder of `whole`; zero where rounding alone is left, with no direction."""
    eps = max((torch.finfo(t.dtype).eps for t in whole.values()), default=0.0)
    kept = norm(part) > 16 * eps * norm(whole)
    return scale(part, kept.to(norm(part).dtype))


def reject(a: Tree, b: Tree) -> Tree:
    """The part of `a` orthogonal to `b`: a - <a, b> / |b|^2 b; zero if they are parallel."""
    inverse = reciprocal(norm(b), 0.0)  # |b|^2 of a small gradient would underflow
    return settle(add(a, b, -dot(a, b) * inverse * inverse), a)


def zero(tree: Tree) -> Tensor:
    """A 0-d zero on the device of `tree`, at least float32."""
    like = next(iter(tree.values()))
    return _wide(torch.zeros((), dtype=like.dtype, device=like.device))


def total(trees: Sequence[Tree]) -> Tree:
    """The sum of trees."""
    return reduce(add, trees)


def inverse_square(x: Real) -> Real:
    """1 / x^2, and 0 at 0: a radius of 0 has no difference quotient."""
    if isinstance(x, Tensor):
        return torch.where(x == 0, torch.zeros_like(x), x**-2)
    return x**-2 if x else 0.0


def mix(a: Tree, b: Tree, share: Real) -> Tree:
    """(1 - share) * a + share * b"""
    return add(scale(a, 1 - share), b, share)


def choose(flag: Tensor, a: Tree, b: Tree) -> Tree:
    """`a` where the 0-d `flag` holds, else `b`."""
    return {name: torch.where(flag, t, b[name]) for name, t in a.items()}


def where(flag: Tensor, tree: Tree) -> Tree:
    """`tree` where the 0-d `flag` holds, else zeros."""
    return {name: torch.where(flag, t, torch.zeros_like(t)) for name, t in tree.items()}
