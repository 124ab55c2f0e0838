"""What Align shows of an item that was just made, beside what was sent with it."""

from __future__ import annotations

from connectors.align.object_client import Row
from mappings.engine.item_differences import state_words
from mappings.engine.item_writes import EXTERNAL_KEY, STATE, STEP
from mappings.models import ImportLine

READ_BACK = (EXTERNAL_KEY, STATE, STEP)
NAMES = {EXTERNAL_KEY: "external key", STATE: "state", STEP: "process step"}


def compare_read_back(line: ImportLine, row: Row | None) -> None:
    """Sets `confirmed`, and says in `detail` what Align shows otherwise. `row`: None where Align has no such item."""
    if row is None:
        line.confirmed = False
        return
    sent = {**line.values, **line.later}
    told = [
        f"{NAMES[name]} {_words(name, row.get(name)) or 'nothing'} instead of {_words(name, sent[name])}"
        for name in READ_BACK
        if name in sent and row.get(name) != sent[name]
    ]
    line.confirmed = not told
    if told:
        line.detail = f"Align shows {' and '.join(told)}: somebody or a rule of Align changed it."


def _words(name: str, value: object) -> str:
    if value is None:
        return ""
    return state_words(value) if name == STATE else str(value)
