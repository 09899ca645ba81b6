"""One driver a study, where a file of SQLite's keeps its trials: whichever folder it runs from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from sambench.study.holder import LEAVING_S, Holder, take


@contextmanager
def held(database: str, study: str, key: int) -> Iterator[None]:
    """The study, by a lock in a folder beside the file; Held if another driver has it.

    database: the file, or its URI, as SQLAlchemy's URL has it
    key: what is the same for all drivers of the study, and for no other
    """
    file = Path(urlsplit(database).path if database.startswith("file:") else database).resolve()
    folder = file.with_name(f"{file.name}-drivers")
    folder.mkdir(exist_ok=True)
    name = f"{key & 0xFFFFFFFFFFFFFFFF:016x}"
    owner = folder / f"{name}.owner"
    with take(study, folder / f"{name}.lock", owner, LEAVING_S):
        Holder.here().write(owner)
        yield
