"""What is handed to the host: texts that every language has, and JSON that every reader takes.

Invariant: nothing here raises because of a half of a character (a lone surrogate), which becomes U+FFFD.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ._error import Error

_HALVES = re.compile("[\ud800-\udfff]")


def text(value: object) -> str:
    """Returns a text without halves of characters."""
    return _HALVES.sub("\ufffd", str(value))


def document(value: Any) -> str:
    """Writes JSON. Raises `ValueError` or `TypeError` where there is none."""
    return text(json.dumps(value, ensure_ascii=False, allow_nan=False))


def data_of(error: Error) -> tuple[str | None, str]:
    """Writes the data of an error, or says what is wrong with them: it is not lost for that."""
    if error.data is None:
        return None, ""
    try:
        return document(error.data), ""
    except (ValueError, TypeError, RecursionError) as trouble:
        return None, f" (the data of this error are no JSON: {trouble})"
