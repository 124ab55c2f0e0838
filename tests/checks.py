"""`python -m tests.checks`: types, dangerous calls, queries, missing migrations, and warnings about a deployment."""

from __future__ import annotations

import os
import subprocess
import sys

from tests import environment

SOURCES = ("alignadmin", "connectors", "mappings")


def main() -> int:
    os.environ["SECURE"] = "1"
    environment.prepare()
    # Its Django plugin loads the settings, hence the environment made here. It keeps one processor busy for longer than
    # all the rest, which is done beside it.
    mypy = [sys.executable, "-m", "mypy"]
    types = subprocess.Popen(mypy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # Ruff knows most of its rules; low severity repeats them, each with its `noqa` here.
    bandit = [sys.executable, "-m", "bandit", "--quiet", "--severity-level", "medium", "--recursive", *SOURCES]
    dangers = subprocess.run(bandit, check=False).returncode
    # With what a deployment sets, plain requests would only be sent on to https.
    counting = [sys.executable, "-m", "pytest", "-q", "tests/alignadmin/test_query_counts.py"]
    queries = subprocess.run(counting, check=False, env={**os.environ, "SECURE": "0"}).returncode
    print(types.communicate()[0], end="")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("makemigrations", check=True, dry_run=True)
    call_command("check", deploy=True, fail_level="WARNING")
    return types.returncode or dangers or queries


if __name__ == "__main__":
    sys.exit(main())
