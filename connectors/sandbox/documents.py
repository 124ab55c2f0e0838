"""Where Align has the documents of its API, the sandbox has one plain page: the addresses that it answers itself."""

import html
import re
from collections.abc import Iterable

from .align import LISTS
from .messages import Response

ADDRESS = re.compile(r"/rest/align/api/docs/index\.html", re.IGNORECASE)
MAPPINGS = (
    "/connectors/{connector}/mappings/states",
    "/connectors/{connector}/mappings/process-steps",
    "/connectors/{connector}/projects/{project}/mappings/states",
    "/connectors/{connector}/projects/{project}/mappings/process-steps",
)
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>The sandbox's API</title></head>
<body><h1>The sandbox's API</h1>
<p>This is a sandbox and no Jira Align. A real site has its own documents at this address; these are the addresses that
the sandbox answers, below <code>/rest/align/api/2</code>.</p>
<h2>Mappings</h2><p>GET lists and reads, POST makes, PUT changes, DELETE removes.</p><ul>{mappings}</ul>
<h2>Lists, to read</h2><ul>{lists}</ul>
</body></html>
"""


def serves(path: str) -> bool:
    return ADDRESS.fullmatch(path) is not None


def page() -> Response:
    lists = (re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern) for pattern, _ in LISTS)
    mappings = (address for each in MAPPINGS for address in (each, f"{each}/{{mapping}}"))
    text = PAGE.format(mappings=_items(mappings), lists=_items(lists))
    return Response(status=200, body=text.encode(), content_type="text/html; charset=utf-8")


def _items(addresses: Iterable[str]) -> str:
    return "".join(f"<li><code>{html.escape(each)}</code></li>" for each in addresses)
