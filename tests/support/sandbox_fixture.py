"""A sandbox running inside the test process, on a free port, spoken to over real HTTP."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from connectors.sandbox.options import Options
from connectors.sandbox.server import SandboxServer
from tests.support.ports import free_port

ALIGN_TOKEN = "sandbox-align-token"
JIRA_TOKEN = "sandbox-jira-token"
ADMIN = "admin@sandbox.test"


class RunningSandbox:
    """Options as the command's: RunningSandbox(type_ids="lax", rate_limit="60/6"). No rate limit by default."""

    def __init__(self, **options: Any) -> None:
        given = {"rate_limit": "0", "port": 0, **options}
        self._server = SandboxServer(Options(**given))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self._session = requests.Session()
        self.url = self._server.url

    def reset(self, seed: str | None = None, **switches: object) -> None:
        """Fresh data, no faults, empty journal and limiter; switches stay until they are set again."""
        payload: dict[str, object] = {"switches": switches}
        if seed is not None:
            payload["seed"] = seed
        self._control("POST", "reset", payload)

    def journal(self, method: str | None = None, containing: str = "") -> list[dict[str, Any]]:
        """Requests in the order of their arrival, newest last; of one method, and with a part of the path."""
        entries: list[dict[str, Any]] = self._control("GET", "journal")
        return [
            entry
            for entry in entries
            if method in (None, entry["method"]) and containing.lower() in entry["path"].lower()
        ]

    def clear_journal(self) -> None:
        self._control("DELETE", "journal")

    def faults(self, *rules: dict[str, Any]) -> None:
        """Adds rules; without any, clears them all."""
        self._control("POST", "faults", list(rules)) if rules else self._control("DELETE", "faults")

    def edit(self, action: str, **fields: Any) -> Any:
        """A change by somebody else, see connectors.sandbox.edits."""
        return self._control("POST", "edit", {"action": action, **fields})

    def align(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """A signed-in Align request; `path` below /rest/align/api/2."""
        kwargs.setdefault("headers", {"Authorization": f"bearer {ALIGN_TOKEN}"})
        return requests.request(method, f"{self.url}/rest/align/api/2{path}", timeout=10, **kwargs)

    def jira(self, path: str, **kwargs: Any) -> requests.Response:
        """A signed-in Jira GET; `path` from the root, as /rest/api/3/myself."""
        kwargs.setdefault("auth", (ADMIN, JIRA_TOKEN))
        return requests.get(self.url + path, timeout=10, **kwargs)

    def close(self) -> None:
        self._session.close()
        self._server.close()
        self._thread.join(5)

    def _control(self, method: str, name: str, payload: object = None) -> Any:
        response = self._session.request(method, f"{self.url}/_sandbox/{name}", json=payload, timeout=60)
        if response.status_code != 200:
            raise AssertionError(f"{method} /_sandbox/{name}: {response.status_code} {response.text}")
        return response.json()


@pytest.fixture(scope="session")
def sandbox_port() -> int:
    return free_port()


@pytest.fixture
def sandbox(network: None, sandbox_port: int) -> Iterator[RunningSandbox]:
    """A fresh sandbox with the small data set, always at the same address."""
    running = RunningSandbox(port=sandbox_port)
    yield running
    running.close()
