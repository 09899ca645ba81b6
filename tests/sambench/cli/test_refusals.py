"""Bad input in kinds: one line of at most a few hundred characters, exit code 2, nothing begun."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from sambench import config, errors
from sambench.cli import main
from sambench.errors import UserError
from sambench.study.preflight import preflight
from sambench.tasks import offline
from sambench.tasks.images import models
from sambench.training import Custom

LONGEST = 420  # characters, "sambench: " included
DIGITS = "9" * 5000
Refused = Callable[..., str]


@pytest.fixture
def refused(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Refused:
    """The one line of a command that is refused in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def refused(*arguments: str | Path) -> str:
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["sambench", *map(str, arguments)])
        with pytest.raises(SystemExit) as done:
            main()
        lines = capfd.readouterr().err.splitlines()
        assert (done.value.code, len(lines)) == (2, 1), lines
        assert (
            "Error" not in lines[0]
            and len(lines[0]) <= LONGEST
            and lines[0].startswith("sambench: ")
        )
        assert not Path("runs").exists()
        return lines[0].removeprefix("sambench: ")

    return refused


NUMBERS = {
    "seed=9223372036854775807": "seed: must be <=",
    f"seed={DIGITS}": "thousands of digits",
    f"seed={'9' * 400}": "seed: must be <=",
    "train.epochs=100000000": "train.epochs: must be <= 1e+06",
    "train.batch_size=100000000": "train.batch_size: must be <= 1e+06",
    "train.micro_batch=100000000": "train.micro_batch: must be <= 1e+06",
    "search.searches=100000000": "search.searches: must be <= 1e+06",
    "search.budget=100000000": "search.budget: must be <= 1e+06",
    "confirm.seeds=100000000": "confirm.seeds: must be <= 1e+06",
    "task.image_size=100000": "task.image_size: must be <= 10000",
    "task.split.train=100000000000": "task.split.train: must be <= 1e+09",
    "train.weight_decay=1e308": "train.weight_decay: must be <= 1e+06",
    "train.weight_decay=nan": "train.weight_decay: must be finite",
    "train.momentum=-0.1": "train.momentum: must be >= 0",
    "train.mixup=1e-300": "train.mixup: must be 0, or from 0.001 to 1000",
    "train.cutmix=1e300": "train.cutmix: must be 0, or from 0.001 to 1000",
    "train.clip=1e300": "train.clip: must be <= 1e+09",
    "search.space.lr={low=1e-300, high=1.0}": "search.space.lr.low: must be from 1e-30 to 1e+06",
    "search.space.lr={low=0.1, high=1e300}": "search.space.lr.high: must be from",
    "train.schedule_args={decay_epochs=-1}": "train.schedule_args.decay_epochs: must be > 0",
    "train.schedule_args={decay_milestones=[2, 0]}": "decay_milestones[1]: must be > 0",
    "train.schedule_args={k_decay='x'}": "train.schedule_args.k_decay: must be a number",
    "train.schedule_args={decay_rate=inf}": "train.schedule_args.decay_rate: must be",
    "train.schedule_args=3": "train.schedule_args: must be a table",
    "train.base_args=3": "train.base_args: must be a table",
    "train.base_args={eps=nan}": "train.base_args.eps: must be a finite number",
    "task.model_args={a=1979-05-27}": "task.model_args.a: must be a number, a string",
    f"task.model_args={{a={'[' * 20}{']' * 20}}}": "task.model_args.a: is nested more than 8 deep",
    f"task.model_args={{a={'[' * 3000}": "is nested too deeply",
    f"{'a.' * 1000}b=1": "no key lies so deep",
    "variant=[{name='sam', label='x', fix={rho=1e300}}]": "variant[0].fix.rho: must be from -1e+09",
    f"train.epochs={'x' * 100_000}": "train.epochs: must be a whole number",
    f"train.{'x' * 100_000}=1": "unknown key",
    f"variants=['sam', '{'x' * 100_000}']": "unknown variant",
    f"task.dataset='{'x' * 100_000}'": "unknown dataset",
    f"task.model='{'x' * 100_000}'": "timm has no model",
    f"train.base='{'x' * 100_000}'": "train.base: unknown value",
}


@pytest.mark.parametrize("override", NUMBERS, ids=lambda x: x[:40])
def test_values_that_could_never_run(refused: Refused, study_file: Path, override: str):
    line = refused("study", study_file, "--device", "cpu", "--set", override)
    assert NUMBERS[override] in line


NAMES = {
    "": "must not be empty",
    "data": "data is a name that sambench needs itself",
    "Sweeps": "Sweeps is a name that sambench needs itself",
    "README": "README is a name that sambench needs itself",
    "cost-cpu": "cost-cpu is a name that sambench needs itself",
    "nul": "nul is no name of a file on every system",
    "com1.x": "com1.x is no name of a file on every system",
    "x.": "x. is no name of a file on every system",
    "a/b": "must be letters, digits",
    "..": "must be letters, digits",
    "-x": "must be letters, digits",
    "a\nb": "must be letters, digits",
    "x" * 101: "must be at most 100 characters",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_that_no_folder_may_have(refused: Refused, study_file: Path, name: str):
    line = refused("study", study_file, "--device", "cpu", f"--fork={name}")
    assert f"name: {NAMES[name]}" in line


FILES = {
    "twice": (b'name = "a"\nname = "b"\n', "Cannot overwrite a value"),
    "bytes": (b"\xff\xfe", "codec can't decode"),
    "deep": (b"x = " + b"[" * 5000 + b"]" * 5000, "is nested too deeply"),
    "long": (b"seed = " + DIGITS.encode(), "holds a number of thousands of digits"),
    "large": (b"#" * 2_000_000, "too large for a study"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_no_study(refused: Refused, tmp_path: Path, kind: str):
    content, line = FILES[kind]
    (tmp_path / "bad.toml").write_bytes(content)
    assert line in refused("study", "bad.toml")


COMMANDS = {
    ("study", "x" * 100_000): "",
    ("study", "digits", "--device", "cpu:7"): "--device: unknown device 'cpu:7'; did you mean cpu",
    ("study", "digits", "--device", "mps"): "--device: unknown device 'mps'",
    ("study", "digits", "--checkpoint-every", "nan"): "nan is not a finite number",
    ("study", "digits", "--checkpoint-every", "inf"): "inf is not a finite number",
    ("study", "digits", "--workers", "1000000"): "1000000 is more than 4096",
    ("study", "digits", "--root", "/dev/null"): "--root: '/dev/null' is no folder",
    ("study", "digits", "--root", "r/" * 2000): "--root: ",
    ("trial", "digits", "--variant", "sam", "--lr", "nan"): "nan is not a finite number",
    ("trial", "digits", "--variant", "sam", "--lr", "-1"): "--lr must be > 0",
    ("trial", "digits", "--variant", "sam", "--lr", "1e300"): "--lr must be from 1e-30 to 1e+06",
    ("trial", "digits", "--variant", "sam", "--lr", "1", "--rho", "1e300"): "--rho must be from",
    ("trial", "digits", "--variant", "sam", "--lr", "1", "--fix", f"rho={DIGITS}"): "digits",
    ("trial", "digits", "--variant", "sam", "--lr", "1", "--seed", DIGITS): "--seed",
    ("trial", "digits", "--variant", "sam", "--lr", "1", "--length", "1e9"): "<= 1000",
    ("bench", "--rounds", "1000000000"): "1000000000 is more than 10000",
    ("x" * 100_000,): "unknown command",
}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda w: " ".join(w)[:60])
def test_words_that_no_command_takes(refused: Refused, words: tuple[str, ...]):
    assert COMMANDS[words] in refused(*words)


PROCESSES = {
    "WORLD_SIZE: must be a number": {"RANK": "0", "WORLD_SIZE": "two"},
    "RANK: must be a number from 0 to 1": {"RANK": "7", "WORLD_SIZE": "2"},
    "LOCAL_RANK: must be a number": {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "x"},
    "MASTER_PORT: must be a number": {"RANK": "0", "WORLD_SIZE": "2"},
    "MASTER_ADDR: must be set": {"RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "29500"},
}


@pytest.mark.parametrize("line", PROCESSES)
def test_leftovers_of_torchrun(refused: Refused, monkeypatch: pytest.MonkeyPatch, line: str):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in PROCESSES[line].items():
        monkeypatch.setenv(name, value)
    assert line in refused("trial", "digits", "--variant", "sam", "--lr", "0.1")


def test_refusals_and_finished_studies_need_no_torch(tmp_path: Path):
    script = (
        "import sys, sambench.cli\n"
        "sys.argv[1:] = {words!r}\n"
        "try: sambench.cli.main()\n"
        "except SystemExit as end: print(end.code, 'torch' in sys.modules)\n"
    )
    for words in (
        ["study", "nope"],
        ["study", "digits", "--set", "train.epoch=3"],
        ["study", "digits", "--set", 'variants=["plain", "nope"]'],
        ["trial", "digits", "--variant", "nope", "--lr", "0.1"],
        ["variants", "nope"],
        ["bench", "--variants", "nope"],
        ["best", "nope"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", script.format(words=words)],
            capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ROOT},
        )  # fmt: skip
        assert done.stdout.split() == ["2", "False"], (words, done.stderr)


ROOT = str(Path(__file__).parents[3])


def test_low_limits_are_told(tmp_path: Path):
    if not Path("/bin/sh").exists():
        pytest.skip("needs a shell")
    command = f"{sys.executable} -m sambench study digits"
    for limit, line in (("-n 20", "files may be open"), ("-v 1500000", "address space")):
        done = subprocess.run(
            ["/bin/sh", "-c", f"ulimit {limit}; {command}"],
            capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": ROOT},
        )  # fmt: skip
        assert done.returncode == 2 and line in done.stderr and done.stderr.count("\n") == 1


def check(tiny: Path, cache: Path, *overrides: str, custom: Custom = Custom(), processes: int = 1):
    study = config.load(tiny, overrides)
    preflight(study, "cpu", cache, custom, processes=processes)


MODELS = {
    ("task.model=halonet26t", "task.image_size=32"): "task.model: halonet26t does not take images",
    ("task.model=gcvit_xxtiny", "task.image_size=16"): "task.model_args: gcvit_xxtiny cannot be",
    ("task.model_args={checkpoint_path='no.pth'}",): "weights are named by task.pretrained",
    ("task.pretrained=no.pth",): "task.pretrained: no file 'no.pth'",
    ("task.freeze=backbone", "task.model_args={num_classes=0}"): "task.freeze: backbone is all but",
    ("task.model_args={act_layer=3}",): "task.model_args: test_resnet cannot be built for 8 x",
    ("train.base_args={momentum='x'}",): "train.base_args: sgd cannot be built",
    ("train.base=lamb", "train.base_args={betas=3}"): "train.base_args: lamb with",
    ("train.schedule=wsd", "train.schedule_args={decay_fn='x'}"): "train.schedule_args: wsd",
    ("train.micro_batch=1",): "train.micro_batch: test_resnet cannot be trained on a single image",
    ("train.micro_batch=31",): "what is left of a batch of 32 in parts of 31",
    ("train.batch_size=1",): "train.batch_size: test_resnet cannot be trained on a single image",
    ("task.split.train=1",): "train.batch_size: test_resnet cannot be trained on a single image",
    ("task.split.train=1000000000",): "task.dataset: synthetic takes",
}


@pytest.mark.parametrize("overrides", MODELS, ids=lambda o: " ".join(o)[:60])
def test_what_others_code_cannot_do(tiny: Path, tmp_path: Path, overrides: tuple[str, ...]):
    with pytest.raises(UserError) as caught:
        check(tiny, tmp_path, *overrides)
    assert MODELS[overrides] in str(caught.value) and "\n" not in str(caught.value)


def test_a_share_of_one_image(tiny: Path, tmp_path: Path):
    check(tiny, tmp_path, "train.batch_size=4", processes=2)
    with pytest.raises(UserError, match="a batch of 3 by 2 processes"):
        check(tiny, tmp_path, "train.batch_size=3", processes=2)


def test_single_images_train_what_needs_no_second(tiny: Path, tmp_path: Path):
    check(tiny, tmp_path, "train.batch_size=1", "task.model=test_vit", "task.image_size=32")


class Broken(nn.Module):
    """Fails where it is told to."""

    def __init__(self, where: str) -> None:
        super().__init__()
        if where == "building":
            raise KeyError("no such layer")
        self.where = where
        self.layer = nn.Linear(3, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.where == ("training" if self.training else "evaluation"):
            raise ZeroDivisionError
        return self.layer(x.mean((2, 3)))


OWN = {
    "building": "your own model cannot be built for 3 channels and 10 classes: 'no such layer'",
    "evaluation": "your own model does not take images (3, 8, 8): ZeroDivisionError",
    "training": "your own model cannot be trained on images (3, 8, 8): ZeroDivisionError",
}


@pytest.mark.parametrize("where", OWN)
def test_models_of_a_users_own(tiny: Path, tmp_path: Path, where: str):
    with pytest.raises(UserError) as caught:
        check(tiny, tmp_path, custom=Custom(model=lambda channels, classes: Broken(where)))
    assert OWN[where] in str(caught.value)


def test_an_own_function_that_makes_no_model(tiny: Path, tmp_path: Path):
    with pytest.raises(UserError, match="must return a torch module, got int"):
        check(tiny, tmp_path, custom=Custom(model=lambda channels, classes: 3))  # pyright: ignore


def test_pretrained_weights_without_a_network(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(offline, "_reachable", lambda url: False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    task = config.load(tiny, ["task.model=resnet10t", "task.pretrained=true"]).task
    with pytest.raises(UserError, match=r"task.pretrained: no weights of resnet10t are cached"):
        models.build(task, channels=3, classes=10)


def test_messages_are_short():
    assert len(errors.shortened("x " * 1_000_000)) <= errors.LONGEST
    assert str(UserError("a\nb  c")) == "a b c"
    assert len(errors.echo(["x" * 1000] * 1000)) <= 2 * errors.ECHOED
    assert errors.echo(10**5000) == "a number of thousands of digits"
    many = [f"model{i}" for i in range(2000)]
    assert errors.nearest("zzz", many).endswith("2000 in all")
    assert errors.nearest("zzz", ["a", "b"]) == "choose from a, b"
    assert errors.nearest("model10", many).startswith("did you mean model10")
