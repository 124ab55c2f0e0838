"""What the two sites of a new connector tell of themselves: which kind of Jira it is, which connectors Align has.

Only reads, one try each. What fails is said at the field that it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from alignadmin.http.auth import BadToken
from alignadmin.http.errors import (
    AddressRefused,
    Forbidden,
    Malformed,
    NotJson,
    RateLimited,
    RemoteError,
    SignInRefused,
    Unreachable,
)
from connectors.align.client import AlignClient
from connectors.align.resources import ConnectorInfo
from connectors.credentials import clients
from connectors.credentials.clients import Access
from connectors.credentials.values import SecretData
from connectors.jira.client import JiraClient, trim_site
from connectors.jira.resources import JiraServer
from connectors.models import JiraKind, System

MOST_SHOWN = 100  # connectors of one Align
SCOPED = "https://api.atlassian.com/ex/jira/"  # where a token with scopes is used, in the place of the site
KINDS = {"cloud": JiraKind.CLOUD, "server": JiraKind.DATA_CENTER, "data center": JiraKind.DATA_CENTER}
REFUSED = (
    "{} refused the sign-in ({}). Check the user and the token: one that was made at another site, was replaced or has "
    "ended is refused like this."
)
# What says something of the address. After all else that Align answers to the list the number is typed.
OF_THE_ADDRESS = (AddressRefused, NotJson, RateLimited, Unreachable)


@dataclass(frozen=True, kw_only=True)
class FoundConnector:
    """`is_active` is None and `jira_url` empty where Align does not tell. `fits`: it leads to the typed Jira."""

    id: int
    name: str
    jira_url: str
    is_active: bool | None
    fits: bool


@dataclass(frozen=True, kw_only=True)
class Discovery:
    """`jira_kind` is empty where the site cannot tell. `why_not`: why Align's connectors are not listed.

    `errors`: sentence by the name of the field as the form sends it; they are not kept.
    """

    align_site: str
    jira_site: str
    jira_kind: str = ""
    jira_version: str = ""
    jira_user: str = ""  # who is signed in
    connectors: tuple[FoundConnector, ...] = ()
    left_out: int = 0  # connectors beyond the most that are shown
    why_not: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind_words(self) -> str:
        """ "Jira Data Center 9.12.15"."""
        return f"{JiraKind(self.jira_kind).label} {self.jira_version}".strip() if self.jira_kind else ""

    @property
    def fitting(self) -> list[FoundConnector]:
        return [each for each in self.connectors if each.fits]

    def is_about(self, align_site: str, jira_site: str) -> bool:
        return (self.align_site, self.jira_site) == (align_site, jira_site)

    def as_json(self) -> dict[str, Any]:
        return asdict(replace(self, errors={}))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Discovery | None:
        """None for nothing, and for what a release before has kept with other fields."""
        try:
            rows = tuple(FoundConnector(**each) for each in data.get("connectors", ()))
            return cls(**{**data, "connectors": rows}) if data else None
        except TypeError:
            return None


def discover(align_site: str, jira_site: str, secrets: Sequence[SecretData], *, fitting: Sequence[str]) -> Discovery:
    """Asks Jira what it is, without signing in, then who signs in there, then Align for its connectors.

    `fitting`: the kinds of Jira that take the typed sign-in; nobody signs in at another one. Three requests and the
    pages of one list; a site that fails is asked no second time.
    """
    align, jira = (next(each for each in secrets if each.system is system) for system in (System.ALIGN, System.JIRA))
    found = Discovery(align_site=align_site, jira_site=jira_site)
    found, own_address = _with_kind(found, jira)
    if "jira_site" not in found.errors and (not found.jira_kind or found.jira_kind in fitting):
        found = _with_user(found, jira)
    return _with_connectors(found, align, own_address)


# --- Jira -------------------------------------------------------------------------------------------------------------


def _with_kind(found: Discovery, secret: SecretData) -> tuple[Discovery, str]:
    """And the address that Jira gives itself, which behind that of a scoped token is another than was typed."""
    try:
        told = _server_info(found.jira_site, secret)
    except RemoteError as error:
        if by_address := _kind_by_address(found.jira_site):
            is_lasting = not isinstance(error, OF_THE_ADDRESS)
            known = replace(found, jira_kind=by_address)
            return (known if is_lasting else _failed(known, "jira_site", error.unnamed)), ""
        if isinstance(error, SignInRefused | Forbidden):
            return found, ""  # a Jira that tells nothing to strangers
        return _failed(found, "jira_site", error.unnamed), ""
    kind = KINDS.get(told.deployment_type.lower(), "") or _kind_by_address(found.jira_site)
    version = told.version if kind == JiraKind.DATA_CENTER else ""
    return replace(found, jira_kind=str(kind), jira_version=version[:40]), told.base_url


def _server_info(site: str, secret: SecretData) -> JiraServer:
    """By version 2 of its API, which Cloud has as well."""
    with clients.connection_test_remote(_access(site, secret), signed_in=False) as remote:
        return JiraClient(remote, clients.deployment_of(JiraKind.DATA_CENTER)).server_info()


def _kind_by_address(site: str) -> str:
    host = urlsplit(site).hostname or ""
    is_cloud = host.endswith((".atlassian.net", ".jira.com")) or site.startswith(SCOPED)
    return JiraKind.CLOUD if is_cloud else ""


def _with_user(found: Discovery, secret: SecretData) -> Discovery:
    try:
        with clients.connection_test_remote(_access(found.jira_site, secret)) as remote:
            deployment = clients.deployment_of(found.jira_kind or JiraKind.DATA_CENTER)
            user = JiraClient(remote, deployment).myself()
    except BadToken as bad:
        return _failed(found, "jira-secret", str(bad))
    except SignInRefused as error:
        return _failed(found, "jira-secret", _refused(secret.system, error))
    except Forbidden as error:
        return _failed(found, "jira-secret", error.sentence)
    except RemoteError as error:
        return _failed(found, "jira_site", error.unnamed)
    return replace(found, jira_user=user.display_name[:200])


# --- Align ------------------------------------------------------------------------------------------------------------


def _with_connectors(found: Discovery, secret: SecretData, own_address: str) -> Discovery:
    try:
        with clients.connection_test_remote(_access(found.align_site, secret)) as remote:
            listed = AlignClient(remote, 0).connectors()  # a list of the site: no connector's number is in its address
    except BadToken as bad:
        return _failed(found, "align-secret", str(bad))
    except SignInRefused as error:
        return _failed(found, "align-secret", _refused(secret.system, error))
    except RemoteError as error:
        if isinstance(error, OF_THE_ADDRESS) and not isinstance(error, Malformed):
            return _failed(found, "align_site", error.unnamed)
        return replace(found, why_not=f"Align does not list its connectors here. {error.unnamed}")
    if not listed:
        return replace(found, why_not="Align lists no connector to this user, who may not be among its Admins.")
    wanted = {_compared(each) for each in (found.jira_site, own_address) if each}
    rows = sorted(_rows(listed, wanted), key=lambda each: (not each.fits, each.is_active is False, each.name.lower()))
    return replace(found, connectors=tuple(rows[:MOST_SHOWN]), left_out=max(0, len(rows) - MOST_SHOWN))


def _rows(listed: Sequence[ConnectorInfo], wanted: set[str]) -> Iterator[FoundConnector]:
    for each in listed:
        yield FoundConnector(
            id=each.id,
            name=each.name[:200],
            jira_url=each.jira_url[:500],
            is_active=each.is_active,
            fits=bool(each.jira_url) and _compared(each.jira_url) in wanted,
        )


def _compared(address: str) -> str:
    """Two addresses of one site are equal in it. What is no address is equal to none that was typed."""
    try:
        return trim_site(address)[0].rstrip("/").lower()
    except AddressRefused:
        return ""


def _access(site: str, secret: SecretData) -> Access:
    return Access(system=secret.system, site=site, kind=secret.kind, user=secret.user, secret=secret.secret)


def _refused(system: System, error: SignInRefused) -> str:
    """In short, since the page says beside it how a token is made; a locked account needs more than another token."""
    is_plain = error.status == 401 and "CAPTCHA" not in error.sentence
    return REFUSED.format(system.label, error.status) if is_plain else error.sentence


def _failed(found: Discovery, name: str, sentence: str) -> Discovery:
    return replace(found, errors={**found.errors, name: sentence})
