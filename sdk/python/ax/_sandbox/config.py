"""`ax:config/config`."""

from wit_world.imports.config import all, get

__all__ = ["all", "get"]
