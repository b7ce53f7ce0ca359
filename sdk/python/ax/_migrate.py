"""What a plugin does with its data when it is updated."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ._source import DefinitionError, line_of

Migration = Callable[[str, str], None]
_M = TypeVar("_M", bound=Migration)

_registered: list[Migration] = []


def migrate(function: _M) -> _M:
    """Marks the function that brings what `ax.kv` keeps from the form of one version to another's.

    It is called with both versions, `from_version` and `to_version`, before the first call of the new
    one, on a copy of the data; an exception stops the update and leaves the old version as it was. Of no
    use without the permission `kv`. Without such a function data are kept as they are.
    """
    if _registered:
        code = function.__code__
        raise DefinitionError(
            code.co_filename,
            line_of(code),
            f"there is a migration already: `{_registered[0].__name__}`",
            "let one function call the other",
        )
    _registered.append(function)
    return function


def run(from_version: str, to_version: str) -> None:
    """Runs the migration, if there is one."""
    for function in _registered:
        function(from_version, to_version)


def forget() -> None:
    """Forgets the migration, as a test does that defines another."""
    _registered.clear()
