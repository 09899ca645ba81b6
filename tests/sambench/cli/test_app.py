"""Options that no command takes, and help."""

from collections.abc import Callable

import pytest

Call = Callable[..., tuple[int, str, str]]


OPTIONS = [
    (["study", "digist"], "unknown study 'digist', did you mean digits"),
    (
        ["study", "no/such/file.toml"],
        "no such file 'no/such/file.toml': there is no folder 'no/such'",
    ),
    (["study", "--workers", "0"], "'--workers': 0 is not in the range x>=1"),
    (["study", "--workers", "two"], "'two' is not a valid integer"),
    (["study", "--dry-run", "--workers", "0"], "0 is not in the range x>=1"),
    (["study", "--device", "cdua"], "--device: unknown device 'cdua'; did you mean cuda"),
    (["study", "--device", "tpu"], "unknown device 'tpu'"),
    (["study", "--device", "cuda:99"], "no cuda:99 on this machine; choose from cpu"),
    (["study", "--wandb", "onlin"], "'onlin' is not one of 'online', 'offline', 'disabled'"),
    (["study", "--devise", "cpu"], "No such option"),
    (["study", "--devise", "cpu"], "--device"),
    (["study", "--checkpoint-every", "-1"], "-1.0 is not in the range x>=0"),
    (["study", "--fork", "a b"], "name: must be letters, digits"),
    (["study", "digits", "extra"], "unexpected extra argument (extra)"),
    (["study", "--set"], "Option '--set' requires an argument"),
    (["studdy"], "unknown command 'studdy'; did you mean study or status?"),
    (["frobnicate"], "unknown command 'frobnicate'; choose from bench, best, doctor, leaderboard"),
    (["--verison"], "No such option"),
    (["best", "digits"], "no records of a study 'digits'; run it first"),
    (["best", "--format", "yaml"], "'yaml' is not one of 'python', 'json'"),
    (["leaderboard", "--format", "yaml"], "'yaml' is not one of 'md', 'csv', 'json', 'latex'"),
    (["leaderboard", "--format", "md", "--check"], "--format prints and --check compares"),
    (["leaderboard", "--format", "md", "--html"], "--format prints and --html writes"),
    (["leaderboard", "digits"], "no records of a study 'digits' in leaderboards; publish one"),
]


@pytest.mark.parametrize(("arguments", "line"), OPTIONS, ids=lambda x: " ".join(x)[:40])
def test_bad_options(refused: Callable[..., str], arguments: list[str], line: str):
    assert line in refused(*arguments)


def test_help_and_no_command_show_what_there_is(call: Call):
    code, out, err = call("--help")
    assert code == 0 and err == "" and "study" in out and "leaderboard" in out
    code, out, err = call()
    assert code == 2 and "study" in out + err
    code, out, err = call("study", "--help")
    assert code == 0 and "--workers" in out
