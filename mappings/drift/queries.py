"""Which rows and lists are drifted, accepted or not known, and which of them the page's filters leave."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, F, Q, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.text import counted
from alignadmin.web.navigation import AttentionCount
from connectors.models import Connector
from mappings.drift.address import SHARED, UNKNOWN, DriftAddress, Tab
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.engine.values import Situation
from mappings.models import Mapping, Scope
from mappings.observing.scopes import in_use, scopes_in_use

KNOWN = Q(scope__observed_at__isnull=False, scope__error="")  # of a row; see Scope.known


def most_drifted() -> Connector | None:
    """The active connector with the most rows to decide, else the first."""
    open_ = Q(scopes__mappings__situation__in=OPEN_SITUATIONS)
    active = Connector.objects.filter(is_active=True)
    return active.annotate(open=Count("scopes__mappings", filter=open_)).order_by("-open", "name").first()


def drifted_rows(connector: Connector) -> QuerySet[Mapping]:
    """Changed elsewhere and not decided on, the newest first; rows of lists that are not known are left out."""
    return _open_rows(connector).filter(KNOWN)


def _open_rows(connector: Connector) -> QuerySet[Mapping]:
    return rows_in(connector, OPEN_SITUATIONS).order_by(F("drifted_at").desc(nulls_last=True), "pk")


def accepted_rows(connector: Connector) -> QuerySet[Mapping]:
    """Tolerated for now, the next to end first."""
    return rows_in(connector, [Situation.ACCEPTED]).order_by("accepted_until", "pk")


def rows_in(connector: Connector, situations: Iterable[str]) -> QuerySet[Mapping]:
    related = ("scope__project", "scope__connector", "wanted_by", "accepted_by")
    rows = Mapping.objects.filter(in_use("scope__"), scope__connector=connector, situation__in=situations)
    return rows.select_related(*related)


def undecided(person: Person) -> QuerySet[Mapping] | int:
    """Beside the navigation's entry, for those who may decide."""
    if not may(person, Right.EDIT):
        return 0
    known = Mapping.objects.filter(in_use("scope__"), KNOWN, situation__in=OPEN_SITUATIONS)
    return known.filter(scope__connector__is_active=True)


TO_REVIEW = AttentionCount(
    entry="Drift",
    of=undecided,
    words=lambda number: f"{counted(number, 'change')} made elsewhere to review",
    page="first-drift",
)


def unknown_scopes(connector: Connector) -> QuerySet[Scope]:
    """Lists that were never read, or whose last read failed."""
    lists = scopes_in_use(connector).exclude(observed_at__isnull=False, error="")
    return lists.select_related("project").order_by("family", "project__key", "pk")


def remarked_scopes(connector: Connector) -> QuerySet[Scope]:
    """Lists that were read and hold records that cannot be used, or did not show some that may still be there."""
    return scopes_in_use(connector).exclude(remark="").order_by("family", "project__key", "pk")


def filtered_rows(address: DriftAddress) -> QuerySet[Mapping]:
    """The rows of the tab that the filters leave."""
    wanted: dict[str, object] = {}
    if address.project == SHARED:
        wanted["scope__project"] = None
    elif address.project:
        wanted["scope__project__key"] = address.project
    if address.work_item_type:
        wanted["work_item_type"] = address.work_item_type
    if address.direction:
        wanted["scope__family__startswith"] = f"{address.direction}-"
    if address.tab is Tab.ACCEPTED:
        return accepted_rows(address.connector).filter(**wanted)
    if address.situation == UNKNOWN:
        return _open_rows(address.connector).exclude(KNOWN).filter(**wanted)
    if address.situation:
        wanted["situation"] = address.situation
    return drifted_rows(address.connector).filter(**wanted)
