"""What the driver remembers from step to step: who trains, norms, and memory of snapshots."""

import pytest
import torch
from torch import nn

import variants
from variants.core import ops
from variants.driver.buffers import places, restore, snapshot
from variants.driver.modules import Modules
from variants.driver.parameters import TrainedParameters


@pytest.fixture
def pair():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def test_looks_up_once(pair):
    trained = TrainedParameters(Modules(pair[0]), pair[1])
    assert trained.by_name() is trained.by_name()
    assert list(trained.by_name()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_sees_what_is_frozen_and_added(pair):
    model, base = pair
    trained = TrainedParameters(Modules(model), base)
    model[0].bias.requires_grad = False
    assert list(trained.by_name()) == ["0.weight", "1.weight", "1.bias"]
    model.append(nn.Linear(3, 2))
    base.add_param_group({"params": [model[2].bias]})
    assert list(trained.by_name()) == ["0.weight", "1.weight", "1.bias", "2.bias"]


def test_a_parameter_that_left_the_model_is_refused(pair):
    model, base = pair
    trained = TrainedParameters(Modules(model), base)
    model[0].weight = nn.Parameter(torch.zeros(3, 4))
    with pytest.raises(ValueError, match="1 of the optimizer's 4 parameters are not in the model"):
        trained.by_name()


def test_a_measured_tree_does_not_outlive_its_step(pair):
    model, base = pair

    class Keeps(variants.Variant):
        @property
        def passes(self):
            return 1.0

        def direction(self, oracle, state):
            g = oracle.grad().grads
            assert torch.equal(ops.norm(g), ops.norm(dict(g)))
            return variants.Update(g), {"inner": {"g": g}}

    opt = variants.SharpnessAware(base, Keeps(), model)
    x = torch.randn(5, 4)
    opt.step(lambda rows: model(x[rows]).square().mean(1))
    assert type(opt.context.state["inner"]["g"]) is dict


def test_snapshots_reuse_memory_of_what_is_still_there(pair):
    model, _ = pair
    first = snapshot(places([model[1]._buffers]), over=[])
    model[1].running_mean.fill_(2.0)
    again = snapshot(places([model[1]._buffers]), over=first)
    assert again is first
    model[1].running_mean.fill_(3.0)
    restore(again)
    assert torch.equal(model[1].running_mean, torch.full((3,), 2.0))
    model[1].running_mean = torch.zeros(3)
    assert snapshot(places([model[1]._buffers]), over=again) is not again
