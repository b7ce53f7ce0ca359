"""Requests over HTTP, within the grant: 32 a call, 8 MiB sent, 32 MiB received.

::

    from ax import http

    title = http.get("https://example.org/").ok().text()

The manifest asks for it: `net = [{ to = "https://example.org", methods = ["GET"], reason = "…" }]`.
Secrets are never set here: the host puts them into requests toward the places they are granted for.
"""

from __future__ import annotations

import json as _json
import sys
from dataclasses import dataclass, field
from typing import Any, TypeVar, Union, overload

from ._derive import shape_of
from ._error import Error, ErrorKind, failed
from ._permission import need as _need
from ._shape import opened, to_json

_need("http")

if sys.platform == "wasi":
    from ._sandbox import http as _host
else:
    from ._fake import http as _host

__all__ = ["Request", "Response", "get", "post", "send", "send_all"]

_T = TypeVar("_T")

BODY_BYTES_MAX = 1 << 20
"""Bytes of an answer's body that are taken unless a request says otherwise."""


@dataclass
class Request:
    """A request."""

    method: str
    """As `GET`."""
    url: str
    """An absolute `http` or `https` URL."""
    headers: dict[str, str] = field(default_factory=dict)
    """Names and values, in order."""
    body: bytes | None = None
    """What is sent."""
    redirects: int = 0
    """Redirects that are followed, at most 10; each is checked against the grant."""
    timeout_ms: int | None = None
    """Milliseconds that the whole exchange may take; the call's own deadline where none is set."""
    body_bytes_max: int = BODY_BYTES_MAX
    """Bytes of the answer's body that are taken; a longer one fails."""


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status."""

    status: int
    """As 200 or 404."""
    url: str = ""
    """Where it came from, redirects followed."""
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Names in lower case, and values, in order."""
    body: bytes = b""
    """The body, decoded."""

    def header(self, name: str) -> str | None:
        """Returns the first header of this name, in any case."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)

    def ok(self) -> Response:
        """Insists on a status from 200 to 299.

        Raises, with the status as code, `not-found` for 404 and 410, `unavailable` for 429 and from 500
        on, `failed` for others.
        """
        if 200 <= self.status <= 299:
            return self
        kind = ErrorKind.FAILED
        if self.status in (404, 410):
            kind = ErrorKind.NOT_FOUND
        elif self.status == 429 or self.status >= 500:
            kind = ErrorKind.UNAVAILABLE
        raise Error(kind, f"{self.url} answered {self.status}", code=str(self.status))

    def text(self) -> str:
        """Returns the body as text. Raises `failed` when it is not UTF-8."""
        try:
            return self.body.decode()
        except UnicodeDecodeError as error:
            raise failed(f"{self.url} sent no text: {error}") from None

    @overload
    def json(self) -> Any: ...

    @overload
    def json(self, of: type[_T]) -> _T: ...

    def json(self, of: Any = Any) -> Any:
        """Reads the body as JSON, as a type if one is given. Raises `failed` when it is none."""
        try:
            return opened(shape_of(of)).read(_json.loads(self.body), "")
        except (Error, ValueError) as error:
            raise failed(f"{self.url} sent other JSON: {error}") from None


def get(
    url: str,
    *,
    headers: dict[str, str] | None = None,
    redirects: int = 0,
    timeout_ms: int | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> Response:
    """Reads what is at a URL; any status is an answer.

    Raises `denied` with the missing permission, and whatever failed on the way.
    """
    request = Request("GET", url, headers or {}, None, redirects, timeout_ms, body_bytes_max)
    return send(request)


def post(
    url: str,
    *,
    body: bytes | None = None,
    json: Any = None,
    headers: dict[str, str] | None = None,
    redirects: int = 0,
    timeout_ms: int | None = None,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> Response:
    """Sends bytes, or a value as JSON, and waits for the answer; any status is one."""
    sent = dict(headers or {})
    if json is not None:
        sent.setdefault("content-type", "application/json")
        body = _json.dumps(to_json(json), ensure_ascii=False).encode()
    return send(Request("POST", url, sent, body, redirects, timeout_ms, body_bytes_max))


def send(request: Request) -> Response:
    """Sends a request and waits for the answer; any status is one."""
    return Response(*_host.send(request))


def send_all(requests: list[Request]) -> list[Union[Response, Error]]:
    """Sends requests at the same time; answers and errors come in the order of the requests."""
    answers = _host.send_all(requests)
    return [it if isinstance(it, Error) else Response(*it) for it in answers]
