"""Which configs a local sweep tries, and when it is over."""

from typing import Any

import optuna
import pytest

from sambench.sweeps import sweep_file
from sambench.sweeps.controller import Controller, Ended, Planned

PARAMETERS = {"x": {"min": -1.0, "max": 1.0}, "kind": {"values": ["a", "b"]}}


@pytest.fixture
def storage() -> optuna.storages.BaseStorage:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.InMemoryStorage()


def sweep(method: str, **more: Any) -> sweep_file.Sweep:
    tables = {"program": "x", "metric": {"name": "loss"}, "parameters": PARAMETERS}
    return sweep_file.parse({**tables, "method": method, **more})


def ended(planned: Planned, value: float | None, state: str = "finished") -> Ended:
    history = () if value is None else (value + 1, value)
    return Ended(**vars(planned), state=state, exit_code=0, best=value, last=value, history=history)


def test_bayes_finds_what_random_does_not(storage: optuna.storages.BaseStorage) -> None:
    best = {}
    for method in ("random", "bayes"):
        controller = Controller(sweep(method, run_cap=40), method, storage)
        while planned := controller.ask():
            controller.tell(ended(planned, (planned.config["x"] - 0.3) ** 2))
        assert len(controller.ended()) == 40
        values = [run.best for run in controller.ended() if run.best is not None]
        best[method] = sorted(values)[4]
    assert best["bayes"] < best["random"]


def test_random_is_a_function_of_seed_and_number(storage: optuna.storages.BaseStorage) -> None:
    def configs(name: str, seed: int) -> list[dict[str, Any]]:
        controller = Controller(sweep("random", run_cap=3), name, storage, seed)
        return [planned.config for _ in range(3) if (planned := controller.ask())]

    assert configs("a", 0) == configs("b", 0) != configs("c", 1)


def test_a_run_that_was_cut_off_is_given_out_again(storage: optuna.storages.BaseStorage) -> None:
    first = Controller(sweep("bayes", run_cap=2), "s", storage)
    one = first.ask()
    assert one is not None
    second = Controller(sweep("bayes", run_cap=2), "s", storage)
    again = second.ask()
    assert again is not None and again.config == one.config and again.run_id != one.run_id
    second.tell(ended(again, 1.0))
    assert second.ask() is not None and second.ask() is None


def test_failed_runs_count_as_the_worst(storage: optuna.storages.BaseStorage) -> None:
    controller = Controller(sweep("bayes", run_cap=3), "s", storage)
    for value, state in ((1.0, "finished"), (4.0, "finished"), (None, "failed")):
        planned = controller.ask()
        assert planned is not None
        controller.tell(ended(planned, value, state))
    study = optuna.load_study(study_name="s", storage=storage)
    assert [trial.value for trial in study.trials] == [1.0, 4.0, 4.0]
    assert controller.ended()[2].best is None  # but the table does not make a value up
