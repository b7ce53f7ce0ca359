"""Writes plugins for `ax`: a tool is a function.

::

    from typing import Annotated
    from ax import invalid, tool

    @tool(read_only=True, idempotent=True)
    def greet(name: Annotated[str, "Who is greeted."]) -> str:
        \"\"\"Greets somebody by name.\"\"\"
        if not name.strip():
            raise invalid("name", "nobody is greeted without a name")
        return f"Hello, {name}!"

Docstrings are the descriptions that models and people read; parameters are the members of the input, a
default makes one optional, and the JSON Schema of both is derived from the annotations. What goes wrong
is an `Error` with a kind that says what to do about it; any other exception is one of the kind `failed`,
and its traceback goes to the log.

======================================================  ====================  =====================
To …                                                    use                   the manifest asks for
======================================================  ====================  =====================
write a line for the operator                           `ax.log`              nothing
read what the operator has set                          `ax.config`           nothing
say how far a call is, or that it was cancelled         `ax.task`             nothing
keep data between calls                                 `ax.kv`               `kv`
send requests                                           `ax.http`             `net`
know whether a secret is set                            `ax.secrets`          `secrets`
read and write files                                    `open("/workspace/…")`  `fs`
======================================================  ====================  =====================

Outside of a sandbox, as under `python3 -m unittest`, all of these are fakes that a test fills and looks
into: `ax.testing`.

Only what is imported while the plugin is built is in the component: import at the top of a file, never
inside of a function.
"""

from . import config, log, task
from ._answer import Content, Link, Media, Output
from ._error import (
    Error,
    ErrorKind,
    cancelled,
    conflict,
    denied,
    exhausted,
    failed,
    in_doubt,
    invalid,
    not_found,
    unavailable,
)
from ._migrate import migrate
from ._source import DefinitionError
from ._tool import Annotations, Tool, tool

__all__ = [
    "Annotations",
    "Content",
    "DefinitionError",
    "Error",
    "ErrorKind",
    "Link",
    "Media",
    "Output",
    "Tool",
    "cancelled",
    "config",
    "conflict",
    "denied",
    "exhausted",
    "failed",
    "in_doubt",
    "invalid",
    "log",
    "migrate",
    "not_found",
    "task",
    "tool",
    "unavailable",
]
