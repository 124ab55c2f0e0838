"""What a JQL finds at the moment: Jira is asked when somebody types it, and nothing of the answer is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alignadmin.accounts.models import Person
from alignadmin.errors import Refused, SealError
from alignadmin.http.errors import RemoteError
from alignadmin.http.fields import Fields
from connectors.credentials import usage
from connectors.credentials.clients import current_credential, jira_client
from connectors.jira import JqlRefused
from connectors.jira.resources import JiraIssue
from connectors.models import Connector, JiraKind, System
from mappings.engine.import_scope import ImportScope
from mappings.items.scope.jql import jql_of_all

PATIENCE = 10.0  # seconds for a slot of the rate budget
SAMPLE = 10
COLUMNS = ("issuetype", "summary", "status")


@dataclass(frozen=True, kw_only=True)
class SampledIssue:
    key: str
    type: str
    title: str
    status: str


@dataclass(frozen=True, kw_only=True)
class CheckedScope:
    """`problem`: why nothing is known, in Jira's own words where it refused what was typed.

    `is_about`: Cloud tells the count as of a moment ago.
    """

    count: int = 0
    sample: Sequence[SampledIssue] = ()
    is_about: bool = False
    problem: str = ""


def check_scope(connector: Connector, projects: Sequence[int], scope: ImportScope, *, actor: Person) -> CheckedScope:
    """Who signs in, how many there are, and which: three requests at most, by the people's reserve.

    `projects`: Jira's ids of those whose issues it decides on.
    """
    if not connector.is_active:
        return CheckedScope(problem=f"{connector} is deactivated, so nothing is asked of its Jira.")
    if not projects:
        return CheckedScope(problem="No project in scope follows this, so there is nothing to look for.")
    try:
        jql = jql_of_all(projects, scope)
        usage.record_counting(current_credential(connector, System.JIRA), actor=actor)
        jira = jira_client(connector, interactive=True, tries=1, patience=PATIENCE)
        count = jira.count(jql)
        found = jira.sample(jql, COLUMNS, most=SAMPLE) if count else ()
        sample = [_sampled(each) for each in found]
    except JqlRefused as refused:
        return CheckedScope(problem=f"Jira does not take this: {refused.detail or refused.sentence}")
    except RemoteError as error:
        return CheckedScope(problem=f"Jira could not be asked. {error.sentence}")
    except (Refused, SealError) as error:
        return CheckedScope(problem=str(error))
    return CheckedScope(count=count, sample=sample[:SAMPLE], is_about=connector.jira_kind == JiraKind.CLOUD)


def _sampled(issue: JiraIssue) -> SampledIssue:
    row = Fields(issue.fields, what=f"issue {issue.key}")
    return SampledIssue(
        key=issue.key,
        type=row.part("issuetype").text("name"),
        title=row.text("summary"),
        status=row.part("status").text("name"),
    )
