"""Pictures whose labels stand in a table."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from PIL import Image
from pydantic import ValidationError

from sambench.config import one_line, task_of
from sambench.errors import UserError
from sambench.study.preflight import missing_classes
from sambench.tasks import MultiLabel
from sambench.tasks.contents import difference, digest
from sambench.tasks.images import ImageClassification
from sambench.tasks.testing import TaskConformance

STREAMS = {"split": 0, "labels": 0, "init": 0, "order": 0}
COLOURS = {"ape": (200, 10, 20), "bee": (0, 100, 255)}
COUNTS = {"train": 6, "val": 2, "test": 3}


@pytest.fixture
def rows(tmp_path: Path) -> pd.DataFrame:
    """Of two classes in three parts, in pictures beside the table and below it."""
    found = []
    for part, num in COUNTS.items():
        for name, colour in COLOURS.items():
            for i in range(num):
                path = f"{part}-{name}{i}.png" if i else f"sub/{part}-{name}.png"
                (tmp_path / "sub").mkdir(exist_ok=True)
                Image.new("RGB", (6, 6), colour).save(tmp_path / path)
                found.append({"path": path, "label": name, "split": part})
    return pd.DataFrame(found)


def asked(table: Path, **given: object) -> ImageClassification:
    return ImageClassification.model_validate(
        {"dataset": str(table), "model": "test_resnet", **given}
    )


def written(rows: pd.DataFrame, folder: Path, name: str = "labels.csv") -> Path:
    path = folder / name
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        rows.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


class TestLabelled(TaskConformance):
    @pytest.fixture(autouse=True)
    def _task(self, rows: pd.DataFrame, tmp_path: Path) -> None:
        (tmp_path / "noise").mkdir()
        for number, path in enumerate(rows["path"]):
            generator = torch.Generator().manual_seed(number)
            pixels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8, generator=generator)
            Image.fromarray(pixels.numpy()).save(tmp_path / path)
        self.task = asked(written(rows, tmp_path), image_size=32)


@pytest.fixture
def tags(rows: pd.DataFrame) -> pd.DataFrame:
    """Of no, one and two labels; c is rare."""
    rows["tags"] = ["", "a", "b", "a|b", "c | a"] * 4 + ["b", "a|a"]
    for name in "abc":
        rows[name] = [int(name in cell) for cell in rows["tags"]]
    return rows


SEVERAL = {
    "separated": {"label": "tags", "separator": "|"},
    "in columns": {"label": ["a", "b", "c"]},
}


class TestSeveralLabels(TaskConformance):
    @pytest.fixture(autouse=True, params=SEVERAL)
    def _task(self, tags: pd.DataFrame, tmp_path: Path, request: pytest.FixtureRequest) -> None:
        for number, path in enumerate(tags["path"]):
            generator = torch.Generator().manual_seed(number)
            pixels = torch.randint(0, 256, (16, 16, 3), dtype=torch.uint8, generator=generator)
            Image.fromarray(pixels.numpy()).save(tmp_path / path)
        table = written(tags, tmp_path)
        self.task = asked(table, image_size=32, objective="f1_micro", **SEVERAL[request.param])


@pytest.mark.parametrize("given", SEVERAL.values(), ids=SEVERAL)
@pytest.mark.parametrize(("name", "stream"), [("labels.csv", False), ("labels.parquet", True)])
def test_pictures_have_all_labels_of_their_rows(
    tags: pd.DataFrame, tmp_path: Path, given: dict[str, object], name: str, stream: bool
) -> None:
    tags["split"] = ["train"] * 20 + ["test"] * 2
    task = asked(written(tags, tmp_path, name), stream=stream, **given)
    data = task.load(STREAMS)
    assert isinstance(data.target, MultiLabel) and data.target.labels == ("a", "b", "c")
    assert task.objective == "map" and task_of(task.model_dump(mode="json")) == task
    assert torch.equal(data.test.y, torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]))
    together = torch.cat([data.train.y, data.val.y]).sum(0)
    assert together.tolist() == tags[["a", "b", "c"]][:20].sum().tolist()
    assert "test: 1 of 3 labels have no image there: c." in missing_classes(data)
    data.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": "tags", "separator": "|", "label_noise": 0.1},
         "label_noise: is for pictures of one class each"),
        ({"label": ["a", "b"], "class_weights": "balanced"},
         "class_weights: is for pictures of one class each"),
        ({"label": ["a", "b"], "separator": "|"}, "separator: is for one column of labels"),
        ({"label": ["a", "b"], "objective": "accuracy"}, "objective: unknown value 'accuracy'"),
        ({"label": ["a", "b"], "dataset": "digits"}, "dataset: several labels stand in a table"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_several_labels(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(Path("labels.csv"), **given)
    assert one_line(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"label": ["a", "tags"]}, "task.label: 'tags' of .*labels.csv must hold 0 and 1, got ''"),
        ({"label": ["a", "d"]}, "task.label: .*labels.csv has no column 'd', choose from a, b, c"),
    ],
)
def test_labels_that_are_none(
    tags: pd.DataFrame, tmp_path: Path, given: dict[str, object], message: str
) -> None:
    task = asked(written(tags, tmp_path), **given)
    with pytest.raises(UserError, match=message):
        task.check_data()


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.parquet"])
@pytest.mark.parametrize("stream", [True, False])
def test_pictures_have_the_labels_and_parts_of_their_rows(
    rows: pd.DataFrame, tmp_path: Path, name: str, stream: bool
) -> None:
    task = asked(written(rows.sample(frac=1, random_state=0), tmp_path, name), stream=stream)
    data = task.load(STREAMS)
    assert data.target.classes == ("ape", "bee")
    assert len(data.train) + len(data.val) == 2 * (COUNTS["train"] + COUNTS["val"])
    assert len(data.test) == 2 * COUNTS["test"]
    for part in (data.train, data.val, data.test):
        (x,) = part.read([slice(0, len(part))])
        wanted = torch.tensor([COLOURS[data.classes[own]] for own in part.y], dtype=torch.uint8)
        assert torch.equal(x[:, :, 0, 0], wanted)
    data.close()


def test_columns_go_by_their_names_and_labels_may_be_numbers(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    renamed = rows.rename(columns={"path": "file", "label": "kind", "split": "fold"})
    renamed["kind"] = renamed["kind"].map({"ape": 10, "bee": 9})
    task = asked(written(renamed, tmp_path), path="file", label="kind", part="fold")
    assert task.load(STREAMS).target.classes == ("9", "10")


def test_without_parts_a_test_set_is_drawn(rows: pd.DataFrame, tmp_path: Path) -> None:
    task = asked(written(rows.drop(columns="split"), tmp_path))
    data = task.load(STREAMS)
    num = len(rows)
    assert [len(data.test), len(data.train) + len(data.val)] == [round(num / 5), num - num // 5 - 0]
    assert task.notes() == ("no column split: a test set, the same for all seeds, is drawn from "
                            "all rows",)  # fmt: skip


def test_a_validation_set_serves_as_test_set_or_joins_the_pool(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    (note,) = asked(written(rows, tmp_path)).notes()
    assert note == (
        "column split tells 16 pictures from 6 test pictures; val joins train, from which every "
        "seed draws a validation set"
    )
    task = asked(written(rows[rows["split"] != "test"], tmp_path))
    assert len(task.load(STREAMS).test) == 2 * COUNTS["val"]
    assert task.notes() == ("column split tells no test set: val serves as one",)


def test_another_label_or_part_is_other_data(rows: pd.DataFrame, tmp_path: Path) -> None:
    path = written(rows, tmp_path)
    before = asked(path).contents()
    rows.loc[0, "label"] = "bee"
    written(rows, tmp_path)
    after = asked(path).contents()
    assert "train/ape/sub/train-ape.png is gone" in difference(before, after)
    with pytest.raises(UserError, match="has changed since the study began"):
        asked(path).load(STREAMS, None, digest(before))


def drop(rows: pd.DataFrame, folder: Path) -> None:
    (folder / "train-bee3.png").unlink()


def damage(rows: pd.DataFrame, folder: Path) -> None:
    (folder / "train-bee3.png").write_bytes(b"nothing")


def double(rows: pd.DataFrame, folder: Path) -> None:
    rows.loc[1, "path"] = "./" + rows.loc[2, "path"]


def empty(rows: pd.DataFrame, folder: Path) -> None:
    rows.loc[1, "label"] = ""


def part(rows: pd.DataFrame, folder: Path) -> None:
    rows.loc[1, "split"] = "tset"


def single(rows: pd.DataFrame, folder: Path) -> None:
    rows["label"] = "ape"


def many(rows: pd.DataFrame, folder: Path) -> None:
    rows["label"] = range(len(rows))


def untrained(rows: pd.DataFrame, folder: Path) -> None:
    rows["split"] = "test"


@pytest.mark.parametrize(
    ("spoil", "given", "message"),
    [
        (None, {"path": "file"}, r"task.path: .*labels.csv has no column 'file', choose from"),
        (None, {"label": "lable"}, r"task.label: .* no column 'lable', did you mean label\?"),
        (None, {"part": "fold"}, r"task.part: .* no column 'fold', choose from label, path, split"),
        (drop, {}, r"task.dataset: .*labels.csv: no picture .*train-bee3.png, named in 'path'"),
        (damage, {}, r"cannot read the picture .*train-bee3.png: no format that Pillow knows"),
        (double, {}, r"task.path: .*labels.csv names 'train-ape2.png' 2 times; keep one row"),
        (empty, {}, r"task.label: 'label' is missing in 1 of 22 rows of"),
        (part, {}, r"task.part: unknown part 'tset', did you mean test"),
        (single, {}, r"task.label: 1 different labels of 22 pictures are no classes to learn"),
        (many, {}, r"task.label: 22 different labels of 22 pictures are no classes to learn"),
        (untrained, {}, r"task.part: .*labels.csv has no picture whose part is train"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_in_one_line(
    rows: pd.DataFrame, tmp_path: Path, spoil: object, given: dict[str, object], message: str
) -> None:
    if callable(spoil):
        spoil(rows, tmp_path)
    task = asked(written(rows, tmp_path), **given)
    with pytest.raises(UserError, match=message):
        task.load(STREAMS)


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"task.dataset: no file .*gone.csv"):
        asked(tmp_path / "gone.csv").check_data()
