"""The host, played: what `ax.log`, `ax.kv` and the others talk to outside of a sandbox.

While a plugin is built there is no host, and none is played either: what asks for it is told so.

Not here: how a test fills it and looks into it (`testing`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from ._changes import Absent, Always, AtVersion, Change, Put, Remove, When
from ._error import Error, conflict, unavailable
from ._source import DefinitionError, caller

if TYPE_CHECKING:
    from .http import Request, Response

KEYS_MAX = 10_000
"""Keys that the host keeps unless the operator says otherwise."""

BYTES_MAX = 10 << 20
"""Bytes that the host keeps unless the operator says otherwise."""


@dataclass(frozen=True)
class Line:
    """A line of the log."""

    level: str
    """`trace`, `debug`, `info`, `warn` or `error`."""
    message: str
    """The text."""
    fields: dict[str, str]
    """Names and values that go with it."""


@dataclass
class World:
    """What a test has set up and what the plugin did."""

    config: dict[str, Any] = field(default_factory=dict)
    kv: dict[str, tuple[str, bytes, int]] = field(default_factory=dict)
    version: int = 0
    secrets: set[str] = field(default_factory=set)
    log: list[Line] = field(default_factory=list)
    progress: list[tuple[int, int | None, str]] = field(default_factory=list)
    call: tuple[str, str | None, int, int, int | None] = ("", None, 1, 0, None)
    cancelled: bool = False
    server: Callable[[Request], Response] | None = None
    sent: list[Request] = field(default_factory=list)


world = World()
"""The one there is; `testing.reset` empties it."""


def reset() -> None:
    """Empties the world."""
    world.__dict__.update(World().__dict__)


is_absent = False
"""Whether there is no host."""

_T = TypeVar("_T")


def _played(part: type[_T]) -> type[_T]:
    """Makes the functions of a part refuse while there is no host."""
    for name, method in list(vars(part).items()):
        if isinstance(method, staticmethod) and not name.startswith("_"):
            setattr(part, name, staticmethod(_present(part.__name__, method.__func__)))
    return part


def _present(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def present(*given: Any) -> Any:
        if is_absent:
            file, line = caller()
            message = f"`ax.{part}` is used while the plugin is built, where there is no host"
            raise DefinitionError(file, line, message, "use it in a tool")
        return function(*given)

    return present


@_played
class log:
    """`ax:log/log`."""

    @staticmethod
    def write(level: str, message: str, fields: list[tuple[str, str]]) -> None:
        world.log.append(Line(level.lower(), message, dict(fields)))


@_played
class config:
    """`ax:config/config`."""

    @staticmethod
    def get(key: str) -> str | None:
        return json.dumps(world.config[key]) if key in world.config else None

    @staticmethod
    def all() -> str:
        return json.dumps(world.config)


@_played
class task:
    """`ax:task/call`."""

    @staticmethod
    def current() -> tuple[str, str | None, int, int, int | None]:
        return world.call

    @staticmethod
    def progress(done: int, total: int | None, note: str) -> None:
        world.progress.append((done, total, note))

    @staticmethod
    def cancelled() -> bool:
        return world.cancelled


@_played
class secrets:
    """`ax:secrets/secrets`."""

    @staticmethod
    def is_set(name: str) -> bool:
        return name in world.secrets


@_played
class kv:
    """`ax:kv/store`."""

    @staticmethod
    def get(key: str) -> tuple[str, bytes, int] | None:
        return world.kv.get(key)

    @staticmethod
    def scan(
        prefix: str, limit: int, cursor: str | None
    ) -> tuple[list[tuple[str, bytes, int]], str | None]:
        after = (key for key in sorted(world.kv, key=str.encode) if cursor is None or key > cursor)
        found = [world.kv[key] for key in after if key.startswith(prefix)]
        return found[:limit], found[limit - 1][0] if len(found) > limit else None

    @staticmethod
    def write(changes: list[Change]) -> int:
        for change in changes:
            held = world.kv.get(change.key)
            if not kv._holds(change.when, None if held is None else held[2]):
                raise conflict(change.key, f"`{change.key}` is not as it was read")
        world.version += 1
        for change in changes:
            match change:
                case Put(key, value):
                    world.kv[key] = (key, value, world.version)
                case Remove(key):
                    world.kv.pop(key, None)
        return world.version

    @staticmethod
    def usage() -> tuple[int, int, int, int]:
        used = sum(len(key.encode()) + len(value) for key, value, _ in world.kv.values())
        return len(world.kv), used, KEYS_MAX, BYTES_MAX

    @staticmethod
    def _holds(when: When, version: int | None) -> bool:
        match when:
            case AtVersion(wanted):
                return version == wanted
            case Absent():
                return version is None
            case Always():
                return True


@_played
class http:
    """`ax:http/client`."""

    @staticmethod
    def send(request: Request) -> tuple[int, str, list[tuple[str, str]], bytes]:
        world.sent.append(request)
        if world.server is None:
            help = "set a server with `ax.testing.http`"
            raise unavailable(f"nobody answers `{request.url}`: {help}")
        answer = world.server(request)
        return answer.status, answer.url or request.url, answer.headers, answer.body

    @staticmethod
    def send_all(
        requests: list[Request],
    ) -> list[tuple[int, str, list[tuple[str, str]], bytes] | Error]:
        answers: list[tuple[int, str, list[tuple[str, str]], bytes] | Error] = []
        for request in requests:
            try:
                answers.append(http.send(request))
            except Error as error:
                answers.append(error)
        return answers
