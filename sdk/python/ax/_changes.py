"""Changes of what `ax.kv` keeps, and what has to hold for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True)
class Always:
    """Nothing has to hold: `ALWAYS`."""


@dataclass(frozen=True)
class Absent:
    """There is no such key: `ABSENT`."""


@dataclass(frozen=True)
class AtVersion:
    """The key is as it was read."""

    version: int
    """The version it had."""


When = Union[Always, Absent, AtVersion]
"""What must hold for a change to be made."""

ALWAYS = Always()
"""Nothing has to hold."""

ABSENT = Absent()
"""There is no such key."""


@dataclass(frozen=True)
class Put:
    """Sets a key."""

    key: str
    """The key."""
    value: bytes
    """Its value."""
    when: When = field(default=ALWAYS)
    """What must hold."""


@dataclass(frozen=True)
class Remove:
    """Removes a key."""

    key: str
    """The key."""
    when: When = field(default=ALWAYS)
    """What must hold."""


Change = Union[Put, Remove]
"""One change of a write."""
