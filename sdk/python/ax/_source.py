"""Where something stands in the author's files, and what is wrong there."""

from __future__ import annotations

import linecache
import re
import sys
from types import CodeType, FrameType

_LINES_MAX = 200
"""Lines of a function's head that are searched for a parameter."""


class DefinitionError(Exception):
    """A tool cannot be made of a function: says where, why, and what to write."""

    def __init__(self, file: str, line: int, message: str, help: str) -> None:
        super().__init__(f"{file}:{line}: {message}\nhelp: {help}")
        self.file = file
        """The file, as Python names it."""
        self.line = line
        """The line, from 1."""
        self.message = message
        """What is wrong, one line."""
        self.help = help
        """What to write."""


def line_of(code: CodeType, member: str | None = None) -> int:
    """Finds the line of a function's `def`, or of one of its parameters.

    A function's code begins at its first decorator.
    """
    wanted = re.compile(r"^\s*(async\s+)?def\s")
    parameter = None if member is None else re.compile(rf"\b{re.escape(member)}\b\s*[:=,)]")
    found = 0
    first = code.co_firstlineno
    for number in range(first, first + _LINES_MAX):
        text = linecache.getline(code.co_filename, number)
        if not text:
            break
        if not found and wanted.match(text):
            found = number
            text = text.partition("(")[2]
        if found and (parameter is None or parameter.search(text)):
            return number
    return found or first


def caller() -> tuple[str, int]:
    """Finds the author's line that is being run: the nearest one that is not of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name != "ax" and not name.startswith(("ax.", "importlib.", "_frozen_importlib")):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return "", 0
