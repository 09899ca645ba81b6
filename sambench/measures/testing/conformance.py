"""What every measure must keep to, checked on small models."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import timm
import torch
from torch import Tensor, nn

from sambench.errors import UserError
from sambench.measures.measure import Detailed, Measure
from sambench.measures.measuring import measure_all
from sambench.measures.subject import Batch, Pixels, Subject, measured
from sambench.records import Quantity
from sambench.tasks import Classification, MultiLabel, Regression

CLASSES = 3
_NORMS = ("grad_norm_q10", "grad_norm_q50", "grad_norm_q90", "grad_norm_max", "cosine", "radius")
EPOCH = {
    **dict.fromkeys(_NORMS, 0.5), "steps": 20.0, "loss_spikes": 1.0, "skipped_steps": 2.0,
    "memorised": 0.25, "corrected": 0.5,
}  # fmt: skip
"""What a run notes of an epoch, as far as measures look at it."""


def convolutional(
    *, dtype: torch.dtype = torch.float64, batch_size: int = 8, channels: int = 3
) -> Subject:
    """A small network with BatchNorm on random images, a quarter of whose labels are wrong."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(
            nn.Conv2d(channels, 4, 3),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.5),
            nn.Linear(16, CLASSES),
        ).to(dtype)
        model(torch.rand(32, channels, 8, 8).to(dtype))  # statistics that are no defaults
    x = torch.rand(24, channels, 8, 8, generator=generator, dtype=torch.float64)
    true = torch.arange(24) % CLASSES
    given = torch.where(torch.arange(24) % 4 == 0, (true + 1) % CLASSES, true)
    return _subject(model, x, given, true, batch_size)


def _subject(model: nn.Module, x: Tensor, given: Tensor, true: Tensor, batch_size: int) -> Subject:
    channels = x.shape[1]

    def batches(y: Tensor) -> Sequence[Batch]:
        return list(zip(x.split(batch_size), y.split(batch_size), strict=True))

    return Subject(
        model,
        batches(given),
        batches(true),
        Classification(tuple("abc")),
        Pixels(torch.full((channels,), 0.5), torch.full((channels,), 0.25)),
        true=list(true.split(batch_size)),
        seed=3,
        history=(EPOCH, EPOCH),
    )


def rows(kind: str) -> Subject:
    """A small network on rows of a table: of "classes", of "numbers", or of several "labels"."""
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        outputs = 1 if kind == "numbers" else CLASSES
        model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, outputs))
    x, number = torch.randn(20, 4, generator=generator), torch.arange(20)
    target, y = {
        "classes": (Classification(tuple("abc")), number % CLASSES),
        "numbers": (Regression(mean=5.0, std=2.0), x.sum(1) + 5),
        "labels": (MultiLabel(tuple("abc")), torch.stack([number % n for n in (2, 3, 5)], 1) == 0),
    }[kind]
    y = y.float() if kind == "labels" else y
    batches = list(zip(x.split(8), y.split(8), strict=True))
    wrong = torch.where(number % 4 == 0, (number + 1) % CLASSES, number % CLASSES)
    true = list(wrong.split(8)) if kind == "classes" else None
    return Subject(model, batches, batches, target, true=true, history=(EPOCH, EPOCH))


def of_timm(name: str) -> Subject:
    """An untrained model of timm on six random images."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = (
            timm.create_model(name, num_classes=CLASSES, img_size=16)
            if "vit" in name
            else (timm.create_model(name, num_classes=CLASSES))
        )
        x = torch.rand(6, 3, 16, 16)
    y = torch.arange(6) % CLASSES
    return _subject(model, x, y.clone().index_fill_(0, torch.tensor(1), 0), y, 6)


def _state(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


class MeasureConformance:
    """Subclass it and say which measure, set up."""

    measure: Measure

    def values(self, subject: Subject) -> dict[str, float]:
        """What is measured, by a caller who does as sambench does."""
        with measured(subject.model):
            return dict(self.measure.of(subject))

    def test_says_what_it_is(self) -> None:
        measure = self.measure
        said = (measure.title, measure.source, measure.cannot_tell, type(measure).__doc__)
        assert all(said) and measure.subset in ("train", "test") and measure.evaluations >= 0
        names = [score.name for score in measure.quantities]
        assert names and len(set(names)) == len(names)

    def test_each_quantity_has_a_value(self) -> None:
        found = self.values(convolutional())
        assert set(found) == {score.name for score in self.measure.quantities}
        assert all(isinstance(value, float) and math.isfinite(value) for value in found.values())
        units = {score.name: score.unit for score in self.measure.quantities}
        assert all(0 <= value <= 1 for name, value in found.items() if units[name] == "share")

    def test_details_lie_along_their_axes(self) -> None:
        found = self.values(convolutional())
        for quantity in self.measure.quantities:
            value = found[quantity.name]
            if isinstance(value, Detailed):
                assert isinstance(quantity, Quantity) and quantity.axes, quantity.name
                assert quantity.shape(value.details.size) == value.details.shape, quantity.name

    def test_it_comes_out_again(self) -> None:
        torch.manual_seed(0)
        first = self.values(convolutional())
        torch.manual_seed(1)
        assert self.values(convolutional()) == first

    def test_it_leaves_the_model_and_the_generator_alone(self) -> None:
        subject = convolutional()
        model = subject.model.train()
        model[0].requires_grad_(False)  # pyright: ignore[reportIndexIssue]
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        before, drawn = _state(model), torch.get_rng_state()
        self.values(subject)
        assert all(torch.equal(before[name], now) for name, now in model.state_dict().items())
        assert all(torch.equal(p.grad, torch.ones_like(p)) for p in model.parameters())  # pyright: ignore
        assert all(module.training for module in model.modules())
        assert [p.requires_grad for p in model[0].parameters()] == [False, False]  # pyright: ignore
        assert torch.equal(torch.get_rng_state(), drawn)

    def test_batches_change_nothing(self) -> None:
        whole, cut = self.values(convolutional(batch_size=24)), self.values(convolutional())
        assert cut == pytest.approx(whole, rel=1e-6, abs=1e-9)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_grey_and_coloured_images_in_single_precision(self, channels: int) -> None:
        found = self.values(convolutional(dtype=torch.float32, channels=channels))
        assert found and all(map(math.isfinite, found.values()))

    @pytest.mark.parametrize("kind", ["classes", "numbers", "labels"])
    def test_of_rows_it_has_values_or_says_why_not(self, kind: str) -> None:
        subject, needs = rows(kind), self.measure.needs
        with measured(subject.model):
            found = measure_all(subject, {"own": self.measure})
        if needs == "images" or (needs and kind != "classes"):
            assert found.failed["own"].startswith(f"is for {'images' * (needs == 'images')}")
        else:
            assert found.values and not found.failed
            known = {score.name for score in self.measure.quantities}
            assert set(found.values) <= known and (kind != "classes" or set(found.values) == known)

    @pytest.mark.parametrize("model", ["test_resnet", "test_vit"])
    def test_models_of_timm(self, model: str) -> None:
        found = self.values(of_timm(model))
        assert all(map(math.isfinite, found.values()))

    def test_no_items_are_a_clear_error(self) -> None:
        subject = convolutional()
        empty = replace(subject, train=[], test=[], true=[], history=())
        with pytest.raises(UserError):
            self.values(empty)
