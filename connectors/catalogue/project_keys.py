"""Keys of projects, which Jira lets people rename: what a project was called is remembered, and leads to it.

Align may go on with an old key for a while, and its log and our history keep the one of their time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from django.db.models import Exists, OuterRef, Q

from connectors.catalogue.upserting import ROWS_AT_ONCE
from connectors.models import Connector, FormerKey, Project

MOST_KEYS = 50  # of one search; a project is hardly ever renamed twice


def remember(connector: Connector, known: Mapping[int, Project], now: Iterable[Project]) -> None:
    """Keep the keys that these projects (as they will be stored) no longer have."""
    renamed = [known[row.jira_id] for row in now if row.jira_id in known and known[row.jira_id].key != row.key]
    former = [FormerKey(connector=connector, project=project, key=project.key) for project in renamed]
    FormerKey.objects.bulk_create(former, ignore_conflicts=True, batch_size=ROWS_AT_ONCE)


def project_of(connector: Connector, key: str) -> Project | None:
    """The project that has this key; else one that had it; else one that had it when Jira showed it last."""
    projects = Project.objects.filter(connector=connector)
    present, gone = projects.filter(vanished_at=None), projects.exclude(vanished_at=None)
    return (
        present.filter(key=key).first()
        or present.filter(Q(align_key=key) | Q(former_keys__key=key)).order_by("-pk").first()
        or gone.filter(Q(key=key) | Q(former_keys__key=key)).order_by("-vanished_at").first()
    )


def other_keys(key: str) -> list[tuple[int, str]]:
    """(connector, key) of what the projects of this key are or were called besides, whatever its case."""
    named = Q(key__iexact=key) | Q(align_key__iexact=key) | Q(former_keys__key__iexact=key)
    projects = Project.objects.filter(pk__in=Project.objects.filter(named).values("pk"))
    columns = ("connector_id", "key", "align_key", "former_keys__key")
    found = {
        (connector, each)
        for connector, *keys in projects.order_by().values_list(*columns)
        for each in keys
        if each and each.casefold() != key.casefold()
    }
    return sorted(found)[:MOST_KEYS]


def present_keys(keys: Collection[tuple[int | None, str]]) -> dict[tuple[int | None, str], str]:
    """What the projects that had these keys of connectors are called now.

    Of a key that another project has by now nobody can say which of the two was meant, so it stays as it is.
    """
    if not keys:
        return {}
    former = FormerKey.objects.filter(key__in={key for _, key in keys}, project__vanished_at=None)
    has_it_now = Project.objects.filter(connector=OuterRef("connector"), key=OuterRef("key"), vanished_at=None)
    named = former.exclude(Exists(has_it_now)).values_list("connector_id", "key", "project__key")
    return {(connector, key): now for connector, key, now in named if (connector, key) in keys}
