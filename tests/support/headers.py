"""What every answer has in its headers and no page has in its text; each finding is one sentence."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HSTS = "max-age=31536000; includeSubDomains; preload"
# JSON has one encoding by its standard, and no parameter for it.
# The text of figures has a version, by its format.
KIND = re.compile(r"application/json|image/png|(text|application)/[a-z.]+;( version=[0-9.]+;)? charset=utf-8")
INLINE = re.compile(r"<script(?![^>]*\s(?:src=|type=.application/json))|<style|\sstyle=|\son\w+=|javascript:|hx-on|js:")
ID = re.compile(r"<[a-z][^>]*?\sid=[\"']?([^\"'\s>]+)")
CONFIG = re.compile(r"<meta name=\"htmx-config\" content='([^']+)'>")
STRICT = {
    "allowEval": False,
    "allowScriptTags": False,
    "includeIndicatorStyles": False,
    "historyCacheSize": 0,
    "defaultSettleDelay": 0,
    "timeout": 30000,
    "selfRequestsOnly": True,
}


def policy_of(answer: Any) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in answer.headers.get("Content-Security-Policy", "").split(";")]
    return {name: values for name, _, values in parts if name}


def wrong_headers(answer: Any) -> Iterator[str]:
    if policy_of(answer) != POLICY:
        yield f"policy {policy_of(answer)}"
    for name, value in FIXED.items():
        if answer.headers.get(name) != value:
            yield f"{name}: {answer.headers.get(name)}"
    if not {"no-store", "private"} <= set(re.split(r",\s*", answer.headers.get("Cache-Control", ""))):
        yield f"Cache-Control: {answer.headers.get('Cache-Control')}"
    has_body = answer.streaming or answer.content
    if has_body and not KIND.fullmatch(answer.headers.get("Content-Type", "")):
        yield f"Content-Type: {answer.headers.get('Content-Type')}"
    yield from (name for name in ("Server", "X-Powered-By") if name in answer.headers)


def wrong_html(html: str) -> Iterator[str]:
    yield from (found[0] for found in INLINE.finditer(html))
    yield from (f'{times} times id="{name}"' for name, times in Counter(ID.findall(html)).items() if times > 1)
    if "<head>" in html and html.count('<meta name="description" content="') != 1:
        yield "what it is, is not said once"
    if "htmx" in html:
        configs = CONFIG.findall(html)
        told = json.loads(configs[0]) if len(configs) == 1 else {}
        if {name: told.get(name) for name in STRICT} != STRICT or "inlineScriptNonce" in told:
            yield f"htmx is set up as {configs}"
