"""Lines for the operator: 1,000 lines and 256 KiB a call.

`print` goes to the same log, as the level info; what is written to `sys.stderr`, as error.
"""

from __future__ import annotations

import sys
from enum import Enum

if sys.platform == "wasi":
    from ._sandbox import log as _host
else:
    from ._fake import log as _host

__all__ = ["Level", "debug", "error", "info", "trace", "warn", "write"]


class Level(Enum):
    """How much a line matters."""

    TRACE = "trace"
    """Every step."""
    DEBUG = "debug"
    """For the plugin's author."""
    INFO = "info"
    """For the operator."""
    WARN = "warn"
    """Something is odd."""
    ERROR = "error"
    """Something failed."""


def write(level: Level, message: str, **fields: object) -> None:
    """Writes a line with names and values that go with it: at most 32 of them."""
    _host.write(level.name, message, [(name, str(value)) for name, value in fields.items()])


def trace(message: str, **fields: object) -> None:
    """Writes a line for somebody who follows every step."""
    write(Level.TRACE, message, **fields)


def debug(message: str, **fields: object) -> None:
    """Writes a line for the plugin's author."""
    write(Level.DEBUG, message, **fields)


def info(message: str, **fields: object) -> None:
    """Writes a line for the operator."""
    write(Level.INFO, message, **fields)


def warn(message: str, **fields: object) -> None:
    """Says that something is odd."""
    write(Level.WARN, message, **fields)


def error(message: str, **fields: object) -> None:
    """Says that something failed."""
    write(Level.ERROR, message, **fields)
