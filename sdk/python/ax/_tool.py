"""Makes tools of functions: `@tool`."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from ._answer import Output
from ._derive import Underivable, hints_of, may_be_none, shape_of, split
from ._error import invalid, not_found
from ._result import Answer, answer_of
from ._shape import Member, Record, Schema, Shape
from ._source import DefinitionError, line_of

NAME_BYTES_MAX = 64
"""The most bytes that the name of a tool may have."""

DESCRIPTION_BYTES_MAX = 4096
"""The most bytes that the description of a tool may have."""

TOOLS_MAX = 256
"""The most tools of one plugin."""

WHOLE = "input"
"""The parameter that, alone, is the whole input."""

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Annotations:
    """What a tool promises about itself. A claim: the host never grants anything because of it."""

    read_only: bool = False
    """It changes nothing that outlives the call."""
    destructive: bool = False
    """It may remove or overwrite what was there before."""
    idempotent: bool = False
    """A second call with the same input changes nothing more."""
    open_world: bool = False
    """It reaches things outside this host, as the web."""


@dataclass(frozen=True)
class Tool:
    """A tool as models, programs and people see it; `@tool` makes one of a function."""

    name: str
    """Unique within the plugin: kebab-case, at most 64 characters."""
    title: str | None
    """A few words for people."""
    description: str
    """What it does and when to use it: at most 4 KiB."""
    input_schema: Schema
    """JSON Schema of the input, an object."""
    output_schema: Schema | None
    """JSON Schema of `Output.structured`."""
    annotations: Annotations
    """What it promises."""
    function: Callable[..., Any]
    """What is called."""
    takes_whole: bool
    """Whether the input is one parameter, and not each member of it."""
    input: Shape
    """Reads the input."""
    answer: Answer
    """Turns what the function gives back into an answer."""

    def run(self, text: str) -> Output:
        """Calls the function with one JSON document."""
        try:
            value = json.loads(text)
        except ValueError as error:
            raise invalid("", f"the input is no JSON: {error}") from None
        given = self.input.read(value, "")
        back = self.function(given) if self.takes_whole else self.function(**given)
        return self.answer.output(back)


registered: dict[str, Tool] = {}
"""The tools by name, in the order they were defined."""


@overload
def tool(function: _F) -> _F: ...


@overload
def tool(
    *,
    name: str | None = None,
    title: str | None = None,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
) -> Callable[[_F], _F]: ...


def tool(
    function: Any = None,
    *,
    name: str | None = None,
    title: str | None = None,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
) -> Any:
    """Makes a tool of a function, which stays as it is: tests call it like any other.

    The docstring is the tool's description, the name is the function's with hyphens unless `name` is
    given, parameters are the members of the input. A single parameter called `input` is the whole input.
    """
    promises = Annotations(read_only, destructive, idempotent, open_world)

    def make(function: _F) -> _F:
        made = _tool_of(function, name, title, promises)
        registered[made.name] = made
        return function

    return make if function is None else make(function)


def call(name: str, text: str) -> Output:
    """Calls a tool by name with one JSON document."""
    found = registered.get(name)
    if found is None:
        raise not_found(name, f"there is no tool `{name}`")
    return found.run(text)


def _tool_of(function: Any, name: str | None, title: str | None, promises: Annotations) -> Tool:
    name = function.__name__.strip("_").replace("_", "-") if name is None else name
    _check_name(function, name)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise _wrong(function, f"`{name}` is no plain function", "write it with `def` and `return`")
    description = inspect.cleandoc(function.__doc__ or "")
    if not description:
        help = f'write """What `{name}` does.""" below `def {function.__name__}(…)`'
        raise _wrong(function, f"the tool `{name}` has no docstring", help)
    if len(description.encode()) > DESCRIPTION_BYTES_MAX:
        message = f"the docstring of `{name}` is longer than {DESCRIPTION_BYTES_MAX} bytes"
        raise _wrong(function, message, "say what it does and when to use it, and no more")
    try:
        hints = hints_of(function)
    except Underivable as error:
        raise _wrong(function, error.why, error.help) from None
    shape = _input(function, hints)
    answer = _answer(function, hints)
    return Tool(
        name=name,
        title=title,
        description=description,
        input_schema=shape.schema(),
        output_schema=answer.schema(),
        annotations=promises,
        function=function,
        takes_whole=list(inspect.signature(function).parameters) == [WHOLE],
        input=shape,
        answer=answer,
    )


def _check_name(function: Any, name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > NAME_BYTES_MAX:
        message = f"`{name}` is no name for a tool"
        help = (
            "a tool is named like `count-words`: lower-case letters, digits and single hyphens, at "
            f"most {NAME_BYTES_MAX}"
        )
        raise _wrong(function, message, help)
    if name in registered:
        other = registered[name].function.__code__
        message = f"there are two tools `{name}`; the other is in line {line_of(other)}"
        if other.co_filename != function.__code__.co_filename:
            message += f" of {other.co_filename}"
        raise _wrong(function, message, 'rename one, or write @tool(name="…")')
    if len(registered) == TOOLS_MAX:
        message = f"there are more than {TOOLS_MAX} tools"
        raise _wrong(function, message, "make a second plugin of some of them")


def _input(function: Any, hints: dict[str, Any]) -> Shape:
    parameters = inspect.signature(function).parameters
    if list(parameters) == [WHOLE]:
        whole = _derived(function, WHOLE, hints.get(WHOLE, inspect.Parameter.empty))
        if whole.schema().get("type") != "object":
            message = f"`{WHOLE}` alone is the whole input, which is an object"
            raise _wrong(
                function, message, "give it the type of a dataclass, or another name", WHOLE
            )
        return whole
    members: dict[str, Member] = {}
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            message = f"`{name}` stands for any number of parameters, and tools have named ones"
            raise _wrong(function, message, "name each, or take a list[…] or dict[str, …]", name)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            message = f"`{name}` has no name from outside"
            raise _wrong(function, message, "take `/` out of the parameters", name)
        hint = hints.get(name, parameter.empty)
        shape = _derived(function, name, hint)
        has_default = parameter.default is not parameter.empty
        members[name] = Member(
            shape,
            split(hint)[1],
            required=not has_default and not may_be_none(hint),
            is_filled=not has_default,
            default=parameter.default if has_default else None,
        )
    return Record(members)


def _derived(function: Any, name: str, hint: Any) -> Shape:
    try:
        return shape_of(hint)
    except Underivable as error:
        message = f"the parameter `{name}`: {error.why}"
        raise _wrong(function, message, error.help, name) from None


def _answer(function: Any, hints: dict[str, Any]) -> Answer:
    try:
        return answer_of(hints.get("return", inspect.Signature.empty))
    except Underivable as error:
        raise _wrong(
            function, f"what `{function.__name__}` answers: {error.why}", error.help
        ) from None


def _wrong(function: Any, message: str, help: str, member: str | None = None) -> DefinitionError:
    code = function.__code__
    return DefinitionError(code.co_filename, line_of(code, member), message, help)
