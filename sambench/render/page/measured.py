"""What was measured of the weights that the scores come from."""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from sambench.analysis import PublishedStudy, numbers
from sambench.analysis.tables import ALL, WITHIN, Tau, rows
from sambench.render.page.part import Part
from sambench.render.tables import correlation, corruption, measures, recall

RISES, FALLS, OPEN = "rising", "falling", "neither"
"""What sharpness does where the gap rises."""


def measured(study: PublishedStudy) -> list[Part]:
    """None where nothing was."""
    leaderboard, tables = study.leaderboard, study.tables
    if not leaderboard.measured:
        return []
    told = (
        "Of the weights of the same reruns as the score, weighed in the same way, ± their own 95% "
        "intervals: no claims. What each measure is, and what it cannot tell: sambench/measures."
    )
    found = [Part("measures", "Measures", [told], table=measures.table(leaderboard))]
    if "correlation" in tables:
        labels = [row.label for row in leaderboard.rows]
        table = correlation.table(tables["correlation"], labels)
        words, title = list(found_of(tables["correlation"])), "Sharpness and generalisation"
        found.append(Part("sharpness", title, words, figures=["sharpness"], table=table))
    if "severity" in tables:
        found.append(_robustness(tables))
    if "reliability" in tables:
        found.append(Part("calibration", "Calibration", figures=["reliability"]))
    if "slices" in tables:
        found.append(Part("slices", "Slices of the loss", figures=["slices", "planes"]))
    if "memorisation" in tables:
        found.append(_memorisation())
    if "confusion" in tables:
        table = recall.table(tables["confusion"])
        found.append(
            Part("classes", table.caption, table=table, figures=["confusion"], folded=True)
        )
    return found


def _memorisation() -> Part:
    told = (
        "Of training items with a wrong label, after each epoch of the reruns: how many the model "
        "takes for what the label says, and how many for what they really show. Both are measured "
        "on 256 such items of each run at most, in evaluation mode."
    )
    return Part("memorisation", "Wrong labels", [told], figures=["memorisation"])


def _robustness(tables: Mapping[str, pd.DataFrame]) -> Part:
    told = (
        "Mean corruption error, in the table of measures: the mean over corruptions of an arm's "
        "errors, summed over severities, over those of plain (Hendrycks & Dietterich 2019)."
    )
    table = corruption.table(tables["corruption"]) if "corruption" in tables else None
    return Part("robustness", "Corrupted images", [told], figures=["severity"], table=table)


def found_of(correlations: pd.DataFrame) -> Iterator[str]:
    """What the correlations with each gap say, over all runs and within arms."""
    taus = rows(correlations, Tau)
    for gap in dict.fromkeys(tau.gap for tau in taus):
        own = [tau for tau in taus if tau.gap == gap]
        whole, within = ({tau.measure: tau for tau in own if tau.of == of} for of in (ALL, WITHIN))
        if whole:
            runs, first = max(tau.runs for tau in whole.values()), _counted([*whole.values()])
            yield f"{gap}, over all {runs} measured runs: {first}"
        if within:
            yield f"{gap}, within arms (the mean of their taus): {_counted([*within.values()])}"
        apart = [
            f"{name} ({kind(tau)} over all, {kind(within[name])} within)"
            for name, tau in whole.items()
            if name in within and kind(tau) != kind(within[name])
        ]
        if apart:
            yield (
                f"{gap}: the two differ for {numbers.listing(apart)}. What tells one arm from "
                "another need not tell good runs of an arm from bad ones, and neither is a cause."
            )


def kind(tau: Tau) -> str:
    """By its 95% interval."""
    return RISES if tau.low > 0 else FALLS if tau.high < 0 else OPEN


def _counted(taus: Sequence[Tau]) -> str:
    """With how many kinds of sharpness the gap rises, or falls."""
    kinds = [kind(tau) for tau in taus]
    return (
        f"of {numbers.times(len(kinds), 'kind')} of sharpness, {kinds.count(RISES)} rise with the "
        f"gap, {kinds.count(FALLS)} fall where it rises, and of {kinds.count(OPEN)} neither can "
        "be said (95% intervals of Kendall's tau)."
    )
