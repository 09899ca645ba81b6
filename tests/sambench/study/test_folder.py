"""A study's folder: torn and damaged journals, stale locks, changed studies, a second process."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import filelock
import pytest

from sambench import config, tasks
from sambench.config import Study
from sambench.errors import UserError, WorkFailed
from sambench.study.folder import StudyFolder
from sambench.study.holder import Held, Holder
from sambench.study.tuner import Tuner
from sambench.training import Outcome

Spec = dict[str, Any]


@pytest.fixture
def study(spec: Spec) -> Study:
    """With 8 points of sam."""
    spec["search"]["searches"] = 8
    return config.parse(spec)


@pytest.fixture
def folder(study: Study, tmp_path: Path) -> StudyFolder:
    """With three trials, of which the last is running."""
    folder = StudyFolder(tmp_path, study)
    run_trials(folder, 3)
    return folder


def run_trials(folder: StudyFolder, num: int) -> list[dict[str, Any]]:
    """Tells all but the last trial; returns the parameters of all."""
    with folder.opened() as storage:
        tuner = Tuner(folder.study, folder.arms["sam"], storage)
        asked = [tuner.ask(point) for point in range(num)]
        for number in range(num - 1):
            tuner.tell(number, Outcome("complete", scores={"val_accuracy": number / 10}))
        return asked


def journal(folder: StudyFolder) -> Path:
    return folder.path / "journal.log"


def test_a_torn_last_line_is_cut_off_and_appended_behind(folder: StudyFolder, tmp_path: Path):
    whole = journal(folder).read_bytes()
    before = run_trials(folder, 3)
    for torn in (b'{"op_code": 5, "wor', b"\x00" * 100, b"{}"):
        with journal(folder).open("ab") as file:
            file.write(torn)
        assert run_trials(folder, 3) == before
        assert journal(folder).read_bytes().startswith(whole)
    after = run_trials(folder, 5)
    assert after[:3] == before
    assert all(json.loads(line) for line in journal(folder).read_text().splitlines())


def test_a_journal_cut_anywhere_opens_again(folder: StudyFolder):
    """Also within its first line, and where a record but not its line break was written."""
    expected, whole = run_trials(folder, 3), journal(folder).read_bytes()
    lines = whole.splitlines(keepends=True)
    for cut in (0, 5, len(lines[0]) - 1, len(whole) // 2, len(whole) - 1):
        journal(folder).write_bytes(whole[:cut])
        assert run_trials(folder, 3) == expected


def test_the_lock_of_a_dead_process_is_no_lock(folder: StudyFolder):
    stale = folder.path / "journal.log.lock"
    os.symlink(journal(folder), stale)  # as Optuna locks
    assert len(run_trials(folder, 4)) == 4  # and not after 30 s
    assert not stale.is_symlink()


def test_a_damaged_line_is_named(folder: StudyFolder):
    lines = journal(folder).read_bytes().splitlines(keepends=True)
    lines[2] = lines[2][:10] + b"\xff\x00" + lines[2][12:]
    journal(folder).write_bytes(b"".join(lines))
    damaged = journal(folder).read_bytes()
    with pytest.raises(UserError, match=r"journal\.log: line 3 is damaged; .*delete it"):
        run_trials(folder, 3)
    assert journal(folder).read_bytes() == damaged


@pytest.mark.parametrize("line", [b"null\n", b"[]\n", b"{}\n", b'{"op_code": 99}\n', b"3\n"])
def test_a_line_that_is_json_but_no_record_is_damage(folder: StudyFolder, line: bytes):
    journal(folder).write_bytes(journal(folder).read_bytes() + line)
    with pytest.raises(UserError, match=r"journal\.log.* is damaged"):
        run_trials(folder, 3)


def test_a_deleted_journal_starts_afresh_with_the_same_trials(folder: StudyFolder):
    before = run_trials(folder, 3)
    journal(folder).unlink()
    assert run_trials(folder, 3) == before


def test_changed_keys_are_named(folder: StudyFolder, spec: Spec, tmp_path: Path):
    spec["train"]["epochs"] = 3
    spec["task"]["split"]["val"] = 25
    other = StudyFolder(tmp_path, config.parse(spec))
    with pytest.raises(UserError, match=r"since: task\.split\.val, train\.epochs;.*--fork NAME"):
        other.check()
    with pytest.raises(UserError, match="have changed since"), other.opened():
        pass


def test_what_an_arm_searches_belongs_to_its_runs(folder: StudyFolder, spec: Spec, tmp_path: Path):
    spec["search"]["space"]["lr"]["high"] = 1.0
    with pytest.raises(UserError, match=r"since: sam\.space\.lr\.high, plain\.space\.lr\.high;"):
        StudyFolder(tmp_path, config.parse(spec)).check()


def test_a_study_may_grow(folder: StudyFolder, spec: Spec, tmp_path: Path):
    spec["search"] |= {"budget": 30.0, "searches": 9, "margin": 2.0}
    spec["variants"] = ["looksam", "sam"]
    grown = StudyFolder(tmp_path, config.parse(spec))
    grown.check()
    assert run_trials(grown, 3) == run_trials(folder, 3)
    spec["variants"] = ["looksam"]
    StudyFolder(tmp_path, config.parse(spec)).check()


def test_arms_are_frozen_with_the_study(
    folder: StudyFolder, spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A registry of another version has another range: not for runs under way."""
    stored = json.loads((folder.path / "study.json").read_text())
    stored["arms"]["sam"]["space"]["rho"]["high"] = 0.25
    (folder.path / "study.json").write_text(json.dumps(stored))
    again = StudyFolder(tmp_path, config.parse(spec))
    again.check()
    assert again.arms["sam"].space["rho"].high == 0.25


def test_sizes_at_which_it_was_concluded_are_counted(folder: StudyFolder, spec: Spec):
    sizes = [8, 9, 8, 10]
    found = []
    for searches in sizes:
        spec["search"]["searches"] = searches
        found.append(StudyFolder(folder.path.parent, config.parse(spec)).concluded())
    assert found == [0, 1, 0, 2]
    spec["search"]["searches"] = 4  # concludes nothing
    assert StudyFolder(folder.path.parent, config.parse(spec)).concluded() == 0
    spec["search"]["searches"] = 11
    assert StudyFolder(folder.path.parent, config.parse(spec)).concluded() == 3
    (folder.path / "sizes.json").write_text("{")
    with pytest.raises(UserError, match=r"sizes\.json is damaged"):
        folder.concluded()


def test_a_study_of_an_older_protocol_is_refused(study: Study, tmp_path: Path):
    (tmp_path / "tiny").mkdir()
    old = {**study.model_dump(mode="json"), "finalists": {"top": 2, "seeds": 2}}
    (tmp_path / "tiny" / "study.json").write_text(json.dumps(old))
    with pytest.raises(UserError, match="holds a study of an older protocol; move it away"):
        StudyFolder(tmp_path, study)


def test_a_changed_question_is_the_same_study(folder: StudyFolder, spec: Spec, tmp_path: Path):
    spec["question"] = "Really?"
    assert len(run_trials(StudyFolder(tmp_path, config.parse(spec)), 4)) == 4


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00", '"text"'])
def test_a_damaged_study_file_is_named(folder: StudyFolder, text: str):
    (folder.path / "study.json").write_text(text)
    with pytest.raises(UserError, match=r"study\.json is damaged; remove it|of an older protocol"):
        StudyFolder(folder.path.parent, folder.study)


def test_a_second_process_is_refused_and_a_dead_one_is_not(folder: StudyFolder, tmp_path: Path):
    script = (
        "import sys, time, filelock\n"
        "lock = filelock.FileLock(sys.argv[1])\n"
        "lock.acquire()\n"
        "print('held', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(folder.path / "lock")]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        Holder("gpu7", holder.pid, "ada", "2026-11-26 14:03:00").write(folder.path / "owner")
        told = f"by process {holder.pid} of ada on gpu7, since 2026-11-26 14:03:00 UTC; wait"
        with pytest.raises(Held, match=f"is being run already, {told}"):
            run_trials(folder, 3)
        (folder.path / "owner").write_text("{")
        with pytest.raises(Held, match="by a process that is not known"):
            run_trials(folder, 3)
    finally:
        holder.kill()
        holder.communicate()
    assert len(run_trials(folder, 3)) == 3


def test_one_that_is_just_leaving_is_waited_for(folder: StudyFolder):
    folder.path.mkdir(parents=True, exist_ok=True)
    leaving = filelock.FileLock(folder.path / "lock", thread_local=False)
    leaving.acquire()
    timer = threading.Timer(0.2, leaving.release)
    timer.start()
    assert len(run_trials(folder, 3)) == 3
    timer.join()


def test_a_study_that_failed_can_be_opened_again_by_the_same_process(folder: StudyFolder):
    """A notebook keeps the traceback, and with it everything that the failure held."""
    with pytest.raises(RuntimeError) as kept, folder.opened():
        raise RuntimeError("work failed")
    assert len(run_trials(folder, 3)) == 3
    assert kept.traceback


def test_two_studies_in_one_root_do_not_meet(folder: StudyFolder, spec: Spec, tmp_path: Path):
    spec["name"] = "other"
    other = StudyFolder(tmp_path, config.parse(spec))
    with folder.opened(), other.opened():
        assert folder.path != other.path


def test_data_belong_to_the_study(folder: StudyFolder, tmp_path: Path):
    began = {"train/ape/1.png": "0" * 16, "train/bee/2.png": "1" * 16}
    folder.check_data(began)
    folder.check_data(began)
    with pytest.raises(UserError) as caught:
        folder.check_data({**began, "train/bee/2.png": "2" * 16})
    assert str(caught.value) == (
        "task.dataset: the data of study 'tiny' have changed since it began: 1 of 2 files differ, "
        "the first: train/bee/2.png is another; undo that, or start a new study with --fork NAME"
    )
    assert folder.data_digest == tasks.digest(began)


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', '{"a": 1}'])
def test_damaged_digests_are_named(folder: StudyFolder, text: str):
    (folder.path / "data.json").write_text(text)
    with pytest.raises(UserError, match=r"data\.json is damaged; remove it or use --fork"):
        folder.check_data({})


def test_a_flipped_bit_of_the_journal_is_named(folder: StudyFolder):
    """Also one that leaves JSON: parameters would be others, and their finished runs lost."""
    whole = journal(folder).read_bytes()
    at = whole.index(b'"params"') if b'"params"' in whole else len(whole) // 2
    for place in range(8 * at, 8 * at + 400, 3):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        if flipped.count(b"\n") == whole.count(b"\n"):
            journal(folder).write_bytes(flipped)
            with pytest.raises(UserError, match=r"journal\.log: line \d+ is damaged"):
                run_trials(folder, 3)


@pytest.mark.parametrize("name", ["records.csv", "leaderboard.md", "index.html", "journal.log"])
def test_a_folder_of_the_users_is_no_study(study: Study, tmp_path: Path, name: str):
    users = StudyFolder(tmp_path, study)
    users.path.mkdir()
    (users.path / name).write_text("mine")
    with pytest.raises(UserError, match=f"{name} (was not made by sambench|is not a study's)"):
        run_trials(users, 1)
    assert (users.path / name).read_text() == "mine"


def test_a_folder_that_is_removed_ends_the_study_in_a_line(folder: StudyFolder):
    with pytest.raises(WorkFailed, match=r"was removed while its study ran") as told:
        with folder.opened() as storage:
            tuner = Tuner(folder.study, folder.arms["sam"], storage)
            shutil.rmtree(folder.path)
            tuner.ask(7)
    assert "\n" not in str(told.value)


def test_lines_of_the_journal_that_changed_places_are_named(folder: StudyFolder):
    first, second, *rest = journal(folder).read_bytes().splitlines(keepends=True)
    journal(folder).write_bytes(b"".join([second, first, *rest]))
    with pytest.raises(UserError, match=r"journal\.log: line 1 is damaged"):
        run_trials(folder, 3)
