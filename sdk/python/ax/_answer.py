"""What a tool answers: something to read, something to compute with, or both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Media:
    """Bytes of one media type."""

    media_type: str
    """As `image/png`; at most 127 bytes."""
    data: bytes
    """The bytes themselves, not base64."""


@dataclass(frozen=True)
class Link:
    """A pointer to something that the reader may fetch; the host does not follow it."""

    uri: str
    """An absolute URI of at most 2,048 bytes; anything else, and a script, fails the call."""
    name: str
    """What to call it, one line of at most 128 bytes."""
    media_type: str | None = None
    """The media type behind it, where known."""
    description: str | None = None
    """What is behind it, at most 1 KiB."""


@dataclass(frozen=True)
class Content:
    """One piece of an answer that is meant to be read. Made by `Content.text` and the like."""

    kind: str
    """`text`, `image`, `audio`, `file` or `link`."""
    value: str | Media | Link
    """A text, bytes of a media type, or a pointer; as the kind says."""

    @staticmethod
    def text(text: str) -> Content:
        """Makes a piece of text; Markdown is welcome."""
        return Content("text", text)

    @staticmethod
    def image(media_type: str, data: bytes) -> Content:
        """Makes a picture of bytes such as a PNG's."""
        return Content("image", Media(media_type, data))

    @staticmethod
    def audio(media_type: str, data: bytes) -> Content:
        """Makes a sound."""
        return Content("audio", Media(media_type, data))

    @staticmethod
    def file(media_type: str, data: bytes) -> Content:
        """Makes a file of any other bytes."""
        return Content("file", Media(media_type, data))

    @staticmethod
    def link(
        uri: str,
        name: str,
        *,
        media_type: str | None = None,
        description: str | None = None,
    ) -> Content:
        """Makes a pointer to what is at `uri`."""
        return Content("link", Link(uri, name, media_type, description))


@dataclass(frozen=True)
class Output:
    """A whole answer: at most 1 MiB together."""

    content: list[Content] = field(default_factory=list)
    """The pieces in reading order, at most 1,000."""
    structured: dict[str, Any] | None = None
    """The answer for programs, an object."""
