"""Plugins written for tests, one text each."""

from __future__ import annotations

import contextlib
import importlib.util
import linecache
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import ax
from ax import _migrate, _permission, _tool, testing
from ax._report import Report, report_of


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Begins with no tools and an empty world, and ends so."""
    _tool.registered.clear()
    _migrate.forget()
    testing.reset()
    yield
    _tool.registered.clear()
    _permission.missing.clear()


def refused(text: str) -> Report:
    """Imports a plugin of this text, and returns what its author is told."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tools.py"
        path.write_text(text, encoding="utf-8")
        linecache.clearcache()
        for name in _permission.missing:  # As if nobody had imported it yet.
            sys.modules.pop(f"ax.{name}", None)
            ax.__dict__.pop(name, None)
        spec = importlib.util.spec_from_file_location("tools", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            return report_of(error, folder)
    raise AssertionError("nothing was wrong with it")
