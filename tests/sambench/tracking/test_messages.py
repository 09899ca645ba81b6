"""What a study and the process that talks to W&B tell each other."""

import math
from pathlib import Path

import pytest

from sambench.tracking import messages
from sambench.tracking.messages import Checked, Failed, Finish, Finished, Log, Start
from sambench.training.run import Run


@pytest.mark.parametrize("answer", [Checked(False), Finished("a", "https://w/a"), Failed("\nü")])
def test_answers_arrive_as_they_are(answer: messages.Answer):
    line = messages.encoded(answer)
    assert line.count("\n") == 1 and messages.decoded_answer(line) == answer


def test_orders_arrive_as_they_are(run_: Run):
    from sambench import tracking

    for order in (Start("a", tracking.describe(run_)), Finish("a", {"rows": [{"epoch": 1}]})):
        assert messages.decoded_order(messages.encoded(order)) == order


def test_a_loss_may_be_nan_and_a_path_becomes_text():
    order = messages.decoded_order(messages.encoded(Log("a", {"epoch": 1, "loss": math.nan})))
    assert isinstance(order, Log) and math.isnan(order.row["loss"])
    told = Start("a", {"config": {"root": Path("x")}})
    order = messages.decoded_order(messages.encoded(told))
    assert isinstance(order, Start) and order.described["config"] == {"root": "x"}
