"""A study as the page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sambench.analysis import Board, Row, numbers
from sambench.render.attachments import Evidence
from sambench.render.figures.frames import by_variant, have, known, rows
from sambench.render.figures.plot import slug
from sambench.render.files import Outputs
from sambench.render.harmless import is_harmless
from sambench.render.html.cells import Cell, Column, Key, Table, columns, number, text
from sambench.render.html.inline import inline
from sambench.render.html.wandb import link
from sambench.render.markdown import page, table

LISTED = 500  # runs in a table of the page; the CSV files hold all
MIB = 2**20
HINTS = {
    "group": "Variants that share a letter are not separated",
    "Holm p": "Two-sided paired t test, adjusted for the number of variants",
    "test-set SE": "Standard error of the difference over test images, in points",
    "runs": "complete/pruned/diverged",
}


@dataclass(frozen=True)
class Study:
    """All texts are plain; the template escapes them."""

    id: str
    board: Board
    ranking: Table
    published: Table | None
    drawn: Sequence[Markup]
    more: Sequence[Table]
    legend: Sequence[str]
    limits: Sequence[str]
    protocol: Sequence[str]
    origin: Sequence[str]


def study(
    name: str, board: Board, made: Outputs, folder: Path, variant_ids: Mapping[str, str]
) -> Study:
    """`variant_ids`: registry key -> id of the variant's own part of the page."""
    analysis, found = board.analysis, made.evidence
    ids = {row.label: variant_ids.get(row.key, "") for row in analysis.rows}
    more = [_equal_epochs(found, ids), _cost(found), _sensitivity(found), _divergence(found)]
    more += [_confirm(board), _search(found), _searched(board)]
    return Study(
        id=f"study-{slug(name)}",
        board=board,
        ranking=_ranking(analysis.rows, ids, analysis.use or ""),
        published=_published(analysis.header["spec"].get("published") or ()),
        drawn=[inline(svg, slug(name)) for svg in _figures(made, folder)],
        more=[one for one in more if one and one.rows],
        legend=page.legend(analysis),
        limits=page.limits(analysis),
        protocol=page.protocol(analysis.header["spec"]),
        origin=page.origin(analysis),
    )


def _figures(made: Outputs, folder: Path) -> list[str]:
    """Those that are made, and those on disk that only draw."""
    texts = [made.texts.get(path) or _standing(folder / path) for path, _ in made.evidence.figures]
    return [text for text in texts if is_harmless(text)]


def _standing(path: Path) -> str:
    """ "" if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _ranking(found: Sequence[Row], ids: Mapping[str, str], use: str) -> Table:
    texts = ("group", "variant", "runs")
    order: list[str] = ["variant", *(name for name in table.COLUMNS if name != "variant")]
    heads = [Column(name, name not in texts, HINTS.get(name, "")) for name in order]
    lines = []
    for row in found:
        shown: dict[str, str] = dict(zip(table.COLUMNS, table.cells(row), strict=True))
        keys: dict[str, Key] = dict(zip(table.COLUMNS, _keys(row), strict=True))
        cells = {name: _cell(shown[name], keys[name]) for name in order}
        href = f"#{ids[row.label]}" if ids[row.label] else ""
        note = "recommended" if row.label == use else ""
        cells["variant"] = Cell(row.label, row.label, href, note)
        lines.append(list(cells.values()))
    return Table("Ranking at equal compute", heads, lines, filtered=True, marked=use)


def _cell(shown: str, key: Key) -> Cell:
    return Cell(shown, key) if isinstance(key, str) else number(shown, key)


def _keys(row: Row) -> list[Key]:
    """What each column of `table.COLUMNS` sorts by."""
    against, settings, cost = row.against, row.settings, row.cost
    return [
        row.group or None,
        row.label,
        row.accuracy.mean if row.accuracy else None,
        row.accuracy.n if row.accuracy else 0,
        against.difference.mean if against else None,
        against.holm_p if against else None,
        against.test_set_error if against else None,
        settings.lr if settings else None,
        settings.rho if settings else None,
        settings.epochs if settings else None,
        cost.gradient_evaluations if cost else None,
        cost.step_time if cost else None,
        row.runs["complete"],
    ]


def _equal_epochs(found: Evidence, ids: Mapping[str, str]) -> Table | None:
    heads = columns(
        "variant", "test accuracy, %", "seeds", "minus plain", "95% CI", "Holm p", "group",
        numbers=("test accuracy, %", "seeds", "minus plain", "95% CI", "Holm p"),
    )  # fmt: skip
    lines = []
    for row in have(rows(found.tables["ranking"], ranking="equal-epochs"), "mean"):
        href = f"#{ids[row['variant']]}" if ids.get(row["variant"]) else ""
        low, high = row["difference_low"], row["difference_high"]
        interval = f"{numbers.points(low)} to {numbers.points(high)}" if known(low) else "-"
        p = row["holm_p"] if known(row["holm_p"]) else None
        gap = row["difference"]
        lines.append(
            [
                Cell(row["variant"], row["variant"], href),
                number(numbers.percent(row["mean"]), row["mean"]),
                number(f"{row['n']:.0f}", row["n"]),
                number(numbers.points(gap) if known(gap) else "-", gap),
                number(interval, low),
                number(numbers.p_value(p), p),
                text(row["group"] or "-"),
            ]
        )
    if _baselines(found, "equal-epochs") == _baselines(found, "equal-compute"):
        return None  # the baseline tuned its schedule to the study's own
    return Table("Ranking at equal epochs: all train as long as each other", heads, lines)


def _baselines(found: Evidence, ranking: str) -> set[str]:
    own = have(rows(found.tables["ranking"], ranking=ranking), "mean")
    return {row["variant"] for row in own if not known(row["difference"])}


def _cost(found: Evidence) -> Table:
    heads = columns(
        "variant", "test accuracy, %", "gradient evaluations", "seconds a run", "memory, MiB",
        "Pareto front",
        numbers=("test accuracy, %", "gradient evaluations", "seconds a run", "memory, MiB"),
    )  # fmt: skip
    lines = []
    for row in have(rows(found.tables["cost"]), "accuracy"):
        memory, wall = row["peak_memory"], row["wall_s"]
        fronts = {"gradients": "pareto_gradients", "time": "pareto_wall", "memory": "pareto_memory"}
        on = [words for words, name in fronts.items() if row[name]]
        lines.append(
            [
                text(row["variant"]),
                number(numbers.percent(row["accuracy"]), row["accuracy"]),
                number(numbers.count(row["gradient_evaluations"]), row["gradient_evaluations"]),
                number(f"{wall:,.1f}" if known(wall) else "-", wall),
                number(f"{memory / MIB:,.0f}" if known(memory) else "-", memory),
                text(", ".join(on) or "-"),
            ]
        )
    after = "On the Pareto front: no other variant is as accurate, by its mean, for less."
    return Table("What a run costs", heads, lines, after=after)


def _sensitivity(found: Evidence) -> Table:
    heads = columns(
        "variant", "radius", "best", "within one SE, from", "to", "decades", "paper's default",
        "regret of it, points", "note",
        numbers=("best", "within one SE, from", "to", "decades", "paper's default",
                 "regret of it, points"),
    )  # fmt: skip
    lines = []
    for row in rows(found.tables["sensitivity"]):
        marks = [row[name] for name in ("best", "low", "high", "decades", "default")]
        regret = row["regret_of_default"]
        lines.append(
            [
                text(row["variant"]),
                text(row["radius"]),
                *(number(f"{mark:.3g}" if known(mark) else "-", mark) for mark in marks),
                number(numbers.percent(regret) if known(regret) else "-", regret),
                text(row["note"]),
            ]
        )
    after = "Estimated from the search, on validation data. The wider, the less tuning matters."
    return Table("How carefully the radius must be tuned", heads, lines, after=after)


def _divergence(found: Evidence) -> Table | None:
    total = {
        label: [sum(row[name] for row in own) for name in ("runs", "diverged")]
        for label, own in sorted(by_variant(rows(found.tables["divergence"])).items())
    }
    if not any(lost for _, lost in total.values()):
        return None
    heads = columns("variant", "search runs", "diverged", numbers=("search runs", "diverged"))
    lines = [
        [text(label), *(number(f"{num:,}", num) for num in nums)] for label, nums in total.items()
    ]
    return Table("Divergence in the search", heads, lines)


def _confirm(board: Board) -> Table:
    frame = board.records.frame.query("stage == 'confirm'").sort_values(["variant", "seed"])
    heads = columns(
        "variant", "seed", "test accuracy, %", "validation accuracy, %", "lr", "rho", "epochs",
        "outcome", "W&B",
        numbers=("seed", "test accuracy, %", "validation accuracy, %", "lr", "rho", "epochs"),
    )  # fmt: skip
    runs = rows(frame.head(LISTED))
    linked = any(link(run["wandb"]) for run in runs)
    lines = [_run(run, run["seed"], "test_accuracy", linked) for run in runs]
    return Table(
        f"Confirm runs: {len(frame):,}",
        heads if linked else heads[:-1],
        lines,
        filtered=True,
        after=_rest(len(frame), "records have"),
    )


def _search(found: Evidence) -> Table:
    frame = found.tables["search"]
    heads = columns(
        "variant", "trial", "validation accuracy, %", "lr", "rho", "epochs", "outcome",
        numbers=("trial", "validation accuracy, %", "lr", "rho", "epochs"),
    )  # fmt: skip
    lines = [_run(run, run["trial"], "", linked=False) for run in rows(frame.head(LISTED))]
    after = _rest(len(frame), "table search.csv has")
    return Table(f"Search runs: {len(frame):,}", heads, lines, filtered=True, after=after)


def _run(run: Mapping[str, Any], which: int, test: str, linked: bool) -> list[Cell]:
    scores = [run[name] for name in (*([test] if test else []), "val_accuracy")]
    settings = [run["lr"], run["rho"]]
    outcome = run["outcome"]
    if outcome != "complete":
        outcome += f" after {run['epochs_done']} epochs"
    address = link(run["wandb"]) if linked else ""
    return [
        text(run["variant"]),
        number(str(which), which),
        *(number(numbers.percent(x) if known(x) else "-", x) for x in scores),
        *(number(numbers.setting(x) if known(x) else "-", x) for x in settings),
        number(str(run["epochs"]), run["epochs"]),
        text(outcome),
        *([Cell("run" if address else "-", address or None, address)] if linked else []),
    ]


def _rest(num: int, holder: str) -> str:
    return f"The first {LISTED} of them; the {holder} all." if num > LISTED else ""


def _searched(board: Board) -> Table:
    lines = [list(map(text, line)) for line in page.searched(board.analysis.header["spaces"])]
    return Table("Search spaces", columns("variant", "searched"), lines)


def _published(given: Sequence[Mapping[str, Any]]) -> Table | None:
    if not given:
        return None
    heads = columns("variant", "accuracy, %", "source", "note", numbers=("accuracy, %",))
    lines = [
        [
            text(row["variant"]),
            number(
                f"{row['accuracy']:.2f}" + (f" ± {row['sd']:.2f}" if row.get("sd") else ""),
                row["accuracy"],
            ),
            _source(row["source"]),
            text(row.get("note") or ""),
        ]
        for row in given
    ]
    after = "Other code, other tuning, other machines: shown, never ranked. ±: standard deviation."
    return Table("Published elsewhere", heads, lines, muted=True, after=after)


def _source(source: str) -> Cell:
    return Cell(source, source, source if source.startswith(("https://", "http://")) else "")
