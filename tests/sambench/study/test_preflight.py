"""What is told before a study's first run, and is no mistake."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import variants
from sambench import config, plugins, seeds
from sambench.errors import UserError
from sambench.study.preflight import Checked, missing_classes, preflight
from sambench.tasks import images
from sambench.training import Custom
from variants.core import registry

Spec = dict[str, Any]


def bare(channels: int, classes: int) -> nn.Module:
    """Without a layer that normalises."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(channels * 64, 8), nn.ReLU(), nn.Linear(8, classes)
    )


def checked(spec: Spec, path: Path, custom: Custom = Custom()) -> Checked:
    return preflight(config.parse(spec), "cpu", path, custom)


def idle(found: Checked) -> list[str]:
    return [note for note in found.notes if "every step is plain's" in note]


@pytest.mark.parametrize("normalised", [True, False])
def test_who_perturbs_nothing_is_told(
    spec: Spec, tmp_path: Path, normalised: bool, capsys: pytest.CaptureFixture[str]
):
    """Of all variants those that move normalisation layers alone, where there are none."""
    names = [name for name in variants.names() if name != "plain"]
    spec |= {"variants": names, "search": {**spec["search"], "budget": 12.0}}
    found = checked(spec, tmp_path, Custom(None if normalised else bare))
    told = [f"{name} perturbs no weight of test_resnet: every step is plain's, at 2 gradient "
            "evaluations." for name in names if name.endswith("_on")]  # fmt: skip
    assert idle(found) == ([] if normalised else told)
    printed = capsys.readouterr().err
    assert all(f"sambench: {note}" in printed for note in found.notes)


OWN = """import variants

@variants.register("of_ones_own")
class Own(variants.Variant):
    passes = 1.0

    def direction(self, oracle, state):
        return oracle.nothing(), state
"""


def test_an_error_in_a_rule_of_ones_own_is_told_with_its_line(
    spec: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for registered in ("_classes", "_infos"):
        monkeypatch.setattr(registry, registered, dict(getattr(registry, registered)))
    file = tmp_path / "of_ones_own_rule.py"
    file.write_text(OWN)
    plugins.load([file])
    spec["variants"] = ["of_ones_own"]
    told = rf"cannot train test_resnet: {re.escape(str(file))}: line 8: .*'nothing'"
    with pytest.raises(UserError, match=told):
        checked(spec, tmp_path)


def test_a_radius_of_zero_perturbs_nothing(spec: Spec, tmp_path: Path):
    spec["variant"] += [{"name": "sam", "fix": {"rho": 0.0}, "label": f"idle-{i}"} for i in (1, 2)]
    assert idle(checked(spec, tmp_path)) == [
        "idle-1 and idle-2 perturb no weight of test_resnet: every step is plain's, at 2 gradient "
        "evaluations."
    ]


def test_classes_without_images_and_chance(spec: Spec, tmp_path: Path):
    task = config.parse(spec).task
    data = images.load(task, seeds.derive(0, "point", 0).streams, tmp_path)
    some = torch.arange(30) % 2
    lacking = replace(data, test=data.test.labelled(torch.where(some == 1, 3, 0)))
    told = [note for note in missing_classes(lacking) if note.startswith("test: ")]
    num = len(data.classes)
    assert told and told[0].startswith(f"test: {num - 2} of {num} classes have no image there: ")
    found = checked(spec, tmp_path, Custom(data=lacking))
    assert told[0] in found.notes and found.chance == 0.5


def test_a_study_keeps_what_it_was_told_for_its_page(spec: Spec, run: Any, tmp_path: Path):
    spec["variants"] = ["sam_on"]
    board = run(spec, model=bare)
    assert any("perturbs no weight" in line for line in board.warnings)
    page = (tmp_path / "runs" / "tiny" / "leaderboard.md").read_text()
    assert f"- sam_on perturbs no weight of {__name__}.bare: " in page.partition("## ")[0]
    assert 0 < board.header["chance"] < 1
