"""Study files: what may be asked, checked key by key. Light: no torch until a study is parsed."""

from sambench.config import chosen as chosen
from sambench.config import roster as roster
from sambench.config.arms import BASELINE, EQUAL_EPOCHS, Arm
from sambench.config.arms import arm as arm
from sambench.config.chosen import check_choice as check_choice
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
from sambench.config.models import Name as Name
from sambench.config.space import Space
from sambench.config.table import Broken as Broken
from sambench.config.table import Table as Table
from sambench.config.table import one_line as one_line

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
    "changed_keys",
    "extensions",
    "fingerprint",
    "load",
    "parse",
    "read",
]
