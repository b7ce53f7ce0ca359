"""The plugin as the host sees it: what `componentize-py` makes a component of.

Importing this module imports the author's, `tools`. That happens once, while the component is built; a
call begins with everything as it was then.

Not here: what the host offers (`_sandbox`).
"""

from __future__ import annotations

import importlib.util
import json
import sys

from componentize_py_types import Err
from wit_world.imports import types as wit

from . import _check, _migrate, _permission, _report, _tool, log
from ._answer import Content, Link, Media, Output
from ._error import Error, exhausted, failed
from ._sandbox import told
from ._wire import document, text

sys.dont_write_bytecode = True

MODULE = "tools"
"""The author's module."""

ROOT = "/0"
"""The project's folder, which is the first on the path."""

for _name, _needed in _permission.NEEDED.items():
    if importlib.util.find_spec(f"wit_world.imports.{_needed.bound}") is None:
        _permission.missing.add(_name)

_wrong = _check.load(MODULE, ROOT)
if _wrong is not None:
    _check.tell(_wrong)
    raise ImportError(_wrong.message)

_report.keep_sources(ROOT)


class Tools:
    """`ax:guest/tools`."""

    def describe(self) -> list[wit.Tool]:
        """Says what tools there are."""
        return [_described(tool) for tool in _tool.registered.values()]

    def call(self, name: str, input: str) -> wit.Output:
        """Calls one tool."""
        try:
            return _output(_tool.call(name, input))
        except Error as error:
            raise Err(told(error)) from None
        except BaseException as error:
            raise Err(told(_uncaught(error))) from None


class Lifecycle:
    """`ax:guest/lifecycle`."""

    def migrate(self, from_version: str, to_version: str) -> None:
        """Brings the data from one version's form to another's."""
        try:
            _migrate.run(from_version, to_version)
        except Error as error:
            raise Err(told(error)) from None
        except BaseException as error:
            raise Err(told(_uncaught(error))) from None


def _uncaught(error: BaseException) -> Error:
    """Tells the author where it came from, and the caller what it is."""
    for line in _report.told(error, ROOT):
        log.error(line)
    if isinstance(error, ModuleNotFoundError):
        log.error(f"help: write `import {error.name}` at the top of the file: what is not imported")
        log.error("      while the plugin is built is not in the component")
    if isinstance(error, MemoryError):
        return exhausted("memory", "there is no memory left")
    return failed(_report.said(error))


def _described(tool: _tool.Tool) -> wit.Tool:
    promises = tool.annotations
    return wit.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=json.dumps(tool.input_schema),
        output_schema=None if tool.output_schema is None else json.dumps(tool.output_schema),
        annotations=wit.Annotations(
            read_only=promises.read_only,
            destructive=promises.destructive,
            idempotent=promises.idempotent,
            open_world=promises.open_world,
            extra=None,
        ),
        extra=None,
    )


def _output(output: Output) -> wit.Output:
    structured = None
    if output.structured is not None:
        try:
            structured = document(output.structured)
        except (ValueError, TypeError, RecursionError) as error:
            raise failed(f"the answer is no JSON: {error}") from None
    return wit.Output([_content(piece) for piece in output.content], structured, None)


def _content(piece: Content) -> wit.Content:
    match piece.value:
        case str(words):
            return wit.Content_Text(text(words))
        case Link(uri, name, media_type, description):
            told = [None if it is None else text(it) for it in (media_type, description)]
            return wit.Content_Link(wit.Link(text(uri), text(name), *told, None))
        case Media(media_type, data):
            media = wit.Media(text(media_type), bytes(data), None)
    match piece.kind:
        case "image":
            return wit.Content_Image(media)
        case "audio":
            return wit.Content_Audio(media)
        case _:
            return wit.Content_File(media)
