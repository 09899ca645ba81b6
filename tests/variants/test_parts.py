"""Batches of a loader as one batch, and models in a list."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import variants

LENGTHS = [3, 1, 4]
VARIANTS = ["plain", "sam", "esam", "k_sam", "looksam", "m_sam"]


def bare():
    return nn.Linear(4, 3)


def cut(t):
    return list(zip(t.x.split(LENGTHS), t.y.split(LENGTHS), strict=True))


def losses_of(t):
    return lambda part: F.cross_entropy(t.model(part[0]), part[1], reduction="none")


@pytest.mark.parametrize("loops", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_parts_are_one_batch(variant, loops, task):
    """Also for rules that select rows, which come from several parts and in any order."""
    t, u = task(bare), task(bare)
    opt, whole = t.driver(variant), u.driver(variant)
    for _ in range(4):
        if loops:
            for part in opt.evaluations(parts=cut(t)):
                opt.loss(losses_of(t)(part)).backward()
        else:
            opt.step(losses_of(t), parts=cut(t))
        whole.step(u.losses, 8)
    for n, w in t.weights().items():
        torch.testing.assert_close(w, u.weights()[n], rtol=1e-12, atol=1e-12)
    assert opt.passes == whole.passes


def test_the_losses_come_in_the_order_of_the_rows(task):
    t = task(bare)
    expected = t.losses().detach()
    torch.testing.assert_close(t.driver("sam").step(losses_of(t), parts=cut(t)), expected)


FORMS = {
    "losses": lambda t, part: F.cross_entropy(t.model(part[0]), part[1], reduction="none"),
    "means": lambda t, part: F.cross_entropy(t.model(part[0]), part[1]),
}


@pytest.mark.parametrize("weights", [[2, 0, 5], torch.tensor([2.0, 0.0, 5.0])])
@pytest.mark.parametrize("form", FORMS)
def test_weights_are_of_the_means_of_parts(form, weights, task):
    t, u = task(bare), task(bare)
    opt, other = t.driver("sam"), u.driver("sam")
    for _ in range(3):
        opt.step(lambda part: FORMS[form](t, part), parts=cut(t), weights=weights)
        other.step(
            lambda: (2 * FORMS["means"](u, cut(u)[0]) + 5 * FORMS["means"](u, cut(u)[2])) / 7
        )
    for n, w in t.weights().items():
        torch.testing.assert_close(w, u.weights()[n], rtol=1e-12, atol=1e-12)


def test_parts_by_themselves_are_m_sharpness(task):
    t, u = task(bare), task(bare)
    opt = t.driver("sam", options={"accumulation": "m"})
    other = u.driver("sam", options={"accumulation": "m"})
    opt.step(losses_of(t), parts=[(t.x[:4], t.y[:4]), (t.x[4:], t.y[4:])])
    other.step(u.losses, 8, 4)
    assert all(torch.equal(w, u.weights()[n]) for n, w in t.weights().items())


def test_a_bare_loop_scales_its_parts_as_in_plain_training(task):
    t, u = task(bare), task(bare)
    opt, other = t.driver("sam"), u.driver("sam")
    for part in opt.evaluations(parts=cut(t)):
        (losses_of(t)(part).sum() / 8).backward()
    other.step(u.losses)
    for n, w in t.weights().items():
        torch.testing.assert_close(w, u.weights()[n], rtol=1e-12, atol=1e-12)


def test_dicts_and_what_shows_no_rows(task):
    t, u = task(bare), task(bare)
    opt, other = t.driver("k_sam"), u.driver("k_sam")

    def of(part):
        return F.cross_entropy(t.model(part["x"]), part["y"], reduction="none")

    opt.step(of, parts=[{"x": x, "y": y} for x, y in cut(t)])
    other.step(u.losses, 8)
    for n, w in t.weights().items():
        torch.testing.assert_close(w, u.weights()[n], rtol=1e-12, atol=1e-12)
    by_name = dict(enumerate(cut(t)))
    t.driver("sam").step(
        lambda i: losses_of(t)(by_name[i]).mean(), parts=[0, 1, 2], weights=LENGTHS
    )


MISTAKES = [
    ({"parts": []}, "parts is empty"),
    ({"parts": ["a"]}, r"parts\[0\], a str, shows no rows: say what counts, weights="),
    ({"parts": [torch.ones(2, 4)], "weights": [1, 2]}, "2 weights for 1 parts"),
    ({"parts": [torch.ones(2, 4)], "size": 2}, "parts have their own sizes, leave size out"),
    ({"weights": [1]}, "weights are of parts"),
]


@pytest.mark.parametrize(("given", "message"), MISTAKES)
def test_mistakes_are_told(given, message, task):
    t = task(bare)
    with pytest.raises(ValueError, match=message):
        t.driver("sam").step(lambda part: t.losses(), **given)


def test_one_number_of_a_part_is_of_what(task):
    t = task(bare)
    with pytest.raises(ValueError, match=r"say what each part counts: step\(\.\.\., weights=\)"):
        t.driver("sam").step(lambda part: losses_of(t)(part).mean(), parts=cut(t))


@pytest.mark.parametrize("loops", [False, True])
def test_several_models_are_a_list(loops, task):
    """A teacher in it, which follows the student in the closure, moves once."""
    t, u = task(bare), task(bare)
    models = [(t.model, bare().double()), (u.model, bare().double())]
    models[1][1].load_state_dict(models[0][1].state_dict())

    def loss(x, student, teacher, moves=True):
        with torch.no_grad():
            for p, q in zip(teacher.parameters(), student.parameters(), strict=True):
                if not moves:
                    break
                p.mul_(0.9).add_(q, alpha=0.1)
        return (student(x) - teacher(x)).square().sum(1)

    student, teacher = models[0]
    opt = variants.SharpnessAware(t.sgd(), variants.create("sam"), [student, teacher])

    def closure():
        return loss(t.x, student, teacher, moves=opt.evaluation == 0)

    for _ in range(3):
        if loops:
            for _rows in opt.evaluations():
                opt.loss(closure()).backward()
        else:
            opt.step(closure)
    student, teacher = models[1]
    base = u.sgd()
    for _ in range(3):
        found = []
        for scale in (0.05, None):
            if scale is None:
                with torch.no_grad():
                    norm = torch.cat([g.flatten() for g in found]).norm()
                    for p, g in zip(student.parameters(), found, strict=True):
                        p.add_(0.05 * g / norm)
                losses = (student(u.x) - teacher(u.x)).square().sum(1)
            else:
                start = [p.detach().clone() for p in student.parameters()]
                losses = loss(u.x, student, teacher)
            found = torch.autograd.grad(losses.mean(), list(student.parameters()))
        with torch.no_grad():
            for p, w, g in zip(student.parameters(), start, found, strict=True):
                p.copy_(w)
                p.grad = g
        base.step()
    for got, expected in zip(models[0], models[1], strict=True):
        torch.testing.assert_close(got.weight, expected.weight, rtol=1e-12, atol=1e-12)
