"""`sambench best`"""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench import records
from sambench.records import Records

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def digits(make: Callable[..., Records], call: Call) -> Records:
    """In the folder where commands are called."""
    made = make({"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, "sam": 0.95})
    records.write(Path("runs/digits/records.csv"), made.header, made.records)
    return made


@pytest.mark.usefixtures("digits")
def test_the_setting_to_use_of_the_recommended_arm_or_of_another(call: Call):
    code, program, err = call("best", "digits")
    assert code == 0, err
    assert "variants.create('sam', rho=0.071)" in program
    code, out, _ = call("best", "digits", "--variant", "plain-x0.5", "--format", "json")
    found = json.loads(out)
    assert code == 0 and (found["label"], found["epochs"], found["lr"]) == ("plain-x0.5", 5, 0.032)


@pytest.mark.usefixtures("digits")
def test_no_such_arm(refused: Callable[..., str]):
    line = refused("best", "digits", "--variant", "samm")
    assert line == "--variant: 'samm' is no arm of study 'digits', did you mean sam?"


def test_no_program_of_what_a_caller_brought(
    digits: Records, call: Call, refused: Callable[..., str]
):
    header = digits.header | {"own": {"model": "my_code.net"}}
    records.write(Path("runs/digits/records.csv"), header, digits.records)
    assert "its caller's own model (my_code.net)" in refused("best", "digits")
    assert call("best", "digits", "--format", "json")[0] == 0


def test_a_study_that_has_begun_is_not_to_be_run_first(refused: Callable[..., str]):
    Path("runs/digits").mkdir(parents=True)
    line = refused("best", "digits")
    assert line.endswith("the command that goes on with it: python -m sambench study digits")
