"""Deciding many drifted rows at once: those that are still as they were seen are decided, the others are named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.locking import LockableQuerySet
from alignadmin.parsing import whole
from connectors.models import Connector
from mappings.edits.names import Names, names_for
from mappings.edits.queries import OPEN_SITUATIONS
from mappings.edits.reconciling import RECONCILED_FIELDS, reconcile_mapping
from mappings.edits.services import Overtaken, _audit_record, _named
from mappings.engine.families import FAMILIES
from mappings.engine.values import Situation
from mappings.matrix.lines import source_name, where_of
from mappings.models import Mapping, Scope

MOST_ROWS = 5000  # of one decision, which is one transaction
MOST_NAMED = 10
DECIDED = (
    *("wanted", "wanted_by", "wanted_at", "version", *RECONCILED_FIELDS),
    *("accepted_value", "accepted_until", "accepted_reason", "accepted_by", "accepted_at"),
)


@dataclass(frozen=True, kw_only=True)
class SeenRow:
    """A row as the page showed it: decided only while both still hold."""

    pk: int
    version: int
    observed: int | None

    @property
    def token(self) -> str:
        """As a form carries it: "12.3.5", "12.3." for no record."""
        return f"{self.pk}.{self.version}.{'' if self.observed is None else self.observed}"


@dataclass(frozen=True, kw_only=True)
class DecisionOutcome:
    """What became of the rows of one decision: the keys of those that were decided, a sentence for each of the others,
    and how many are no longer there."""

    rows: Sequence[int]
    refused: Sequence[str]
    gone: int = 0

    @property
    def decided(self) -> int:
        return len(self.rows)

    @property
    def left_out(self) -> int:
        return len(self.refused) + self.gone

    @property
    def why_left_out(self) -> list[str]:
        """The first sentences, and one for all rows that are gone."""
        gone = [f"{self.gone} of the rows {'is' if self.gone == 1 else 'are'} no longer there."] if self.gone else []
        return [*gone, *self.refused[:MOST_NAMED]]

    @property
    def more_left_out(self) -> int:
        """For how many rows no sentence stands in `why_left_out`."""
        return max(0, len(self.refused) - MOST_NAMED)

    @property
    def sentence(self) -> str:
        """What did not go as asked; empty when everything did."""
        if not self.left_out:
            return ""
        kept = f"Decided {self.decided} of {self.decided + self.left_out}. " if self.decided else ""
        more = f" And {self.more_left_out} more." if self.more_left_out else ""
        return kept + " ".join(self.why_left_out) + more


def seen(mapping: Mapping) -> SeenRow:
    return SeenRow(pk=mapping.pk, version=mapping.version, observed=mapping.observed)


def read_token(token: str) -> SeenRow:
    """Raises Refused for what was not made by our page."""
    pk, version, observed = [*(whole(part) for part in token.split(".")), None, None, None][:3]
    is_empty = token.endswith(".")  # nothing is observed
    if token.count(".") != 2 or pk is None or version is None or (observed is None) is not is_empty:
        raise Refused(f'"{token[:40]}" is not a row. Reload the page and try again.')
    return SeenRow(pk=pk, version=version, observed=observed)


def decide_many(
    connector: Connector, rows: Iterable[SeenRow], drift_decision: DriftDecision, *, actor: Person
) -> DecisionOutcome:
    """Carry one decision out on many rows, with an entry each, in one transaction."""
    with transaction.atomic():
        outcome, records = decide_unrecorded(connector, rows, drift_decision, actor=actor)
        trail.record_all(records)
    return outcome


def decide_unrecorded(
    connector: Connector, rows: Iterable[SeenRow], drift_decision: DriftDecision, *, actor: Person
) -> tuple[DecisionOutcome, list[AuditRecord]]:
    """For a caller whose transaction does more: its last statement records what this returns, see trail."""
    now = timezone.now()
    asked = _require_sensible(rows, drift_decision, now)
    found = _locked(connector, asked)
    decided, refused = _rule(found, asked, drift_decision, actor, now)
    Mapping.objects.bulk_update(decided, DECIDED, batch_size=500)
    names = names_for(decided)
    records = [decision_record(row, drift_decision, names, actor=actor) for row in decided]
    return _outcome(asked, found, decided, refused), records


def foresee(
    connector: Connector, rows: Iterable[SeenRow], drift_decision: DriftDecision, *, actor: Person
) -> DecisionOutcome:
    """What decide_many would do now, by the same rules; nothing is stored. Raises Refused."""
    now = timezone.now()
    asked = _require_sensible(rows, drift_decision, now)
    found = list(_asked(connector, asked).order_by("pk"))
    decided, refused = _rule(found, asked, drift_decision, actor, now)
    return _outcome(asked, found, decided, refused)


def _outcome(asked: Sized, found: Sized, decided: Iterable[Mapping], refused: Sequence[str]) -> DecisionOutcome:
    return DecisionOutcome(rows=[row.pk for row in decided], refused=refused, gone=len(asked) - len(found))


def _require_sensible(rows: Iterable[SeenRow], drift_decision: DriftDecision, now: datetime) -> dict[int, SeenRow]:
    asked = {each.pk: each for each in rows}
    if not asked:
        raise Refused("Tick at least one row.")
    if len(asked) > MOST_ROWS:
        raise Refused(f"Decide at most {MOST_ROWS:,} rows at once: filter them first.")
    if drift_decision.decision is Decision.ACCEPT:
        require_acceptable(drift_decision, now)
    return asked


def _asked(connector: Connector, asked: Iterable[int]) -> LockableQuerySet[Mapping]:
    rows = Mapping.objects.filter(pk__in=list(asked), scope__connector=connector)
    return rows.select_related("scope__project", "scope__connector", "wanted_by", "former_by", "accepted_by")


def _locked(connector: Connector, asked: Iterable[int]) -> list[Mapping]:
    """The lists first, as a reader of Align's lists does: two that lock in one order do not wait for each other."""
    rows = _asked(connector, asked)
    scopes = Scope.objects.filter(pk__in=rows.values("scope_id")).order_by("pk")
    list(scopes.select_for_update(no_key=True).values_list("pk"))
    return list(rows.locked().order_by("pk"))


def _rule(
    found: Iterable[Mapping], asked: dict[int, SeenRow], drift_decision: DriftDecision, actor: Person, now: datetime
) -> tuple[list[Mapping], list[str]]:
    decided: list[Mapping] = []
    refused: list[tuple[Mapping, str]] = []
    for row in found:
        try:
            _require_as_seen(row, asked[row.pk])
            apply_decision(row, drift_decision, actor=actor, now=now)
        except Refused as refusal:
            refused.append((row, str(refusal)))
        else:
            decided.append(row)
    names = names_for([row for row, _ in refused[:MOST_NAMED]])
    return decided, [f"{source_name(row, names)} ({where_of(row)}): {sentence}" for row, sentence in refused]


def _require_as_seen(row: Mapping, as_seen: SeenRow) -> None:
    if seen(row) == as_seen:
        return
    raise Overtaken(_what_happened(row, as_seen), row)


def _what_happened(row: Mapping, as_seen: SeenRow) -> str:
    if row.observed != as_seen.observed:
        return "Align has changed again since this page was loaded. Check the new value first."
    accepted = row.situation == Situation.ACCEPTED
    who, at = (row.accepted_by, row.accepted_at) if accepted else (row.wanted_by, row.wanted_at)
    if who and at and row.situation not in OPEN_SITUATIONS:
        return f"{who} was faster, at {at:%H:%M} UTC. Look at what holds now first."
    return "This has changed since the page was loaded. Check the current state first."


OPEN_OR_ACCEPTED = (Situation.DRIFTED, Situation.CONFLICT, Situation.ACCEPTED)


LONGEST_ACCEPTANCE = timedelta(days=366)  # a year, to the end of its last day


class Decision(StrEnum):
    ADOPT = "adopt"  # theirs: what Align says is wanted
    RESTORE = "restore"  # mine: what is wanted goes into a plan
    ACCEPT = "accept"  # tolerate this observed value until a date
    END = "end"  # tolerate it no longer


VERBS = {
    Decision.ADOPT: "Adopted",
    Decision.RESTORE: "To be restored",
    Decision.ACCEPT: "Accepted for now",
    Decision.END: "No longer accepted",
}


@dataclass(frozen=True, kw_only=True)
class DriftDecision:
    """What somebody decided about rows that were changed elsewhere; a day and a reason for those who accept."""

    decision: Decision
    until: datetime | None = None
    reason: str = ""


def decide(
    mapping: Mapping,
    decision: Decision,
    *,
    seen: int | None,
    actor: Person,
    until: datetime | None = None,
    reason: str = "",
) -> Mapping:
    """Decide a drifted or conflicting row. `seen` is the observed value the person looked at."""
    now = timezone.now()
    drift_decision = DriftDecision(decision=decision, until=until, reason=reason.strip())
    with transaction.atomic():
        found = Mapping.objects.locked().select_related("scope__project", "wanted_by", "former_by")
        row = found.get(pk=mapping.pk)
        if row.situation in OPEN_OR_ACCEPTED and row.observed != seen:
            raise Overtaken("Align has changed again since this page was loaded. Check the new value first.", row)
        apply_decision(row, drift_decision, actor=actor, now=now)
        row.save()
        trail.record_all([decision_record(row, drift_decision, names_for([row]), actor=actor)])
    return row


def apply_decision(row: Mapping, drift_decision: DriftDecision, *, actor: Person, now: datetime) -> None:
    """Carry a decision out on a locked row; the caller saves it. Raises Refused."""
    decision = drift_decision.decision
    if row.situation not in OPEN_OR_ACCEPTED:
        raise Overtaken("This was already decided, or Align changed back: there is nothing to decide now.", row)
    if decision is Decision.END:
        _end_acceptance(row)
    elif not row.scope.known:
        raise Refused("The list could not be read last time, so nobody knows what Align has now. Check again first.")
    elif decision is Decision.ACCEPT:
        _accept(row, drift_decision, actor, now)
    else:
        _take_side(row, decision, actor, now)
    row.version += 1
    reconcile_mapping(row, now=now)


def _end_acceptance(row: Mapping) -> None:
    if row.situation != Situation.ACCEPTED:
        raise Overtaken("This is no longer accepted: there is nothing to end.", row)
    _forget_acceptance(row)


def _accept(row: Mapping, drift_decision: DriftDecision, actor: Person, now: datetime) -> None:
    if row.situation == Situation.CONFLICT:
        raise Refused("You edited this mapping too: choose theirs or mine.")
    require_acceptable(drift_decision, now)
    row.accepted_value, row.accepted_until, row.accepted_reason = (
        row.observed,
        drift_decision.until,
        drift_decision.reason,
    )
    row.accepted_by, row.accepted_at = actor, now


def require_acceptable(drift_decision: DriftDecision, now: datetime) -> None:
    """Accepting needs a reason and a day within a year, so that nothing is tolerated for ever."""
    if drift_decision.until is None or drift_decision.until <= now:
        raise Refused("Say until which day this is accepted; it has to be in the future.")
    if drift_decision.until > now + LONGEST_ACCEPTANCE:
        raise Refused(f"Choose a day within {LONGEST_ACCEPTANCE.days - 1} days: what stays longer, adopt or restore.")
    if not drift_decision.reason:
        raise Refused("Say why this is accepted.")


def _take_side(row: Mapping, decision: Decision, actor: Person, now: datetime) -> None:
    if decision is Decision.ADOPT:
        row.wanted = row.observed
    elif row.wanted_by_id != actor.pk:
        row.former_by = row.wanted_by
    # Who restores decides that this is sent, in a conflict too; whose edit it was stands beside.
    row.wanted_by, row.wanted_at = actor, now
    row.applied = row.observed
    _forget_acceptance(row)


def _forget_acceptance(row: Mapping) -> None:
    row.accepted_value = row.accepted_until = row.accepted_by = row.accepted_at = None
    row.accepted_reason = ""


def decision_record(row: Mapping, drift_decision: DriftDecision, names: Names, *, actor: Person) -> AuditRecord:
    family = FAMILIES[row.scope.family]
    source = names.of(family.kind, family.direction, source=row.source_id)
    has, wanted = _named(names, row, row.observed), _named(names, row, row.wanted)
    until = drift_decision.until if drift_decision.decision is Decision.ACCEPT else None
    to_when = f" Until {until:%-d %b %Y, %H:%M} UTC." if until else ""
    return _audit_record(
        f"drift.{drift_decision.decision.value}",
        [row],
        actor=actor,
        sentence=f"{VERBS[drift_decision.decision]}: {source}: Align has {has}, wanted is {wanted}.{to_when}",
        reason=drift_decision.reason,
        earlier=[row.former_by] if drift_decision.decision is Decision.RESTORE and row.former_by else [],
    )
