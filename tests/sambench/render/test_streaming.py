"""How fast the pictures of a folder come: the record of it and its page."""

from dataclasses import replace
from pathlib import Path

import pytest

from sambench.bench import LOADER, MEMORY, STREAMED, Fed, Streaming, streaming
from sambench.errors import UserError
from sambench.render import publish_streaming, regenerate


@pytest.fixture
def measured() -> Streaming:
    return Streaming(
        pictures=1030,
        width=500,
        height=375,
        file_bytes=110_240,
        images=1024,
        image_size=64,
        model="test_resnet",
        batch_size=128,
        augment="crop-flip",
        device="cpu",
        threads=2,
        workers=1,
        sources=(
            Fed(MEMORY, (1.0, 1.0, 1.0), (0.1, 0.1, 0.1), 12_600_000),
            Fed(STREAMED, (2.0, 1.25, 1.6), (1.0, 1.0, 1.0), 250_000_000),
            Fed(LOADER, (2.0, 2.0, 2.0), (2.0, 1.6, 1.8), 300_000_000),
        ),
        hardware="Example CPU",
        command="python -m sambench bench --folder pictures --rounds 3",
        commit="0123abc",
        date="2026-11-27",
        versions={"torch": "2.9"},
        host={"cpus": 2, "load before": 0.5},
    )


def test_the_page_says_what_was_measured(measured: Streaming, tmp_path: Path):
    page = publish_streaming(measured, tmp_path)
    text = " ".join(page.read_text().split())
    assert page.name == "streaming-cpu.md"
    speed = "640 | 0.62 [0.56, 0.71] | 1.25 [1.12, 1.43]"
    alone = "1024 | 0.10 [0.10, 0.10] | 1.80 [1.70, 1.90]"
    for words in (
        "Epochs of 1024 images from 1030 pictures (median 500x375 px, 110.2 kB) at 64 pixels",
        "2 threads and 1 worker process. 3 rounds of an epoch from each source",
        "| in memory | 1024 | | 2.00 [2.00, 2.00] | 10240 | | 18.00 [17.00, 19.00] | 13 |",
        f"| streamed | {speed} | {alone} | 250 |",
        "| torch's DataLoader | 512 | 0.50 [0.50, 0.50] | | 569 |",
        "python -m sambench bench --folder pictures --rounds 3",
        "load before 0.5",
    ):
        assert words in text, words
    assert streaming.read(tmp_path / "streaming-cpu.json") == measured
    assert "[streaming-cpu](streaming-cpu.md)" in (tmp_path / "README.md").read_text()


def test_each_device_has_a_page_that_is_checked_with_the_others(
    measured: Streaming, tmp_path: Path
):
    page = publish_streaming(measured, tmp_path)
    other = publish_streaming(replace(measured, device="cuda", hardware="Some GPU"), tmp_path)
    assert other.name == "streaming-some-gpu.md" and page.exists()
    assert regenerate(tmp_path, check=True).stale == []
    page.write_text(page.read_text() + "\n")
    assert regenerate(tmp_path, check=True).stale == [page]


@pytest.mark.parametrize(
    ("was", "is_", "said"),
    [
        ("    1.25,\n", "    0,\n", "epochs must have taken more than 0 s"),
        ("    1.25,\n", "", "in as many rounds each"),
        ('"memory_bytes": 1', '"memory_bytes": -1', "no memory below 0"),
        ('"streamed"', '"dreamed"', "sources must be in memory, streamed, torch's DataLoader"),
        ("{", "[", "streaming-cpu.json: the file: "),
    ],
)
def test_a_damaged_record_is_named(
    measured: Streaming, tmp_path: Path, was: str, is_: str, said: str
):
    publish_streaming(measured, tmp_path)
    path = tmp_path / "streaming-cpu.json"
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, is_, 1))
    with pytest.raises(UserError, match=said):
        streaming.read(path)
    assert any(said in error for error in regenerate(tmp_path, check=True).errors)
