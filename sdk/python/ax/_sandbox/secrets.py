"""`ax:secrets/secrets`."""

from wit_world.imports.secrets import is_set

__all__ = ["is_set"]
