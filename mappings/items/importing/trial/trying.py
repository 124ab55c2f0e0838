"""One trial, from wherever an earlier worker has come to: create, look, update, look, recycle.

The create is sent with the external key, the state and the step; what Align refuses so is tried with less, as a
refused create makes nothing. `jiraProjectKey` is never among it: Align's connector might then create the issue in Jira.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.utils import timezone

from alignadmin.errors import Refused
from alignadmin.http.errors import BadRequest, OutcomeUnknown, RemoteError
from connectors.align.client import AlignClient
from connectors.align.object_client import ObjectClient, Row
from connectors.align.object_values import replacing
from connectors.align.objects import OBJECTS
from connectors.align.query import Q, query_of
from connectors.jobs.runner import Run
from mappings.applying.outcomes import MOST_SENDS
from mappings.applying.resolve_unknown import wait_out
from mappings.engine.item_prediction import ItemRules, landed_values
from mappings.engine.item_writes import EXTERNAL_KEY, STATE, STEP
from mappings.items.comparing.sight import HIDDEN, shows_programme
from mappings.items.importing.trial.journal import CREATED, RECYCLED, REFUSED, TrialJournal
from mappings.models import ItemTrial, ItemTrialState

READY, IN_PROGRESS = 1, 2  # states of Align that are no first one
EXTERNAL_ID = "externalId"
# What a create is sent with, one after the other until Align takes it.
PARTS = ((EXTERNAL_KEY, STATE, STEP), (EXTERNAL_KEY, STATE), (STATE, STEP), (STATE,), (EXTERNAL_KEY,), ())
NOT_SHOWN = "Jira Align does not show the item that it made, so it was not looked at. Let it go on in a moment."


@dataclass(kw_only=True)
class ItemTrying:
    """`align` may write. `rules`: of the trial's project."""

    job: Run
    trial: ItemTrial
    align: AlignClient
    rules: ItemRules
    journal: TrialJournal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = TrialJournal(job=self.job, trial=self.trial)

    @property
    def objects(self) -> ObjectClient:
        return self.align.objects

    @cached_property
    def one(self) -> str:
        return self.rules.called.one(self.trial.level)

    def work(self) -> None:
        """Raises RemoteError, Refused and TrialStopped: the state says what may stand in Align then."""
        if self.trial.state == ItemTrialState.SENDING:
            self._resolve("A worker ended before the answer came.")
        if self.trial.state == ItemTrialState.ASKED:
            self._create()
        if self.trial.state == ItemTrialState.CREATED:
            self._examine()
        if self.trial.state == ItemTrialState.RECYCLING:
            self._recycle()

    # --- create -------------------------------------------------------------------------------------------------------

    def _create(self) -> None:
        refused: BadRequest | None = None
        for values in self._attempts():
            said = f"Tries whether Jira Align takes {self.one} with {', '.join(values)}: “{self.trial.marker}”."
            self.journal.leaving(ItemTrialState.SENDING, CREATED, said, values)
            try:
                made = self.objects.create(OBJECTS[self.trial.level], values)
            except BadRequest as error:  # nothing was made
                refused = error
                told = error.detail or error.sentence
                self.journal.move(ItemTrialState.ASKED, REFUSED, f"Jira Align did not take it: {told}", error=told)
                continue
            except OutcomeUnknown as error:
                self._resolve(error.sentence)
                return
            except (RemoteError, Refused) as error:
                self._not_made(error.sentence if isinstance(error, RemoteError) else str(error))
                raise
            if made.id is None:
                self._resolve("Align did not say which item it made.")
            else:
                self._made(made.id)
            return
        told = (refused.detail or refused.sentence) if refused else "There was nothing to send."
        self._not_made(f"Jira Align takes no such item: {told}")

    def _attempts(self) -> Iterator[dict[str, Any]]:
        """Without the same values twice, as where no step is mapped."""
        seen: list[dict[str, Any]] = []
        offered = {EXTERNAL_KEY: self.trial.external_key, STATE: self._states[0], STEP: self._steps[0]}
        for parts in PARTS:
            more = {name: offered[name] for name in parts if offered[name] is not None}
            if EXTERNAL_KEY in more:
                more[EXTERNAL_ID] = self.trial.external_key
            values = {"title": self.trial.marker, **landed_values(self.trial.level, self.rules), **more}
            if values not in seen:
                seen.append(values)
                yield values

    @cached_property
    def _states(self) -> tuple[int, int]:
        """That of the create and that of the update: where a step goes with a state, the two are sent as mapped."""
        for (level, status), step in sorted(self.rules.steps.items()):
            state = self.rules.states.get((level, status))
            if level == self.trial.level and step == self._steps[0] and state:
                return state, READY if state == IN_PROGRESS else IN_PROGRESS
        return IN_PROGRESS, READY

    @cached_property
    def _steps(self) -> tuple[int | None, int | None]:
        """Two steps of the level's mappings, those that go with a state that shows first."""
        mine = [
            (not self.rules.states.get(key), key, step)
            for key, step in self.rules.steps.items()
            if key[0] == self.trial.level
        ]
        found = list(dict.fromkeys(step for _, _, step in sorted(mine)))
        return (found[0] if found else None), (found[1] if len(found) > 1 else None)

    def _resolve(self, why: str) -> None:
        """Without an answer, once it can have no effect any more, Align is read for the title that nothing else has."""
        wait_out(self.job, [self.trial.sent_at])
        query = query_of(self.trial.level).select("id", "title").where(Q("title").eq(self.trial.marker))
        found = [row for row in self.objects.rows(query) if row.get("title") == self.trial.marker]
        if found:
            self._made(found[0]["id"])
        else:
            self._refuse_blindness()
            self._not_made(f"{why} Jira Align has no such item, so nothing was made. Agree to it once more.")

    def _made(self, align_id: int) -> None:
        self.trial.align_id = align_id
        self.journal.move(ItemTrialState.CREATED, "item-trial.created", f"Made {self.one} {align_id} for a moment.")

    def _not_made(self, why: str) -> None:
        said = f"No item was made to try how Jira Align takes {self.one}."
        self.journal.move(ItemTrialState.NOT_MADE, "item-trial.not-made", said, error=why)

    # --- looking ------------------------------------------------------------------------------------------------------

    def _examine(self) -> None:
        """What is known already is not asked again: an update of ours may have changed it since."""
        known, sent = self.trial.findings, self.trial.sent
        if "external_key" not in known:
            row = self._read()
            key = row.get(EXTERNAL_KEY) == sent.get(EXTERNAL_KEY) if EXTERNAL_KEY in sent else False
            self.journal.find(
                external_key=key,
                state_at_create=row.get(STATE) == sent[STATE] if STATE in sent else False,
                step_at_create=self._kept_at_create(row),
                external_filter=self._is_found_by_key() if key else False,
            )
        if "state_by_update" not in known:
            self.journal.find(state_by_update=self._takes({STATE: self._states[1]}))
        if "step_by_update" not in known:
            step = self._steps[1] if self.trial.findings["step_at_create"] else self._steps[0]
            self.journal.find(step_by_update=None if step is None else self._takes({STEP: step}))
        self.journal.learn(f"Learned what Jira Align takes of {self.rules.called.items(self.trial.level)}.")
        self._begin_recycling()

    def _kept_at_create(self, row: Row) -> bool | None:
        """None where no step is mapped, so none was tried."""
        if STEP in self.trial.sent:
            return bool(row.get(STEP) == self.trial.sent[STEP])
        return None if self._steps[0] is None else False

    def _read(self) -> Row:
        """By its number in a list, as a site may not answer for one item. Raises Refused where it is not there."""
        row = self._maybe_read()
        if row is None:
            raise Refused(NOT_SHOWN)
        return row

    def _maybe_read(self) -> Row | None:
        query = (
            query_of(self.trial.level)
            .select("id", "title", EXTERNAL_KEY, STATE, STEP, "isRecycled")
            .where(Q("id").eq(self.trial.align_id))
            .top(1)
        )
        return next((row for row in self.objects.page(query) if row.get("id") == self.trial.align_id), None)

    def _is_found_by_key(self) -> bool:
        """By it alone: a site that leaves the condition out answers with others, too."""
        query = query_of(self.trial.level).select("id", EXTERNAL_KEY)
        try:
            rows = self.objects.page(query.where(Q(EXTERNAL_KEY).eq(self.trial.external_key)).top(2))
        except BadRequest:
            return False
        return [row.get("id") for row in rows] == [self.trial.align_id]

    def _takes(self, values: Mapping[str, Any]) -> bool:
        """Whether an update is kept. One without an answer may be sent again: it says the same."""
        named = ", ".join(values)
        said = f"Tries whether Jira Align takes {named} of {self.one} {self.trial.align_id} by an update."
        self.journal.leaving(ItemTrialState.CREATED, "item-trial.updating", said, values)
        try:
            self._surely(lambda: self.objects.patch(OBJECTS[self.trial.level], self._id, replacing(values)))
        except BadRequest:
            return False
        row = self._read()
        return all(row.get(name) == value for name, value in values.items())

    def _surely(self, send: Callable[[], object]) -> None:
        """An update whose answer is lost is sent again, as the same values change nothing else."""
        for number in range(1, MOST_SENDS + 1):
            try:
                send()
                return
            except OutcomeUnknown:
                if number == MOST_SENDS:
                    raise
                wait_out(self.job, [timezone.now()])

    @property
    def _id(self) -> int:
        if self.trial.align_id is None:
            raise Refused(NOT_SHOWN)
        return self.trial.align_id

    # --- recycling ----------------------------------------------------------------------------------------------------

    def _begin_recycling(self) -> None:
        said = f"Puts {self.one} {self.trial.align_id} into Jira Align’s recycle bin."
        self.journal.leaving(ItemTrialState.RECYCLING, RECYCLED, said, {"isRecycled": True})

    def _recycle(self) -> None:
        """Only what still has the title that it was made with."""
        row = self._maybe_read()
        if row is None:
            self._refuse_blindness()
        if row is None or row.get("isRecycled") is True:
            self._recycled()
            return
        if row.get("title") != self.trial.marker:
            self._left("Somebody has given it another title since, so it was left as it is.")
            return
        self._begin_recycling()  # again: what another worker was allowed may not be allowed any more
        try:
            self._surely(lambda: self.objects.recycle(OBJECTS[self.trial.level], self._id))
        except BadRequest as error:
            self.journal.find(recycles=False)
            self._left(f"Jira Align does not let it be recycled over its API: {error.detail or error.sentence}")
            return
        row = self._maybe_read()
        if row is not None and row.get("isRecycled") is not True:
            self.journal.find(recycles=False)
            self._left("Jira Align took the request, and shows the item all the same.")
            return
        self.journal.find(recycles=True)
        self._recycled()

    def _refuse_blindness(self) -> None:
        """What is not shown is not gone where its whole programme is hidden. Raises Refused."""
        number = self.trial.sent.get("programId")
        if isinstance(number, int) and not shows_programme(self.objects, number):
            raise Refused(HIDDEN.format(what=self.one, number=number))

    def _recycled(self) -> None:
        self.journal.learn(f"{self.one} {self.trial.align_id} is in Jira Align’s recycle bin.")
        said = f"Recycled {self.one} {self.trial.align_id}, which was made for a moment."
        self.journal.move(ItemTrialState.DONE, "item-trial.recycled", said)

    def _left(self, why: str) -> None:
        self.journal.learn(f"{self.one} {self.trial.align_id} is still in Jira Align.")
        said = f"{self.one} {self.trial.align_id} was made for a moment and is still in Jira Align: remove it there."
        self.journal.move(ItemTrialState.LEFT, "item-trial.left", said, error=why)
