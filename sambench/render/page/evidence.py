"""The parts of a page below its answer, in the order of a reader's questions."""

from collections.abc import Sequence

from sambench.analysis import Leaderboard, PublishedStudy
from sambench.render.page.answer import unranked
from sambench.render.page.legend import legend
from sambench.render.page.limits import limits
from sambench.render.page.measured import measured
from sambench.render.page.method import method
from sambench.render.page.part import Part
from sambench.render.page.provenance import origin
from sambench.render.tables import (
    Table,
    arms,
    costs,
    divergence,
    equal,
    halves,
    quoted,
    radius,
    ranking,
    runs,
    settings,
)
from sambench.scores import Score

WORDS = "words"


def parts(study: PublishedStudy) -> list[Part]:
    """Those that have something to tell, and those that figures may fill."""
    leaderboard, header = study.leaderboard, study.leaderboard.header
    found = [
        Part("curve", "", figures=["tuning"]),
        *_ranking(leaderboard),
        *_settings(leaderboard),
        Part(
            "method", "How it was found", bullets=method(leaderboard), table=arms.table(leaderboard)
        ),
        Part("limits", "What it cannot tell", bullets=limits(leaderboard)),
        *_words(leaderboard),
        *_differences(leaderboard),
        *_beyond_the_budget(leaderboard),
        *measured(study),
        _inner(leaderboard),
        _halves(leaderboard),
        Part("search", "Search", figures=["search"]),
        Part("training", "Training", figures=["curves"]),
        _radius(study),
        _divergence(leaderboard),
        _cost(study),
        _published(header["spec"].get("published") or (), leaderboard.score),
        _runs("pool", runs.pool(study.records, leaderboard.score)),
        _runs("reruns", runs.tested(study.records, leaderboard.score)),
        _reproduce(study),
    ]
    return [part for part in found if part.figures or not part.is_empty]


def _ranking(leaderboard: Leaderboard) -> list[Part]:
    """The table, and who is not in it and why."""
    if leaderboard.kind == "adaptive":
        return []
    table, title = ranking.table(leaderboard), ranking.caption(leaderboard)
    return [
        Part("ranking", title, table=table, see=WORDS),
        Part("unranked", "Not ranked", bullets=unranked(leaderboard)),
    ]


def _words(leaderboard: Leaderboard) -> list[Part]:
    if leaderboard.kind == "adaptive":
        return []
    return [Part(WORDS, "What the words mean", terms=legend(leaderboard))]


def _differences(leaderboard: Leaderboard) -> list[Part]:
    """Scores and differences with their intervals, and what the claims about plain rest on."""
    if leaderboard.kind == "adaptive":
        return []
    plain = ranking.each_plain(leaderboard)
    return [
        Part("plain", plain.caption, figures=["differences"], table=plain),
        Part("intervals", "Scores with their intervals", figures=["intervals"]),
    ]


def _beyond_the_budget(leaderboard: Leaderboard) -> list[Part]:
    """The same searches for all, and other budgets: no claims of the study."""
    told = (
        "All with as many trials and, where they are compared, as many epochs, so that who costs "
        "more spends more. Intervals, no claims: the answer above rests on equal budgets."
    )
    table = equal.table(leaderboard.equal, leaderboard.score)
    above = (
        f"Where one tuning curve lies {leaderboard.score.ahead} another: only where the "
        "simultaneous 95% band of their difference excludes 0."
    )
    return [
        Part("equal", "At equal trials and epochs", [told] if table.rows else [], table=table),
        Part(
            "orders",
            "At other budgets",
            [above] if leaderboard.orders else [],
            bullets=leaderboard.orders,
        ),
    ]


def _inner(leaderboard: Leaderboard) -> Part:
    told = "From the points in the inner 80% of each range alone, the headline would be:"
    found = [f"{told} {leaderboard.inner}"] if leaderboard.inner else []
    return Part("inner", "Without the ends of the ranges", found)


def _settings(leaderboard: Leaderboard) -> list[Part]:
    """None where they were the study's own: those stand with who competed."""
    if leaderboard.kind == "fixed":
        return []
    told = (
        "The optimum of a surface through all validation scores of an arm, trained again on fresh "
        "streams: the mean of those runs on the test set ± its 95% t interval."
    )
    if leaderboard.kind != "adaptive":
        told += (
            f" It rests on the whole pool, so it may score {leaderboard.score.ahead} tuned(k), "
            "which is what one search of k trials finds."
        )
    table = settings.table(leaderboard)
    return [Part("settings", table.caption, [told] if table.rows else [], table=table)]


def _halves(leaderboard: Leaderboard) -> Part:
    """What the points of each kind of machine say alone."""
    named = [f"{letter}: {kind}" for kind, letter in halves.kinds(leaderboard.halves).items()]
    told = (
        "The points of the pools ran on machines of several kinds. What those of each say alone: "
        "one interval in 20 excludes 0 by chance. "
    )
    table = halves.table(leaderboard.halves, leaderboard.score)
    told = [f"{told}{'; '.join(named)}."] if table.rows else []
    if any("DEFAULT" in kind for kind in named):
        told.append("DEFAULT is torch's word for the instructions that every such processor has.")
    return Part("halves", table.caption, told, table=table)


def _published(given: Sequence[quoted.Quoted], score: Score) -> Part:
    return Part("published", "Published elsewhere", table=quoted.table(given, score))


def _runs(name: str, table: Table) -> Part:
    """Every single run, for whoever looks for it."""
    return Part(name, table.caption, table=table, folded=True)


def _radius(study: PublishedStudy) -> Part:
    table = radius.table(study.tables["radius"], study.leaderboard.score)
    told = (
        "Read from the surface that the setting to use was picked by: through all validation "
        f"scores, {_surely(study.leaderboard.score)} its standard error, each radius at its best "
        "other values, between the smallest and the largest that ran. As good, to one run: within "
        "the spread of a single run of the radius to use. The wider, the less tuning of the radius "
        "matters."
    )
    return Part("radius", "Radius", [told] if table.rows else [], table=table, figures=["radius"])


def _surely(score: Score) -> str:
    """How the error of a surface counts against what it expects."""
    return "less" if score.sign > 0 else "plus"


def _divergence(leaderboard: Leaderboard) -> Part:
    """A table where anybody diverged."""
    table = divergence.table(leaderboard.rows)
    points, reruns = (
        sum(getattr(row, name) for row in leaderboard.rows) for name in ("points", "reruns")
    )
    ran = f"{points:,} points and {reruns:,} reruns" if points else f"{reruns:,} runs"
    told = [f"None of {ran} diverged."] if points + reruns and not table.rows else []
    return Part("divergence", table.caption, told, table=table)


def _cost(study: PublishedStudy) -> Part:
    return Part(
        "cost",
        "Cost",
        table=costs.table(study.tables["cost"], study.leaderboard.score),
        figures=["cost"],
    )


def _reproduce(study: PublishedStudy) -> Part:
    leaderboard, header = study.leaderboard, study.leaderboard.header
    told = f"The test set was used {header['test_runs']:,} times, by confirm and setting runs only."
    return Part(
        "reproduce",
        "Reproduce",
        [told],
        table=runs.outcomes(leaderboard.counts),
        command=header["command"],
        bullets=origin(leaderboard, study.path.name),
    )
