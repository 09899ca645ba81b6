"""What the words and columns of a ranking mean."""

from collections.abc import Sequence

from sambench.analysis import Leaderboard, Row, listing


def legend(leaderboard: Leaderboard) -> list[str]:
    """Short: one line for each that the table needs."""
    size, fixed = leaderboard.size, leaderboard.kind == "fixed"
    ranked = [row for row in leaderboard.rows if row.group]
    rivals = sum(row.beats is not None for row in ranked)
    return [
        schedules(leaderboard.rows),
        *(SEEDS if fixed else _searches(size.budget)),
        *(_differences(rivals, "seed" if fixed else "point", size.alpha / 2) if rivals else []),
        *([GROUPS.format(alpha=size.alpha)] if ranked else []),
        "cost of a run: counted gradient evaluations, in full runs of plain. seconds: of the "
        f"median complete run{_where(leaderboard)}; nothing is ranked by them.",
    ]


GROUPS = (
    "group: arms that share a letter tie. A tie means not separated (all pairs, two-sided, Holm, "
    "{alpha:.3g}); it does not mean equal."
)
SEEDS = (
    "test accuracy: mean over seeds ± its 95% t interval. Seeds are paired: the same split, "
    "labels, initial weights and data order for all arms.",
    "seeds: that ended; diverged: those among them, which leave the mean.",
)


def _searches(budget: float) -> list[str]:
    return [
        "tuned(k): the test accuracy to expect of tuning with k trials, which are random points, "
        "and training anew with the setting that validation picks. Averaged over all searches of k "
        "points that the pool holds. ±: 95% interval, by the jackknife over points, so another "
        "search's luck is in it.",
        f"trials k: what a budget of {budget:g} full runs of plain affords, in counted gradient "
        "evaluations. points: random settings that the arm's pool ran; diverged: those among them, "
        "which no search picks.",
    ]


def _differences(rivals: int, unit: str, alpha: float) -> list[str]:
    return [
        f"minus plain: difference in points [its own 95% interval], paired by {unit}. Holm p: "
        "of not beating every arm of plain, one-sided, the largest over them, adjusted for "
        f"{rivals} arm{'s' * (rivals != 1)}. An arm beats plain where it is below {alpha:.4g}.",
        "test-set SE: standard error of the difference over test items, paired, in points.",
    ]


def schedules(rows: Sequence[Row]) -> str:
    """Who trained how long: a claim about plain is one about the lengths that it had."""
    found = "arm: a variant with what is searched, what is fixed, and the length of its schedule"
    plain = sorted(row.length for row in rows if row.is_baseline)
    if not plain:
        return f"{found}."
    others = [
        f"{row.label} {row.length:g}" for row in rows if not row.is_baseline and row.length != 1
    ]
    rest = f"of the others {listing(others)}, the rest 1" if others else "the others 1"
    lengths = listing([f"{length:g}" for length in plain])
    return f"{found}, 1 for the study's epochs. plain had {lengths}; {rest}."


def _where(leaderboard: Leaderboard) -> str:
    return f" ({leaderboard.timed_on})" if leaderboard.timed_on else ""
