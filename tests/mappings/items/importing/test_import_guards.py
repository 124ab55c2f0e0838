"""What is looked at before a batch of an import leaves, what it costs, and what its pages say of it."""

from __future__ import annotations

import pytest
from django.test import Client

from connectors.models import Connector, JobState, Project
from mappings.engine.import_cost import ImportCost
from mappings.engine.import_plan import import_fingerprint
from mappings.items.importing.fingerprint import approved_facts
from mappings.models import ImportLine, ImportRun, ImportState
from tests.mappings.items.importing.test_importing import (
    LIST,
    approve,
    configurer,
    imported,
    lines,
    ours,
    plan,
    project,
    work,
)
from tests.support.ours_helpers import writes
from tests.support.people_helpers import said
from tests.support.sandbox_fixture import RunningSandbox

__all__ = ["configurer", "project"]
pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


def test_it_costs_what_the_formula_says_and_its_page_leads_to_both_systems_and_to_the_next_plan(
    connector: Connector, sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    cost = ImportCost(**run.cost)
    assert (cost.writes, run.requests) == (len(lines(run)), cost.total)
    planned = run.sent_requests
    page = said(configurer.get(f"/imports/{run.pk}/"))
    assert f"Sending it takes {cost.sending} requests" in page
    assert "within the rate limit" in page
    sandbox.clear_journal()
    assert approve(configurer, run).status_code == 303
    work(run)
    journal = sandbox.journal()
    assert len(journal) == run.sent_requests - planned
    assert len(journal) <= cost.sending * 1.1
    assert run.sent_requests <= run.requests * 1.1
    answer = configurer.get(f"/imports/{run.pk}/")
    html = answer.content.decode()
    first = lines(run)[0]
    assert f'{connector.jira_site}/browse/{first.issue_key}"' in html
    assert f'{connector.align_site}/rest/align/api/2/stories/{first.align_id}"' in html
    assert "Plan again" in said(answer)
    assert "Roll back" in said(answer)
    assert f'value="{project.pk}" selected' in configurer.get(f"{LIST}?project={project.pk}").content.decode()
    found = configurer.get("/search/", {"q": "imports"})
    assert f"/imports/{run.pk}/" in found.content.decode()


def test_lines_that_were_altered_in_the_database_are_not_sent(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    line = lines(run)[-1]
    ImportLine.objects.filter(pk=line.pk).update(values={**line.values, "title": "Something else"})
    work(run, ends=JobState.FAILED)
    assert run.state == ImportState.PAUSED
    assert "not what was approved" in run.error
    assert writes(sandbox) == []


def test_a_project_that_was_made_anew_under_its_key_gets_nothing(
    sandbox: RunningSandbox, configurer: Client, project: Project
) -> None:
    run = plan(configurer, project)
    assert approve(configurer, run).status_code == 303
    Project.objects.filter(pk=project.pk).update(jira_id=999_999)  # Jira has another one under the key
    run.project.refresh_from_db()
    ImportRun.objects.filter(pk=run.pk).update(fingerprint=fingerprint_as_of(run))
    work(run, ends=JobState.FAILED)
    assert run.state == ImportState.PAUSED
    assert "made anew under its key" in run.error
    assert writes(sandbox) == []


def fingerprint_as_of(run: ImportRun) -> str:
    return import_fingerprint(999_999, map(approved_facts, run.lines.order_by("position")))


def test_a_second_tab_is_shown_what_is_true_now(configurer: Client, project: Project) -> None:
    run = plan(configurer, project)
    assert configurer.post(f"/imports/{run.pk}/cancel/").status_code == 303
    form = {"fingerprint": run.fingerprint, "warnings": "on"}
    refused = configurer.post(f"/imports/{run.pk}/approve/", form, headers=HTMX)
    assert refused.status_code == 409
    html = refused.content.decode()
    assert html.lstrip().startswith('<div class="stack" id="import">')
    assert "Approve and import" not in html
    assert "so it cannot be approved" in html
    assert "hx-swap-oob" in html
    assert ">Cancelled<" in html


def test_open_ones_are_listed_whatever_their_age(
    connector: Connector, sandbox: RunningSandbox, configurer: Client
) -> None:
    found = ours(connector, sandbox, configurer)
    run = imported(configurer, found)
    waiting = plan(configurer, found)
    copies = [
        ImportRun(
            connector=connector,
            project=found,
            author=run.author,
            reason="Older",
            state=ImportState.FINISHED,
            created_at=run.created_at,
        )
        for _ in range(60)
    ]
    ImportRun.objects.bulk_create(copies)
    assert f"Import {waiting.pk} is open" in said(configurer.get(LIST))
    Project.objects.filter(pk=found.pk).update(ours_at=None, ours_by=None, in_scope=False, scope_choice="out")
    assert configurer.post(f"/imports/{waiting.pk}/cancel/").status_code == 303
    assert "take it into scope and take it over in step 4" in said(
        configurer.post(LIST, {"project": found.pk, "reason": "Again"})
    )
