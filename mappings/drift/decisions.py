"""Deciding many drifted rows at once: those that are still as they were seen are decided, the others are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.parsing import whole
from connectors.models import Connector
from connectors.setup.services import Refused
from mappings.edits.queries import OPEN_SITUATIONS, names_for
from mappings.edits.reconciling import SETTLED_FIELDS
from mappings.edits.services import (
    LONGEST_ACCEPTANCE,
    Decision,
    Overtaken,
    Ruling,
    require_acceptable,
    rule_on,
    ruling_act,
)
from mappings.engine.values import Situation
from mappings.matrix.page import source_name, where_of
from mappings.models import Mapping, Scope

MOST_ROWS = 5000  # of one decision, which is one transaction
MOST_NAMED = 10
DECIDED = (
    *("wanted", "wanted_by", "wanted_at", "version", *SETTLED_FIELDS),
    *("accepted_value", "accepted_until", "accepted_reason", "accepted_by", "accepted_at"),
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A row as the page showed it: decided only while both still hold."""

    pk: int
    version: int
    observed: int | None

    @property
    def token(self) -> str:
        """As a form carries it: "12.3.5", "12.3." for no record."""
        return f"{self.pk}.{self.version}.{'' if self.observed is None else self.observed}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of the rows of one decision; `refused` are sentences."""

    decided: int
    refused: Sequence[str]

    @property
    def sentence(self) -> str:
        """What did not go as asked; empty when everything did."""
        if not self.refused:
            return ""
        left = len(self.refused) - MOST_NAMED
        more = f" And {left} more." if left > 0 else ""
        kept = f"Decided {self.decided} of {self.decided + len(self.refused)}. " if self.decided else ""
        return kept + " ".join(self.refused[:MOST_NAMED]) + more


def seen(mapping: Mapping) -> Seen:
    return Seen(pk=mapping.pk, version=mapping.version, observed=mapping.observed)


def read_token(token: str) -> Seen:
    """Raises Refused for what was not made by our page."""
    pk, version, observed = [*(whole(part) for part in token.split(".")), None, None, None][:3]
    is_empty = token.endswith(".")  # nothing is observed
    if token.count(".") != 2 or pk is None or version is None or (observed is None) is not is_empty:
        raise Refused(f'"{token[:40]}" is not a row. Reload the page and try again.')
    return Seen(pk=pk, version=version, observed=observed)


def end_of_day(text: str) -> datetime | None:
    """The end of the typed day in the viewer's zone; None for what is no day, or further off than may be accepted."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    if day is None:
        return None
    if day > timezone.localdate() + LONGEST_ACCEPTANCE:
        raise Refused(f"Choose a day within {LONGEST_ACCEPTANCE.days - 1} days: what stays longer, adopt or restore.")
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def decide_many(connector: Connector, rows: Iterable[Seen], ruling: Ruling, *, actor: Person) -> Outcome:
    """Carry one decision out on many rows, with an entry each, in one transaction."""
    now = timezone.now()
    asked = {each.pk: each for each in rows}
    if not asked:
        raise Refused("Tick at least one row.")
    if len(asked) > MOST_ROWS:
        raise Refused(f"Decide at most {MOST_ROWS:,} rows at once.")
    if ruling.decision is Decision.ACCEPT:
        require_acceptable(ruling, now)
    with transaction.atomic():
        found = _locked(connector, asked)
        decided, refused = _rule(found, asked, ruling, actor, now)
        Mapping.objects.bulk_update(decided, DECIDED, batch_size=500)
        names = names_for(decided)
        trail.append_many([ruling_act(row, ruling, names, actor=actor) for row in decided])
    gone = len(asked) - len(found)
    refused += [f"{gone} of the rows {'is' if gone == 1 else 'are'} no longer there."] if gone else []
    return Outcome(decided=len(decided), refused=refused)


def _locked(connector: Connector, asked: Iterable[int]) -> list[Mapping]:
    """The lists first, as a reader of Align's lists does: two that lock in one order do not wait for each other."""
    rows = Mapping.objects.filter(pk__in=list(asked), scope__connector=connector)
    scopes = Scope.objects.filter(pk__in=rows.values("scope_id")).order_by("pk")
    list(scopes.select_for_update(no_key=True).values_list("pk"))
    related = ("scope__project", "scope__connector", "wanted_by", "former_by", "accepted_by")
    return list(rows.select_for_update(of=("self",), no_key=True).select_related(*related).order_by("pk"))


def _rule(
    found: Iterable[Mapping], asked: dict[int, Seen], ruling: Ruling, actor: Person, now: datetime
) -> tuple[list[Mapping], list[str]]:
    decided: list[Mapping] = []
    refused: list[tuple[Mapping, str]] = []
    for row in found:
        try:
            _require_as_seen(row, asked[row.pk])
            rule_on(row, ruling, actor=actor, now=now)
        except Refused as refusal:
            refused.append((row, str(refusal)))
        else:
            decided.append(row)
    names = names_for([row for row, _ in refused[:MOST_NAMED]])
    return decided, [f"{source_name(row, names)} ({where_of(row)}): {sentence}" for row, sentence in refused]


def _require_as_seen(row: Mapping, as_seen: Seen) -> None:
    if seen(row) == as_seen:
        return
    raise Overtaken(_what_happened(row, as_seen), row)


def _what_happened(row: Mapping, as_seen: Seen) -> str:
    if row.observed != as_seen.observed:
        return "Align has changed again since this page was drawn. Look at the new value first."
    accepted = row.situation == Situation.ACCEPTED
    who, at = (row.accepted_by, row.accepted_at) if accepted else (row.wanted_by, row.wanted_at)
    if who and at and row.situation not in OPEN_SITUATIONS:
        return f"{who} was faster, at {at:%H:%M} UTC. Look at what holds now first."
    return "This has changed since the page was drawn. Look at what holds now first."
