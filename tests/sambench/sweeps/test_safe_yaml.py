"""The YAML of sweep files: plain tables, or one line, without ever building what does not fit."""

import os
import resource
import time
from pathlib import Path
from typing import Any

import pytest

from sambench.errors import UserError
from sambench.sweeps.safe_yaml import MOST_BYTES, read

HEAD = b"method: grid\nparameters: {a: {value: 1}}\n"


def nested_anchors() -> bytes:
    """549 bytes that stand for 9^12 values."""
    lines = [b"a: &a [1,1,1,1,1,1,1,1,1]\n"]
    for letter in range(ord("a"), ord("m")):
        many = b",".join([b"*%c" % letter] * 9)
        lines.append(b"%c: &%c [%s]\n" % (letter + 1, letter + 1, many))
    return b"".join(lines)


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(content: bytes) -> Path:
        path = tmp_path / "sweep.yaml"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a: !!binary aGk=", "line 1: !!binary is nothing JSON knows"),
        (b"a: 1\nb: !!set {x, y}", "line 2: !!set is nothing JSON knows"),
        (b"a: !!omap [x: 1]", "!!omap is nothing JSON knows"),
        (b"a: !!python/tuple [1]", "!!python/tuple is nothing JSON knows"),
        (b"a: !!python/object/apply:os.system [exit]", "is nothing JSON knows"),
        (b"a: !own b", "!own is nothing JSON knows"),
        (b"a: &a [*a]", "line 1: *a stands within itself and has no end"),
        (b"&r\na: {b: *r}", "line 2: *r stands within itself and has no end"),
        (b"a: *b", "undefined alias"),
        (nested_anchors(), "above 100,000 values, counting what aliases repeat"),
        (b"a: [" + b"1," * 100_001 + b"]", "above 100,000 values"),
        (b"a: " + b"[" * 60 + b"]" * 60, "nested more than 50 deep"),
        (b"a: " + b"[" * 100_000, "nest"),
        (b"".join(b"%sa:\n" % (b" " * i) for i in range(300)), "nested more than 50 deep"),
        (b"a: " + b"9" * 5000, "cannot be read as int"),
        (b"a: !!float x", "'x' cannot be read as float"),
        (b"a: !!bool maybe", "'maybe' cannot be read as bool"),
        (b'a: !!int ""', "'' cannot be read as int"),
        (b"a: !!map [1]", "line 1: expected a mapping"),
        (b"a: 1\n---\nb: 2", "expected a single document in the stream, but found another"),
        (b"a:\n\tb: 1", "line 2: found character that cannot start any token"),
        (b"a: [", ": line "),
        (b"a: \xe9\n", "not YAML in UTF-8"),
        (b"a: \0", "not YAML in UTF-8"),
        (b"? [a]\n: 1", "found unhashable key"),
        (b"", "method and parameters are required"),
        (b"- a\n- b", "method and parameters are required"),
        (b"text", "method and parameters are required"),
        (b"#" * (MOST_BYTES + 1), "above 1,000,000 bytes"),
    ],
)
def test_what_cannot_be_used_is_one_line(written: Any, content: bytes, line: str) -> None:
    path = written(content)
    start, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError) as error:
        read(path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and line in message
    assert "\n" not in message and len(message) < 400 + len(str(path))
    assert time.process_time() - start < 5  # seconds of this process
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KiB


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 2024-01-01", "2024-01-01"),
        (b"a: 2024-13-45", "2024-13-45"),
        (b"a: 2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        (b"a: 1e-5", "1e-5"),
        (b"a: .inf", float("inf")),
        (b"x: &x {b: 1, c: 2}\na: {<<: *x, c: 3}", {"b": 1, "c": 3}),
        (b"x: &x [1, 2]\na: [*x, *x]", [[1, 2], [1, 2]]),
        ("a: é".encode("utf-16"), "é"),
        ("\ufeffa: é".encode(), "é"),
    ],
)
def test_what_can_be_used(written: Any, content: bytes, expected: Any) -> None:
    found, notes = read(written(content))
    assert found["a"] == expected and notes == []


def test_of_a_key_that_stands_twice_the_last_counts(written: Any) -> None:
    found, notes = read(written(b"a: 1\nb: {c: 1, c: 2}\na: 3\n"))
    assert found == {"a": 3, "b": {"c": 2}}
    assert notes == [
        "a stands 2 times in the table of line 1; the last counts",
        "c stands 2 times in the table of line 2; the last counts",
    ]


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name, line in (
        ("", "a folder, not a sweep file"),
        ("pipe", "not a file"),
        ("loop", "Too many levels of symbolic links"),
        ("dangling", "No such file"),
        ("x" * 300, "File name too long"),
    ):
        with pytest.raises(UserError, match=line):
            read(tmp_path / name)
