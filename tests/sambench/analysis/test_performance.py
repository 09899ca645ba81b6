"""How long an analysis takes."""

import time

import pytest

from sambench import analysis
from tests.sambench.analysis.conftest import with_runs
from tests.sambench.conftest import Make


@pytest.mark.slow
def test_twenty_arms_of_a_hundred_points(make: Make):
    """A second on an idle core; tests run beside others."""
    arms = {f"v{i}": 0.85 + 0.002 * i for i in range(17)}
    study = make({"plain-x0.5": 0.89, "plain": 0.87, "plain-x2": 0.83, **arms}, budget=40.0)
    bands = analysis.bands(study)
    assert bands
    found = with_runs(study, study.records, bands=bands.model_dump())
    before = time.process_time()
    answer = analysis.analyse(found)
    assert time.process_time() - before < 3
    assert len(answer.rows) == 20 and answer.orders
