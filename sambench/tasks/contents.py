"""What a dataset holds, told by digests: whether it is still the one that a study began with."""

import hashlib
from collections.abc import Mapping

import numpy as np

Contents = Mapping[str, str]
"""16 hex digits for each picture, by its path within the dataset, or for each array"""


def fingerprint(*parts: bytes | memoryview) -> str:
    """16 hex digits of some bytes."""
    blake = hashlib.blake2b(digest_size=8)
    for part in parts:
        blake.update(part)
    return blake.hexdigest()


def of_arrays(**arrays: np.ndarray) -> Contents:
    found = {}
    for name, array in arrays.items():
        kind = repr((array.shape, array.dtype.str)).encode()
        found[name] = fingerprint(kind, np.ascontiguousarray(array).data)
    return found


def digest(contents: Contents) -> str:
    """32 hex digits that change when anything in the dataset does, names included."""
    blake = hashlib.blake2b(digest_size=16)
    for name, found in sorted(contents.items()):
        blake.update(f"{found} {name}\n".encode(errors="surrogateescape"))
    return blake.hexdigest()


def difference(old: Contents, new: Contents) -> str:
    """How many differ, and the first of them; "" if none does."""
    names = sorted(n for n in {**old, **new} if old.get(n) != new.get(n))
    if not names:
        return ""
    first = names[0]
    how = "is new" if first not in old else "is gone" if first not in new else "is another"
    return f"{len(names)} of {len(old)} files differ, the first: {first} {how}"
