"""What an account lacks in Jira for calls of later steps: told, and no probe fails for it."""

from __future__ import annotations

import pytest

from connectors.credentials.probing.jira import RIGHTS, WEBHOOKS
from connectors.credentials.probing.jira_needs import needs_of
from connectors.jira import Deployment, JiraClient
from connectors.jira.rights import JiraPermission
from tests.support.jira_clients import SITES, remote_of
from tests.support.sandbox_fixture import JIRA_TOKEN, RunningSandbox, sandbox

pytestmark = pytest.mark.usefixtures("network")

__all__ = ["sandbox"]


@pytest.mark.parametrize(("site", "deployment"), SITES)
def test_it_is_told_which_calls_lack_a_permission(sandbox: RunningSandbox, site: str, deployment: Deployment) -> None:
    sandbox.reset(jira=site)
    sandbox.edit(
        "set_token",
        site="jira",
        token=JIRA_TOKEN,
        permissions={"DELETE_ISSUES": False, "ASSIGN_ISSUES": False},
        global_admin=False,
    )
    client = JiraClient(remote_of(sandbox.url, read_only=True), deployment)
    found = {each.permission: each for each in needs_of(client, "PAY")}
    lacking = {permission for permission, each in found.items() if each.is_granted is False}
    assert lacking == {JiraPermission.DELETE_ISSUES, JiraPermission.ASSIGN_ISSUES, JiraPermission.ADMINISTER}
    assert found[JiraPermission.ASSIGN_ISSUES].sentence == "Assign issues: missing, needed for setting the assignee."
    assert set(found) == set(JiraPermission)
    assert found[JiraPermission.DELETE_ISSUES].sentence == "Delete issues: missing, needed for deleting issues."
    assert found[JiraPermission.ADMINISTER].calls == ("reading webhooks", "registering webhooks", "deleting webhooks")
    # The stand-in does not know this one, and Cloud refuses a question that names what it does not know.
    assert found[JiraPermission.USER_PICKER].is_granted is None
    assert "not known to this Jira" in found[JiraPermission.USER_PICKER].sentence
    (only,) = needs_of(client, "PAY", ["count"])
    assert (only.permission, only.is_granted, only.calls) == (
        JiraPermission.BROWSE_PROJECTS,
        True,
        ("counting issues",),
    )
    assert needs_of(client, "PAY", ["myself", "statuses"]) == ()
    assert not any(each.is_granted for each in needs_of(client, "NONE", ["create_issue", "edit_issue"]))


def test_what_the_probe_asks_about_has_the_keys_of_the_table() -> None:
    keys = {each.value for each in JiraPermission}
    of_pages = {"MANAGE_SPRINTS_PERMISSION", "ADMINISTER_PROJECTS"}  # what Align's connector needs, and no call of ours
    assert {right.key for right in (*RIGHTS, WEBHOOKS)} - keys == of_pages
