"""The page of trials: what is known of each level, the trial that an admin may agree to, and what became of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from alignadmin.accounts.models import Person
from alignadmin.accounts.rights import Right, may
from alignadmin.errors import Refused
from connectors.align.terminology import LEVELS
from connectors.models import ACTIVE, Connector, Job, JobKind, Project
from mappings.items.importing.addresses import align_item
from mappings.items.importing.rules import why_connector_waits, why_not_imported
from mappings.items.importing.trial.queries import TriedLevel, levels_of, tried_levels
from mappings.models import OPEN_TRIALS, ItemTrial, ItemTrialState

MOST_SHOWN = 20
STYLES = {ItemTrialState.DONE: "ok", ItemTrialState.LEFT: "warn", ItemTrialState.NOT_MADE: "warn"}


@dataclass(frozen=True, kw_only=True)
class ShownTrial:
    row: ItemTrial
    level: str
    style: str
    link: str
    may_go_on: bool

    @property
    def may_be_gone(self) -> bool:
        return self.row.state == ItemTrialState.LEFT or self.may_go_on


class TrialsPage:
    def __init__(self, connector: Connector, person: Person, typed: Mapping[str, str]) -> None:
        self.connector, self.person, self.typed = connector, person, typed

    @property
    def may_try(self) -> bool:
        return may(self.person, Right.APPROVE)

    @property
    def why_waits(self) -> str:
        return why_connector_waits(self.connector)

    @cached_property
    def projects(self) -> list[Project]:
        """Into whose landing an item may be put."""
        rows = Project.objects.filter(connector=self.connector, ours_at__isnull=False).order_by("key")
        return [each for each in rows if not why_not_imported(each)]

    @cached_property
    def _needed(self) -> dict[int, list[str]]:
        found = {}
        for each in self.projects:
            try:
                found[each.pk] = levels_of(self.connector, each)
            except Refused:  # its condition cannot be asked; step 7 says so
                found[each.pk] = []
        return found

    @cached_property
    def levels(self) -> list[TriedLevel]:
        return tried_levels(self.connector, {level for each in self._needed.values() for level in each})

    @property
    def choices(self) -> list[tuple[str, str]]:
        needed = {level for each in self._needed.values() for level in each}
        return [(level, self.connector.terminology.name(level)) for level in LEVELS if level in needed]

    @cached_property
    def job(self) -> Job | None:
        rows = Job.objects.filter(connector=self.connector, kind=JobKind.ITEM_TRIAL, state__in=ACTIVE)
        return rows.order_by("-id").first()

    @cached_property
    def trials(self) -> list[ShownTrial]:
        rows = ItemTrial.objects.filter(connector=self.connector).select_related("project", "author")
        open_ones = list(rows.filter(state__in=(*OPEN_TRIALS, ItemTrialState.LEFT)))
        ended = list(rows.exclude(pk__in=[each.pk for each in open_ones])[:MOST_SHOWN])
        return [self._shown(each) for each in (*open_ones, *ended)]

    def _shown(self, trial: ItemTrial) -> ShownTrial:
        is_worked_on = self.job is not None and self.job.subject == str(trial.pk)
        state = ItemTrialState(trial.state)
        return ShownTrial(
            row=trial,
            level=self.connector.terminology.name(trial.level),
            style=STYLES.get(state, ""),
            link=align_item(self.connector, trial.level, trial.align_id),
            may_go_on=not is_worked_on and state in (*OPEN_TRIALS, ItemTrialState.LEFT),
        )

    @property
    def is_free(self) -> bool:
        return not any(each.row.state in OPEN_TRIALS for each in self.trials)
