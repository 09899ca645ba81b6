"""Which variants there are, told without importing them: torch takes seconds."""

import importlib.metadata
import importlib.util
import pkgutil

from sambench.errors import echo, nearest

PLUGINS = "sambench.variants"


def check(name: str) -> None:
    """ValueError for a name that no variant can have; plug-ins, where installed, have to be asked.

    The built-in variants are the modules of the package, each named by its key.
    """
    if importlib.metadata.entry_points(group=PLUGINS):
        return
    spec = importlib.util.find_spec("variants")
    folders = spec.submodule_search_locations if spec else None
    modules = pkgutil.iter_modules(folders or ())
    known = [m.name for m in modules if not (m.name.startswith("_") or m.ispkg)]
    if name not in known:
        raise ValueError(f"unknown variant {echo(name)}; {nearest(name, known)}")
