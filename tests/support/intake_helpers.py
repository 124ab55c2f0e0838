"""Sending log lines through the pages: what is sent is read and shown first, then confirmed."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client


def send_lines(client: Client, *, slug: str = "acme", **fields: Any) -> HttpResponse:
    """Pasted or uploaded, up to the page that shows what was read; or the refusal."""
    answer = client.post("/history/intake/", {"connector": slug, **fields})
    return answer if answer.status_code != 303 else client.get(answer["Location"])  # type: ignore[return-value]


def import_lines(client: Client, *, slug: str = "acme", also: Any = (), **fields: Any) -> HttpResponse:
    """Sent and confirmed."""
    answer = client.post("/history/intake/", {"connector": slug, **fields})
    if answer.status_code != 303:
        return answer  # type: ignore[return-value]
    return client.post(answer["Location"], {"also": list(also)})  # type: ignore[return-value]
