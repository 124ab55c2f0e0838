"""What this product writes to Jira: issues, their way through a workflow, and webhooks.

A write whose answer is lost, or cannot be read, is OutcomeUnknown: what became of it is found out by reading.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from alignadmin.http.errors import BadRequest, Malformed, OutcomeUnknown, ReadOnlyRefused, RemoteError, reading
from alignadmin.http.remote import Remote
from connectors.jira.client import IssueRef, JiraClient
from connectors.jira.connection import in_address
from connectors.jira.dialect import Deployment, WebhookResource, WebhookWish
from connectors.jira.resources import JiraIssue
from connectors.jira.site_resources import JiraWebhook

STRUCK_OUT = "[secret]"
SHORTEST_PART = 4  # of a secret that is worth striking out
NEVER_SIGNED = (
    "This version of Jira does not sign what its webhooks send; Data Center does from 10 on. Nothing was registered. "
    "Register it without a secret, at an address that cannot be guessed."
)


class JiraWriter(JiraClient):
    """One Jira site, to be read and written. Raises ReadOnlyRefused where it is made of a connection that only reads.

    Refusals are BadRequest with Jira's own words, field by field, Forbidden, or NotFound. Values of fields are in the
    form of Jira's API: people by `dialect.person`, texts of several lines by `dialect.long_text`.
    """

    def __init__(self, remote: Remote, deployment: Deployment) -> None:
        if remote.read_only:
            raise ReadOnlyRefused("This connection to Jira only reads, so nothing can be written by it.")
        super().__init__(remote, deployment)

    def create_issue(self, project: int, issue_type: int, fields: Mapping[str, Any]) -> JiraIssue:
        """The new one by id and key; `fields` without project and type."""
        given = {**fields, "project": {"id": str(project)}, "issuetype": {"id": str(issue_type)}}
        with reading("New issue"):
            data = self._write("POST", "issue", {"fields": given})
            try:
                return JiraIssue.from_json(data)
            except Malformed as odd:
                raise _unnamed("issue") from odd

    def edit_issue(
        self, issue: IssueRef, fields: Mapping[str, Any], update: Mapping[str, list[dict[str, Any]]] | None = None
    ) -> None:
        """`fields` are set anew; `update` has operations by field, as `{"labels": [{"add": "one"}]}`. A field stands in
        one of the two.
        """
        with reading(f"Edit of {issue}"):
            self._write("PUT", f"issue/{in_address(issue)}", {"fields": dict(fields), "update": dict(update or {})})

    def delete_issue(self, issue: IssueRef, *, with_subtasks: bool = False) -> None:
        """One that has sub-tasks is refused, unless they go with it."""
        query = (("deleteSubtasks", "true"),) if with_subtasks else ()
        with reading(f"Deletion of {issue}"):
            self._write("DELETE", f"issue/{in_address(issue)}", None, query)

    def transition(self, issue: IssueRef, transition: int, fields: Mapping[str, Any] | None = None) -> None:
        """One of those that `transitions` tells now; `fields` are those of its screen."""
        body = {"transition": {"id": str(transition)}, "fields": dict(fields or {})}
        with reading(f"Transition of {issue}"):
            self._write("POST", f"issue/{in_address(issue)}/transitions", body)

    def register_webhook(self, wish: WebhookWish) -> JiraWebhook:
        """BadRequest also where it has a secret and this Jira signs nothing: Data Center before 10."""

        def register(where: WebhookResource) -> JiraWebhook:
            if wish.secret and not where.signs:
                raise BadRequest(NEVER_SIGNED)
            data = self._write("POST", where.listed.path, where.body(wish))
            try:
                return JiraWebhook.from_json(data)
            except Malformed as odd:
                raise _unnamed("webhook") from odd

        with reading(f"New webhook {wish.name}"):
            try:
                return self._on_webhooks(register)
            except RemoteError as error:
                raise _without(wish.secret, error) from None

    def delete_webhook(self, webhook: int) -> None:
        with reading(f"Deletion of webhook {webhook}"):
            self._on_webhooks(lambda where: self._write("DELETE", f"{where.listed.path}/{webhook}", None))

    def _write(self, method: str, path: str, body: Any, query: tuple[tuple[str, str], ...] = ()) -> Any:
        """Signed in for certain: what is written without a name, where a site allows that, would be nobody's."""
        self._connection.sign_in_first()
        return self._connection.ask(path, query, method=method, body=body)


def _without(secret: str, error: RemoteError) -> RemoteError:
    """Where Jira repeats what it was sent; its words may have been cut short in the middle of the secret."""
    told, detail = copy.copy(error), error.detail.replace(secret, STRUCK_OUT) if secret else error.detail
    for length in range(len(secret) - 1, SHORTEST_PART - 1, -1):
        if detail.endswith(secret[:length]):
            detail = detail.removesuffix(secret[:length]) + STRUCK_OUT
            break
    told.sentence = error.sentence.replace(error.detail, detail) if error.detail else error.sentence
    told.detail, told.args = detail, (told.sentence,)
    return told


def _unnamed(what: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"Jira took the new {what}, but its answer does not say which one it is. Look for it before it is made again."
    )
