"""Which configs a local sweep tries, and when it is over."""

from typing import Any

import optuna
import pytest

from sambench.sweeps import spec
from sambench.sweeps.history import Ended, Ledger, Planned

PARAMETERS = {"x": {"min": -1.0, "max": 1.0}, "kind": {"values": ["a", "b"]}}


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.InMemoryStorage()


def sweep(method: str, **more: Any) -> spec.Sweep:
    tables = {"program": "x", "metric": {"name": "loss"}, "parameters": PARAMETERS}
    return spec.parse({**tables, "method": method, **more})


def ended(planned: Planned, value: float | None, state: str = "finished") -> Ended:
    history = () if value is None else (value + 1, value)
    return Ended(**vars(planned), state=state, exit_code=0, best=value, last=value, history=history)


def test_bayes_finds_what_random_does_not(storage: optuna.storages.BaseStorage) -> None:
    best = {}
    for method in ("random", "bayes"):
        ledger = Ledger(sweep(method, run_cap=40), method, storage)
        while planned := ledger.next():
            ledger.end(ended(planned, (planned.config["x"] - 0.3) ** 2))
        assert len(ledger.ended()) == 40
        values = [run.best for run in ledger.ended() if run.best is not None]
        best[method] = sorted(values)[4]
    assert best["bayes"] < best["random"]


def test_random_is_a_function_of_seed_and_number(storage: optuna.storages.BaseStorage) -> None:
    def configs(name: str, seed: int) -> list[dict[str, Any]]:
        ledger = Ledger(sweep("random", run_cap=3), name, storage, seed)
        return [planned.config for _ in range(3) if (planned := ledger.next())]

    assert configs("a", 0) == configs("b", 0) != configs("c", 1)


def test_a_run_that_was_cut_off_is_given_out_again(storage: optuna.storages.BaseStorage) -> None:
    first = Ledger(sweep("bayes", run_cap=2), "s", storage)
    one = first.next()
    assert one is not None
    second = Ledger(sweep("bayes", run_cap=2), "s", storage)
    again = second.next()
    assert again is not None and again.config == one.config and again.run_id != one.run_id
    second.end(ended(again, 1.0))
    assert second.next() is not None and second.next() is None


def test_failed_runs_count_as_the_worst(storage: optuna.storages.BaseStorage) -> None:
    ledger = Ledger(sweep("bayes", run_cap=3), "s", storage)
    for value, state in ((1.0, "finished"), (4.0, "finished"), (None, "failed")):
        planned = ledger.next()
        assert planned is not None
        ledger.end(ended(planned, value, state))
    study = optuna.load_study(study_name="s", storage=storage)
    assert [trial.value for trial in study.trials] == [1.0, 4.0, 4.0]
    assert ledger.ended()[2].best is None  # but the table does not make a value up
