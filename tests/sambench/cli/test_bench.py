"""`bench` refuses what cannot run, prints and publishes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., tuple[int, str, str]]


BENCH = ("bench", "--device", "cpu", "--rounds", "1", "--batch-size", "4", "--image-size", "8")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--model", "test_resnt"), "--model: timm has no model 'test_resnt'; did you mean"),
        (("--variants", "plain,smm"), "--variants: unknown variant 'smm'; did you mean"),
        (("--device", "cpuu"), "--device: unknown device 'cpuu'; did you mean cpu"),
        (("--rounds", "0"), "Invalid value for '--rounds'"),
    ],
)
def test_a_benchmark_that_cannot_run(
    refused: Callable[..., str], options: tuple[str, ...], line: str
):
    assert line in refused(*BENCH, *options)


def test_a_benchmark_is_printed_and_published(call: Call):
    code, out, _ = call(*BENCH, "--variants", "plain", "--json", "--publish")
    found = json.loads(out)
    assert code == 0 and found["costs"]["variants"][1]["passes"] == 2
    assert "--variants plain" in found["command"] and "--batch-size 4" in found["command"]
    assert "test_resnet at 8x8" in Path("leaderboards/cost-cpu.md").read_text()
    assert call("leaderboard", "--check")[0] == 0
