"""Whether a secret is set. Its value is put into requests by the host and is never seen here.

The manifest asks for it: `secrets = [{ name = …, to = …, header = …, reason = … }]`.
"""

from __future__ import annotations

import sys

from ._permission import need as _need

_need("secrets")

if sys.platform == "wasi":
    from ._sandbox import secrets as _host
else:
    from ._fake import secrets as _host

__all__ = ["is_set"]


def is_set(name: str) -> bool:
    """Answers whether the operator set a secret of this name."""
    return _host.is_set(name)
