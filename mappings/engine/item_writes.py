"""What an import may send of an item besides its fields, by what a consented trial has seen Align keep. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.align.states import ALIGN_STATES

EXTERNAL_KEY, STATE, STEP = "externalKey", "state", "processStepId"


@dataclass(frozen=True, kw_only=True)
class ItemWrites:
    """Of one level. `key`: an external key is kept and found by. `created`, `updated`: which of state and step Align
    keeps as sent with the create, and as sent by an update.
    """

    key: bool = False
    created: Sequence[str] = ()
    updated: Sequence[str] = ()

    def at_create(self, key: str, shows: Mapping[str, Any]) -> dict[str, Any]:
        """`shows`: state and step of the item, without what it has not."""
        sent = {name: value for name, value in shows.items() if name in self.created}
        return {EXTERNAL_KEY: key, **sent} if self.key else sent

    def after_create(self, shows: Mapping[str, Any]) -> dict[str, Any]:
        """What has to follow by an update."""
        return {
            name: value for name, value in shows.items() if name in self.updated and name not in self.created and value
        }

    def by_update(self, shows: Mapping[str, Any]) -> dict[str, Any]:
        """Of an item that is there."""
        return {name: value for name, value in shows.items() if name in self.updated}

    def will_show(self, state: int) -> str:
        """The state of a new item in words: "3 - Dev complete"."""
        shown = state if STATE in (*self.created, *self.updated) else 0
        return f"{shown} - {ALIGN_STATES.get(shown, '')}"

    @property
    def keeps_state(self) -> bool:
        return STATE in (*self.created, *self.updated)


NOTHING_TRIED = ItemWrites()


def shows(state: int, step: int | None) -> dict[str, int]:
    """As a request names them."""
    return {STATE: state} | ({} if step is None else {STEP: step})
