"""The form of a new connector over HTTP: filled in, and what came back at its fields."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from tests.support.sandbox_fixture import ADMIN, ALIGN_TOKEN, JIRA_TOKEN

NEW = "/connectors/new/"


def asked_first(align: str, jira: str = "", **more: Any) -> dict[str, Any]:
    """What the page asks before the sites were: `jira` is the same site without."""
    return {
        "name": "Acme production",
        "align_site": align,
        "align-kind": "align-bearer",
        "align-secret": ALIGN_TOKEN,
        "jira_site": jira or align,
        "jira-kind": "jira-cloud",
        "jira-user": ADMIN,
        "jira-secret": JIRA_TOKEN,
        "act": "look",
        **more,
    }


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


def wrong(answer: Any) -> dict[str, str]:
    """Sentence by the field at which it stands."""
    found = re.findall(r'<div class="error" id="id_([\w-]+)_error">(.*?)</div>', text(answer), re.DOTALL)
    return {name: re.sub(r"<[^>]+>", " ", said).strip() for name, said in found}


def value(answer: Any, name: str) -> str:
    """Of a box, a choice or a list of choices as it is drawn; empty for none."""
    page = text(answer)
    if picked := re.search(rf'<input type="radio" name="{name}" value="([^"]*)" checked', page):
        return picked[1]
    if box := re.search(rf'<input [^>]*name="{name}"[^>]*>', page):
        shown = re.search(r' value="([^"]*)"', box[0])
        return shown[1] if shown and 'type="radio"' not in box[0] else ""
    chosen = re.search(rf'<select name="{name}".*?</select>', page, re.DOTALL)
    option = re.search(r'value="([^"]*)" selected', chosen[0]) if chosen else None
    return option[1] if option else ""
