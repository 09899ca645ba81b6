"""The graph engine gives the weights of the eager one; a tape stands in for CUDA graphs."""

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn

from sambench import config, seeds
from sambench.errors import UserError
from sambench.tasks import images
from sambench.training.custom import Custom
from sambench.training.engine import Engine
from sambench.training.loop import engine_for
from sambench.training.run import Run
from variants.driver.descent import Descent
from variants.graphs import recorder
from variants.testing.tape import Tape

Spec = dict[str, Any]
OPTIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "averaged weights": {"ema": 0.9},
    "mixed images": {"mixup": 0.4, "cutmix": 1.0},
    "label smoothing": {"label_smoothing": 0.1},
    "micro-batches": {"micro_batch": 5},
    "clipped": {"clip": 0.1},
    "bf16": {"amp": "bf16"},
    "fp16": {"amp": "fp16"},
    "channels_last": {"channels_last": True},
    "rates of layers": {"layer_decay": 0.7, "decay_norm_and_bias": False},
    "adamw": {"base": "adamw", "schedule": "constant"},
    "timm's schedule": {"schedule": "step", "schedule_args": {"decay_epochs": 1}},
}


def small(channels: int, classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1),
        nn.Linear(4 * 36, classes),
    )  # fmt: skip


@pytest.fixture
def taped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that passes for a GPU: with graphs, and no waiting for fused optimizers."""
    monkeypatch.setattr(recorder, "of", Tape)
    monkeypatch.setattr(
        Descent, "waits", lambda self, device: self.base.defaults["lr"] and not self.base.state
    )


@pytest.fixture
def engine(spec: Spec) -> Callable[..., Engine]:
    def engine(key: str = "sam", *, epochs: int = 3, **changes: Any) -> Engine:
        study = config.parse({**spec, "train": spec["train"] | changes})
        settings = {"k": 2} if key == "looksam" else {}
        streams = seeds.derive(0, "point", 0)
        run = Run(study, key, key, "pool", 0, 0, streams, 0.0625, settings, epochs)
        dataset = images.load(study.task, run.seeds.streams)
        return engine_for(run, dataset, Custom(model=small))

    return engine


def weights(found: Engine) -> dict[str, torch.Tensor]:
    model = found.model if found.average is None else found.average.module
    return {**found.model.state_dict(), **{f"mean {k}": v for k, v in model.state_dict().items()}}


same = partial(torch.testing.assert_close, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_equals_the_eager_engine(engine: Callable[..., Engine], taped: None, options: dict):
    rows = []
    pair = [
        engine(**options, base_args={"fused": True}),
        engine(**options, engine="graph"),
    ]
    for found in pair:
        torch.manual_seed(1)
        rows.append([found.train_epoch(epoch) for epoch in range(3)])
    eager, graph = map(weights, pair)
    same(graph, eager)
    timing = {"step_time_s", "items_per_s"}
    for ours, theirs in zip(*rows, strict=True):
        assert {k: v for k, v in ours.items() if k not in timing} == pytest.approx(
            {k: v for k, v in theirs.items() if k not in timing}, rel=1e-4, abs=1e-6
        )
    assert pair[1]._graphed.captures > 0


@pytest.mark.parametrize("kind", ["eager", "graph"])
def test_an_engine_is_gone_when_it_is_deleted(
    engine: Callable[..., Engine], taped: None, kind: str
):
    """On a GPU, waiting for the collector doubles the memory between two runs."""
    found = engine(engine=kind, base_args={"fused": True})
    found.train_epoch(0)
    found.evaluate(found.data.val)
    gc.collect()
    gc.disable()
    try:
        parts = [weakref.ref(o) for o in (found, found.optimizer, found.model)]
        del found
        assert [ref() for ref in parts] == [None] * 3
    finally:
        gc.enable()


@pytest.mark.parametrize("key", ["plain", "looksam", "rst"])
def test_a_run_goes_on_from_a_checkpoint(engine: Callable[..., Engine], taped: None, key: str):
    whole, second = (engine(key, engine="graph") for _ in range(2))
    for epoch in range(3):
        whole.train_epoch(epoch)
    torch.manual_seed(0)  # the weights that `whole` began with
    first = engine(key, engine="graph")
    for epoch in range(2):
        first.train_epoch(epoch)
    state = first.state_dict()
    second.load_state_dict(state)
    second.train_epoch(2)
    same(weights(second), weights(whole))


def test_there_is_none_on_a_cpu(engine: Callable[..., Engine]):
    with pytest.raises(UserError, match=r"^train.engine: graph: CUDA graphs need a CUDA device"):
        engine(engine="graph")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"engine": "graf"}, r"train\.engine"),
        ({"base": "lamb"}, r"train\.engine: graph needs a fused base, sgd or momentum or adam"),
        ({"base_args": {"fused": False}}, r"train\.engine: graph needs a fused base"),
        ({"compile": True}, r"train\.engine: does not go with compile"),
    ],
)
def test_what_is_refused(spec: Spec, changes: dict, line: str):
    with pytest.raises(UserError, match=line):
        config.parse({**spec, "train": spec["train"] | {"engine": "graph"} | changes})


def test_the_engine_belongs_to_a_study(spec: Spec):
    """It changes results, if only in their last digits."""
    graph = config.parse({**spec, "train": spec["train"] | {"engine": "graph"}})
    eager = config.parse({**spec, "train": spec["train"] | {"engine": "eager"}})
    prints = [config.fingerprint(s) for s in (config.parse(spec), eager, graph)]
    assert prints[0] == prints[1] != prints[2]
    assert config.extensions(graph.train.model_dump()) == {"engine": "graph"}
