"""What a study ran, arm by arm."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from sambench.analysis.eligible import own
from sambench.analysis.findings import Size
from sambench.analysis.pool import Pool
from sambench.config import Arm, Study, baselines
from sambench.records import Fit, Records, hyperparameters
from sambench.stats import Ranking, afforded, claims, counted_passes, smallest_shown

CONCLUDING = 5
"""Searches, or paired seeds; fewer conclude nothing."""

TRAINED = [
    "data",
    "key",
    "lr",
    "hyperparameters",
    "epochs",
    "seed_split",
    "seed_labels",
    "seed_init",
    "seed_order",
    "gradient_evaluations",
    "train_loss",
]
"""Columns in which no two runs agree by accident."""


class Run(NamedTuple):
    """What an analysis reads of a row."""

    variant: str
    stage: str
    point: int
    rerun: int
    outcome: str
    val: float
    test: float
    num_items: int
    items: str
    gradient_evaluations: float
    steps: int
    lr: float
    rho: float
    hyperparameters: str
    curve: str
    epochs: int
    step_time_s: float
    wall_s: float
    peak_memory: float
    device: str
    processor: str
    instructions: str
    threads: int

    @property
    def machine(self) -> str:
        """What it ran on, as far as that makes its time or its numbers."""
        host = f"{self.processor} ({self.instructions})"
        place = host if self.device == self.processor else f"{self.device} beside {host}"
        return f"{place}, threads {self.threads}"

    @property
    def values(self) -> dict[str, float | str | bool]:
        """Of all hyperparameters, lr among them."""
        return {**hyperparameters(self.hyperparameters), "lr": self.lr}

    @property
    def is_complete(self) -> bool:
        return self.outcome == "complete"

    @property
    def ended(self) -> bool:
        """Complete or diverged: what became of a failed run says nothing about its setting."""
        return self.outcome in ("complete", "diverged")


def tells_epochs(header: Mapping[str, Any]) -> bool:
    """Whether runs of these records train for the epochs that they name."""
    return "training" not in header.get("own", {}) or header["spec"]["train"]["epochs"] > 1


class Evidence:
    """The runs of a study that count, and the arms that its header names."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.header = records.header
        self.study = Study.model_validate(records.header["spec"])
        arms = records.header["arms"]
        self.arms = {label: Arm.model_validate(arm) for label, arm in arms.items()}
        frame = own(records)
        self.frame = frame.loc[frame["variant"].isin(list(arms)).to_numpy()]
        """the rows that count"""
        self.num_swept = len(records.frame) - len(frame)
        """rows of a W&B agent's"""
        self.strangers = len(frame) - len(self.frame)
        """rows of arms that the header does not name"""

    @property
    def size(self) -> Size:
        search, extension = self.study.search, self.header.get("extension", 0)
        alpha = claims.ALPHA / 2**extension
        return Size(search.budget, search.searches, search.margin, extension, alpha)

    @property
    def baselines(self) -> list[str]:
        """Arms of the baseline, the one that has its name first."""
        return baselines({label: arm.key for label, arm in self.arms.items()})

    @property
    def is_fixed(self) -> bool:
        """Whether nothing was searched."""
        return not any(arm.space for arm in self.arms.values())

    @property
    def tells_epochs(self) -> bool:
        """Whether a run trains for so many; a caller's own function may not be told."""
        return tells_epochs(self.header)

    @property
    def is_adaptive(self) -> bool:
        return not self.is_fixed and self.study.search.sampler != "random"

    @cached_property
    def runs(self) -> dict[str, dict[str, list[Run]]]:
        """By label and stage, in order of point and rerun."""
        blank = [""] * len(self.frame)  # of a score without values of single items
        found: dict[str, dict[str, list[Run]]] = {label: defaultdict(list) for label in self.arms}
        scored = {name: f"{name}_{self.records.objective}" for name in ("val", "test", "items")}
        columns = [
            self.frame[at].tolist() if (at := scored.get(name, name)) in self.frame else blank
            for name in Run._fields
        ]
        rows = zip(*columns, strict=True)
        for run in sorted(map(Run._make, rows), key=lambda run: run[:4]):
            found[run.variant][run.stage].append(run)
        return found

    def all_runs(self, label: str) -> Iterator[Run]:
        """Of an arm, in all stages."""
        for runs in self.runs[label].values():
            yield from runs

    def chosen(self, label: str) -> list[Run]:
        """The runs of an arm's setting to use, which of fixed settings are the confirm runs."""
        if self.is_fixed:
            return self.runs[label]["confirm"]
        fit = self.fits.get(label)
        setting = fit.setting if fit else {}
        return [run for run in self.runs[label]["setting"] if setting.items() <= run.values.items()]

    @cached_property
    def searched(self) -> pd.DataFrame:
        """Rows of pools and of W&B agents' trials, by arm, source and number."""
        frame = self.records.frame
        known = frame["variant"].isin(list(self.arms)) & frame["stage"].isin(["pool", "sweep"])
        rows = frame.loc[known.to_numpy()].astype({"variant": "str", "source": "str"})
        return rows.sort_values(["variant", "source", "point"])

    @cached_property
    def identities(self) -> frozenset[tuple[object, ...]]:
        """What its runs trained on and became: two studies that share one of them share runs."""
        rows = self.frame.loc[self.frame["train_loss"].notna().to_numpy(), TRAINED]
        return frozenset(rows.itertuples(index=False, name=None))

    @cached_property
    def fits(self) -> dict[str, Fit]:
        """Surfaces through the validation scores, as the study fitted them, by label."""
        found = self.header.get("fits", {})
        return {label: Fit.model_validate(fit) for label, fit in found.items()}

    def score(self, run: Run) -> Fraction:
        """Its test score: a count over counts, or the decimal that the records hold."""
        if self._is_share and run.num_items:
            return Fraction(round(run.test * run.num_items), run.num_items)
        return Fraction(repr(run.test))

    @cached_property
    def _is_share(self) -> bool:
        scores = {score["name"]: score for score in self.header["scores"]}
        return scores[self.records.objective]["unit"] == "share"

    @property
    def num_items(self) -> int:
        """Of the test set; 0 where runs were not scored item by item."""
        return int(self.frame["num_items"].to_numpy().max(initial=0))

    @cached_property
    def trials(self) -> dict[str, Fraction]:
        """k of every arm, by the evaluations that were counted (rule 2)."""
        return {label: self._trials(arm) for label, arm in self.arms.items()}

    def _trials(self, arm: Arm) -> Fraction:
        runs = self.runs[arm.label]["confirm" if self.is_fixed else "pool"]
        counted = ((run.gradient_evaluations, run.steps) for run in runs if run.is_complete)
        passes = counted_passes(counted, arm.passes)
        length = Fraction(arm.epochs, self.study.train.epochs)
        return afforded(self.study.search.budget, passes, length)

    def cost(self, label: str) -> Fraction:
        """Of one run, in full runs of the baseline."""
        return Fraction(repr(self.study.search.budget)) / self.trials[label]

    def length(self, label: str) -> float:
        """Of its schedule as it ran, in whole epochs, in units of the study's."""
        return self.arms[label].epochs / self.study.train.epochs

    def planned(self, arm: Arm) -> int:
        """Points of its pool that the study asks for."""
        return 0 if self.is_fixed else self.study.points(arm)

    @cached_property
    def _started(self) -> list[Fraction]:
        """k of the arms whose pools have a point."""
        pools = {label: runs["pool"] for label, runs in self.runs.items()}
        return [self.trials[label] for label, own in pools.items() if any(r.ended for r in own)]

    @cached_property
    def smallest(self) -> int:
        """The fewest trials of an arm that is ranked: those of the table at equal trials."""
        return smallest_shown(self._started, max(self._started)) if self._started else 0

    @cached_property
    def pools(self) -> dict[str, Pool]:
        """By label; none of a study that does not rank pools."""
        if self.is_fixed or self.is_adaptive:
            return {}
        return {label: self._pool(arm) for label, arm in self.arms.items()}

    def _pool(self, arm: Arm) -> Pool:
        runs, k = self.runs[arm.label], self.trials[arm.label]
        searches = self.study.search.searches
        smallest = smallest_shown(self._started, k)
        ranking = Ranking.of(
            {
                run.point: run.val if run.is_complete and run.val == run.val else None
                for run in runs["pool"]
                if run.ended
            }
        )
        due = ranking.reruns(k, searches, smallest)
        again: dict[int, list[Run]] = defaultdict(list)
        for run in runs["confirm"]:
            if run.ended:
                again[run.point].append(run)
        confirmed = [again[point] for point in ranking.points[: len(due)]]
        return Pool(
            arm=arm,
            trials=k,
            smallest=smallest,
            planned=self.planned(arm),
            ranking=ranking,
            due=due,
            tests=tuple(
                tuple(self.score(run) for run in own if run.is_complete) for own in confirmed
            ),
            ended=tuple(map(len, confirmed)),
        )
