"""`ax:log/log`."""

from wit_world.imports import log


def write(level: str, message: str, fields: list[tuple[str, str]]) -> None:
    """Writes a line."""
    log.write(log.Level[level], message, fields)
