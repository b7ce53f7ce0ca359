"""What is going on around the running call."""

from __future__ import annotations

import sys
from dataclasses import dataclass

if sys.platform == "wasi":
    from ._sandbox import task as _host
else:
    from ._fake import task as _host

__all__ = ["Info", "cancelled", "current", "progress"]


@dataclass(frozen=True)
class Info:
    """The running call."""

    id: str = ""
    """Names it in the operator's audit."""
    task: str | None = None
    """The task it is a step of; none outside tasks."""
    attempt: int = 1
    """Counts from 1."""
    depth: int = 0
    """Plugins between this call and whoever began it."""
    left_ms: int | None = None
    """Milliseconds that are left of its wall clock; none where nothing ends it."""


def current() -> Info:
    """Returns what is known of the running call."""
    return Info(*_host.current())


def progress(done: int, total: int | None = None, note: str = "") -> None:
    """Says how far the call is: units done, units in all where known, and one line for people."""
    _host.progress(done, total, note)


def cancelled() -> bool:
    """Answers whether somebody asked to stop. A call that does not has little time left then."""
    return _host.cancelled()
