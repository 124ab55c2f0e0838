"""Jira's `mypermissions`: what the caller may do, in one project or anywhere."""

from collections.abc import Iterable

from .jira_issues.records import ProjectRecord
from .messages import Json, Response, answer, jira_error
from .world import Token

# Key: id, name, type, what it allows. The id -1 is what Jira gives to permissions of its own plugins.
KNOWN = {
    "ADMINISTER": ("0", "Administer Jira", "GLOBAL", "Create and administer projects, fields and users."),
    "ADMINISTER_PROJECTS": ("23", "Administer Projects", "PROJECT", "Ability to administer a project in Jira."),
    "ASSIGN_ISSUES": ("13", "Assign Issues", "PROJECT", "Ability to assign issues to other people."),
    "BROWSE_PROJECTS": ("10", "Browse Projects", "PROJECT", "Ability to browse projects and the issues within them."),
    "CREATE_ISSUES": ("11", "Create Issues", "PROJECT", "Ability to create issues."),
    "DELETE_ISSUES": ("16", "Delete Issues", "PROJECT", "Ability to delete issues."),
    "EDIT_ISSUES": ("12", "Edit Issues", "PROJECT", "Ability to edit issues."),
    "MANAGE_SPRINTS_PERMISSION": ("-1", "Manage sprints", "PROJECT", "Ability to manage sprints."),
    "TRANSITION_ISSUES": ("46", "Transition Issues", "PROJECT", "Ability to transition issues."),
}


def browsable(token: Token, projects: Iterable[ProjectRecord]) -> list[ProjectRecord]:
    """A project that one may not browse does not exist for the caller."""
    return [project for project in projects if holds(token, "BROWSE_PROJECTS", project["key"])]


def wanted_keys(query: dict[str, str], *, server: bool) -> list[str]:
    """The keys asked for. Cloud insists on them and refuses unknown ones; Data Center gives all it has."""
    keys = [key.strip() for key in query.get("permissions", "").split(",") if key.strip()]
    if server:
        return [key for key in KNOWN if not keys or key in keys]
    if not keys:
        raise jira_error(400, "The 'permissions' query parameter is required.")
    unknown = [key for key in keys if key not in KNOWN]
    if unknown:
        raise jira_error(400, f"Unrecognized permission keys: {', '.join(unknown)}")
    return list(dict.fromkeys(keys))


def answered(token: Token | None, keys: list[str], projects: list[ProjectRecord]) -> Response:
    """`projects`: the one asked about, or all visible ones, where one that grants the right is enough."""
    return answer({"permissions": {key: _shape(key, _granted(token, key, projects)) for key in keys}})


def _shape(key: str, granted: bool) -> Json:
    number, name, kind, description = KNOWN[key]
    return {
        "id": number,
        "key": key,
        "name": name,
        "type": kind,
        "description": description,
        "havePermission": granted,
    }


def _granted(token: Token | None, key: str, projects: list[ProjectRecord]) -> bool:
    if token is None:
        return False
    if key == "ADMINISTER":
        return token.get("global_admin", True)
    return any(holds(token, key, project["key"]) for project in projects)


def holds(token: Token, key: str, project: str) -> bool:
    """A permission that the token does not name is granted."""
    granted = (token.get("permissions") or {}).get(key, True)
    return granted if isinstance(granted, bool) else project in granted
