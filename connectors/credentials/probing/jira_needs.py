"""Which of Jira's permissions an account has, asked by `mypermissions`, and which calls need those that it lacks.

Information alone: no probe fails for what only later steps need.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from alignadmin.http.errors import BadRequest, NotFound
from connectors.jira.client import JiraClient
from connectors.jira.rights import CALLS, OF_FIELDS, JiraPermission, needed_for, permissions_for

Granted = Mapping[str, bool]  # by permission key; a key that Jira does not know is not in it


@dataclass(frozen=True, kw_only=True)
class PermissionNeed:
    """`is_granted` is None where this Jira does not know the permission. `calls`: what it is needed for, in words."""

    permission: JiraPermission
    is_granted: bool | None
    calls: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """ "Delete issues: missing, needed for deleting issues." """
        state = {True: "granted", False: "missing", None: "not known to this Jira"}[self.is_granted]
        return f"{self.permission.label}: {state}, needed for {', '.join(self.calls)}."


def needs_of(client: JiraClient, project: str, calls: Iterable[str] = CALLS) -> tuple[PermissionNeed, ...]:
    """All that these calls need, whatever fields they set, in that project and on the site.

    A project that is not visible grants nothing.
    """
    wanted = list(calls)
    permissions = list(dict.fromkeys(each for call in wanted for each in permissions_for(call, OF_FIELDS)))
    known = set(known_keys(client, permissions))
    granted = {
        **granted_in(client, [each for each in permissions if each in known and not each.is_global], project),
        **_granted_on_site(client, [each for each in permissions if each in known and each.is_global]),
    }
    return tuple(
        PermissionNeed(
            permission=each,
            is_granted=granted.get(each, False) if each in known else None,
            calls=needed_for(each, wanted),
        )
        for each in permissions
    )


def known_keys(client: JiraClient, keys: Sequence[str]) -> list[str]:
    """Cloud refuses a whole question for one unknown key, so each is then asked for itself, without a project."""
    try:
        return list(client.permissions(keys))
    except BadRequest:
        return [key for key in keys if _is_known(client, key)]


def granted_in(client: JiraClient, keys: Sequence[str], project: str) -> Granted:
    """Jira answers for a project that the account does not see as if there were none."""
    if not keys:
        return {}
    try:
        return client.permissions(keys, project)
    except NotFound:
        return {}


def _granted_on_site(client: JiraClient, keys: Collection[str]) -> Granted:
    return client.permissions(list(keys)) if keys else {}


def _is_known(client: JiraClient, key: str) -> bool:
    try:
        return key in client.permissions([key])
    except BadRequest:
        return False
