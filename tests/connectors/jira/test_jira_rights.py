"""Each call has its permission of Jira in the table, and the stand-in refuses the call without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alignadmin.http.errors import Forbidden, NotFound
from connectors.jira import JiraClient, JiraWriter, WebhookWish
from connectors.jira.rights import CALLS, SETTING_CALLS, SPRINT, JiraPermission, needed_for, permissions_for
from tests.support.jira_clients import writer_of
from tests.support.sandbox_fixture import JIRA_TOKEN, RunningSandbox, sandbox

__all__ = ["sandbox"]


def test_the_table_names_every_call_and_no_other() -> None:
    calls = {
        name
        for kind in (JiraClient, JiraWriter)
        for name, made in vars(kind).items()
        if callable(made) and not name.startswith("_")
    }
    assert set(CALLS) == calls | {"reach"}
    assert set(CALLS) >= SETTING_CALLS


def test_what_a_write_needs_depends_on_the_fields_that_it_sets() -> None:
    assert permissions_for("edit_issue") == (JiraPermission.BROWSE_PROJECTS, JiraPermission.EDIT_ISSUES)
    assert permissions_for("edit_issue", ["summary", "assignee"])[2:] == (JiraPermission.ASSIGN_ISSUES,)
    assert permissions_for("create_issue", ["fixVersions", "security", SPRINT])[2:] == (
        JiraPermission.RESOLVE_ISSUES,
        JiraPermission.SET_ISSUE_SECURITY,
        JiraPermission.SCHEDULE_ISSUES,
    )
    assert permissions_for("issue", ["assignee"]) == (JiraPermission.BROWSE_PROJECTS,)
    assert permissions_for("myself") == ()
    assert needed_for(JiraPermission.SCHEDULE_ISSUES) == ("setting the due date", "setting the sprint")
    assert needed_for(JiraPermission.SCHEDULE_ISSUES, ["search"]) == ()
    assert needed_for(JiraPermission.TRANSITION_ISSUES) == ("reading transitions", "moving issues to another status")
    assert JiraPermission.DELETE_ISSUES.label == "Delete issues"
    assert not JiraPermission.DELETE_ISSUES.is_global
    assert JiraPermission.ADMINISTER.is_global


HOOK = WebhookWish(name="W", url="http://127.0.0.1:9/x", events=["jira:issue_updated"])
GUARDED: dict[str, Callable[[JiraWriter], Any]] = {
    "create_issue": lambda jira: jira.create_issue(10001, 10001, {"summary": "x"}),
    "create_types": lambda jira: jira.create_types("PAY"),
    "create_fields": lambda jira: jira.create_fields("PAY", 10001),
    "edit_issue": lambda jira: jira.edit_issue("PAY-1", {"summary": "x"}),
    "delete_issue": lambda jira: jira.delete_issue("PAY-2", with_subtasks=True),
    "issue": lambda jira: jira.issue("PAY-1"),
    "register_webhook": lambda jira: jira.register_webhook(HOOK),
    "webhooks": lambda jira: jira.webhooks(),
    "delete_webhook": lambda jira: jira.delete_webhook(1),  # the one just registered
}
HIDDEN = "issue"  # what one may not browse is not there


@pytest.mark.usefixtures("network")
def test_without_its_permission_a_call_is_refused_and_with_it_it_is_not(sandbox: RunningSandbox) -> None:
    jira = writer_of(sandbox.url)
    jira.myself()
    for name, call in GUARDED.items():
        permission = permissions_for(name)[-1]
        is_global = permission is JiraPermission.ADMINISTER
        may(sandbox, {} if is_global else {permission: False}, is_admin=not is_global)
        with pytest.raises(NotFound if name == HIDDEN else Forbidden):
            call(jira)
        may(sandbox, {})
        call(jira)
    # What may not be moved has no transitions, and what may not be edited has no fields: neither is an error.
    assert jira.transitions("PAY-1")
    assert jira.edit_fields("PAY-1")
    may(sandbox, {JiraPermission.TRANSITION_ISSUES: False, JiraPermission.EDIT_ISSUES: False})
    assert (jira.transitions("PAY-1"), jira.edit_fields("PAY-1")) == ([], [])


def may(sandbox: RunningSandbox, permissions: dict[JiraPermission, bool], *, is_admin: bool = True) -> None:
    """What it does not name is granted."""
    sandbox.edit("set_token", site="jira", token=JIRA_TOKEN, permissions=permissions, global_admin=is_admin)
