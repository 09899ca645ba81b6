"""Every variant over all studies, also study by study."""

from collections.abc import Mapping, Sequence

from sambench.analysis import NONE, PublishedStudy, Row, numbers
from sambench.analysis.tables import OverStudies, over_studies, rows
from sambench.render.tables.table import Cell, Column, Table, measured, number, of, text
from sambench.stats import ALPHA

BETTER, WORSE, TIE = "▲", "▼", "="


def overall(studies: Sequence[PublishedStudy]) -> list[OverStudies]:
    """Best mean rank first; empty where there are too few studies."""
    return rows(over_studies([study.records for study in studies]), OverStudies)


def _iqm(row: OverStudies | None) -> Cell:
    if row is None or row.iqm_difference != row.iqm_difference:
        return number(NONE, None)
    iqm, low, high = map(numbers.points, (row.iqm_difference, row.low, row.high))
    return number(f"{iqm} [{low}, {high}]", row.iqm_difference)


def _mean_rank(row: OverStudies | None) -> Cell:
    return measured(row and row.mean_rank, "{:.2f}".format)


SHORT: Sequence[Column[OverStudies]] = (
    Column("variant", lambda row: text(row.variant), number=False),
    Column("mean rank", _mean_rank),
    Column("IQM of the difference from plain [95% bootstrap]", _iqm),
)


def short(found: Sequence[OverStudies]) -> Table:
    return of(found, SHORT)


def by_study(studies: Mapping[str, PublishedStudy], hrefs: Mapping[str, str]) -> Table | None:
    """None for fewer than two studies; `hrefs`: registry key -> what is told of the variant."""
    if len(studies) < 2:
        return None
    found = {row.variant: row for row in overall(list(studies.values()))}
    compared = [
        {row.label: row for row in study.leaderboard.rows if not row.is_baseline}
        for study in studies.values()
    ]
    keys = {label: row.key for own in compared for label, row in own.items()}

    def difference(study: PublishedStudy, own: Mapping[str, Row]) -> Column[str]:
        return Column(study.leaderboard.study, lambda label: _difference(own.get(label)))

    columns: list[Column[str]] = [
        Column("variant", lambda x: Cell(x, x, hrefs.get(keys[x], "")), number=False)
    ]
    if found:
        columns += (
            Column[str]("mean rank", lambda label: _mean_rank(found.get(label))),
            Column[str]("IQM over studies [95%]", lambda label: _iqm(found.get(label))),
        )
    columns += map(difference, studies.values(), compared)
    after = (
        "Points above tuned plain. "
        f"{BETTER} better, {WORSE} worse (Holm p < {ALPHA:g}), {TIE} not separated."
    )
    if found:
        after += (
            " Mean rank: by mean test accuracy, 1 is best. IQM: interquartile mean of the paired "
            "differences; its interval speaks for new seeds on these studies."
        )

    def place(label: str) -> tuple[bool, float, str]:
        if found:
            return label not in found, found[label].mean_rank if label in found else 0, label
        return _difference(compared[0].get(label)).key is None, 0, label

    order = sorted(keys, key=place)
    return of(order, columns, "Across studies", filtered=True, after=after)


def _difference(row: Row | None) -> Cell:
    if row is None or row.against is None:
        return number(NONE, None)
    gap, p = row.against.difference.mean, row.against.holm_p
    sign = "" if p is None else TIE if p >= ALPHA else BETTER if gap > 0 else WORSE
    return number(f"{numbers.points(gap)} {sign}".strip(), gap)
