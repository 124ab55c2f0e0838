"""Jira's webhooks: registered by administrators, and what they are told of issues made, changed and deleted."""

import json
import secrets
import time
from dataclasses import replace
from typing import Any

from .deliveries import Delivery, is_loopback
from .jira_call import JiraCall, Route, body_of
from .jira_issues.jql import compiled
from .jira_issues.jql_tokens import JqlError
from .jira_issues.records import Issue
from .jira_issues.stock import IssueChange
from .jira_search import context
from .jira_shapes import ALL, IssueShapes
from .messages import Json, Response, answer, jira_error
from .users import display_name
from .world import Token

BUCKET, FILTER = "webhook", "issue-related-events-section"
CREATED, UPDATED, DELETED = "jira:issue_created", "jira:issue_updated", "jira:issue_deleted"
EVENTS = (CREATED, UPDATED, DELETED)
NAMES = {CREATED: "issue_created", UPDATED: "issue_updated", DELETED: "issue_deleted"}
# What the log of a change calls a field, by the field.
LOGGED = {"fixVersions": "Fix Version", "components": "Component", "versions": "Version", "issuetype": "issuetype"}
NOT_LOGGED = {"created", "updated", "statusCategory", "subtasks", "creator", "project"}


def _list(call: JiraCall) -> Response:
    call.need_admin()
    return answer([_shape(call, each) for each in _all(call)])


def _all(call: JiraCall) -> list[Json]:
    return sorted(call.world.store.all(BUCKET), key=lambda each: int(each["id"]))


def _read(call: JiraCall, number: str) -> Response:
    return answer(_shape(call, _find(call, number)))


def _find(call: JiraCall, number: str) -> Json:
    call.need_admin()
    found: Json | None = call.world.store.get(BUCKET, number)
    if found is None:
        raise jira_error(404, f"No webhook could be found with id {number}.")
    return found


def _create(call: JiraCall) -> Response:
    call.need_admin()
    number = (call.world.store.get("counter", BUCKET) or 0) + 1
    begun = {"id": number, "enabled": True, "secret": None, "filter": "", "exclude": False}
    webhook = _with(call, {**begun, "owner": {**call.need_sign_in(), "token": ""}}, body_of(call))
    call.world.store.put("counter", BUCKET, number)
    call.world.store.put(BUCKET, str(number), webhook)
    return answer(_shape(call, webhook), 201)


def _update(call: JiraCall, number: str) -> Response:
    webhook = _with(call, _find(call, number), body_of(call))
    call.world.store.put(BUCKET, number, webhook)
    return answer(_shape(call, webhook))


def _delete(call: JiraCall, number: str) -> Response:
    call.world.store.drop(BUCKET, str(_find(call, number)["id"]))
    return Response(status=204)


def _object(given: Json, name: str) -> Json:
    part = given.get(name)
    return part if isinstance(part, dict) else {}


def _with(call: JiraCall, webhook: Json, given: Json) -> Json:
    """The webhook with what is given set anew; of who asks."""
    since_10 = call.options.jira == "server"
    settings = _object(given, "configuration") if since_10 else {}
    # Data Center 10 leaves out without a word what stands beside its configuration.
    filters, beside = ({}, {}) if since_10 else (_object(given, "filters"), given)
    changed: Json = {name: given[name] for name in ("name", "url", "events") if name in given}
    wanted: Json = {**webhook, **changed}
    if not isinstance(wanted.get("name"), str) or not wanted["name"]:
        raise jira_error(400, "The name of the webhook is missing.")
    if not isinstance(wanted.get("url"), str) or not is_loopback(wanted["url"]):
        raise jira_error(400, "The sandbox sends webhooks to http addresses of this machine only, as http://127.0.0.1.")
    events = wanted.get("events")
    if not isinstance(events, list) or not set(map(str, events)) <= set(EVENTS):
        raise jira_error(400, f"The sandbox knows the events {', '.join(EVENTS)}.")
    jql = str(filters.get(FILTER, settings.get("FILTERS", wanted["filter"])) or "")
    try:
        compiled(jql, context(call))
    except JqlError as error:
        raise jira_error(400, " ".join(error.messages)) from error
    active = given.get("active", given.get("enabled", wanted["enabled"]))
    exclude = beside.get("excludeBody", settings.get("EXCLUDE_BODY", wanted["exclude"]))
    secret = beside.get("secret", settings.get("SECRET", wanted["secret"]))
    return {
        **wanted,
        "filter": jql,
        "enabled": bool(active),
        "exclude": str(exclude).lower() == "true",
        "secret": str(secret) if secret and call.options.jira != "server-9" else None,
        "user": call.need_sign_in()["user"],
        "at": time.time_ns() // 1_000_000,
    }


def _shape(call: JiraCall, webhook: Json) -> Json:
    """Of Data Center 10 in the form it has had since; of Cloud and before it in the old one. Never the secret."""
    if call.options.jira == "server":
        settings = {"FILTERS": webhook["filter"], "EXCLUDE_BODY": str(webhook["exclude"]).lower()}
        return {
            "id": webhook["id"],
            "name": webhook["name"],
            "createdDate": webhook["at"],
            "updatedDate": webhook["at"],
            "events": webhook["events"],
            "configuration": settings,
            "url": webhook["url"],
            "active": webhook["enabled"],
            "scopeType": "global",
            "sslVerificationRequired": True,
            "self": f"{call.request.base}/rest/jira-webhook/1.0/webhooks/{webhook['id']}",
        }
    shape: Json = {
        "name": webhook["name"],
        "url": webhook["url"],
        "excludeBody": webhook["exclude"],
        "filters": {FILTER: webhook["filter"]} if webhook["filter"] else {},
        "events": webhook["events"],
        "enabled": webhook["enabled"],
        "self": f"{call.request.base}/rest/webhooks/1.0/webhook/{webhook['id']}",
        "lastUpdatedUser": call.identity(webhook["user"]),
        "lastUpdatedDisplayName": display_name(webhook["user"]),
        "lastUpdated": webhook["at"],
    }
    return shape if call.server else {**shape, "isSigned": webhook["secret"] is not None}


# -- what they are told ----------------------------------------------------------------------------


def told(call: JiraCall, changes: list[IssueChange]) -> list[Delivery]:
    """A delivery for each change and each webhook whose query finds the issue: as it is now, or was when it went.

    What a webhook finds, and is told, is what the person sees who registered it, whoever has changed the issue.
    """
    active = [each for each in _all(call) if each["enabled"]] if changes else []
    sights: dict[str, JiraCall] = {}  # by owner
    made = []
    for each in active:
        user = each["owner"]["user"]
        owner = sights[user] = sights.get(user) or _as_owner(call, each["owner"])
        for before, after in changes:
            event = CREATED if before is None else DELETED if after is None else UPDATED
            issue = after or before
            if issue is not None and event in each["events"] and _finds(each["filter"], issue, owner):
                payload = _payload(owner, event, before, after, actor=call.need_sign_in()["user"])
                body = b"" if each["exclude"] else json.dumps(payload, ensure_ascii=False).encode()
                made.append(
                    Delivery(
                        webhook=each["id"],
                        url=each["url"].replace("${issue.key}", owner.key_of(issue)),
                        body=body,
                        identifier=secrets.token_hex(16),
                        secret=each["secret"],
                        retried=call.options.jira != "server-9",
                    )
                )
    return made


def _as_owner(call: JiraCall, owner: Token) -> JiraCall:
    """As its owner sees Jira now, by the token of theirs that sees most; without one, as they saw it then.

    What a webhook of somebody who has left is told is documented nowhere.
    """
    language = call.options.jira_language
    tokens = [each for each in call.world.tokens("jira") if each["user"] == owner["user"]] or [owner]
    calls = [replace(call, token=each, language=each.get("language", language)) for each in tokens]
    return max(calls, key=lambda each: len(each.projects))


def _finds(jql: str, issue: Issue, call: JiraCall) -> bool:
    """A query that has become wrong since finds nothing."""
    if issue["project"] not in call.project_of:
        return False
    try:
        return not jql or compiled(jql, context(call)).matches(issue)
    except JqlError:
        return False


def _payload(call: JiraCall, event: str, before: Issue | None, after: Issue | None, *, actor: str) -> Json:
    shapes = IssueShapes(call)
    issue = after or before
    if issue is None:
        raise ValueError("nothing has changed")
    payload: Json = {
        "timestamp": time.time_ns() // 1_000_000,
        "webhookEvent": event,
        "issue_event_type_name": NAMES[event],
        "user": call.person_shape(actor),
        "issue": shapes.whole(issue, [ALL]),
    }
    if before is not None and after is not None:
        payload["changelog"] = {"id": str(payload["timestamp"]), "items": _items(shapes, before, after)}
    return payload


def _items(shapes: IssueShapes, before: Issue, after: Issue) -> list[Json]:
    old, new = (shapes.whole(issue, [ALL])["fields"] for issue in (before, after))
    items = []
    for each in shapes.chosen([ALL]):
        one, other = old.get(each.id), new.get(each.id)
        if each.id in NOT_LOGGED or one == other:
            continue
        left, right = _told(one), _told(other)
        items.append(
            {
                "field": LOGGED.get(each.id, each.name if each.custom else each.id),
                "fieldtype": "custom" if each.custom else "jira",
                "fieldId": each.id,
                "from": left[0],
                "fromString": left[1],
                "to": right[0],
                "toString": right[1],
            }
        )
    return items


def _told(value: Any) -> tuple[str | None, str | None]:
    """The id and the words of a value."""
    if value is None or value == []:
        return None, None
    if isinstance(value, list):
        parts = [_told(each) for each in value]
        return ", ".join(str(number) for number, _ in parts), ", ".join(str(words) for _, words in parts)
    if isinstance(value, dict):
        number = value.get("id", value.get("accountId", value.get("key")))
        words = value.get("displayName", value.get("name", value.get("value", value.get("key"))))
        return (None if number is None else str(number)), (None if words is None else str(words))
    return str(value), str(value)


ROUTES: tuple[Route, ...] = (
    Route(path=r"/webhook", methods={"GET": _list, "POST": _create}),
    Route(path=r"/webhook/(?P<number>\d+)", methods={"GET": _read, "PUT": _update, "DELETE": _delete}),
)
ROUTES_SINCE_10 = tuple(replace(each, path=each.path.replace("/webhook", "/webhooks", 1)) for each in ROUTES)
