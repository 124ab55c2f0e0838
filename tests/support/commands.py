"""`manage.py` without its start: a process that has loaded everything, and forks for each command.

To start Python and Django takes two seconds of processor, a command of a test's set-up some hundredths. What a command
does at its start (the settings, a refusal in one line) is tested with real starts, in `test_starting.py`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tests.support.warm_process import WarmProcess

LONGEST = 120  # seconds for one command


@dataclass(frozen=True, kw_only=True)
class Done:
    code: int
    output: str
    errors: str


def run(loaded: WarmProcess, *arguments: str, stdin: str = "") -> Done:
    return Done(**loaded.ask({"arguments": arguments, "stdin": stdin}))


# --- the other process ------------------------------------------------------------------------------------------------


def serve() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    # Nearly every command begins with it, and it loads what is loaded at the first use: the addresses, the forms.
    call_command("check", stdout=StringIO())
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(_run(asked["arguments"], asked["stdin"])), flush=True)


def _run(arguments: Sequence[str], stdin: str) -> dict[str, object]:
    """Files for what it reads and writes: a pipe that nobody empties would stop it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("in", "out", "err")]
        paths[0].write_text(stdin)
        child = os.fork()
        if child == 0:
            _child(arguments, paths)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return {"code": code, "output": paths[1].read_text(), "errors": paths[2].read_text()}


def _child(arguments: Sequence[str], paths: Sequence[Path]) -> None:
    """Never returns. Its files take the numbers 0 to 2, so that what it starts has them, too."""
    import signal
    import traceback

    signal.alarm(LONGEST)
    code = 1
    try:
        for number, path in enumerate(paths):
            os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT), number)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115  for its whole life
        code = _command(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  whatever it is, the test is told
        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _command(arguments: Sequence[str]) -> int:
    import manage

    sys.argv = ["manage.py", *arguments]
    try:
        manage.main()
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    return 0


if __name__ == "__main__":
    serve()
