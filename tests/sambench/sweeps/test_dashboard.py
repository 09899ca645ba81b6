"""The dashboard: described without a login, uploaded with one, by the real client."""

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sambench import records
from sambench.analysis import Leaderboard, analyse
from sambench.errors import UserError
from sambench.sweeps import dashboard

LABELS = ("plain-x0.5", "plain", "plain-x2", "sam", "asam", "esam")


@pytest.fixture
def made(make: Any) -> Leaderboard:
    return analyse(make({label: 0.9 for label in LABELS}))


@pytest.fixture
def records_file(make: Any, tmp_path: Path) -> Path:
    found = make({label: 0.9 for label in LABELS})
    path = tmp_path / "digits.csv"
    records.write(path, found.header, found.records)
    return path


def test_each_arm_has_a_section_of_what_it_searches(made: Leaderboard) -> None:
    """W&B's group is STUDY/ARM."""
    whole, *arms, retrained = dashboard.describe(made, "p").sections
    everybody = [f"digits/{label}" for label in LABELS]
    assert sorted(whole.groups) == sorted(retrained.groups) == sorted(everybody)
    assert retrained.stages == ["confirm", "setting"]
    assert {section.title: section.groups for section in arms} == {
        label: [f"digits/{label}"] for label in LABELS
    }
    panels = {section.title: section.panels for section in arms}
    scatter, parallel = panels["sam"]
    assert (scatter.x, scatter.y, scatter.z) == ("config.lr", "config.rho", "summary.val_accuracy")
    assert parallel.columns == ["config.lr", "config.rho", "summary.val_accuracy"]
    assert panels["plain"][0].y == "summary.val_accuracy"  # it has no radius


def test_nothing_shows_a_test_score_of_a_run(made: Leaderboard) -> None:
    """W&B's runs have none."""
    panels = [
        panel for section in dashboard.describe(made, "p").sections for panel in section.panels
    ]
    assert "test" not in json.dumps([panel.model_dump() for panel in panels])


def test_without_a_login_it_is_a_file(sambench: Any, records_file: Path, tmp_path: Path) -> None:
    done = sambench("sweep", "dashboard", str(records_file))
    assert done.returncode == 0, done.stderr
    assert "not uploaded: W&B knows no key here; run `wandb login`" in done.stdout
    path = tmp_path / "runs" / "digits" / "dashboard.json"
    found = dashboard.read(path)
    assert "asam" in found.leaderboard
    kinds = [panel.kind for section in found.sections for panel in section.panels]
    tried, arms = ["scatter", "parallel"], 6
    assert kinds == [*tried, "importance", *(tried * arms), "scatter", *(["curves"] * 3)]
    again = sambench("sweep", "dashboard", "--upload", str(path))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1), again.stderr


def test_the_real_client_uploads_it(
    wandb_server: ModuleType, sambench: Any, made: Leaderboard, tmp_path: Path
) -> None:
    pytest.importorskip("wandb_workspaces")
    path = tmp_path / "dashboard.json"
    dashboard.write(path, dashboard.describe(made, "sambench"))
    with wandb_server.Server() as server:
        done = sambench("sweep", "dashboard", "--upload", str(path), **server.env)
        assert done.returncode == 0, done.stderr
        assert f"report: {server.url}/me/sambench/reports/" in done.stdout
        (view,) = server.views
    blocks = json.loads(view["spec"])["blocks"]
    grids = [block["metadata"] for block in blocks if block["type"] == "panel-grid"]
    panels = [p for grid in grids for p in grid["panelBankSectionConfig"]["panels"]]
    scatter = panels[0]["config"]
    assert (scatter["xAxis"], scatter["yAxis"]) == ("config:lr.value", "config:rho.value")
    assert scatter["zAxis"] == "summary:val_accuracy" and scatter["xAxisLogScale"]
    assert panels[-1]["config"]["groupBy"] == "variant.value"
    filters = grids[0]["runSets"][0]["filters"]["filters"]
    assert [(f["key"]["name"], f["value"]) for f in filters] == [
        ("group", [f"digits/{label}" for label in made.header["arms"]]),
        ("jobType", ["pool", "sweep"]),
    ]


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text("{}")
    with pytest.raises(Exception, match="not a dashboard of format 2"):
        dashboard.read(path)
    assert os.path.exists(path)


@pytest.mark.parametrize(
    ("panel", "line"),
    [
        ({"kind": "pie"}, "panels[0]: Input tag 'pie'"),
        ({"kind": "curves", "title": "x"}, "panels[0].curves.y: is required"),
    ],
)
def test_a_panel_that_no_report_has_is_one_line(
    tmp_path: Path, made: Leaderboard, panel: dict[str, str], line: str
) -> None:
    path = tmp_path / "d.json"
    dashboard.write(path, dashboard.describe(made, "sambench"))
    found = json.loads(path.read_text())
    found["sections"][0]["panels"][0] = panel
    path.write_text(json.dumps(found))
    with pytest.raises(UserError) as error:
        dashboard.read(path)
    assert line in str(error.value) and "\n" not in str(error.value)
