"""Issues of one project beside their items of Align: a lot of them is read, predicted, looked for and judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone

from connectors.align import AlignClient
from connectors.jira import JiraClient
from connectors.jira.jql import Jql, SearchField, is_in
from connectors.jobs.runner import JobFailed
from connectors.models import Connector, Project
from mappings.engine.agreement import (
    STATE,
    STEP,
    AgreementOutcome,
    ApartReason,
    JudgedDifference,
    PairFacts,
    judge,
    reason_of_missing,
)
from mappings.engine.import_scope import ImportScope
from mappings.engine.item_differences import RealOutcome
from mappings.engine.item_prediction import ItemRules, predict
from mappings.engine.items import IssueFacts, PredictedItem
from mappings.items.agreement.facts import AgreementFacts, facts_of
from mappings.items.agreement.severed import not_in_align, waits_for_a_person
from mappings.items.agreement.ways import WaysThere
from mappings.items.comparing.real_items import RealItem, RealItems
from mappings.items.comparing.sight import shows_programme
from mappings.items.prediction.issues import IssueReading, ParentReading, epic_link_of
from mappings.items.prediction.partners import partners_of
from mappings.items.prediction.rules import rules_of
from mappings.items.scope.agreed import scope_for
from mappings.items.scope.jql import jql_of
from mappings.models import ComparedItem, ItemLink

UPDATED = "updated"  # Jira's field
MANY_LOST = 10  # of a lot, before Align is asked whether it shows us their programme at all


@dataclass(frozen=True, kw_only=True)
class ComparedPair:
    """What comparing one issue came to. `why`: of what is not alike; the differences have sentences of their own.

    `waits_until`: when it is to be looked at again, as its change may be under way.
    """

    issue: IssueFacts
    level: str
    align_id: int | None
    outcome: AgreementOutcome
    reason: str = ""
    why: str = ""
    differences: Sequence[JudgedDifference] = ()
    item_updated_at: datetime | None = None
    waits_until: datetime | None = None

    @property
    def updated_at(self) -> datetime | None:
        return moment(self.issue.values.get(UPDATED))

    @property
    def is_unseen(self) -> bool:
        """Whether Align shows no item of this id, which is all that is known of it."""
        return self.why == not_in_align(self.align_id)


@dataclass(kw_only=True)
class ProjectComparison:
    """`lag`: how long a change usually takes. Both clients read alone. `unread`: why records could not be read."""

    connector: Connector
    project: Project
    jira: JiraClient
    align: AlignClient
    lag: timedelta
    unread: list[str] = field(default_factory=list)
    _whole: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def forget_items(self) -> None:
        """Where the site refuses to filter, what its programme has was read once, and is older by now."""
        self._whole.clear()

    @cached_property
    def scope(self) -> ImportScope:
        return scope_for(self.connector, self.project)

    @cached_property
    def rules(self) -> ItemRules:
        return rules_of(self.connector, self.project, landing=self.scope.landing)

    @cached_property
    def jql(self) -> Jql:
        """Which issues are compared. Align's connector carries a project whole; of ours the scope of imports counts,
        with what was closed since. Raises Refused where the condition that was agreed cannot be asked.
        """
        if not self.project.is_ours:
            return self.whole_project
        return jql_of(self.project.jira_id, replace(self.scope, with_closed=True))

    @property
    def whole_project(self) -> Jql:
        return is_in(SearchField.PROJECT, [self.project.jira_id])

    @cached_property
    def facts(self) -> AgreementFacts:
        return facts_of(self.connector, self.project)

    @cached_property
    def ways(self) -> WaysThere:
        return WaysThere(jira=self.jira, facts=self.facts)

    @cached_property
    def reading(self) -> IssueReading:
        return IssueReading(
            jira=self.jira,
            rules=self.rules,
            epic_link=epic_link_of(self.connector),
            unread=self.unread,
            more=(UPDATED,),
        )

    def compare(self, issues: Sequence[IssueFacts]) -> list[ComparedPair]:
        """At most a hundred of them. Raises RemoteError, and JobFailed where an account has lost sight of them.

        1. What stands above them, and whom Align has of the names in them. 2. What they become. 3. Their items: by the
        link where there is one, else by their keys; one that is not found by its key is looked for by the id that it
        had. 4. What is not alike is judged.
        """
        issues, above = ParentReading(reading=self.reading, project=self.project, scope=self.jql).of(issues)
        rules = self.rules.with_partners(partners_of(self.align, self.rules, issues))
        items = [predict(each, rules, above) for each in issues]
        links = self._links([*above, *(each.id for each in issues)])
        known = self._known(items)
        usable = {id_: each.align_id for id_, each in links.items() if each.align_id and not waits_for_a_person(each)}
        real = self._real(rules, usable).beside(items, self.facts.steps)
        real = self._found_again(items, real, rules, {**usable, **self._known_ids(items, known, links)})
        pairs = [
            self._compared(item, there, links.get(item.issue.id), known.get(item.issue.id))
            for item, there in zip(items, real, strict=True)
        ]
        self._refuse_blindness(pairs, known)
        return pairs

    def _refuse_blindness(self, pairs: Sequence[ComparedPair], known: Mapping[int, ComparedItem]) -> None:
        """An account that may not see a programme any more is shown none of its items, as if all were deleted."""
        lost = [each for each in pairs if each.outcome is AgreementOutcome.SEVERED and each.is_unseen]
        news = [each for each in lost if not _was_severed(known.get(each.issue.id))]
        if len(news) < MANY_LOST or 2 * len(news) <= sum(each.align_id is not None for each in pairs):
            return
        if self.sees_programme:
            return
        raise JobFailed(
            f"Align does not show {len(news)} items of {self.project.key} that it had, nor their programme. Nothing "
            "was severed: let the account of Align’s token see the programme again, or take the project out of scope."
        )

    @cached_property
    def sees_programme(self) -> bool:
        """Of a project of which no programme is known nobody can tell."""
        asked = self.project.programme_id
        return asked is not None and shows_programme(self.align.objects, asked)

    def items_left(self, level: str, ids: Collection[int]) -> list[int]:
        """Those of these ids that Align still has, outside of its recycle bin. Raises RemoteError."""
        found = self._real(self.rules, {}).by_id(level, ids)
        return [id_ for id_, each in found.items() if each.get("isRecycled") is not True]

    def _links(self, ids: Sequence[int]) -> dict[int, ItemLink]:
        """Of a project of ours; what Align carries is linked by Align."""
        if not self.project.is_ours:
            return {}
        return {each.jira_id: each for each in ItemLink.objects.filter(connector=self.connector, jira_id__in=ids)}

    def _known(self, items: Sequence[PredictedItem]) -> dict[int, ComparedItem]:
        ids = [each.issue.id for each in items]
        return {each.jira_id: each for each in ComparedItem.objects.filter(connector=self.connector, jira_id__in=ids)}

    def _real(self, rules: ItemRules, linked: Mapping[int, int]) -> RealItems:
        return RealItems(
            objects=self.align.objects,
            project=self.project,
            rules=rules,
            linked=linked,
            leaves_out_recycled=True,
            whole=self._whole,
        )

    def _known_ids(
        self, items: Sequence[PredictedItem], known: Mapping[int, ComparedItem], links: Mapping[int, ItemLink]
    ) -> dict[int, int]:
        """Items that were found before, of issues without a link of ours."""
        return {
            item.issue.id: row.align_id
            for item in items
            if (row := known.get(item.issue.id)) and row.align_id and row.level == item.level
            if item.issue.id not in links
        }

    def _found_again(
        self, items: Sequence[PredictedItem], real: list[RealItem], rules: ItemRules, ids: Mapping[int, int]
    ) -> list[RealItem]:
        """An issue that was moved has another key, which Align may not know yet: its item is followed by its id."""
        lost = [
            place
            for place, (item, there) in enumerate(zip(items, real, strict=True))
            if there.outcome is RealOutcome.NOT_FOUND and not there.is_recycled and item.issue.id in ids
        ]
        if not lost:
            return real
        again = self._real(rules, ids).beside([items[place] for place in lost], self.facts.steps)
        found = [*real]
        for place, there in zip(lost, again, strict=True):
            theirs = str(there.record.get("externalId") or items[place].issue.id)
            if there.is_recycled or theirs == str(items[place].issue.id):  # else the item stands for another issue now
                found[place] = there
        return found

    # --- judging ------------------------------------------------------------------------------------------------------

    def _compared(
        self, item: PredictedItem, real: RealItem, link: ItemLink | None, known: ComparedItem | None
    ) -> ComparedPair:
        pair = ComparedPair(issue=item.issue, level=item.level, align_id=None, outcome=AgreementOutcome.NOTHING)
        if link is not None and link.align_id is not None:
            there = replace(pair, level=link.level, align_id=link.align_id)
            if waits_for_a_person(link):
                return _severed(item, there, link.severed_why)
            if item.level != link.level and not _has_other_type(item, known):
                return _of_another_level(item, there)
            if why := _why_severed(item, real, link.level, link.align_id):
                return _severed(item, there, why)
        elif known is not None and known.align_id and not real.record and real.outcome is not RealOutcome.TWICE:
            there = replace(pair, level=known.level, align_id=known.align_id)
            if item.level != known.level and not _has_other_type(item, known):
                return _of_another_level(item, there)
            return _severed(item, there, _why_severed(item, real, known.level, known.align_id))
        if not item.level:
            said = item.losses[0].sentence if item.losses else ""
            return replace(pair, reason=ApartReason.TYPE_NOT_MAPPED, why=said)
        if real.is_recycled:
            return _severed(item, replace(pair, align_id=real.ids[0]), _why_recycled(real.ids[0]))
        if real.outcome is RealOutcome.NOT_FOUND:
            return self._missing(pair, item)
        if real.outcome is RealOutcome.TWICE:
            said = f"Items {', '.join(map(str, real.ids))} of Align have its key; one of them was made by hand."
            return replace(pair, outcome=AgreementOutcome.TWICE, reason=ApartReason.CHANGED_BY_HAND, why=said)
        return self._judged(pair, item, real, link)

    def _missing(self, pair: ComparedPair, item: PredictedItem) -> ComparedPair:
        if self.project.is_ours and not self.scope.with_closed and item.issue.status_id in self.facts.resolved:
            return replace(pair, reason=ApartReason.OUT_OF_SCOPE, why="Closed issues are not imported.")
        until = self._young_until(pair)
        reason, why = reason_of_missing(
            item,
            PairFacts(is_young=until is not None),
            is_ours=self.project.is_ours,
            align_error=self.project.align_error,
        )
        return replace(pair, outcome=AgreementOutcome.NOT_FOUND, reason=reason, why=why, waits_until=until)

    def _judged(self, pair: ComparedPair, item: PredictedItem, real: RealItem, link: ItemLink | None) -> ComparedPair:
        updated = moment(real.record.get("lastUpdatedDate"))
        found = replace(pair, align_id=real.ids[0], outcome=AgreementOutcome.ALIKE, item_updated_at=updated)
        if not real.told:
            return found
        until = self._young_until(pair)
        goes_back = item.level in self.facts.back.levels
        wanted = self._wanted(item, real) if goes_back else {}
        others = {key: status for key, status in wanted.items() if status != item.issue.status_id}
        ways = {key: self.ways.of(item.issue, status) for key, status in others.items()} if until is None else {}
        changed = pair.updated_at
        judged = judge(
            real.told,
            item,
            PairFacts(
                is_young=until is not None,
                goes_back=goes_back,
                wanted=wanted,
                ways=ways,
                item_changed_last=updated is not None and changed is not None and updated > changed,
                step_refused=self.facts.refused_steps.get(item.step or 0, ""),
                waits_for_import=link is not None and changed is not None and changed > link.sent_at,
            ),
        )
        return replace(
            found,
            outcome=AgreementOutcome.APART,
            reason=judged[0].reason,
            why=judged[0].sentence,
            differences=judged,
            waits_until=until,
        )

    def _wanted(self, item: PredictedItem, real: RealItem) -> dict[str, int]:
        """The statuses that the state and the step of the item stand for, as far as these differ and lead anywhere."""
        found = {
            each.key: self.facts.back.wanted(item.level, each.key, real.record)
            for each in real.told
            if each.key in (STATE, STEP)
        }
        return {key: status for key, status in found.items() if status is not None}

    def _young_until(self, pair: ComparedPair) -> datetime | None:
        """Until when a change of the issue may still be under way to Align; of ours nothing is."""
        changed = pair.updated_at
        if changed is None or self.project.is_ours:
            return None
        until = changed + self.lag
        return until if until > timezone.now() else None


def _was_severed(known: ComparedItem | None) -> bool:
    return known is not None and known.outcome == AgreementOutcome.SEVERED


def _has_other_type(item: PredictedItem, known: ComparedItem | None) -> bool:
    """Than when it was compared before; else it is the hierarchy that was edited."""
    if known is None or known.issue_type_id is None:
        return False
    return known.issue_type_id != item.issue.type_id or (_was_severed(known) and known.level != item.level)


def _of_another_level(item: PredictedItem, pair: ComparedPair) -> ComparedPair:
    """By an edit of the hierarchy: nobody has touched either side, so nothing is severed."""
    becomes = f"makes a {item.level} of" if item.level else "brings nothing over of"
    why = (
        f"The hierarchy {becomes} {item.issue.type_name} now, and item {pair.align_id}, which stands for it, is a "
        f"{pair.level}. Change the hierarchy back, or move the item in Align."
    )
    return replace(pair, outcome=AgreementOutcome.APART, reason=ApartReason.TYPE_NOT_MAPPED, why=why)


def _severed(item: PredictedItem, pair: ComparedPair, why: str) -> ComparedPair:
    reason = ApartReason.CHANGED_BY_HAND if item.level else ApartReason.TYPE_NOT_MAPPED
    return replace(pair, outcome=AgreementOutcome.SEVERED, reason=reason, why=why)


def _why_severed(item: PredictedItem, real: RealItem, level: str, align_id: int) -> str:
    """Why the item that an issue had does not stand for it any more; empty where it does."""
    if item.level != level:
        becomes = f"{item.issue.type_name} would be a {item.level}" if item.level else "its type becomes nothing"
        return f"The type of the issue was changed: {becomes}, and item {align_id} is a {level}. Both stay."
    if real.is_recycled:
        return _why_recycled(align_id)
    if not real.record:
        return not_in_align(align_id)
    return ""


def _why_recycled(align_id: int) -> str:
    return f"Item {align_id} is in Align’s recycle bin. The issue stays."


def moment(told: Any) -> datetime | None:
    """As either side writes it; None for what is no time."""
    try:
        found = datetime.fromisoformat(told) if isinstance(told, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
