"""A study as the page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from sambench.analysis import Leaderboard, PublishedStudy, Row, Standing
from sambench.render.figures.plot import slug
from sambench.render.harmless import is_harmless
from sambench.render.html.inline import inline
from sambench.render.markdown import page
from sambench.render.study_files import StudyFiles
from sambench.render.tables import (
    Cell,
    Column,
    Table,
    costs,
    of,
    quoted,
    radius,
    ranking,
    runs,
    search,
)


@dataclass(frozen=True)
class Section:
    """All texts are plain; the template escapes them."""

    id: str
    leaderboard: Leaderboard
    ranking: Table
    published: Table | None
    drawn: Sequence[Markup]
    more: Sequence[Table]
    legend: Sequence[str]
    limits: Sequence[str]
    protocol: Sequence[str]
    origin: Sequence[str]


def section(
    name: str, study: PublishedStudy, files: StudyFiles, folder: Path, hrefs: Mapping[str, str]
) -> Section:
    """`hrefs`: registry key -> what the page tells of the variant."""
    leaderboard, tables = study.leaderboard, study.tables
    links = {row.label: hrefs.get(row.key, "") for row in leaderboard.rows}
    quotes = leaderboard.header["spec"].get("published") or ()
    more = [
        _equal_epochs(study, links),
        costs.sortable(tables["cost"]),
        radius.sortable(tables["sensitivity"]),
        search.divergence(tables["divergence"]),
        runs.confirmed(study.records.frame),
        runs.searched(tables["search"]),
        search.spaces(leaderboard.header["spaces"]),
    ]
    return Section(
        id=f"study-{slug(name)}",
        leaderboard=leaderboard,
        ranking=_ranking(leaderboard, links),
        published=quoted.table(quotes) if quotes else None,
        drawn=[inline(svg, slug(name)) for svg in _figures(files, folder)],
        more=[table for table in more if table.rows],
        legend=page.legend(leaderboard),
        limits=page.limits(leaderboard),
        protocol=page.protocol(leaderboard.header["spec"]),
        origin=page.origin(leaderboard),
    )


def _figures(files: StudyFiles, folder: Path) -> list[str]:
    """Those that are made, and those on disk that only draw."""
    paths = [path for path, _ in files.figures.links]
    texts = [files.texts.get(path) or _standing(folder / path) for path in paths]
    return [text for text in texts if is_harmless(text)]


def _standing(path: Path) -> str:
    """ "" if there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _ranking(leaderboard: Leaderboard, links: Mapping[str, str]) -> Table:
    """The variants come first, since a table of HTML has its rows named by their first cell."""

    def variant(row: Row) -> Cell:
        note = "recommended" if row.label == leaderboard.use else ""
        return Cell(row.label, row.label, links[row.label], note)

    others = [column for column in ranking.COLUMNS if column.name != "variant"]
    return ranking.table(leaderboard, [Column("variant", variant, number=False), *others])


def _equal_epochs(study: PublishedStudy, links: Mapping[str, str]) -> Table:
    """Empty where the baseline tuned its schedule to the study's own."""
    compute, epochs = study.rankings
    found = () if epochs.baseline in (None, compute.baseline) else epochs.standings

    def variant(row: Standing | Row) -> Cell:
        return Cell(row.label, row.label, links.get(row.label, ""))

    columns = [Column("variant", variant, number=False), *ranking.APART]
    caption = "Ranking at equal epochs: all train as long as each other"
    return of([row for row in found if row.accuracy], columns, caption)
