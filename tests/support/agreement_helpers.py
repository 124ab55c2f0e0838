"""The agreement check over HTTP and its jobs: switched on, run to their end, and both systems moved by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from alignadmin.accounts.models import Person
from connectors.jobs import runner
from connectors.models import Connector, Job, JobKind, JobState, Project
from mappings.items.agreement import services
from mappings.items.agreement.job import CHANGED, SAMPLED, WHOLE
from mappings.models import AgreementRun, ComparedItem
from tests.support.sandbox_fixture import ADMIN, JIRA_TOKEN, RunningSandbox

PATHS = {"feature": "features", "story": "stories", "defect": "defects", "task": "tasks"}


def run(connector: Connector, subject: str) -> Job:
    """Its job has come to its end, well."""
    job = runner.run_now(runner.start(connector, JobKind.AGREEMENT, actor=None, subject=subject))
    assert job.state == JobState.DONE, job.error
    return job


def compare_whole(connector: Connector) -> AgreementRun:
    """Slice by slice until it is over."""
    run(connector, WHOLE)
    while AgreementRun.objects.filter(connector=connector, kind=WHOLE, finished_at=None).exists():
        run(connector, WHOLE)
    return AgreementRun.objects.filter(connector=connector, kind=WHOLE).latest("pk")


def compare_sample(connector: Connector) -> AgreementRun:
    run(connector, SAMPLED)
    return AgreementRun.objects.filter(connector=connector, kind=SAMPLED).latest("pk")


def compare_changed(connector: Connector) -> None:
    run(connector, CHANGED)


def compare_project(connector: Connector, key: str, actor: Person, issue: str = "") -> AgreementRun:
    asked = services.compare_now(connector, Project.objects.get(key=key), issue, actor=actor)
    assert asked.job is not None
    job = runner.run_now(asked.job)
    assert job.state == JobState.DONE, job.error
    asked.refresh_from_db()
    return asked


def pair(key: str) -> ComparedItem:
    return ComparedItem.objects.get(issue_key=key)


def verdict(key: str) -> tuple[str, str]:
    found = pair(key)
    return found.outcome, found.reason


@dataclass(frozen=True)
class TwoSides:
    """The sandbox, changed on either side as people do."""

    sandbox: RunningSandbox

    def jira(self, method: str, path: str, payload: object = None) -> Any:
        url = f"{self.sandbox.url}/rest/api/2{path}"
        answer = requests.request(method, url, json=payload, auth=(ADMIN, JIRA_TOKEN), timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def transitions(self, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.jira("GET", f"/issue/{key}/transitions")["transitions"]
        return found

    def move(self, key: str, status: str) -> None:
        number = next(each["id"] for each in self.transitions(key) if each["to"]["name"] == status)
        self.jira("POST", f"/issue/{key}/transitions", {"transition": {"id": number}})

    def moved(self, key: str, transition: str) -> bool:
        """Whether Jira's workflow let it go."""
        url = f"{self.sandbox.url}/rest/api/2/issue/{key}/transitions"
        body = {"transition": {"id": transition}}
        return requests.post(url, json=body, auth=(ADMIN, JIRA_TOKEN), timeout=10).ok

    def fields(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.jira("GET", f"/issue/{key}")["fields"]
        return found

    def items(self, level: str) -> dict[str, dict[str, Any]]:
        """By external key."""
        options = {"$filter": "externalKey ne null", "$top": "100"}
        rows = self.sandbox.align("GET", f"/{PATHS[level]}", params=options).json()
        return {each["externalKey"]: each for each in rows}

    def set(self, level: str, item: int, **values: Any) -> None:
        answer = self.sandbox.align("PATCH", f"/{PATHS[level]}/{item}", json=values)
        assert answer.status_code == 204, answer.text
