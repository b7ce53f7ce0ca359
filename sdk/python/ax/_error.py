"""What goes wrong in a tool, as far as the caller can act on it."""

from __future__ import annotations

from enum import Enum
from typing import Any


class ErrorKind(Enum):
    """What to do about an error."""

    INVALID = "invalid"
    """The request is wrong and stays wrong; the code names the member."""
    DENIED = "denied"
    """Not granted; the code is the missing permission."""
    EXHAUSTED = "exhausted"
    """Granted, but a limit is used up; the code is its name."""
    NOT_FOUND = "not-found"
    """There is no such thing; the code is the name that was looked for."""
    CONFLICT = "conflict"
    """Something changed in between: read again, then try again."""
    UNAVAILABLE = "unavailable"
    """Not now; trying again later may succeed."""
    FAILED = "failed"
    """It failed."""
    IN_DOUBT = "in-doubt"
    """It may have happened or not, and nobody can tell."""
    CANCELLED = "cancelled"
    """Somebody asked to stop, and it stopped."""
    OTHER = "other"
    """Newer than this SDK; the code says what it is."""


class Error(Exception):
    """Why a tool gives no answer. Raise one that `invalid`, `not_found` and the like make."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        code: str = "",
        data: dict[str, Any] | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        """What to do about it."""
        self.message = message
        """One sentence for a person, without secrets; at most 4 KiB are shown."""
        self.code = code
        """A word for programs, as the kind says; empty when there is none. At most 256 bytes."""
        self.data = data
        """Details for programs, an object."""
        self.retry_after_ms = retry_after_ms
        """Milliseconds to wait before asking again."""

    def __repr__(self) -> str:
        code = f" ({self.code})" if self.code else ""
        return f"<{self.kind.value}: {self.message}{code}>"


def invalid(member: str, message: str, *, data: dict[str, Any] | None = None) -> Error:
    """The request is wrong and stays wrong. `member` names what is, as `folder` or `items[3].id`."""
    return Error(ErrorKind.INVALID, message, code=member, data=data)


def denied(permission: str, message: str) -> Error:
    """It is not granted. `permission` is what is missing, as `fs:workspace:read`."""
    return Error(ErrorKind.DENIED, message, code=permission)


def exhausted(limit: str, message: str) -> Error:
    """It is granted, but `limit` is used up."""
    return Error(ErrorKind.EXHAUSTED, message, code=limit)


def not_found(name: str, message: str) -> Error:
    """There is nothing of this name."""
    return Error(ErrorKind.NOT_FOUND, message, code=name)


def conflict(name: str, message: str) -> Error:
    """`name` changed in between: whoever reads it again may try again."""
    return Error(ErrorKind.CONFLICT, message, code=name)


def unavailable(message: str, *, code: str = "", retry_after_ms: int | None = None) -> Error:
    """It does not work now; trying again later may succeed."""
    return Error(ErrorKind.UNAVAILABLE, message, code=code, retry_after_ms=retry_after_ms)


def failed(message: str, *, code: str = "", data: dict[str, Any] | None = None) -> Error:
    """It failed, and there is no better word for it."""
    return Error(ErrorKind.FAILED, message, code=code, data=data)


def in_doubt(message: str, *, code: str = "") -> Error:
    """It may have happened or not, and nobody can tell."""
    return Error(ErrorKind.IN_DOUBT, message, code=code)


def cancelled(message: str = "it was asked to stop") -> Error:
    """Somebody asked to stop, and it stopped."""
    return Error(ErrorKind.CANCELLED, message)
