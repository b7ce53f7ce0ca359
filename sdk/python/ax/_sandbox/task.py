"""`ax:task/call`."""

from __future__ import annotations

from wit_world.imports import call
from wit_world.imports.call import cancelled, progress

__all__ = ["cancelled", "current", "progress"]


def current() -> tuple[str, str | None, int, int, int | None]:
    """Returns what is known of the running call."""
    info = call.current()
    return info.id, info.task, info.attempt, info.depth, info.deadline_ms
