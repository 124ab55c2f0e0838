"""Which tests need not be run on a second database, as others send the same statements there.

What counts is what the product sends, not what a test does to prepare its world or to look at it; what it sends in a
thread that it starts itself counts as another statement. Kept on both are tests of processes and browsers, those that
start threads, those whose statements are refused or rolled back, and the rooms `BOTH`. Of the others so many are kept
that each statement of the suite is sent by THRICE of them, where so many send it. The rest is listed in `LIST`, by
function. A new test is run on both until it is recorded, on PostgreSQL, where more kinds of statements are sent:

    pytest -p tests.support.statement_recording --statements=FOLDER -m "not once and (integration or process)" tests
    python -m tests.support.statements FOLDER

What is listed already is not recorded, so it is nobody's third sender, and a recording of some rooms adds to the list
what those rooms can spare; it has to come to its end, as a function counts with all its cases. To make the list anew,
empty it before the recording.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path

LIST = Path(__file__).parent.parent / "samples" / "one_database.txt"
THRICE = 3
# Rooms and files about what databases do differently when several write: their tests are more than their statements.
BOTH = (
    "tests/connectors/budget/",
    "tests/connectors/jobs/",
    "tests/mappings/applying/test_apply_crash.py",
    "tests/mappings/applying/test_apply_machine.py",
    "tests/mappings/applying/test_lock_order.py",
    "tests/mappings/applying/test_overwrites.py",
)

_NAMES = re.compile(r'"_django_curs_[^"]*"|"?s\d+_x\d+"?')  # of cursors and savepoints
_VALUES = re.compile(r"'[^']*'|\b\d+\b")
_LISTS = re.compile(r"\((?:%s|V)(?:, ?(?:%s|V))*\)(?:, \((?:%s|V)(?:, ?(?:%s|V))*\))*")


@dataclass
class Sent:
    """What all cases of a test function have sent, and what they cost."""

    always: bool = False
    seconds: float = 0.0
    shapes: set[str] = field(default_factory=set)


@cache
def shape(sql: str) -> str:
    """Equal for statements that differ in values, lengths of lists and names of cursors alone."""
    told = _LISTS.sub("(V)", _VALUES.sub("V", _NAMES.sub("N", sql)))
    return blake2b(told.encode(), digest_size=8).hexdigest()


def function(nodeid: str) -> str:
    return nodeid.partition("[")[0]


def not_needed(tests: dict[str, Sent]) -> list[str]:
    """The functions that may be left out, dearest first considered: greedily, so that the cheap ones stay."""
    senders = Counter(shape for sent in tests.values() for shape in sent.shapes)
    left = []
    for name, sent in sorted(tests.items(), key=lambda each: (-each[1].seconds, each[0])):
        if not sent.always and not name.startswith(BOTH) and all(senders[shape] > THRICE for shape in sent.shapes):
            senders.subtract(sent.shapes)
            left.append(name)
    return sorted(left)


def listed() -> set[str]:
    return {line for line in LIST.read_text().splitlines() if line and not line.startswith("#")}


# --- the list ---------------------------------------------------------------------------------------------------------


def recorded(folder: Path) -> dict[str, Sent]:
    tests: defaultdict[str, Sent] = defaultdict(Sent)
    for path in folder.glob("*.jsonl"):
        for line in map(json.loads, path.read_text().splitlines()):
            sent = tests[line["test"]]
            sent.always |= line["always"]
            sent.seconds += line["seconds"]
            sent.shapes |= set(line["shapes"])
    return tests


def write(names: Iterable[str]) -> None:
    head = "# Run on the default database alone: made by tests/support/statements.py, which says why these.\n"
    LIST.write_text(head + "".join(f"{name}\n" for name in names))


if __name__ == "__main__":
    tests = recorded(Path(sys.argv[1]))
    names = not_needed(tests)
    write(sorted(listed() | set(names)))
    spared = sum(tests[name].seconds for name in names)
    whole = sum(sent.seconds for sent in tests.values())
    print(f"{len(names)} of {len(tests)} test functions more are left out, {spared:.0f} of {whole:.0f} s of processor")
