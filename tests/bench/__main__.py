"""`python -m tests.bench [--write] [NAME ...]`: prepare the large data set once, measure on copies of it and otherwise.

With `--write` their tables go into docs/performance.md, too.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench import performance

# On copies of the large data set.
LARGE = ("matrix", "fields", "plan", "apply", "limit", "together", "slots", "recovery", "drift")
# They make their own.
HISTORY = (
    "explorer",
    "rehearsal",
    "imports",
    "agreement",
    "sandbox",
    "history-append",
    "history-intake",
    "history-runs",
    "history-verify",
    "history-compare",
    "history-search",
    "search",
    "people",
    "export",
    "webhooks",
)
NAMES = (*LARGE, *HISTORY)
WRITE = "--write"


def main(wanted: list[str]) -> int:
    is_written, wanted = WRITE in wanted, [each for each in wanted if each != WRITE]
    unknown = set(wanted) - set(NAMES)
    if unknown:
        print(f"There is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}.")
        return 2
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.release()}\n")
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-") as directory:
        base = Path(directory) / "base"
        chosen = [name for name in NAMES if name in (wanted or NAMES)]
        if set(chosen) & set(LARGE) and _run("prepare", base):
            return 1
        return max([_measure(name, base, is_written) for name in chosen])


def _measure(name: str, base: Path, is_written: bool) -> int:
    """What did not come to its end is not written down."""
    tables = base.parent / f"{name}.md"
    if is_written:
        os.environ["FIGURES"] = str(tables)
    code = _run(name, base)
    if is_written and not code:
        performance.write(performance.command_of(f"make bench BENCH={name}"), tables.read_text())
    return code


def _run(name: str, base: Path) -> int:
    """A process of its own, so that its settings and its peak memory are its own."""
    return subprocess.run(
        [sys.executable, "-m", f"tests.bench.{name.replace('-', '_')}", str(base)], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
