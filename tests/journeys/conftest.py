"""One installation for all journeys, which are run in one process (tests/support/tiers.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.processes import Site, running_site


@pytest.fixture(scope="package")
def site(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With people; a connector of your own: `browser_helpers.own_connector`. Stopped after the last of them."""
    with running_site(tmp_path_factory.mktemp("site")) as running:
        running.prepare()
        yield running
