"""Ray: real nodes on loopback, of which one is killed in mid-study."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

ray = pytest.importorskip("ray", reason="needs Ray: pip install 'sambench[ray]'")

from sambench.executors.ray import Ray
from sambench.executors.testing import ExecutorConformance
from tests.drills.drill import drill
from tests.drills.ray_cluster import OTHER, Cluster

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:  # short: it holds sockets
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.end()


class TestRay(ExecutorConformance):
    executor: ClassVar[Ray]

    @pytest.fixture(autouse=True)
    def _on(self, cluster: Cluster) -> None:
        type(self).executor = Ray(address=cluster.address, workers=2)
