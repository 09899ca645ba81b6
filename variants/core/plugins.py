"""Variants of other packages: the entry points of the group `sambench.variants`.

Each entry point names a module, or a class in it, that registers its variants when imported.
"""

import importlib.metadata
import threading
import warnings
from collections.abc import MutableMapping
from typing import Any

GROUP = "sambench.variants"

failures: dict[str, str] = {}
"""name of a variant or entry point that is missing -> why, in one line"""

_loaded = False
_lock = threading.RLock()


def load(*tables: MutableMapping[str, Any]) -> None:
    """Imports every plug-in, once. One that fails leaves no entry in `tables`, and one warning."""
    global _loaded
    with _lock:
        if _loaded:
            return
        _loaded = True  # first, so that a plug-in may look at the registry while it is imported
        found = importlib.metadata.entry_points(group=GROUP)
        reasons = [_load(entry, tables) for entry in sorted(found, key=lambda e: (e.name, e.value))]
    for reason in filter(None, reasons):  # last: under -W error the good plug-ins are there
        warnings.warn(reason, UserWarning, stacklevel=3)


def _load(
    entry: importlib.metadata.EntryPoint, tables: tuple[MutableMapping[str, Any], ...]
) -> str | None:
    """Imports one plug-in; returns why it could not be used, or None."""
    before = set(tables[0])
    try:
        entry.load()
        roots = {cls.__module__.split(".")[0] for cls in tables[0].values()}
        if entry.module.split(".")[0] not in roots:
            raise ValueError(f"{entry.value} registers no variant")
    except (Exception, SystemExit) as error:
        package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
        line = " ".join(f"{type(error).__name__}: {error}".split())
        reason = f"variant plug-in {entry.name!r}{package} is not used: {line}"
        started = set(tables[0]) - before
        for name in started:
            for table in tables:
                del table[name]
        failures.update(dict.fromkeys({entry.name, *started}, reason))
        return reason
    return None
