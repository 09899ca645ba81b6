"""The two passes of SAM by hand, and a recipe in two processes with what they must arrive at."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import variants

collect_ignore = ["two_processes.py"]  # a program
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def model_and_data() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    x = torch.randn(96, 8, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    return model.double(), x, (x[:, 0] > 0).long()


def nothing():
    pass


def two_passes(base, loss, rho=0.05, *, after_first=nothing, before_step=nothing):
    """A step of SAM as scripts write it. `loss()` calls backward, as often as it likes."""
    parameters = [p for group in base.param_groups for p in group["params"]]
    start = [p.detach().clone() for p in parameters]
    base.zero_grad()
    loss()
    norm = torch.stack([p.grad.norm() for p in parameters if p.grad is not None]).norm()
    with torch.no_grad():
        for p in parameters:
            if p.grad is not None:
                p.add_(p.grad * (rho * (1 / norm)))
    after_first()
    base.zero_grad()
    loss()
    with torch.no_grad():
        for p, w in zip(parameters, start, strict=True):
            p.copy_(w)
    before_step()
    base.step()
    base.zero_grad()


@pytest.fixture
def by_hand():
    """See `two_passes`."""
    return two_passes


@pytest.fixture
def same():
    """same(got, expected): both models hold the same, to 1e-10 if not said otherwise."""

    def check(got, expected, tolerance=1e-10):
        pairs = zip(got.state_dict().items(), expected.state_dict().values(), strict=True)
        for (name, a), b in pairs:
            torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance, msg=name)

    return check


@pytest.fixture
def together(tmp_path):
    """together(recipe): the weights of both processes, each a dict, after 3 epochs of SAM."""

    def run(recipe):
        script = str(Path(__file__).with_name("two_processes.py"))
        command = [sys.executable, *TORCHRUN, script, recipe, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
        return [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]

    return run


@pytest.fixture
def m_sharpness():
    """m_sharpness(rows): one process on `rows` (step, process, row): the mean of SAM's directions
    on each process's own."""

    def train(rows):
        model, x, y = model_and_data()
        base = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
        sam = variants.create("sam")
        optimizer = variants.SharpnessAware(base, sam, model, accumulation="m")
        for step in rows * 3:
            order = torch.tensor(step).flatten()

            def losses(chunk, order=order):
                return cross_entropy(model(x[order[chunk]]), y[order[chunk]], reduction="none")

            optimizer.step(losses, size=len(order), micro=len(step[0]))
        return dict(model.named_parameters())

    return train


@pytest.fixture
def equal():
    def check(ranks, expected):
        first, second = ranks
        assert first.keys() == expected.keys()
        for name, p in expected.items():
            assert torch.equal(first[name], second[name]), f"{name} drifts apart"
            torch.testing.assert_close(first[name], p.detach(), rtol=1e-10, atol=1e-10)

    return check
