"""Every variant over all studies: the difference from tuned plain, study by study."""

from collections.abc import Mapping, Sequence

from sambench.analysis import Row, numbers
from sambench.analysis.tables import across
from sambench.render.figures.frames import known, rows
from sambench.render.html.cells import Cell, Column, Table, number
from sambench.render.html.studies import Study
from sambench.stats import ALPHA

BETTER, WORSE, TIE = "▲", "▼", "="


def table(studies: Sequence[Study], ids: Mapping[str, str]) -> Table | None:
    """None for fewer than two studies."""
    if len(studies) < 2:
        return None
    overall = {
        row["variant"]: row for row in rows(across.table([s.board.records for s in studies]))
    }
    found = {
        study.id: {row.label: row for row in study.board.analysis.rows if not row.is_baseline}
        for study in studies
    }
    keys = {label: row.key for own in found.values() for label, row in own.items()}
    heads = [Column("variant")]
    if overall:
        heads += [Column("mean rank", True), Column("IQM over studies [95%]", True)]
    heads += [Column(study.board.analysis.study, True) for study in studies]
    lines = [
        [
            Cell(label, label, f"#{ids[key]}" if key in ids else ""),
            *(_overall(overall.get(label)) if overall else []),
            *(_cell(found[study.id].get(label)) for study in studies),
        ]
        for label, key in keys.items()
    ]
    after = (
        "Points above tuned plain. "
        f"{BETTER} better, {WORSE} worse (Holm p < {ALPHA:g}), {TIE} not separated."
    )
    if overall:
        after += (
            " Mean rank: by mean test accuracy, 1 is best. IQM: interquartile mean of the paired "
            "differences; its interval speaks for new seeds on these studies."
        )
    lines.sort(key=lambda line: (line[1].key is None, line[1].key if overall else 0, line[0].text))
    return Table("Across studies", heads, lines, filtered=True, after=after)


def _overall(row: Mapping | None) -> list[Cell]:
    if row is None:
        return [number("-", None)] * 2
    iqm = row["iqm_difference"]
    bounds = f"[{numbers.points(row['low'])}, {numbers.points(row['high'])}]" if known(iqm) else ""
    shown = f"{numbers.points(iqm)} {bounds}" if known(iqm) else "-"
    return [number(f"{row['mean_rank']:.2f}", row["mean_rank"]), number(shown, iqm)]


def _cell(row: Row | None) -> Cell:
    if row is None or row.against is None:
        return number("-", None)
    gap, p = row.against.difference.mean, row.against.holm_p
    sign = "" if p is None else TIE if p >= ALPHA else BETTER if gap > 0 else WORSE
    return number(f"{numbers.points(gap)} {sign}".strip(), gap)
