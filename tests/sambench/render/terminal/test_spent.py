"""What the time of a study's workers went to, in a line."""

from sambench.render.terminal import spent


def test_shares_the_largest_first_and_little_ones_together():
    parts = {"first_steps": 8.0, "training": 90.0, "model": 0.6, "data": 0.4, "workers": 1.0}
    assert spent.render(parts, 2) == (
        "the time of 2 workers, 1 min 40 s in all: training 90%, first steps 8%, workers' start "
        "1%, the rest 1%"
    )


def test_nothing_left_over_and_nothing_to_tell():
    assert spent.render({"report": 3.0}, 1) == "the time of 1 worker, 3 s in all: report 100%"
    assert spent.render({}, 2) == spent.render({"training": 0.2}, 2) == ""
