"""Our sweep engine draws, lists and stops as W&B's own does; golden.json has its answers."""

from typing import Any

import pytest

from sambench.sweeps import hyperband, sweep_file
from sambench.sweeps.controller import _product
from sambench.sweeps.parameters import nested, parse
from sambench.sweeps.sweep_file import Hyperband

TIGHT = 1e-12  # same formulas, other library calls


def test_every_distribution_has_wandbs_quantiles(golden: dict[str, Any]) -> None:
    kinds = set()
    for case in golden["distributions"]:
        (parameter,) = parse({"p": case["spec"]})
        kinds.add(parameter.kind)
        for u, expected in zip(case["u"], case["values"], strict=True):
            found = parameter.at(u)
            if isinstance(expected, float):
                assert found == pytest.approx(expected, rel=TIGHT, abs=TIGHT), (case["spec"], u)
            else:
                assert found == expected and type(found) is type(expected), (case["spec"], u)
    assert len(kinds) == 18  # all that W&B documents


def test_grids_are_in_wandbs_order(golden: dict[str, Any]) -> None:
    for case in golden["grid"]:
        tables = {"method": "grid", "parameters": case["parameters"], "program": "x"}
        sweep = sweep_file.parse(tables)
        configs = [
            nested(dict(zip((p.path for p in sweep.drawn), _product(sweep.drawn, i), strict=True)))
            for i in range(sweep.num_configs or 0)
        ]
        assert configs == case["configs"]


def test_hyperband_stops_the_runs_that_wandb_stops(golden: dict[str, Any]) -> None:
    stopped = 0
    for case in golden["hyperband"]:
        rule = Hyperband.model_validate(case["early_terminate"])
        sign = -1 if case["goal"] == "maximize" else 1
        histories = [[sign * value for value in h] for h in case["histories"]]
        found = [hyperband.stops(h, histories, rule) for h in histories]
        assert found == case["stop"], case
        stopped += sum(found)
    assert stopped > 20


@pytest.mark.parametrize(
    ("rule", "bands"),
    [
        ({"min_iter": 3, "eta": 3}, [3, 9, 27, 81]),
        ({"max_iter": 27, "s": 2}, [3, 9]),
        ({"max_iter": 4, "s": 5, "eta": 2}, [1, 2]),
    ],
)
def test_bands(rule: dict[str, Any], bands: list[int]) -> None:
    assert Hyperband.model_validate({"type": "hyperband", **rule}).bands[: len(bands)] == bands
