"""What a user may do wrong with `study`: one clear line, exit code 2, nothing lost."""

import errno
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import filelock
import pytest

from sambench import config, executors
from sambench.errors import UserError
from sambench.records import Record
from sambench.training import checkpoint
from tests.sambench.cli.words import study

Recorded = Callable[[Path], list[Record]]
Call = Callable[..., tuple[int, str, str]]


SET = [
    ("train.epoch=3", "train.epoch: unknown key, did you mean epochs"),
    ("trian.epochs=3", "trian: unknown key, did you mean train"),
    ("train.epochs=many", "train.epochs: must be a whole number, got 'many'"),
    ("train.epochs=2.5", "train.epochs: must be a whole number, got 2.5"),
    ("train.epochs=0", "train.epochs: must be >= 1, got 0"),
    ("train.momentum=1.0", "train.momentum: must be < 1, got 1.0"),
    ("train.base=sdg", "train.base: unknown value 'sdg', did you mean sgd"),
    ("task.label_noise=1.5", "task.label_noise: must be < 1, got 1.5"),
    ("search.space.lr.low=0", "search.space.lr.low: must be > 0 on a log scale, got 0"),
    ("search.space.lr={low=0.0, high=1.0}", "search.space.lr.low: must be a number > 0, got 0.0"),
    ("search.space.lr={low=-1.0, high=1.0}", "search.space.lr.low: must be a number > 0, got -1.0"),
    ("search.space.lr={choices=[0.1, 0]}", "search.space.lr.choices[1]: must be a number > 0"),
    ("search.sampler=halton", "search.sampler: halton is no more: points are random"),
    ("search.sampler=grid", "search.sampler: unknown value 'grid', choose from gp, random, tpe"),
    ("search.sampler=tpe", "search.searches: tpe needs 20 trials of every arm"),
    ("search.trials=8", "search.trials: is no more: write search.budget"),
    ("search.budget=1", "search.budget: 1 full runs of the baseline afford sam no run, which"),
    ("search.pruner=medain", "search.pruner: unknown value 'medain', did you mean median?"),
    ("finalists.top=9", "finalists: is no more: whatever may win a search is retrained"),
    ("confirm.seeds=9", "confirm.seeds: is for a study that searches nothing"),
    ('variants=["sam", "smm"]', "variants[1]: unknown variant 'smm'"),
    ("variant=[]", "variants: must hold the baseline 'plain'"),
    (
        'variant=[{name="sam", label="x", fix={rho=-0.1}}, {name="plain"}]',
        "variant[0].fix: rho must be >= 0",
    ),
    ('variant=[{name="sam", label="x", fix={roh=0.1}}, {name="plain"}]', "did you mean rho?"),
    (
        'variant=[{name="sam", label="x", space={rho={low=-0.1, high=1}}}, {name="plain"}]',
        "variant[0].space.rho.low: rho must be >= 0",
    ),
    ("task.model=test_resnt", "task.model: timm has no model 'test_resnt'; did you mean"),
    ("task.dataset=digit", "task.dataset: unknown dataset digit, did you mean digits"),
    ("task.dataset=CIFAR11", "did you mean cifar10"),
    ("task.model_args={depth=3}", "task.model_args: test_resnet cannot be built"),
    ("task.split={train=2000, val=20}", ""),
    ("name=../escape", "name: must be letters"),
    ("epochs", "override 'epochs': must look like train.epochs=3"),
]


@pytest.mark.parametrize(("override", "line"), [x for x in SET if x[1]], ids=lambda x: x[:30])
def test_bad_study_keys_and_values(
    refused: Callable[..., str], study_file: Path, override: str, line: str
):
    assert line in refused(*study(study_file, "--set", override))
    assert not Path("runs").exists()


def test_too_many_images_asked_of_a_dataset(refused: Callable[..., str], study_file: Path):
    sizes = ("--set", "task.dataset=digits", "--set", "task.split.train=2000")
    assert "train 2000 + val 20 + test 30 is more than the 1797" in refused(
        *study(study_file, *sizes)
    )


def picture(path: Path, seed: int) -> None:
    import numpy as np
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    root = tmp_path / "pictures"
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            for i in range(12):
                picture(root / part / label / f"{i}.png", i)
    return root


def spoil_missing(root: Path) -> str:
    root.rename(root.with_name("elsewhere"))
    return f"task.dataset: no folder {root}"


def spoil_part(root: Path) -> str:
    (root / "test").rename(root / "tset")
    return f"no folder {root / 'test'}"


def spoil_empty(root: Path) -> str:
    for path in (root / "train" / "cat").iterdir():
        path.unlink()
    return f"no picture in {root / 'train' / 'cat'}"


def spoil_all(root: Path) -> str:
    for part in ("train", "test"):
        (root / part).rename(root / f"old-{part}")
        (root / part).mkdir()
    return f"fewer than two class folders in {root / 'train'}"


def spoil_class(root: Path) -> str:
    (root / "test" / "dog").rename(root / "dog")
    return f"no class folder {root / 'test' / 'dog'}"


def spoil_corrupt(root: Path) -> str:
    path = root / "train" / "dog" / "3.png"
    path.write_bytes(path.read_bytes()[:60])
    return f"cannot read the picture {path}"


def spoil_text(root: Path) -> str:
    (root / "test" / "cat" / "7.png").write_text("not a picture")
    return f"cannot read the picture {root / 'test' / 'cat' / '7.png'}"


def spoil_size(root: Path) -> str:
    import numpy as np
    from PIL import Image

    Image.fromarray(np.zeros((9, 7, 3), np.uint8)).save(root / "train" / "cat" / "5.png")
    return "task.image_size: needed"


SPOILT = [spoil_missing, spoil_part, spoil_empty, spoil_all, spoil_class, spoil_corrupt,
          spoil_text, spoil_size]  # fmt: skip


def folder_study(path: Path, pictures: Path) -> list[str | Path]:
    text = path.read_text().replace('"synthetic"', f'"folder:{pictures}"')
    text = text.replace("image_size = 8\n", "").replace(
        "train = 64, val = 20, test = 30", "val = 4"
    )
    path.write_text(text)
    return study(path)


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda f: f.__name__)
def test_bad_folders(
    refused: Callable[..., str], study_file: Path, pictures: Path, spoil: Callable[[Path], str]
):
    assert spoil(pictures) in refused(*folder_study(study_file, pictures))
    assert not Path("runs/tiny").exists()


def test_a_good_folder(call: Call, study_file: Path, pictures: Path):
    code, _, err = call(*folder_study(study_file, pictures))
    assert (code, err) == (0, "")


def test_no_network_for_a_download(
    refused: Callable[..., str], study_file: Path, monkeypatch: pytest.MonkeyPatch
):
    def unreachable(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    line = refused(*study(study_file, "--set", "task.dataset=CIFAR10", "--set", "task.split={}"))
    assert "CIFAR10" in line and "download" in line
    assert not Path("runs/tiny").exists()


def test_a_damaged_journal(refused: Callable[..., str], done: list[str | Path]):
    journal = Path("runs/tiny/journal.log")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], lines[3][:9] + b"\n", *lines[4:]]))
    assert f"{journal}: line 4 is damaged; restore it from a copy" in refused(*done)


def test_a_damaged_journal_can_be_deleted_as_the_message_says(
    call: Call, done: list[str | Path], recorded: Recorded
):
    before = recorded(Path("runs/tiny"))
    Path("runs/tiny/journal.log").unlink()
    assert call(*done)[0] == 0
    assert recorded(Path("runs/tiny")) == before


def test_a_damaged_result_is_repeated(call: Call, done: list[str | Path], recorded: Recorded):
    before = recorded(Path("runs/tiny"))
    result = Path("runs/tiny/runs/pool-sam-p0/result.json")
    result.write_text(result.read_text().replace("0.", "1.", 1))
    code, _, err = call(*done)
    assert code == 0 and err.count(f"{result} is damaged; its run is repeated") == 1
    assert recorded(Path("runs/tiny")) == before


def test_a_damaged_study(refused: Callable[..., str], done: list[str | Path]):
    Path("runs/tiny/study.json").write_text("{")
    assert "runs/tiny/study.json is damaged" in refused(*done, "--set", "search.searches=2")


def test_damaged_records(call: Call, done: list[str | Path], recorded: Recorded):
    """What is whole is reported, what is not is named, and a study never reads them."""
    records = Path("runs/tiny/records.csv")
    before, text = recorded(Path("runs/tiny")), records.read_text()
    records.write_text(text.replace("complete", "completed", 1))
    code, out, err = call("best", "tiny")
    assert code == 0 and "line 3: damaged: its check does not fit its cells" in err
    assert "SharpnessAware" in out
    records.write_text("spoilt")
    assert call(*done)[0] == 0  # written again from the runs
    assert recorded(Path("runs/tiny")) == before


def test_a_published_study_that_cannot_be_read_does_not_stop_a_study(
    call: Call, done: list[str | Path]
):
    Path("leaderboards").mkdir()
    Path("leaderboards/tiny.csv").write_text("# {}\n")
    code, out, _ = call(*done)
    assert code == 0 and "No comparison with the published page: " in out


def test_a_changed_study_names_its_keys(refused: Callable[..., str], done: list[str | Path]):
    line = refused(*done, "--set", "train.epochs=3", "--set", "seed=3")
    assert "have changed since: seed, train.epochs" in line and "--fork NAME" in line


def test_fork_starts_a_new_study(call: Call, done: list[str | Path]):
    before = Path("runs/tiny/records.csv").read_bytes()
    code, out, err = call(*done, "--set", "train.epochs=1", "--fork", "quick", "--json")
    assert code == 0, err
    assert json.loads(out)["study"] == "quick"
    assert Path("runs/quick/records.csv").exists()
    assert Path("runs/tiny/records.csv").read_bytes() == before


def test_a_second_process_is_refused(refused: Callable[..., str], done: list[str | Path]):
    with filelock.FileLock("runs/tiny/lock"):
        assert "study 'tiny' is being run already, by process" in refused(*done)


def test_a_dry_run_writes_nothing(call: Call, study_file: Path):
    code, out, _ = call(*study(study_file, "--dry-run", "--json"))
    plan = json.loads(out)
    assert code == 0 and plan["pool_runs"] == 3 and plan["confirm_runs"] == 12
    code, out, _ = call(*study(study_file, "--dry-run"))
    assert code == 0 and "gradient evaluations" in out
    assert not Path("runs/tiny").exists()


@pytest.mark.parametrize("root", ["a file", "a file/below"])
def test_a_root_that_is_no_folder(refused: Callable[..., str], study_file: Path, root: str):
    Path("a file").write_text("")
    assert "a file" in refused(*study(study_file, "--root", root))


def full_disk(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the `after`-th file on, whatever is forced to the disk finds no room there."""
    fsync, calls = os.fsync, []

    def no_room(handle: int) -> None:
        calls.append(handle)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", no_room)


@pytest.mark.parametrize("after", [0, 1, 4, 20, 45])
def test_a_full_disk_loses_nothing(
    refused: Callable[..., str],
    call: Call,
    study_file: Path,
    recorded: Recorded,
    run: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
):
    command = study(study_file, "--checkpoint-every", "0")
    with monkeypatch.context() as patched:
        full_disk(after, patched)
        assert refused(*command).startswith("the disk is full; nothing finished is lost")
    code, _, err = call(*command)
    assert code == 0, err
    run(study_file, root=tmp_path / "whole")
    assert recorded(Path("runs/tiny")) == recorded(tmp_path / "whole" / "tiny")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")
def test_a_checkpoint_on_a_disk_that_is_really_full(tmp_path: Path):
    """torch.save on its own would turn this into a RuntimeError."""
    import resource

    import torch

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OSError):
            checkpoint.save(tmp_path, {"weights": torch.zeros(10_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_interrupted(call: Call, study_file: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*arguments: Any, **options: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sambench.executors.assignment.train", interrupt)
        code, _, err = call(*study(study_file))
    assert code == 130
    assert err.strip() == "sambench: interrupted; the same command goes on from here"
    assert call(*study(study_file))[0] == 0


def test_a_worker_that_cannot_begin_exits_with_1(
    call: Call, study_file: Path, monkeypatch: pytest.MonkeyPatch
):
    from sambench.executors import RunFailed

    def fail(*arguments: Any, **options: Any) -> Any:
        raise RunFailed("pool-sam-p0: no such module")

    monkeypatch.setattr("sambench.study.execution.preflight", fail)
    code, _, err = call(*study(study_file))
    assert (code, err) == (1, "sambench: a run failed: pool-sam-p0: no such module\n")


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        ("confirm-sam-p0-r0", "1 run failed; the same command tries again"),
        ("pool-sam", "sam: its only run failed, with ValueError: no luck (runs/tiny/runs/pool-sam-"
         "p0/error.txt); the same command tries again"),
    ],
)  # fmt: skip
def test_runs_that_fail_exit_with_1(
    failed: str, told: str, call: Call, study_file: Path, monkeypatch: pytest.MonkeyPatch
):
    """In one line, once; and the same command repeats them."""
    from sambench.training import train

    def fail(run: Any, *arguments: Any, **options: Any) -> Any:
        if run.id.startswith(failed):
            raise ValueError("no luck")
        return train(run, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr("sambench.executors.assignment.train", fail)
        code, _, err = call(*study(study_file))
    assert (code, err) == (1, f"sambench: {told}\n")
    code, out, _ = call(*study(study_file))
    assert code == 0 and "failed" not in out


def test_a_limit_of_time_is_no_failure(call: Call, study_file: Path):
    code, out, err = call(*study(study_file, "--max-hours", "1e-9"))
    assert (code, err) == (0, "")
    line = "time is up, after 1e-09 hours: 0 of ~17 runs are done; the same command goes on"
    assert out.startswith("trying data, model and every variant on two images\n")
    assert line in out.splitlines()
    assert "--max-hours" not in Path("runs/tiny/leaderboard.md").read_text()
    code, out, _ = call(*study(study_file))
    assert code == 0 and "time is up" not in out


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "soon"])
def test_bad_hours(hours: str, refused: Callable[..., str], study_file: Path):
    assert "--max-hours" in refused(*study(study_file, "--max-hours", hours))


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        (("--workers", "2"), True),
        (("--workers", "1"), False),
        (("--on", "local"), True),
        (("--on", "inline"), False),
        (("--workers", "2", "--dry-run"), False),
    ],
)
def test_what_workers_are_forked_from_begins_before_the_driver_imports_for_itself(
    call: Call,
    study_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    begins: bool,
):
    events: list[str] = []

    def loads(*_: object, **__: object) -> None:
        events.append("loads")
        raise UserError("no further")

    monkeypatch.setattr(executors, "begin_server", lambda: events.append("begins"))
    monkeypatch.setattr(config, "load", loads)
    assert call("study", study_file, "--device", "cpu", "--wandb", "disabled", *options)[0] == 2
    assert events == ["begins"] * begins + ["loads"]
