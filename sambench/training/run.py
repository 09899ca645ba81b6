"""The settings of one run."""

from dataclasses import dataclass
from typing import Any

from sambench.config import Study
from sambench.seeds import Seeds


@dataclass(frozen=True)
class Run:
    """What to train. Equal runs give equal results on the same machine."""

    study: Study
    label: str
    key: str
    stage: str
    """"search", "finalist", "confirm" or "trial"; only confirm runs see the test set"""
    trial: int
    """the search trial whose configuration this is"""
    seeds: Seeds
    lr: float
    hyperparameters: dict[str, Any]
    epochs: int
    radius: str | None = None
    device: str = "cpu"

    @property
    def id(self) -> str:
        """The name of the run within its study; also that of its folder."""
        return f"{self.stage}-{self.label}-t{self.trial}-s{self.seeds.number}"

    def __str__(self) -> str:
        return self.id

    @property
    def setting(self) -> dict[str, object]:
        """What the search chose."""
        return {"lr": self.lr, "hyperparameters": self.hyperparameters, "epochs": self.epochs}

    @property
    def rho(self) -> float | None:
        return None if self.radius is None else self.hyperparameters[self.radius]
