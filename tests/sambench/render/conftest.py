"""What the tests of this room share."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sambench.analysis import PublishedStudy, published
from sambench.records import Records

sys.path.insert(0, str(Path(__file__).parent))  # boards, frames

Study = Callable[..., PublishedStudy]


@pytest.fixture(scope="session")
def study(make: Callable[..., Records]) -> Study:
    """study({"plain": .93, "sam": .95}, keep=lambda run: ..., search={"sampler": "tpe"})

    What `make` makes, as published; of its runs those to keep, with other words in its spec.
    """

    def build(accuracies: object, keep: object = None, search: object = None, **changes: object):
        made = make(accuracies, **changes)
        header = made.header
        spec = {**header["spec"], "search": {**header["spec"]["search"], **(search or {})}}
        runs = [run for run in made.records if keep is None or keep(run)]
        return published.study(Path("digits.csv"), Records({**header, "spec": spec}, runs))

    return build
