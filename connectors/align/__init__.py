"""Client of Jira Align. No Django."""

from connectors.align.auth import BadToken, Basic, Bearer, clean_token
from connectors.align.client import AlignClient, trim_site
from connectors.align.errors import ALIGN_WORDING
from connectors.align.list_reading import Paging, Presence
from connectors.align.resources import WriteAnswer, WriteRequest

__all__ = [
    "ALIGN_WORDING",
    "AlignClient",
    "BadToken",
    "Basic",
    "Bearer",
    "Paging",
    "Presence",
    "WriteAnswer",
    "WriteRequest",
    "clean_token",
    "trim_site",
]
