"""The dashboard: described without a login, uploaded with one, by the real client."""

import json
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sambench import records
from sambench.analysis.leaderboard import analyse
from sambench.errors import UserError
from sambench.sweeps import dashboard

PUBLISHED = Path(__file__).parents[3] / "leaderboards" / "digits.csv"


def test_without_a_login_it_is_a_file(sambench: Any, tmp_path: Path) -> None:
    done = sambench("sweep", "dashboard", str(PUBLISHED))
    assert done.returncode == 0, done.stderr
    assert "not uploaded: W&B knows no key here; run `wandb login`" in done.stdout
    path = tmp_path / "runs" / "digits" / "dashboard.json"
    found = dashboard.read(path)
    assert "asam" in found.leaderboard
    kinds = [panel.kind for section in found.sections for panel in section.panels]
    assert kinds == ["scatter", "parallel", "importance", "scatter", "curves", "curves", "curves"]
    again = sambench("sweep", "dashboard", "--upload", str(path))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1), again.stderr


def test_the_real_client_uploads_it(
    wandb_server: ModuleType, sambench: Any, tmp_path: Path
) -> None:
    pytest.importorskip("wandb_workspaces")
    path = tmp_path / "dashboard.json"
    dashboard.write(path, dashboard.describe(analyse(records.read(PUBLISHED)), "sambench"))
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
        ("group", "digits"),
        ("jobType", ["search", "sweep"]),
    ]


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text("{}")
    with pytest.raises(Exception, match="not a dashboard of format 1"):
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
    tmp_path: Path, panel: dict[str, str], line: str
) -> None:
    path = tmp_path / "d.json"
    dashboard.write(path, dashboard.describe(analyse(records.read(PUBLISHED)), "sambench"))
    found = json.loads(path.read_text())
    found["sections"][0]["panels"][0] = panel
    path.write_text(json.dumps(found))
    with pytest.raises(UserError) as error:
        dashboard.read(path)
    assert line in str(error.value) and "\n" not in str(error.value)
