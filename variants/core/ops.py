"""Tree operations. Norms and inner products are global (over all tensors) and at least float32.

What ends in an underscore uses up its first operand: the result lies in its memory, and the tree
is empty afterwards. Gradients, noise and what a rule has made itself are its own to use up; the
weights, the momentum and the state are not.

The only way of a rule to `torch._foreach_*`, which has no rule under `torch.vmap`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor
from torch._C._functorch import is_functorch_wrapped_tensor

from variants.core import shards
from variants.core.protocol import Real, State, Tree

TINY = 1e-12  # keeps 0 / 0 out of a normalisation; the published codes use 0 to 1e-7


class Measured(Tree):
    """A tree that knows its norm.

    kept: whether somebody else needs it still, so that it cannot be used up. Other trees with some
        of its tensors do not know that: no rule uses them up
    """

    def __init__(self, tree: Tree, length: Tensor, *, kept: bool = False) -> None:
        super().__init__(tree)
        self.length = length
        self.kept = kept


def measured(tree: Tree, *, kept: bool = False) -> Measured:
    """`tree`, with its norm: what asks for that again need not compute it."""
    return Measured(tree, norm(tree), kept=kept)


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


def _fits(factor: Real, tensors: Sequence[Tensor]) -> bool:
    """Whether tensors may be multiplied by it as they are, without a change of type."""
    return not isinstance(factor, Tensor) or all(t.dtype == factor.dtype for t in tensors)


def _fused(factor: Real, tensors: Sequence[Tensor]) -> bool:
    """Whether foreach kernels apply to them and a factor."""
    given = [factor] if isinstance(factor, Tensor) else []
    return bool(tensors) and _plain([*tensors, *given]) and _fits(factor, tensors)


def _kept(tree: Tree) -> bool:
    return isinstance(tree, Measured) and tree.kept


def _in_place(tree: Tree, work: Callable[[list[Tensor]], object]) -> Tree:
    result = dict(tree)
    work(list(result.values()))
    tree.clear()
    return result


def each(rule: Callable[..., Tensor], tree: Tree, *others: Mapping[str, Real]) -> Tree:
    """Applies `rule` to every tensor of `tree` and those of the same name in `others`."""
    return {name: rule(t, *(o[name] for o in others)) for name, t in tree.items()}


def each_(rule: Callable[..., Tensor], tree: Tree, *others: Mapping[str, Real]) -> Tree:
    """As `each`, of a rule that makes new tensors; lets go of each old one as soon as it can."""
    if _kept(tree):
        return each(rule, tree, *others)
    return {name: rule(tree.pop(name), *(o[name] for o in others)) for name in list(tree)}


def scale(tree: Tree, factor: Real) -> Tree:
    """factor * tree"""
    tensors = list(tree.values())
    if not _fused(factor, tensors):
        return each(_times(factor), tree)
    return dict(zip(tree, torch._foreach_mul(tensors, factor), strict=True))


def scale_(tree: Tree, factor: Real) -> Tree:
    """factor * tree; uses up `tree`."""
    if _kept(tree):
        return scale(tree, factor)
    tensors = list(tree.values())
    if not _fused(factor, tensors) or any(_wide(t) is not t for t in tensors):
        return each_(_times(factor), tree)  # in place, a Python number is rounded to 16 bits first
    return _in_place(tree, lambda tensors: torch._foreach_mul_(tensors, factor))


def _times(factor: Real) -> Callable[[Tensor], Tensor]:
    return lambda t: (_wide(t) * factor).to(t.dtype)


def times(a: Tree, b: Mapping[str, Tensor]) -> Tree:
    """a * b, entry by entry, over the names of `a`"""
    left, right = list(a.values()), [b[name] for name in a]
    if not _multiplies(left, right):
        return each(_product, a, b)
    return dict(zip(a, torch._foreach_mul(left, right), strict=True))


def times_(a: Tree, b: Mapping[str, Tensor]) -> Tree:
    """As `times`; uses up `a`."""
    right = [b[name] for name in a]
    if _kept(a):
        return times(a, b)
    if not _multiplies(list(a.values()), right):
        return each_(_product, a, b)
    return _in_place(a, lambda left: torch._foreach_mul_(left, right))


def _multiplies(left: Sequence[Tensor], right: Sequence[Tensor]) -> bool:
    """Whether foreach kernels multiply them, into the types of `left`."""
    return bool(left) and _plain([*left, *right]) and all(_wide(t) is t for t in left)


def _product(x: Tensor, y: Tensor) -> Tensor:
    return (_wide(x) * y).to(x.dtype)


def magnitudes(tree: Tree) -> Tree:
    """|t|, entry by entry"""
    tensors = list(tree.values())
    if not tensors or not _plain(tensors):
        return each(torch.abs, tree)
    return dict(zip(tree, torch._foreach_abs(tensors), strict=True))


def shift_(tree: Tree, by: Real) -> Tree:
    """t + by, entry by entry; uses up `tree`."""
    tensors = list(tree.values())
    if _kept(tree) or not _fused(by, tensors) or any(_wide(t) is not t for t in tensors):
        return each_(lambda t: (_wide(t) + by).to(t.dtype), tree)
    return _in_place(tree, lambda tensors: torch._foreach_add_(tensors, by))


def add(a: Tree, b: Tree, factor: Real = 1.0) -> Tree:
    """a + factor * b, over the names of `a`"""
    left, right = list(a.values()), [b[name] for name in a]
    if not _fused(factor, [*left, *right]):
        return each(_plus(factor), a, b)
    if isinstance(factor, Tensor):
        made = torch._foreach_addcmul(left, right, [factor] * len(left))
    else:
        made = torch._foreach_add(left, right, alpha=factor)
    return dict(zip(a, made, strict=True))


def add_(a: Tree, b: Tree, factor: Real = 1.0) -> Tree:
    """a + factor * b, over the names of `a`; uses up `a`."""
    right = [b[name] for name in a]
    if _kept(a):
        return add(a, b, factor)
    if not _fused(factor, [*a.values(), *right]):
        return each_(_plus(factor), a, b)
    if isinstance(factor, Tensor):
        factors = [factor] * len(right)
        return _in_place(a, lambda left: torch._foreach_addcmul_(left, right, factors))
    return _in_place(a, lambda left: torch._foreach_add_(left, right, alpha=factor))


def _plus(factor: Real) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, y: (x + factor * _wide(y)).to(x.dtype)


def sub(a: Tree, b: Tree) -> Tree:
    """a - b"""
    return add(a, b, -1.0)


def norm(tree: Tree) -> Tensor:
    """|tree|, the l2 norm over all its tensors as a 0-d tensor; 0 for an empty tree."""
    if isinstance(tree, Measured):
        return tree.length
    return shards.whole(torch.linalg.vector_norm(_norms(tree)))


def norms(tree: Tree) -> Tensor:
    """(tensors,) the l2 norm of each."""
    return shards.whole(_norms(tree))


def _norms(tree: Tree) -> Tensor:
    tensors = list(tree.values())
    if not tensors:
        return torch.zeros(0)
    if not _plain(tensors):
        return torch.stack([torch.linalg.vector_norm(_wide(t)) for t in tensors])
    low = any(t.dtype in (torch.float16, torch.bfloat16) for t in tensors)
    return torch.stack(list(torch._foreach_norm(tensors, 2, dtype=torch.float32 if low else None)))


def dot(a: Tree, b: Tree) -> Tensor:
    """<a, b> over the names of `a`, a 0-d tensor."""
    if not a:
        return torch.zeros(())
    sums = torch.stack([(_wide(t) * _wide(b[name])).sum() for name, t in a.items()])
    return shards.whole(sums.sum())


def reciprocal(n: Tensor, tiny: float = TINY) -> Tensor:
    """1 / (n + tiny), and 0 where the norm `n` is zero or not finite: no perturbation then."""
    return torch.nan_to_num((n + tiny).reciprocal() * (n > 0), nan=0.0, posinf=0.0)


def ball(tree: Tree, rho: Real, *, tiny: float = TINY) -> Tree:
    """rho * tree / |tree|: the boundary point of the l2 ball in the direction of `tree`."""
    return scale(tree, rho * reciprocal(norm(tree), tiny))


def ball_(tree: Tree, rho: Real, *, tiny: float = TINY) -> Tree:
    """As `ball`; uses up `tree`."""
    return scale_(tree, rho * reciprocal(norm(tree), tiny))


def balls(tree: Tree, rho: Real) -> Tree:
    """As `ball`, of each tensor by itself; `rho` may be (tensors,), a radius for each."""
    factors = rho * reciprocal(norms(tree))
    return times(tree, dict(zip(tree, factors.unbind(), strict=True)))


def settle_(part: Tree, whole: Tensor) -> Tree:
    """`part`, a remainder of what had the norm `whole`; uses it up.

    Zero where rounding alone is left, which has no direction.
    """
    eps = max((torch.finfo(t.dtype).eps for t in part.values()), default=0.0)
    length = norm(part)
    return scale_(part, (length > 16 * eps * whole).to(length.dtype))


def reject(a: Tree, b: Tree) -> Tree:
    """The part of `a` orthogonal to `b`: a - <a, b> / |b|^2 b; zero if they are parallel."""
    return settle_(add(a, b, -_share(a, b)), norm(a))


def reject_(a: Tree, b: Tree) -> Tree:
    """As `reject`; uses up `a`."""
    whole = norm(a)
    return settle_(add_(a, b, -_share(a, b)), whole)


def _share(a: Tree, b: Tree) -> Tensor:
    """<a, b> / |b|^2, and 0 where `b` has no direction."""
    inverse = reciprocal(norm(b), 0.0)  # |b|^2 of a small gradient would underflow
    return dot(a, b) * inverse * inverse


def zero(tree: Tree) -> Tensor:
    """A 0-d zero on the device of `tree`, at least float32."""
    like = next(iter(tree.values()))
    return _wide(torch.zeros((), dtype=like.dtype, device=like.device))


def total_(trees: Iterable[Tree]) -> Tree:
    """The sum of trees; uses up all but the first."""
    total: Tree = {}
    for tree in trees:  # `reduce` would hold the sum before
        total = add_(tree, total) if total else tree
    return total


def inverse_square(x: Real) -> Real:
    """1 / x^2, and 0 at 0: a radius of 0 has no difference quotient."""
    if isinstance(x, Tensor):
        return torch.where(x == 0, torch.zeros_like(x), x**-2)
    return x**-2 if x else 0.0


def mix(a: Tree, b: Tree, share: Real) -> Tree:
    """(1 - share) * a + share * b, over the names of `a`"""
    left, right = list(a.values()), [b[name] for name in a]
    if not _fused(share, [*left, *right]):
        return each(_between(share), a, b)
    return dict(zip(a, torch._foreach_lerp(left, right, _weight(share, left)), strict=True))


def mix_(a: Tree, b: Tree, share: Real) -> Tree:
    """As `mix`; uses up `a`."""
    right = [b[name] for name in a]
    if _kept(a):
        return mix(a, b, share)
    if not _fused(share, [*a.values(), *right]):
        return each_(_between(share), a, b)
    weight = _weight(share, right)
    return _in_place(a, lambda left: torch._foreach_lerp_(left, right, weight))


def _between(share: Real) -> Callable[[Tensor, Tensor], Tensor]:
    def between(x: Tensor, y: Tensor) -> Tensor:
        wide = _wide(x)
        own = share.to(wide.dtype) if isinstance(share, Tensor) else share
        return torch.lerp(wide, _wide(y), own).to(x.dtype)

    return between


def _weight(share: Real, tensors: Sequence[Tensor]) -> float | list[Tensor]:
    return [share] * len(tensors) if isinstance(share, Tensor) else share


def choose(flag: Tensor, a: Tree, b: Tree) -> Tree:
    """`a` where the 0-d `flag` holds, else `b`."""
    return {name: torch.where(flag, t, b[name]) for name, t in a.items()}


def where(flag: Tensor, tree: Tree) -> Tree:
    """`tree` where the 0-d `flag` holds, else zeros."""
    return {name: torch.where(flag, t, torch.zeros_like(t)) for name, t in tree.items()}
