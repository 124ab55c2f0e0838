"""Bringing an issue to a status, by at most three transitions.

Jira tells the transitions of the status in which an issue is now, and of no other. What lies behind them is read
off other issues of the same project and type that are in those statuses already, so that most paths are known before
anything is changed. Where no issue is, the way there is tried only if no known one leads on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alignadmin.http.errors import BadRequest, Forbidden, Malformed, NotFound, OutcomeUnknown, RemoteError
from connectors.jira.client import IssueRef, JiraClient
from connectors.jira.errors import NotReached
from connectors.jira.issue_resources import JiraTransition
from connectors.jira.jql import SearchField, is_in, issues_of
from connectors.jira.resources import JiraIssue, JiraIssueType, JiraProject, JiraStatus
from connectors.jira.writing import JiraWriter

MOST_TRANSITIONS = 3
MOST_LOOKS = 25  # at other issues, two requests each
ASKED = ("status", "project", "issuetype")


@dataclass(frozen=True, kw_only=True)
class ReachedStatus:
    """Where the issue is now, and the transitions that brought it there: none where it was there before."""

    status: JiraStatus
    taken: tuple[JiraTransition, ...]


@dataclass(frozen=True, kw_only=True)
class KnownWay:
    """The shortest that is known: the transition to begin with, and the statuses it passes, the last one included."""

    first: JiraTransition
    passes: tuple[JiraStatus, ...]


@dataclass(frozen=True, kw_only=True)
class KnownWays:
    """From where an issue is now. `is_whole`: all that lies behind was told, so what is not in it is not reached."""

    by_status: Mapping[int, KnownWay]
    is_whole: bool


def ways_from(
    jira: JiraClient, issue: JiraIssue, offered: Iterable[JiraTransition], *, may_look: Callable[[], bool]
) -> KnownWays:
    """Where an issue can be brought by `reach`, of which nothing is done here: as far as Jira tells.

    `issue`: with the fields of ASKED. `may_look`: asked before each look at another issue, which takes two requests.
    """
    ways = _Ways(jira=jira, issue=issue, may_pass_ends=False, may_look=may_look)
    here = issue.status.id
    found: dict[int, KnownWay] = {}
    level = [KnownWay(first=each, passes=(each.to,)) for each in _by_effort(offered, {here})]
    seen, is_whole = {here}, True
    for steps in range(1, MOST_TRANSITIONS + 1):
        for way in level:
            found.setdefault(way.passes[-1].id, way)
        further: list[KnownWay] = []
        for way in level if steps < MOST_TRANSITIONS else ():
            at = way.passes[-1]
            if at.id in seen or at.category == "done":
                continue
            seen.add(at.id)
            onward = ways.behind_status(at.id)
            is_whole = is_whole and onward is not None
            further += [
                KnownWay(first=way.first, passes=(*way.passes, to)) for to in onward or () if to.id not in {here, at.id}
            ]
        level = further
    return KnownWays(by_status=found, is_whole=is_whole)


def reach(jira: JiraWriter, issue: IssueRef, status: int, *, may_pass_ends: bool = False) -> ReachedStatus:
    """1. Read where the issue is. 2. Choose a transition on the shortest way that is known. 3. Make it, and read again.

    `may_pass_ends`: also by way of a status in which work is done, such as Cancelled. That sets a resolution, and
    whoever follows the issue, Align with its mappings among them, sees it there for a moment.
    It is never in one status twice. Raises NotReached, which says where the issue is, where no way leads on, where Jira
    refuses a transition, and for whatever fails once one was made. OutcomeUnknown: whether the last one was made is not
    known, and nothing was sent after it; it says where the issue is, or that this could not be read.
    """
    found = jira.issue(issue, ASKED)
    walk, ways = (
        _Walk(jira=jira, issue=issue, status=status, here=found.status),
        _Ways(jira=jira, issue=found, may_pass_ends=may_pass_ends),
    )
    try:
        while walk.here.id != status:
            left = MOST_TRANSITIONS - len(walk.taken)
            chosen = ways.first_step(jira.transitions(issue), status, {*walk.been, walk.here.id}, left=left)
            if chosen is None:
                raise walk.ended(
                    "As far as Jira tells" + ("" if may_pass_ends else ", and without passing an end of the work,")
                )
            walk.make(chosen)
    except (NotReached, OutcomeUnknown):
        raise
    except RemoteError as failed:
        if not walk.taken and not isinstance(failed, BadRequest | Forbidden | NotFound):
            raise
        raise walk.stopped(failed) from failed
    return ReachedStatus(status=walk.here, taken=tuple(walk.taken))


def next_transition(jira: JiraClient, issue: IssueRef, status: int, *, been: Collection[int]) -> JiraTransition:
    """The first one on the shortest known way to the status, for whoever writes down each before it is made; `been`:
    statuses from which it was brought there already, as many as transitions were made. Raises NotReached.
    """
    found = jira.issue(issue, ASKED)
    ways, left = _Ways(jira=jira, issue=found, may_pass_ends=False), MOST_TRANSITIONS - len(been)
    chosen = ways.first_step(jira.transitions(issue), status, {*been, found.status.id}, left=left) if left > 0 else None
    if chosen is not None:
        return chosen
    raise NotReached.at(
        f"{found.key or issue} is in {found.status.name} after {len(been)} transitions, and no known way of at most "
        f"{max(left, 0)} more leads back without passing an end of the work. Move it in Jira.",
        stands_in=found.status,
        taken=(),
    )


@dataclass(kw_only=True)
class _Walk:
    """How far an issue has come. `is_read`: `here` was read after whatever was sent last."""

    jira: JiraWriter
    issue: IssueRef
    status: int
    here: JiraStatus
    is_read: bool = True
    taken: list[JiraTransition] = field(default_factory=list)
    been: set[int] = field(default_factory=set)

    def make(self, chosen: JiraTransition) -> None:
        self.been.add(self.here.id)
        try:
            self.jira.transition(self.issue, chosen.id)
        except OutcomeUnknown as unknown:
            self._settle(unknown)
            self.taken.append(chosen)
        else:
            self.taken.append(chosen)
            self._read()
        if self.here.id in self.been:
            raise self.ended("Jira brought it back to where it had been, and")

    def _settle(self, unknown: OutcomeUnknown) -> None:
        """Of a transition whose answer was lost: it was made if the issue is elsewhere now, wherever that is, since an
        automation may have moved it on. Raises OutcomeUnknown, which says where it is, or that nobody knows.
        """
        before = self.here
        try:
            self._read()
        except RemoteError:
            raise self._unknown(unknown) from unknown
        if self.here.id == before.id:
            raise self._unknown(unknown) from unknown

    def _read(self) -> None:
        self.is_read = False
        self.here = self.jira.issue(self.issue, ASKED).status
        self.is_read = True

    # -- in words ------------------------------------------------------------------------------------------------------

    @property
    def words(self) -> str:
        made = f"after {' and '.join(f'“{each.name}”' for each in self.taken)}" if self.taken else ""
        where = f"it is in {self.here.name or 'the status'} ({self.here.id}), {made or 'as it was'}"
        if not self.is_read:
            where = f"where it is now{f', {made},' if made else ''} could not be read"
        return f"{self.issue} was not brought to the status {self.status}: {where}."

    def _unknown(self, unknown: OutcomeUnknown) -> OutcomeUnknown:
        return OutcomeUnknown(f"{self.words} {unknown.sentence}", status=unknown.status)

    def ended(self, reason: str) -> NotReached:
        left = MOST_TRANSITIONS - len(self.taken)
        end = f"{reason} no way of at most {left} {'transition' if left == 1 else 'transitions'} leads on from there."
        if not left:
            end = f"More than {MOST_TRANSITIONS} transitions are not made."
        advice = "Move it in Jira, or look at the workflow of its type."
        return NotReached.at(f"{self.words} {end} {advice}", stands_in=self.here, taken=self.taken)

    def stopped(self, failed: RemoteError) -> NotReached:
        return NotReached.at(
            f"{self.words} {failed.sentence}",
            stands_in=self.here if self.is_read else None,
            taken=self.taken,
            detail=failed.detail,
        )


@dataclass(kw_only=True)
class _Ways:
    """What lies behind the statuses that an issue of this project and type can be in."""

    jira: JiraClient
    issue: JiraIssue
    may_pass_ends: bool
    may_look: Callable[[], bool] = lambda: True
    behind: dict[int, Sequence[JiraStatus] | None] = field(default_factory=dict)

    def first_step(
        self, offered: Iterable[JiraTransition], status: int, been: set[int], *, left: int
    ) -> JiraTransition | None:
        """Of the shortest way to the status, over none where the issue has been. None where all ways are known and
        none leads there. What asks for values that nobody has given comes last.
        """
        level = [(first, first.to) for first in _by_effort(offered, been)]
        seen, untold = set(been), list[JiraTransition]()
        for steps in range(1, left + 1):
            for first, to in level:
                if to.id == status:
                    return first
            further: list[tuple[JiraTransition, JiraStatus]] = []
            for first, at in level if steps < left else ():
                if at.id not in seen and (self.may_pass_ends or at.category != "done"):
                    seen.add(at.id)
                    onward = self.behind_status(at.id)
                    if onward is None:
                        untold.append(first)
                    further += [(first, to) for to in onward or ()]
            level = further
        return untold[0] if untold else None

    def behind_status(self, status: int) -> Sequence[JiraStatus] | None:
        """Where the transitions of another issue in this status lead. None where there is none that would tell."""
        if status not in self.behind:
            looks = len(self.behind)
            self.behind[status] = self._looked(status) if looks < MOST_LOOKS and self.may_look() else None
        return self.behind[status]

    def _looked(self, status: int) -> Sequence[JiraStatus] | None:
        fields = self.issue.fields
        try:
            project = JiraProject.from_json(fields.get("project")).id
            issue_type = JiraIssueType.from_json(fields.get("issuetype")).id
            there = issues_of([project], [issue_type]) & is_in(SearchField.STATUS, [status])
            for page in self.jira.search(there):
                return [each.to for each in self.jira.transitions(page[0].id)] if page else None
        except (BadRequest, Forbidden, NotFound, Malformed):
            pass
        return None


def _by_effort(offered: Iterable[JiraTransition], been: set[int]) -> list[JiraTransition]:
    """Those that can be made and lead to none where the issue has been; what asks for values comes last."""
    open_ = (each for each in offered if each.is_available is not False and each.to.id not in been)
    return sorted(open_, key=_asks_for_values)


def _asks_for_values(each: JiraTransition) -> bool:
    return any(field.must_be_given for field in each.fields)
