"""Data that the plugin keeps between calls: 10,000 keys and 10 MiB by default.

::

    from ax import kv

    kv.put("greeted/ada", 3)
    times = kv.get("greeted/ada", int)

The manifest asks for it: `kv = { bytes = "1 MiB", reason = "…" }`. A write is made wholly or not at
all. `update` reads, changes and writes, and does so again when another call came in between.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from ._changes import ABSENT, ALWAYS, AtVersion, Change, Put, Remove, When
from ._derive import shape_of
from ._error import Error, ErrorKind, conflict, failed
from ._permission import need as _need
from ._shape import opened, to_json

_need("kv")

if sys.platform == "wasi":
    from ._sandbox import kv as _host
else:
    from ._fake import kv as _host

__all__ = [
    "ABSENT",
    "ALWAYS",
    "AtVersion",
    "Change",
    "Entry",
    "Put",
    "Remove",
    "Usage",
    "When",
    "entries",
    "get",
    "keys",
    "put",
    "read",
    "remove",
    "scan",
    "update",
    "usage",
    "write",
]

TRIES_MAX = 16
"""Times that `update` tries before it gives up."""

_PAGE = 1_000

_T = TypeVar("_T")


@dataclass(frozen=True)
class Entry:
    """A key with its value."""

    key: str
    """At most 512 bytes."""
    value: bytes
    """At most 1 MiB."""
    version: int
    """Grows with each write of the key."""


@dataclass(frozen=True)
class Usage:
    """What is used, and how much there may be."""

    keys: int
    """Keys in use."""
    bytes: int
    """Bytes of keys and values in use."""
    keys_max: int
    """Keys there may be."""
    bytes_max: int
    """Bytes there may be."""


@overload
def get(key: str) -> Any: ...


@overload
def get(key: str, of: type[_T]) -> _T | None: ...


def get(key: str, of: Any = Any) -> Any:
    """Returns a value as it was `put`, read as a type if one is given; `None` if there is no such key.

    Raises `denied` when `kv` is not granted, `failed` when what is there is no JSON of this type.
    """
    entry = read(key)
    return None if entry is None else _value_of(entry, of)


def put(key: str, value: Any) -> None:
    """Keeps a value as JSON.

    Raises `denied` when `kv` is not granted, `exhausted` when the quota is used up, `invalid` when key
    or value is too long.
    """
    write([Put(key, _bytes_of(value))])


def remove(key: str) -> None:
    """Removes a key; content when there is none."""
    write([Remove(key)])


def update(key: str, change: Callable[[Any], Any], default: Any = None) -> Any:
    """Reads a value, changes it and keeps it; again when another call came in between.

    `change` takes what is kept, or `default`, and returns what is to be. Returns what was kept. Raises
    `conflict` when others came in between every time.
    """
    for _ in range(TRIES_MAX):
        entry = read(key)
        when: When = ABSENT if entry is None else AtVersion(entry.version)
        value = change(default if entry is None else _value_of(entry, Any))
        try:
            write([Put(key, _bytes_of(value), when)])
        except Error as error:
            if error.kind is not ErrorKind.CONFLICT:
                raise
        else:
            return value
    raise conflict(key, f"`{key}` was changed by others each time it was read")


def keys(prefix: str = "") -> list[str]:
    """Returns the keys that begin with `prefix`, sorted, all of them."""
    return [entry.key for entry in entries(prefix)]


def entries(prefix: str = "") -> list[Entry]:
    """Returns the entries whose keys begin with `prefix`, sorted by key, all of them."""
    found, cursor = scan(prefix, _PAGE)
    while cursor is not None:
        more, cursor = scan(prefix, _PAGE, cursor)
        found += more
    return found


def read(key: str) -> Entry | None:
    """Returns an entry as it is kept."""
    found = _host.get(key)
    return None if found is None else Entry(*found)


def scan(prefix: str, limit: int, cursor: str | None = None) -> tuple[list[Entry], str | None]:
    """Returns at most `limit` entries whose keys begin with `prefix`, and from where to go on."""
    found, following = _host.scan(prefix, limit, cursor)
    return [Entry(*entry) for entry in found], following


def write(changes: list[Change]) -> int:
    """Makes all changes or none; returns the version that the new values carry.

    Raises `conflict` with the first key whose condition did not hold as the code.
    """
    return _host.write(changes)


def usage() -> Usage:
    """Returns what is used."""
    return Usage(*_host.usage())


def _bytes_of(value: Any) -> bytes:
    return json.dumps(to_json(value), ensure_ascii=False, separators=(",", ":")).encode()


def _value_of(entry: Entry, of: Any) -> Any:
    try:
        return opened(shape_of(of)).read(json.loads(entry.value), entry.key)
    except (Error, ValueError) as error:
        raise failed(f"what is kept as `{entry.key}` is something else: {error}") from None
