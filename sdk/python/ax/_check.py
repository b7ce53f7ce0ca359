"""Looks at a plugin before it is built: `python3 -m ax._check FOLDER MODULE`.

Building takes seconds, and most mistakes are found here at once. What is found is printed as a line
`ax-report: {…}`.

Not here: what the sandbox's own Python refuses (`_guest`), which is asked later and decides.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import asdict

from . import _fake, _permission, _tool
from ._report import Report, report_of
from ._source import DefinitionError

MARK = "ax-report: "
"""What a report begins with."""

USED = "ax-used: "
"""What the list of interfaces begins with that the plugin imports."""

_WORLD = ".ax/wit/world.wit"


def load(module: str, root: str) -> Report | None:
    """Imports the author's module; tells what is wrong with it."""
    try:
        loaded = importlib.import_module(module)
        if not _tool.registered:
            file = loaded.__file__ or module
            raise DefinitionError(file, 1, "there is no tool", "write @tool above a function")
    except (Exception, SystemExit) as error:
        return report_of(error, root)
    return None


def tell(report: Report) -> None:
    """Prints a report for the program that builds."""
    print(MARK + json.dumps(asdict(report)), file=sys.stderr, flush=True)


def main() -> int:
    """Checks the plugin that the arguments name."""
    root, module = os.path.abspath(sys.argv[1]), sys.argv[2]
    with open(os.path.join(root, _WORLD), encoding="utf-8") as file:
        world = file.read()
    needed = _permission.NEEDED.items()
    _permission.missing.update(name for name, it in needed if f"import {it.imported}@" not in world)
    sys.path.insert(0, root)
    _fake.is_absent = True
    report = load(module, root)
    if report is not None:
        tell(report)
        return 1
    used = [it.imported for name, it in needed if f"ax.{name}" in sys.modules]
    print(USED + json.dumps(used), file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
