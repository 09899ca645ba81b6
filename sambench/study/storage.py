"""Where a study's trials are kept: in its own journal, or in a database that may go away.

The results of its runs stay in its folder, whatever keeps the trials.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from optuna.storages import BaseStorage
from optuna.trial import TrialState

T = TypeVar("T")

VARIABLE = "SAMBENCH_STORAGE"
"""Of the environment: a URL that no history of commands should hold."""


class MayGoAway(ABC):
    """A storage on the other side of a connection."""

    @abstractmethod
    def surely(self, call: Callable[[], T], again: Callable[[], object]) -> T:
        """Calls; if the storage went away, `again` and once more, as long as that makes sense.

        A call may have come through whose answer was lost: `again` finds out.
        """

    @abstractmethod
    def points(self, study_id: int, attribute: str) -> list[tuple[int, int, TrialState]]:
        """Of each trial with the attribute: its value, the trial's id and state. Reads no more."""


def surely(storage: BaseStorage, call: Callable[[], T], again: Callable[[], object]) -> T:
    """Calls, as the storage needs it."""
    return storage.surely(call, again) if isinstance(storage, MayGoAway) else call()


def points(
    storage: BaseStorage, study_id: int, attribute: str
) -> list[tuple[int, int, TrialState]]:
    """Of each trial with the attribute, a number: its value, the trial's id and state."""
    if isinstance(storage, MayGoAway):
        return storage.points(study_id, attribute)
    return [
        (trial.user_attrs[attribute], trial._trial_id, trial.state)
        for trial in storage.get_all_trials(study_id, deepcopy=False)
        if attribute in trial.user_attrs
    ]


def chosen(url: str | None) -> str | None:
    """The URL that was given, or that of the environment; None: the study's own journal."""
    return url or os.environ.get(VARIABLE) or None


@contextmanager
def opened(
    url: str, study: str, identity: str, say: Callable[[str], object]
) -> Iterator[BaseStorage]:
    """The database of a URL, held for the study of this name.

    identity: the same for every driver of the study, in whatever folder
    say: is told, in a line, where it goes away and comes back
    """
    from sambench.study import database, postgres  # a third of a second

    with database.opened(url, postgres.Claim(study, identity), say) as found:
        yield found
