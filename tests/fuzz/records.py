"""Records files: damaged bytes, which must be noticed; and nonsense with checksums that fit."""

import ast
import csv
import io
import json
import zlib
from dataclasses import replace
from random import Random
from typing import Any

from tests.fuzz.harness import SPECIAL, Case, Result
from tests.fuzz.mutations import STRINGS, as_json, damaged_text, mutated, nasty
from tests.fuzz.world import World

COMMANDS = [
    ("best", "boards/tiny.csv", "--format", "python"),
    ("best", "boards/tiny.csv", "--format", "json"),
    ("leaderboard", "--folder", "boards"),
    ("leaderboard", "--folder", "boards", "--html"),
    ("leaderboard", "--folder", "boards", "--format", "md"),
    ("leaderboard", "--folder", "boards", "--format", "json"),
    ("leaderboard", "--folder", "boards", "--format", "latex"),
    ("sweep", "dashboard", "boards/tiny.csv"),
    ("merge", "boards/tiny.csv", "boards/good.csv"),
    ("merge", "boards/part.csv", "boards/tiny.csv"),
]
MINE: dict[str, Any] = {
    "boards/tiny/mine.csv": b"a,b\n1,2\n",
    "boards/tiny/mine.svg": b"<svg><script>pwned</script></svg>",
    "boards/notes.txt": b"mine",
}
"""Files of the user's beside ours."""
README = "boards/README.md"
WRITES = (
    README, "boards/tiny.md", "boards/good.md", "boards/index.html", "boards/tiny/[!m]*",
    "boards/good/*", "runs/*/dashboard.json", "runs/tiny/*",
)  # fmt: skip
NAMES = {"pwned", "__import__", "system"}
"""What no program of ours calls."""


def make(rng: Random, world: World) -> Case:
    """One bad records file beside a good one."""
    kind = rng.random()
    base = rng.choice([*world.records[:2], world.part])
    words = rng.choice(COMMANDS)
    if kind < 0.02:
        made = _case("a README.md of the user's", COMMANDS[2], base, world)
        files, writes = {**made.files, README: b"# mine\n"}, tuple(w for w in WRITES if w != README)
        return replace(made, files=files, writes=writes)
    if kind < 0.06:
        maker = rng.choice(SPECIAL)
        return _case(f"records that are a {maker.__name__}", words, maker, world)
    if kind < 0.4:
        content, what = damaged_text(rng, base)
        return _case(what, words, content, world, whole=base)
    if kind < 0.7:
        content, what = _with_header(rng, base)
    else:
        content, what = _with_cells(rng, base)
    return _case(what, words, content, world)


def valid(world: World) -> Case:
    """Records whose lines are in another order, their checks made again."""
    head, columns, *rows = world.records[0].splitlines()
    content = b"\n".join([sealed(_header(head)), columns, *rows[::-1]]) + b"\n"
    return _case("rows in another order", COMMANDS[0], content, world, whole=world.records[0])


def _case(
    what: str, words: tuple[str, ...], content: Any, world: World, whole: bytes | None = None
) -> Case:
    damaged = whole is not None and not _same(content, whole)

    def check(result: Result) -> str:
        if result.code == 0 and damaged and not result.err:
            return "records with a damaged line were taken for whole"
        return _injected(words, result)

    return Case(
        what,
        words,
        {"boards/tiny.csv": content, "boards/good.csv": world.records[0], **MINE}
        | ({"boards/part.csv": world.part} if words[0] == "merge" else {}),
        writes=WRITES,
        lines=25,
        check=check,
    )


def _same(content: bytes, whole: bytes) -> bool:
    """Whether nothing is lost: order, line ends and a byte order mark are no damage."""
    plain = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    lines, expected = plain.splitlines(), whole.splitlines()
    return (lines[:2], sorted(lines[2:])) == (expected[:2], sorted(expected[2:]))


def _injected(words: tuple[str, ...], result: Result) -> str:
    """Text of the records that became code."""
    if result.code == 0 and words[0] == "best" and words[-1] == "python":
        try:
            tree = ast.parse(result.out)
        except SyntaxError as error:
            return f"the printed program is none: {error}"
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        used |= {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
        if found := used & NAMES:
            return f"the printed program runs {', '.join(sorted(found))}"
    boards = result.work / "boards"
    for page in boards.rglob("index.html"):
        if "<script>pwned</script>" in page.read_text():
            return f"a script of the records in {page.relative_to(boards)}"
    for path in boards.glob("*/*.csv"):
        if path.name != "mine.csv" and (bad := _formula(path.read_text())):
            return f"{path.name}: a cell that spreadsheets compute: {bad!r}"
    return ""


def _formula(text: str) -> str:
    cells = (cell for row in csv.reader(io.StringIO(text)) for cell in row)
    return next((cell for cell in cells if cell.startswith(("=", "@", "\t"))), "")


def _header(line: bytes) -> dict[str, Any]:
    return json.loads(line.removeprefix(b"# "))


def sealed(header: dict[str, Any]) -> bytes:
    """A header line whose check fits."""
    told = {k: v for k, v in header.items() if k != "check"}
    head = b"# " + as_json(told).replace("#", "\\u0023").encode(errors="replace")
    return head[:-1] + b', "check": "%08x"}' % zlib.crc32(head)


def checked(cells: bytes) -> bytes:
    """A line of records whose check fits."""
    return cells + b",%08x" % zlib.crc32(cells)


def _with_header(rng: Random, base: bytes) -> tuple[bytes, str]:
    head, *rest = base.split(b"\n")
    header, what = mutated(rng, _header(head))
    if rng.random() < 0.1:
        line = b"# " + as_json({k: v for k, v in header.items() if k != "check"}).encode()
        return b"\n".join([line, *rest]), f"no check, {what}"
    return b"\n".join([sealed(header), *rest]), what


def _with_cells(rng: Random, base: bytes) -> tuple[bytes, str]:
    """Cells of one row, or of one column in all rows, replaced."""
    head, columns, *rows = base.rstrip(b"\n").split(b"\n")
    names = columns.decode().split(",")[:-1]
    at = rng.randrange(len(names))
    value = rng.choice([rng.choice(STRINGS), str(_number(rng)), as_json(nasty(rng))])
    value = value.replace("#", "\\u0023").replace("\n", "\\u000a").replace("\r", "\\u000d")
    chosen = range(len(rows)) if rng.random() < 0.5 else [rng.randrange(len(rows))]
    for i in chosen:
        cells = next(csv.reader([rows[i].decode()]))[:-1]
        cells[at] = value
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        rows[i] = checked(line.getvalue().encode(errors="replace"))
    told = f"{names[at]} = {value!r:.80} in {len(chosen)} rows"
    return b"\n".join([head, columns, *rows]) + b"\n", told


def _number(rng: Random) -> Any:
    return rng.choice(
        [0, 1, -1, 2, 0.5, 2**31, 2**63 - 1, 2**63, 1e300, 5e-324, "nan", "inf", -0.0]
    )
