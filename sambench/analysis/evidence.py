"""What a study ran, arm by arm."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Any

import numpy as np
import pandas as pd

from sambench.analysis.eligible import own, where
from sambench.analysis.findings import Size, decides
from sambench.analysis.pool import Pool
from sambench.analysis.runs import Runs
from sambench.config import Arm, Study, baselines
from sambench.records import STAGES, Fit, Records, Score
from sambench.scores import ACCURACY
from sambench.stats import (
    Ranking,
    Tuned,
    afforded,
    claims,
    counted_passes,
    seed_mean,
    smallest_shown,
)

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

MACHINE = ["device", "processor", "instructions", "threads"]


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
        self.frame = where(frame, frame["variant"].isin(list(arms)).to_numpy())
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
    def runs(self) -> dict[str, dict[str, Runs]]:
        """By label and stage, in order of point and rerun."""
        frame = self._columns
        arm, stage = _codes(frame, "variant", self.arms), _codes(frame, "stage", STAGES)
        code = arm * len(STAGES) + stage
        order = np.lexsort((frame["rerun"].to_numpy(), frame["point"].to_numpy(), code))
        edges = np.searchsorted(code[order], np.arange(len(self.arms) * len(STAGES) + 1))
        parts = iter(Runs(frame, order[a:z]) for a, z in pairwise(edges.tolist()))
        return {label: {stage: next(parts) for stage in STAGES} for label in self.arms}

    @cached_property
    def _columns(self) -> pd.DataFrame:
        """The rows that count, with val, test and items of the objective, and their machine.

        That is what a run ran on, as far as that makes its time or its numbers.
        """
        names = {f"{name}_{self.records.objective}": name for name in ("val", "test", "items")}
        return self.frame.rename(columns=names).assign(machine=_machines(self.frame))

    def together(self, parts: Iterable[Runs]) -> Runs:
        """One after the other."""
        at = [runs.at for runs in parts]
        return Runs(self._columns, np.concatenate([np.empty(0, np.int64), *at]))

    def all_runs(self, label: str) -> Runs:
        """Of an arm, in all stages."""
        return self.together(self.runs[label].values())

    def of_stage(self, stage: str) -> Runs:
        """Of all arms, one after the other."""
        return self.together(runs[stage] for runs in self.runs.values())

    def machines(self, *, complete: bool = False) -> Counter[str]:
        """How many runs, or complete runs, each machine had; a lost run has none."""
        found: Counter[str] = Counter()
        for label in self.arms:
            runs = self.all_runs(label)
            found.update((runs.complete if complete else runs).machines())
        return found

    @cached_property
    def chosen(self) -> dict[str, Runs]:
        """The runs of each arm's setting to use, which of fixed settings are the confirm runs."""
        return {label: self._chosen(label) for label in self.arms}

    def _chosen(self, label: str) -> Runs:
        if self.is_fixed:
            return self.runs[label]["confirm"]
        fit, runs = self.fits.get(label), self.runs[label]["setting"]
        setting = fit.setting if fit else {}
        return runs.where(np.array([setting.items() <= own.items() for own in runs.values], bool))

    @cached_property
    def searched(self) -> pd.DataFrame:
        """Rows of pools and of W&B agents' trials, by arm, source and number."""
        frame = self.records.frame
        known = frame["variant"].isin(list(self.arms)) & frame["stage"].isin(["pool", "sweep"])
        rows = frame.loc[known.to_numpy()].sort_values(["variant", "source", "point"])
        return rows.astype({"variant": "str", "source": "str"})

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

    def scores(self, runs: Runs) -> tuple[np.ndarray, int]:
        """Test scores of complete runs, turned so that more is better: what arms are compared by.

        Numerators, whole numbers (runs,), and their denominator: counts over counts, or the
        decimals that the records hold.
        """
        test, items = runs["test"], runs["num_items"]
        if self._is_count and items.all() and np.isfinite(test).all():
            hits, sizes = np.rint(test * items).astype(np.int64), np.unique(items).tolist()
            of = lcm(*sizes)
            return self.score.sign * hits.astype(object) * (of // items.astype(object)), of
        found = [self._score(*own) for own in zip(test.tolist(), items.tolist(), strict=True)]
        of = lcm(*(denominator for _, denominator in found))
        turned = [self.score.sign * score * (of // own) for score, own in found]
        return np.array(turned, object), of

    def _score(self, test: float, num_items: int) -> tuple[int, int]:
        if self._is_count and num_items:
            return round(test * num_items), num_items
        return Decimal(repr(test)).as_integer_ratio()

    def mean(self, runs: Runs) -> Tuned:
        """Of the scores of two complete runs or more, by their number."""
        numerators, of = self.scores(runs)
        scores = numerators.tolist()
        exact = {score: Fraction(score, of) for score in {*scores}}
        by_seed = zip(runs["rerun"].tolist(), map(exact.__getitem__, scores), strict=True)
        return seed_mean(dict(by_seed))

    @cached_property
    def score(self) -> Score:
        """What the study goes by, shown with decimals that fit what its runs scored."""
        found, columns = decides(self.header), self._columns
        if found.in_percent:
            return found
        known = bool(np.isfinite(columns["test"].to_numpy()).any())
        return found.fitted(columns["test" if known else "val"].tolist())

    @property
    def _is_count(self) -> bool:
        """Whether a score is a share of items."""
        own = self.score
        return own.items == "bits" or (own.name, own.unit) == (ACCURACY.name, ACCURACY.unit)

    @property
    def num_items(self) -> int:
        """Of the test set; 0 where runs were not scored item by item."""
        return int(self.frame["num_items"].to_numpy().max(initial=0))

    @cached_property
    def trials(self) -> dict[str, Fraction]:
        """k of every arm, by the evaluations that were counted (rule 2)."""
        return {label: self._trials(arm) for label, arm in self.arms.items()}

    def _trials(self, arm: Arm) -> Fraction:
        runs = self.runs[arm.label]["confirm" if self.is_fixed else "pool"].complete
        passes = counted_passes(runs["gradient_evaluations"], runs["steps"], arm.passes)
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
        return [self.trials[label] for label, own in pools.items() if len(own.ended)]

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
        pool, confirm = runs["pool"].ended, runs["confirm"].ended
        val = np.where(pool.is_complete, self.score.sign * pool["val"], np.nan)
        ranking = Ranking.of(dict(zip(pool["point"].tolist(), val.tolist(), strict=True)))
        due = ranking.reruns(k, searches, smallest)
        confirmed = pd.Index(ranking.points[: len(due)], dtype=np.int64)
        return Pool(
            arm=arm,
            trials=k,
            smallest=smallest,
            planned=self.planned(arm),
            ranking=ranking,
            due=due,
            scores=self._means(confirm.complete, confirmed),
            ended=tuple(_count(confirm, confirmed)),
        )

    def _means(self, runs: Runs, points: pd.Index) -> tuple[Fraction | None, ...]:
        """The mean score of each of these points' runs, None for one without any."""
        scores, of = self.scores(runs)
        sums = np.zeros(len(points), object)
        at = points.get_indexer(runs["point"])
        np.add.at(sums, at[at >= 0], scores[at >= 0])
        parts = list(zip(sums.tolist(), _count(runs, points), strict=True))
        means = {
            (total, num): Fraction(total, of * num) if num else None for total, num in {*parts}
        }
        return tuple(means[part] for part in parts)


def _codes(frame: pd.DataFrame, name: str, values: Iterable[str]) -> np.ndarray:
    """The place in these of each cell's value, in a column of few texts."""
    column = pd.Series(frame[name]).cat
    place = pd.Index(list(values), dtype="str").get_indexer(column.categories)
    return place[column.codes.to_numpy()]


def _count(runs: Runs, points: pd.Index) -> list[int]:
    """How many runs each of these points has."""
    at = points.get_indexer(runs["point"])
    return np.bincount(at[at >= 0], minlength=len(points)).tolist()


def _machines(frame: pd.DataFrame) -> pd.Categorical:
    kinds = frame.groupby(MACHINE, observed=True, sort=False).ngroup().to_numpy()
    first = frame[MACHINE].iloc[np.unique(kinds, return_index=True)[1]]
    words = [_machine(*cells) for cells in first.itertuples(index=False, name=None)]
    names = pd.Index(sorted({*words}), dtype="str")
    return pd.Categorical.from_codes(names.get_indexer(words)[kinds], names)


def _machine(device: str, processor: str, instructions: str, threads: int) -> str:
    host = f"{processor} ({instructions})"
    place = host if device == processor else f"{device} beside {host}"
    return f"{place}, threads {threads}"
