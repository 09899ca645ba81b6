"""`python -m tests.null run [LABEL]...`, `python -m tests.null resample`"""

import sys
from pathlib import Path

import torch

from sambench import records
from sambench.stats import exact_interval
from tests.null import pool, resample

ROOT = Path("runs")


def main(command: str, *labels: str) -> None:
    torch.set_num_threads(1)
    found = pool.run_all(ROOT, labels or pool.LABELS)
    if command == "run":
        print(f"{len(found)} runs")
        return
    rates = resample.resample(found, pool.LABELS[0])
    for name, hits in (("false win", rates.wins), ("false pair", rates.pairs)):
        low, high = exact_interval(hits, rates.studies)
        share = hits / rates.studies
        print(f"{name}: {hits} of {rates.studies} studies, {share:.1%} [{low:.1%}, {high:.1%}]")
    scored = [r for r in found if r.stage in records.TESTED]
    print(f"{len(found)} runs, of which {len(scored)} are reruns")


if __name__ == "__main__":
    main(*sys.argv[1:])
