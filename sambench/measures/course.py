"""What measures ask of a run while it trains, as no weights tell it afterwards."""

from collections.abc import Mapping
from pathlib import Path

from sambench.measures.measuring import chosen
from sambench.tasks import Data
from sambench.training import Course, Engine, Run


def course(run: Run, data: Data, cache: Path | None) -> Course | None:
    """Of a run that sees the test set, for all measures of its study; see `Measure.course`."""
    asked = run.study.measure
    if asked is None or not run.sees_test:
        return None
    found = [told for one in chosen(asked).values() if (told := one.course(run, data, cache))]

    def told_to_all(engine: Engine) -> Mapping[str, float]:
        return {name: value for told in found for name, value in told(engine).items()}

    return told_to_all if found else None
