"""The YAML of a sweep file as plain tables: nothing but JSON's types, and no more than fits."""

import reprlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.error import MarkedYAMLError
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent

from sambench.errors import UserError

MOST_BYTES = 1_000_000
MOST_VALUES = 100_000
MOST_DEPTH = 50

_STANDARD = "tag:yaml.org,2002:"
_PLAIN = ("bool", "float", "int", "map", "null", "seq", "str")

if TYPE_CHECKING:
    _SafeLoader = yaml.SafeLoader
else:  # the one in C, where yaml has it
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):
    """A date is the text it is written as, since the config of a run is JSON."""

    yaml_constructors = {
        _STANDARD + name: yaml.SafeLoader.yaml_constructors[_STANDARD + name] for name in _PLAIN
    } | {_STANDARD + "timestamp": yaml.SafeLoader.construct_yaml_str}

    def construct_object(self, node: yaml.Node, deep: bool = False) -> object:
        """Its value; ConstructorError where yaml's own loader raises whatever int() does, too."""
        if node.tag not in self.yaml_constructors:
            name = node.tag.replace(_STANDARD, "!!")
            raise ConstructorError(None, None, f"{name} is nothing JSON knows", node.start_mark)
        try:
            found = super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError, OverflowError):
            kind = node.tag.removeprefix(_STANDARD)
            rule = f"{reprlib.repr(node.value)} cannot be read as {kind}"
            raise ConstructorError(None, None, rule, node.start_mark) from None
        if isinstance(found, str) and any("\ud800" <= letter <= "\udfff" for letter in found):
            raise ConstructorError(None, None, "half a character", node.start_mark)
        return found


def read(path: Path) -> tuple[dict[str, object], list[str]]:
    """The tables of a file, and the keys that stand twice in one, of which the last counts.

    UserError, one line, if it is no sweep file.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path}: a folder, not a sweep file")
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a file")
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    if len(text) > MOST_BYTES:
        raise UserError(f"{path}: above {MOST_BYTES:,} bytes: not a sweep file")
    try:
        _check_size(text)
        data, notes = _loaded(text)
    except MarkedYAMLError as error:
        raise UserError(f"{path}: {_told(error)}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML in UTF-8: {clipped(str(error))}") from None
    if not isinstance(data, dict):
        raise UserError(f"{path}: not a sweep file: method and parameters are required")
    return data, notes


def _told(error: MarkedYAMLError) -> str:
    line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
    what = error.problem or "not YAML"
    return line + clipped(f"{error.context}, {what}" if what.startswith("but ") else what)


def clipped(text: str, most: int = 350) -> str:
    """On one line, and no longer than somebody reads."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}..."


@dataclass
class _Open:
    """A list or table that the parser is in."""

    anchor: str | None
    size: int = 1
    """values, those of aliases counted wherever they stand"""
    height: int = 1


def _check_size(text: bytes) -> None:
    """Counts what aliases stand for without building it: few bytes can mean a billion values."""
    within = [_Open(None)]
    known: dict[str, tuple[int, int]] = {}
    for event in yaml.parse(text, Loader=_SafeLoader):
        size, height = 1, 0
        if isinstance(event, CollectionStartEvent):
            within.append(_Open(event.anchor))
            size = 0
        elif isinstance(event, CollectionEndEvent):
            ended = within.pop()
            size, height = ended.size, ended.height
            if ended.anchor is not None:
                known[ended.anchor] = size, height
        elif isinstance(event, AliasEvent):
            if any(event.anchor == one.anchor for one in within[1:]):
                rule = f"*{event.anchor} stands within itself and has no end"
                raise ComposerError(None, None, rule, event.start_mark)
            size, height = known.get(event.anchor, (1, 0))
        elif isinstance(event, NodeEvent) and event.anchor is not None:
            known[event.anchor] = 1, 0
        within[-1].size += size
        within[-1].height = max(within[-1].height, height + 1)
        if len(within) + height > MOST_DEPTH:
            rule = f"nested more than {MOST_DEPTH} deep"
            raise ComposerError(None, None, rule, event.start_mark)
        if sum(one.size for one in within) > MOST_VALUES:
            rule = f"above {MOST_VALUES:,} values, counting what aliases repeat"
            raise ComposerError(None, None, rule, event.start_mark)


def _loaded(text: bytes) -> tuple[object, list[str]]:
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None, []
        notes = [*_repeated(root)]
        return loader.construct_document(root), notes
    finally:
        loader.dispose()


def _repeated(root: yaml.Node) -> Iterator[str]:
    """The keys that stand twice in one table."""
    left, seen = [root], set()
    while left:
        node = left.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left += reversed(node.value)
            continue
        keys = Counter((key.tag, str(key.value)) for key, _ in node.value)
        for (_, name), num in keys.items():
            if num > 1:
                where = f"the table of line {node.start_mark.line + 1}"
                yield f"{clipped(name, 60)} stands {num} times in {where}; the last counts"
        left += [value for _, value in reversed(node.value)]
