"""Requests and answers compared with an OpenAPI 3.0 document: paths, methods, parameters, fields and their types.

Only what such a document says without doubt is a difference. A field that it does not name is one in a request, since
a site may leave it out without a word; in an answer only where the document takes no further ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch")
JSON = "application/json"
MOST_ITEMS = 50  # of a list
DEEPEST = 40  # a schema may name itself
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
Schema = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer. `body` and `data` are parsed JSON, None where there is none."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Any = None
    status: int = 200
    data: Any = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class OpenApi:
    """One document. What it does not know at all, as another product's addresses, is for another document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._base = _base(document)

    @classmethod
    def of(cls, path: Path) -> OpenApi:
        return cls(json.loads(path.read_text("utf-8")))

    def covers(self, exchange: Exchange) -> bool:
        """Whether it has any address of the same API, as `/rest/api/3`."""
        root = "/".join(exchange.path.split("/")[:4])
        return any(f"{self._base}{path}/".startswith(f"{root}/") for path in self._document["paths"])

    def differences(self, exchange: Exchange) -> list[str]:
        """In sentences, each with the request in front."""
        return [f"{exchange}: {each}" for each in self._differences(exchange)]

    def _differences(self, exchange: Exchange) -> Iterator[str]:
        found = self._path(exchange.path)
        if found is None:
            yield "the document has no such path."
            return
        operation = found.get(exchange.method.lower())
        if operation is None:
            known = ", ".join(name.upper() for name in METHODS if name in found)
            yield f"the document has this path for {known} alone."
            return
        parameters = [self._resolved(each) for each in (*found.get("parameters", ()), *operation.get("parameters", ()))]
        yield from self._of_query(exchange, [each for each in parameters if each["in"] == "query"])
        yield from self._of_body(exchange, self._resolved(operation.get("requestBody", {})))
        yield from self._of_answer(exchange, operation["responses"])

    def _path(self, path: str) -> Schema | None:
        """The most literal of the templates that fit, as OpenAPI has it."""
        templates = [each for each in self._document["paths"] if _pattern(self._base + each).fullmatch(path)]
        best = min(templates, key=lambda each: each.count("{"), default=None)
        return None if best is None else self._document["paths"][best]

    # --- request ------------------------------------------------------------------------------------------------------

    def _of_query(self, exchange: Exchange, parameters: Sequence[Schema]) -> Iterator[str]:
        known = {each["name"]: each for each in parameters}
        sent = {name for name, _ in exchange.query}
        for name, value in exchange.query:
            if name not in known:
                yield f'the document knows no query parameter "{name}".'
            else:
                schema = self._resolved(known[name].get("schema", {}))
                yield from self._of_text(f'query parameter "{name}"', value, schema)
        for name, each in known.items():
            if each.get("required") and name not in sent:
                yield f'the query parameter "{name}" is missing.'

    def _of_text(self, what: str, value: str, schema: Schema) -> Iterator[str]:
        kind = schema.get("type")
        if kind == "array":
            items = self._resolved(schema.get("items", {}))
            for part in value.split(","):
                yield from self._of_text(what, part, items)
        elif kind == "integer" and not re.fullmatch(r"-?\d+", value):
            yield f"{what} is no whole number: {value}."
        elif kind == "boolean" and value not in ("true", "false"):
            yield f"{what} is neither true nor false: {value}."
        elif "enum" in schema and value not in schema["enum"]:
            yield f"{what} is none of {', '.join(map(str, schema['enum']))}: {value}."

    def _of_body(self, exchange: Exchange, described: Schema) -> Iterator[str]:
        schema = described.get("content", {}).get(JSON, {}).get("schema")
        if exchange.body is None:
            if described.get("required"):
                yield "the body is missing."
        elif schema is None:
            yield "the document knows no body."
        else:
            yield from self._of_value("body", exchange.body, schema, is_sent=True)

    # --- answer -------------------------------------------------------------------------------------------------------

    def _of_answer(self, exchange: Exchange, responses: Schema) -> Iterator[str]:
        answer = responses.get(str(exchange.status), responses.get("default"))
        if answer is None:
            yield f"the document knows no answer {exchange.status}."
            return
        schema = self._resolved(answer).get("content", {}).get(JSON, {}).get("schema")
        if schema is not None and exchange.status < 300:
            yield from self._of_value("answer", exchange.data, schema, is_sent=False)

    def _of_value(self, where: str, value: Any, schema: Schema, *, is_sent: bool, depth: int = 0) -> Iterator[str]:
        schema = self._merged(schema)
        if depth > DEEPEST or (value is None and schema.get("nullable")):
            return
        options = schema.get("oneOf") or schema.get("anyOf")
        if options:
            tried = [list(self._of_value(where, value, each, is_sent=is_sent, depth=depth + 1)) for each in options]
            if all(tried):
                yield from min(tried, key=len)
                return
        kind = schema.get("type", "object" if schema.get("properties") else None)
        if kind is not None and not _is_of(value, kind):
            yield f"{where} is {_named(value)} and not {kind}."
        elif "enum" in schema and value not in schema["enum"]:
            yield f"{where} is none of {', '.join(map(str, schema['enum']))}: {value}."
        elif isinstance(value, list):
            for each in value[:MOST_ITEMS]:
                yield from self._of_value(f"{where}[]", each, schema.get("items", {}), is_sent=is_sent, depth=depth + 1)
        elif isinstance(value, dict):
            yield from self._of_fields(where, value, schema, is_sent=is_sent, depth=depth + 1)

    def _of_fields(
        self, where: str, value: Mapping[str, Any], schema: Schema, *, is_sent: bool, depth: int
    ) -> Iterator[str]:
        properties = schema.get("properties", {})
        more = schema.get("additionalProperties", not is_sent or not properties)
        for name in schema.get("required", ()):
            if name not in value:
                yield f'{where} lacks the field "{name}".'
        for name, each in value.items():
            if name in properties:
                yield from self._of_value(f"{where}.{name}", each, properties[name], is_sent=is_sent, depth=depth)
            elif more is False:
                yield f'{where} has a field that the document does not know: "{name}".'
            elif isinstance(more, dict):
                yield from self._of_value(f"{where}.{name}", each, more, is_sent=is_sent, depth=depth)

    # --- references ---------------------------------------------------------------------------------------------------

    def _resolved(self, part: Schema) -> Schema:
        while "$ref" in part:
            found: Any = self._document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            part = found
        return part

    def _merged(self, schema: Schema) -> Schema:
        """With what all of `allOf` say put together."""
        schema = self._resolved(schema)
        if "allOf" not in schema:
            return schema
        parts = [self._merged(each) for each in schema["allOf"]]
        own = {name: value for name, value in schema.items() if name != "allOf"}
        merged: dict[str, Any] = {}
        for part in (*parts, own):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            required = [*merged.get("required", ()), *part.get("required", ())]
            merged |= {**part, "properties": properties, "required": required}
        return merged


def _base(document: Mapping[str, Any]) -> str:
    """The path of the server, which some documents leave out of their own paths."""
    servers = document.get("servers") or [{}]
    path = re.sub(r"^[a-z]+://[^/]*", "", servers[0].get("url", "")).rstrip("/")
    return path if path.startswith("/") else ""


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]*\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))


def _is_of(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, TYPES.get(kind, (object,)))


def _named(value: Any) -> str:
    found = (name for name, types in TYPES.items() if _is_of(value, name) and types)
    return "null" if value is None else next(found, type(value).__name__)
