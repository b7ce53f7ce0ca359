"""Turns what a tool's function gives back into an answer."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ._answer import Content, Output
from ._derive import Underivable, name_of, shape_of, split
from ._shape import Schema, Shape, to_json

POSSIBLE = (
    "str, Content, list[Content], a dataclass, a TypedDict, dict[str, …], tuple[str, …] of a text "
    "and one of these, Output, or None"
)
"""What a tool can answer."""


@dataclass(frozen=True)
class Answer:
    """What a function gives back."""

    output: Callable[[Any], Output]
    """Makes an answer of it."""
    shape: Shape | None = None
    """The shape of `Output.structured`, if there is one."""

    def schema(self) -> Schema | None:
        """Returns the JSON Schema of `Output.structured`."""
        return None if self.shape is None else self.shape.schema()


_SIMPLE: dict[Any, Callable[[Any], Output]] = {
    str: lambda back: Output([Content.text(_text(back))]),
    type(None): lambda back: Output(),
    None: lambda back: Output(),
    Content: lambda back: Output([back]),
    list[Content]: lambda back: Output(list(back)),
    Output: lambda back: back,
}


def answer_of(hint: Any) -> Answer:
    """Finds how a function answers whose return annotation this is. Raises `Underivable`."""
    hint, _ = split(hint)
    if hint is inspect.Signature.empty:
        raise Underivable("it does not say what it gives back", "write `-> str`, or `-> None`")
    try:
        if hint in _SIMPLE:
            return Answer(_SIMPLE[hint])
    except TypeError:
        pass  # What has no hash is none of them.
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple and len(arguments) == 2 and arguments[0] is str:
        return Answer(_told_twice, _object(arguments[1]))
    return Answer(lambda back: Output(structured=_structured(back)), _object(hint))


def _object(hint: Any) -> Shape:
    """Returns the shape of data for programs, which are an object."""
    try:
        shape = shape_of(hint)
    except Underivable as error:
        raise Underivable(error.why, f"{error.help}; a tool answers {POSSIBLE}") from None
    if shape.schema().get("type") != "object":
        why = f"`{name_of(hint)}` is neither a text nor an object"
        raise Underivable(why, f"write a dataclass with a member of it; a tool answers {POSSIBLE}")
    return shape


def _told_twice(back: tuple[str, Any]) -> Output:
    text, value = back
    return Output([Content.text(_text(text))], _structured(value))


def _text(back: Any) -> str:
    if isinstance(back, str):
        return back
    raise TypeError(f"the tool says it answers `str`, and gave back {type(back).__name__}")


def _structured(back: Any) -> dict[str, Any]:
    value = to_json(back)
    if isinstance(value, dict):
        return value
    raise TypeError(f"the tool says it answers an object, and gave back {type(back).__name__}")
