"""From the bytes of an answer to a value or to one error of the tree."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from alignadmin.http.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    NotJson,
    RateLimited,
    RemoteError,
    ServerFailed,
    SignInRefused,
)
from alignadmin.parsing import plain, whole

MOST_DETAIL = 300
MOST_PARTS = 200_000  # objects and lists of an answer
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
# Not each codec that Python has: some are no texts, and some take very long.
_TEXTS = re.compile(
    r"utf-?(16|32)(-?[lb]e)?|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|shift_jis|gb(k|2312|18030)|big5|euc-(jp|kr)"
)
_NO_MARKS = bytes(set(range(256)) - set(b'"[]{}'))
KEPT_HEADERS = ("content-type", "location", "retry-after")
_RESET = "x-ratelimit-reset"  # as 2026-11-29T12:30Z
# Sent by Jira when the password was not even looked at any more.
_DENIED_HEADERS = ("x-authentication-denied-reason", "x-seraph-loginreason")
_OF_CLOSED_SITES = (404, 410, 503)
# Public clients and logs of 2026 show what Atlassian answers in place of a site that is closed, or never was: a 404
# with this header and {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"}, or a page with the second
# of these sentences.
_NO_SITE_HEADER = "atl-missing-tcs"
_NO_SITE = re.compile(r"\b(site temporarily unavailable|cloud site is currently unavailable)\b", re.IGNORECASE)
_WHERE_PAGES_TELL = 20_000  # characters of a page, whose words come early
# Atlassian's gateway says "Unauthorized; scope does not match"; RFC 6750 names the other. Nothing looser: what is not
# taken for a refused sign-in may be sent again.
_LACKS_SCOPE = re.compile(r"\bscopes? (does|do) not match\b|\binsufficient[_ ]scope\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What differs between systems in the sentences for people."""

    system: str = "The site"
    sign_in: str = "Check the user name and the token."
    right: str = "Ask an administrator of the site for the missing right."
    scope: str = "Make a token that has it, and store that one in its place."
    missing: str = "Check the address and the ids in it."
    closed: str = ""  # of a site that may be no more, which a web page in the API's place tells
    no_site: str = ""  # of one that is no more, as the answer itself says
    hosts: tuple[str, ...] = ()  # where a closed site may lead: domains that are no site's own


@dataclass(frozen=True, kw_only=True)
class Received:
    """An answer as it came in. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400

    @property
    def text(self) -> str:
        try:
            return self.body.decode(self.charset, errors="replace").removeprefix("\ufeff")
        except LookupError:
            return self.body.decode(errors="replace")

    @property
    def charset(self) -> str:
        """As the header declares it, where it is one that a site may really use; else what JSON itself shows."""
        found = _CHARSET.search(self.headers.get("content-type", ""))
        declared = found[1].lower() if found else ""
        if _TEXTS.fullmatch(declared):
            return declared
        detected = json.detect_encoding(self.body)
        return "utf-8-sig" if detected == "utf-8" else detected

    @property
    def is_web_page(self) -> bool:
        return "html" in self.headers.get("content-type", "") or self.body[:256].lstrip().startswith(b"<")

    @property
    def retry_after(self) -> float | None:
        """Seconds, from a number or an HTTP date, else from Jira's time of the reset; None when neither can be read."""
        value = self.headers.get("retry-after", "").strip()
        if (seconds := whole(value)) is not None:
            return max(0.0, float(seconds))
        for text, read in ((value, parsedate_to_datetime), (self.headers.get(_RESET, "").strip(), _moment)):
            try:
                return max(0.0, read(text).timestamp() - time.time())
            except (ValueError, OverflowError):
                continue
        return None

    @property
    def asks_to_wait(self) -> bool:
        return self.status == 429 or (self.status == 503 and self.retry_after is not None)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A success. `data` is the parsed JSON, or None where a write answered something else or nothing."""

    status: int
    data: Any = field(repr=False)
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


def understand(received: Received, *, wording: Wording, is_read: bool) -> Answer:
    """The answer to a request that was let through. Raises the error that fits its status or its content."""
    if not received.is_success:
        raise error_for(received, wording)
    if received.is_web_page:
        raise web_page(received, wording)
    text = received.text
    # Counted in the bytes as they came, unless each sign takes several of them.
    intricate = is_intricate(text.encode(errors="replace") if _is_wide(received.charset) else received.body)
    if intricate and is_read:
        raise NotJson(
            f"The answer of {wording.system} is nested deeper, or in more parts, than any of its answers should be, so "
            "it was not read. Check that the address leads to the API and not to a proxy.",
            status=received.status,
        )
    try:
        data = None if intricate else json.loads(text)
    except (ValueError, RecursionError):
        if is_read:
            raise NotJson(
                f"The answer of {wording.system} is cut off or is not JSON. "
                "Try again; if it stays so, check that the address leads to the API and not to a proxy.",
                status=received.status,
            ) from None
        data = None
    kept = {name: value for name, value in received.headers.items() if name in KEPT_HEADERS}
    return Answer(status=received.status, data=data, text=text, headers=kept)


def _is_wide(charset: str) -> bool:
    return charset.startswith(("utf-16", "utf-32", "utf16", "utf32"))


def is_intricate(body: bytes) -> bool:
    """Whether JSON opens more objects and lists than an answer should have, beside or inside each other.

    Each costs up to a hundred times its bytes once it is parsed, so they are counted before. Only where brackets
    abound are those inside texts told apart: escaped backslashes and quotes go first, then all but quotes and
    brackets, then the texts.
    """
    if _opened(body) <= MOST_PARTS:
        return False
    unescaped = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    marks = unescaped.translate(None, delete=_NO_MARKS).replace(b'""', b"")
    return _opened(re.sub(rb'"[^"]*"', b"", marks)) > MOST_PARTS


def _opened(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def web_page(received: Received, wording: Wording) -> NotJson:
    reason = f" {wording.no_site}" if _says_no_site(received) and wording.no_site else ""
    return NotJson(
        f"The address answers with a web page instead of data; is it the site of {wording.system}? "
        f"A sign-in page or a proxy in front of it looks like this, too.{reason}",
        status=received.status,
    )


def _says_no_site(received: Received) -> bool:
    told = _NO_SITE_HEADER in received.headers and received.status in _OF_CLOSED_SITES
    may_tell = received.is_web_page or received.status in _OF_CLOSED_SITES
    return told or (may_tell and bool(_NO_SITE.search(received.text[:_WHERE_PAGES_TELL])))


def _moment(text: str) -> datetime:
    """A time without a zone is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def error_for(received: Received, wording: Wording) -> RemoteError:
    kind, sentence = _kind_of(received, wording)
    # Where a redirect leads may carry a token, in its text as in its header.
    detail = "" if received.is_redirect else remote_text(received)
    # The site's own words beside ours, since they say what ours can only guess. A web page says nothing of use.
    reason = f" {wording.system} says: “{detail}”." if detail and not received.is_web_page else ""
    if _says_no_site(received) and wording.no_site:
        reason = f"{reason} {wording.no_site}"
    elif received.is_web_page and received.status in _OF_CLOSED_SITES and wording.closed:
        reason = f" {wording.closed}"
    retry_after = received.retry_after if received.asks_to_wait else None
    return kind(f"{sentence}{reason}", status=received.status, detail=detail, retry_after=retry_after)


def _kind_of(received: Received, wording: Wording) -> tuple[type[RemoteError], str]:
    status, system = received.status, wording.system
    if status == 401 and _LACKS_SCOPE.search(remote_text(received)):
        return Forbidden, f"The token lacks the scope for this, says {system}. {wording.scope}"
    if status == 401 or (status == 403 and _sign_in_denied(received)):
        return SignInRefused, _refused_sentence(received, wording)
    if status == 403:
        return Forbidden, f"{system} does not let this account do that (403). {wording.right}"
    if status == 404:
        return NotFound, f"{system} does not know this address (404). {wording.missing}"
    if status == 429:
        return RateLimited, f"{system} refuses requests because of its rate limit (429). Try again later."
    if received.is_redirect:
        return NotJson, _redirected_sentence(received, wording)
    if status >= 500 or status == 408:
        return ServerFailed, f"{system} failed to answer ({status}). Try again in a few minutes."
    return BadRequest, f"{system} did not accept the request ({status})."


def _redirected_sentence(received: Received, wording: Wording) -> str:
    """Nothing of the address but its host: what follows may carry a token."""
    try:
        host = urlsplit(received.headers.get("location", "")).hostname or ""
    except ValueError:
        host = ""
    where = f"to {host}" if host else "elsewhere"
    is_no_site = host in wording.hosts and wording.closed
    return (
        f"The address sends us {where} ({received.status}), and redirects are never followed. "
        f"Enter the address that {wording.system} really has; a sign-in page in front of the API looks like this, too."
        f"{f' {wording.closed}' if is_no_site else ''}"
    )


def _sign_in_denied(received: Received) -> bool:
    reasons = " ".join(received.headers.get(name, "") for name in _DENIED_HEADERS)
    return "CAPTCHA" in reasons or "AUTHENTICATION_DENIED" in reasons


def _refused_sentence(received: Received, wording: Wording) -> str:
    if _sign_in_denied(received):
        return (
            f"{wording.system} wants a CAPTCHA from this account after too many failed sign-ins. "
            "Sign in once in a browser as this account. Then allow one more try on the credential's page."
        )
    return f"{wording.system} refused the sign-in ({received.status}). {wording.sign_in}"


def remote_text(received: Received) -> str:
    """The site's own words, out of any of the shapes seen, at most 300 characters; empty when it said nothing.

    No error shape is documented, so none is relied upon.
    """
    if received.is_web_page:
        return "The site answered with a web page."
    text = received.text.strip()
    try:
        said = "" if is_intricate(received.body) else _words(json.loads(text))
    except (ValueError, RecursionError):
        said = ""
    return plain(" ".join((said or text).split())[:MOST_DETAIL])


def _words(data: object) -> str:
    if not isinstance(data, dict):
        return data if isinstance(data, str) else ""
    lowered = {str(name).lower(): value for name, value in data.items()}
    listed = [*_flat(lowered.get("errormessages")), *_flat(lowered.get("errors"))]
    titled = [*_flat(lowered.get("title")), *_flat(lowered.get("detail"))]
    said = next(filter(None, (_flat(lowered.get(name)) for name in ("message", "errormessage", "error"))), [])
    return "; ".join(listed or titled or said)


def _flat(value: object) -> list[str]:
    """Texts of a string, a list of them, objects with a message, or `{field: text or texts}`."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, list):
        return [text for item in value for text in _flat(item)]
    if isinstance(value, dict):
        if isinstance(value.get("message"), str):
            return [value["message"]]
        return [f"{name}: {text}" if name else text for name, item in value.items() for text in _flat(item)]
    return []
