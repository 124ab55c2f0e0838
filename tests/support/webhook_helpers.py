"""A connector with a webhook, registered in the sandbox's Jira or spoken to as that would."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Person
from connectors.models import Connector, InboxDelivery, Project, Webhook, WebhookSecretKind
from connectors.webhooks import services
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox


@dataclass
class HookedConnector:
    """`client` delivers over HTTP to the product, as Jira does."""

    connector: Connector
    webhook: Webhook
    sandbox: RunningSandbox
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    @property
    def address(self) -> str:
        return services.secrets_of(self.webhook)[WebhookSecretKind.ADDRESS]

    @property
    def secret(self) -> str:
        return services.secrets_of(self.webhook)[WebhookSecretKind.CURRENT]

    def payload(self, issue: Mapping[str, Any], event: str = "jira:issue_updated", **changes: Any) -> bytes:
        said = {"timestamp": 1796083200000, "webhookEvent": event, "issue": dict(issue), **changes}
        return json.dumps(said).encode()

    def deliver(
        self, body: bytes, *, secret: str | None = None, address: str = "", signed: bool = True, identifier: str = ""
    ) -> int:
        """The status of the answer."""
        headers = {"X-Atlassian-Webhook-Identifier": identifier} if identifier else {}
        if signed:
            key = (secret or self.secret).encode()
            headers["X-Hub-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
        where = f"/hooks/{address or self.address}/"
        answer = self.client.post(where, body, content_type="application/json", headers=headers)
        assert answer.content == b""
        return answer.status_code

    def jira(self, method: str, path: str, payload: object = None) -> Any:
        url = f"{self.sandbox.url}/rest/api/2{path}"
        answer = requests.request(method, url, json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def make(self) -> dict[str, Any]:
        fields = {"project": {"key": "PAY"}, "issuetype": {"name": "Story"}, "summary": "Heard of"}
        made: dict[str, Any] = self.jira("POST", "/issue", {"fields": fields})
        return self.issue(made["key"])

    def issue(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.jira("GET", f"/issue/{key}")
        return found

    def move(self, key: str) -> None:
        """To whatever its workflow lets it go first."""
        found = self.jira("GET", f"/issue/{key}/transitions")["transitions"]
        self.jira("POST", f"/issue/{key}/transitions", {"transition": {"id": found[0]["id"]}})

    def verdicts(self) -> list[str]:
        """In the order of arrival."""
        rows = InboxDelivery.objects.filter(webhook=self.webhook).order_by("id")
        return list(rows.values_list("verdict", flat=True))


def in_scope(connector: Connector, sandbox: RunningSandbox) -> Project:
    """PAY, as the sandbox's Jira knows it."""
    found = sandbox.jira("/rest/api/3/project/PAY").json()
    project, _ = Project.objects.update_or_create(
        connector=connector, jira_id=int(found["id"]), defaults={"key": "PAY", "name": found["name"], "in_scope": True}
    )
    return project


def hooked_connector(
    connector: Connector, sandbox: RunningSandbox, actor: Person, *, is_signed: bool = True
) -> HookedConnector:
    in_scope(connector, sandbox)
    webhook = services.set_up(connector, is_signed=is_signed, actor=actor)
    Webhook.objects.update(poll_due_at=timezone.now() + timedelta(seconds=59))  # when the test says so
    return HookedConnector(connector=connector, webhook=webhook, sandbox=sandbox)
