"""Where Align has the documents of its API, the sandbox has one plain page: the addresses that it answers itself."""

import html
import re
from collections.abc import Iterable

from .align import LISTS
from .messages import Response
from .objects.objects import OBJECTS
from .objects.table import ObjectField, ObjectType

ADDRESS = re.compile(r"/rest/align/api/docs/index\.html", re.IGNORECASE)
ABOUT = re.compile(r"/about/?", re.IGNORECASE)
VERSION = "10.128.0.41255"  # one from which on all objects of the table are there
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
<h2>Objects</h2>
<p>Query options: <code>$select</code>, <code>$filter</code>, <code>$orderby</code>, <code>$top</code> and
<code>$skip</code>, always with the dollar sign, and <code>expand</code> without it. There is no DELETE.</p>
{objects}
</body></html>
"""
OBJECT = """<section id="{key}"><h3>{name}</h3><dl>
<dt>Addresses</dt><dd>{addresses}</dd><dt>Methods</dt><dd>{methods}</dd>
<dt>Collections that any() filters</dt><dd>{collections}</dd><dt>expand adds</dt><dd>{expands}</dd>
<dt>Custom fields</dt><dd>{custom}</dd><dt>Noted</dt><dd>{remarks}</dd></dl>
<details><summary>{count} fields</summary><table><thead><tr><th scope="col">Field<th scope="col">Type
<th scope="col">Of<th scope="col">In a write</tr></thead><tbody>{fields}</tbody></table></details></section>
"""
EDITMETA = "<code>/{path}/editmeta</code>, <code>/{path}/{{id}}/editmeta</code>"
ABOUT_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>About the sandbox</title></head>
<body><h1>About</h1><p>This is a sandbox and no Jira Align. It answers as version {version}.</p></body></html>
"""


def serves(path: str) -> bool:
    return ADDRESS.fullmatch(path) is not None or ABOUT.fullmatch(path) is not None


def page(path: str) -> Response:
    """The documents, or the page from which public clients read the version; it needs no sign-in."""
    text = ABOUT_PAGE.format(version=VERSION) if ABOUT.fullmatch(path) else _documents()
    return Response(status=200, body=text.encode(), content_type="text/html; charset=utf-8")


def _documents() -> str:
    lists = (re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern) for pattern, _ in LISTS)
    mappings = (address for each in MAPPINGS for address in (each, f"{each}/{{mapping}}"))
    return PAGE.format(
        mappings=_items(mappings), lists=_items(lists), objects="".join(_object(each) for each in OBJECTS.values())
    )


def _object(each: ObjectType) -> str:
    before = "/connectors/{connector}" if each.under_connector else ""
    methods = dict.fromkeys((*each.methods(single=False), *each.methods(single=True)))
    return OBJECT.format(
        key=each.key,
        name=html.escape(each.name),
        addresses=", ".join(f"<code>{before}/{path}</code>" for path in each.paths),
        methods=", ".join(methods),
        collections=", ".join((*each.collections, *each.entities)) or "none",
        expands=", ".join(each.expands) or "nothing",
        custom=EDITMETA.format(path=each.path) if each.custom_fields else "none",
        remarks=html.escape(" ".join(each.remarks)) or "nothing",
        count=len(each.fields),
        fields="".join(_field_row(field) for field in each.fields.values()),
    )


def _field_row(field: ObjectField) -> str:
    written = "required" if field.required else "set by Align" if field.read_only else "optional"
    return f"<tr><td>{field.name}<td>{field.kind}<td>{field.target}<td>{written}</tr>"


def _items(addresses: Iterable[str]) -> str:
    return "".join(f"<li><code>{html.escape(each)}</code></li>" for each in addresses)
