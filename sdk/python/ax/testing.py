"""The host, played for tests that run without a sandbox.

::

    import unittest
    from ax import http, testing

    class Tests(unittest.TestCase):
        def setUp(self) -> None:
            testing.reset()

        def test_a_page_is_read(self) -> None:
            testing.http(lambda request: testing.page(200, "hello"))
            self.assertEqual(http.get("https://example.org/").text(), "hello")

There is one world, empty at first. No permission is checked and no limit is enforced here: `ax test`
runs the same plugin in the real sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from . import _tool
from ._answer import Output
from ._fake import Line, reset, world
from .http import Request, Response
from .task import Info

__all__ = [
    "Line",
    "answer",
    "call",
    "cancel",
    "config",
    "http",
    "logged",
    "page",
    "progress",
    "reset",
    "secret",
    "sent",
    "tools",
]


def answer(tool: str, **members: Any) -> Output:
    """Calls a tool by name as the host does: the input is checked, the answer is turned into pieces."""
    return _tool.call(tool, json.dumps(members))


def tools() -> list[_tool.Tool]:
    """Returns the tools that were defined, in order."""
    return list(_tool.registered.values())


def config(key: str, value: Any) -> None:
    """Sets what the operator would have set."""
    world.config[key] = value


def secret(name: str) -> None:
    """Sets a secret, of which the plugin sees only that it is there."""
    world.secrets.add(name)


def http(server: Callable[[Request], Response]) -> None:
    """Answers requests by a function."""
    world.server = server


def page(status: int, body: str | bytes = b"", headers: dict[str, str] | None = None) -> Response:
    """Makes an answer for `http`."""
    body = body.encode() if isinstance(body, str) else body
    return Response(status, "", list((headers or {}).items()), body)


def cancel() -> None:
    """Asks the running call to stop."""
    world.cancelled = True


def call(info: Info) -> None:
    """Sets what is known of the running call."""
    world.call = (info.id, info.task, info.attempt, info.depth, info.left_ms)


def logged() -> list[Line]:
    """Takes the lines that were logged."""
    taken, world.log = world.log, []
    return taken


def sent() -> list[Request]:
    """Takes the requests that were sent."""
    taken, world.sent = world.sent, []
    return taken


def progress() -> list[tuple[int, int | None, str]]:
    """Takes what was said of progress."""
    taken, world.progress = world.progress, []
    return taken
