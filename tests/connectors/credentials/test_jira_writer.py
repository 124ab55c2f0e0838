"""Who writes to Jira has a client for it, signed in as the connector is; the one for reading has no way to write."""

from __future__ import annotations

import pytest

from alignadmin.http.errors import ReadOnlyRefused
from connectors.credentials import clients
from connectors.jira import JiraWriter
from connectors.models import Connector, Job, JobKind, System
from tests.support.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_job_writes_with_a_client_made_for_it(bare_connector: Connector, sandbox: RunningSandbox) -> None:
    job = Job.objects.create(connector=bare_connector, kind=JobKind.OBSERVE)
    writer = clients.jira_writer(bare_connector, job=job)
    made = writer.create_issue(10001, 10001, {"summary": "By a job"})
    assert clients.jira_client(bare_connector, job=job).issue(made.key, ["summary"]).fields == {"summary": "By a job"}
    writer.delete_issue(made.key)
    sandbox.clear_journal()
    reading = clients.credential_remote(clients.current_credential(bare_connector, System.JIRA), job=job)
    with pytest.raises(ReadOnlyRefused):
        JiraWriter(reading, "cloud")
    assert sandbox.journal() == []
