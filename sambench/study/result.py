"""What `run_study` returns: a study's answer, and where it is written."""

from dataclasses import dataclass, fields
from html import escape
from pathlib import Path

import pandas as pd

from sambench.analysis import Estimate, Leaderboard, numbers
from sambench.analysis.tables import answer
from sambench.errors import UserError, nearest

SHOWN = 8
"""Arms of a repr."""


@dataclass(frozen=True)
class Figure:
    """A figure of a study's page; notebooks show it."""

    file: Path
    records: Path
    """what it shows"""

    def save(self, path: str | Path) -> None:
        """Write it for a paper: by the path's suffix .pdf or .eps, which are vectors, .png, or .svg
        as the page has it."""
        path = Path(path)
        if path.suffix == ".svg":
            path.write_text(self._repr_svg_(), encoding="utf-8")
            return
        from sambench import render
        from sambench.analysis import published

        render.save_figure(published.read(self.records), self.file.stem, path)

    def _repr_svg_(self) -> str:
        return self.file.read_text(encoding="utf-8")


class Result(Leaderboard):
    """A study's `Leaderboard`; also as a table, as figures, and where it all is written."""

    folder: Path
    """of the study"""

    def __init__(self, found: Leaderboard, folder: Path) -> None:
        super().__init__(**{field.name: getattr(found, field.name) for field in fields(found)})
        object.__setattr__(self, "folder", folder)

    @property
    def page(self) -> Path:
        return self.folder / "leaderboard.md"

    @property
    def web(self) -> Path:
        """The interactive page."""
        return self.folder / "index.html"

    @property
    def records(self) -> Path:
        """A line per run; `sambench.records.read` takes it."""
        return self.folder / "records.csv"

    @property
    def figures(self) -> dict[str, Path]:
        """Of the page, by name; empty where nothing was drawn."""
        return {path.stem: path for path in sorted(self.page.with_suffix("").glob("*.svg"))}

    def to_frame(self) -> pd.DataFrame:
        """A row per arm, in the order of the page.

        `sambench.analysis.tables.arms` says what a column is: score, low, high, minus_plain, cost,
        the lr and rho to use, ...
        """
        return answer(self)

    def plot(self, name: str = "tuning") -> Figure:
        """A figure of the page: by default the test score over the trials that one can afford.

        `.save("figure.pdf")` writes it for a paper.

        UserError where there is none of this name.
        """
        known = self.figures
        if not known:
            raise UserError(
                f"nothing was drawn in {self.folder}: too little ran, or matplotlib is missing"
            )
        if name not in known:
            raise UserError(f"no figure {name!r}; {nearest(name, known)}")
        return Figure(known[name], self.records)

    def __repr__(self) -> str:
        shown = self._table().head(SHOWN).to_string(index=False)
        more = len(self.rows) - SHOWN
        shown += f"\nand {more} more" if more > 0 else ""
        return (
            f"<study {self.study}, {len(self.rows)} arms>\n{self.headline}\n"
            f"Use this: {self.advice}\n{shown}\npage: {self.web}"
        )

    def _repr_html_(self) -> str:
        """The answer, and a row per arm."""
        table = self._table().to_html(index=False)
        told = f"<b>{escape(self.headline)}</b><br>Use this: {escape(self.advice)}"
        return f"<p>{told}</p>{table}<p>page: {escape(str(self.web))}</p>"

    def _table(self) -> pd.DataFrame:
        shown = [
            (
                row.label,
                numbers.estimate(row.score, self.score),
                numbers.difference(self._lead(row.label), self.score),
                numbers.ratio(row.cost.ratio if row.cost else None),
            )
            for row in self.rows
        ]
        score = f"test score, {self.score.shown_in}"
        columns = ("arm", score, f"minus plain, {self.score.gaps}", "cost of a run")
        return pd.DataFrame(shown, columns=pd.Index(columns))

    def _lead(self, label: str) -> Estimate | None:
        """Over the best ranked arm of the baseline."""
        plain = next((row.label for row in self.rows if row.is_baseline and row.group), None)
        against = next(row.against for row in self.rows if row.label == label)
        return next((own.difference for own in against if own.label == plain), None)
