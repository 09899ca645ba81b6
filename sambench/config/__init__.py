"""Study files: what may be asked, checked key by key. Light: no torch until a study is parsed."""

from sambench.config.arms import BASELINE, Arm
from sambench.config.extensions import OWN_BASES, OWN_SCHEDULES, extensions
from sambench.config.identity import changed_keys, fingerprint
from sambench.config.loading import assignments, load, parse, read
from sambench.config.models import (
    Confirm,
    Finalists,
    Published,
    Search,
    Split,
    Study,
    Task,
    Train,
    VariantTable,
)
from sambench.config.space import Space

__all__ = [
    "BASELINE",
    "OWN_BASES",
    "OWN_SCHEDULES",
    "Arm",
    "Confirm",
    "Finalists",
    "Published",
    "Search",
    "Space",
    "Split",
    "Study",
    "Task",
    "Train",
    "VariantTable",
    "assignments",
    "changed_keys",
    "extensions",
    "fingerprint",
    "load",
    "parse",
    "read",
]
