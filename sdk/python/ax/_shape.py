"""Shapes: what a type annotation says about JSON. Each tells its JSON Schema and reads a value.

Invariant: a value that `read` accepts fits `schema`, and one that fits is accepted.
Not here: finding the shape of an annotation (`_derive`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any, Protocol

from ._error import Error, invalid

Schema = dict[str, Any]


class Shape(Protocol):
    """What a value has to be like."""

    def schema(self) -> Schema:
        """Returns its JSON Schema, 2020-12."""
        ...

    def read(self, value: Any, at: str) -> Any:
        """Turns a value of `json.loads` into one of the annotated type.

        `at` is where it stands, as `items[3].id`. Raises `invalid` with the place as the code.
        """
        ...


def _wrong(at: str, wanted: str, value: Any) -> Error:
    where = f"`{at}`" if at else "the input"
    return invalid(at, f"{where}: expected {wanted}, got {_said(value)}")


def _said(value: Any) -> str:
    """Says what a value is, and which one, if it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if len(value) <= 32 else "text"
    return "a list" if isinstance(value, list) else "an object"


@dataclass(frozen=True)
class Anything:
    """Any JSON value."""

    def schema(self) -> Schema:
        return {}

    def read(self, value: Any, at: str) -> Any:
        return value


@dataclass(frozen=True)
class Text:
    """A `str`."""

    def schema(self) -> Schema:
        return {"type": "string"}

    def read(self, value: Any, at: str) -> str:
        if isinstance(value, str):
            return value
        raise _wrong(at, "text", value)


@dataclass(frozen=True)
class Truth:
    """A `bool`."""

    def schema(self) -> Schema:
        return {"type": "boolean"}

    def read(self, value: Any, at: str) -> bool:
        if isinstance(value, bool):
            return value
        raise _wrong(at, "true or false", value)


@dataclass(frozen=True)
class Whole:
    """An `int`. As in JSON Schema, 3.0 is one."""

    def schema(self) -> Schema:
        return {"type": "integer"}

    def read(self, value: Any, at: str) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        raise _wrong(at, "a whole number", value)


@dataclass(frozen=True)
class Number:
    """A `float`."""

    def schema(self) -> Schema:
        return {"type": "number"}

    def read(self, value: Any, at: str) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        raise _wrong(at, "a number", value)


@dataclass(frozen=True)
class Null:
    """`None`."""

    def schema(self) -> Schema:
        return {"type": "null"}

    def read(self, value: Any, at: str) -> None:
        if value is not None:
            raise _wrong(at, "null", value)


@dataclass(frozen=True)
class Items:
    """A `list[T]`."""

    item: Shape

    def schema(self) -> Schema:
        return {"type": "array", "items": self.item.schema()}

    def read(self, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong(at, "a list", value)
        return [self.item.read(item, f"{at}[{index}]") for index, item in enumerate(value)]


@dataclass(frozen=True)
class Table:
    """A `dict[str, T]`."""

    value: Shape

    def schema(self) -> Schema:
        return {"type": "object", "additionalProperties": self.value.schema()}

    def read(self, value: Any, at: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(at, "an object", value)
        return {key: self.value.read(held, member_of(at, key)) for key, held in value.items()}


@dataclass(frozen=True)
class Choice:
    """A `Literal` or an `Enum`: one of these values, each with what it becomes."""

    choices: tuple[tuple[Any, Any], ...]

    def schema(self) -> Schema:
        return {"enum": [value for value, _ in self.choices]}

    def read(self, value: Any, at: str) -> Any:
        for known, becomes in self.choices:
            # 1 == True in Python and not in JSON.
            if type(known) is type(value) and known == value:
                return becomes
        shown = ", ".join(_said(known) for known, _ in self.choices)
        raise _wrong(at, f"one of {shown}", value)


@dataclass(frozen=True)
class Either:
    """A union: the first that fits."""

    shapes: tuple[Shape, ...]

    def schema(self) -> Schema:
        schemas = [shape.schema() for shape in self.shapes]
        # `str | None` in the short form, which models read more easily.
        if all(set(schema) == {"type"} for schema in schemas):
            return {"type": [schema["type"] for schema in schemas]}
        return {"anyOf": schemas}

    def read(self, value: Any, at: str) -> Any:
        present = [shape for shape in self.shapes if not isinstance(shape, Null)]
        if value is None and len(present) < len(self.shapes):
            return None
        if len(present) == 1:
            return present[0].read(value, at)
        for shape in present:
            try:
                return shape.read(value, at)
            except Error:
                continue
        raise _wrong(at, "one of the kinds that its schema names", value)


@dataclass(frozen=True)
class Member:
    """A member of an object."""

    shape: Shape
    description: str = ""
    required: bool = True
    is_filled: bool = False
    """Whether it is `None` when it is left out: an `X | None` without a default."""
    default: Any = None
    """What is told in the schema; the value itself is put in by whatever is called."""

    def schema(self) -> Schema:
        """Returns its schema with what is known of the member."""
        schema = self.shape.schema()
        if self.description:
            schema["description"] = self.description
        if self.default is not None:
            schema["default"] = to_json(self.default)
        return schema


@dataclass(frozen=True)
class Record:
    """An object of known members: parameters, a dataclass or a `TypedDict`."""

    members: dict[str, Member]
    description: str = ""
    make: Callable[..., Any] = dict
    is_open: bool = False
    """Whether members that are not known are left out rather than refused."""

    def schema(self) -> Schema:
        schema: Schema = {"type": "object"}
        if self.description:
            schema["description"] = self.description
        schema["properties"] = {name: it.schema() for name, it in self.members.items()}
        required = [name for name, member in self.members.items() if member.required]
        if required:
            schema["required"] = required
        schema["additionalProperties"] = False
        return schema

    def read(self, value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong(at, "an object", value)
        for name in value:
            if name not in self.members and not self.is_open:
                raise invalid(member_of(at, name), self._unknown(member_of(at, name)))
        read: dict[str, Any] = {}
        for name, member in self.members.items():
            place = member_of(at, name)
            if name in value:
                read[name] = member.shape.read(value[name], place)
            elif member.required:
                raise invalid(place, f"`{place}` is missing")
            elif member.is_filled:
                read[name] = None
        return self.make(**read)

    def _unknown(self, place: str) -> str:
        known = ", ".join(f"`{member}`" for member in self.members)
        return f"`{place}` is not known here" + (f"; known are {known}" if known else "")


def opened(shape: Shape) -> Shape:
    """Returns a shape that leaves out members which are not known, for what others have written."""
    match shape:
        case Items(item):
            return Items(opened(item))
        case Table(value):
            return Table(opened(value))
        case Either(shapes):
            return Either(tuple(opened(one) for one in shapes))
        case Record(members):
            inner = {name: replace(it, shape=opened(it.shape)) for name, it in members.items()}
            return replace(shape, members=inner, is_open=True)
    return shape


def member_of(at: str, name: str) -> str:
    """Names a member of what stands at `at`."""
    return f"{at}.{name}" if at else name


def to_json(value: Any) -> Any:
    """Turns a value of an annotated type into one that `json.dumps` takes."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        told = (field.name for field in fields(value) if field.init)
        return {name: to_json(getattr(value, name)) for name in told}
    if isinstance(value, dict):
        return {key: to_json(held) for key, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    return value
