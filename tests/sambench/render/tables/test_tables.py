"""Tables beside the ranking: settings, arms, equal trials, divergence, machines, tasks, costs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from boards import SETTING, board, estimate, row

from sambench.analysis import Equal, Half, PublishedStudy, published
from sambench.records import Records
from sambench.render.tables import (
    arms,
    costs,
    divergence,
    equal,
    halves,
    over_tasks,
    settings,
)
from sambench.scores import ACCURACY

Study = Callable[..., PublishedStudy]
Make = Callable[..., Records]
WIN = {"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.90, "asam": 0.925}


def test_settings_say_what_they_scored_and_where_they_end():
    edge = replace(
        SETTING, hyperparameters={"rho": 0.2, "m": 3, "eta": 0.012345}, edges=("lr", "m")
    )
    found = board([row("sam", setting=edge), row("plain"), row("gam", None, setting=None)])
    table = settings.table(found)
    assert table.names == ["arm", "lr", "radius", "further", "epochs", "test accuracy, %"]
    assert table.texts == [
        ["sam", "0.11*", "0.2", "m 3*, eta 0.0123", "10", "90.50 ± 1.20"],
        ["plain", "0.11", "-", "-", "10", "90.50 ± 1.20"],
    ]
    assert table.caption == "Settings to use, each retrained 5 times"
    assert table.after == "* At an end of its range: a better one may lie outside."
    assert not settings.table(board([row("sam"), row("plain")])).after
    fewer = [row("sam", setting=replace(edge, runs=4)), row("plain")]
    assert settings.table(board(fewer)).names[-1] == "retrained"


def test_who_competed_with_what_searched_and_fixed():
    lr = {"low": 0.001, "high": 1.0, "log": True, "choices": None}
    some = {"low": None, "high": None, "log": False, "choices": [0.5, 0.9]}
    made = board([row("sam", points=12, planned=20), row("plain-x2")])
    made.header["arms"] = {
        "plain-x2": {**made.header["arms"]["plain-x2"], "lr": 0.1, "space": {}},
        "sam": {**made.header["arms"]["sam"], "fix": {"eta": 0.1},
                "space": {"lr": lr, "beta": some}},
    }  # fmt: skip
    assert arms.table(made).texts == [
        ["plain-x2", "plain", "2", "20", "-", "lr 0.1", "4", "20"],
        ["sam", "sam", "1", "10", "lr 0.001 to 1 (log); beta 0.5, 0.9", "eta 0.1", "4", "12 of 20"],
    ]
    assert arms.table(replace(made, kind="fixed")).names[-1] == "seeds"
    assert "trials k" not in arms.table(replace(made, kind="adaptive")).names


def test_equal_trials_compare_within_a_length():
    rows = [
        Equal("sam", 1.0, 4, estimate(0.9), "plain", estimate(0.02)),
        Equal("plain", 1.0, 4, estimate(0.88), None, None),
    ]
    assert equal.table(rows, ACCURACY).texts == [
        ["sam", "1", "4", "90.00 ± 1.00", "plain", "+2.00 [+1.00, +3.00]"],
        ["plain", "1", "4", "88.00 ± 1.00", "-", "-"],
    ]


def test_divergence_is_shown_where_there_is_any():
    quiet = [row("sam"), row("plain")]
    assert not divergence.table(quiet).rows
    hit = replace(
        quiet[0], diverged_points=2, no_survivor=0.0001, diverged_reruns=1,
        diverged_share=(0.0008, 0.1671),
    )  # fmt: skip
    assert divergence.table([hit, quiet[1]]).texts == [
        ["sam", "20", "2", "0.01", "31", "1", "0.08 to 16.71"],
        ["plain", "20", "0", "0.00", "31", "0", "0.00 to 11.00"],
    ]
    assert divergence.table([replace(hit, reruns=0)]).texts[0][-1] == "-"


def test_kinds_of_machines_have_letters():
    found = [
        Half("sam", pair, (estimate(0.9), estimate(0.91)), estimate(-0.01), 0.004)
        for pair in (("new", "old"), ("new", "older"))
    ]
    assert halves.kinds(found) == {"new": "A", "old": "B", "older": "C"}
    assert halves.table(found, ACCURACY).texts[1] == [
        *("sam", "A and C", "90.00 ± 1.00", "91.00 ± 1.00", "-1.00 [-2.00, +0.00]", "0.40")
    ]
    assert not halves.table([], ACCURACY).rows


def test_costs_mark_the_front(study: Study):
    table = costs.table(study(WIN).tables["cost"], ACCURACY)
    at = table.names.index("gradient evaluations")
    assert {line[0]: line[at] for line in table.texts} == {
        "plain-x0.5": "60 *",
        "plain": "120",
        "plain-x2": "240",
        "sam": "240",
        "asam": "240 *",
    }
    assert "memory, MiB" not in table.names


def test_costs_show_memory_where_it_was_measured(make: Make):
    made = make(WIN)
    runs = [replace(run, peak_memory=2**30) for run in made.records]
    found = published.study(Path("digits.csv"), Records(made.header, runs))
    table = costs.table(found.tables["cost"], ACCURACY)
    assert table.texts[0][table.names.index("memory, MiB")].startswith("1,024")


def test_studies_stand_beside_each_other(make: Make):
    """▲ beats every plain, ▼ is worse than the best of them."""
    found = {}
    for name, sam in (("digits", 0.90), ("clean", 0.80)):
        made = make({**WIN, "sam": sam}, seed=int(name == "clean"))
        made.header["study"] = name
        made.header["spec"]["task"]["label_noise"] = 0.4 if name == "digits" else 0.0
        runs = [replace(run, study=name, train_loss=sam) for run in made.records]
        found[name] = published.study(Path(f"{name}.csv"), Records(made.header, runs))
    table = over_tasks.by_study(found, {"sam": "#variant-sam"})
    assert table and table.names == [
        *("variant", "tasks", "mean over tasks [95% CI]", "digits", "clean")
    ]
    lines = {line[0].text: line for line in table.rows}
    assert list(lines) == ["asam", "sam"]
    assert lines["asam"][3].text.endswith("▲") and lines["sam"][4].text.endswith("▼")
    assert lines["sam"][3].text[-1] in "=▲" and lines["sam"][0].href == "#variant-sam"
    assert over_tasks.by_study({"digits": found["digits"]}, {}) is None
    many = {f"{name}-{i}": found[name] for i in range(5) for name in found}
    table = over_tasks.by_study(many, {})
    assert table and table.names == ["variant", "tasks", "mean over tasks [95% CI]"]
