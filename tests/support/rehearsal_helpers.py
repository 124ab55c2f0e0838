"""Rehearsals over HTTP: started by an editor, run by their job, and looked at line by line."""

from __future__ import annotations

from typing import Any

from django.test import Client

from connectors.jobs import runner
from connectors.models import JobState, Project
from mappings.models import Rehearsal
from tests.support.people_helpers import said


def page_of(key: str) -> str:
    return f"/connectors/acme/rehearsals/{Project.objects.get(key=key).pk}/"


def rehearse(editor: Client, key: str, number: int = 50) -> Rehearsal:
    """Its job has come to its end."""
    answer = editor.post(page_of(key), {"issues": str(number)})
    assert answer.status_code == 303, said(answer)
    found = Rehearsal.objects.get(job__state=JobState.QUEUED)
    assert found.job is not None
    job = runner.run_now(found.job)
    assert job.state == JobState.DONE, job.error
    found.refresh_from_db()
    return found


def line(found: Rehearsal, key: str) -> Any:
    return found.lines.get(issue_key=key)


def codes(found: Rehearsal, key: str) -> set[str]:
    return {each["code"] for each in line(found, key).losses}
