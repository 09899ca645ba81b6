"""What the fuzzer does to valid input: to values in a tree, and to bytes.

Every choice is drawn from the given `random.Random`, from lists in a fixed order: a seed gives the
same mutations on every machine.
"""

import copy
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Raw:
    """Text that stands in a file as it is: what Python's own values cannot spell."""

    text: str


NUMBERS: list[Any] = [
    0, 1, -1, 2, 3, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400,
    0.0, -0.0, 0.5, 1.0, 1e-300, 5e-324, 1e300, 1.7e308, math.nan, math.inf, -math.inf,
    Raw("1" + "0" * 5000), Raw("1" * 50_000), Raw("1e99999"), Raw("0x7f"), Raw("1_000"),
]  # fmt: skip
STRINGS = [
    "", " ", "x", "a/b", "../x", "/", "/etc/passwd", ".", "..", "~", "~nouser/x", "\0", "a\0b",
    "\n", "a\nb", "a\rb", "\t", "\x1b[31m", "x" * 300, "x" * 100_000, "é", "\U0001d54f", "\u202e",
    "\ufeff", "'", '"', '"""', "`", "\\", "$(pwned)", "${pwned}", "{}", "{0}", "%s", "%", "=pwned",
    "|", "#", "<script>pwned</script>", "[bold]", "[/]", "[/red]", "-", "--", "--help", "-1",
    "a,b", "a b", '"; pwned(); "', "\npwned()\n", "']; pwned() #", "nan", "inf", "None", "null",
    "true", "1", "1e5", "1e-5", "data", "sweeps", "runs", "CON", "folder:", "folder:.",
    "folder:~nouser/x", "folder:/dev", "synthetic", "digits", "plain", "sam", "auto", "none",
    "cpu:7", "cuda",
]  # fmt: skip
PLAUSIBLE: list[Any] = [
    2, 4, 5, 7, 10, 16, 100, 0.01, 0.3, 0.99, 1.5, 10.0, 1e-8, True, False, None,
    "adamw", "adam", "lion", "lamb", "sgdp", "muon", "randaugment", "crop-flip-cutout", "constant",
    "step", "multistep", "poly", "plateau", "tpe", "gp", "random", "median", "hyperband",
    "percentile", "bf16", "fp16", "graph", "synced", "esam", "looksam", "momentum_sam", "m_sam",
    "gam", "ae_sam", "asam", "uniform", "log_uniform", "categorical", "constant", "grid", "bayes",
]  # fmt: skip
"""Right somewhere."""

OTHERS: list[Any] = [
    None, True, False, [], {}, [[]], [None], ["x"], [1, "x"], {"": 0}, {"a": {"a": {}}}, {"x": 1},
    [0] * 3000, Raw("2026-01-01"), Raw("2026-01-01T00:00:00"), Raw("12:30:00"),
    Raw("[" * 60 + "]" * 60), Raw("[" * 5000 + "]" * 5000), Raw('{"a": ' * 900 + "0" + "}" * 900),
    Raw("!!binary aGVsbG8="), Raw("!!python/object:os.system x"), Raw("*unknown"), Raw("&a [*a]"),
]  # fmt: skip
Path_ = tuple[str | int, ...]


def nasty(rng: Random) -> Any:
    """A value that few keys can take."""
    return rng.choice(rng.choice([NUMBERS, STRINGS, OTHERS, PLAUSIBLE]))


def brief(value: Any) -> str:
    text = repr(value.text if isinstance(value, Raw) else value) if _prints(value) else "a number"
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def _prints(value: Any) -> bool:
    return not isinstance(value, int) or abs(value) < 10**4000


def mutated(rng: Random, data: Any, times: int | None = None) -> tuple[Any, str]:
    """A copy with one to three changes, and what they were."""
    data = copy.deepcopy(data)
    num = times or rng.choice([1, 1, 1, 2, 3])
    told = [_mutate(rng, data) for _ in range(num)]
    return data, "; ".join(told)


def _mutate(rng: Random, data: Any) -> str:
    """Changes a dict or list in place."""
    places = list(_places(data))
    if not places:
        return "nothing left to change"
    holder, key, path = rng.choice(places)
    where = ".".join(map(str, path))
    value = holder[key]
    match rng.randrange(10):
        case 0:
            del holder[key]
            return f"{where} deleted"
        case 1 if isinstance(holder, dict):
            name = rng.choice([f"{key}x", str(key)[:-1], str(key).upper(), rng.choice(STRINGS)])
            holder[name] = holder.pop(key)
            return f"{where} renamed to {brief(name)}"
        case 2:
            other, name, place = rng.choice(places)
            if name in (other if isinstance(other, dict) else range(len(other))):
                holder[key], other[name] = copy.deepcopy(other[name]), copy.deepcopy(value)
            return f"{where} and {'.'.join(map(str, place))} swapped"
        case 3:
            holder[key] = rng.choice([[value], {"x": value}, [value] * 3, str(value), [[value]]])
            return f"{where} = {brief(holder[key])}"
        case 4 | 6 if isinstance(value, int | float) and not isinstance(value, bool):
            far = [value * 1000, value * 1e-9] if isinstance(value, float) else [value * 1000, 0]
            holder[key] = rng.choice([-value, value + 1, value - 1, value * 2, *far])
            return f"{where} = {brief(holder[key])}"
        case 5:
            name = rng.choice(STRINGS)
            if isinstance(holder, dict):
                holder[name] = nasty(rng)
            else:
                holder.insert(key, nasty(rng))
            return f"beside {where}: {brief(name)} added"
    holder[key] = nasty(rng)
    return f"{where} = {brief(holder[key])}"


def _places(data: Any, path: Path_ = ()) -> Iterator[tuple[Any, Any, Path_]]:
    """Every key of every dict and list below, with its holder."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield data, key, (*path, key)
        if isinstance(value, dict | list) and len(path) < 12:
            yield from _places(value, (*path, key))


def toml(data: dict[str, Any]) -> str:
    """As a study file, its tables inline; keys without a value in TOML are left out."""
    told = {k: v for k, v in data.items() if v is not None}
    return "".join(f"{_quoted(k)} = {_spell(v, _TOML)}\n" for k, v in told.items())


def yaml(data: dict[str, Any]) -> str:
    """As a YAML file, its values in flow style."""
    return "".join(f"{_quoted(k)}: {_spell(v, _YAML)}\n" for k, v in data.items()) or "{}\n"


def as_json(data: Any) -> str:
    return _spell(data, _JSON)


_TOML = {"sep": " = ", "null": '"null"', "nan": "nan", "inf": "inf"}
_YAML = {"sep": ": ", "null": "null", "nan": ".nan", "inf": ".inf"}
_JSON = {"sep": ": ", "null": "null", "nan": "NaN", "inf": "Infinity"}


def _spell(value: Any, style: dict[str, str]) -> str:
    match value:
        case Raw():
            return value.text
        case None:
            return style["null"]
        case bool():
            return str(value).lower()
        case float() if math.isnan(value):
            return style["nan"]
        case float() if math.isinf(value):
            return ("-" if value < 0 else "") + style["inf"]
        case str():
            return _quoted(value)
        case dict():
            told = (f"{_quoted(k)}{style['sep']}{_spell(v, style)}" for k, v in value.items())
            return "{" + ", ".join(told) + "}"
        case list() | tuple():
            return "[" + ", ".join(_spell(v, style) for v in value) + "]"
    return repr(value)


def _quoted(text: Any) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def damaged(rng: Random, data: bytes) -> tuple[bytes, str]:
    """A copy with some bytes changed, and how."""
    name, change = rng.choice(_DAMAGES)
    return change(rng, data), name


def damaged_text(rng: Random, data: bytes) -> tuple[bytes, str]:
    """The same for text, whose lines may change, too."""
    name, change = rng.choice(_DAMAGES + _LINE_DAMAGES)
    return change(rng, data), name


def _flip(rng: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 8])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _place(rng: Random, data: bytes) -> int:
    """Near the start half of the time, where formats keep what matters."""
    size = len(data) if rng.random() < 0.5 else min(len(data), 64)
    return rng.randrange(size + 1)


def _cut(rng: Random, data: bytes) -> bytes:
    return data[: _place(rng, data)]


def _insert(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + rng.randbytes(rng.choice([1, 1, 4, 500])) + data[at:]


def _remove(rng: Random, data: bytes) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice([1, 1, 4, 500]) :]


def _overwrite(rng: Random, data: bytes) -> bytes:
    at, num = _place(rng, data), rng.choice([1, 4, 100])
    return data[:at] + rng.choice([b"\0", b"\xff", b" "]) * num + data[at + num :]


def _lines(change: Callable[[Random, list[bytes]], None]) -> Callable[[Random, bytes], bytes]:
    def changed(rng: Random, data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        if lines:
            change(rng, lines)
        return b"".join(lines)

    return changed


def _swap_lines(rng: Random, lines: list[bytes]) -> None:
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]


def _repeat_line(rng: Random, lines: list[bytes]) -> None:
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))


def _drop_line(rng: Random, lines: list[bytes]) -> None:
    del lines[rng.randrange(len(lines))]


def _conflict(rng: Random, lines: list[bytes]) -> None:
    lines.insert(rng.randrange(len(lines)), b"<<<<<<< HEAD\n")


_DAMAGES: list[tuple[str, Callable[[Random, bytes], bytes]]] = [
    ("bits flipped", _flip),
    ("bits flipped", _flip),
    ("cut", _cut),
    ("bytes inserted", _insert),
    ("bytes removed", _remove),
    ("bytes overwritten", _overwrite),
    ("emptied", lambda rng, data: b""),
    ("appended to", lambda rng, data: data + rng.randbytes(20)),
    ("twice in a row", lambda rng, data: data + data),
    ("noise", lambda rng, data: rng.randbytes(min(len(data), 1000))),
]
_LINE_DAMAGES: list[tuple[str, Callable[[Random, bytes], bytes]]] = [
    ("lines swapped", _lines(_swap_lines)),
    ("a line repeated", _lines(_repeat_line)),
    ("a line dropped", _lines(_drop_line)),
    ("a conflict marker", _lines(_conflict)),
    ("line ends of Windows", lambda rng, data: data.replace(b"\n", b"\r\n")),
    ("a byte order mark", lambda rng, data: b"\xef\xbb\xbf" + data),
    ("UTF-16", lambda rng, data: data.decode(errors="replace").encode("utf-16")),
]
