"""Which permission of Jira each call of the client needs. Without it Jira refuses the call, or answers less.

Keys and names are those of Jira's permission schemes, by which `mypermissions` is asked, on Cloud and on Data Center.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class JiraPermission(StrEnum):
    """By its key."""

    ADMINISTER = "ADMINISTER"
    USER_PICKER = "USER_PICKER"
    BROWSE_PROJECTS = "BROWSE_PROJECTS"
    CREATE_ISSUES = "CREATE_ISSUES"
    EDIT_ISSUES = "EDIT_ISSUES"
    DELETE_ISSUES = "DELETE_ISSUES"
    TRANSITION_ISSUES = "TRANSITION_ISSUES"
    ASSIGN_ISSUES = "ASSIGN_ISSUES"
    MODIFY_REPORTER = "MODIFY_REPORTER"
    SCHEDULE_ISSUES = "SCHEDULE_ISSUES"
    RESOLVE_ISSUES = "RESOLVE_ISSUES"
    SET_ISSUE_SECURITY = "SET_ISSUE_SECURITY"
    LINK_ISSUES = "LINK_ISSUES"
    ADD_COMMENTS = "ADD_COMMENTS"
    WORK_ON_ISSUES = "WORK_ON_ISSUES"

    @property
    def is_global(self) -> bool:
        """Granted for the whole site, and not in a project."""
        return self in (JiraPermission.ADMINISTER, JiraPermission.USER_PICKER)

    @property
    def label(self) -> str:
        """What Jira's pages call it."""
        return _LABELS.get(self, self.value.replace("_", " ").capitalize())


_LABELS = {JiraPermission.ADMINISTER: "Administer Jira", JiraPermission.USER_PICKER: "Browse users and groups"}


SPRINT = "com.pyxis.greenhopper.jira:gh-sprint"


@dataclass(frozen=True, kw_only=True)
class CallRight:
    """`words`: what the call is for, after "needed for". No permission: whoever is signed in may."""

    words: str
    permissions: tuple[JiraPermission, ...] = ()


_BROWSE = JiraPermission.BROWSE_PROJECTS


def _in_project(words: str, *further: JiraPermission) -> CallRight:
    return CallRight(words=words, permissions=(_BROWSE, *further))


# By the name of the method of JiraClient and JiraWriter, and `reach`.
CALLS: Mapping[str, CallRight] = {
    "myself": CallRight(words="signing in"),
    "server_info": CallRight(words="reading the version of Jira"),
    "permissions": CallRight(words="reading permissions"),
    "statuses": CallRight(words="reading statuses"),
    "issue_types": CallRight(words="reading issue types"),
    "priorities": CallRight(words="reading priorities"),
    "fields": CallRight(words="reading fields"),
    "projects": _in_project("reading projects"),
    "projects_with": _in_project("reading projects"),
    "project_statuses": _in_project("reading the statuses of a project"),
    "count": _in_project("counting issues"),
    "search": _in_project("searching issues"),
    "sample": _in_project("searching issues"),
    "issue": _in_project("reading issues"),
    "boards": _in_project("reading boards"),
    "board_filter": _in_project("reading boards"),
    "sprints": _in_project("reading sprints"),
    "users": CallRight(words="looking for users", permissions=(JiraPermission.USER_PICKER,)),
    "create_types": _in_project("reading what a new issue takes", JiraPermission.CREATE_ISSUES),
    "create_fields": _in_project("reading what a new issue takes", JiraPermission.CREATE_ISSUES),
    "edit_fields": _in_project("reading what an edit takes", JiraPermission.EDIT_ISSUES),
    "transitions": _in_project("reading transitions", JiraPermission.TRANSITION_ISSUES),
    "create_issue": _in_project("creating issues", JiraPermission.CREATE_ISSUES),
    "edit_issue": _in_project("editing issues", JiraPermission.EDIT_ISSUES),
    "delete_issue": _in_project("deleting issues", JiraPermission.DELETE_ISSUES),
    "transition": _in_project("moving issues to another status", JiraPermission.TRANSITION_ISSUES),
    "reach": _in_project("moving issues to another status", JiraPermission.TRANSITION_ISSUES),
    "webhooks": CallRight(words="reading webhooks", permissions=(JiraPermission.ADMINISTER,)),
    "register_webhook": CallRight(words="registering webhooks", permissions=(JiraPermission.ADMINISTER,)),
    "delete_webhook": CallRight(words="deleting webhooks", permissions=(JiraPermission.ADMINISTER,)),
}
# Those that set fields.
SETTING_CALLS = frozenset({"create_issue", "edit_issue", "transition"})


@dataclass(frozen=True, kw_only=True)
class FieldRight:
    """`words`: what is done with the field, after "needed for"."""

    words: str
    permission: JiraPermission


# What a call that sets fields needs besides, by the name of the field; one that is custom, and so has another id on
# each site, by the type in its schema. As Jira's page of a permission scheme describes each permission.
OF_FIELDS: Mapping[str, FieldRight] = {
    "assignee": FieldRight(words="setting the assignee", permission=JiraPermission.ASSIGN_ISSUES),
    "reporter": FieldRight(words="setting the reporter", permission=JiraPermission.MODIFY_REPORTER),
    "duedate": FieldRight(words="setting the due date", permission=JiraPermission.SCHEDULE_ISSUES),
    SPRINT: FieldRight(words="setting the sprint", permission=JiraPermission.SCHEDULE_ISSUES),
    "fixVersions": FieldRight(words="setting fix versions", permission=JiraPermission.RESOLVE_ISSUES),
    "security": FieldRight(words="setting the security level", permission=JiraPermission.SET_ISSUE_SECURITY),
    "issuelinks": FieldRight(words="linking issues", permission=JiraPermission.LINK_ISSUES),
    "comment": FieldRight(words="commenting", permission=JiraPermission.ADD_COMMENTS),
    "worklog": FieldRight(words="logging work", permission=JiraPermission.WORK_ON_ISSUES),
}


def permissions_for(call: str, fields: Iterable[str] = ()) -> tuple[JiraPermission, ...]:
    """Of a call, with those of the fields that it sets, each named as in OF_FIELDS."""
    named = fields if call in SETTING_CALLS else ()
    besides = (OF_FIELDS[field].permission for field in named if field in OF_FIELDS)
    return tuple(dict.fromkeys((*CALLS[call].permissions, *besides)))


def needed_for(permission: JiraPermission, calls: Iterable[str] = CALLS) -> tuple[str, ...]:
    """What cannot be done without it, each once: "creating issues", and "setting the assignee" in a call that may."""
    wanted = list(calls)
    of_calls = [CALLS[call].words for call in wanted if permission in CALLS[call].permissions]
    sets_fields = not SETTING_CALLS.isdisjoint(wanted)
    of_fields = [each.words for each in OF_FIELDS.values() if sets_fields and each.permission is permission]
    return tuple(dict.fromkeys((*of_calls, *of_fields)))
