"""A status is added in Jira, and somebody is told: by the worker's own clock, with nobody pressing anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, WIDE, axe, fits
from tests.support.browser_helpers import EDITOR, Own, grid, own_connector
from tests.support.processes import Site, eventually, running_site

WAITING, NAME = 10777, "Waiting for vendor"
SAID = f"{NAME} ({WAITING}) is new in PROJ since"
FALLS = "stories that reach it fall to 0 - Pending approval"
INTERVAL = 6  # seconds, in the place of ten minutes


@pytest.fixture(scope="module")
def quick(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation of its own, whose worker looks for what is new all the time."""
    folder: Path = tmp_path_factory.mktemp("noticed")
    with running_site(folder, CATALOGUE_INTERVAL=str(INTERVAL)) as running:
        running.prepare()
        yield running


@pytest.fixture
def own(quick: Site) -> Iterator[Own]:
    with own_connector(quick) as made:
        yield made


def test_a_status_is_added_in_jira_and_somebody_is_told(own: Own, page: Page) -> None:
    steps.enter(page, own.site, EDITOR)
    page.goto(f"{own.page}drift/")
    expect(page.get_by_text("Clean", exact=True)).to_be_visible()
    page.locator("summary").filter(has_text="what is covered").click()
    expect(page.get_by_text("Clean covers:")).to_be_visible()

    own.sandbox.edit("add_status", id=WAITING, name=NAME, projects=["PROJ"], issue_types=["Story"])
    within = 5 * INTERVAL  # one interval, with the ticks and the slowness of a busy machine
    eventually(lambda: SAID in own.get("/", email=EDITOR).text, within=within, what="the sentence on the overview")

    page.goto(own.site.url)
    told = page.get_by_role("link", name=SAID)
    expect(told).to_contain_text(FALLS)
    axe(page)
    told.click()
    expect(grid(page).get_by_role("rowheader", name=f"{NAME} {WAITING}")).to_be_visible()
    expect(grid(page).get_by_role("rowheader", name="In Review")).to_have_count(0)
    expect(page.get_by_role("region", name="New and gone")).to_contain_text(SAID)
    axe(page)

    page.goto(f"{own.page}drift/?tab=found")
    expect(page.get_by_role("row").filter(has_text=SAID)).to_contain_text("falls to 0")
    expect(page.get_by_text("but 1 new status is not mapped")).to_be_visible()
    axe(page)
    page.set_viewport_size(NARROW)
    assert fits(page), "a phone has to scroll sideways"
    page.set_viewport_size(WIDE)
    page.get_by_role("row").filter(has_text=SAID).get_by_role("button", name="Mark as seen").click()
    expect(page.get_by_text("Nothing new in Jira or Align.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text=f"{NAME} ({WAITING}) is new in PROJ")).to_contain_text("seen by")
