"""Tells an author what went wrong in their code: where, what, and what to write.

Invariant: no frame of this package or of the import machinery is shown, and files are named as seen from
the project.
"""

from __future__ import annotations

import importlib
import linecache
import os
import sys
import traceback
from dataclasses import dataclass

from ._source import DefinitionError

FRAMES_MAX = 20
"""Frames of a traceback that are shown, the innermost ones."""

SANDBOX = (3, 14)
"""The Python of the sandbox."""

_VENDOR = ".ax/vendor/"
_MOUNTED = "/2/"  # The same while a component is made.

_OURS = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Report:
    """What went wrong."""

    place: str
    """File and line, as `tools.py:12`; empty when there is none."""
    message: str
    """What is wrong, one line."""
    help: str
    """What to write; empty when nobody can tell."""
    traceback: list[str]
    """How it came about, line by line."""
    is_certain: bool = True
    """Whether another Python would say the same."""


def report_of(error: BaseException, root: str) -> Report:
    """Makes a report; `root` is the project's folder as Python names it."""
    if isinstance(error, DefinitionError):
        message = error.message.replace(root.rstrip("/") + "/", "")
        return Report(f"{shown(error.file, root)}:{error.line}", message, error.help, [])
    if isinstance(error, SyntaxError) and error.filename:
        text = (error.text or "").rstrip("\n")
        caret = " " * max((error.offset or 1) - 1, 0) + "^"
        place = f"{shown(error.filename, root)}:{error.lineno}"
        lines = ["    " + text, "    " + caret] if text else []
        return Report(place, f"{type(error).__name__}: {error.msg}", _of_age(), lines)
    frames = frames_of(error, root)
    innermost = shown(frames[-1].filename, root) if frames else ""
    place = f"{innermost}:{frames[-1].lineno}" if frames else ""
    # A package may come with parts that only the Python of the sandbox can load.
    is_certain = not (isinstance(error, ImportError) and innermost.startswith(_VENDOR))
    return Report(place, said(error), _help(error), told(error, root), is_certain)


def said(error: BaseException) -> str:
    """Says what an exception says, on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def told(error: BaseException, root: str) -> list[str]:
    """Tells how an exception came about: the author's frames, innermost last, and what it says."""
    lines = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        lines = [*told(cause, root), "which led to:"]
    for frame in frames_of(error, root):
        lines.append(f"  {shown(frame.filename, root)}:{frame.lineno} in {frame.name}")
        if frame.line:
            lines.append(f"    {frame.line}")
    return [*lines, said(error)]


def frames_of(error: BaseException, root: str) -> list[traceback.FrameSummary]:
    """Returns the frames that are neither ours nor Python's own machinery."""
    frames = traceback.extract_tb(error.__traceback__)
    kept = [frame for frame in frames if not _is_machinery(frame.filename)]
    return kept[-FRAMES_MAX:]


def shown(file: str, root: str) -> str:
    """Names a file as seen from the project."""
    if file.startswith(_MOUNTED):
        return _VENDOR + file.removeprefix(_MOUNTED)
    return file.removeprefix(root.rstrip("/") + "/")


def keep_sources(root: str) -> None:
    """Keeps the author's lines for tracebacks: there are no files once the plugin is built."""
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not file or not file.endswith(".py") or not file.startswith(root.rstrip("/") + "/"):
            continue
        lines = linecache.getlines(file)
        # Without a time the entry is never compared with a file.
        linecache.cache[file] = (sum(map(len, lines)), None, lines, file)


def _is_machinery(file: str) -> bool:
    return file.startswith((_OURS + os.sep, "<frozen importlib")) or file == importlib.__file__


def _help(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        name = (error.name or "").partition(".")[0]
        return (
            f"add what has `{name}` to [project] dependencies of pyproject.toml, or write {name}.py"
        )
    return _of_age() if isinstance(error, (ImportError, AttributeError)) else ""


def _of_age() -> str:
    """Says so when this Python is older than that of the sandbox, and may not know what is written."""
    here = sys.version_info[:2]
    if here >= SANDBOX:
        return ""
    versions = f"{here[0]}.{here[1]} is here, and {SANDBOX[0]}.{SANDBOX[1]} in the sandbox"
    return f"if it is newer Python, write it as both read it: {versions}"
