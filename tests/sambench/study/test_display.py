"""Where a study is shown: a terminal, a notebook, a file."""

import io
import re
import sys
from types import ModuleType
from typing import Any

import pytest
from rich.console import Console

from sambench import config
from sambench.study.display import Display, noisy_validation
from sambench.study.expected import expected_runs
from sambench.study.protocol import Protocol
from sambench.training import Outcome, Run

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


class Played:
    """A display of the tiny study and its runs."""

    def __init__(self, spec: dict[str, Any], console: Console) -> None:
        study = config.parse(spec)
        arms = {arm.label: arm for arm in study.arms()}
        self.protocol = Protocol(study, arms, "cpu")
        self.display = Display(
            console, study, [*arms.values()], expected_runs(study, arms.values()), 1
        )
        self.pool = [
            self.protocol.pool_run(arm, i, {"lr": 0.0316228, **dict.fromkeys(arm.space, 0.0712)})
            for i in range(2)
            for arm in arms.values()
            if i < self.protocol.size(arm)
        ]

    def play(self, run: Run, score: float | None, reason: str = "") -> None:
        self.display.started(run)
        for epoch in range(run.epochs):
            self.display.epoch(run, {"epoch": epoch + 1, "val_accuracy": score or 0.0})
        outcome = "complete" if score is not None else "diverged"
        scores = {"test_accuracy": 0.98765}
        ended = Outcome(
            outcome,
            reason,
            epochs_done=run.epochs,
            scores=scores if score is None else {**scores, "val_accuracy": score},
            wall_s=12.34,
        )
        self.display.ended(run, ended)

    def all(self) -> None:
        with self.display:
            self.display.stage("pool", self.pool, ())
            for run, score in zip(self.pool, (0.5, 0.6, None), strict=True):
                self.play(run, score, "" if score else "non-finite loss in epoch 2")
            reruns = [self.protocol.confirm_run(self.pool[0], j) for j in range(12)]
            self.display.stage("confirm", reruns, {reruns[0].id})
            self.display.resumed(
                reruns[0], Outcome("complete", scores={"val_accuracy": 0.7}, wall_s=9.0)
            )
            for run in reruns[1:]:
                self.play(run, 0.7)


def test_a_file_has_a_line_per_run_in_columns(spec: dict[str, Any]):
    file = io.StringIO()
    played = Played(spec, Console(file=file, width=40))
    played.all()
    pool, *runs, last = file.getvalue().splitlines()
    confirm = runs.pop(3)
    assert (pool, confirm) == ("pool: 3 runs", "confirm: 12 runs, 1 of them done before")
    assert last.startswith("15 runs are done, after ")
    assert len(runs) == 3 + 11
    words = r"\S+ +(pool|confirm) +(plain|sam) +point \d(, rerun \d+)? +lr 0\.0(316|712)"
    assert all(re.match(f" *{words}", line) for line in runs)
    for name in ("lr ", "of   2 epochs", "12.3 s"):
        assert len({line.index(name) for line in runs}) == 1, name
    complete = [line for line in runs if "validation" in line]
    assert len({line.index("validation") for line in complete}) == 1
    assert [line.endswith("non-finite loss in epoch 2") for line in runs[:3]] == [
        False, False, True
    ]  # fmt: skip
    assert "diverged" in runs[2] and "ETA" in runs[0]
    assert "98.7" not in file.getvalue()


def test_a_terminal_keeps_a_short_log_and_is_left_clean(spec: dict[str, Any]):
    file = Tty()
    played = Played(spec, Console(file=file, width=80, height=24, force_terminal=True))
    played.all()
    told = file.getvalue()
    assert told.count("\x1b[?25l") == told.count("\x1b[?25h") == 1  # the cursor
    assert told.rindex("\x1b[2K") < told.index("15 runs are done")  # the block is gone by then
    assert "98.7" not in told
    labels = [run.label for run in played.pool]
    assert f"{labels[2]}, point 1 (lr 0.0712" in told
    assert "diverged, non-finite loss in epoch 2" in told.replace("\n", " ")
    assert told.count("confirm: 12 runs, 1 of them done before") == 1
    assert "rerun 3 (" not in told  # a rerun is no news


def test_a_terminal_says_which_point_is_the_best_so_far(spec: dict[str, Any]):
    file = Tty()
    played = Played(spec, Console(file=file, width=80, force_terminal=True))
    first, second = [run for run in played.pool if run.label == "plain"]
    with played.display:
        played.display.stage("pool", played.pool, ())
        played.play(first, 0.5)
        played.play(second, 0.55)
    told = ANSI.sub("", file.getvalue())
    assert "plain, point 1 (lr 0.0712): validation 55.00%, its best so far" in told
    assert "plain, point 0 (" not in told  # the first of anything is no news


def test_an_interruption_leaves_a_clean_screen(spec: dict[str, Any]):
    file = Tty()
    played = Played(spec, Console(file=file, width=80, force_terminal=True))
    with pytest.raises(KeyboardInterrupt), played.display:
        played.display.stage("pool", played.pool, ())
        played.play(played.pool[0], 0.5)
        played.display.started(played.pool[1])
        raise KeyboardInterrupt
    after = file.getvalue().rpartition("\x1b[2K")[2]
    assert ANSI.sub("", after).strip() == "1 of ~17 runs are done, after 0 s"
    assert "\x1b[?25h" in file.getvalue()


def test_colour_that_is_forced_makes_a_pipe_no_terminal(spec: dict[str, Any]):
    file = io.StringIO()
    Played(spec, Console(file=file, width=80, force_terminal=True)).all()
    assert len(ANSI.sub("", file.getvalue()).splitlines()) == 2 + 14 + 1


def test_a_notebook_has_one_block(spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    made, updates = [], []

    class Handle:
        def update(self, content: dict[str, str], raw: bool) -> None:
            assert raw
            updates.append(content)

    def display(content: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert raw and display_id
        made.append(content)
        return Handle()

    module = ModuleType("IPython.display")
    monkeypatch.setattr(module, "display", display, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    Played(spec, Console(force_jupyter=True)).all()
    assert len(made) == 1 and 0 < len(updates) < 10
    last = updates[-1]
    assert "15 runs are done" in last["text/plain"] and "15 runs are done" in last["text/html"]
    assert "non-finite loss in epoch 2" in last["text/plain"]
    assert last["text/html"].startswith("<pre") and "98.7" not in last["text/html"]


def test_noisy_labels_are_told_of(spec: dict[str, Any]):
    assert noisy_validation(config.parse(spec)) == ""
    spec["task"]["label_noise"] = 0.4
    told = noisy_validation(config.parse(spec))
    assert told.startswith("40% of the validation labels are wrong") and "about 60%" in told


def test_a_study_says_so_once_and_shows_no_test_score(
    spec: dict[str, Any], run: Any, tmp_path: Any
):
    from sambench import records

    spec["task"]["label_noise"] = 0.4
    shown = io.StringIO()
    run(spec, console=Console(file=shown))
    told = shown.getvalue()
    assert told.count("of the validation labels are wrong") == 1
    lines = [line for line in told.splitlines() if " epochs " in line]
    rows = records.read(tmp_path / "runs" / "tiny" / "records.csv").records
    assert len(lines) == len(rows)
    val = {f"{row.val['accuracy']:.2%}" for row in rows}
    scores = {word for line in lines for word in re.findall(r"[\d.]+%", line)}
    assert scores and scores <= val


def test_what_is_done_before_is_counted_at_once(spec: dict[str, Any], run: Any, ran: Any):
    shown = io.StringIO()
    ran()
    run(spec, ("search.searches=2",), console=Console(file=shown))
    told = shown.getvalue().splitlines()
    assert "pool: 6 runs, 3 of them done before" in told
    assert next(line for line in told if " pool " in line).split()[0].startswith("4/~")
