"""What has to be in place before mappings work, each checked in what we hold or confirmed by a person with a date.

The list is that of Jira Align's own guide to mapping by API. Nothing here calls Align or Jira.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from django.db.models import Count, Q

from alignadmin.audit.models import Entry
from alignadmin.text import counted
from connectors.align.terminology import Terminology
from connectors.catalogue.issue_types import IssueTypes, Unmatched
from connectors.models import (
    Confirmation,
    Connector,
    Credential,
    HistoryRow,
    ProcessFlow,
    Project,
    Source,
    Stage,
    System,
    WorkItemType,
    has_lists,
)

FLOWS_MENU = "Portfolio or Solution > More items > Process flows"
CONFIGURATION_PULL = "Settings > Jira Settings > Resync Configuration > Configuration data pull"
FAILED, DONE = "change.failed", "change.done"
MOST_NAMED = 5
MOST_FAILURES = 50


class StepState(StrEnum):
    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"


@dataclass(frozen=True, kw_only=True)
class Prerequisite:
    code: str
    label: str
    state: StepState
    sentence: str
    is_broken: bool = False  # what is missing was there, or fails: it has to be mended, and not only done
    can_confirm: bool = False
    confirmed_by: str = ""
    confirmed_at: datetime | None = None

    @property
    def page(self) -> str:
        """The name of the tab on which it is mended; empty for what is mended in Align or Jira."""
        return MENDED_ON.get(self.code, "")


MENDED_ON = {
    "api-token": "connector-credentials",
    "projects": "connector-projects",
    "work-item-types": "hierarchy",
}


# What no address of the two systems shows: label, and what to look at before confirming.
CONFIRMABLE = {
    "bidirectional-sync": (
        "Bidirectional sync is on",
        "The connector has to send work items both ways. Look in Jira Align under Settings > Jira Settings.",
    ),
    "statuses-pulled": (
        "Statuses are pulled into Align",
        f"Align accepts only the Jira statuses it has pulled. If in doubt, run {CONFIGURATION_PULL}.",
    ),
    "step-field": (
        "The process step field is on the details panels",
        "Only for mappings of process steps. Look in Jira Align under Settings > Details Panels Settings.",
    ),
}
# What a person decides about the set-up, and does not have to look up: what it is about, for the entry.
DECIDABLE = ("integration-user", "statuses-left", "terms-agreed")


def readiness(connector: Connector, matches: IssueTypes | None = None) -> list[Prerequisite]:
    """Every prerequisite in the order of the set-up. `matches`, where they are at hand."""
    facts = _Facts(connector, matches or IssueTypes(connector))
    return [
        _tokens(facts),
        _confirmation(facts, "bidirectional-sync"),
        _statuses(facts),
        _projects(facts),
        _types(facts),
        _flows(facts),
        _confirmation(facts, "step-field"),
    ]


def readiness_by_code(connector: Connector, matches: IssueTypes) -> dict[str, Prerequisite]:
    """For a connector from `with_credentials`. In place of both tokens together, each of the two."""
    found = {each.code: each for each in readiness(connector, matches) if each.code != "api-token"}
    return found | {each.code: each for each in tokens(connector)}


def tokens(connector: Connector) -> list[Prerequisite]:
    """Whether the current credential of each system works, with the code "align-token" or "jira-token"."""
    stored = {each.system: each for each in connector.credentials.all() if each.stage == Stage.CURRENT}
    return [_token(system, stored.get(system)) for system in System]


def matches_of(connector: Connector) -> dict[str, list[str]]:
    """Work item type -> names of the Jira issue types it stands for, chosen or usual."""
    matches = IssueTypes(connector)
    return {type_.value: matches.names(type_) for type_ in WorkItemType}


def matches_in_words(connector: Connector) -> list[tuple[str, list[str]]]:
    """What each work item type is called here, and the names of what it stands for."""
    return [(connector.terminology.name(type_), names) for type_, names in matches_of(connector).items()]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What Align said against a status in the newest apply."""

    at: datetime
    said: str


@dataclass
class _Facts:
    """What several prerequisites look at, each read once."""

    connector: Connector
    matches: IssueTypes
    confirmations: dict[str, Confirmation] = field(init=False)

    def __post_init__(self) -> None:
        self.confirmations = {each.code: each for each in self.connector.confirmations.all()}

    @property
    def is_read(self) -> bool:
        return self.connector.catalogue_at is not None

    @cached_property
    def refused_status(self) -> Failure | None:
        """Align's words about a status it does not know, from the plan that was applied last."""
        ours = HistoryRow.objects.filter(connector=self.connector, source=Source.OURS, plan__isnull=False)
        sent = ours.filter(Q(action=FAILED) | Q(action__in=("created", "updated", "deleted")))
        last = sent.order_by("-at", "-id").values_list("plan", flat=True).first()
        if last is None:
            return None
        failed = ours.filter(action=FAILED, plan=last).order_by("-id")[:MOST_FAILURES]
        return _about_a_status(list(failed))


def _about_a_status(failed: Sequence[HistoryRow]) -> Failure | None:
    return next((Failure(at=row.at, said=said) for row, said in about_statuses(failed)), None)


def about_statuses(failed: Sequence[HistoryRow]) -> Iterator[tuple[HistoryRow, str]]:
    """Of these failed changes, those of which Align said that it does not know a status, with its words."""
    rows = {row.entry_seq: row for row in failed}
    for entry in Entry.objects.filter(seq__in=list(rows)).order_by("-seq"):
        said = str(json.loads(entry.body).get("data", {}).get("detail", ""))
        # Align's own text is stored for an answer of 400; no shape of it is documented.
        if re.search(r"status(id)?\b", said, re.IGNORECASE):
            yield rows[entry.seq], said


def _confirmation(facts: _Facts, code: str) -> Prerequisite:
    label, advice = CONFIRMABLE[code]
    found = facts.confirmations.get(code)
    return Prerequisite(
        code=code,
        label=label,
        state=StepState.CONFIRMED if found else StepState.UNKNOWN,
        sentence="" if found else f"{advice} The API does not show it: confirm it once you have checked.",
        can_confirm=True,
        confirmed_by=found.person_name if found else "",
        confirmed_at=found.confirmed_at if found else None,
    )


def _statuses(facts: _Facts) -> Prerequisite:
    """Confirmed by a person, until a later apply shows that Align does not know a status."""
    confirmed, failure = facts.confirmations.get("statuses-pulled"), facts.refused_status
    if failure is None or (confirmed and confirmed.confirmed_at > failure.at):
        return _confirmation(facts, "statuses-pulled")
    said = failure.said.rstrip(".")
    return Prerequisite(
        code="statuses-pulled",
        label=CONFIRMABLE["statuses-pulled"][0],
        state=StepState.MISSING,
        sentence=f"Align refused a status in the last apply: {said}. Run {CONFIGURATION_PULL} there, then confirm.",
        is_broken=True,
        can_confirm=True,
    )


def _tokens(facts: _Facts) -> Prerequisite:
    both = tokens(facts.connector)
    states = {each.state for each in both}
    worst = next((state for state in (StepState.MISSING, StepState.UNKNOWN) if state in states), StepState.OK)
    return Prerequisite(
        code="api-token",
        label="The API tokens work",
        state=worst,
        sentence=" ".join(each.sentence for each in both),
        is_broken=any(each.is_broken for each in both),
    )


def _token(system: System, credential: Credential | None) -> Prerequisite:
    state, sentence = StepState.OK, f"{system.label} accepted its credential."
    if credential is None:
        state, sentence = StepState.MISSING, f"No {system.label} credential is stored."
    elif credential.last_answer:
        state, sentence = StepState.MISSING, f"{system.label}: {credential.last_answer}"
    elif credential.used_at is None:
        state = StepState.UNKNOWN
        sentence = f"The {system.label} credential has not been used yet: test the connection."
    return Prerequisite(
        code=f"{system.value}-token",
        label=f"{system.label} accepts its credential",
        state=state,
        sentence=sentence,
        is_broken=state is StepState.MISSING and credential is not None,
    )


def _projects(facts: _Facts) -> Prerequisite:
    synced = Project.objects.filter(has_lists(), connector=facts.connector)
    counts = synced.aggregate(all=Count("pk"), troubled=Count("pk", filter=~Q(align_error="")))
    state, sentence = StepState.OK, f"{counted(counts['all'], 'project')} of the connector found."
    if not counts["all"]:
        state = StepState.MISSING if facts.is_read else StepState.UNKNOWN
        sentence = "Align's connector has no Jira project: add them in Jira Align under Settings > Jira Settings."
        if not facts.is_read:
            sentence = "The projects have not been read yet: refresh the connector."
    elif counts["troubled"]:
        state = StepState.MISSING
        named = [f"{each.key} ({each.align_error})" for each in synced.exclude(align_error="")[:MOST_NAMED]]
        sentence = f"Align reports errors for {_listed(named, counts['troubled'])}"
    is_broken = bool(counts["troubled"])
    return Prerequisite(
        code="projects", label="Projects are synced", state=state, sentence=sentence, is_broken=is_broken
    )


def _types(facts: _Facts) -> Prerequisite:
    """In each project: one that calls its types otherwise is named, with what it has instead."""
    matches, called = facts.matches, facts.connector.terminology
    named = {type_: matches.names(type_) for type_ in WorkItemType}
    matched = [f"{called.name(type_)} = {', '.join(names) or 'nothing'}" for type_, names in named.items()]
    state, sentence = StepState.OK, f"{'; '.join(matched)}."
    if all(each.vanished_at is not None for each in matches.all.values()):
        state, sentence = StepState.UNKNOWN, "Jira's issue types have not been read yet: refresh the connector."
    elif matches.lost:
        state = StepState.MISSING
        gone = sorted(set(matches.lost))
        sentence = f"Jira has no issue type named {_listed(gone, len(gone))} Choose others in the hierarchy mapping."
    elif unmatched := matches.unmatched():
        state, sentence = (
            StepState.MISSING,
            " ".join([*_asked(unmatched, called), "Choose them in the hierarchy mapping."]),
        )
    elif lacking := [
        called.name(type_) for type_, names in named.items() if not names and not matches.is_left_out(type_, None)
    ]:
        state = StepState.MISSING
        sentence = f"Nothing in Jira stands for {_listed(lacking, len(lacking))} Choose them in the hierarchy mapping."
    return Prerequisite(
        code="work-item-types",
        label="Work item types are set up",
        state=state,
        sentence=sentence,
        is_broken=bool(matches.lost) and state is StepState.MISSING,
    )


def _asked(unmatched: Sequence[Unmatched], called: Terminology) -> list[str]:
    """One sentence for the projects that lack the same and have the same instead."""
    alike: dict[tuple[WorkItemType, tuple[str, ...]], list[str]] = {}
    for each in unmatched:
        alike.setdefault((each.work_item_type, each.candidates), []).append(each.project_key)
    return [
        f"Nothing stands for {called.name(type_)} in {_listed(keys, len(keys))[:-1]}: is it {' or '.join(names)}?"
        for (type_, names), keys in list(alike.items())[:MOST_NAMED]
    ]


def _flows(facts: _Facts) -> Prerequisite:
    flows = ProcessFlow.objects.filter(connector=facts.connector, vanished_at=None, is_active=True)
    counts = flows.aggregate(
        flows=Count("pk", distinct=True), steps=Count("steps", filter=Q(steps__vanished_at=None), distinct=True)
    )
    state, sentence = StepState.OK, f"{counted(counts['flows'], 'active flow')}, {counted(counts['steps'], 'step')}."
    if not facts.is_read:
        state, sentence = StepState.UNKNOWN, "The process flows have not been read yet: refresh the connector."
    elif not counts["steps"]:
        state = StepState.MISSING
        sentence = (
            "Only for mappings of process steps: Align has no active process flow with steps. Create one there: "
            f"{FLOWS_MENU}, at the level of the work items, with its steps and programs."
        )
    return Prerequisite(code="process-flows", label="Process flows exist", state=state, sentence=sentence)


def _listed(names: Sequence[str], total: int) -> str:
    """ "QA, Bug and 3 more." """
    shown = list(names[:MOST_NAMED])
    more = f" and {total - len(shown)} more" if total > len(shown) else ""
    return f"{', '.join(shown)}{more}."
