"""What the operator has set for this plugin. It does not change during a call."""

from __future__ import annotations

import json
import sys
from typing import Any, TypeVar, overload

from ._derive import shape_of
from ._error import Error, invalid
from ._shape import opened

if sys.platform == "wasi":
    from ._sandbox import config as _host
else:
    from ._fake import config as _host

__all__ = ["all", "get"]

_T = TypeVar("_T")


@overload
def get(key: str) -> Any: ...


@overload
def get(key: str, of: type[_T]) -> _T | None: ...


def get(key: str, of: Any = Any) -> Any:
    """Returns a setting, read as a type if one is given; `None` when the operator set none.

    Raises `invalid`, naming the setting, when it does not fit the type.
    """
    text = _host.get(key)
    if text is None:
        return None
    try:
        return opened(shape_of(of)).read(json.loads(text), key)
    except Error as error:
        raise invalid(error.code, f"the setting does not fit: {error}") from None


def all() -> dict[str, Any]:
    """Returns all settings."""
    settings: dict[str, Any] = json.loads(_host.all())
    return settings
