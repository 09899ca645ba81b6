"""Noise is a function of (seed, step, call) and leaves torch's own generator alone."""

import numpy as np
import pytest
import torch

from variants import Update
from variants.driver import noise as _noise

LIKE = {"a": torch.zeros(2, 3), "b": torch.zeros((), dtype=torch.float64)}


def draw(seed=1, step=2, call=0, like=LIKE):
    return _noise.draw(torch.randn, like, seed=seed, step=step, call=call)


def same(a, b):
    return all(torch.equal(a[n], b[n]) for n in a)


def test_a_function_of_seed_step_and_call():
    first = draw()
    assert same(first, draw()) and list(first) == list(LIKE)
    assert all(first[n].shape == t.shape and first[n].dtype == t.dtype for n, t in LIKE.items())
    for other in ({"seed": 2}, {"step": 3}, {"call": 1}, {"seed": 12, "step": 0}):
        assert not same(first, draw(**other))
    assert not same(draw(seed=1, step=23), draw(seed=12, step=3))


def test_tensors_of_one_draw_differ():
    noise = draw(like={"a": torch.zeros(5), "b": torch.zeros(5)})
    assert not torch.equal(noise["a"], noise["b"])


def test_torch_s_generator_is_not_touched(task):
    t = task()
    opt = t.driver("esam")
    before = torch.get_rng_state()
    opt.step(t.losses)
    assert torch.equal(before, torch.get_rng_state())


def noisy(probe, seen):
    def rule(oracle, state):
        g = oracle.grad().grads
        seen.append([oracle.normal(g), oracle.uniform(g), oracle.normal(g)])
        return Update(g), state

    return probe(rule=rule)


def test_calls_are_counted_within_a_step_and_a_repeated_step_draws_again_the_same(task, probe):
    t, seen = task(), []
    opt = t.driver(noisy(probe, seen), options={"seed": 7})
    opt.step(t.losses)
    opt.step(lambda rows: t.losses(rows) * float("nan"))  # skipped: still step 1
    opt.step(t.losses)
    assert not same(seen[0][0], seen[0][2]) and not same(seen[0][0], seen[1][0])
    assert same(seen[1][0], seen[2][0])
    g = dict(t.model.named_parameters())
    assert same(seen[1][2], _noise.draw(torch.randn, g, seed=7, step=1, call=2))
    assert all(0 <= v.min() and v.max() < 1 for v in seen[0][1].values())


@pytest.mark.parametrize("form", ["function", "trees", "flat", "numpy"])
def test_recorded_draws_are_replayed(form, task, probe):
    t, seen, again = task(), [], []
    opt = t.driver(noisy(probe, seen))
    for _ in range(2):
        opt.step(t.losses)
    recorded = {
        "function": lambda step, call, like: seen[step][call],
        "trees": seen,
        "flat": torch.stack(
            [torch.stack([torch.cat([v.flatten() for v in d.values()]) for d in s]) for s in seen]
        ),
    }
    recorded["numpy"] = np.asarray(recorded["flat"])
    u = task()
    opt = u.driver(noisy(probe, again), options={"seed": 5, "noise": recorded[form]})
    for _ in range(2):
        opt.step(u.losses)
    assert all(
        same(a, b) for s, r in zip(seen, again, strict=True) for a, b in zip(s, r, strict=True)
    )
