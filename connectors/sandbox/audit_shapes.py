"""The audit log as sites may answer it; no source shows the connector's own, one client's code shows another list's.

`seen` is that one: `auditTimeStamp` and HTML in `details`, without ids. The others are its parts, and refusals.
"""

import datetime as dt
import html
import re
from typing import Any

from .messages import ErrorAnswer, invalid, problem

Line = dict[str, Any]
REFUSALS = ("400", "403", "405")


def shaped(lines: list[Line], shape: str) -> list[Line]:
    """Refuses, where the switch says so."""
    if shape in REFUSALS:
        raise _refused(int(shape))
    return [_shape(line, shape) for line in lines]


def _refused(status: int) -> ErrorAnswer:
    if status == 400:
        return invalid("auditlog", "The value 'auditlog' is not valid.")
    return problem(status, {403: "Forbidden", 405: "Method Not Allowed"}[status])


def _shape(line: Line, shape: str) -> Line:
    if shape == "seen":
        return {
            "auditTimeStamp": line["timestamp"],
            "userName": line["user"],
            "details": _markup(line["description"]),
        }
    if shape == "us-dates":
        return line | {"timestamp": _us_date(line["timestamp"])}
    if shape == "no-id":
        return {name: value for name, value in line.items() if name != "id"}
    if shape == "unreadable":
        return {"id": line["id"], "entry": f"{line['timestamp']} {line['description']}"}
    return line


def _us_date(timestamp: str) -> str:
    at = dt.datetime.fromisoformat(timestamp)
    return f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S} {'AM' if at.hour < 12 else 'PM'}"


def _markup(description: str) -> str:
    """The head in bold, each field's value in an element of its own, signs as entities."""
    text = html.escape(description, quote=False).replace("→", "&rarr;")
    text = re.sub(r"\[([^\[\]]*)\]", r"[<value>\1</value>]", text)
    return f'<div class="audit"><b>{text[:6]}</b>{text[6:]}</div>'
