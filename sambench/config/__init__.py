"""Study files: what may be asked, checked key by key. Light: no torch until a study is parsed."""

from sambench.config import chosen as chosen
from sambench.config import places as places
from sambench.config import roster as roster
from sambench.config.arms import (
    BASELINE,
    LENGTHS,
    LONGEST,
    Arm,
    VariantTable,
    arms,
    baselines,
    epochs_of,
)
from sambench.config.bases import OWN_BASES
from sambench.config.chosen import check_choice as check_choice
from sambench.config.identity import RUNS, changed_keys, fingerprint
from sambench.config.loading import assignments, load, name_of, parse, read
from sambench.config.models import (
    Confirm,
    Measured,
    Published,
    Search,
    Study,
)
from sambench.config.names import Name as Name
from sambench.config.numbers import LARGEST_COUNT as LARGEST_COUNT
from sambench.config.numbers import Count as Count
from sambench.config.numbers import Items as Items
from sambench.config.numbers import Nonnegative as Nonnegative
from sambench.config.numbers import Plain as Plain
from sambench.config.numbers import Share as Share
from sambench.config.space import Space
from sambench.config.table import Broken as Broken
from sambench.config.table import IfSet as IfSet
from sambench.config.table import Listed as Listed
from sambench.config.table import Table as Table
from sambench.config.table import one_line as one_line
from sambench.config.task import IMAGES as IMAGES
from sambench.config.task import Split, Task, kinds, task_of
from sambench.config.task import Text as Text
from sambench.config.train import CHANNELS_LAST as CHANNELS_LAST
from sambench.config.train import OWN_SCHEDULES, Train, extensions

__all__ = [
    "BASELINE",
    "LENGTHS",
    "LONGEST",
    "OWN_BASES",
    "OWN_SCHEDULES",
    "RUNS",
    "Arm",
    "Confirm",
    "Measured",
    "Published",
    "Search",
    "Space",
    "Split",
    "Study",
    "Task",
    "Train",
    "VariantTable",
    "arms",
    "assignments",
    "baselines",
    "changed_keys",
    "epochs_of",
    "extensions",
    "fingerprint",
    "kinds",
    "load",
    "name_of",
    "parse",
    "read",
    "task_of",
]
