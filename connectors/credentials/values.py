"""A secret on its way in, before it is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from connectors.models import (
    System,
)


@dataclass(frozen=True, kw_only=True)
class SecretData:
    system: System
    kind: str
    user: str
    secret: str
    expires_on: date | None = None

    def __repr__(self) -> str:
        return f"SecretData({self.system}, {self.kind})"
