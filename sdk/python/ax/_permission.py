"""Modules that are of use only with a permission of the manifest."""

from __future__ import annotations

from dataclasses import dataclass

from ._source import DefinitionError, caller


@dataclass(frozen=True)
class Permission:
    """What a module needs."""

    imported: str
    """The interface of the host behind it: a world names it when the manifest asks."""
    bound: str
    """The module that `componentize-py` makes of that interface."""
    line: str
    """What to write below `[permissions]` of `plugin.toml`."""


NEEDED = {
    "http": Permission(
        "ax:http/client",
        "client",
        'net = [{ to = "https://example.org", methods = ["GET"], reason = "…" }]',
    ),
    "kv": Permission("ax:kv/store", "store", 'kv = { bytes = "1 MiB", reason = "…" }'),
    "secrets": Permission(
        "ax:secrets/secrets",
        "secrets",
        'secrets = [{ name = "token", to = "https://example.org", header = "Authorization: Bearer {}",'
        ' reason = "…" }]',
    ),
}
"""The modules, by name."""

missing: set[str] = set()
"""Modules that the plugin being built may not use; none where nothing is built, as in tests."""


def need(module: str) -> None:
    """Refuses to import a module that the manifest does not ask for, where it is imported."""
    if module in missing:
        file, line = caller()
        message = f"`ax.{module}` is imported, and plugin.toml does not ask for it"
        raise DefinitionError(file, line, message, f"add to [permissions]: {NEEDED[module].line}")
