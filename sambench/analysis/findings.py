"""What an analysis finds: numbers for whoever prints them.

Scores and differences are in the score's own unit and direction: a share of 0.95, an RMSE of 54.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel

from sambench.scores import Score

ROUNDING = 1e-9
"""The halves of an interval differ by no more, if nothing is cut."""

Kind = Literal["pool", "fixed", "adaptive", "partial"]
"""
pool       arms are ranked by tuned(k) of pools of random points
fixed      nothing was searched: they are ranked by paired seeds
adaptive   trials depend on each other: nothing is ranked
partial    runs are missing, without which nothing can be concluded
"""


@dataclass(frozen=True)
class Estimate:
    """A score or a difference, and its own 95% interval; None where there is none.

    A score's interval is cut where scores end: of shares at 0 and 1.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Of the interval's width; of one that is cut, of what it was."""
        if self.low is None or self.high is None:
            return None
        return max(self.value - self.low, self.high - self.value)

    @property
    def is_cut(self) -> bool:
        """Whether it ends at a bound of the scores, and so nearer on one side."""
        if self.low is None or self.high is None:
            return False
        apart = abs((self.value - self.low) - (self.high - self.value))
        return apart > ROUNDING * max(1.0, abs(self.value))

    def turned(self, sign: int) -> "Estimate":
        """Itself, or, with -1, of the negative."""
        if sign > 0:
            return self
        low, high = (None if end is None else -end for end in (self.high, self.low))
        return Estimate(-self.value, low, high)


@dataclass(frozen=True)
class Against:
    """An arm minus another."""

    label: str
    difference: Estimate
    p: float
    """one-sided, of "not better", unadjusted"""


@dataclass(frozen=True)
class Measured:
    """What an arm is worth in one quantity that was measured of weights."""

    score: Score
    label: str
    value: Estimate
    plain: str
    """the best ranked arm of the baseline; "" where there is none, or the arm is one"""
    difference: Estimate | None
    """minus that"""


@dataclass(frozen=True)
class Setting:
    """The setting to use, and what it scores (rule 9)."""

    lr: float
    rho: float | None
    hyperparameters: dict[str, float | str | bool]
    """all of the variant's"""
    epochs: int
    edges: tuple[str, ...]
    """searched names whose optimum lies at a bound of a continuous range"""
    score: Estimate | None
    """mean test score of its complete runs on fresh streams, with its t interval"""
    runs: int
    """how many those are"""


@dataclass(frozen=True)
class Cost:
    """Of one run, the median over the arm's complete runs of all stages."""

    gradient_evaluations: float
    ratio: float | None
    """in full runs of the baseline, from the evaluations that were counted"""
    seconds: float | None
    """wall time, and the ratio of training steps to plain's, on `Leaderboard.timed_on` alone"""
    step_time: float | None
    peak_memory: float | None
    """bytes on a CUDA device"""


@dataclass(frozen=True)
class Spent:
    """What the whole study took, all runs of all machines together."""

    runs: int
    gradient_evaluations: float
    seconds: float
    """of runs, one after the other"""


@dataclass(frozen=True)
class Row:
    """One arm; None where there is nothing to tell."""

    label: str
    key: str
    length: float
    """of the schedule, in units of `train.epochs`"""
    epochs: int
    is_baseline: bool
    group: str
    """letters shared by arms that are not separated; "" if it is not ranked"""
    why: str
    """why it is not ranked, "" if it is"""
    trials: float
    """k, the points that the budget affords; 0 of fixed settings"""
    points: int
    """of its pool: those that ended, and how many the study asks for"""
    planned: int
    diverged_points: int
    no_survivor: float
    """chance that all points of a search of k diverge"""
    score: Estimate | None
    """tuned(k); of fixed settings the mean over seeds"""
    inner: Estimate | None
    """tuned(k) over the points in the inner 80% of each range"""
    against: tuple[Against, ...]
    """each ranked arm of the baseline; empty for those themselves"""
    beats: float | None
    """Holm's p of "does not beat every one of them" """
    wins: bool
    """whether that is below half of `Size.alpha`"""
    detectable: float | None
    """true lead over the best plain, > 0, that such a study finds with 80% power"""
    test_set_error: float | None
    """standard error of that lead over test items"""
    reruns: int
    """confirm runs that ended, the diverged ones among them"""
    diverged_reruns: int
    diverged_share: tuple[float, float]
    """exact 95% interval of their share"""
    setting: Setting | None
    cost: Cost | None
    runs: dict[str, int]
    """outcome -> runs of all stages"""


@dataclass(frozen=True)
class Equal:
    """An arm at the trials that all arms can afford, beside plain at the same schedule length."""

    label: str
    length: float
    trials: int
    score: Estimate
    plain: str | None
    """whom it is compared with: None for that arm itself, or where there is none"""
    difference: Estimate | None


@dataclass(frozen=True)
class Half:
    """An arm's tuned(k) from the points that ran on each of two kinds of machines."""

    label: str
    machines: tuple[str, str]
    scores: tuple[Estimate, Estimate]
    difference: Estimate
    error: float
    """standard error of the difference"""


@dataclass(frozen=True)
class Size:
    """How much a study could spend, and how strictly it concludes."""

    budget: float
    """in full runs of the baseline"""
    searches: int
    """S, that each pool is as large as"""
    margin: float
    """that may be given up for a cheaper run: points, or in the unit of a score that is no share"""
    extension: int
    """how often the study was concluded before, at other sizes"""
    alpha: float
    """0.05, halved at each extension"""


@dataclass(frozen=True)
class Leaderboard:
    """A study's answer and its evidence; `as_data` makes it JSON."""

    study: str
    question: str
    kind: Kind
    headline: str
    use: str | None
    """label of the recommended arm"""
    advice: str
    searches_needed: int | None
    """that would decide whom to recommend, where it is undecided; seeds, of fixed settings"""
    rows: tuple[Row, ...]
    """ranked ones, the best first, then the others"""
    equal: tuple[Equal, ...]
    orders: tuple[str, ...]
    """where one tuning curve lies above another, in words"""
    inner: str
    """the headline, from the inner 80% of each range; "" if there is none"""
    measured: tuple[Measured, ...]
    """by quantity, then in the order of the rows"""
    halves: tuple[Half, ...]
    size: Size
    warnings: tuple[str, ...]
    damages: tuple[str, ...]
    """lines of the records that do not count, and why"""
    counts: dict[str, dict[str, int]]
    """stage -> outcome -> runs"""
    machines: tuple[str, ...]
    """that the study's runs used"""
    timed_on: str
    """the one of them that times are of, which most runs used"""
    spent: Spent
    num_items: int
    """in the test set"""
    header: dict[str, Any]
    """of the records"""
    decimals: int | None = None
    """that scores are shown with; None: as their unit has them"""

    @property
    def score(self) -> Score:
        """What the study goes by."""
        return decides(self.header).model_copy(update={"decimals": self.decimals})


def decides(header: Mapping[str, Any]) -> Score:
    """The score of the objective."""
    scores = {score["name"]: score for score in header["scores"]}
    return Score.model_validate(scores[header["objective"]])


def as_data(found: Leaderboard) -> dict[str, Any]:
    """As JSON has it."""
    return asdict(found, dict_factory=_table)


def _table(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return {k: v.model_dump() if isinstance(v, BaseModel) else v for k, v in items}
