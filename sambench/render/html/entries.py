"""A study as the page of all studies has it: a card, and what two of them are compared by."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from sambench.analysis import Leaderboard, PublishedStudy
from sambench.render.figures.plot import slug
from sambench.render.html.glossary import Glossary
from sambench.render.page import answer
from sambench.render.tables import Table, ranking, settings

OWN = ("name", "question", "variants", "published")
"""Of a study file: told elsewhere."""
WINS, TIES, OPEN = "beats plain", "none beats plain", "nothing concluded"


@dataclass(frozen=True)
class Entry:
    """`address`: of the study's page."""

    name: str
    address: str
    leaderboard: Leaderboard
    headline: Markup
    answer: Sequence[tuple[str, Markup]]
    table: Table

    @property
    def id(self) -> str:
        return f"study-{slug(self.name)}"

    @property
    def dataset(self) -> str:
        return self.leaderboard.header["spec"]["task"]["dataset"]

    @property
    def model(self) -> str:
        return self.leaderboard.header["spec"]["task"]["model"]

    @property
    def noise(self) -> str:
        """The share of wrong training labels."""
        share = self.leaderboard.header["spec"]["task"].get("label_noise", 0)
        return f"{100 * share:g}%" if share else "none"

    @property
    def variants(self) -> list[str]:
        """Keys of those that compete with the baseline."""
        return sorted({row.key for row in self.leaderboard.rows if not row.is_baseline})

    @property
    def winners(self) -> list[str]:
        return sorted({row.key for row in self.leaderboard.rows if row.wins})

    @property
    def state(self) -> str:
        if self.winners:
            return WINS
        return TIES if any(row.group for row in self.leaderboard.rows) else OPEN

    @property
    def facts(self) -> dict[str, str]:
        """The study file key by key, who competed, and where and when it ran."""
        header = self.leaderboard.header
        spec = {key: value for key, value in header["spec"].items() if key not in OWN}
        return {
            "arms": ", ".join(header["arms"]),
            **dict(_flat(spec)),
            "machines": "; ".join(self.leaderboard.machines),
            "date": header["date"],
        }


def entry(
    name: str, study: PublishedStudy, address: str, glossary: Glossary, hrefs: Mapping[str, str]
) -> Entry:
    """`hrefs`: registry key -> what the page tells of the variant."""
    leaderboard = study.leaderboard
    ranks = leaderboard.kind != "adaptive"
    table = ranking.table(leaderboard) if ranks else settings.table(leaderboard)
    links = {row.label: hrefs.get(row.key, "") for row in leaderboard.rows}
    found = answer.answer(leaderboard)
    headline, *told = glossary.told([leaderboard.headline, *(told for _, told in found)])
    told = [(name, own) for (name, _), own in zip(found, told, strict=True)]
    bare = replace(table.linked(links), filtered=False)
    return Entry(name, address, leaderboard, headline, told, bare)


def facets(entries: Sequence[Entry]) -> list[tuple[str, str, list[str]]]:
    """What readers can choose studies by: attribute, its name, its values."""
    states = {entry.state for entry in entries}
    return [
        ("variant", "Variant", sorted({key for entry in entries for key in entry.variants})),
        ("dataset", "Dataset", sorted({entry.dataset for entry in entries})),
        ("model", "Model", sorted({entry.model for entry in entries})),
        ("noise", "Wrong labels", sorted({entry.noise for entry in entries}, key=_share)),
        ("state", "Outcome", [state for state in (WINS, TIES, OPEN) if state in states]),
    ]


def _share(noise: str) -> float:
    return 0.0 if noise == "none" else float(noise.removesuffix("%"))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted keys of all that is set."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        elif value not in (None, "", [], ()):
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)
