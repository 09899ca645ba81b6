"""What a step costs: variants, peers and training loops, timed in turns in one process."""

from sambench.bench.benchmark import Settings as Settings
from sambench.bench.benchmark import measure as measure
