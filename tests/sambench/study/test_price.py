"""What measures will cost: as measured runs took, else by what measures declare."""

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from sambench import config
from sambench.analysis import duration
from sambench.measures import Found, measures, ready, write
from sambench.render.terminal import estimate
from sambench.study.estimate import Plan, plan

Spec = dict[str, Any]


def priced(spec: Spec, root: Path, **measure: Any) -> Plan:
    study = config.parse({**spec, "measure": measure} if measure else spec)
    return plan(study, on="cpu", workers=1, root=root, wandb="disabled")


def shown(found: Plan) -> str:
    """What `--dry-run` prints, a space for each gap."""
    console = Console(width=200, file=io.StringIO())
    console.print(estimate.render(found))
    return " ".join(console.file.getvalue().split())  # pyright: ignore[reportAttributeAccessIssue]


def test_the_price_is_declared_until_runs_tell_it(spec: Spec, tmp_path: Path):
    found = priced(spec, tmp_path, names=["ascent"], max_batches=1, batch_size=8)
    assert found.measured_runs == found.confirm_runs + found.setting_runs
    batches = 8 / spec["train"]["batch_size"]
    declared = measures.get("ascent")().evaluations * batches * found.seconds_per_evaluation
    assert found.measure_s == pytest.approx(declared) and found.measures_known == 0
    assert "by the evaluations that they declare" in shown(found)
    fewer = priced(
        spec, tmp_path, names=["ascent"], batch_size=8, set={"ascent": {"max_batches": 1}}
    )
    of_one = measures.get("ascent")().evaluations * batches * fewer.seconds_per_evaluation
    assert fewer.measure_s == pytest.approx(of_one)

    for i, seconds in enumerate((1.0, 3.0)):
        folder = tmp_path / spec["name"] / "runs" / f"confirm-sam-p{i}-r0"
        folder.mkdir(parents=True)
        write(folder, Found(seconds={"ascent": seconds, "nll": 9.0}))
    again = priced(spec, tmp_path, names=["ascent"], max_batches=1, batch_size=8)
    assert (again.measure_s, again.measures_known) == (2.0, 2)
    assert f"more: {again.measured_runs} runs x 2 s, as 2 runs took" in shown(again)


def test_a_study_without_measures_hears_what_all_of_them_would_cost(spec: Spec, tmp_path: Path):
    found = priced(spec, tmp_path)
    runs = found.confirm_runs + found.setting_runs
    assert found.measured_runs == 0 and found.measure_s > 0
    whole = duration(runs * found.measure_s)
    assert f"measures none; with [measure] of all {whole} more: {runs} runs x" in shown(found)
    rows = spec | {"task": {"kind": "tabular", "dataset": "wine"}}
    fit = [name for name in ready() if measures.get(name).needs != "images"]
    whole, known = (priced(rows, tmp_path / "rows", **own) for own in ({}, {"names": fit}))
    evaluations = [own.measure_s / own.seconds_per_evaluation for own in (whole, known)]
    assert evaluations[0] == pytest.approx(evaluations[1]) and evaluations[0] > 0
