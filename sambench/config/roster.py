"""Which variants there are, told without importing them: torch takes seconds."""

import importlib.metadata
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable

from sambench.errors import UserError, echo, nearest

PLUGINS = "sambench.variants"


def check(place: str, name: str, labels: Iterable[str] = ()) -> None:
    """UserError for a name that no variant can have; `labels` are names, too.

    The built-in variants are the modules of the package, each named by its key. Where there are
    others, the registry must be asked.
    """
    if "variants" in sys.modules or importlib.metadata.entry_points(group=PLUGINS):
        return
    spec = importlib.util.find_spec("variants")
    modules = pkgutil.iter_modules(spec.submodule_search_locations if spec else None)
    known = {m.name for m in modules if not (m.name.startswith("_") or m.ispkg)}.union(labels)
    if name not in known:
        hint = nearest(name, known)
        own = "one of your own: --import FILE.py"
        raise UserError(f"{place}unknown variant {echo(name)}; {hint} ({own})")
