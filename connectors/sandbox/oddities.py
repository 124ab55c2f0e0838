"""Answers of other dialects: lists whose records are odd, named in another case, or wrapped; another charset."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .messages import Json, Response

HUGE = 2**63
UUID = "0b7e9c1e-5c4f-4a53-9f0e-0d3a1c2b4e5f"
CHARSETS = {"latin-1": "iso-8859-1", "utf-16": "utf-16"}
# Fields that only decorate a record, in odd forms; one name has what no database stores.
DECORATION: dict[str, Callable[[Any], Any]] = {
    "isActive": lambda value: int(bool(value)),
    "mapToState": lambda value: "Yes" if value else "No",
    "programIds": lambda value: ",".join(map(str, value)) if isinstance(value, list) else value,
    "subtask": lambda value: str(value).lower(),
    "simplified": lambda value: str(value).lower(),
    "hierarchyLevel": lambda value: None if value is None else float(value),
    "avatarId": lambda value: [value],
    "errorMessage": lambda _: {"none": True},
    "statusCategory": lambda value: value.get("key") if isinstance(value, dict) else value,
    "order": str,
    "name": lambda value: f"{value}\0\ud800" if value == "In Review" else value,
}
# One more record in each list, by what its records have: none of these can be used.
UNUSABLE: dict[str, tuple[Json, ...]] = {
    "projectKey": ({"projectKey": None}, {"id": HUGE}),
    "jiraStatusId": ({"jiraStatusId": None}, {"id": -7}),
    "statusCategory": ({"id": UUID}, {"id": None}),
    "processSteps": ({"id": HUGE},),
    "subtask": ({"id": UUID, "statuses": []},),
    "key": ({"key": None},),
}
STRANGER = 987_654_321  # the id of such a record, where its id is not what is odd


def answered(response: Response, odd: str) -> Response:
    """Only what is answered as JSON, and well; errors stay as they are."""
    if odd == "no" or response.status != 200 or "json" not in response.content_type:
        return response
    payload = json.loads(response.body)
    if odd in CHARSETS:
        charset = CHARSETS[odd]
        body = json.dumps(payload, ensure_ascii=False).encode(charset, errors="replace")
        return replace(response, body=body, content_type=f"application/json; charset={charset}")
    return replace(response, body=json.dumps(_told(payload, odd)).encode())


def _told(payload: Any, odd: str) -> Any:
    if odd == "pascal":
        return _pascal(payload)
    if odd in ("items", "data", "results"):
        return {odd: payload} if isinstance(payload, list) else payload
    if odd == "decoration":
        return _decorated(payload)
    if isinstance(payload, dict) and isinstance(payload.get("values"), list):
        return {**payload, "values": _with_unusable(payload["values"])}
    return _with_unusable(payload) if isinstance(payload, list) else payload


def _pascal(value: Any) -> Any:
    if isinstance(value, list):
        return [_pascal(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name[:1].upper() + name[1:]: _pascal(each) for name, each in value.items()}


def _decorated(value: Any) -> Any:
    if isinstance(value, list):
        return [_decorated(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: DECORATION[name](each) if name in DECORATION else _decorated(each) for name, each in value.items()}


def _with_unusable(rows: list[Any]) -> list[Any]:
    """None on a page that is empty, or a list would have no end."""
    first = rows[0] if rows and isinstance(rows[0], dict) else {}
    name = next((name for name in UNUSABLE if name in first), "")
    more = UNUSABLE.get(name, ())
    return [*rows, *({**_stranger(first), **wrong} for wrong in more)]


def _stranger(first: Json) -> Json:
    """A copy of a record that is nothing known."""
    names: Json = {field: f"Odd {field}" for field in ("name", "projectName", "key", "projectKey") if field in first}
    return {**first, "id": STRANGER, **names}
