"""Epochs on a folder's pictures: all sources give as many images, of the same files."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from sambench.bench import Feeding, feed, feeding, held, sources
from sambench.bench.sources import SOURCES, STREAMS, Job
from sambench.bench.streaming import STREAMED
from sambench.bench.trainee import Trainee
from sambench.errors import UserError
from sambench.tasks import Batch


@pytest.fixture
def asked(tmp_path: Path) -> Feeding:
    """24 JPEGs, 17 of which train."""
    rng = np.random.default_rng(0)
    for name in ("ape", "bee"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(12):
            pixels = rng.integers(0, 256, (*rng.integers(9, 20, 2), 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.jpg")
    return Feeding(
        folder=tmp_path / "pictures",
        cache=tmp_path / "cache",
        batch_size=8,
        image_size=12,
        rounds=2,
        on="cpu",
    )


@pytest.fixture
def job(asked: Feeding) -> Job:
    return feeding.job_of(asked, "cpu")


def epochs(job: Job, num: int) -> Iterator[tuple[str, list[Batch]]]:
    for name, enter in SOURCES.items():
        source = enter(job)
        try:
            for _ in range(num):
                yield name, list(source.epoch())
        finally:
            source.close()


def test_all_sources_give_as_many_images(job: Job):
    assert job.steps == 2
    for name, batches in epochs(job, 2):
        shapes = [(x.shape, x.dtype, y.shape, y.dtype) for x, y in batches]
        assert shapes == [((8, 3, 12, 12), torch.float32, (8,), torch.int64)] * 2, name


def test_torch_reads_the_same_pixels_and_labels(job: Job):
    """Chance apart: crop and flip are taken out."""
    data = job.task.load(STREAMS, job.cache)
    ((x, y),) = data.eval_batches(data.train, batch_size=len(data.train))
    folder = sources._folder(job)
    assert isinstance(folder.transform, transforms.Compose)
    resize, _, _, *scale = folder.transform.transforms
    folder.transform = transforms.Compose([resize, *scale])
    found = [folder[i] for i in range(len(folder))]
    torch.testing.assert_close(torch.stack([pixels for pixels, _ in found]), x)
    assert [label for _, label in found] == y.tolist()


def test_every_epoch_has_other_batches(job: Job):
    seen = [torch.cat([x for x, _ in batches]) for _, batches in epochs(job, 2)]
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert not torch.equal(first, second)


def test_a_benchmark_of_a_folder(asked: Feeding, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(held, "apart", lambda job, name: len(name))
    found = feed(asked)
    assert (found.pictures, found.images, found.workers) == (17, 16, found.threads - 1)
    assert 9 <= found.width < 20 and 9 <= found.height < 20 and found.file_bytes > 100
    assert [own.name for own in found.sources] == list(SOURCES)
    assert [own.memory_bytes for own in found.sources] == [len(name) for name in SOURCES]
    for own in found.sources:
        assert len(own.training_s) == len(own.reading_s) == 2 and min(own.training_s) > 0


def test_memory_is_that_of_an_epoch(job: Job, monkeypatch: pytest.MonkeyPatch):
    """On a tally of our own: what the data hold at most, beyond what was there before."""
    tally = iter([100, 130, *[120] * 1000])
    monkeypatch.setattr(held, "of_tree", lambda: next(tally))
    monkeypatch.setattr(held, "EVERY_S", 1e9)
    steps: list[int] = []

    def learn(self: Trainee, batches: Iterable[Batch]) -> None:
        steps.extend(len(y) for _, y in batches)

    monkeypatch.setattr(Trainee, "learn", learn)
    assert held.held(job, STREAMED) == 30
    assert steps == [8, 8]


def test_memory_of_children_counts():
    alone = held.of_tree()
    waiting = "x = bytearray(b'1' * 10**8); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", waiting], stdin=PIPE, stdout=PIPE) as child:
        assert child.stdout and child.stdout.readline()
        assert held.of_tree() - alone > 9 * 10**7
        child.communicate(b"\n")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"batch_size": 18}, "has 17 pictures to train on, less than a batch; choose a smaller"),
        ({"folder": Path("nowhere")}, "--folder: no folder nowhere; expected train/CLASS"),
        ({"model": "test_resnt"}, "--model: timm has no model 'test_resnt'; did you mean"),
        ({"on": "gpu"}, "--device: unknown device 'gpu'"),
    ],
)
def test_what_cannot_be_timed_is_refused(asked: Feeding, change: dict, line: str):
    with pytest.raises(UserError, match=line):
        feed(replace(asked, **change))


def test_a_process_that_is_killed_is_one_line(job: Job, tmp_path: Path):
    (tmp_path / "deadly.py").write_text("import os\n\nos._exit(1)\n")
    with pytest.raises(UserError, match="the process that measures streamed was killed"):
        held.apart(replace(job, imports=(tmp_path / "deadly.py",)), STREAMED)
