"""`bench` refuses what cannot run, prints and publishes."""

import json
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from PIL import Image

from sambench.bench import held
from sambench.scale import dispatching, starting, storing

Call = Callable[..., tuple[int, str, str]]


BENCH = ("bench", "--device", "cpu", "--rounds", "1", "--batch-size", "4", "--image-size", "8")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--model", "test_resnt"), "--model: timm has no model 'test_resnt'; did you mean"),
        (("--variants", "plain,smm"), "--variants: unknown variant 'smm'; did you mean"),
        (("--device", "cpuu"), "--device: unknown device 'cpuu'; did you mean cpu"),
        (("--rounds", "0"), "Invalid value for '--rounds'"),
    ],
)
def test_a_benchmark_that_cannot_run(
    refused: Callable[..., str], options: tuple[str, ...], line: str
):
    assert line in refused(*BENCH, *options)


def test_a_benchmark_is_printed_and_published(call: Call):
    code, out, _ = call(*BENCH, "--variants", "plain", "--json", "--publish")
    found = json.loads(out)
    assert code == 0 and found["costs"]["variants"][1]["passes"] == 2
    assert "--variants plain" in found["command"] and "--batch-size 4" in found["command"]
    assert "test_resnet at 8x8" in Path("leaderboards/cost-cpu.md").read_text()
    assert call("leaderboard", "--check")[0] == 0


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A round is a run, and nothing is dispatched to other processes."""
    monkeypatch.setattr(storing, "RUNS", 1)
    monkeypatch.setattr(storing, "IN_FLIGHT", (1,))
    monkeypatch.setattr(dispatching, "_executors", lambda: iter([("inline", 1)]))


SCALE = ("bench", "--scale", "--trials", "2", "--rows", "450")


@pytest.mark.usefixtures("few")
def test_what_studies_cost_is_measured_to_its_end(call: Call):
    url = "sqlite:///mine.db"
    code, out, _ = call(*SCALE, "--storage", url, "--json", "--publish")
    found = json.loads(out)
    assert code == 0
    assert [(own["storage"], own["stored"]) for own in found["storing"]] == [
        ("journal", 2),
        ("sqlite", 2),
    ]
    assert [own["executor"] for own in found["dispatching"]] == ["inline"]
    assert [own["finished"] for own in found["starting"]] == [2]
    (report,) = found["reporting"]
    assert report["rows"] >= 450 and 0 < report["page_s"] < report["html_s"]
    assert found["command"].endswith(f"--scale --trials 2 --rows 450 --storage {url}")
    assert optuna.get_all_study_names(url) == []
    assert "| 2 " in Path("leaderboards/scale-cpu.md").read_text()
    assert call("leaderboard", "--check")[0] == 0


@pytest.mark.usefixtures("few")
def test_who_interrupts_a_measurement_keeps_what_is_there(
    call: Call, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(starting, "measure", interrupted)
    code, out, told = call(*SCALE, "--json")
    found = json.loads(out)
    assert code == 0 and "interrupted: " in told
    assert len(found["dispatching"]) == 1 and found["starting"] == []


def test_what_measures_cost_is_measured_and_published(call: Call, study_file: Path):
    study_file.write_text(
        f'{study_file.read_text()}\n[measure]\nnames = ["calibration", "memorisation", "ascent"]\n'
        "max_batches = 1\nbatch_size = 16\nset.ascent.steps = 3\n"
    )
    code, out, err = call(
        "bench", "--measures", "--study", study_file, "--device", "cpu", "--json", "--publish"
    )
    assert code == 0, err
    found = json.loads(out)
    assert (found["train_items"], found["test_items"], found["batch_size"]) == (16, 16, 32)
    steps = [(run["variant"], run["gradient_evaluations"]) for run in found["runs"]]
    assert steps == [("plain", 4), ("sam", 8)]  # 64 images in batches of 32, two epochs
    prices = {own["measure"]: own for own in found["prices"]}
    assert prices["ascent"]["gradient_evaluations"] == round((3 + 2 / 3) / 2, 1)
    assert len(prices["ascent"]["seconds"]) == 2 and not prices["ascent"]["failed"]
    assert "nobody knows the true labels" in prices["memorisation"]["failed"]
    assert found["command"].startswith("python -m sambench bench --measures --study ")
    assert "| ascent " in Path("leaderboards/measures-cpu.md").read_text()
    assert call("leaderboard", "--check")[0] == 0


def test_trials_are_timed_beside_those_of_a_script(call: Call, study_file: Path):
    """Both take as many gradients; SAM is left out where its peer is missing."""
    words = ("bench", "--study", study_file, "--rounds", "2", "--json", "--publish")
    code, out, err = call(*words)
    assert code == 0, err
    found = json.loads(out)
    races = {race["variant"]: race["timed"] for race in found["races"]}
    assert list(races) == ["plain"] if found["notes"] else ["plain", "sam"]
    for timed in races.values():
        names = [own["name"] for own in timed]
        assert names == ["sambench", "by hand, tensors", "by hand, pictures"]
        assert len({own["gradient_evaluations"] for own in timed}) == 1
        assert {len(own["seconds"]) for own in timed} == {2}
    assert found["command"].endswith(f"--study {study_file} --rounds 2")
    assert "| by hand, tensors " in Path("leaderboards/trials-cpu.md").read_text()
    assert call("leaderboard", "--check")[0] == 0


def test_a_script_that_would_train_otherwise_is_not_raced(
    refused: Callable[..., str], study_file: Path
):
    study_file.write_text(study_file.read_text().replace("[train]", "[train]\nclip = 1.0"))
    assert "the script by hand knows no train.clip" in refused("bench", "--study", study_file)


def test_the_pictures_of_a_folder_are_timed_and_published(
    call: Call, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(held, "apart", lambda job, name: 1_000_000)
    for name in ("ape", "bee"):
        folder = Path("pictures", name)
        folder.mkdir(parents=True)
        for i in range(12):
            Image.new("RGB", (10, 9), (20 * i, 0, 99)).save(folder / f"{i}.jpg")
    code, out, err = call(*BENCH, "--folder", "pictures", "--json", "--publish")
    assert code == 0, err
    found = json.loads(out)
    assert (found["pictures"], found["images"], found["width"], found["height"]) == (17, 16, 10, 9)
    assert found["command"].startswith("python -m sambench bench --folder pictures --device cpu")
    assert "--batch-size 4" in found["command"] and "--amp" not in found["command"]
    assert "| streamed " in Path("leaderboards/streaming-cpu.md").read_text()
    assert call("leaderboard", "--check")[0] == 0


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--trials", "5"), "--trials: a step of training has none; add --scale"),
        (("--rows", "5"), "--rows: a step of training has none; add --scale"),
        (("--storage", "sqlite:///x.db"), "--storage: a step of training stores nothing"),
        (("--scale", "--study"), "--study: is another benchmark than --scale; ask for one"),
        (("--study", "--device", "cuda"), "--device: trials are timed on a CPU"),
        (("--study", "digit"), "unknown study 'digit', did you mean digits"),
        (("--study", "tabular-diabetes"), "to classify images in memory; the nearest study is"),
        (("--scale", "--measures"), "--measures: is another benchmark than --scale; ask for one"),
        (("--folder", "x", "--scale"), "--folder: is another benchmark than --scale; ask for one"),
        (("--folder", "x", "--measures"), "--folder: is another benchmark than --measures"),
        (("--folder", "x", "--study"), "--folder: is another benchmark than --study; ask for one"),
        (("--folder", "x", "--amp", "bf16"), "--amp: epochs on a folder have none; leave it out"),
        (("--folder", "x", "--variants", "plain"), "--variants: epochs on a folder have none"),
        (("--folder", "x"), "--folder: no folder x; expected train/CLASS"),
        (("--folder", "README"), "--folder: README is a file, not a folder; expected"),
        (("--scale", "--trials", "10,5"), "must look like 10,1000, each more, got '10,5'"),
        (("--scale", "--rows", "0"), "must look like 10,1000, each more, got '0'"),
    ],
)
def test_sizes_are_of_a_scale(refused: Callable[..., str], options: tuple[str, ...], line: str):
    Path("README").touch()
    assert line in refused("bench", *options)
    assert not Path("x.db").exists()
