"""The settings of one run."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sambench.config import Study
from sambench.seeds import Seeds

NO_POINT = -1


@dataclass(frozen=True)
class Run:
    """What to train. Equal runs give equal results on the same machine."""

    study: Study
    label: str
    key: str
    stage: str
    """"pool", "confirm", "setting", "sweep" or "trial"; confirm and setting see the test set"""
    point: int
    """of the pool; NO_POINT for a setting's runs; the number of a sweep's trial"""
    rerun: int
    """of the point or the setting"""
    seeds: Seeds
    lr: float
    hyperparameters: dict[str, Any]
    epochs: int
    radius: str | None = None
    device: str = "cpu"

    @property
    def id(self) -> str:
        """The name of the run within its study; also that of its folder."""
        match self.stage:
            case "confirm":
                return f"confirm-{self.label}-p{self.point}-r{self.rerun}"
            case "setting":  # a larger pool has another
                text = json.dumps(self.setting, sort_keys=True).encode()
                which = hashlib.sha256(text).hexdigest()[:8]
                return f"setting-{self.label}-{which}-r{self.rerun}"
        return f"{self.stage}-{self.label}-p{self.point}"

    def __str__(self) -> str:
        return self.id

    @property
    def place(self) -> str:
        """Its place in the study, in words."""
        match self.stage:
            case "pool":
                return f"point {self.point}"
            case "confirm":
                return f"point {self.point}, rerun {self.rerun}"
        return f"rerun {self.rerun}"

    @property
    def objective(self) -> str:
        """The name of the score that decides."""
        return self.study.task.objective

    @property
    def sees_test(self) -> bool:
        """Whether the run is scored on the test set."""
        return self.stage in ("confirm", "setting")

    @property
    def keeps_weights(self) -> bool:
        """Whether its final weights stay in its folder."""
        study = self.study
        if self.sees_test:
            return study.confirm.keep_weights or study.measure is not None
        return self.stage == "pool" and study.search.keep_weights

    @property
    def setting(self) -> dict[str, object]:
        """What the search chose."""
        return {"lr": self.lr, "hyperparameters": self.hyperparameters, "epochs": self.epochs}

    @property
    def rho(self) -> float | None:
        return None if self.radius is None else self.hyperparameters[self.radius]
