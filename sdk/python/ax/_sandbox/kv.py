"""`ax:kv/store`."""

from __future__ import annotations

from wit_world.imports import store

from .._changes import Absent, Always, AtVersion, Change, Put, Remove, When
from . import hearing


def get(key: str) -> tuple[str, bytes, int] | None:
    """Returns a value, or none."""
    with hearing():
        entry = store.get(key)
    return None if entry is None else (entry.key, entry.value, entry.version)


def scan(
    prefix: str, limit: int, cursor: str | None
) -> tuple[list[tuple[str, bytes, int]], str | None]:
    """Lists what starts with `prefix`."""
    with hearing():
        page = store.scan(prefix, limit, cursor)
    return [(entry.key, entry.value, entry.version) for entry in page.entries], page.next


def write(changes: list[Change]) -> int:
    """Makes all changes or none."""
    with hearing():
        version: int = store.write([_change(change) for change in changes])
    return version


def usage() -> tuple[int, int, int, int]:
    """Returns what is used."""
    with hearing():
        quota = store.usage()
    return quota.keys, quota.bytes, quota.keys_max, quota.bytes_max


def _change(change: Change) -> store.Change:
    when = _condition(change.when)
    match change:
        case Put(key, value):
            return store.Change_Put(store.Put(key, value, when))
        case Remove(key):
            return store.Change_Remove(store.Remove(key, when))


def _condition(when: When) -> store.Condition:
    match when:
        case AtVersion(version):
            return store.Condition_AtVersion(version)
        case Absent():
            return store.Condition_Absent()
        case Always():
            return store.Condition_Always()
