"""Measures of a file of one's own, and what a study says of unknown ones."""

from pathlib import Path

import pytest

from sambench import plugins
from sambench.config import Measured
from sambench.errors import UserError
from sambench.measures import Measure, chosen, measure_all, measures
from sambench.measures.testing import convolutional

OWN = """
from sambench.measures import Measure, measures
from sambench.records import Score

@measures.register("weights")
class Weights(Measure):
    "`weight_norm`: of all parameters."

    title, source, subset, cannot_tell = "weights", "none", "train", "nothing"
    fails: str = ""

    @property
    def quantities(self):
        return (Score(name="weight_norm", unit="norm", direction="minimize"),)

    @property
    def evaluations(self):
        return 0.1

    def of(self, subject):
        if self.fails:
            raise RuntimeError(self.fails)
        return {"weight_norm": sum(float(p.detach().norm()) for p in subject.parameters)}
"""


@pytest.fixture
def own(tmp_path: Path):
    file = tmp_path / "weighing.py"
    file.write_text(OWN)
    plugins.load([file])
    yield measures.get("weights")
    del measures._classes["weights"]


def test_of_a_file_of_ones_own(own: type[Measure]):
    wanted = chosen(Measured(names=("weights", "calibration")))
    found = measure_all(convolutional(), wanted)
    assert found.values["weight_norm"] > 0 and "nll" in found.values and not found.failed
    assert set(found.seconds) == {"weights", "calibration"}


def test_one_that_fails_is_told_and_the_others_go_on(own: type[Measure]):
    asked = Measured(names=("weights", "calibration"), set={"weights": {"fails": "no luck"}})
    found = measure_all(convolutional(), chosen(asked))
    assert found.failed == {"weights": "RuntimeError: no luck"} and "nll" in found.values


def test_unknown_names_and_settings():
    with pytest.raises(UserError, match=r"measure.names: unknown measure 'curvatur', did you mean"):
        chosen(Measured(names=("curvatur",)))
    with pytest.raises(UserError, match=r"measure.set.ascent.rho: must be > 0, got 0"):
        chosen(Measured(names=("ascent",), set={"ascent": {"rho": 0}}))
