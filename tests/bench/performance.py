"""`docs/performance.md`: what was measured, by which command, when, at which commit and on what kind of machine.

A section is replaced by the next run of its command, and the others stay as they are.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests import ROOT

FILE = ROOT / "docs" / "performance.md"
HEAD = """# Figures

Written by `make bench`, `make soak` and `make lighthouse` with `WRITE=1`, each section by the command that it begins
with. The machines are shared and differ by a quarter and more from one hour to the next: compare what stands in one
section.
"""
SECTION = re.compile(r"^## ", re.MULTILINE)
VARIABLES = ("HISTORY_ROWS", "HISTORY_ON", "HISTORY_TIMES", "IMPORT_ISSUES")  # that alter what is measured


def written_to() -> Path | None:
    """Where the processes of a run put their tables, if they are asked to."""
    return Path(name) if (name := os.environ.get("FIGURES")) else None


def as_table(title: str, rows: Sequence[Sequence[str]]) -> str:
    """The first row is the head. A bar in a cell would end it."""
    head, *others = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *others]
    return "\n".join([f"**{title}**", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def command_of(name: str) -> str:
    """With the variables that were set for it."""
    given = [f"{each}={os.environ[each]}" for each in VARIABLES if each in os.environ]
    return " ".join([*given, name])


def circumstances() -> str:
    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    machine = f"{os.cpu_count()} cores, {gigabytes:.0f} GB of memory, Python {platform.python_version()}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, {machine}"


def commit() -> str:
    """With a mark where what is measured is not what was committed."""
    asked = ["git", "describe", "--always", "--exclude=*", "--abbrev=12", "--dirty=, altered"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def with_section(document: str, command: str, body: str) -> str:
    """The document with this command's section instead of one it has; else as its last."""
    head, *sections = SECTION.split(document or HEAD)
    title = f"`{command}`\n"
    new = f"{title}\n{body.strip()}\n\n"
    if not any(each.startswith(title) for each in sections):
        sections.append(new)
    kept = [new if each.startswith(title) else each for each in sections]
    return f"{head.strip()}\n\n" + "".join(f"## {each.strip()}\n\n" for each in kept).rstrip() + "\n"


def write(command: str, tables: str) -> None:
    document = FILE.read_text() if FILE.exists() else ""
    FILE.write_text(with_section(document, command, f"{circumstances()}.\n\n{tables}"))
