"""Findings as pages and e-mails tell them: those of one thing together, with what they lead to and where to look."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.text import get_text_list

from connectors.catalogue.findings import COMES, words_of
from connectors.catalogue.known import NOT_CARRIED, OURS
from connectors.models import Carried, Connector, Finding, FindingChange, FindingKind
from mappings.engine.values import Kind, TypeName
from mappings.findings.effects import LEADS_TO, Reached, StatusEffects, effect_of, falls, still_named
from mappings.findings.fields_in_use import NOT_IN_USE, FieldsInUse, is_of_field

MOST = 2000  # findings that are told by themselves; nobody reads more
NAMED_PROJECTS = 2


@dataclass(frozen=True, kw_only=True)
class FindingLine:
    """`since` is when it was found first. `key` says which findings a click marks as seen."""

    findings: Sequence[Finding]
    where: str
    effect: str
    href: str
    is_falling: bool = False
    is_settled: bool = False  # a new status that is mapped wherever it is reached

    @property
    def first(self) -> Finding:
        return self.findings[0]

    @property
    def since(self) -> datetime:
        return min(each.found_at for each in self.findings)

    @property
    def key(self) -> str:
        return f"{self.first.kind}.{self.first.change}.{self.first.remote_id}"

    def sentence(self, *, since: str = "") -> str:
        """ "Waiting for vendor (10777) is new in PROJ since 09:12: stories that reach it fall to 0 - ..." """
        return f"{words_of(self.first, where=self.where, since=since or clock(self.since))}: {self.effect}"

    @property
    def text(self) -> str:
        return f"{self.sentence()}."

    def concerns(self, project_id: int | None) -> bool:
        """Whether it is about this project, or about all of them."""
        projects = {each.project_id for each in self.findings}
        return project_id is None or None in projects or project_id in projects


def clock(at: datetime) -> str:
    """ "09:12" of today, else with the day; in the viewer's zone."""
    local, today = timezone.localtime(at), timezone.localdate()
    return f"{local:%H:%M}" if local.date() == today else f"{local:%-d %b %Y, %H:%M}"


def open_findings(connector: Connector) -> QuerySet[Finding]:
    """Which nobody has marked as seen, and which nothing later contradicts or answers.

    That Align does not carry a project, or not any more, is answered where somebody took it over as ours.
    """
    found = Finding.objects.filter(connector=connector, ended_at=None, seen_at=None)
    not_carried = Q(change=FindingChange.NEW) | Q(after=NOT_CARRIED)
    found = found.exclude(not_carried, kind=FindingKind.PROJECT, project__ours_at__isnull=False)
    return found.select_related("project").order_by("-found_at", "-pk")


def attention(connector: Connector) -> list[FindingLine]:
    """What somebody should look at, what falls to 0 first."""
    lines = finding_lines(connector, list(open_findings(connector)[:MOST]))
    return sorted((line for line in lines if not line.is_settled), key=lambda line: not line.is_falling)


def finding_lines(connector: Connector, findings: Sequence[Finding]) -> list[FindingLine]:
    """In their order; a number of queries that does not grow with them."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        groups.setdefault(_group(finding), []).append(finding)
    if not groups:
        return []
    come = {each.remote_id for each in findings if _is_coming_status(each)}
    effects = StatusEffects(connector, come)
    gone = [each for each in findings if each.change == FindingChange.GONE]
    fields = FieldsInUse(connector)
    named = still_named(
        connector,
        statuses={each.remote_id for each in gone if each.kind == FindingKind.STATUS},
        steps={each.remote_id for each in gone if each.kind == FindingKind.STEP},
    )
    return [
        _coming_line(connector, group, effects)
        if _is_coming_status(group[0])
        else _field_line(connector, group, fields)
        if is_of_field(group[0])
        else _line(connector, group, named)
        for group in groups.values()
    ]


def _is_coming_status(finding: Finding) -> bool:
    return finding.kind == FindingKind.STATUS and finding.change in COMES


def _group(finding: Finding) -> tuple[object, ...]:
    """A status that is new in the site and in twenty projects is one thing to look at."""
    about = (finding.kind, finding.change, finding.remote_id)
    of_status = finding.kind == FindingKind.STATUS and finding.change in (*COMES, FindingChange.GONE)
    return about if of_status else (*about, finding.before, finding.after)


def _where(findings: Collection[Finding]) -> str:
    """Empty: the site."""
    is_gone_everywhere = any(each.change == FindingChange.GONE and each.project_id is None for each in findings)
    keys = sorted({each.project.key for each in findings if each.project})
    if not keys or is_gone_everywhere or any(each.kind == FindingKind.PROJECT for each in findings):
        return ""
    if len(keys) <= NAMED_PROJECTS + 1:
        return get_text_list(keys, "and")
    return f"{', '.join(keys[:NAMED_PROJECTS])} and {len(keys) - NAMED_PROJECTS} other projects"


def _coming_line(connector: Connector, group: Sequence[Finding], effects: StatusEffects) -> FindingLine:
    reached = effects.reached.get(group[0].remote_id, [])
    projects = {each.project_id for each in group if each.project_id}
    here = [each for each in reached if each.project_id in projects] if projects else reached
    falling = falls(here)
    return FindingLine(
        findings=group,
        where=_where(group),
        effect=effect_of(here, effects.connector.terminology),
        href=_row_url(connector, group[0].remote_id, falling or here),
        is_falling=bool(falling),
        is_settled=bool(here) and all(each.is_mapped for each in here),
    )


def _row_url(connector: Connector, status_id: int, reached: Sequence[Reached]) -> str:
    """The matrix with this row alone; of stories, where they are among the types."""
    if not reached:
        return matrix_url(connector, q=str(status_id))
    stories = [each for each in reached if each.work_item_type is TypeName.STORY]
    shown = (stories or list(reached))[0]
    type_ = "" if shown.work_item_type is TypeName.STORY else shown.work_item_type.value
    return matrix_url(connector, type=type_, scope=shown.project_key, q=str(status_id))


def _line(connector: Connector, group: Sequence[Finding], named: dict[int, int]) -> FindingLine:
    first = group[0]
    effect = LEADS_TO.get((FindingKind(first.kind), FindingChange(first.change)), "")
    if first.change == FindingChange.GONE and first.kind in (FindingKind.STATUS, FindingKind.STEP):
        number = named.get(first.remote_id, 0)
        effect = "no mapping names it" if not number else f"{number} mapping{'s name' if number > 1 else ' names'} it"
    if (first.kind, first.change) == (FindingKind.PROJECT, FindingChange.MOVED) and _is_left(first):
        effect = "Align moves its items no more; its mappings stay here, and its lists are not read"
    elif (first.kind, first.change) == (FindingKind.PROJECT, FindingChange.MOVED) and first.before.startswith(OURS):
        effect = (
            "it is not ours any more; its lists of ours stay to be looked at, and what waits there can only be undone"
        )
    return FindingLine(findings=group, where=_where(group), effect=effect, href=_url(connector, first))


def _field_line(connector: Connector, group: Sequence[Finding], fields: FieldsInUse) -> FindingLine:
    """Of a field that nothing is carried to or from there is nothing to do."""
    first = group[0]
    is_used = fields.uses(first)
    return FindingLine(
        findings=group,
        where="",
        effect=LEADS_TO.get((FindingKind(first.kind), FindingChange(first.change)), "") if is_used else NOT_IN_USE,
        href=reverse("fields", args=[connector.slug]),
        is_settled=not is_used,
    )


def _is_left(finding: Finding) -> bool:
    return finding.project is not None and finding.project.carried == Carried.NO


def _url(connector: Connector, finding: Finding) -> str:
    if finding.kind == FindingKind.ISSUE_TYPE:
        return reverse("hierarchy", args=[connector.slug])
    if finding.kind in (FindingKind.FLOW, FindingKind.STEP) or (
        finding.kind == FindingKind.PROGRAMME and finding.project is None
    ):
        return matrix_url(connector, kind=Kind.STEP.value)
    project = finding.project
    if project is not None and finding.before.startswith(OURS):
        return matrix_url(connector, scope=project.key, of="ours")
    if project is not None and project.has_matrix:
        q = str(finding.remote_id) if finding.kind == FindingKind.STATUS else ""
        return matrix_url(connector, scope=project.key, q=q)
    if finding.kind == FindingKind.STATUS:
        return matrix_url(connector, q=str(finding.remote_id))
    return f"{reverse('connector-projects', args=[connector.slug])}?{urlencode({'q': finding.name})}"


def matrix_url(connector: Connector, **fields: str) -> str:
    query = urlencode({name: value for name, value in fields.items() if value})
    address = reverse("matrix", args=[connector.slug])
    return f"{address}?{query}" if query else address
