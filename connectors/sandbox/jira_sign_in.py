"""How a caller signs in to Jira: Basic on Cloud; Basic, Bearer or the cookie of a session on Data Center."""

import datetime as dt
import secrets
from http.cookies import CookieError, SimpleCookie

from . import users
from .align import credentials
from .messages import ErrorAnswer, Json, Response, SandboxRequest, answer, jira_error
from .world import Token, World

COOKIE, BUCKET = "JSESSIONID", "jira_session"


def of_cloud(request: SandboxRequest, world: World) -> Token | None:
    scheme, user, secret = credentials(request.authorization)
    if scheme != "basic":
        return None
    return _find_token(world, secret, user)


def _find_token(world: World, secret: str, user: str | None = None, *, by_name: bool = False) -> Token | None:
    """`user` None: whoever it belongs to. `by_name`: Data Center's short name of a user will do, too."""
    for token in world.tokens("jira"):
        names = (token["user"], token["user"].partition("@")[0]) if by_name else (token["user"],)
        if token["token"] == secret and (user is None or user in names) and users.is_alive(token):
            return token
    return None


def of_server(request: SandboxRequest, world: World) -> Token | None:
    scheme, user, secret = credentials(request.authorization)
    if scheme == "basic":
        return _with_password(request, world, user, secret)
    if not request.authorization:
        return _of_session(request, world)
    token = _find_token(world, secret) if scheme == "bearer" else None
    if token is None:
        raise _denied({"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    return token


def _with_password(request: SandboxRequest, world: World, user: str, secret: str) -> Token:
    if users.is_locked(world, user):
        challenge = f"CAPTCHA_CHALLENGE; login-url={request.base}/login.jsp"
        raise _denied({"X-Seraph-LoginReason": "AUTHENTICATION_DENIED", "X-Authentication-Denied-Reason": challenge})
    token = _find_token(world, secret, user, by_name=True)
    if token is None:
        users.count_refused(world, user)
        raise _denied({"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
    users.forget_refused(world, user)
    return token


def _denied(headers: dict[str, str]) -> ErrorAnswer:
    """Data Center answers this with a page for people."""
    reason = headers["X-Seraph-LoginReason"]
    body = f"<html><body>Basic Authentication Failure - Reason : {reason}</body></html>".encode()
    return ErrorAnswer(Response(status=401, body=body, content_type="text/html;charset=UTF-8", headers=headers))


# -- sessions of Data Center -----------------------------------------------------------------------


def session(request: SandboxRequest, world: World) -> Response:
    """/rest/auth/1/session: POST signs in, GET tells who is, DELETE signs out."""
    if request.method == "POST":
        return _begin(request, world)
    token = of_server(request, world)
    if request.method in ("GET", "HEAD"):
        if token is None:
            raise jira_error(401, "You are not authenticated. Authentication required to perform this operation.")
        name = token["user"].partition("@")[0]
        me = f"{request.base}/rest/api/latest/user?username={name}"
        return answer({"self": me, "name": name, "loginInfo": _login_info()})
    if request.method != "DELETE":
        payload = {"message": "HTTP 405 Method Not Allowed", "status-code": 405}
        raise ErrorAnswer(answer(payload, 405, Allow="GET, POST, DELETE, OPTIONS"))
    if token is None:
        raise jira_error(401, "You are not authenticated. Authentication required to perform this operation.")
    world.store.drop(BUCKET, _cookie(request))
    return Response(status=204)


def _begin(request: SandboxRequest, world: World) -> Response:
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise jira_error(400, "The request has no username and no password.")
    user, secret = str(given.get("username", "")), str(given.get("password", ""))
    if users.is_locked(world, user):
        raise jira_error(403, "Login denied")
    token = _find_token(world, secret, user, by_name=True)
    if token is None:
        users.count_refused(world, user)
        raise jira_error(401, "Login failed")
    users.forget_refused(world, user)
    value = secrets.token_hex(16).upper()
    world.store.put(BUCKET, value, {"user": token["user"], "token": token["token"]})
    payload = {"session": {"name": COOKIE, "value": value}, "loginInfo": _login_info()}
    return answer(payload, Set_Cookie=f"{COOKIE}={value}; Path=/; HttpOnly")


def _login_info() -> Json:
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return {"failedLoginCount": 0, "loginCount": 1, "previousLoginTime": now}


def _of_session(request: SandboxRequest, world: World) -> Token | None:
    """A session of a token that is gone ends with it."""
    held = world.store.get(BUCKET, _cookie(request))
    return _find_token(world, held["token"], held["user"]) if held else None


def _cookie(request: SandboxRequest) -> str:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(request.cookie)
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""
