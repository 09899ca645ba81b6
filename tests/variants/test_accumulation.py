"""Micro-batches in both modes, for every variant."""

import pytest
import torch
from torch import nn

import variants

NAMES = variants.names()
SAME = 1e-9  # relative to the way: the same formula, summed in another order


@pytest.mark.parametrize("name", NAMES)
def test_exact_is_the_whole_batch(name, training, settings):
    whole = training(name, dtype=torch.float64).step(5)
    cut = training(name, dtype=torch.float64).step(5, micro=3)
    assert settings.gap(cut.moved(), whole.moved()) < SAME
    assert cut.opt.passes == pytest.approx(whole.opt.passes)
    assert torch.allclose(
        torch.as_tensor(cut.opt.last["rise"]), whole.opt.last["rise"], equal_nan=True
    )


@pytest.mark.parametrize("name", NAMES)
def test_m_is_m_sam(name, training):
    if name == "sampa":
        with pytest.raises(ValueError, match="all its work before the step, got SAMPa"):
            training(name, accumulation="m")
        return
    t = training(name, accumulation="m").step(5, micro=3)
    other = training(variants.create("m_sam", inner=t.opt.variant, size=3)).step(5)
    assert all(torch.equal(p, other.weights()[n]) for n, p in t.weights().items())
    assert t.opt.passes == other.opt.passes


def test_m_differs_from_exact_and_says_so(training, settings):
    m, exact = training("sam", accumulation="m"), training("sam")
    assert settings.gap(m.step(micro=2).moved(), exact.step(micro=2).moved()) > 1e-4
    assert m.opt.state_dict()["sharpness"]["accumulation"] == "m"
    assert exact.opt.state_dict()["sharpness"]["accumulation"] == "exact"
    whole, plain = training("sam", accumulation="m").step(), training("sam").step()
    assert torch.equal(whole.moved(), plain.moved())  # without `micro` there is one micro-batch
    with pytest.raises(ValueError, match="accumulation must be 'exact' or 'm', got 'sum'"):
        training("sam", accumulation="sum")


@pytest.mark.parametrize("mode", ["exact", "m"])
def test_all_micro_batches_report_and_move_statistics_once(mode, training):
    """Losses and aux of the whole batch; BatchNorm as plain accumulation moves it."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Linear(6, 3))
    t = training("sam", model=model, accumulation=mode)
    plain = nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6))
    plain.load_state_dict({k: v.clone() for k, v in model[:2].state_dict().items()})
    expected = t.losses(slice(0, 4)).detach().tolist()  # moves statistics, once
    for rows in (slice(0, 4), slice(0, 4), slice(4, 8)):
        plain(t.x[0, rows])
    closure = lambda rows: (t.losses(rows), t.y[0, rows])  # noqa: E731
    losses = t.opt.step(closure, size=8, micro=4)
    assert losses.shape == (8,) and losses[:4].tolist() == pytest.approx(expected)
    assert torch.equal(t.opt.aux, t.y[0]) or mode == "m"
    for mine, wanted in zip(model[1].buffers(), plain[1].buffers(), strict=True):
        assert torch.allclose(mine, wanted)
