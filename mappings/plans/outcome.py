"""What became of a plan, by its name and with numbers: "Partly applied: 11 done, 1 failed"."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Count

from alignadmin.text import counted
from mappings.models import NOT_ENDED, Change, ChangeState, Plan, PlanState

# A state of changes, and what a number of them is called at the end of a plan.
ENDED_WORDS = (
    (ChangeState.DONE, "done"),
    (ChangeState.FAILED, "failed"),
    (ChangeState.STALE, "stale"),
    (ChangeState.UNKNOWN, "without an answer"),
    (ChangeState.SENDING, "without an answer"),
    (ChangeState.CANCELLED, "cancelled"),
    (ChangeState.PLANNED, "not tried"),
)


@dataclass(frozen=True, kw_only=True)
class PlanOutcome:
    """`tone` is how a chip draws it: "ok", "warn", "on" while it runs, or nothing. `words`: both in one, as a title."""

    name: str
    numbers: str
    tone: str = ""
    title: str = ""
    applier_word: str = "started"  # of who pressed Apply: "applied" where that did something to the end

    @property
    def words(self) -> str:
        return self.title or f"{self.name}: {self.numbers}"


def change_counts(plans: Collection[int]) -> dict[int, dict[str, int]]:
    """In one query, by plan: by action and by state, plus `total`, `confirmed`, `unconfirmed` and `open`."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    changes = Change.objects.filter(plan__in=plans).order_by()
    grouped = changes.values_list("plan", "action", "state", "confirmed").annotate(n=Count("pk"))
    for plan, action, state, confirmed, number in grouped:
        found[plan].update({action: number, state: number, "total": number})
        if confirmed is not None:
            found[plan]["confirmed" if confirmed else "unconfirmed"] += number
    return {pk: _whole(found[pk]) for pk in plans}


def _whole(counts: Counter[str]) -> dict[str, int]:
    open_ = sum(counts[state] for state in NOT_ENDED)
    return dict(counts, total=counts["total"], confirmed=counts["confirmed"], open=open_)


def outcome(plan: Plan, counts: Mapping[str, int], *, is_void: bool = False) -> PlanOutcome:
    """`is_void`: its approval holds no more."""
    total = counts["total"]
    changes = counted(total, "change")
    match PlanState(plan.state):
        case PlanState.DRAFT:
            return PlanOutcome(name="To approve", numbers=changes, tone="warn", title=f"{changes} to approve")
        case PlanState.APPROVED if is_void:
            return PlanOutcome(
                name="To approve again", numbers=changes, tone="warn", title=f"{changes} to approve again"
            )
        case PlanState.APPROVED:
            title = f"{changes} approved, not applied"
            return PlanOutcome(name="Approved", numbers=f"{changes}, not applied", tone="warn", title=title)
        case PlanState.APPLYING if plan.control == "cancel":
            return PlanOutcome(name="Cancelling", numbers=f"{total - counts['open']} of {total} finished", tone="on")
        case PlanState.APPLYING:
            return PlanOutcome(name="Applying", numbers=_so_far(counts), tone="on")
        case PlanState.PAUSED:
            return PlanOutcome(name="Paused", numbers=_so_far(counts), tone="warn")
        case PlanState.FINISHED:
            return _kept(counts) if plan.is_ours else _ended(counts)
        case PlanState.CANCELLED if plan.started_at:
            return PlanOutcome(name="Cancelled", numbers=_numbers(counts, always_done=True))
        case _ if plan.is_ours:
            return PlanOutcome(name=plan.get_state_display(), numbers=f"{changes}, none kept")
        case _:
            return PlanOutcome(name=plan.get_state_display(), numbers=f"{changes}, none sent")


def _so_far(counts: Mapping[str, int]) -> str:
    """ "11 of 40 done", or finished where not each of them went well."""
    finished = counts["total"] - counts["open"]
    return f"{finished} of {counts['total']} {'done' if finished == counts.get('done', 0) else 'finished'}"


def _kept(counts: Mapping[str, int]) -> PlanOutcome:
    """Of lists of ours, where an approval applies."""
    done = counts.get("done", 0)
    name = "Kept here" if done == counts["total"] else "Partly kept here" if done else "Nothing kept"
    return PlanOutcome(name=name, numbers=_numbers(counts), tone="ok" if done == counts["total"] else "warn")


def _ended(counts: Mapping[str, int]) -> PlanOutcome:
    done, numbers = counts.get("done", 0), _numbers(counts)
    if done and done == counts["total"]:
        tone = "warn" if counts.get("unconfirmed") else "ok"
        return PlanOutcome(name="Applied", numbers=numbers, tone=tone, applier_word="applied")
    if done:
        return PlanOutcome(name="Partly applied", numbers=numbers, tone="warn", applier_word="applied")
    if counts.get("unknown") or counts.get("sending"):
        return PlanOutcome(name="Result not known", numbers=numbers, tone="warn")
    return PlanOutcome(name="Nothing applied", numbers=numbers, tone="warn")


def _numbers(counts: Mapping[str, int], *, always_done: bool = False) -> str:
    """ "11 done, 1 failed" """
    words: Counter[str] = Counter()
    for state, word in ENDED_WORDS:
        words[word] += counts.get(state.value, 0)
    return ", ".join(_each(words, counts.get("unconfirmed", 0), always_done=always_done))


def _each(words: Mapping[str, int], unconfirmed: int, *, always_done: bool) -> Iterator[str]:
    for word, number in words.items():
        if number or (always_done and word == "done"):
            yield f"{number} {word}"
    if unconfirmed:
        yield f"{unconfirmed} read back differently"
