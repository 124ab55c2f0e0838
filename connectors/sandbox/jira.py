"""The Jira site, as Cloud or as Data Center: which address is answered by what.

Without credentials a caller is anonymous: lists answer 200 and empty, as Jira's do; only /myself says 401. Wrong ones
count as none on Cloud; Data Center refuses them everywhere, and after three wrong passwords wants a CAPTCHA.
"""

import re

from . import (
    jira_admin,
    jira_agile,
    jira_catalogue,
    jira_headers,
    jira_issue_routes,
    jira_meta,
    jira_people,
    jira_search,
    jira_sign_in,
    jira_tracking,
    jira_webhooks,
)
from .jira_call import JiraCall, Route
from .messages import ErrorAnswer, Response, SandboxRequest, answer, jira_error
from .options import Options
from .world import Token, World

PREFIX = re.compile(r"/rest/(?:api/(2|3|latest)|(agile|webhooks|jira-webhook)/(?:1\.0|latest))(?=/|$)")
SESSION = re.compile(r"/rest/auth/(?:1|latest)/session/?")
WITH_ISSUES = re.compile(
    r"/rest/(agile|webhooks|jira-webhook|api/[^/]+/(search|issue(?!type)|label|version|users?|groups?))\b"
)
API: tuple[Route, ...] = (
    *jira_catalogue.ROUTES,
    *jira_tracking.ROUTES,
    *jira_search.ROUTES,
    *jira_meta.ROUTES,
    *jira_issue_routes.ROUTES,
    *jira_people.ROUTES,
    *jira_admin.ROUTES,
    *jira_agile.OF_THE_PLATFORM,
)

ROUTES = {
    "api": API,
    "agile": jira_agile.ROUTES,
    "webhooks": jira_webhooks.ROUTES,
    "jira-webhook": jira_webhooks.ROUTES_SINCE_10,
}


def serves(path: str) -> bool:
    return PREFIX.match(path) is not None or SESSION.fullmatch(path) is not None


def needs_issues(path: str) -> bool:
    """Whether an answer may be made of the issues of the data set, which are made when they are first needed."""
    return WITH_ISSUES.match(path) is not None


def handle(request: SandboxRequest, world: World, options: Options) -> Response:
    server = options.jira != "cloud"
    if SESSION.fullmatch(request.path):
        if not server:
            raise jira_error(404, "null for uri: " + request.path)
        return jira_sign_in.session(request, world)
    match = PREFIX.match(request.path)
    if match is None or (server and match[1] == "3") or _is_of_another_jira(match, options):
        raise jira_error(404, "null for uri: " + request.path)
    token = jira_sign_in.of_server(request, world) if server else jira_sign_in.of_cloud(request, world)
    call = _call(request, world, options, match, token)
    path = request.path[match.end() :].rstrip("/")
    for route in ROUTES[match[2] or "api"]:
        found = re.fullmatch(route.path, path)
        if found is not None and route.only in ("", "server" if server else "cloud"):
            method = "GET" if request.method == "HEAD" else request.method
            view = route.methods.get(method)
            if view is None:
                raise _not_allowed(route)
            try:
                answered = view(call, **found.groupdict())
                changes = world.issues.take_changes()
                world.outbox += jira_webhooks.told(call, changes)
                world.changed_issues += changes
            except ErrorAnswer as refused:
                raise ErrorAnswer(jira_headers.marked(refused.response, request, token)) from refused
            return jira_headers.marked(answered, request, token)
    raise jira_error(404, "null for uri: " + request.path)


def _is_of_another_jira(match: re.Match[str], options: Options) -> bool:
    """Webhooks have moved with Data Center 10."""
    return match[2] == ("webhooks" if options.jira == "server" else "jira-webhook")


def _call(
    request: SandboxRequest, world: World, options: Options, match: re.Match[str], token: Token | None
) -> JiraCall:
    server = options.jira != "cloud"
    version = "2" if server or match[1] == "2" else "3"
    return JiraCall(
        request=request,
        world=world,
        options=options,
        server=server,
        token=token,
        root=f"{request.base}/rest/api/{'2' if server else match[1] or '3'}",
        version=version,
        language=token.get("language", options.jira_language) if token else options.jira_language,
    )


def _not_allowed(route: Route) -> ErrorAnswer:
    payload = {"message": "HTTP 405 Method Not Allowed", "status-code": 405}
    return ErrorAnswer(answer(payload, 405, Allow=", ".join((*route.methods, "OPTIONS"))))
