"""The parts of a page below its answer, from the tidy tables; "" where there is nothing to tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sambench.analysis import NONE, numbers
from sambench.render import texts
from sambench.render.attachments import Evidence
from sambench.render.figures.frames import Row, by_variant, have, known, rows
from sambench.render.markdown.table import markdown
from sambench.stats import Difference, Interval

LISTED = 500  # runs on a page; the tables hold all
MIB = 2**20


def figures(evidence: Evidence) -> str:
    """All figures, one under the other."""
    return "\n\n".join(f"![{_alt(text)}]({path})" for path, text in evidence.figures)


def equal_epochs(evidence: Evidence) -> str:
    """The second ranking, beside the baseline that trains no longer than the others."""
    found = rows(evidence.tables["ranking"], ranking="equal-epochs")
    if not found:
        return f"Not ranked: {evidence.unranked}." if evidence.unranked else ""
    columns = ["group", "variant", "test accuracy, % ± 95% CI", "seeds"]
    columns += ["minus plain [unadjusted 95% CI]", "Holm p"]
    lines = [
        [
            row["group"] or NONE,
            row["variant"],
            numbers.accuracy(_interval(row)),
            str(row["n"]),
            numbers.difference(_difference(row)),
            numbers.p_value(_number(row["holm_p"])),
        ]
        for row in found
    ]
    told = (
        "Here all train the same number of epochs, so the baseline spends less than the others. "
        "The answer above rests on equal compute."
    )
    return f"{told}\n\n{markdown(columns, lines)}"


def cost(evidence: Evidence) -> str:
    """What a run takes; a star marks the Pareto front."""
    found = rows(evidence.tables["cost"].sort_values(["gradient_evaluations", "variant"]))
    if not found:
        return ""
    shown = {
        "gradients": ("gradient_evaluations", "pareto_gradients", lambda x: f"{x:,.0f}"),
        "a run, s": ("wall_s", "pareto_wall", lambda x: f"{x:,.1f}"),
        "memory, MiB": ("peak_memory", "pareto_memory", lambda x: f"{x / MIB:,.0f}"),
    }
    shown = {name: how for name, how in shown.items() if have(found, how[0])}
    lines = [
        [
            row["variant"],
            numbers.percent(row["accuracy"]),
            *(
                f"{write(row[column])}{' *' * row[front]}" if known(row[column]) else NONE
                for column, front, write in shown.values()
            ),
        ]
        for row in found
    ]
    told = "Median confirm run. *: no other variant is as accurate (by its mean) for less."
    return f"{markdown(['variant', 'test accuracy, %', *shown], lines)}\n\n{told}"


def sensitivity(evidence: Evidence) -> str:
    """How finely the radius must be tuned."""
    found = rows(evidence.tables["sensitivity"])
    if not found:
        return ""
    columns = ["variant", "radius", "best", "within one SE of it", "decades", "paper's", "regret"]
    lines = [
        [
            row["variant"],
            row["radius"],
            numbers.setting(_number(row["best"])),
            f"{row['low']:.3g} to {row['high']:.3g}" if known(row["low"]) else NONE,
            f"{row['decades']:.2f}" if known(row["decades"]) else NONE,
            numbers.setting(_number(row["default"])),
            numbers.error(_number(row["regret_of_default"])),
            row["note"],
        ]
        for row in found
    ]
    noted = bool(have(found, "note"))
    lines = lines if noted else [line[:-1] for line in lines]
    told = (
        "Estimated from the search, on validation data; SE: of one run. decades: width of that "
        "interval, the wider the less tuning matters. regret: points lost at the paper's default."
    )
    return f"{markdown([*columns, *['note'] * noted], lines)}\n\n{told}"


def budget(evidence: Evidence) -> str:
    """What more trials bring."""
    found = [row for row in rows(evidence.tables["budget"]) if row["estimator"] != "V"]
    if not found:
        return ""
    sizes = sorted({row["trials"] for row in found})
    shown = [n for n in sizes if n & (n - 1) == 0 or n == sizes[-1]]
    expected = {
        variant: {row["trials"]: numbers.percent(row["expected"]) for row in own}
        for variant, own in by_variant(found).items()
    }
    lines = [[label, *(own.get(n, NONE) for n in shown)] for label, own in expected.items()]
    what = "Best so far:" if found[0]["estimator"] == "best so far" else "Expected best"
    told = f"{what} validation accuracy, %, of so many search trials (a diverged one scores 0):"
    return f"{told}\n\n{markdown(['trials', *map(str, shown)], lines)}"


def divergence(evidence: Evidence) -> str:
    """Who diverged in the search, and how often."""
    runs: Counter[str] = Counter()
    diverged: Counter[str] = Counter()
    for row in rows(evidence.tables["divergence"]):
        runs[row["variant"]] += row["runs"]
        diverged[row["variant"]] += row["diverged"]
    hit = [f"{label} {num} of {runs[label]}" for label, num in sorted(diverged.items()) if num]
    if not runs:
        return ""
    if not hit:
        return f"None of {runs.total():,} search runs diverged."
    rest = "" if len(hit) == len(runs) else "; the others never"
    return f"Diverged in the search: {', '.join(hit)} runs{rest}."


def published(given: Sequence[Mapping[str, Any]]) -> str:
    """Numbers of papers."""
    lines = [
        [
            row["variant"],
            f"{row['accuracy']:.2f}" + (f" ± {row['sd']:.2f}" if row.get("sd") else ""),
            row["source"],
            row.get("note", ""),
        ]
        for row in given
    ]
    if not lines:
        return ""
    told = "Published elsewhere, not ranked: other code, other tuning, other machines. ±: sd."
    return f"{told}\n\n{markdown(['variant', 'accuracy, %', 'source', 'note'], lines)}"


def configurations(evidence: Evidence, folder: str) -> str:
    """Every search run, folded away."""
    table = evidence.tables["search"]
    if table.empty:
        return ""
    swept = bool(table["source"].ne("study").any())
    columns = ["variant", "trial", "lr", "rho", "epochs", "validation accuracy, %", "outcome"]
    lines = [
        [
            row["variant"],
            str(row["trial"]),
            numbers.setting(row["lr"]),
            numbers.setting(_number(row["rho"])),
            str(row["epochs"]),
            numbers.error(_number(row["val_accuracy"])),
            row["outcome"],
            *([row["source"]] if swept else []),
        ]
        for row in rows(table.head(LISTED))
    ]
    more = len(table) - LISTED
    rest = f"\n\nAnd {more:,} more in `{folder}/search.csv`." if more > 0 else ""
    return (
        f"<details><summary>Every configuration: {len(table):,} search runs</summary>\n\n"
        f"{markdown([*columns, *['source'] * swept], lines)}{rest}\n\n</details>"
    )


def _alt(text: str) -> str:
    return texts.markdown(text.replace("[", "(").replace("]", ")"))


def _number(value: float) -> float | None:
    return None if value != value else value


def _interval(row: Row) -> Interval | None:
    if not known(row["mean"]):
        return None
    return Interval(row["mean"], _number(row["low"]), _number(row["high"]), row["n"])


def _difference(row: Row) -> Difference | None:
    if not known(row["difference"]):
        return None
    low, high = _number(row["difference_low"]), _number(row["difference_high"])
    return Difference(row["difference"], low, high, row["n"], _number(row["p"]), None)
