"""The large data set of a benchmark: read once from a large sandbox through the product's own jobs, then copied."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import environment
from tests.support.ports import free_port
from tests.support.processes import Site

# No limit is in the way unless a benchmark is about it: a thousand slots that are free again after a tenth of a second.
UNLIMITED = {
    "BUDGET_GRACE": "0.1",
    "BUDGET_RESERVED": "10",
    "BUDGET_SLOTS": "1000",
    "BUDGET_WINDOW": "0.1",
    "SITE_LIMIT": "600000",
    "PLAN_MAX_AGE": "86400",  # the base may be older than a plan may usually get
}


def base_of_arguments() -> Path:
    return Path(sys.argv[1])


def make_base(base: Path, **settings: str) -> Site:
    """An empty installation in `base` with the port that its copies will use again. `settings`: of the environment."""
    base.mkdir(parents=True)
    port = free_port()
    (base / "port").write_text(str(port))
    return _site(base, port, **settings)


@contextmanager
def copied(base: Path, *sandbox: str, **settings: str) -> Iterator[Site]:
    """A copy of the installation with a running sandbox; Django is set up for it in this process."""
    with tempfile.TemporaryDirectory(prefix="alignadmin-bench-copy-") as directory:
        data_dir = Path(directory) / "data"
        shutil.copytree(base, data_dir)
        site = _site(data_dir, int((base / "port").read_text()), **settings)
        try:
            site.start_sandbox("--seed", "large", *sandbox)
            yield site
        finally:
            site.stop()


def _site(data_dir: Path, sandbox_port: int, **settings: str) -> Site:
    """The settings of this process and of the site's own processes are the same."""
    chosen = {**UNLIMITED, **settings}
    os.environ.pop("DATABASE_URL", None)
    os.environ.update(chosen, DATA_DIR=str(data_dir), LOG_LEVEL="ERROR")
    environment.prepare()
    site = Site(data_dir=data_dir, sandbox_port=sandbox_port, extra=chosen)
    import django

    django.setup()
    return site
