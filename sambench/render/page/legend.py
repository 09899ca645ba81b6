"""What the words and columns of a page mean."""

from collections.abc import Iterator, Sequence

from sambench.analysis import Leaderboard, Row, listing
from sambench.render.page.method import streams
from sambench.render.page.part import Term


def legend(leaderboard: Leaderboard) -> list[Term]:
    """Those that the page uses, in the order of its tables."""
    return list(_terms(leaderboard))


def _terms(leaderboard: Leaderboard) -> Iterator[Term]:
    size, fixed = leaderboard.size, leaderboard.kind == "fixed"
    ranked = [row for row in leaderboard.rows if row.group]
    rivals = sum(row.beats is not None for row in ranked)
    yield Term("arm", schedules(leaderboard.rows))
    yield _seeds(leaderboard) if fixed else _tuned(leaderboard)
    yield Term("±", _interval(leaderboard))
    yield Term("cost of a run", "counted gradient evaluations, in full runs of plain.")
    if rivals:
        pairs = "seed" if fixed else "point"
        yield Term(
            "minus plain",
            f"difference in {_gaps(leaderboard)} [its own 95% interval], paired by {pairs}.",
        )
    if ranked:
        yield Term(
            "group",
            "arms that share a letter tie. A tie means not separated (all pairs, two-sided, "
            f"Holm, {size.alpha:.3g}); it does not mean equal.",
        )
    if fixed:
        yield Term("seeds", "runs that ended, the diverged ones among them, which leave the mean.")
    else:
        yield Term(
            "trials k",
            f"what a budget of {size.budget:g} full runs of plain affords, in counted gradient "
            "evaluations.",
        )
        yield Term(
            "points", "random settings that the arm's pool ran; no search picks one that diverged."
        )
    if rivals:
        ahead = leaderboard.score.ahead
        yield Term(
            "p over plain", f"one-sided, of not lying {ahead} that arm of plain, unadjusted."
        )
        yield Term(
            "Holm p",
            "of not beating every arm of plain, one-sided: the largest p over them, adjusted for "
            f"{rivals} arm{'s' * (rivals != 1)}. An arm beats plain where it is below "
            f"{size.alpha / 2:.4g}.",
        )
    if rivals and any(row.test_set_error is not None for row in ranked):
        yield Term(
            "test-set SE",
            "standard error over test items of the difference from the best plain, paired, in "
            f"{leaderboard.score.gaps}.",
        )
    where = f" ({leaderboard.timed_on})" if leaderboard.timed_on else ""
    yield Term("seconds", f"of the median complete run{where}; nothing is ranked by them.")


def _gaps(leaderboard: Leaderboard) -> str:
    """What differences are in, and, where it is not obvious, of which sign is good."""
    score = leaderboard.score
    return score.gaps if score.sign > 0 else f"{score.gaps}, where less is better"


def _seeds(leaderboard: Leaderboard) -> Term:
    drawn = streams(leaderboard)
    return Term(
        f"test {leaderboard.score.words}",
        f"mean over seeds. Seeds are paired: all arms share {drawn}.",
    )


def _tuned(leaderboard: Leaderboard) -> Term:
    return Term(
        "tuned(k)",
        f"the test {leaderboard.score.words} to expect of tuning with k trials, which are random "
        "points, and training anew with the setting that validation picks; averaged over all "
        "searches of k points that the pool holds.",
    )


def _interval(leaderboard: Leaderboard) -> str:
    """How the intervals of scores come about."""
    fixed = leaderboard.kind == "fixed"
    how = "t over seeds" if fixed else "the jackknife over points: another search's luck is in it"
    cut = any(row.score and row.score.is_cut for row in leaderboard.rows)
    ends = " Where it would pass 0 or 100%, it is cut there and written [low, high]." * cut
    return f"95% interval, by {how}.{ends}"


def schedules(rows: Sequence[Row]) -> str:
    """Who trained how long: a claim about plain is one about the lengths that it had."""
    found = "a variant with what is searched, what is fixed, and the length of its schedule"
    plain = sorted(row.length for row in rows if row.is_baseline)
    if not plain:
        return f"{found}."
    others = [
        f"{row.label} {row.length:.3g}" for row in rows if not row.is_baseline and row.length != 1
    ]
    rest = f"of the others {listing(others)}, the rest 1" if others else "the others 1"
    lengths = listing([f"{length:.3g}" for length in plain])
    return f"{found}, 1 for the study's epochs. plain had {lengths}; {rest}."
