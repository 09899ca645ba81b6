"""Study files: what may be asked, checked key by key. Light: no torch until a study is parsed."""

from sambench.config import chosen as chosen
from sambench.config import roster as roster
from sambench.config.arms import BASELINE, EQUAL_EPOCHS, Arm, VariantTable, baselines
from sambench.config.arms import arm as arm
from sambench.config.bases import OWN_BASES
from sambench.config.chosen import check_choice as check_choice
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
)
from sambench.config.names import Name as Name
from sambench.config.space import Space
from sambench.config.table import Broken as Broken
from sambench.config.table import Table as Table
from sambench.config.table import one_line as one_line
from sambench.config.train import OWN_SCHEDULES, Train, extensions

__all__ = [
    "BASELINE",
    "EQUAL_EPOCHS",
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
    "baselines",
    "changed_keys",
    "extensions",
    "fingerprint",
    "load",
    "parse",
    "read",
]
