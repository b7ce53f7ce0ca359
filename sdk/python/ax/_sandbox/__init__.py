"""What the host offers, through the modules that `componentize-py` makes of the world.

Only in the sandbox; each module here may be imported only where the world has its interface. Types of
the bindings stay in here: the others see plain tuples and `Error`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from componentize_py_types import Err
from wit_world.imports import types as wit

from .._error import Error, ErrorKind
from .._wire import data_of, text


def heard(error: wit.Error) -> Error:
    """Reads what the host says."""
    return Error(
        ErrorKind[error.kind.name],
        error.message,
        code=error.code,
        data=None if error.data is None else json.loads(error.data),
        retry_after_ms=error.retry_after_ms,
    )


def told(error: Error) -> wit.Error:
    """Says it to the host."""
    data, trouble = data_of(error)
    return wit.Error(
        kind=wit.ErrorKind[error.kind.name],
        message=text(f"{error.message}{trouble}"),
        code=text(error.code),
        retry_after_ms=error.retry_after_ms,
        data=data,
    )


@contextmanager
def hearing() -> Iterator[None]:
    """Turns the errors of the bindings into ours."""
    try:
        yield
    except Err as error:
        raise heard(error.value) from None
