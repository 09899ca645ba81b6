"""Variants of other packages: the entry points of the group `sambench.variants`.

Each entry point names a module, or a class in it, that registers its variants when imported.
"""

import importlib.metadata
import threading
import warnings
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from variants.core.protocol import Variant

if TYPE_CHECKING:
    from variants.core.registry import VariantInfo

GROUP = "sambench.variants"

failures: dict[str, str] = {}
"""name of a variant or entry point that is missing -> why, in one line"""

_loaded = False
_lock = threading.RLock()


def load(
    classes: MutableMapping[str, type[Variant]], infos: "MutableMapping[str, VariantInfo]"
) -> None:
    """Imports every plug-in, once. One that fails leaves no entry in either, and one warning."""
    global _loaded
    with _lock:
        if _loaded:
            return
        _loaded = True  # first, so that a plug-in may look at the registry while it is imported
        found = importlib.metadata.entry_points(group=GROUP)
        reasons = [
            _load(entry, classes, infos) for entry in sorted(found, key=lambda e: (e.name, e.value))
        ]
    for reason in filter(None, reasons):  # last: under -W error the good plug-ins are there
        warnings.warn(reason, UserWarning, stacklevel=3)


def _load(
    entry: importlib.metadata.EntryPoint,
    classes: MutableMapping[str, type[Variant]],
    infos: "MutableMapping[str, VariantInfo]",
) -> str | None:
    """Imports one plug-in; returns why it could not be used, or None."""
    gone: set[str] = set()
    try:
        with undone(classes, infos, gone):
            entry.load()
            roots = {cls.__module__.split(".")[0] for cls in classes.values()}
            if entry.module.split(".")[0] not in roots:
                raise ValueError(f"{entry.value} registers no variant")
    except (Exception, SystemExit) as error:
        package = f" of {entry.dist.name} {entry.dist.version}" if entry.dist else ""
        line = " ".join(f"{type(error).__name__}: {error}".split())
        reason = f"variant plug-in {entry.name!r}{package} is not used: {line}"
        failures.update(dict.fromkeys({entry.name, *gone}, reason))
        return reason
    return None


@contextmanager
def undone(
    classes: MutableMapping[str, type[Variant]],
    infos: "MutableMapping[str, VariantInfo]",
    gone: set[str] | None = None,
) -> Iterator[None]:
    """What is registered in here is taken back if something fails; `gone` gets the names."""
    before = set(classes)
    try:
        yield
    except BaseException:
        for name in set(classes) - before:
            del classes[name], infos[name]
            if gone is not None:
                gone.add(name)
        raise
