"""Records come back exactly as written, and damage is named by file and line."""

import csv
import itertools
import json
import math
import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sambench import config, records
from sambench.errors import UserError
from sambench.records import Record, damage, lines
from sambench.records.writing import seal
from sambench.scores import ACCURACY, LOSS

SPEC = {
    "name": "digits",
    "question": "Is #1 the best?",
    "variants": ["plain", "sam"],
    "task": {"dataset": "digits", "model": "test_resnet"},
    "train": {"epochs": 10, "batch_size": 64},
    "search": {"space": {"lr": {"low": 0.001, "high": 1.0, "log": True}}},
}
LABELS = ("NA", "sam-wide", "sam")
STUDY = config.parse(SPEC)
SAM = STUDY.arms()[-1].model_dump(mode="json")
HEADER = {
    "study": "digits",
    "code": {},
    "spec": STUDY.model_dump(mode="json"),
    "arms": {label: {**SAM, "label": label} for label in LABELS},
    "objective": "accuracy",
    "scores": [ACCURACY.model_dump(), LOSS.model_dump()],
    "measures": [],
    "own": {},
    "extension": 0,
    "fits": {},
    "bands": None,
    "command": "python -m sambench study",
    "commit": "0123abc",
    "date": "2026-11-22",
    "versions": {},
    "hardware": {},
    "test_runs": 1,
}
CORRECT = np.arange(13) % 3 == 0
RECORD = Record(
    study="digits",
    variant="sam-wide",
    key="sam",
    stage="confirm",
    point=3,
    rerun=1,
    rank=None,
    seed_split=2**32 - 1,
    seed_labels=2,
    seed_init=3,
    seed_order=4,
    lr=0.1 + 0.2,
    rho=None,
    hyperparameters=json.dumps({"rho": 0.05, "form": 'a "b"'}),
    epochs=10,
    epochs_done=7,
    outcome="diverged",
    reason='loss is nan\nin epoch 7, "late"',
    train_loss=float("inf"),
    num_items=13,
    gradient_evaluations=120.0,
    steps=120,
    step_time_s=0.02,
    wall_s=2.5,
    device="cpu",
    processor="Example CPU @ 2.00GHz",
    instructions="AVX2",
    threads=1,
    torch="2.15.0",
    data="0" * 32,
    source="study",
    curve="0.2500 0.3333",
    peak_memory=None,
    wandb="",
    val={"accuracy": 1 / 3, "loss": 1e-300},
    test={"accuracy": None, "loss": None},
    items={"accuracy": records.pack(CORRECT)},
)
RUNS = [
    replace(RECORD, variant="NA", rerun=0),
    replace(RECORD, variant="sam-wide", rerun=1, rank=2, reason="ü"),
    replace(RECORD, variant="sam", rerun=2, peak_memory=2**40),
]
NAMED = ("val", "test", "items", "measures", "details")
COLUMNS = [
    *(f.name for f in fields(Record) if f.name not in NAMED),
    *("val_accuracy", "val_loss", "test_accuracy", "test_loss", "items_accuracy"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "records.csv"
    records.write(target, HEADER, RUNS)
    return target


def test_everything_comes_back(tmp_path: Path):
    other = replace(RECORD, rerun=9)
    records.write(tmp_path / "r.csv", HEADER, [other, *RUNS])
    found = records.read(tmp_path / "r.csv")
    assert found.records == (other, *RUNS)
    assert found.header == {**HEADER, "format": 3, "num_records": 4}
    assert list(found.lines) == [3, 4, 5, 6]


@pytest.mark.usefixtures("blocks")
def test_marks_of_the_format_are_texts_too(tmp_path: Path):
    runs = [replace(RECORD, rerun=i, device="a#\r\n", reason='#\n, "') for i in range(3)]
    runs += [replace(RECORD, rerun=3)]
    records.write(tmp_path / "r.csv", HEADER, runs)
    found = records.read(tmp_path / "r.csv")
    assert found.records == tuple(runs) and found.damages == ()


def test_lines_of_one_checksum_need_not_be_copies():
    same = np.zeros(3, np.uint32)
    found = damage.copies([b"a,1", b"b,2", b"a,1"], same, 3)
    assert found == {5: "repeats line 3; counted once"}


def test_numpy_numbers_are_written_as_numbers(tmp_path: Path):
    run = replace(RECORD, lr=np.float64(0.1), epochs=np.int64(3), train_loss=np.float32(0.5))
    records.write(tmp_path / "r.csv", HEADER, [run])
    assert records.read(tmp_path / "r.csv").records == (
        replace(RECORD, lr=0.1, epochs=3, train_loss=0.5),
    )


@pytest.mark.parametrize("seed", range(5))
def test_floats_come_back_to_the_last_bit(tmp_path: Path, seed: int):
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**63, 400, dtype=np.int64).view(np.float64)
    losses = [float(x) for x in bits if np.isfinite(x)]
    runs = [
        replace(RECORD, rerun=i, lr=x, val={"accuracy": None, "loss": -x})
        for i, x in enumerate(losses)
    ]
    records.write(tmp_path / "r.csv", HEADER, runs)
    assert records.read(tmp_path / "r.csv").records == tuple(runs)


PERPLEXITY = records.Score(name="perplexity", unit="nats/token", direction="minimize")
TOP5 = records.Score(name="top5_share", unit="share", direction="maximize", items="bits")
SHARPNESS = records.Score(name="largest_eigenvalue", unit="1", direction="minimize")
FLAT = records.Score(name="flat_share", unit="share", direction="maximize")
OTHER = {
    **HEADER,
    "objective": "perplexity",
    "scores": [PERPLEXITY.model_dump(), TOP5.model_dump()],
    "measures": [SHARPNESS.model_dump(), FLAT.model_dump()],
}
OTHER_RUN = replace(
    RECORD,
    val={"perplexity": 12.5, "top5_share": 0.5},
    test={"perplexity": 1e3, "top5_share": None},
    items={"top5_share": records.pack(CORRECT)},
    measures={"largest_eigenvalue": -0.25, "flat_share": 0.5},
)


def test_scores_and_measures_of_any_name_and_unit(tmp_path: Path):
    path = tmp_path / "r.csv"
    records.write(path, OTHER, [OTHER_RUN])
    found = records.read(path)
    assert (found.records, found.objective, found.damages) == ((OTHER_RUN,), "perplexity", ())
    assert list(found.frame.columns[-7:]) == [
        "val_perplexity",
        "val_top5_share",
        "test_perplexity",
        "test_top5_share",
        "measure_largest_eigenvalue",
        "measure_flat_share",
        "items_top5_share",
    ]
    assert found.frame["test_perplexity"].tolist() == [1000.0]
    assert path.read_text().splitlines()[1].endswith(",items_top5_share,check")


WITHOUT_TEST = "a complete confirm run without test_perplexity"
WITHOUT_ITEMS = "a complete confirm run without test items"
HELD = [
    ({"val": {"perplexity": math.inf}}, "val_perplexity must be finite"),
    ({"test": {"top5_share": 1.5}}, "test_top5_share outside 0 to 1"),
    ({"measures": {"flat_share": -0.5}}, "measure_flat_share outside 0 to 1"),
    ({"items": {"top5_share": "A"}}, "items_top5_share does not hold num_items values"),
    ({"items": {"top5_share": "A-B="}}, "items_top5_share is no base64 text"),
    ({"outcome": "complete", "test": {}}, WITHOUT_TEST),
    ({"outcome": "complete", "num_items": 0, "items": {}}, WITHOUT_ITEMS),
    ({"val": {"perplexity": -3.0}, "measures": {"largest_eigenvalue": 1e9}}, ""),
    ({"stage": "pool", "outcome": "complete", "test": {}, "num_items": 0, "items": {}}, ""),
]


@pytest.mark.parametrize(("changes", "what"), HELD, ids=str)
def test_every_score_is_held_to_its_unit(tmp_path: Path, changes: dict, what: str):
    records.write(tmp_path / "r.csv", OTHER, [replace(OTHER_RUN, **changes)])
    found = records.read(tmp_path / "r.csv")
    told = [f"line 3: not a record: {what}; not counted"] if what else []
    assert list(map(str, found.damages)) == told and len(found.frame) == (not what)


def test_writing_again_gives_the_same_bytes(path: Path):
    before, found = path.read_bytes(), records.read(path)
    records.write(path, found.header, found.records)
    assert path.read_bytes() == before


def test_pandas_reads_the_file_and_the_frame_agrees(path: Path):
    outside = pd.read_csv(path, comment="#", keep_default_na=False, na_values={"rho": ""})
    frame = records.read(path).frame
    assert path.read_text().count("#") == 1
    assert list(outside["variant"]) == list(frame["variant"]) == list(LABELS)
    assert list(outside.columns) == [*COLUMNS, "check"]
    assert json.loads(str(outside["hyperparameters"].iloc[0])) == {"rho": 0.05, "form": 'a "b"'}
    assert frame["lr"].dtype == float and frame["epochs"].dtype == int
    assert frame["rho"].tolist() == pytest.approx([np.nan] * 3, nan_ok=True)
    assert outside["lr"].tolist() == frame["lr"].tolist() == [0.1 + 0.2] * 3


def test_a_study_without_runs(tmp_path: Path):
    records.write(tmp_path / "r.csv", HEADER, [])
    found = records.read(tmp_path / "r.csv")
    assert found.records == () and list(found.frame.columns) == COLUMNS


def test_packed_images_come_back():
    assert (records.unpack(RECORD.items["accuracy"], 13) == CORRECT).all()


Edit = Callable[[list[str]], list[str]]


def resealed(head: str, old: str, new: str) -> str:
    """A changed header with the check that fits it: anybody can count one."""
    bare = head.partition(', "check"')[0] + "}"
    assert old in bare
    bare = bare.replace(old, new, 1)
    return bare[:-1] + seal(bare.encode()).decode()


OLDER = "of an older protocol whose numbers do not compare; run the study again"
NO_HEADER: dict[str, tuple[Edit, str]] = {
    "empty file": (lambda lines: [], "line 1: damaged header"),
    "header is no JSON": (lambda lines: [lines[0][:-5], *lines[1:]], "line 1: damaged header"),
    "another format": (
        lambda lines: [lines[0].replace('"format": 3', '"format": 4'), *lines[1:]],
        "line 1: not the header of a records file of format 3",
    ),
    "format 1": (
        lambda lines: ['# {"format": 1, "study": "digits"}', *lines[1:]],
        f"line 1: records of format 1, {OLDER}",
    ),
    "format 2": (
        lambda lines: [lines[0].replace('"format": 3', '"format": 2'), "study,variant,key,trial"],
        f"line 1: records of format 2, {OLDER}",
    ),
    "objective is no score": (
        lambda lines: [
            resealed(lines[0], '"objective": "accuracy"', '"objective": "loss_"'),
            *lines[1:],
        ],
        "line 1: objective: must be one of the scores, got loss_",
    ),
    "two scores of a name": (
        lambda lines: [resealed(lines[0], '"name": "loss"', '"name": "accuracy"'), *lines[1:]],
        "line 1: scores: must have different names, got accuracy twice",
    ),
    "a score of code": (
        lambda lines: [resealed(lines[0], '"name": "loss"', '"name": "x()"'), *lines[1:]],
        "line 1: scores[1].name: must be",
    ),
    "an arm of another label": (
        lambda lines: [resealed(lines[0], '"label": "NA"', '"label": "AN"'), *lines[1:]],
        "line 1: arms.NA: must be the label of its key, got AN",
    ),
    "arms gone": (
        lambda lines: [resealed(lines[0], '"arms": {', '"arms_": {'), *lines[1:]],
        "line 1: arms: is required",
    ),
    "an arm without length": (
        lambda lines: [resealed(lines[0], '"length": 1.0', '"lenght": 1.0'), *lines[1:]],
        "line 1: arms.NA.lenght: unknown key, did you mean length",
    ),
    "a data digest of words": (
        lambda lines: [resealed(lines[0], '"test_runs"', '"data_digest": "x", "test_runs"')],
        "line 1: data_digest: must be",
    ),
    "another CSV": (lambda lines: ["# []", "a,b", "1,2"], "line 1: not the header"),
    "header key gone": (
        lambda lines: [resealed(lines[0], '"commit"', '"komit"'), *lines[1:]],
        "line 1: commit: is required",
    ),
    "header without its check": (
        lambda lines: [lines[0].partition(', "check"')[0] + "}", *lines[1:]],
        "line 1: the header lacks its check",
    ),
    "header of another kind": (lambda lines: ["# 3", *lines[1:]], "line 1: not the header"),
    "header nested too deeply": (
        lambda lines: ["# " + "[" * 100_000, *lines[1:]],
        "line 1: damaged header: ",
    ),
    "header of bytes": (lambda lines: ["\0" * 1000, *lines[1:]], "line 1: damaged header"),
    "study is a path": (
        lambda lines: [resealed(lines[0], '"study": "digits"', '"study": "../x"'), *lines[1:]],
        "line 1: study: must be letters, digits, . _ -",
    ),
    "study with a line break": (
        lambda lines: [resealed(lines[0], '"study": "digits"', '"study": "digits\\n"'), *lines[1:]],
        "line 1: study: must be letters, digits, . _ -",
    ),
    "study file broken": (
        lambda lines: [resealed(lines[0], '"augment": "none"', '"augment": "x\\")#"'), *lines[1:]],
        "line 1: spec.train.augment: unknown value",
    ),
    "split of code": (
        lambda lines: [resealed(lines[0], '"val": null', '"val": "exit()"'), *lines[1:]],
        "line 1: spec.task.split.val: must be a whole number",
    ),
    "study file gone": (
        lambda lines: [resealed(lines[0], '"spec": {', '"spec": 3, "spec_": {'), *lines[1:]],
        "line 1: spec: must be a table",
    ),
    "label of code": (
        lambda lines: [
            resealed(lines[0], '"arms": {"NA"', '"arms": {"a b"'),
            *lines[1:],
        ],
        "line 1: arms.a b",
    ),
    "date is none": (
        lambda lines: [resealed(lines[0], "2026-11-22", "<b>today"), *lines[1:]],
        "line 1: date: ",
    ),
    "header in conflict": (
        lambda lines: ["<<<<<<< HEAD", *lines],
        "line 1: a conflict marker of git: resolve the conflict",
    ),
    "header edited": (
        lambda lines: [lines[0].replace("2026-11-22", "2026-11-23"), *lines[1:]],
        "line 1: damaged header: its check does not fit",
    ),
    "number of records is none": (
        lambda lines: [resealed(lines[0], '"num_records": 3', '"num_records": "3"'), *lines[1:]],
        "line 1: num_records: must be a whole number",
    ),
    "column gone": (
        lambda lines: [lines[0], lines[1].replace(",rho", ""), *lines[2:]],
        "line 2: missing column rho",
    ),
    "column added": (lambda lines: [lines[0], lines[1] + ",x", *lines[2:]], "line 2: the columns"),
}


@pytest.mark.parametrize("case", NO_HEADER)
def test_without_a_header_there_is_nothing_to_read(path: Path, case: str):
    edit, message = NO_HEADER[case]
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    with pytest.raises(UserError) as caught:
        records.read(path)
    assert str(caught.value).startswith(f"{path}: {message}")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 800


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "records.csv")
    with pytest.raises(UserError, match="cannot be read: not a regular file"):
        records.read(tmp_path / "records.csv")


TEXTS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\\u003d1", "\\u005cu0023", "a=b", "-", ""]


def test_no_text_is_a_formula_and_all_come_back(tmp_path: Path):
    runs = [replace(RECORD, rerun=i, reason=text, device=text) for i, text in enumerate(TEXTS)]
    records.write(tmp_path / "r.csv", HEADER, runs)
    with (tmp_path / "r.csv").open(newline="") as file:
        for row in list(csv.DictReader(itertools.islice(file, 1, None))):
            assert not any(row[name][:1] in tuple("=+-@\t\r") for name in ("reason", "device"))
    assert records.read(tmp_path / "r.csv").records == tuple(runs)


BROKEN = "damaged: its check does not fit its cells; not counted"
ENDS = "the file ends here after {} records; its header promises 3"
MARKER = "a conflict marker of git: resolve the conflict"
DAMAGE: dict[str, tuple[Edit, str, list[str]]] = {
    "digit changed": (
        lambda lines: [*lines[:3], lines[3].replace(",120.0,", ",121.0,"), lines[4]],
        "NA sam",
        [f"line 4: {BROKEN}"],
    ),
    "check changed": (
        lambda lines: [*lines[:4], lines[4][:-1] + "g"],
        "NA sam-wide",
        [f"line 5: {BROKEN}"],
    ),
    "line cut": (lambda lines: [*lines[:4], lines[4][:-30]], "NA sam-wide", [f"line 5: {BROKEN}"]),
    "cut in mid-file": (
        lambda lines: [*lines[:3], lines[3][:40]],
        "NA",
        [f"line 4: {BROKEN}", f"line 4: {ENDS.format(2)}"],
    ),
    "last line gone": (
        lambda lines: lines[:4],
        "NA sam-wide",
        [f"line 4: {ENDS.format(2)}"],
    ),
    "a line gone": (
        lambda lines: [*lines[:3], lines[4]],
        "NA sam",
        [f"line 4: {ENDS.format(2)}"],
    ),
    "all lines gone": (lambda lines: lines[:2], "", [f"line 2: {ENDS.format(0)}"]),
    "line doubled": (
        lambda lines: [*lines[:4], lines[3], lines[4]],
        "NA sam-wide sam",
        ["line 5: repeats line 4; counted once"],
    ),
    "two files in one": (
        lambda lines: [*lines, *lines],
        "NA sam-wide sam",
        [
            f"line 6: {BROKEN}",
            f"line 7: {BROKEN}",
            *(f"line {8 + i}: repeats line {3 + i}; counted once" for i in range(3)),
            f"line 10: {ENDS.format(5)}",
        ],
    ),
    "another result of a run": (
        lambda lines: [*lines, forged(lines[4], ",120.0,", ",121.0,")],
        "NA sam-wide",
        [
            "line 5: contradicts line 6 on the same run; neither is counted",
            "line 6: contradicts line 5 on the same run; neither is counted",
            f"line 6: {ENDS.format(4)}",
        ],
    ),
    "conflict of git": (
        lambda lines: [
            *lines[:3],
            "<<<<<<< HEAD",
            lines[3],
            "||||||| base",
            "=======",
            lines[3],
            lines[4],
            ">>>>>>> theirs",
        ],
        "NA sam-wide sam",
        [
            f"line 4: {MARKER}",
            f"line 6: {MARKER}",
            f"line 7: {MARKER}",
            "line 8: repeats line 5; counted once",
            f"line 10: {MARKER}",
        ],
    ),
    "empty lines": (
        lambda lines: [*lines[:4], "", lines[4], " "],
        "NA sam-wide sam",
        ["line 5: an empty line", "line 7: an empty line"],
    ),
    "cell is no number": (
        lambda lines: [*lines[:4], forged(lines[4], ",3,4,0.3", ",3,x,0.3")],
        "NA sam-wide",
        ["line 5: not a record: invalid literal for int() with base 10: 'x'; not counted"],
    ),
    "cell is empty": (
        lambda lines: [*lines[:4], forged(lines[4], ",3,4,0.3", ",3,,0.3")],
        "NA sam-wide",
        ["line 5: not a record: invalid literal for int() with base 10: ''; not counted"],
    ),
    "cell too many": (
        lambda lines: [*lines[:4], forged(lines[4], "sam", "s,m")],
        "NA sam-wide",
        ["line 5: not a"],
    ),
    "cell too few": (
        lambda lines: [*lines[:4], forged(lines[4], "digits,", "")],
        "NA sam-wide",
        ["line 5: not a record: "],
    ),
    "unknown stage": (
        lambda lines: [*lines[:4], forged(lines[4], "confirm", "confirmed")],
        "NA sam-wide",
        ["line 5: not a record: unknown stage; not counted"],
    ),
    "more than all images right": (
        lambda lines: [*lines[:4], forged(lines[4], "0.3333333333333333", "33.33")],
        "NA sam-wide",
        ["line 5: not a record: val_accuracy outside 0 to 1; not counted"],
    ),
    "a label of code": (
        lambda lines: [*lines[:4], forged(lines[4], "digits,sam,", 'digits,"x"");exit()",')],
        "NA sam-wide",
        ["line 5: not a record: variant must be a label: letters, digits, . _ -; not counted"],
    ),
    "a key of code": (
        lambda lines: [*lines[:4], forged(lines[4], ",sam,confirm", ",sam;exit(),confirm")],
        "NA sam-wide",
        ["line 5: not a record: key must be a name: letters, digits, . _ -; not counted"],
    ),
    "a hyperparameter of code": (
        lambda lines: [*lines[:4], forged(lines[4], '""rho""', '""rho=exit(), x""')],
        "NA sam-wide",
        ["line 5: not a record: hyperparameters must be a JSON table of plain values; not counted"],
    ),
    "a hyperparameter that is a table": (
        lambda lines: [*lines[:4], forged(lines[4], '""rho"": 0.05', '""rho"": [0.05]')],
        "NA sam-wide",
        ["line 5: not a record: hyperparameters must be a JSON table of plain values; not counted"],
    ),
    "a learning rate that is no number": (
        lambda lines: [*lines[:4], forged(lines[4], f",{0.1 + 0.2!r},", ",inf,")],
        "NA sam-wide",
        ["line 5: not a record: lr must be finite; not counted"],
    ),
    "images gone": (
        lambda lines: [*lines[:4], forged(lines[4], ",13,120.0", ",130,120.0")],
        "NA sam-wide",
        ["line 5: not a record: items_accuracy does not hold num_items values; not counted"],
    ),
    "an arm that the study lacks": (
        lambda lines: [*lines[:4], forged(lines[4], "digits,sam,", "digits,asam,")],
        "NA sam-wide",
        ["line 5: not a record: variant and key are no arm of the study; not counted"],
    ),
    "another variant under its label": (
        lambda lines: [*lines[:4], forged(lines[4], ",sam,confirm", ",asam,confirm")],
        "NA sam-wide",
        ["line 5: not a record: variant and key are no arm of the study; not counted"],
    ),
    "a point before the first": (
        lambda lines: [*lines[:4], forged(lines[4], ",confirm,3,", ",confirm,-1,")],
        "NA sam-wide",
        ["line 5: not a record: no point of a pool; not counted"],
    ),
    "fewer steps than none": (
        lambda lines: [*lines[:4], forged(lines[4], ",120,0.02", ",-120,0.02")],
        "NA sam-wide",
        ["line 5: not a record: steps must be >= 0; not counted"],
    ),
    "evaluations without end": (
        lambda lines: [*lines[:4], forged(lines[4], ",120.0,", ",inf,")],
        "NA sam-wide",
        ["line 5: not a record: gradient_evaluations must be finite; not counted"],
    ),
}


def forged(line: str, old: str, new: str) -> str:
    """A changed line with the check that fits it."""
    body = line.rpartition(",")[0].replace(old, new)
    assert body != line.rpartition(",")[0]
    return f"{body},{records.check(body.encode()).decode()}"


@pytest.fixture(params=[1, lines.BLOCK], ids=["a line a block", "one block"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How much of a file is looked at together."""
    monkeypatch.setattr(lines, "BLOCK", request.param)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_named_and_the_rest_is_read(path: Path, case: str):
    edit, left, named = DAMAGE[case]
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")
    found = records.read(path)
    assert " ".join(run.variant for run in found.records) == left
    assert all(run in RUNS for run in found.records) and len(found.frame) == len(found.records)
    damages = list(map(str, found.damages))
    assert len(damages) == len(named)
    assert all(a.startswith(b) for a, b in zip(damages, named, strict=True)), damages


def test_bytes_that_are_no_text(path: Path):
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xff"))
    found = records.read(path)
    assert list(map(str, found.damages)) == [f"line 4: {BROKEN}"]
    assert found.records == (RUNS[0], RUNS[2])


@pytest.mark.parametrize("cell", ["s\rm", '"s\rm"'])
def test_a_line_that_ends_within_is_no_record(path: Path, cell: str):
    *whole, last = path.read_text().splitlines()
    path.write_bytes("\n".join([*whole, forged(last, "sam", cell), ""]).encode())
    found = records.read(path)
    assert len(found.damages) == 1 and str(found.damages[0]).startswith("line 5: not a record: ")
    assert found.records == (RUNS[0], RUNS[1])


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("escaped", [False, True])
def test_windows_changes_nothing(path: Path, escaped: bool):
    runs = RUNS if escaped else [replace(run, reason="") for run in RUNS]
    records.write(path, HEADER, runs)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    found = records.read(path)
    assert found.damages == () and found.records == tuple(runs)


def test_rows_may_stand_in_any_order(path: Path):
    head, columns, *rows = path.read_text().splitlines()
    path.write_text("\n".join([head, columns, *reversed(rows)]) + "\n")
    found = records.read(path)
    assert found.damages == () and found.records == tuple(RUNS[::-1])


def test_no_such_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"none.csv: no such records file"):
        records.read(tmp_path / "none.csv")
    with pytest.raises(UserError, match="cannot be read"):
        records.read(tmp_path)


def test_a_failed_write_leaves_the_old_file(path: Path):
    before = path.read_bytes()
    with pytest.raises(ValueError):
        records.write(path, {**HEADER, "test_runs": float("nan")}, RUNS)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_items_of_many_runs_are_unpacked_at_once():
    """Whatever their texts are padded with."""
    rights = np.random.default_rng(0).random((5, 13)) < 0.5
    packed = records.unpack_bytes([records.pack(right) for right in rights])
    assert (np.unpackbits(packed, axis=1)[:, :13] == rights).all()


TABLES = [
    "{}",
    '{"rho": 0.05}',
    '{"rho": 1e-05, "k": 3, "form": "a: 1,b"}',
    '{"rho": -0.5, "flag": true}',
    "[1]",
    '{"rho": 007}',
    '{"rho": 1e999}',
    '{"rho": 1.5.2}',
    '{"rho": NaN}',
    '{"rho": 1, 2}',
    '{"rho": [1, 2]}',
    '{"rho": 1',
    '{"class": 1}',
    '{"1": 2}',
    '{"rho": ' + "9" * 400 + ".0}",
]


def test_tables_that_differ_in_numbers_are_read_once_and_judged_alike():
    frame = pd.DataFrame({"hyperparameters": pd.Series(TABLES * 2, dtype="str")})
    expected = [not damage._is_readable(text) for text in TABLES * 2]
    assert damage._unreadable(frame).tolist() == expected
    assert sum(expected) == 2 * 11


def test_numbers_are_told_apart_by_no_reading(monkeypatch: pytest.MonkeyPatch):
    texts = [json.dumps({"rho": value / 997, "k": value}) for value in range(1000)]
    frame = pd.DataFrame({"hyperparameters": pd.Series(texts, dtype="str")})
    read = []
    monkeypatch.setattr(damage, "_is_readable", lambda text: read.append(text) or True)
    assert not damage._unreadable(frame).any()
    assert len(read) < 5
