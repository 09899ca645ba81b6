"""Search spaces in Optuna's words."""

import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from sambench.config import Space
from sambench.study.distribution import distribution, widened

SPACES = {
    "reals": (Space(low=0.5, high=2.0), FloatDistribution(0.5, 2.0)),
    "log": (Space(low=0.01, high=1.0, log=True), FloatDistribution(0.01, 1.0, log=True)),
    "integers": (Space(low=1, high=9, log=True), IntDistribution(1, 9, log=True)),
    "mixed": (Space(low=0, high=0.5), FloatDistribution(0.0, 0.5)),
    "choices": (Space(choices=(0.5, "a", True)), CategoricalDistribution((0.5, "a", True))),
}


@pytest.mark.parametrize(("space", "known"), SPACES.values(), ids=SPACES)
def test_a_space_is_a_distribution(space: Space, known: BaseDistribution):
    assert distribution(space) == known


def test_a_sweep_beyond_the_space_widens_it():
    log = Space(low=0.01, high=1.0, log=True)
    assert distribution(widened(log, 3)) == FloatDistribution(0.01, 3.0, log=True)
    assert distribution(widened(log, 0.001)) == FloatDistribution(0.001, 1.0, log=True)
    assert distribution(widened(Space(low=1, high=9), 12)) == IntDistribution(1, 12)
    assert distribution(widened(Space(low=1, high=9), 9.5)) == FloatDistribution(1.0, 9.5)
    assert widened(log, 0.5) == log
    choices = Space(choices=(1, 2))
    assert widened(choices, 3) == choices
