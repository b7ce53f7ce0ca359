"""`ax:http/client`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from componentize_py_types import Ok
from wit_world.imports import client

from .._error import Error
from . import heard, hearing

if TYPE_CHECKING:
    from ..http import Request

Answer = tuple[int, str, list[tuple[str, str]], bytes]


def send(request: Request) -> Answer:
    """Sends one request and waits for the whole answer."""
    with hearing():
        answer = client.send(_wanted(request))
    return _shown(answer)


def send_all(requests: list[Request]) -> list[Answer | Error]:
    """Sends requests at the same time."""
    answers = client.send_all([_wanted(request) for request in requests])
    return [_shown(it.value) if isinstance(it, Ok) else heard(it.value) for it in answers]


def _wanted(request: Request) -> client.Request:
    return client.Request(
        method=request.method,
        url=request.url,
        headers=list(request.headers.items()),
        body=request.body,
        redirects=request.redirects,
        timeout_ms=request.timeout_ms,
        body_bytes_max=request.body_bytes_max,
    )


def _shown(answer: client.Response) -> Answer:
    return answer.status, answer.url, answer.headers, answer.body
