"""The end of a reading takes nothing away from who is at work on the page that it brings what was read to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support import browser_helpers as steps
from tests.support import set_up_journey as journey
from tests.support.browser_helpers import EDITOR, Own, cell, own_connector, see_answers_to_polls
from tests.support.processes import Site


@pytest.fixture(scope="module")
def shared(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


@pytest.fixture
def own(shared: Own) -> Iterator[Own]:
    yield shared
    shared.sandbox.faults()


def read_slowly(own: Own, page: Page, query: str) -> None:
    """A matrix, whose lists are still being read when the acts that follow are done."""
    steps.enter(page, own.site, EDITOR)
    page.goto(f"{own.matrix}?{query}")
    own.sandbox.faults({"path": "/mappings/states", "latency_ms": 1500})
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator("#job.job")).to_be_attached()


def test_a_reading_that_ends_leaves_what_is_chosen_in_the_list(own: Own, page: Page) -> None:
    """Also where the focus has left the select; the line leads to what was read."""
    read_slowly(own, page, "scope=PROJ&view=list")
    choice = page.locator("main form.listview select").first
    chosen = choice.locator("option:not(:checked)").last.get_attribute("value") or ""
    choice.select_option(chosen)
    page.get_by_role("heading", level=1).click()
    own.sandbox.faults()
    expect(page.get_by_role("link", name="Show the result")).to_be_visible(timeout=30_000)
    expect(choice).to_have_value(chosen)


def test_the_end_of_a_reading_waits_for_edits_that_are_under_way(own: Own, page: Page) -> None:
    """The second is not even sent yet: a page that is loaded anew at that moment would forget it."""
    held: list[Route] = []
    read_slowly(own, page, "scope=PROJ1")
    page.route("**/cell/", lambda route: route.continue_() if held else held.append(route))
    for name in ("Parked 10205 3 Dev complete", "In Review 10203 4 Test complete"):
        cell(page, name).click()
    expect(cell(page, "Parked 10205 3 Dev complete")).to_have_attribute("aria-busy", "true")
    own.sandbox.faults()
    own.wait_until_idle()
    see_answers_to_polls(page)
    with page.expect_navigation():
        held[0].continue_()
    steps.expect_waiting(page, 2)
    expect(cell(page, "In Review 10203 4 Test complete")).to_have_attribute("aria-selected", "true")


def begin_to_read(own: Own) -> None:
    """Something that ends once the faults are cleared."""
    own.sandbox.faults({"path": "/rest/", "latency_ms": 700})
    own.post(f"{own.page}refresh/", {})


@pytest.mark.parametrize("is_held", [True, False], ids=["pressed", "on its way"])
def test_the_end_of_a_reading_takes_no_click_away(own: Own, page: Page, is_held: bool) -> None:
    """Neither while a button of the pointer is down, nor while the page that was clicked for is on its way."""
    on_its_way: list[Route] = []
    steps.enter(page, own.site)
    begin_to_read(own)
    page.goto(f"{own.page}set-up/connect/")
    expect(page.get_by_role("heading", name="Being read now")).to_be_visible()
    link = journey.rail(page).get_by_role("link", name="Projects")
    if is_held:
        link.hover()
        page.mouse.down()
    else:
        page.route("**/set-up/projects/", lambda route: on_its_way.append(route))
        link.click(no_wait_after=True)
    own.sandbox.faults()
    own.wait_until_idle()
    page.wait_for_timeout(2500)  # in which the page asks twice
    if is_held:
        page.mouse.up()
    else:
        on_its_way[0].continue_()
    expect(page.get_by_role("heading", level=1)).to_have_text("4 Projects")
