"""Tree operations against their definitions, on every path, for every type."""

import pytest
import torch

from variants.core import ops

TYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def tree(dtype=torch.float64, seed=0, size=1.0):
    rng = torch.Generator().manual_seed(seed)
    shapes = {"a": (3, 2), "b": (4,), "c": ()}
    return {
        n: (torch.randn(s, generator=rng, dtype=torch.float64) * size).to(dtype)
        for n, s in shapes.items()
    }


def flat(t):
    return torch.cat([v.double().flatten() for v in t.values()])


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_types_are_kept_and_norms_are_at_least_float32(dtype):
    t = tree(dtype)
    for made in (
        ops.scale(t, 0.5),
        ops.scale(t, torch.tensor(0.5)),
        ops.add(t, t, 0.5),
        ops.ball(t, 0.1),
        ops.ball(t, torch.tensor(0.1)),
        ops.reject(t, tree(dtype, 1)),
        ops.times(t, tree(dtype, 1)),
        ops.times(t, tree(torch.float32, 1)),
        ops.balls(t, 0.1),
        ops.magnitudes(t),
        ops.shift_(ops.scale(t, 1.0), torch.tensor(0.5)),
    ):
        assert {n: v.dtype for n, v in made.items()} == dict.fromkeys(t, dtype)
    wide = torch.promote_types(dtype, torch.float32)
    assert ops.norm(t).dtype == ops.dot(t, t).dtype == wide
    torch.testing.assert_close(ops.norm(t).double(), flat(t).norm(), rtol=1e-6, atol=0)


def test_half_precision_norms_do_not_overflow_or_vanish():
    big = {"a": torch.full((100,), 6e4, dtype=torch.float16)}
    small = {"a": torch.full((100,), 6e-8, dtype=torch.float16)}
    assert float(ops.norm(big)) == pytest.approx(6e5, rel=1e-3)
    assert float(ops.norm(small)) == pytest.approx(6e-7, rel=0.1)


def test_definitions():
    a, b = tree(), tree(seed=1)
    fa, fb = flat(a), flat(b)
    cases = [
        (ops.scale(a, 3.0), 3 * fa),
        (ops.add(a, b), fa + fb),
        (ops.add(a, b, -0.5), fa - 0.5 * fb),
        (ops.add(a, b, torch.tensor(-0.5)), fa - 0.5 * fb),
        (ops.sub(a, b), fa - fb),
        (ops.ball(a, 0.3), 0.3 * fa / fa.norm()),
        (ops.reject(a, b), fa - (fa @ fb) / (fb @ fb) * fb),
        (ops.each(torch.mul, a, b), fa * fb),
        (ops.times(a, b), fa * fb),
        (ops.magnitudes(a), fa.abs()),
        (ops.shift_(ops.scale(a, 1.0), 0.3), fa + 0.3),
        *((ops.balls({n: t}, 0.3), 0.3 * flat({n: t}) / t.norm()) for n, t in a.items()),
        (
            ops.balls(a, 0.3 * ops.norms(b)),
            flat({n: a[n] / a[n].norm() * 0.3 * b[n].norm() for n in a}),
        ),
    ]
    for got, expected in cases:
        torch.testing.assert_close(flat(got), expected, rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(ops.dot(a, b), fa @ fb)
    assert not ops.norms({}).numel() and ops.norm({}) == 0
    still = {"a": torch.zeros(3), "b": torch.ones(2)}
    assert torch.equal(flat(ops.balls(still, 1.0)) > 0, flat(still) > 0)


def test_inputs_are_not_changed():
    a, b = tree(), tree(seed=1)
    fa, fb = flat(a), flat(b)
    made_of = (
        ops.add(a, b, 2.0), ops.scale(a, 2.0), ops.ball(a, 2.0), ops.reject(a, b),
        ops.times(a, b), ops.magnitudes(a), ops.balls(a, 2.0),
    )  # fmt: skip
    for made in made_of:
        made["a"].zero_()
    assert torch.equal(flat(a), fa) and torch.equal(flat(b), fb)


def shifted(a):
    wide = {n: t.to(torch.promote_types(t.dtype, torch.float32)) for n, t in a.items()}
    return {n: (t + 0.3).to(a[n].dtype) for n, t in wide.items()}


PAIRS = {
    "each": (lambda a, b: ops.each(torch.mul, a, b), lambda a, b: ops.each_(torch.mul, a, b)),
    "scale": (lambda a, b: ops.scale(a, 0.3), lambda a, b: ops.scale_(a, 0.3)),
    "scale, 0-d": (lambda a, b: ops.scale(a, THIRD), lambda a, b: ops.scale_(a, THIRD)),
    "add": (lambda a, b: ops.add(a, b, 0.3), lambda a, b: ops.add_(a, b, 0.3)),
    "add, 0-d": (lambda a, b: ops.add(a, b, THIRD), lambda a, b: ops.add_(a, b, THIRD)),
    "mix": (lambda a, b: ops.mix(a, b, 0.3), lambda a, b: ops.mix_(a, b, 0.3)),
    "mix, 0-d": (lambda a, b: ops.mix(a, b, THIRD), lambda a, b: ops.mix_(a, b, THIRD)),
    "ball": (lambda a, b: ops.ball(a, 0.3), lambda a, b: ops.ball_(a, 0.3)),
    "reject": (ops.reject, ops.reject_),
    "times": (ops.times, ops.times_),
    "shift": (lambda a, b: shifted(a), lambda a, b: ops.shift_(a, 0.3)),
}
"""forms that keep their operands, and those that use up the first"""
THIRD = torch.tensor(1 / 3, dtype=torch.float64)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("kept, used", PAIRS.values(), ids=PAIRS)
def test_forms_that_use_up_an_operand_give_the_same_bits(kept, used, dtype):
    a, b = tree(dtype), tree(dtype, seed=1)
    wanted = kept(a, b)
    found = used(a, b)
    assert wanted.keys() == found.keys() and not a
    assert all(torch.equal(found[n], wanted[n]) for n in wanted)
    assert all(torch.equal(t, tree(dtype, seed=1)[n]) for n, t in b.items())


@pytest.mark.parametrize("used", [pair[1] for pair in PAIRS.values()], ids=PAIRS)
def test_what_somebody_keeps_is_not_used_up(used):
    a, b = tree(), tree(seed=1)
    wanted = used(dict(tree()), b)
    kept = ops.measured(a, kept=True)
    found = used(kept, tree(seed=1))
    assert torch.equal(flat(kept), flat(tree()))
    assert torch.equal(flat(found), flat(wanted))


def test_a_result_lies_in_the_memory_of_what_was_used_up():
    for used in (
        "scale",
        "scale, 0-d",
        "add",
        "add, 0-d",
        "mix",
        "mix, 0-d",
        "ball",
        "reject",
        "times",
        "shift",
    ):
        a = tree()
        places = [t.data_ptr() for t in a.values()]
        assert [t.data_ptr() for t in PAIRS[used][1](a, tree(seed=1)).values()] == places


def test_total():
    trees = [tree(seed=i) for i in range(3)]
    expected = sum(map(flat, trees))
    torch.testing.assert_close(flat(ops.total_(iter(trees))), expected, rtol=1e-12, atol=1e-12)


def test_a_mixture_is_exact_at_its_ends():
    """Or a share of 1 would not be SAM."""
    for dtype in TYPES:
        a, b = tree(dtype), tree(dtype, seed=1, size=1e3)
        for one in (1.0, torch.ones((), dtype=torch.promote_types(dtype, torch.float32))):
            assert torch.equal(flat(ops.mix(a, b, one)), flat(b))
            assert torch.equal(flat(ops.mix(a, b, 0 * one)), flat(a))


def test_vmap_and_compile_give_the_same():
    def rule(a, b):
        mixed = ops.mix_(ops.add_(ops.scale(a, 1.0), b, 0.5), a, ops.norm(b) / 10)
        mixed = ops.times_(ops.balls(mixed, 2.0), ops.shift_(ops.magnitudes(b), 0.1))
        return ops.ball_(ops.reject_(mixed, b), 0.1)

    pairs = [(tree(seed=i), tree(seed=i + 9)) for i in range(3)]
    stacked = [{n: torch.stack([p[k][n] for p in pairs]) for n in pairs[0][0]} for k in (0, 1)]
    lanes = torch.vmap(rule)(*stacked)
    for i, (a, b) in enumerate(pairs):
        expected = flat(rule(a, b))
        torch.testing.assert_close(flat({n: v[i] for n, v in lanes.items()}), expected)


@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9])
def test_reject_is_orthogonal_for_small_gradients_too(size):
    """Gradients of a nearly interpolated batch are this small; |b|^2 drowns in any fixed floor."""
    a, b = tree(size=size), tree(seed=1, size=size)
    left = ops.reject(a, b)
    assert abs(float(ops.dot(left, b))) < 1e-6 * float(ops.norm(left) * ops.norm(b))


@pytest.mark.parametrize("value", [0.0, float("inf"), float("nan")])
def test_zero_or_nonfinite_norm_means_no_factor(value):
    assert float(ops.reciprocal(torch.tensor(value))) == 0
    zeros = {"a": torch.zeros(3)}
    assert not ops.ball(zeros, 0.1)["a"].any()
    assert torch.equal(ops.reject(tree(), ops.scale(tree(), 0.0))["a"], tree()["a"])


def test_a_norm_that_overflows_means_no_perturbation():
    assert not ops.ball({"a": torch.full((2,), 1e30), "b": torch.full((2,), 1e38)}, 0.1)["a"].any()


def test_empty_trees():
    assert ops.scale({}, 2.0) == ops.add({}, {}) == ops.ball({}, 1.0) == {}
    assert float(ops.norm({})) == float(ops.dot({}, {})) == 0
