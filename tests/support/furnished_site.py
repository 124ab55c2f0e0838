"""An installation of its own with the furnished connector of the browser tests, for what judges pages from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journeys.test_browser_pages import PAGES, SIGNED_OUT, Furnished, furnish
from tests.support.processes import running_site

__all__ = ["PAGES", "SIGNED_OUT", "furnished_site"]


@contextmanager
def furnished_site(directory: Path) -> Iterator[Furnished]:
    with running_site(directory / "site") as running:
        running.prepare()
        with furnish(running) as made:
            yield made
