"""Every measure, by the suite that is shipped."""

import pytest

from sambench.measures import Measure, measures
from sambench.measures.testing import MeasureConformance

BUILT_IN = [n for n in measures.names() if measures.get(n).__module__.startswith("sambench.")]
NAMES = [name for name in BUILT_IN if measures.get(name).is_ready()]
"""Those of CIFAR-10-C are tested with their files."""
SMALL = {"steps": 3, "draws": 2, "severities": (1, 5)}
"""Settings that several measures have, small."""


def small(name: str) -> Measure:
    cls = measures.get(name)
    return cls(**{key: value for key, value in SMALL.items() if key in cls.model_fields})


@pytest.mark.parametrize("name", NAMES)
class TestConformance(MeasureConformance):
    @pytest.fixture(autouse=True)
    def _named(self, name: str) -> None:
        self.measure = small(name)


def test_no_two_measures_call_a_quantity_the_same():
    found = [score.name for name in NAMES for score in measures.get(name)().quantities]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", NAMES)
def test_definitions_name_their_quantities(name: str):
    text = " ".join((measures.get(name).__doc__ or "").split())
    for score in measures.get(name)().quantities:
        stem = score.name.rstrip("0123456789")
        assert score.name in text or stem in text or "NAME" in text, score.name
