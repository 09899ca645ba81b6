"""Rows of tables: what is read, how it is scaled, and what is refused."""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sambench.errors import UserError
from sambench.seeds import derive
from sambench.tasks.tabular import Tabular

STREAMS = derive(0, "pool", 0).streams


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """200 rows: a number, one that is missing at times, a word, a class and a price."""
    rng = np.random.default_rng(0)
    size = rng.normal(100, 20, 200)
    age = np.where(np.arange(200) % 10 == 0, np.nan, rng.integers(1, 50, 200))
    town = np.array(["north", "south", "west"])[np.arange(200) % 3]
    frame = pd.DataFrame({"size": size, "age": age, "town": town})
    frame["dear"] = np.where(size > 100, "yes", "no")
    frame["price"] = 3 * size + rng.normal(0, 1, 200)
    path = tmp_path / "houses.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("name", "objective", "sizes"),
    [
        ("breast_cancer", "f1_macro", {"features": 30, "classes": 2}),
        ("digits", "accuracy", {"features": 64, "classes": 10}),
        ("iris", "accuracy", {"features": 4, "classes": 3}),
        ("wine", "auroc", {"features": 13, "classes": 3}),
        ("diabetes", "r2", {"features": 10, "numbers": 1}),
    ],
)
def test_scikit_learns_own(name: str, objective: str, sizes: dict[str, int]):
    task = Tabular(dataset=name, objective=objective)
    data = task.load(STREAMS)
    assert data.sizes == sizes
    x = data.train.x
    assert x.dtype == torch.float32 and x.mean(0).abs().max() < 1e-5
    assert ((x.std(0, correction=0) - 1).abs() < 1e-4).logical_or((x == 0).all(0)).all()
    assert task.build(data)(x[:5]).shape == (5, list(sizes.values())[1])


def test_a_file_has_words_and_gaps(table: Path):
    task = Tabular(dataset=str(table), target="dear")
    data = task.load(STREAMS)
    assert data.sizes == {"features": 6, "classes": 2}  # size, age, price and three towns
    assert data.target.classes == ("no", "yes")
    assert data.train.x.isfinite().all()
    parquet = table.with_suffix(".parquet")
    pd.read_csv(table).to_parquet(parquet)
    assert Tabular(dataset=str(parquet), target="dear").load(STREAMS).digest() == data.digest()


def test_numbers_keep_their_unit(table: Path):
    data = Tabular(dataset=str(table), target="price", objective="r2").load(STREAMS)
    assert 200 < data.train.y.mean() < 400 and data.train.y.dtype == torch.float32
    assert data.target.mean == pytest.approx(float(data.train.y.double().mean()))


def test_the_split_is_a_function_of_its_stream_and_never_moves_the_test_set():
    task = Tabular(dataset="wine")
    one, same = (task.load(STREAMS) for _ in range(2))
    other = task.load(derive(0, "pool", 1).streams)
    assert one.digest() == same.digest() != other.digest()
    assert torch.equal(one.test.y, other.test.y) and not torch.equal(one.train.y, other.train.y)


def test_noise_is_in_training_and_validation_labels_alone():
    clean, noisy = (
        Tabular(dataset="digits", label_noise=share).load(STREAMS) for share in (0.0, 0.4)
    )
    for name, changed in (("train", 0.4), ("val", 0.4), ("test", 0.0)):
        wrong = getattr(clean, name).y != getattr(noisy, name).y
        assert float(wrong.double().mean()) == pytest.approx(changed, abs=0.01)


def test_a_table_that_has_changed_stops_a_study(table: Path):
    task = Tabular(dataset=str(table), target="dear")
    before = task.contents()
    frame = pd.read_csv(table)
    frame.loc[0, "size"] += 1
    frame.to_csv(table, index=False)
    assert {k for k in before if task.contents()[k] != before[k]} == {"features"}
    with pytest.raises(UserError, match="has changed since the study began"):
        task.load(STREAMS, None, "0" * 32)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"dataset": "irs"}, "task.dataset: no table 'irs', did you mean iris?"),
        ({"dataset": "gone.csv"}, "task.dataset: no file 'gone.csv'"),
        ({"dataset": "TABLE"}, "task.target: is required: which column"),
        ({"dataset": "TABLE", "target": "pric"}, "no column 'pric', did you mean price?"),
        ({"dataset": "TABLE", "target": "age"}, "task.target: 'age' is missing in 20 of 200 rows"),
        ({"dataset": "TABLE", "target": "dear", "objective": "r2"}, "r2 is of numbers, and the"),
        ({"dataset": "TABLE", "target": "price"}, 'are numbers, not classes; choose "r2"'),
        ({"dataset": "diabetes"}, "no classes to learn; if they are numbers, choose task.object"),
        (
            {"dataset": "diabetes", "objective": "loss"},
            '; "rmse" is the root of the loss of numbers, "loss" that of classes',
        ),
        ({"dataset": "TABLE", "target": "price", "objective": "loss"}, '; "rmse" is the root of'),
        ({"dataset": "iris", "target": "species"}, "task.target: is for files; iris has its own"),
        ({"dataset": "diabetes", "objective": "r2", "label_noise": 0.1}, "is for classes, and the"),
    ],
)
def test_what_is_wrong_with_data_is_one_line(table: Path, keys: dict[str, object], told: str):
    keys = {k: str(table) if v == "TABLE" else v for k, v in keys.items()}
    with pytest.raises(UserError, match=re.escape(told)) as caught:
        Tabular.model_validate(keys).check_data()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"model": "tabn"}, "task.model: no model 'tabn' of rows, did you mean tabm?"),
        ({"model": "resnet18"}, "task.model: no model 'resnet18' of rows, choose from ft-"),
        ({"model_args": {"widht": 3}}, "task.model_args.widht: unknown key, did you mean width?"),
        ({"model_args": {"dropout": 1.0}}, "task.model_args.dropout: must be < 1"),
        ({"model": "tabm", "model_args": {"k": 0}}, "task.model_args.k: must be >= 1"),
        ({"model_args": {"k": 4}}, "task.model_args.k: unknown key"),
        (
            {"model": "ft-transformer", "model_args": {"width": 50}},
            "task.model_args.width: 50 is no multiple of the 8 heads",
        ),
        (
            {"model": "ft-transformer", "model_args": {"depth": 7}},
            "task.model_args.depth: must be <= 6",
        ),
    ],
)
def test_what_is_wrong_with_the_model_is_one_line(keys: dict[str, object], told: str):
    with pytest.raises(UserError, match=re.escape(told)):
        Tabular.model_validate({"dataset": "iris", **keys}).check_model()


@pytest.mark.parametrize(
    ("model", "package"), [("tabm", "tabm"), ("ft-transformer", "rtdl_revisiting_models")]
)
def test_a_package_that_is_not_installed_is_one_line(
    model: str, package: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=r"not installed: pip install 'sambench\[tabular\]'"):
        Tabular(dataset="iris", model=model).check_model()


@pytest.mark.parametrize("objective", ["accuracy", "r2"])
def test_members_learn_apart_and_answer_together(objective: str):
    """The loss is that of each member (TabM, section 3.2), never that of their mean."""
    task = Tabular(
        dataset="wine" if objective == "accuracy" else "diabetes",
        objective=objective,
        model="tabm",
        model_args={"k": 5, "width": 8, "dropout": 0.0},
    )
    data = task.load(STREAMS)
    torch.manual_seed(0)
    model = task.build(data).double()
    x, y = data.train.x[:20].double(), data.train.y[:20]
    apart = model(x)
    assert apart.shape[:2] == (20, 5)
    losses = data.target.losses(apart, y, 0.1)
    each = [data.target.losses(apart[:, i], y, 0.1) for i in range(5)]
    torch.testing.assert_close(losses, torch.stack(each, 1))
    watched = [data.target.watch(apart[:, i], y).double() for i in range(5)]
    found = data.target.watch(apart, y).double()
    torch.testing.assert_close(found, torch.stack(watched).mean(0), rtol=1e-6, atol=0)
    together = model.eval()(x)
    if objective == "accuracy":
        torch.testing.assert_close(together.exp(), apart.softmax(2).mean(1))
    else:
        torch.testing.assert_close(together, apart.mean(1))
