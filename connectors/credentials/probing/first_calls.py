"""The job "watch": a few cheap reads right after a switch, so that a refusal is seen at once."""

from __future__ import annotations

from alignadmin.errors import SealError
from alignadmin.http.errors import RemoteError, SignInRefused
from connectors.credentials import clients
from connectors.credentials.rotation.switching import may_go_back
from connectors.jobs import runner
from connectors.models import JobKind, System


@runner.handler(JobKind.WATCH)
def watch(run: runner.Run) -> None:
    system = System(run.job.subject)
    try:
        _read_align(run) if system is System.ALIGN else _read_jira(run)
    except SignInRefused as refused:
        raise runner.JobFailed(f"{refused.sentence} {_way_out(run, system)}") from refused
    except RemoteError as error:
        raise runner.JobFailed(error.sentence) from error
    except SealError as error:
        raise runner.JobFailed(str(error)) from error


def _read_align(run: runner.Run) -> None:
    client = clients.align_client(run.connector, job=run.job, interactive=True, on_wait=run.waits_for)
    run.progress("connector", done=0, total=3)
    client.connector()
    run.progress("projects", done=1)
    client.projects()
    run.progress("mappings", done=2)
    client.list_mappings("mappings/states")
    run.progress("mappings", done=3)


def _read_jira(run: runner.Run) -> None:
    client = clients.jira_client(run.connector, job=run.job, interactive=True, on_wait=run.waits_for)
    run.progress("sign-in", done=0, total=2)
    client.myself()
    run.progress("statuses", done=1)
    client.statuses()
    run.progress("statuses", done=2)


def _way_out(run: runner.Run, system: System) -> str:
    return may_go_back(run.connector, system) or "Go back to the previous credential on the credential's page."
