"""An evidence pack of 100,000 rows: how long it takes a worker to write, and how much memory that worker needs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tests.bench.report import Figure, show, timed
from tests.bench.world import make_base

ROWS = 100_000
CHILD = "--write"
ALLOWED_SECONDS, ALLOWED_MEGABYTES = 30.0, 200.0


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-export-") as directory:
        site = make_base(Path(directory) / "data")
        site.migrate()
        _fill()
        # A process of its own, as a worker is: filling takes memory, too.
        command = [sys.executable, "-m", "tests.bench.export", CHILD]
        done = subprocess.run(command, env=site.environment, capture_output=True, text=True, check=True)
        said = json.loads(done.stdout.splitlines()[-1])
        with timed() as watch:
            verdict = _checked(Path(said["path"]))
    show(
        f"Evidence pack of {said['rows']:,} rows and {said['entries']:,} entries",
        [
            Figure(what="written in", value=said["seconds"], unit="s", aim=ALLOWED_SECONDS),
            Figure(what="of that, time of the processor", value=said["processor"], unit="s"),
            Figure(what="most memory of that worker", value=said["megabytes"], unit="MB", aim=ALLOWED_MEGABYTES),
            Figure(what="size of the zip", value=said["size"] / 1e6, unit="MB"),
            Figure(what=f"checked by the stand-alone checker ({verdict})", value=watch.seconds, unit="s"),
        ],
    )


def _fill() -> None:
    from tests.bench import history_rows

    cast = history_rows.make_cast()
    history_rows.fill(ROWS, cast, until=history_rows.LAST, length=timedelta(days=365))


def _checked(path: Path) -> str:
    from alignadmin.audit import standalone_checker

    report = standalone_checker.check(path)
    return "it holds" if report.ok else report.wrong


def write() -> None:
    """Ask for everything and write it here; the figures go to the parent as one line."""
    import django

    django.setup()
    from alignadmin.accounts.models import Person
    from alignadmin.audit.models import Entry
    from connectors.history.packs import services
    from connectors.jobs.runner import run_jobs
    from connectors.models import Pack

    actor = Person.objects.order_by("pk").first()
    assert actor is not None
    services.ask("", actor=actor, time_zone="UTC")
    before = time.process_time()
    with timed() as watch:
        run_jobs()
    processor = time.process_time() - before
    pack = Pack.objects.get()
    assert pack.state == "done", pack.error
    made = json.loads(Entry.objects.get(action="pack.made").body)["data"]
    figures = {
        "seconds": watch.seconds,
        "processor": processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "size": pack.size,
        "rows": made["rows"],
        "entries": made["entries"]["count"],
        "path": pack.path,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    write() if CHILD in sys.argv else main()
