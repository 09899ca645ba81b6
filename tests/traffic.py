"""Writes the table of `variants/traffic.md`: `python -m tests.traffic`."""

from pathlib import Path

import variants
from variants.testing.traffic import traffic

FILE = Path(variants.__file__).parent / "traffic.md"
HEAD = "| variant | passes | copies | calls |\n| --- | ---: | ---: | ---: |\n"


def table() -> str:
    """The dearest first."""
    names = [name for name in variants.names() if name != "plain"]
    found = {name: traffic(variants.create(name)) for name in names}
    rows = sorted(found, key=lambda name: (-found[name].copies, name))
    return HEAD + "".join(
        f"| `{name}` | {variants.create(name).passes:.3g} | {found[name].copies:.1f} | "
        f"{found[name].calls:.0f} |\n"
        for name in rows
    )


def write() -> None:
    text, _, _ = FILE.read_text(encoding="utf-8").partition(HEAD)
    FILE.write_text(text + table(), encoding="utf-8")


if __name__ == "__main__":
    write()
