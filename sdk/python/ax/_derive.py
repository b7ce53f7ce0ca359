"""Finds the shape of a type annotation.

Not here: where the annotation stands, which is what an author is told (`_tool`).
"""

from __future__ import annotations

import dataclasses
import inspect
import sys
import types
import typing
from enum import Enum
from typing import Any, Literal, Union

from . import _shape as shape
from ._shape import Member, Record, Shape

POSSIBLE = (
    "str, int, float, bool, list[…], dict[str, …], X | None, Literal, an Enum, a dataclass or a "
    "TypedDict"
)
"""What has a shape."""

_SIMPLE: dict[Any, Shape] = {
    str: shape.Text(),
    int: shape.Whole(),
    float: shape.Number(),
    bool: shape.Truth(),
    type(None): shape.Null(),
    None: shape.Null(),
    Any: shape.Anything(),
    object: shape.Anything(),
}

_UNIONS = {Union, types.UnionType}


class Underivable(Exception):
    """An annotation has no shape: says why, and what to write."""

    def __init__(self, why: str, help: str) -> None:
        super().__init__(why)
        self.why = why
        self.help = help


def shape_of(hint: Any, above: tuple[Any, ...] = ()) -> Shape:
    """Returns the shape of an annotation; `above` are the types it is a part of."""
    hint, _ = split(hint)
    try:
        if hint in _SIMPLE:
            return _SIMPLE[hint]
    except TypeError:
        pass  # What has no hash is none of them.
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return shape.Either(tuple(shape_of(argument, above) for argument in arguments))
    if origin is Literal:
        return _literal(hint, arguments)
    if origin is list:
        return shape.Items(shape_of(arguments[0], above))
    if origin is dict:
        return _table(hint, arguments, above)
    if isinstance(hint, type):
        return _class(hint, above)
    return _refuse(hint)


def split(hint: Any) -> tuple[Any, str]:
    """Takes an annotation and its description apart: `Annotated[str, "Who is greeted."]`."""
    described = ""
    while typing.get_origin(hint) in _WRAPPERS:
        words = [word for word in getattr(hint, "__metadata__", ()) if isinstance(word, str)]
        described = described or (inspect.cleandoc(words[0]) if words else "")
        hint = typing.get_args(hint)[0]
    return hint, described


_WRAPPERS = {
    typing.Annotated,
    *(getattr(typing, name) for name in ("Required", "NotRequired") if hasattr(typing, name)),
}


def may_be_none(hint: Any) -> bool:
    """Answers whether a type has `None` in it."""
    hint, _ = split(hint)
    return typing.get_origin(hint) in _UNIONS and type(None) in typing.get_args(hint)


def name_of(hint: Any) -> str:
    """Names a type as its author wrote it."""
    if isinstance(hint, type) and typing.get_origin(hint) is None:
        return hint.__name__
    return str(hint).replace("typing.", "")


def _literal(hint: Any, arguments: tuple[Any, ...]) -> Shape:
    if not all(isinstance(value, (str, int, bool)) for value in arguments):
        return _refuse(hint)
    return shape.Choice(tuple((value, value) for value in arguments))


def _table(hint: Any, arguments: tuple[Any, ...], above: tuple[Any, ...]) -> Shape:
    if arguments[0] is not str:
        why = f"`{name_of(hint)}` has keys that are no `str`, and JSON has no others"
        raise Underivable(why, f"write dict[str, {name_of(arguments[1])}]")
    return shape.Table(shape_of(arguments[1], above))


def _class(hint: type, above: tuple[Any, ...]) -> Shape:
    if hint in above:
        why = f"`{hint.__name__}` has itself as a member"
        raise Underivable(why, "write the inner one as dict[str, Any], and read it yourself")
    if issubclass(hint, Enum):
        values = tuple((member.value, member) for member in hint)
        if not all(isinstance(value, (str, int)) for value, _ in values):
            why = f"`{hint.__name__}` has values that are neither text nor whole numbers"
            raise Underivable(why, 'write them as NAME = "name"')
        return shape.Choice(values)
    if dataclasses.is_dataclass(hint):
        return _dataclass(hint, (*above, hint))
    if hasattr(hint, "__required_keys__"):
        return _typed_dict(hint, (*above, hint))
    return _refuse(hint)


def _dataclass(hint: Any, above: tuple[Any, ...]) -> Record:
    members: dict[str, Member] = {}
    hints = hints_of(hint)
    for field in dataclasses.fields(hint):
        if not field.init:
            continue
        missing = dataclasses.MISSING
        has_default = field.default is not missing or field.default_factory is not missing
        members[field.name] = Member(
            shape_of(hints[field.name], above),
            split(hints[field.name])[1],
            required=not has_default and not may_be_none(hints[field.name]),
            is_filled=not has_default,
            default=None if field.default is missing else field.default,
        )
    return Record(members, _docstring(hint), hint)


def _typed_dict(hint: Any, above: tuple[Any, ...]) -> Record:
    required = hint.__required_keys__
    members = {
        name: Member(shape_of(inner, above), split(inner)[1], required=name in required)
        for name, inner in hints_of(hint).items()
    }
    return Record(members, _docstring(hint))


def hints_of(subject: Any) -> dict[str, Any]:
    """Returns the annotations of a function or class, those written as text included."""
    try:
        return typing.get_type_hints(subject, include_extras=True)
    except NameError as error:
        why = f"`{error.name}` is used in an annotation and not known there"
        raise Underivable(why, f"import `{error.name}`, or define it further up") from None
    except (SyntaxError, TypeError) as error:
        raise Underivable(f"an annotation cannot be read: {error}", f"write {POSSIBLE}") from None


def _docstring(hint: type) -> str:
    """Returns what the author wrote; `dataclass` makes a docstring where there is none."""
    text = hint.__doc__ or ""
    is_made = text.startswith(f"{hint.__name__}(") or hint.__doc__ == dict.__doc__
    return "" if is_made else inspect.cleandoc(text)


def _refuse(hint: Any) -> Shape:
    bare = {
        list: ("`list` does not say of what", "write list[str], or of another type"),
        dict: ("`dict` does not say of what", "write dict[str, Any], or a dataclass"),
        bytes: ("`bytes` has no form in JSON", "write str, and decode base64 yourself"),
        inspect.Parameter.empty: ("it has no type", "write `: str`, or another type"),
    }
    for known, (why, help) in bare.items():
        if hint is known:
            raise Underivable(why, help)
    module = getattr(hint, "__module__", "")
    shown = name_of(hint)
    if isinstance(hint, type) and module not in ("builtins", "typing") and _is_the_authors(module):
        raise Underivable(
            f"`{shown}` is a class, and its members are not known",
            f"write @dataclass above `{shown}`",
        )
    raise Underivable(f"`{shown}` has no form in JSON", f"write {POSSIBLE}")


def _is_the_authors(module: str) -> bool:
    return module.partition(".")[0] not in sys.stdlib_module_names
