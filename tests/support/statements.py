"""Which tests need not be run on a second database, as others send the same statements there.

Kept on both are tests of processes, browsers, transactions and threads, and of the others as many that each statement
of the suite is sent by THRICE of them, where so many send it. The rest is listed in `LIST`, by function. A new test is
run on both until the list is made again, on PostgreSQL, where more kinds of statements are sent:

    pytest -p tests.support.statement_recording --statements=FOLDER -m "not once and integration" tests
    python -m tests.support.statements FOLDER
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
        if not sent.always and all(senders[shape] > THRICE for shape in sent.shapes):
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
    write(names)
    spared = sum(tests[name].seconds for name in names)
    whole = sum(sent.seconds for sent in tests.values())
    print(f"{len(names)} of {len(tests)} test functions left out, {spared:.0f} of {whole:.0f} s of processor")
