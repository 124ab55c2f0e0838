"""A check of the whole chain, as by `manage.py verify_history`: a million entries, hourly checkpoints, their copies."""

from __future__ import annotations

import json
import time

from tests.bench import databases
from tests.bench.report import Figure, show, timed

CHECK = "check"
ALLOWED_SECONDS, ALLOWED_MEGABYTES = 60.0, 200.0


def main() -> None:
    databases.run("tests.bench.history_verify")


def measure() -> None:
    name = databases.set_up()
    from tests.bench import history_chain

    history_chain.fill(databases.ROWS)
    databases.analyzed()
    said = json.loads(databases.processes("tests.bench.history_verify", CHECK, 1)[0].splitlines()[-1])
    show(
        f"Verify {said['rows']:,} entries with {said['checkpoints']:,} checkpoints: {name}",
        [
            Figure(what="read and compared in", value=said["seconds"], unit="s", aim=ALLOWED_SECONDS),
            Figure(what="most memory of the command", value=said["megabytes"], unit="MB", aim=ALLOWED_MEGABYTES),
            Figure(what="of that on the processor", value=said["processor"], unit="s"),
            Figure(what="entries a second", value=said["rows"] / said["seconds"], unit=""),
        ],
    )


def check() -> None:
    """In a process of its own, as the command is: filling takes memory, too."""
    import django

    django.setup()
    from alignadmin.audit import verification

    began = time.process_time()
    with timed() as watch:
        verdict = verification.verify()
    assert verdict.ok, verdict.sentence
    used = {"processor": time.process_time() - began, "megabytes": databases.peak_megabytes()}
    print(json.dumps({"rows": verdict.rows, "checkpoints": verdict.checkpoints, "seconds": watch.seconds, **used}))


if __name__ == "__main__":
    words = {databases.HERE: measure, CHECK: check}
    if databases.word() == databases.UNDER_POSTGRESQL:
        databases.under_postgresql("tests.bench.history_verify")
    else:
        words.get(databases.word(), main)()
