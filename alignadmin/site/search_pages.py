"""The pages of the product as the search finds them. They are the same everywhere, so no table has their names."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.folding import fold
from alignadmin.search.kinds import FoundPlace

PAGES, PLURAL = "page", "Pages"


@dataclass(frozen=True, kw_only=True)
class ProductPage:
    """A page whose address names nothing; `terms` find it as well."""

    label: str
    address: str  # its name
    where: str = ""
    right: Right = Right.SEE
    terms: str = ""


EVERY_PAGE = (
    ProductPage(label="Overview", address="overview", terms="home start health coverage attention"),
    ProductPage(label="Mappings", address="mappings", terms="matrix grid dots rings statuses states steps"),
    ProductPage(label="Drift", address="first-drift", terms="changes made elsewhere adopt restore accept"),
    ProductPage(label="Plans", address="plans", terms="approve apply changes roll back"),
    ProductPage(label="Connectors", address="connectors", terms="sites align jira"),
    ProductPage(label="Outside changes", address="cases", where="History", terms="explain cases cause"),
    ProductPage(label="History", address="history", right=Right.MAPPING_HISTORY, terms="audit log trail who when"),
    ProductPage(label="Saved searches", address="history-views", where="History", right=Right.MAPPING_HISTORY),
    ProductPage(
        label="Import log lines",
        address="history-intake",
        where="History",
        right=Right.HISTORY,
        terms="audit log paste upload",
    ),
    ProductPage(
        label="Evidence packs",
        address="history-packs",
        where="History",
        right=Right.HISTORY,
        terms="export auditor zip download",
    ),
    ProductPage(
        label="Scheduled packs", address="history-pack-schedules", where="History", right=Right.HISTORY, terms="export"
    ),
    ProductPage(
        label="Check of the history",
        address="history-verification",
        where="History",
        right=Right.HISTORY,
        terms="verify integrity chain checkpoints",
    ),
    ProductPage(label="Reviews", address="review", where="History", right=Right.HISTORY, terms="quarter weeks sign"),
    ProductPage(label="Questions", address="questions", where="History", right=Right.HISTORY, terms="ask answer"),
    ProductPage(
        label="Add a connector", address="connector-new", where="Connectors", right=Right.CONFIGURE, terms="new set up"
    ),
    ProductPage(
        label="What you need for a connector",
        address="setup-need",
        where="Connectors",
        right=Right.CONFIGURE,
        terms="set-up setup guide first steps wizard",
    ),
    ProductPage(
        label="All credentials",
        address="credentials",
        where="Connectors",
        right=Right.CONFIGURE,
        terms="tokens rotate expiry secrets",
    ),
    ProductPage(
        label="Operator",
        address="operator",
        right=Right.CONFIGURE,
        terms="workers queue jobs failed budget e-mail deliveries keys metrics monitoring",
    ),
    ProductPage(
        label="Settings", address="settings", right=Right.CONFIGURE, terms="installation e-mail keys version system"
    ),
    ProductPage(label="People", address="people", where="Settings", right=Right.CONFIGURE, terms="roles users rights"),
    ProductPage(
        label="Invite a person", address="person-new", where="People", right=Right.CONFIGURE, terms="add user new"
    ),
    ProductPage(label="Help", address="help", terms="documents manual topics mapping operations"),
    ProductPage(label="Keys", address="help-keys", where="Help", terms="keyboard shortcuts"),
    ProductPage(label="Account", address="account", terms="time zone profile name me"),
    ProductPage(
        label="Notifications",
        address="notifications",
        where="Account",
        terms="told unread e-mail mail digest turn off inbox",
    ),
    ProductPage(
        label="Second factor", address="mfa_index", where="Account", terms="app security key passkey codes 2fa"
    ),
    ProductPage(label="Password", address="account_change_password", where="Account", terms="change"),
    ProductPage(label="Sessions", address="usersessions_list", where="Account", terms="signed in browsers devices"),
)


def find_pages(words: list[str], person: Person) -> list[FoundPlace]:
    """Those that this person may open; what is named so first."""
    found = [each for each in EVERY_PAGE if may(person, each.right) and _fits(each, words)]
    found.sort(key=lambda each: not all(word in fold(each.label) for word in words))
    return [FoundPlace(label=each.label, where=each.where, href=reverse(each.address)) for each in found]


def _fits(page: ProductPage, words: list[str]) -> bool:
    """Beginnings of words only: with any part of one, two letters would find every page."""
    there = fold(f"{page.label} {page.terms}").split()
    return bool(words) and all(any(each.startswith(word) for each in there) for word in words)
