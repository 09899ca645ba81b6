"""Weights to begin with, parts that do not train, and a learning rate for the head."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

import variants
from sambench.config import Split, Train
from sambench.errors import UserError
from sambench.tasks.contents import digest
from sambench.tasks.images import ImageClassification, models
from sambench.tasks.testing import TaskConformance
from sambench.training import Engine, base_optimizer

SPLIT = Split(train=32, val=20, test=20)
STREAMS = {"split": 0, "labels": 0, "init": 0, "order": 0}
MODEL = "test_resnet"
HEAD = "fc"


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    torch.manual_seed(7)
    return timm.create_model(MODEL).state_dict()


@pytest.fixture(scope="session")
def file(weights: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "own.safetensors"
    save_file(weights, path)
    return path


def asked(**given: object) -> ImageClassification:
    return ImageClassification.model_validate(
        {"dataset": "digits", "split": SPLIT, "model": MODEL, **given}
    )


def built(task: ImageClassification, seed: int = 0, channels: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return models.build(task, channels=channels, classes=10)


class TestFineTuning(TaskConformance):
    @pytest.fixture(autouse=True)
    def _task(self, file: Path) -> None:
        self.task = asked(pretrained=str(file), freeze=["conv1", "layer1"])


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_all_weights_but_the_heads_are_those_of_the_file(
    weights: dict[str, torch.Tensor], file: Path, tmp_path: Path, suffix: str
) -> None:
    if suffix == "pth":
        file = tmp_path / "own.pth"
        torch.save(weights, file)
    one, other = (built(asked(pretrained=str(file)), seed).state_dict() for seed in (0, 1))
    for name, tensor in one.items():
        if name.startswith(HEAD):
            assert len(tensor) == 10
        else:
            assert torch.equal(tensor, weights[name]) and torch.equal(tensor, other[name])
    assert not torch.equal(one[f"{HEAD}.weight"], other[f"{HEAD}.weight"])


def test_grey_images_see_the_sum_of_three_colours(
    weights: dict[str, torch.Tensor], file: Path
) -> None:
    first = next(iter(built(asked(pretrained=str(file)), channels=1).state_dict().values()))
    whole = next(iter(weights.values()))
    torch.testing.assert_close(first, whole.sum(1, keepdim=True))


def test_images_are_normalised_as_those_of_the_weights(file: Path) -> None:
    asks = timm.get_pretrained_cfg(MODEL)
    assert asks is not None
    colour = asked(pretrained=str(file), dataset="synthetic").load(STREAMS)
    assert colour.mean.tolist() == pytest.approx(asks.mean)
    assert colour.std.tolist() == pytest.approx(asks.std)
    grey = asked(pretrained=str(file)).load(STREAMS)
    assert grey.mean.tolist() == pytest.approx([sum(asks.mean) / 3])


def test_other_weights_are_other_data(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    save_file(weights, file)
    task = asked(pretrained=str(file))
    began_with = digest(task.contents())
    assert began_with != digest(asked().contents())
    save_file({name: tensor + 1 for name, tensor in weights.items()}, file)
    with pytest.raises(UserError, match="digits or its pretrained weights have changed since"):
        task.load(STREAMS, None, began_with)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"pretrained": "gone.pth"}, "task.pretrained: no file 'gone.pth'"),
        ({"pretrained": "weights.txt"}, "must be true or a .safetensors or .pth, got weights.txt"),
        ({"pretrained": True, "model": "resnet10t", "model_args": {"pretrained": True}},
         "task.model_args.pretrained: cannot stand here; weights are named by task.pretrained"),
        ({"pretrained": True, "model": "coatnet_0_224"}, "timm has no weights of coatnet_0_224"),
    ],
)  # fmt: skip
def test_what_is_no_set_of_weights_is_refused_at_once(
    given: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        asked(**given).check_model()


def test_weights_of_another_model_are_refused(tmp_path: Path, file: Path) -> None:
    lacks = r"does not fit test_vit: \d+ of its \d+ tensors are missing there, the first is cls_"
    with pytest.raises(UserError, match=lacks):
        built(asked(pretrained=str(file), model="test_vit", image_size=160))
    damaged = tmp_path / "own.pth"
    damaged.write_bytes(b"no weights")
    with pytest.raises(UserError, match=r"own.pth does not fit test_resnet: "):
        built(asked(pretrained=str(damaged)))


def states(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


@pytest.mark.parametrize(
    ("parts", "trains"), [("backbone", ("fc",)), (["conv1", "layer1.0"], ("layer1.1", "fc"))]
)
def test_what_is_frozen_stays_as_it_is_and_the_rest_trains(
    parts: object, trains: tuple[str, ...]
) -> None:
    task = asked(freeze=parts, dataset="synthetic")
    data, model = task.load(STREAMS), built(task)
    before = states(model)
    train = Train(epochs=1, batch_size=16, weight_decay=0.1)
    engine = Engine(
        train, variants.create("sam"), model, data, lr=0.1, epochs=1, seed=0, order_seed=0
    )
    engine.train_epoch(0)
    after = states(model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    asking = {name for name, p in model.named_parameters() if p.requires_grad}
    frozen = tuple(name for name in before if name not in asking)
    assert asking <= moved, "whatever is not frozen trains"
    assert any(name.startswith(trains) for name in moved)
    if parts == "backbone":
        assert moved == {"fc.weight", "fc.bias"} and len(frozen) == len(before) - 2
    else:
        assert not any(name.startswith(("conv1", "layer1.0")) for name in moved)
        assert any(name.endswith("running_mean") for name in moved), "other BatchNorms go on"


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["layer9"], "task.freeze: the model has no part 'layer9'; did you mean layer4"),
        (["backbone", "fc"], "task.freeze: nothing is left to train"),
    ],
)
def test_parts_that_cannot_be_frozen_are_refused(parts: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        built(asked(freeze=parts))


@pytest.mark.parametrize("more", [{}, {"layer_decay": 0.5}, {"decay_norm_and_bias": False}])
def test_the_head_has_its_own_learning_rate(more: dict[str, object]) -> None:
    model = built(asked())
    plain = Train.model_validate({"epochs": 1, "batch_size": 8, **more})
    scales = [
        {
            id(p): (group.get("lr_scale", 1.0), group["weight_decay"])
            for group in base_optimizer(train, model, 0.1).param_groups
            for p in group["params"]
        }
        for train in (plain, plain.model_copy(update={"head_lr": 10.0}))
    ]
    without, with_ = scales
    assert without.keys() == with_.keys()
    heads = {id(p) for p in model.get_submodule(HEAD).parameters()}
    for key, (scale, decay) in without.items():
        assert with_[key] == (pytest.approx(scale * (10 if key in heads else 1)), decay)


def test_a_model_that_tells_no_head_has_no_rate_for_it() -> None:
    train = Train(epochs=1, batch_size=8, head_lr=10.0)
    with pytest.raises(UserError, match=r"train.head_lr: the model does not tell"):
        base_optimizer(train, nn.Linear(2, 2), 0.1)
