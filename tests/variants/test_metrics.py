"""`opt.last` against hand computation."""

import math

import pytest
import torch

NAMES = {"grad_norm", "grad_norm_perturbed", "cosine", "rise", "radius", "passes"}


def test_sam_by_hand(task):
    t = task()
    opt = t.driver("sam", rho=0.3)
    params = list(t.model.parameters())
    before, g = t.mean(), torch.cat([v.flatten() for v in torch.autograd.grad(t.mean(), params)])
    w = torch.nn.utils.parameters_to_vector(params).detach()
    torch.nn.utils.vector_to_parameters(w + 0.3 * g / g.norm(), params)
    after = t.mean()
    h = torch.cat([v.flatten() for v in torch.autograd.grad(after, params)])
    torch.nn.utils.vector_to_parameters(w, params)
    opt.step(t.losses)
    before, after = before.detach(), after.detach()
    expected = {
        "grad_norm": g.norm(),
        "grad_norm_perturbed": h.norm(),
        "cosine": g @ h / g.norm() / h.norm(),
        "rise": after - before,
        "radius": 0.3,
        "passes": 2.0,
    }
    assert {k: float(v) for k, v in opt.last.items()} == pytest.approx(
        {k: float(v) for k, v in expected.items()}, rel=1e-10
    )
    assert not any(isinstance(v, torch.Tensor) and v.requires_grad for v in opt.last.values())


def test_plain_has_no_perturbed_part(task):
    t = task()
    opt = t.driver("plain")
    assert opt.last.keys() == NAMES and opt.last["passes"] == 0
    opt.step(t.losses)
    last = {k: float(v) for k, v in opt.last.items()}
    assert {k for k, v in last.items() if math.isnan(v)} == NAMES - {"grad_norm", "passes"}
    assert last["passes"] == 1


@pytest.mark.parametrize(
    ("variant", "options", "passes"),
    [
        ("sam", {}, [2, 2]),
        ("looksam", {"k": 2}, [2, 1, 2]),
        ("esam", {"gamma": 0.5, "keep": "paper"}, [1 + 1 / 3 + 0.5]),
        ("esam", {"gamma": 0.5, "keep": "code"}, [1 + 1 / 3 + 3 / 8]),
        ("esam", {"gamma": 1.0}, [2]),
        ("tensor_sum_sam", {}, [2]),
    ],
)
def test_passes_are_counted(variant, options, passes, task):
    t = task()
    opt, forwards, counted = t.driver(variant, **options), [], []
    t.model.register_forward_hook(lambda m, args, out: forwards.append(len(out)))
    for _ in passes:
        opt.step(t.losses)
        counted.append(opt.last["passes"])
    assert counted == pytest.approx(passes)
    if options.get("keep") != "code":
        declared = opt.variant.passes
        mean = {"looksam": sum(counted[:2]) / 2}.get(variant, counted[0])
        assert mean == pytest.approx(declared)


def test_a_skipped_step_shows_why(task):
    t = task()
    opt = t.driver("sam")
    opt.step(lambda rows: t.losses(rows) * float("nan"))
    assert not math.isfinite(opt.last["grad_norm"]) and opt.skipped == 1
