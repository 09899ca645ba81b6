"""Where the files of a study lie: in a folder of its own, or among published ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sambench.render import ownership

INDEX = "index.html"
"""The interactive page: of a study in its folder, of all studies in the folder of them."""


@dataclass(frozen=True)
class Place:
    """Addresses of the files are relative to `folder`."""

    folder: Path
    records: str
    page: str
    """without .md; tables and figures are in the folder of this name"""
    web: str
    """the interactive page"""
    home: str
    """address of the page of all studies, from this one's; "" if there is none"""

    @classmethod
    def own(cls, folder: Path) -> "Place":
        """Of a study that was run there."""
        home = f"../{INDEX}" if ownership.is_ours(folder.parent / INDEX) else ""
        return cls(folder, "records.csv", "leaderboard", INDEX, home)

    @classmethod
    def published(cls, folder: Path, name: str) -> "Place":
        return cls(folder, f"{name}.csv", name, f"{name}/{INDEX}", f"../{INDEX}")

    @property
    def pages(self) -> Mapping[Path, str]:
        """Paths of both pages, for who checks whether they are ours; no texts."""
        return {self.folder / f"{self.page}.md": "", self.folder / self.web: ""}
