"""What a password would be guessed by: how the connectors and their sites are called."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from connectors.models.connector import Connector


def guessable_words() -> Iterator[str]:
    for name, slug, align, jira in Connector.objects.values_list("name", "slug", "align_site", "jira_site"):
        yield from (name, slug, *(urlsplit(site).hostname or "" for site in (align, jira)))
