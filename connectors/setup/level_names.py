"""What the levels of Align's hierarchy are called here: an admin's own names, stored with the connector.

A name of a work item type is also a term of Align's log from then on, unless it means something else there: Align's
own name of another level, or what somebody has decided or was learned. It stays one when the name is given up, since
lines that are here go on saying it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.folding import fold
from connectors.align.terminology import LEVELS, LONGEST_NAME, Terminology, own_name
from connectors.history.mirror import labels
from connectors.history.mirror.terms import AS_PUBLISHED
from connectors.models import Connector, TypeLabel, WorkItemType
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected


class NamesChanged(Refused):
    """Somebody else has saved other names since the form was drawn."""


@dataclass(frozen=True, kw_only=True)
class LogTerms:
    """How Align's log calls one level: `learned` where nobody has given it that name here, `elsewhere` where its name
    means another type in the log ("" there: none of Align's four).
    """

    level: str
    learned: str = ""
    elsewhere: str | None = None


def version_of(connector: Connector) -> str:
    """Of the names as a form was drawn with them."""
    return json.dumps(connector.level_names, sort_keys=True, ensure_ascii=False)


def log_terms(connector: Connector) -> list[LogTerms]:
    """One query."""
    stored = list(TypeLabel.objects.filter(connector=connector).order_by("-decided_at", "pk"))
    return [_log_terms(level, connector.level_names.get(level, ""), stored) for level in WorkItemType.values]


def _log_terms(level: str, name: str, stored: Sequence[TypeLabel]) -> LogTerms:
    meanings = {**AS_PUBLISHED, **{each.folded: each.work_item_type for each in stored}}
    meant = meanings.get(fold(name)) if name else None
    own = (each.label for each in stored if each.work_item_type == level and fold(level) != each.folded)
    learned = next(own, "")
    return LogTerms(
        level=level,
        learned="" if name or not _may_name(learned) else learned,
        elsewhere=meant if meant is not None and meant != level else None,
    )


def _may_name(term: str) -> bool:
    """Whether a term of the log would be taken as a name."""
    return bool(term) and name_trouble(term) == ""


def name_trouble(name: str) -> str:
    """Why it cannot be the name of a level; empty where it can."""
    if len(name) > LONGEST_NAME:
        return f"A name has at most {LONGEST_NAME} letters: this one has {len(name):,}."
    if not name.isprintable():
        return "A name is one line without characters that nobody sees, such as direction marks."
    return "" if fold(name) else "A name needs at least one letter that is seen."


def name_levels(connector: Connector, names: Mapping[str, str], *, seen: str, actor: Person) -> bool:
    """`names`: checked, by level, those that differ from Align's. Raises NamesChanged when they were changed meanwhile.

    Whether anything is new. Nothing that is stored is rewritten: entries and plans keep the words of their time.
    """
    with transaction.atomic():
        stored = lock_connected(connector)
        if version_of(stored) != seen:
            raise NamesChanged(
                "Somebody changed these names since this page was loaded. Yours are still in the fields: compare them "
                "with what is in use now, then save again."
            )
        before, after = stored.terminology, Terminology(names=dict(names))
        changed = [level for level in LEVELS if before.name(level) != after.name(level)]
        if not changed:
            return False
        Connector.objects.filter(pk=stored.pk).update(level_names=dict(names))
        words = "; ".join(f"{own_name(level)} is called {_shown(after, level)}" for level in changed)
        trail.record(
            AuditRecord(
                action="connector.levels_named",
                actor=actor,
                context=context_of(stored),
                subject=f"connector {stored.slug}",
                sentence=f"Named levels: {words}.",
                data={"before": dict(before.names), "after": dict(names)},
            )
        )
        labels.decide(stored, _new_terms(stored, names), actor=actor)
    connector.level_names = dict(names)
    return True


def _shown(after: Terminology, level: str) -> str:
    name = after.names.get(level)
    return f"“{name}”" if name else "by Align's own name again"


def _new_terms(connector: Connector, names: Mapping[str, str]) -> dict[str, str]:
    """Names of work item types that mean nothing in the log so far."""
    known = {*AS_PUBLISHED, *TypeLabel.objects.filter(connector=connector).values_list("folded", flat=True)}
    of_types = ((name, level) for level, name in names.items() if level in WorkItemType.values)
    return {name: level for name, level in of_types if fold(name) not in known}
