"""A model of one's own, measured from Python."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import sambench
from sambench.errors import UserError
from sambench.tasks.images import Data, Images
from tests.examples.own_model_and_data import even_or_odd, model

README = Path(__file__).parents[3] / "sambench/measures/README.md"


@pytest.fixture(scope="module")
def data() -> Data:
    return even_or_odd()


@pytest.fixture
def trained() -> nn.Module:
    torch.manual_seed(0)
    return model(1, 2)


def test_values_by_name(trained: nn.Module, data: Data):
    found = sambench.measure(trained, data, ["calibration", "generalisation"], max_batches=2)
    with torch.no_grad():
        assert isinstance(data.test, Images)
        rows = torch.arange(256) * 600 // 256
        x = (data.test.x[rows] / 255 - data.mean[:, None, None]) / data.std[:, None, None]
        nll = nn.functional.cross_entropy(trained(x), data.test.y[rows])
    assert found.values["nll"] == pytest.approx(float(nll), rel=1e-5)
    assert "loss_gap" in found.values and not found.failed
    assert trained.training


def test_settings_and_what_fails(trained: nn.Module, data: Data):
    def of(rho: float) -> float:
        names = ["ascent", "memorisation"]
        found = sambench.measure(
            trained, data, names, settings={"ascent": {"rho": rho}}, max_batches=1
        )
        assert "nobody knows the true labels" in found.failed["memorisation"]
        return found.values["ascent_first_order"]

    assert of(0.1) == pytest.approx(2 * of(0.05))


def test_a_measure_of_fewer_items(trained: nn.Module, data: Data):
    names, fewer = ["ascent", "calibration"], {"ascent": {"max_batches": 1}}
    found = sambench.measure(trained, data, names, settings=fewer, max_batches=2)
    assert found.items == {"ascent": 128, "calibration": 256}
    alone = sambench.measure(trained, data, ["ascent"], max_batches=1)
    assert found.values["ascent_worst"] == alone.values["ascent_worst"]


def test_refusals(trained: nn.Module, data: Data):
    with pytest.raises(UserError, match=r"measures: .*did you mean ascent"):
        sambench.measure(trained, data, ["ascnt"])
    with pytest.raises(UserError, match=r"settings of ascent\.rh: unknown key, did you mean rho"):
        sambench.measure(trained, data, ["ascent"], settings={"ascent": {"rh": 1}})
    with pytest.raises(UserError, match="is not measured"):
        sambench.measure(trained, data, ["ascent"], settings={"calibration": {"bins": 1}})
    with pytest.raises(UserError, match="max_batches: must be >= 1"):
        sambench.measure(trained, data, ["ascent"], max_batches=0)
    with pytest.raises(UserError, match="no parameter of the model takes gradients"):
        sambench.measure(trained.requires_grad_(False), data, ["ascent"])


def test_readme_runs():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    (code,) = (block for block in blocks if "sambench.measure(" in block)
    exec(compile(code, str(README), "exec"), {"__name__": "readme"})
