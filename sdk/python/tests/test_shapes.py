"""Schemas of annotations, and the values that fit them."""

from __future__ import annotations

import enum
import unittest
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Optional, TypedDict

from ax import Error, ErrorKind
from ax._derive import Underivable, shape_of
from ax._shape import opened, to_json


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Place:
    """Where to look."""

    town: Annotated[str, "The name of a town."]
    near: bool = False
    tags: list[str] = field(default_factory=list)
    size: Size | None = None


class _Must(TypedDict):
    at: int


class Line(_Must, total=False):
    text: str


SCHEMAS: list[tuple[Any, Any]] = [
    (str, {"type": "string"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (bool, {"type": "boolean"}),
    (Any, {}),
    (list[int], {"type": "array", "items": {"type": "integer"}}),
    (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
    (Optional[str], {"type": ["string", "null"]}),
    (int | str, {"type": ["integer", "string"]}),
    (
        list[int] | None,
        {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "null"}]},
    ),
    (Literal["a", 1, True], {"enum": ["a", 1, True]}),
    (Size, {"enum": ["s", "l"]}),
    (
        Line,
        {
            "type": "object",
            "properties": {"at": {"type": "integer"}, "text": {"type": "string"}},
            "required": ["at"],
            "additionalProperties": False,
        },
    ),
]

READS: list[tuple[Any, Any, Any]] = [
    (int, 3, 3),
    (int, 3.0, 3),
    (float, 3, 3.0),
    (Optional[str], None, None),
    (int | str, "x", "x"),
    (Literal[1, True], True, True),
    (Size, "l", Size.LARGE),
    (dict[str, list[int]], {"a": [1]}, {"a": [1]}),
    (Place, {"town": "Ulm"}, Place("Ulm")),
    (Place, {"town": "Ulm", "near": True, "size": "s"}, Place("Ulm", True, [], Size.SMALL)),
    (Line, {"at": 1}, {"at": 1}),
]

REFUSED: list[tuple[Any, Any, str, str]] = [
    (str, 3, "", "the input: expected text, got 3"),
    (int, True, "", "the input: expected a whole number, got true"),
    (int, 3.5, "", "the input: expected a whole number, got 3.5"),
    (float, "x", "", 'the input: expected a number, got "x"'),
    (list[int], [1, None], "[1]", "`[1]`: expected a whole number, got null"),
    (Size, "m", "", 'the input: expected one of "s", "l", got "m"'),
    (Literal[1], True, "", "the input: expected one of 1, got true"),
    (Place, ["Ulm"], "", "the input: expected an object, got a list"),
    (Place, {}, "town", "`town` is missing"),
    (Place, {"town": "Ulm", "tags": [1]}, "tags[0]", "`tags[0]`: expected text, got 1"),
    (
        dict[str, Place],
        {"a": {"town": "", "b": 1}},
        "a.b",
        "`a.b` is not known here; known are `town`, `near`",
    ),
    (int | str, [], "", "the input: expected one of the kinds that its schema names, got a list"),
]


class Shapes(unittest.TestCase):
    def test_an_annotation_has_a_schema(self) -> None:
        for hint, schema in SCHEMAS:
            with self.subTest(hint):
                self.assertEqual(shape_of(hint).schema(), schema)

    def test_a_dataclass_says_what_its_members_are(self) -> None:
        schema = shape_of(Place).schema()
        self.assertEqual(schema["description"], "Where to look.")
        self.assertEqual(schema["required"], ["town"])
        town = {"type": "string", "description": "The name of a town."}
        self.assertEqual(schema["properties"]["town"], town)
        self.assertEqual(schema["properties"]["near"], {"type": "boolean", "default": False})

    def test_what_fits_is_turned_into_the_type(self) -> None:
        for hint, value, wanted in READS:
            with self.subTest(hint):
                read = shape_of(hint).read(value, "")
                self.assertEqual((read, type(read)), (wanted, type(wanted)))

    def test_what_does_not_fit_is_invalid_and_names_the_place(self) -> None:
        for hint, value, code, message in REFUSED:
            with self.subTest(message), self.assertRaises(Error) as refused:
                shape_of(hint).read(value, "")
            error = refused.exception
            self.assertEqual((error.kind, error.code), (ErrorKind.INVALID, code))
            self.assertTrue(error.message.startswith(message), error.message)

    def test_of_what_others_wrote_unknown_members_are_left_out(self) -> None:
        shape = opened(shape_of(list[Place]))
        self.assertEqual(shape.read([{"town": "Ulm", "far": 1}], ""), [Place("Ulm")])

    def test_values_go_back_as_they_came(self) -> None:
        place = {"town": "Ulm", "near": False, "tags": ["x"], "size": "l"}
        self.assertEqual(to_json(shape_of(Place).read(place, "")), place)

    def test_what_has_no_form_in_json_says_what_to_write(self) -> None:
        class Plain:
            pass

        for hint, why, help in [
            (list, "`list` does not say of what", "list[str]"),
            (dict[int, str], "keys that are no `str`", "dict[str, str]"),
            (bytes, "`bytes` has no form", "base64"),
            (Plain, "`Plain` is a class", "@dataclass"),
            (set[str], "`set[str]` has no form", "list[…]"),
            (complex, "`complex` has no form", "a TypedDict"),
        ]:
            with self.subTest(why), self.assertRaises(Underivable) as refused:
                shape_of(hint)
            self.assertIn(why, refused.exception.why)
            self.assertIn(help, refused.exception.help)
