"""Pictures that stay in their files: the same bits as in memory, and nothing left behind."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from sambench.errors import UserError
from sambench.tasks import images
from sambench.tasks.images import datasets, streaming
from sambench.tasks.images.augment import Augment
from sambench.tasks.images.streaming import Pictures

MakeTask = Callable[..., Any]
NUM = {"train": 12, "test": 5}  # of each of three classes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JPEGs of all sizes and shapes."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for part, num in NUM.items():
        for name in ("ape", "bee", "cat"):
            (root / part / name).mkdir(parents=True)
            for i in range(num):
                pixels = rng.integers(0, 256, (*rng.integers(9, 20, 2), 3), np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{i}.jpg")
    return root


@pytest.fixture
def loaded(make_task: MakeTask, root: Path, streams: dict[str, int]) -> Callable[..., images.Data]:
    def loaded(stream: bool | str, cache: Path | None = None, size: int | None = 10) -> images.Data:
        task = make_task(f"folder:{root}", size, label_noise=0.3, val=9, stream=stream)
        return images.load(task, streams, cache)

    return loaded


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process decodes, as if there were a thread to spare."""
    monkeypatch.setattr(streaming, "num_workers", lambda device: 1)


def batches(
    sets: images.Data, epoch: int, augment: Augment, **options: Any
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    found = images.epoch_batches(
        sets.train, batch_size=8, seed=3, epoch=epoch, augment=augment,
        mean=sets.mean, std=sets.std, classes=3, **options,
    )  # fmt: skip
    return list(found)


def equal(first: list[Any], second: list[Any]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.mark.usefixtures("workers")
def test_batches_are_those_of_memory_to_the_bit(loaded: Callable[..., images.Data]):
    memory, stream = loaded(False), loaded(True)
    assert isinstance(stream.train, Pictures) and isinstance(memory.train, images.Images)
    assert torch.equal(stream.mean, memory.mean) and torch.equal(stream.std, memory.std)
    settings: list[tuple[Augment, dict[str, float]]] = [
        ("none", {}),
        ("crop-flip", {"cutmix": 1.0}),
        ("crop-flip-cutout", {"mixup": 0.3}),
        ("randaugment", {"mixup": 0.3, "cutmix": 1.0}),
    ]
    try:
        for augment, mixing in settings:
            for epoch in (0, 4):
                expected = batches(memory, epoch, augment, **mixing)
                assert equal(batches(stream, epoch, augment, **mixing), expected)
        for part in ("val", "test"):
            found, expected = (
                list(images.eval_batches(getattr(s, part), batch_size=4, mean=s.mean, std=s.std))
                for s in (stream, memory)
            )
            assert equal(found, expected)
    finally:
        stream.close()


@pytest.mark.usefixtures("workers")
def test_an_epoch_left_in_the_middle_does_not_disturb_the_next(loaded: Callable[..., images.Data]):
    memory, stream = loaded(False), loaded(True)
    left = images.epoch_batches(
        stream.train, batch_size=2, seed=3, epoch=9, augment="none",
        mean=stream.mean, std=stream.std,
    )  # fmt: skip
    next(left), next(left)
    assert equal(batches(stream, 1, "crop-flip"), batches(memory, 1, "crop-flip"))
    stream.close()


@pytest.mark.usefixtures("workers")
def test_the_generators_of_the_run_stay_as_they_are(loaded: Callable[..., images.Data]):
    stream, before = loaded(True), torch.get_rng_state()
    batches(stream, 0, "none")
    stream.close()
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.usefixtures("workers")
def test_workers_stay_from_epoch_to_epoch_and_end_with_close(loaded: Callable[..., images.Data]):
    stream = loaded(True)

    def running() -> set[int]:
        return {p.pid for p in psutil.Process().children(recursive=True) if _works(p)}

    others = running()
    batches(stream, 0, "none")
    first = running() - others
    batches(stream, 1, "none")
    assert len(first) == 1 and running() - others == first
    stream.close()
    psutil.wait_procs([psutil.Process(pid) for pid in first if psutil.pid_exists(pid)], 10)
    assert not first & running()


def _works(process: psutil.Process) -> bool:
    """Whether it decodes: neither ended nor the tracker that comes with it."""
    ended = process.status() == psutil.STATUS_ZOMBIE
    return not ended and any("spawn_main" in word for word in process.cmdline())


def test_a_split_is_a_view(loaded: Callable[..., images.Data]):
    stream = loaded(True)
    assert stream.train.stream is stream.val.stream is stream.test.stream  # type: ignore
    assert stream.train.shape == (27, 3, 10, 10)


def test_the_statistics_of_a_split_are_counted_once(
    loaded: Callable[..., images.Data], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    first = loaded(True, tmp_path)
    monkeypatch.setattr(streaming.Files, "read", lambda *_: pytest.fail("read again"))
    assert torch.equal(loaded(True, tmp_path).mean, first.mean)


@pytest.mark.usefixtures("workers")
def test_a_picture_that_breaks_later_is_one_line(
    make_task: MakeTask, root: Path, streams: dict[str, int], tmp_path: Path
):
    broken = tmp_path / "broken"
    for path in root.rglob("*.jpg"):
        copy = broken / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    task = make_task(f"folder:{broken}", 10, val=9, stream=True)
    sets = images.load(task, streams)
    number = int(sets.train.numbers[5])  # type: ignore
    path = Path(sets.train.stream.files.paths[number].decode())  # type: ignore
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError) as caught:
        batches(sets, 0, "none")
    sets.close()
    assert str(caught.value) == f"task.dataset: cannot read the picture {path}: Truncated File Read"


@pytest.mark.usefixtures("workers")
def test_a_picture_that_changes_later_is_one_line(
    make_task: MakeTask, root: Path, streams: dict[str, int], tmp_path: Path
):
    shutil.copytree(root, tmp_path / "copy")
    sets = images.load(make_task(f"folder:{tmp_path / 'copy'}", 10, val=9, stream=True), streams)
    number = int(sets.train.numbers[5])  # type: ignore
    path = Path(sets.train.stream.files.paths[number].decode())  # type: ignore
    Image.new("RGB", (12, 12)).save(path)
    with pytest.raises(UserError, match=f"the picture {path} has changed while it was in use"):
        batches(sets, 0, "none")
    sets.close()


def test_contents_are_those_of_memory(make_task: MakeTask, root: Path, tmp_path: Path):
    memory, stream, kept = (
        images.contents(make_task(f"folder:{root}", 10, stream=choice), cache)
        for choice, cache in ((False, None), (True, tmp_path), (True, tmp_path))
    )
    assert memory == stream == kept and len(memory) == 3 * (12 + 5)


def test_sizes_that_differ_need_an_image_size(loaded: Callable[..., images.Data]):
    with pytest.raises(UserError, match=r"task.image_size: needed, folder:.* holds images of"):
        loaded(True, None, None)


def test_what_is_large_streams(loaded: Callable[..., images.Data], monkeypatch: pytest.MonkeyPatch):
    assert isinstance(loaded("auto").train, images.Images)
    asked = []
    datasets._large.cache_clear()
    monkeypatch.setattr(
        "sambench.tasks.images.datasets.is_large", lambda n: asked.append(n) or True
    )
    assert isinstance(loaded("auto").train, Pictures)
    datasets._large.cache_clear()
    assert asked == [(36 + 15) * 3 * 10 * 10]
    assert streaming.is_large(2**60) and not streaming.is_large(2**20)


def test_what_has_no_files_does_not_stream(make_task: MakeTask):
    with pytest.raises(UserError, match="only pictures in files stream, digits does not"):
        images.check(make_task("digits", stream=True))
