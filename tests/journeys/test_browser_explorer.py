"""The explorer in a real browser: build, run, refuse, explain, save, copy; and the same without scripts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, Route, expect

from tests.support import browser_helpers as steps
from tests.support.browser import NARROW, Complaints, axe, fits
from tests.support.browser_helpers import ADMIN, Own, own_connector
from tests.support.processes import Site

A_RUN = 20_000  # ms, until a worker has taken it up and read


@pytest.fixture(scope="module")
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def here(own: Own) -> str:
    return f"{own.site.url}/connectors/{own.slug}/explorer/"


def test_a_query_is_built_run_refused_explained_saved_and_copied(own: Own, page: Page, complaints: Complaints) -> None:
    own.sandbox.clear_journal()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    steps.enter(page, own.site)
    page.goto(here(own))
    # Built: what a field cannot be asked is not offered, and a name becomes an id.
    page.get_by_label("Field of condition 1").select_option(label="Owner")
    ask = page.get_by_label("What to ask in condition 1")
    expect(ask.locator("option")).to_have_text(["is", "is not", "is empty", "is not empty"])
    page.get_by_label("Value of condition 1").fill("Ada")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".condition small").first).to_have_text("Ada Brook")
    expect(page.locator("#x-text")).to_contain_text("$filter=ownerId eq 2")
    page.get_by_text("Columns: 7 chosen").click()
    page.get_by_label("Points").check()
    expect(page.get_by_text("Columns: 8 chosen")).to_be_visible()
    expect(page.get_by_label("Points")).to_be_visible()  # still open
    expect(page.get_by_text("At most 11 requests")).to_be_visible()
    axe(page)
    # Saved, then copied.
    page.get_by_text("Save this query").click()
    page.get_by_role("textbox", name="Name").fill("Of Ada")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Of Ada")).to_be_visible()
    page.get_by_text("Rename or delete").click()
    page.get_by_role("textbox", name="Name").first.fill("Ada's own")
    axe(page)
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_role("link", name="Ada's own")).to_be_visible()
    page.get_by_role("link", name="Ada's own").click()
    page.get_by_text("The request").click()
    page.get_by_role("button", name="Copy request").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = str(page.evaluate("navigator.clipboard.readText()"))
    assert copied.startswith("curl --get ")
    assert "$ALIGN_TOKEN" in copied
    # Run.
    page.get_by_role("button", name="Run the query").click()
    expect(page.get_by_text("Complete", exact=True)).to_be_visible(timeout=A_RUN)
    expect(page.get_by_role("columnheader", name="Owner")).to_be_visible()
    axe(page)
    page.set_viewport_size(NARROW)
    assert fits(page)
    # Refused and explained, while it is typed.
    page.goto(f"{here(own)}?q=/features?")
    box = page.get_by_role("textbox", name="Query")
    box.fill("/features?$filter=titel eq 'x'")
    expect(page.locator("mark")).to_have_text("titel")
    expect(page.locator("#_reading .note")).to_contain_text("Did you mean title?")
    assert fits(page)
    axe(page)
    box.fill("/features?$filter=poi")
    expect(page.get_by_role("link", name="points", exact=True)).to_have_attribute(
        "data-complete", "/features?$filter=points"
    )
    page.get_by_role("link", name="points", exact=True).click()
    expect(box).to_have_value("/features?$filter=points")
    expect(box).to_be_focused()
    # In the middle of the text its word is completed, and the rest stays.
    box.fill("/features?$filter=poi gt 5&$top=20")
    box.press("Home")
    for _ in range(len("/features?$filter=poi")):
        box.press("ArrowRight")
    word = page.get_by_role("link", name="points", exact=True)
    expect(word).to_have_attribute("data-complete", "/features?$filter=points gt 5&$top=20")
    word.click()
    expect(box).to_have_value("/features?$filter=points gt 5&$top=20")
    assert box.evaluate("box => box.selectionStart") == len("/features?$filter=points")
    assert {entry["method"] for entry in own.sandbox.journal(containing="/rest/align/")} == {"GET"}
    complaints.check()


def test_what_is_typed_while_the_form_is_drawn_anew_stays(own: Own, page: Page, complaints: Complaints) -> None:
    steps.enter(page, own.site)
    page.goto(f"{here(own)}?object=feature&field.0=releaseId&op.0=eq&value.0=1&field.1=title&op.1=contains&value.1=Old")
    waiting: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if waiting:
            route.continue_()
        else:
            waiting.append(route)

    page.route("**/explorer/?*", hold_the_first)
    page.get_by_label("Value of condition 1").fill("2")
    second = page.get_by_label("Value of condition 2")
    second.click()
    second.press("Control+a")
    second.press_sequentially("New")
    expect(second).to_have_value("New")
    assert waiting, "the form was asked for"
    with page.expect_response(lambda answer: "value.0=2" in answer.url):
        waiting[0].continue_()
    second.press_sequentially(" one")
    expect(second).to_have_value("New one")
    expect(second).to_be_focused()
    second.blur()
    expect(page.locator("#x-text")).to_contain_text("releaseId eq 2 and contains(title, 'New one')")
    complaints.check()


def test_an_option_of_a_custom_field_is_picked_and_its_rows_are_kept(
    own: Own, page: Page, complaints: Complaints
) -> None:
    steps.enter(page, own.site)
    page.goto(here(own))
    page.get_by_role("button", name="Show custom fields").click()
    page.get_by_label("Field of condition 1").select_option(label="Channel (custom field)")
    page.get_by_label("Value of condition 1").select_option(label="App")
    expect(page.locator("#x-text")).to_contain_text("keep=customfield_91301 eq 'App'")
    expect(page.get_by_text("Jira Align filters by no custom field")).to_be_visible()
    axe(page)
    page.set_viewport_size(NARROW)
    assert fits(page)
    page.get_by_role("button", name="Run the query").click()
    expect(page.get_by_text("that were read")).to_be_visible(timeout=A_RUN)
    assert fits(page)
    complaints.check()


def test_a_choice_is_never_too_early_nor_taken_away_by_an_answer_under_way(own: Own, page: Page) -> None:
    """Made at once where a new field appears, and while the answer to the choice before it is under way."""
    steps.enter(page, own.site)
    page.goto(here(own))
    page.evaluate(
        """() => new MutationObserver((_, observer) => {
          const asked = document.querySelector("[name='op.0']")
          if (!asked || asked.value === "empty") return
          observer.disconnect()
          asked.value = "empty"
          asked.dispatchEvent(new Event("change", {bubbles: true}))
        }).observe(document.body, {childList: true, subtree: true})"""
    )
    page.get_by_label("Field of condition 1").select_option(label="Owner")
    expect(page.locator("#x-text")).to_contain_text("$filter=ownerId eq null")

    held: list[Route] = []
    page.route("**/explorer/?*", lambda route: route.continue_() if held else held.append(route))
    page.get_by_text("Columns: 7 chosen").click()
    page.get_by_label("Points").check()
    page.get_by_label("Priority").check()
    expect(page.get_by_text("Columns: 9 chosen")).to_be_visible()
    with contextlib.suppress(Error):  # given up for the later one
        held[0].continue_()
    expect(page.get_by_text("Columns: 9 chosen")).to_be_visible()


def test_without_scripts_it_is_a_plain_form(own: Own, browser: Browser) -> None:
    with steps.without_scripts(browser) as page:
        steps.enter(page, own.site, ADMIN)
        page.goto(here(own))
        page.get_by_label("Field of condition 1").select_option(label="Is blocked")
        page.get_by_role("button", name="Update").last.click()
        page.get_by_label("What to ask in condition 1").select_option(label="is no")
        page.get_by_role("button", name="Run the query").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Features")
        own.wait_until_idle()
        page.reload()
        expect(page.locator("p.sent")).to_contain_text("$filter=not isBlocked")
