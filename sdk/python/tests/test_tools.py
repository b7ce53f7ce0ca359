"""What `@tool` makes of functions, and what it says of those it cannot make one of."""

from __future__ import annotations

import unittest
from dataclasses import dataclass
from typing import Annotated, Any

from ax import (
    Content,
    Error,
    ErrorKind,
    Output,
    _migrate,
    _permission,
    migrate,
    not_found,
    testing,
    tool,
)

from . import plugins


@dataclass
class Weather:
    """How it is there."""

    degrees: int


class Tools(unittest.TestCase):
    def setUp(self) -> None:
        around = plugins.alone()
        around.__enter__()
        self.addCleanup(around.__exit__, None, None, None)

    def test_a_tool_is_described_by_its_function(self) -> None:
        @tool(title="The weather", read_only=True, open_world=True)
        def weather_now(
            place: Annotated[str, "Where."], days: int = 1, unit: str | None = None
        ) -> Weather:
            """Says how the weather is.

            And why.
            """
            if place == "Nowhere":
                raise not_found(place, "there is no such town")
            return Weather(days + (unit is None))

        made = testing.tools()[0]
        self.assertEqual((made.name, made.title), ("weather-now", "The weather"))
        self.assertEqual(made.description, "Says how the weather is.\n\nAnd why.")
        self.assertTrue(made.annotations.read_only and made.annotations.open_world)
        self.assertFalse(made.annotations.destructive or made.annotations.idempotent)
        self.assertEqual(made.input_schema["required"], ["place"])
        self.assertEqual(made.input_schema["properties"]["days"], {"type": "integer", "default": 1})
        self.assertEqual(made.input_schema["additionalProperties"], False)
        assert made.output_schema is not None
        self.assertEqual(made.output_schema["properties"], {"degrees": {"type": "integer"}})
        self.assertEqual(testing.answer("weather-now", place="Ulm").structured, {"degrees": 2})
        self.assertEqual(weather_now("Ulm", 4), Weather(5), "it is a function still")
        refusals: list[tuple[dict[str, Any], ErrorKind, str]] = [
            ({}, ErrorKind.INVALID, "place"),
            ({"place": "Ulm", "dais": 1}, ErrorKind.INVALID, "dais"),
            ({"place": "Nowhere"}, ErrorKind.NOT_FOUND, "Nowhere"),
        ]
        for members, kind, code in refusals:
            with self.subTest(members), self.assertRaises(Error) as refused:
                testing.answer("weather-now", **members)
            self.assertEqual((refused.exception.kind, refused.exception.code), (kind, code))

    def test_a_single_parameter_called_input_is_the_whole_input(self) -> None:
        @tool
        def whole(input: Weather) -> str:
            """Takes it all."""
            return str(input.degrees)

        self.assertEqual(testing.answer("whole", degrees=3).content, [Content.text("3")])

    def test_an_answer_may_be_read_or_computed_with_or_both(self) -> None:
        @tool
        def nothing() -> None:
            """Says nothing."""

        @tool
        def pieces() -> list[Content]:
            """Shows."""
            return [Content.image("image/png", b"x"), Content.link("https://example.org/", "it")]

        @tool
        def both() -> tuple[str, Weather]:
            """Says it twice."""
            return "3 degrees", Weather(3)

        self.assertEqual(testing.answer("nothing"), Output())
        self.assertEqual([it.kind for it in testing.answer("pieces").content], ["image", "link"])
        wanted = Output([Content.text("3 degrees")], {"degrees": 3})
        self.assertEqual(testing.answer("both"), wanted)

    def test_a_migration_is_run_with_both_versions(self) -> None:
        seen = []

        @migrate
        def upgrade(from_version: str, to_version: str) -> None:
            seen.append((from_version, to_version))

        _migrate.run("0.1.0", "0.2.0")
        self.assertEqual(seen, [("0.1.0", "0.2.0")])


HEAD = "from pathlib import Path\nfrom ax import tool\n"
"""Two lines."""

WRONG: list[tuple[str, str, str, str]] = [
    (
        '@tool\ndef a() -> None:\n    """A."""\n@tool(name="a")\ndef b() -> None:\n    """B."""\n',
        "tools.py:7",
        "there are two tools `a`; the other is in line 4",
        'rename one, or write @tool(name="…")',
    ),
    (
        "@tool(\n    read_only=True,\n)\ndef a() -> None:\n    pass\n",
        "tools.py:6",
        "the tool `a` has no docstring",
        'write """What `a` does.""" below `def a(…)`',
    ),
    (
        '@tool\ndef a(\n    x: str,\n    y: Path,\n) -> None:\n    """A."""\n',
        "tools.py:6",
        "the parameter `y`: `Path` has no form in JSON",
        "write str, int, float",
    ),
    (
        '@tool\ndef a(x) -> None:\n    """A."""\n',
        "tools.py:4",
        "the parameter `x`: it has no type",
        "write `: str`, or another type",
    ),
    (
        '@tool\ndef a(*x: str) -> None:\n    """A."""\n',
        "tools.py:4",
        "`x` stands for any number of parameters, and tools have named ones",
        "name each, or take a list[…] or dict[str, …]",
    ),
    (
        '@tool(name="A_b")\ndef a() -> None:\n    """A."""\n',
        "tools.py:4",
        "`A_b` is no name for a tool",
        "a tool is named like `count-words`",
    ),
    (
        '@tool\ndef a():\n    """A."""\n',
        "tools.py:4",
        "what `a` answers: it does not say what it gives back",
        "write `-> str`, or `-> None`",
    ),
    (
        '@tool\ndef a() -> int:\n    """A."""\n',
        "tools.py:4",
        "what `a` answers: `int` is neither a text nor an object",
        "write a dataclass with a member of it",
    ),
    (
        '@tool\nasync def a() -> None:\n    """A."""\n',
        "tools.py:4",
        "`a` is no plain function",
        "write it with `def` and `return`",
    ),
    (
        '@tool\ndef a(x: "Missing") -> None:\n    """A."""\n',
        "tools.py:4",
        "`Missing` is used in an annotation and not known there",
        "import `Missing`, or define it further up",
    ),
    (
        "from ax import kv\n",
        "tools.py:3",
        "`ax.kv` is imported",
        "add to [permissions]: kv = { bytes",
    ),
    ("def a(:\n", "tools.py:3", "SyntaxError: invalid syntax", ""),
    ("x = 1 // 0\n", "tools.py:3", "ZeroDivisionError: ", ""),
]


class Mistakes(unittest.TestCase):
    def test_a_mistake_names_its_line_and_what_to_write(self) -> None:
        for text, place, message, help in WRONG:
            with self.subTest(message), plugins.alone():
                _permission.missing.add("kv")
                report = plugins.refused(HEAD + text)
                self.assertEqual(report.place, place)
                self.assertTrue(report.message.startswith(message), report.message)
                self.assertTrue(report.help.startswith(help), report.help)

    def test_a_traceback_shows_the_authors_lines_alone(self) -> None:
        report = plugins.refused("def a():\n    raise KeyError('x')\n\na()\n")
        self.assertEqual(
            report.traceback[-5:],
            [
                "  tools.py:4 in <module>",
                "    a()",
                "  tools.py:2 in a",
                "    raise KeyError('x')",
                "KeyError: 'x'",
            ],
        )
