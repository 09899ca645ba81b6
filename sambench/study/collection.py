"""Takes into a study what W&B agents have run for it since."""

from sambench import records
from sambench.analysis import Leaderboard
from sambench.study import agent_trials, results
from sambench.study.folder import StudyFolder
from sambench.training import RESULT_FILE


def collect(folder: StudyFolder, command: str, storage: str | None = None) -> Leaderboard | None:
    """Into its records and its page; None if that is nothing.

    A study that is being run takes it in itself, at its end. `storage`: as of `StudyFolder.opened`.
    """
    arms = folder.arms
    if not agent_trials.found(folder.path, folder.study, arms):
        return None
    with folder.opened_to_collect(storage) as opened:
        if opened is None:
            return None
        trials = agent_trials.found(folder.path, folder.study, arms)  # nobody else collects now
        collected = agent_trials.collect(opened, trials, folder.study, arms)
        kept = records.read(folder.records) if folder.records.exists() else None
        known = kept.records if kept else ()
        fresh = results.rows(agent_trials.pairs(collected), "sweep")
        if [row for row in known if row.source == "sweep"] == fresh:
            return None
        rows = results.ordered([*(row for row in known if row.source != "sweep"), *fresh])
        if kept:
            header = kept.header | results.of_data(folder)
        else:
            files = [trial.folder / RESULT_FILE for trial in collected.values()]
            header = results.header(folder, rows, command, files, fits={}, extension=0)
        header |= agent_trials.standing(collected, arms)
        return results.write(folder, header, rows)
