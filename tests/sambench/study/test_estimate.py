"""What a study will cost, counted before it runs, against what it then does."""

from pathlib import Path
from typing import Any

import pytest

from sambench import config
from sambench.study.estimate import plan

Spec = dict[str, Any]


def test_the_plan_counts_what_the_study_runs(spec: Spec, ran: Any, recorded: Any, tmp_path: Path):
    found = plan(config.parse(spec), on="cpu", workers=1, root=tmp_path / "runs", wandb="offline")
    assert found.variants == ["sam", "plain"]
    assert found.trials == {"plain": 2, "sam": 1}
    assert (found.pool_runs, found.confirm_runs, found.setting_runs) == (3, 12, 2)
    assert (found.wandb_runs, found.wandb_mode) == (17, "offline")
    assert found.separates == {}
    assert not (tmp_path / "runs" / "tiny").exists()

    ran()
    records = recorded(tmp_path / "runs" / "tiny")
    assert len(records) == 17
    assert found.gradient_evaluations == sum(r.gradient_evaluations for r in records)


def test_time_is_measured_and_shared_among_workers(spec: Spec, tmp_path: Path):
    study = config.parse(spec)
    found = plan(study, on="cpu", workers=2, root=tmp_path, wandb="disabled")
    assert found.wandb_runs == 0
    assert 0 < found.seconds_per_evaluation < 10
    seconds = found.gradient_evaluations * found.seconds_per_evaluation
    assert found.expected_s == pytest.approx(seconds / 2)
    assert set(found.as_dict()) >= {"study", "expected_s", "gradient_evaluations"}


def test_the_baseline_in_a_table_counts_like_the_short_form(spec: Spec, tmp_path: Path):
    short = plan(config.parse(spec), on="cpu", workers=1, root=tmp_path, wandb="disabled")
    plain = {"name": "plain", "length": [1]}
    tables = {**spec, "variants": [], "variant": [plain, {"name": "sam"}]}
    long = plan(config.parse(tables), on="cpu", workers=1, root=tmp_path, wandb="disabled")
    assert long.gradient_evaluations == short.gradient_evaluations
