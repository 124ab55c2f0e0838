"""What an act can end in that its person is told about."""

from __future__ import annotations


class Refused(Exception):
    """The act was refused and nothing changed; the message says why and what to do."""


class SealError(Exception):
    """A key or a sealed value is not usable; the message never holds a secret."""
