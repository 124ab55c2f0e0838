"""Which private hosts the operator allows us to talk to."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings


def is_allowed_private(address: str) -> bool:
    parts = urlsplit(address)
    return bool({parts.netloc, parts.hostname} & set(settings.ALLOWED_PRIVATE_HOSTS))
