"""Names that become files and folders: of studies, and of the variants in them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from sambench.config.table import Broken

LONGEST = 100  # characters; file systems take 255 bytes, of which runs and their files need a part
RESERVED = re.compile(r"data|sweeps|readme|index|cost-.*", re.IGNORECASE)
"""What stands beside studies in runs/ and leaderboards/."""
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows takes for devices."""


def _portable(name: str) -> str:
    if DEVICES.fullmatch(name) or name.endswith("."):
        raise Broken(f"{name} is no name of a file on every system, choose another")
    return name


def _free(name: str) -> str:
    if RESERVED.fullmatch(name):
        raise Broken(f"{name} is a name that sambench needs itself, choose another")
    return name


Name = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", min_length=1, max_length=LONGEST),
    AfterValidator(_portable),
]
StudyName = Annotated[Name, AfterValidator(_free)]
