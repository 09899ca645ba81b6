"""The answer in one sentence, and what to use."""

from collections.abc import Sequence
from dataclasses import dataclass

from sambench import stats
from sambench.analysis import numbers
from sambench.analysis.comparison import MIN_SEEDS, Standing
from sambench.analysis.rows import Cost, Edge, Row


@dataclass(frozen=True)
class Verdict:
    """`use` is the label to recommend, None where the study supports no recommendation."""

    headline: str
    use: str | None = None
    advice: str = "nothing yet."


def judge(rows: Sequence[Row], at_equal_epochs: Sequence[Standing] = ()) -> Verdict:
    """Compare with the tuned baseline; a variant that diverged in a confirm run cannot win.

    A longer or shorter schedule is chosen on validation data, by luck too: where the baseline
    `at_equal_epochs` is not beaten, the headline says so.
    """
    plain = next((row for row in rows if row.is_baseline), None)
    if plain is None or plain.settings is None or plain.accuracy is None:
        return Verdict("No headline: the baseline, plain, has no complete confirm run.")
    if len(rows) > 1 and not plain.group:
        return Verdict(f"Preliminary: fewer than {MIN_SEEDS} paired seeds, so nothing is ranked.")
    if plain.settings.edges:
        return Verdict(f"No headline: {untuned(plain, plain.settings.edges[0])}.")
    if winners := [row for row in rows if _sign(row) > 0 and not row.confirm["diverged"]]:
        headline = _win(winners, plain) + _reservation(winners[0], at_equal_epochs)
        return Verdict(headline, winners[0].label, _advice(winners[0], winners))
    ties = [row for row in rows if _sign(row) == 0 and not row.confirm["diverged"]]
    return Verdict(_no_win(plain, rows), plain.label, _advice(plain, ties))


def untuned(row: Row, edge: Edge) -> str:
    """Which tuned value of which variant may not be its best, and why."""
    bounds = f"{numbers.setting(edge.low)} to {numbers.setting(edge.high)}"
    value = f"{row.label}'s best {edge.name}, {numbers.setting(edge.value)}"
    return f"{value}, lies within 10% of a bound of its search range ({bounds})"


def _sign(row: Row | Standing) -> int:
    """+1 better than the baseline, -1 worse, 0 not separated from it."""
    if row.against is None or row.against.holm_p is None or row.against.holm_p >= stats.ALPHA:
        return 0
    return 1 if row.against.difference.mean > 0 else -1


def _win(winners: Sequence[Row], plain: Row) -> str:
    best, others = winners[0], [row.label for row in winners[1:]]
    assert best.against and best.cost
    gain, p = best.against.difference, numbers.p_value(best.against.holm_p)
    also = f"; {numbers.listing(others)} also beat{'s' * (len(others) == 1)} it" if others else ""
    return (
        f"{best.label} beats tuned {plain.label} by {numbers.percent(gain.mean)} points "
        f"({_mean(best)} against {_mean(plain)} test accuracy, {gain.n} paired seeds, Holm p {p}) "
        f"at {numbers.ratio(best.cost.ratio)} its gradient evaluations{also}."
    )


def _reservation(winner: Row, at_equal_epochs: Sequence[Standing]) -> str:
    plain = next((row for row in at_equal_epochs if row.is_baseline), None)
    again = next((row for row in at_equal_epochs if row.label == winner.label), None)
    if plain is None or again is None or again.against is None or _sign(again) > 0:
        return ""
    return (
        f" But it does not beat plain at equal epochs ({_mean(plain)}): difference "
        f"{numbers.points(again.against.difference.mean)}, "
        f"Holm p {numbers.p_value(again.against.holm_p)}."
    )


def _no_win(plain: Row, rows: Sequence[Row]) -> str:
    assert plain.accuracy
    where = f"tuned {plain.label} ({_mean(plain)} test accuracy, {plain.accuracy.n} seeds)"
    if len(rows) == 1:
        return f"Only {where} was run; there is nothing to compare it with."
    if not any(_sign(row) for row in rows):
        return f"Tie: no variant is separated from {where}."
    losers = [row.label for row in rows if _sign(row) < 0]
    unstable = [row.label for row in rows if _sign(row) > 0]
    sentence = f"No variant beats {where}"
    if unstable:
        sentence += f" without diverging in a confirm run, as {numbers.listing(unstable)} did"
    if losers:
        sentence += f"; {numbers.listing(losers)} {'is' if len(losers) == 1 else 'are'} worse"
    return f"{sentence}."


def _advice(use: Row, equals: Sequence[Row]) -> str:
    """The settings of `use`, what it costs, and which of its equals cost less."""
    assert use.settings and use.cost
    rho = "" if use.settings.rho is None else f", rho {numbers.setting(use.settings.rho)}"
    text = (
        f"{use.label} with lr {numbers.setting(use.settings.lr)}{rho}, "
        f"{use.settings.epochs} epochs. A run costs "
        f"{numbers.count(use.cost.gradient_evaluations)} gradient evaluations"
        f"{'' if use.is_baseline else _relative(use.cost)}."
    )
    cheaper = [r for r in equals if set(r.group) & set(use.group) and _count(r) < _count(use)]
    if cheaper:
        names = [f"{row.label} ({numbers.ratio(row.cost.ratio)})" for row in cheaper if row.cost]
        text += f" Cheaper, and not separated from it: {numbers.listing(names)}."
    return text


def _relative(cost: Cost) -> str:
    time = "" if cost.step_time is None else f", {numbers.ratio(cost.step_time)} its time per step"
    return f" ({numbers.ratio(cost.ratio)} tuned plain){time}"


def _count(row: Row) -> float:
    return row.cost.gradient_evaluations if row.cost else float("inf")


def _mean(row: Row | Standing) -> str:
    return f"{numbers.percent(row.accuracy.mean)}%" if row.accuracy else numbers.NONE
