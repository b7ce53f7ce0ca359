"""`ax:log/log`."""

from wit_world.imports import log

from .._wire import text


def write(level: str, message: str, fields: list[tuple[str, str]]) -> None:
    """Writes a line."""
    told = [(text(name), text(value)) for name, value in fields]
    log.write(log.Level[level], text(message), told)
