"""Cost pages: derived from the timings beside them, byte for byte."""

from dataclasses import replace
from pathlib import Path

import pytest

from sambench.bench import record
from sambench.bench.ratios import costs
from sambench.bench.record import Bench, Timing, Training
from sambench.errors import UserError
from sambench.render.markdown import costs as costs_page
from sambench.render.publishing import publish_costs, regenerate

BENCH = Bench(
    model="test_resnet",
    batch_size=128,
    image_size=32,
    engine="eager",
    amp="none",
    device="cpu",
    hardware="Example CPU",
    parameter_bytes=1000,
    variants=(
        (
            Timing("plain", (1.0, 2.0, 1.0), 1.0, 10_000),
            Timing("sam", (2.0, 4.2, 1.9), 2.0, 12_000),
        ),
        (Timing("plain", (2.0, 2.0, 2.0), 1.0, 10_000), Timing("asam", (5.0, 5.0, 5.0), 2.0, 9000)),
    ),
    outside_batch=8,
    outside=(
        Timing("2 bare passes", (1.0, 1.0, 1.0), 2.0),
        Timing("sam", (1.3, 1.2, 1.4), 2.0),
        Timing("a peer", (1.6, 1.5, 1.6), 2.0),
    ),
    loops=(Timing("bare", (1.0, 1.0, 1.0), 1.0), Timing("ours", (1.0, 1.25, 2.0), 1.0)),
    notes=("left out: somebody",),
    command="python -m sambench bench",
    commit="0123abc",
    date="2026-11-22",
    versions={"torch": "2.15.0"},
    host={"cpus": 2},
)


def test_ratios_are_taken_within_rounds():
    found = costs(BENCH)
    plain, sam, asam = found.variants
    assert (plain.ratio.median, sam.ratio.median, asam.ratio.median) == (1.0, 2.0, 2.5)
    assert (sam.memory, sam.copies, asam.copies) == (1.2, 2.0, -1.0)
    assert (plain.step_s, plain.images_per_s, sam.images_per_s) == (1.0, 128.0, 64.0)
    ours, peer = found.outside
    assert ours.seconds.median == pytest.approx(0.3) and ours.ours_over_it == 1.0
    assert peer.ours_over_it == pytest.approx(0.5)
    assert found.loop.median == 0.8


def test_the_page_says_what_where_and_how():
    page = costs_page.render("cost-cpu", [BENCH])
    for part in (
        "## test_resnet at 32x32, batch 128, float32, eager engine, Example CPU",
        "2.00 [1.95, 2.05]",
        "    python -m sambench bench\n",
        "date 2026-11-22, commit 0123abc",
        "left out: somebody",
    ):
        assert part in page


def test_publishing_writes_timings_page_and_index(tmp_path: Path):
    assert publish_costs(BENCH, tmp_path) == tmp_path / "cost-cpu.md"
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["README.md", "cost-cpu.json", "cost-cpu.md"]
    assert record.read(tmp_path / "cost-cpu.json") == (BENCH,)
    assert "[cost-cpu](cost-cpu.md)" in (tmp_path / "README.md").read_text()
    assert regenerate(tmp_path, check=True).stale == []


def test_a_gpu_is_named(tmp_path: Path):
    gpu = replace(BENCH, device="cuda", hardware="NVIDIA H200 (SXM)")
    assert publish_costs(gpu, tmp_path).name == "cost-nvidia-h200-sxm.md"


def test_a_newer_benchmark_takes_the_place_of_the_older(tmp_path: Path):
    other = replace(BENCH, model="resnet18")
    newer = replace(BENCH, date="2026-11-23")
    for bench in (BENCH, other, newer):
        publish_costs(bench, tmp_path)
    assert record.read(tmp_path / "cost-cpu.json") == (other, newer)
    again = tmp_path / "again"
    for bench in (newer, other):
        publish_costs(bench, again)
    for name in ("cost-cpu.json", "cost-cpu.md", "README.md"):
        assert (again / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_stale_page_is_named_then_mended(tmp_path: Path):
    page = publish_costs(BENCH, tmp_path)
    good = page.read_bytes()
    page.write_bytes(good + b"!")
    assert regenerate(tmp_path, check=True).stale == [page]
    assert regenerate(tmp_path).stale == [page] and page.read_bytes() == good


def test_a_damaged_file_is_one_line(tmp_path: Path):
    (tmp_path / "cost-cpu.json").write_text('[{"model": 3}]')
    (error,) = regenerate(tmp_path).errors
    assert error.startswith(f"{tmp_path}/cost-cpu.json: 0.model: ")


DAMAGE = {
    "nothing": b"",
    "bytes": b"\x00\xff\xfe",
    "no list": b"{}",
    "no rounds": b'"seconds": [], ',
    "another number of rounds": b'"seconds": [1.0], ',
    "a round that took no time": b'"seconds": [0.0, 1.0, 1.0], ',
    "a round without end": b'"seconds": [NaN, 1.0, 1.0], ',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_timings_are_named_and_the_others_are_published(tmp_path: Path, case: str):
    good = publish_costs(BENCH, tmp_path)
    bad = tmp_path / "cost-gpu.json"
    text = good.with_suffix(".json").read_bytes()
    damage = DAMAGE[case]
    if damage.startswith(b'"seconds"'):
        damage = text.replace(b'"seconds": [1.0, 2.0, 1.0], ', damage, 1)
        assert damage != text
    bad.write_bytes(damage)
    (tmp_path / "cost-gpu.md").write_text("of better days")
    good.unlink()
    found = regenerate(tmp_path)
    assert good.is_file() and len(found.errors) == 1 and len(found.errors[0]) < 400
    assert found.errors[0].startswith(f"{bad}: ") and "\n" not in found.errors[0]
    assert (tmp_path / "cost-gpu.md").read_text() == "of better days"


def test_timings_that_cannot_be_compared_are_named(tmp_path: Path):
    for changes in ({"loops": ()}, {"outside": ()}, {"variants": ()}, {"parameter_bytes": 0}):
        record.write(tmp_path / "cost-cpu.json", [replace(BENCH, **changes)])
        with pytest.raises(UserError, match=r"cost-cpu\.json: test_resnet: .* must "):
            record.read(tmp_path / "cost-cpu.json")


def test_a_gpu_adds_epochs_and_peers():
    peer = Timing("a peer", (3.0, 6.3, 3.8), 2.0)
    epochs = Training("sam", 49_920, (4.0, 5.0, 4.0), (3.0, 4.0, 3.0), 0.955)
    (first, *heats) = BENCH.variants
    bench = replace(BENCH, engine="graph", variants=((*first, peer), *heats), training=(epochs,))
    page = costs_page.render("cost-cuda", [bench])
    assert "others, eager, over ours as graphs: a peer 1.50 [1.50, 1.75]." in page
    assert "| sam, 49,920 images | 4.00 [4.00, 4.50] | 0.75 [0.75, 0.78]    | 95.5%" in page
    assert "over ours as graphs" not in costs_page.render("cost-cpu", [BENCH])
