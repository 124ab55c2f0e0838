"""`python -m tests.mutants [ROOM ...]`: applies each mutant to a copy of the tree and runs its room's tests.

What is known already is not run again, so an interrupted run goes on where it was; begin anew with another --results.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests import ROOT
from tests.environment import RUN_FOLDER
from tests.mutants import TESTS, Mutant, mutants

LONGEST = 600.0  # seconds for the tests of one mutant; one that makes them hang is noticed, too
PRODUCT = ("alignadmin", "connectors", "mappings", "templates", "static", "manage.py", "pyproject.toml", "docs")
FIRST = "tests/alignadmin/audit/test_inserting.py"  # makes the database that every run copies
KILLED, SURVIVED, TOO_LONG, UNKNOWN = "killed", "survived", "took too long", "not run"
Result = dict[str, str]


def main() -> int:
    options = _options()
    results = Path(options.results)
    rooms = options.rooms or list(TESTS)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # by way of what cleans up
    with _copy(Path(options.tests)) as tree:
        for room in rooms:
            part, parts = options.part
            mine = [each for each in mutants(room) if each.number % parts == part % parts]
            left = [each for each in mine if _key(each) not in _read(results)]
            tests = [] if options.trusted else _files(tree, room)
            if left and (failed := _run(tree, [FIRST, *tests]))["state"] != SURVIVED:
                print(f"{room}: without any mutant {failed['by'] or failed['state']}: nothing can be concluded")
                return 2
            for mutant in left:
                found = _try(tree, mutant)
                print(_told(mutant, found), flush=True)
                with results.open("a") as file:
                    file.write(json.dumps({"key": _key(mutant), **found}) + "\n")
    return _report(rooms, _read(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=", ".join(TESTS))
    parser.add_argument("--tests", default=str(ROOT), help="the checkout whose tests are run (default: this one)")
    parser.add_argument("--results", default=str(Path(tempfile.gettempdir()) / "mutants.jsonl"), help="one line each")
    parser.add_argument("--part", type=_part, default=(1, 1), help="2/3: each third mutant, beside runs of the others")
    parser.add_argument("--trusted", action="store_true", help="the tests are known to pass where there is no mutant")
    options = parser.parse_args()
    if unknown := set(options.rooms) - TESTS.keys():
        parser.error(f"no room is called {', '.join(sorted(unknown))}")
    return options


def _part(text: str) -> tuple[int, int]:
    part, _, parts = text.partition("/")
    return int(part), int(parts)


def _key(mutant: Mutant) -> str:
    """The same as long as the mutant is, wherever it stands in its list."""
    return json.dumps([mutant.file, mutant.before, mutant.after])


def _read(results: Path) -> dict[str, Result]:
    lines = results.read_text().splitlines() if results.exists() else []
    return {found.pop("key"): found for found in map(json.loads, lines)}


# --- a copy of the tree ----------------------------------------------------------------------------------------------


@contextmanager
def _copy(tests: Path) -> Iterator[Path]:
    """In memory where the machine has it. The product of this checkout, the tests of that one."""
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    tree = Path(tempfile.mkdtemp(prefix="mutants-", dir=in_memory))
    try:
        ignored = shutil.ignore_patterns("__pycache__")
        for name in PRODUCT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=ignored)
            else:
                shutil.copy2(ROOT / name, tree / name)
        shutil.copytree(tests / "tests", tree / "tests", ignore=ignored)
        yield tree
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def _try(tree: Path, mutant: Mutant) -> Result:
    path = tree / mutant.file
    original = path.read_text()
    tests = _files(tree, mutant.room, path.stem)
    _write(path, mutant.applied_to(original))
    try:
        return _run(tree, tests)
    finally:
        _write(path, original)


def _write(path: Path, text: str) -> None:
    """What was compiled of it counts by size and second, which a mutant may share with the original."""
    path.write_text(text)
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


# --- its tests -------------------------------------------------------------------------------------------------------


def _files(tree: Path, room: str, about: str = "") -> list[str]:
    """In the order of the table; of a folder first what speaks most of the module, as it is the likeliest to notice."""
    found: list[str] = []
    for name in TESTS[room]:
        files = sorted((tree / name).glob("test_*.py")) if (tree / name).is_dir() else []
        files.sort(key=lambda file: -len(re.findall(rf"\b{about}\b", file.read_text())) if about else 0)
        found += [str(file.relative_to(tree)) for file in files] or [name]
    return found


def _run(tree: Path, tests: Sequence[str]) -> Result:
    """Until the first test fails. Each run has a folder of its own; the migrated database that it copies is of all."""
    base, shared = tree / "run", tree / "shared"
    base.mkdir()
    shared.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not soak and not browser", "--tb=no"]
    command += ["--basetemp", str(base / "tests"), *tests]
    began = time.monotonic()
    try:
        environment = {**os.environ, RUN_FOLDER: str(shared), "DATA_DIR": str(base / "data")}
        code, output = _in_time(command, tree, environment)
    finally:
        shutil.rmtree(base, ignore_errors=True)
    state = TOO_LONG if code is None else SURVIVED if code == 0 else KILLED
    by = next((line.partition(" ")[2].split(" - ")[0] for line in output if line.startswith(("FAILED ", "ERROR "))), "")
    return {"state": state, "by": by or (output[-1] if output and state == KILLED else ""), "took": _seconds(began)}


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def _in_time(command: Sequence[str], tree: Path, environment: dict[str, str]) -> tuple[int | None, list[str]]:
    """Its exit code, None when it took too long, and its lines. What it started ends with it."""
    with tempfile.TemporaryFile("w+") as output:
        started = subprocess.Popen(
            command, cwd=tree, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = started.wait(LONGEST)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
                started.wait()
        output.seek(0)
        return code, output.read().splitlines()


# --- the report ------------------------------------------------------------------------------------------------------


def _told(mutant: Mutant, found: Result) -> str:
    by = f" by {found['by']}" if found["by"] else ""
    return f"{found['state']}{by} ({found['took']}): {_words(mutant)}"


def _words(mutant: Mutant) -> str:
    change = " ".join(mutant.after.split()) or "(nothing)"
    return f"{mutant.file}:{mutant.line} {change[:100]}"


def _report(rooms: Sequence[str], known: dict[str, Result]) -> int:
    """0 when each that survives says why."""
    unexplained, told = 0, list[str]()
    print(f"\n{'room':<10} {'all':>4} {'killed':>7} {'accepted':>9} {'open':>5}")
    for room in rooms:
        states = {each: known.get(_key(each), {"state": UNKNOWN})["state"] for each in mutants(room)}
        accepted = [each for each, state in states.items() if state == SURVIVED and each.survives]
        left = [each for each, state in states.items() if state in (SURVIVED, UNKNOWN) and not each.survives]
        killed = [each for each, state in states.items() if state in (KILLED, TOO_LONG)]
        print(f"{room:<10} {len(states):>4} {len(killed):>7} {len(accepted):>9} {len(left):>5}")
        told += [f"{states[each]}: {_words(each)}  {each.survives}" for each in (*accepted, *left)]
        unexplained += len(left)
    print("\n".join(told))
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
