"""One request and one response as plain values, and the error bodies of the two sites."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SandboxRequest:
    """`path` as it was sent, `raw_query` without the question mark, `base` like http://127.0.0.1:8001."""

    method: str
    path: str
    raw_query: str = ""
    body: bytes = b""
    content_type: str = ""
    authorization: str = ""
    cookie: str = ""
    accept_encoding: str = ""
    client: str = ""
    base: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query as it was sent, name by name."""
        return parse_qsl(self.raw_query, keep_blank_values=True)

    @property
    def query(self) -> dict[str, str]:
        """Query values by lower-case name, because Align takes names in any case."""
        return {name.lower(): value for name, value in self.pairs}

    def json(self) -> object:
        """The parsed body; None for an empty one. ValueError if it is not JSON."""
        try:
            return json.loads(self.body) if self.body.strip() else None
        except RecursionError as error:
            raise ValueError("it is too deep") from error


@dataclass(frozen=True, kw_only=True)
class Response:
    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what the journal says of it


# What is answered later: by whoever no longer holds the world's lock.
Answering = Response | Callable[[], Response]


def answer(payload: object, status: int = 200, *, notes: tuple[str, ...] = (), **headers: str) -> Response:
    body = json.dumps(payload, ensure_ascii=False).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, body=body, headers=named, notes=notes)


class ErrorAnswer(Exception):
    """Raised anywhere below a route; carries the response that ends the request."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def problem(status: int, title: str, errors: dict[str, list[str]] | None = None) -> ErrorAnswer:
    """Align's error: `application/problem+json`, the shape ASP.NET gives by itself (not confirmed)."""
    payload: Json = {"type": f"https://httpstatuses.io/{status}", "title": title, "status": status}
    if errors:
        payload["errors"] = errors
    body = json.dumps(payload, ensure_ascii=False).encode()
    return ErrorAnswer(Response(status=status, body=body, content_type="application/problem+json; charset=utf-8"))


def invalid(field_name: str, message: str) -> ErrorAnswer:
    return problem(400, "One or more validation errors occurred.", {field_name: [message]})


def not_found(what: str) -> ErrorAnswer:
    return problem(404, f"{what} was not found.")


def nothing_here() -> ErrorAnswer:
    """An address that Align does not know at all is answered by an empty 404."""
    return ErrorAnswer(Response(status=404))


def jira_error(status: int, message: str) -> ErrorAnswer:
    return ErrorAnswer(answer({"errorMessages": [message], "errors": {}}, status))
