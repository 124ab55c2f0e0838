"""What the tests of objects share: a request by somebody's token, and a body that a POST takes."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.sandbox.objects import custom_fields
from connectors.sandbox.objects.objects import OBJECTS
from connectors.sandbox.objects.table import ObjectType
from tests.support.sandbox_fixture import ALIGN_TOKEN, RunningSandbox

READER, SHOPKEEPER, BLIND = "reads only", "reads portfolio 1", "may nothing"
LINKS = {"portfolio": 1, "program": 11, "story": 1}  # an id that a required link may have


class Align:
    """A running sandbox with three more tokens, spoken to over one connection."""

    def __init__(self, **options: Any) -> None:
        self.running = RunningSandbox(**options)
        self.session = requests.Session()
        self.running.edit("add_token", site="align", token=READER, rights=["read"])
        self.running.edit("add_token", site="align", token=SHOPKEEPER, portfolio=1, user="shop@sandbox.test")
        self.running.edit("add_token", site="align", token=BLIND, rights=[])

    def __call__(self, method: str, path: str, *, token: str = ALIGN_TOKEN, **kwargs: Any) -> requests.Response:
        headers = {"Authorization": f"bearer {token}", **kwargs.pop("headers", {})}
        url = path if path.startswith("http") else f"{self.running.url}/rest/align/api/2{path}"
        return self.session.request(method, url, headers=headers, timeout=10, **kwargs)

    def rows(self, path: str, **kwargs: Any) -> Any:
        return self("GET", path, **kwargs).json()

    def close(self) -> None:
        self.session.close()
        self.running.close()


@pytest.fixture(scope="module")
def align(network: None) -> Iterator[Align]:
    """One for all tests of a file; whoever changes something takes a record of its own."""
    opened = Align()
    yield opened
    opened.close()


def listed() -> list[ObjectType]:
    return [each for each in OBJECTS.values() if not each.under_connector]


def smallest(described: ObjectType) -> dict[str, Any]:
    """The required fields alone."""
    body: dict[str, Any] = {
        each.name: LINKS[each.target] if each.target else "Made by a test"
        for each in described.fields.values()
        if each.required
    }
    fields = custom_fields.active(described.key) if described.custom_fields else ()
    return body | {each.key: "1.0" for each in fields if each.required}
