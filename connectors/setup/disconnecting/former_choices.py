"""What was chosen for a connector that is disconnected, offered to another one of the same Align or Jira site.

Each choice is shown beside what holds now, and is taken only where somebody leaves it ticked. Nothing is linked: no
mapping, no record and no history goes along. What is approved line by line goes into its draft, and is not in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q, QuerySet

from alignadmin.accounts.models import Person
from alignadmin.audit import trail
from alignadmin.audit.entries import AuditRecord
from alignadmin.errors import Refused
from alignadmin.text import counted, first_of, lasting
from connectors.align.terminology import LEVELS, own_name
from connectors.explorer import services as explorer
from connectors.models import Connector, Project, ScopeChoice, WorkItemType
from connectors.ports.audited import context_of
from connectors.ports.connected import lock_connected
from connectors.ports.extensions import extensions
from connectors.setup import services
from connectors.setup.connection_test import data_of
from connectors.setup.disconnecting.choices_document import decided_terms
from connectors.setup.level_names import name_levels, version_of
from connectors.setup.queries import issue_type_names
from connectors.setup.scope.services import MOST_NAMED, choose_scope

TAKEN = "connector.choices_taken"
OF_LEVEL = "type-"  # keys of choices that go into the draft of the hierarchy begin so
Take = Callable[[Connector, Person], object]


@dataclass(frozen=True, kw_only=True)
class FormerChoice:
    """One choice that differs: how it was there, how it is here, and what taking it does. `left`: what cannot come.

    `level`: of the hierarchy, for which `names` stand; the levels that are taken go into its draft together.
    """

    key: str
    label: str
    there: str
    here: str
    take: Take | None = None
    left: str = ""
    level: str = ""
    names: Sequence[str] = ()

    @property
    def stamp(self) -> str:
        return f"{self.key}={self.there}={self.here}={self.left}"


def formers(connector: Connector) -> QuerySet[Connector]:
    """The disconnected connectors that share a site with this one, the last one first."""
    same = Q(jira_site=connector.jira_site) | Q(align_site=connector.align_site)
    others = Connector.objects.filter(same, disconnected_at__isnull=False).exclude(pk=connector.pk)
    return others.select_related("disconnected_by").order_by("-disconnected_at", "pk")


def choices(connector: Connector, former: Connector) -> list[FormerChoice]:
    """Those that differ; an equal one needs no offer."""
    return [each for each in _all(connector, former) if each.there != each.here or each.left]


def stamp_of(offered: Sequence[FormerChoice]) -> str:
    """Stands in the form, to tell whether it was drawn from these."""
    return hashlib.sha256("\n".join(each.stamp for each in offered).encode()).hexdigest()[:16]


def take(connector: Connector, former: Connector, keys: Collection[str], *, seen: str, actor: Person) -> int:
    """Take the ticked ones; how many those were. Raises Refused, and then none was taken."""
    with transaction.atomic():
        found = lock_connected(connector)
        former = formers(found).filter(pk=former.pk).first() or _gone()
        offered = choices(found, former)
        if stamp_of(offered) != seen:
            raise Refused("Something was changed after your page was loaded: look at what is offered now.")
        chosen = [each for each in offered if each.key in keys]
        if not chosen:
            raise Refused("Nothing is ticked, so nothing was taken over.")
        for each in chosen:
            if each.take:
                each.take(found, actor)
        if levels := {each.level: each.names for each in chosen if each.level}:
            extensions().draft_levels(found, levels, actor)
        _record(found, former, chosen, actor)
    return len(chosen)


def _gone() -> Connector:
    raise Refused("That connector is connected again, or shares no site with this one any more. Nothing was taken.")


def _record(connector: Connector, former: Connector, chosen: Sequence[FormerChoice], actor: Person) -> None:
    labels = ", ".join(f"{each.label[:1].lower()}{each.label[1:]}" for each in chosen)
    trail.record(
        AuditRecord(
            action=TAKEN,
            actor=actor,
            context=context_of(connector),
            subject=f"connector {connector.slug}",
            sentence=f"Took over {counted(len(chosen), 'choice')} of {former.name}, which is disconnected: {labels}.",
            data={"of": former.slug, "choices": {each.key: [each.here, each.there] for each in chosen}},
        )
    )


# --- what there is to choose ------------------------------------------------------------------------------------------


def _all(connector: Connector, former: Connector) -> Iterator[FormerChoice]:
    yield from _types(connector, former)
    yield _terms(connector, former)
    yield from _names(connector, former)
    yield from _scope(connector, former)
    yield from _rules(connector, former)
    yield _plain(connector, former, "time_zone", "Time zone of pasted log lines", str)
    yield _plain(connector, former, "log_by_hand", "Align’s log is pasted and uploaded only", _yes_or_no)
    yield FormerChoice(
        key="explorer",
        label="Explorer open to editors",
        there=_yes_or_no(former.explorer_for_editors),
        here=_yes_or_no(connector.explorer_for_editors),
        take=lambda found, actor: explorer.open_to_editors(found, former.explorer_for_editors, actor=actor),
    )


def _types(connector: Connector, former: Connector) -> Iterator[FormerChoice]:
    """By name, of each level for which somebody chose; names that this Jira has not cannot come."""
    there, known = extensions().agreed_levels(former), set(issue_type_names(connector))
    here = extensions().wanted_levels(connector) if there else {}
    for level, names in there.items():
        kept, left = [each for each in names if each in known], [each for each in names if each not in known]
        if kept or not names:
            yield FormerChoice(
                key=f"{OF_LEVEL}{level}",
                label=f"Issue types of {own_name(level)}",
                there=", ".join(kept) or "nothing",
                here=", ".join(sorted(here[level])) or "nothing",
                left=", ".join(left),
                level=level,
                names=kept,
            )


def _terms(connector: Connector, former: Connector) -> FormerChoice:
    """Those that have no meaning here yet: what was learned or decided here stays."""
    decided = decided_terms(connector)
    new = {label: type_ for label, type_ in decided_terms(former).items() if label not in decided}
    return FormerChoice(
        key="terms",
        label="Terms of Align’s log",
        there="; ".join(f"{label} is {WorkItemType(type_).label if type_ else 'none'}" for label, type_ in new.items()),
        here="",
        take=lambda found, actor: services.decide_terms(found, new, actor=actor),
    )


def _names(connector: Connector, former: Connector) -> Iterator[FormerChoice]:
    if former.level_names:
        yield FormerChoice(
            key="level-names",
            label="Names of the levels",
            there=_named(former),
            here=_named(connector),
            take=_taking_names(former.level_names),
        )


def _named(connector: Connector) -> str:
    names = connector.level_names
    named = [f"{own_name(level)} is called {names[level]}" for level in LEVELS if level in names]
    return "; ".join(named) or "Align's own"


def _taking_names(names: Mapping[str, str]) -> Take:
    return lambda found, actor: name_levels(found, names, seen=version_of(found), actor=actor)


def _scope(connector: Connector, former: Connector) -> Iterator[FormerChoice]:
    """Of projects of the same Jira: those that somebody took in or out there, and that are chosen otherwise here."""
    if connector.jira_site != former.jira_site:
        return
    chosen = Project.objects.filter(connector=former).exclude(scope_choice=ScopeChoice.ALIGN)
    choices_there = dict(chosen.values_list("jira_id", "scope_choice"))
    here = list(Project.objects.filter(connector=connector, jira_id__in=choices_there).order_by("key"))
    for choice in (ScopeChoice.OUT, ScopeChoice.IN):
        other = [each for each in here if choices_there[each.jira_id] == choice and each.scope_choice != choice]
        if other:
            keys = first_of([each.key for each in other], MOST_NAMED)
            yield FormerChoice(
                key=f"scope-{choice}",
                label=f"Projects chosen {choice.label}",
                there=f"{counted(len(other), 'project')}: {keys}",
                here="chosen otherwise",
                take=_taking_scope([each.pk for each in other], choice),
            )


def _taking_scope(ids: Collection[int], choice: ScopeChoice) -> Take:
    return lambda found, actor: choose_scope(found, ids, choice, actor=actor)


def _rules(connector: Connector, former: Connector) -> Iterator[FormerChoice]:
    words: Mapping[str, tuple[str, Callable[[object], str]]] = {
        "four_eyes": ("A second person approves", _yes_or_no),
        "ticket_pattern": ("Ticket format", lambda value: str(value) or "any"),
        "typed_above": ("Typed confirmation above", lambda value: counted(int(str(value)), "change")),
        "typed_share": ("Typed confirmation above this share of a list", lambda value: f"{value} %"),
        "observe_every": ("Lists are read", _every),
    }
    for name, (label, said) in words.items():
        yield FormerChoice(
            key=name,
            label=label,
            there=said(getattr(former, name)),
            here=said(getattr(connector, name)),
            take=_taking_rule(name, getattr(former, name)),
        )


def _taking_rule(name: str, value: object) -> Take:
    return lambda found, actor: extensions().take_rules(found, {name: value}, actor)


def _plain(
    connector: Connector, former: Connector, name: str, label: str, said: Callable[[object], str]
) -> FormerChoice:
    value = getattr(former, name)

    def taking(found: Connector, actor: Person) -> object:
        return services.edit_connector(found, replace(data_of(found), **{name: value}), actor=actor)

    return FormerChoice(key=name, label=label, there=said(value), here=said(getattr(connector, name)), take=taking)


def _yes_or_no(value: object) -> str:
    return "yes" if value else "no"


def _every(seconds: object) -> str:
    return f"every {lasting(int(str(seconds)))}" if seconds else "manually only"
