"""The matrix in a browser: its keys and address, failures that are seen, and names that try to break out."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Dialog, Locator, Page, Route, expect

from tests.support import browser_helpers as steps
from tests.support.browser import ZOOMED, Complaints, axe
from tests.support.browser_helpers import (
    EDITOR,
    VIEWER,
    Own,
    cell,
    grid,
    own_connector,
    said,
    trouble,
)
from tests.support.processes import Site
from tests.support.sandbox_fixture import ALIGN_TOKEN

MARKUP = '<img src=x onerror=alert(1)>"><script>alert(2)</script>'
QUOTES = 'O\'Neil "quoted" & [x] → {{ y }} %s'
TURNED = "Ready \u202edesrever\u202c עברית"


@pytest.fixture(scope="module")
def shared(site: Site) -> Iterator[Own]:
    """One connector for the tests of this module; each edits another project or only looks."""
    with own_connector(site) as own:
        yield own


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def open_matrix(page: Page, own: Own, query: str = "scope=PROJ", *, email: str = EDITOR) -> Page:
    steps.enter(page, own.site, email)
    page.goto(f"{own.matrix}?{query}")
    return page


def row_header(page: Page, name: str) -> Locator:
    return grid(page).get_by_role("rowheader", name=name, exact=True)


# --- keys ----------------------------------------------------------------------------------------------------------


def test_the_grid_is_one_tab_stop_and_arrows_move_in_it(shared: Own, page: Page) -> None:
    open_matrix(page, shared)
    expect(grid(page).locator("td[tabindex='0']")).to_have_count(1)
    cell(page, "To Do 10001 1 Ready to start").focus()
    for key, name in (
        ("ArrowRight", "To Do 10001 2 In progress"),
        ("ArrowDown", "Blocked 10017 2 In progress"),
        ("ArrowLeft", "Blocked 10017 1 Ready to start"),
        ("ArrowUp", "To Do 10001 1 Ready to start"),
        ("End", "To Do 10001 5 Accepted"),
        ("ArrowRight", "To Do 10001 5 Accepted"),
        ("Home", "To Do 10001 0 Pending approval"),
    ):
        page.keyboard.press(key)
        expect(cell(page, name), key).to_be_focused()
    expect(grid(page).locator("td[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('[role=grid]') !== null"), "Tab leaves the grid"
    page.keyboard.press("Shift+Tab")
    expect(cell(page, "To Do 10001 0 Pending approval"), "and comes back to the same cell").to_be_focused()


def test_at_200_percent_six_rows_are_in_view_below_the_headers(shared: Own, page: Page) -> None:
    open_matrix(page, shared)
    page.set_viewport_size(ZOOMED)
    page.get_by_role("link", name="To the matrix").focus()
    page.keyboard.press("Enter")
    expect(grid(page).locator("td[tabindex='0']")).to_be_focused()
    # In view and under nothing else: seen at its upper and at its lower edge.
    rows = (
        grid(page)
        .locator("tbody tr")
        .evaluate_all("""rows => rows.filter(row => {
        const { left, top, bottom } = row.getBoundingClientRect();
        return [top + 2, bottom - 2].every(y => row.contains(document.elementFromPoint(left + 20, y)));
    }).length""")
    )
    assert rows >= 6


def test_keys_edit_undo_and_redo_and_the_focus_stays(shared: Own, page: Page) -> None:
    open_matrix(page, shared, "scope=PROJ1")
    parked = cell(page, "Parked 10205 3 Dev complete")
    parked.focus()
    page.keyboard.press("Space")
    expect(parked).to_have_attribute("aria-selected", "true")
    expect(parked).to_be_focused()
    expect(said(page)).to_have_text("1 edit pending, 5 of 5 statuses mapped")

    page.keyboard.press("Shift+Space")
    expect(parked).to_have_accessible_description("returns to Parked 10205 not applied yet")
    expect(parked).to_be_focused()
    expect(cell(page, "In Review 10203 3 Dev complete"), "one ring a column").to_have_accessible_description(
        "the way back was here, will be removed"
    )

    page.keyboard.press("Delete")
    expect(parked).to_have_attribute("aria-selected", "false")
    page.keyboard.press("Control+z")
    expect(parked).to_have_attribute("aria-selected", "true")
    expect(parked).to_be_focused()
    page.keyboard.press("Control+Shift+z")
    expect(parked).to_have_attribute("aria-selected", "false")
    expect(said(page)).to_have_text("1 edit pending, 4 of 5 statuses mapped")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    expect(parked).to_have_accessible_description("not applied yet")
    axe(page)


def test_the_list_of_pending_edits_follows_each_edit_line_by_line(own: Own, page: Page) -> None:
    open_matrix(page, own, "scope=PROJ1")
    lines = page.locator("#edit-lines > li")
    cell(page, "Parked 10205 3 Dev complete").click()
    expect(lines).to_have_count(1)
    page.evaluate("document.getElementById('edits').dataset.same = 'yes'")

    cell(page, "In Review 10203 4 Test complete").click()
    expect(lines).to_have_count(2)
    expect(lines.first, "the newest stands first").to_contain_text("4 Test complete")
    cell(page, "Parked 10205 2 In progress").click()
    expect(lines.first, "an edit made anew moves to the top").to_contain_text("2 In progress")
    expect(lines).to_have_count(2)
    expect(page.locator("#edit-count")).to_have_text("2")

    lines.first.get_by_role("button").click()
    expect(lines).to_have_count(1)
    expect(lines).to_contain_text("4 Test complete")
    expect(said(page)).to_have_text("1 edit pending, 4 of 5 statuses mapped")
    expect(page.locator("#edits"), "the card itself was never drawn anew").to_have_attribute("data-same", "yes")


def test_a_slash_leads_to_the_filter_and_escape_closes_the_menu(shared: Own, page: Page) -> None:
    open_matrix(page, shared)
    cell(page, "To Do 10001 1 Ready to start").focus()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    expect(page.get_by_role("searchbox")).to_have_value("")
    menu = page.locator("details.switcher")
    menu.locator("summary").click()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")


def test_a_ring_is_removed_by_one_click_without_keys(shared: Own, page: Page) -> None:
    open_matrix(page, shared, "scope=PAY")
    page.get_by_role("link", name="Align → Jira").click()
    qa = cell(page, "QA 10015 3 Dev complete")
    qa.click()
    expect(qa).to_have_attribute("aria-selected", "true")
    qa.click()
    expect(qa).to_have_attribute("aria-selected", "false")


# --- the address ---------------------------------------------------------------------------------------------------


def test_filters_and_toggles_are_in_the_address_and_can_be_sent(shared: Own, page: Page) -> None:
    open_matrix(page, shared)
    page.get_by_role("link", name="only unmapped").click()
    page.wait_for_url("**only=unmapped**")
    page.get_by_role("searchbox").fill("block")
    page.wait_for_url("**q=block**")
    expect(grid(page).get_by_role("rowheader").filter(has_text=re.compile(r"\d{5}"))).to_have_count(1)
    sent = page.url
    assert "scope=PROJ" in sent
    page.go_back()
    expect(row_header(page, "Cancelled 10018")).to_be_visible()
    page.goto(sent)
    expect(row_header(page, "Blocked 10017")).to_be_visible()
    expect(row_header(page, "Cancelled 10018")).to_have_count(0)
    expect(page.get_by_role("link", name="only unmapped")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("searchbox")).to_have_value("block")


# --- what is told apart --------------------------------------------------------------------------------------------


def test_twins_are_told_apart_by_name_and_id(shared: Own, page: Page) -> None:
    open_matrix(page, shared, "")
    for status in ("In Review 10013", "In Review 10113"):
        expect(row_header(page, status)).to_have_accessible_description(re.compile("twin"))
        expect(cell(page, f"{status} 2 In progress")).to_have_attribute("aria-selected", "true")


def test_a_chosen_0_and_an_unmapped_status_look_and_read_differently(shared: Own, page: Page) -> None:
    open_matrix(page, shared)
    chosen, gap = cell(page, "Backlog 10011 0 Pending approval"), cell(page, "Cancelled 10018 0 Pending approval")
    expect(chosen).to_have_attribute("aria-selected", "true")
    expect(gap).to_have_attribute("aria-selected", "false")
    falls = re.compile("not mapped falls to 0 - Pending approval")
    expect(row_header(page, "Cancelled 10018")).to_have_accessible_description(falls)
    expect(row_header(page, "Backlog 10011")).not_to_have_accessible_description(falls)
    expect(row_header(page, "Cancelled 10018").get_by_text("falls to 0 - Pending approval")).to_be_visible()
    hatched = "cell => getComputedStyle(cell).backgroundImage !== 'none'"
    assert gap.evaluate(hatched)
    assert not chosen.evaluate(hatched)
    assert chosen.screenshot() != gap.screenshot()


# --- who may only look ---------------------------------------------------------------------------------------------


def test_a_viewer_sees_no_control_and_a_try_is_refused_where_it_is_seen(shared: Own, page: Page) -> None:
    open_matrix(page, shared, email=VIEWER)
    expect(grid(page)).to_have_attribute("aria-readonly", "true")
    for name in ("Refresh", "Undo", "Redo", "Save to the draft"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    blocked = cell(page, "Blocked 10017 2 In progress")
    expect(blocked).to_be_disabled()
    blocked.click(force=True)
    expect(trouble(page)).to_contain_text("Your role reads mappings")
    expect(blocked).to_have_attribute("aria-selected", "false")
    page.goto(f"{shared.matrix}?scope=PROJ&view=list")
    expect(page.locator("main form.listview select")).to_have_count(0)

    cell_of = {"scope": "PROJ", "status": 10017, "target": 2, "to": "j2a"}
    answer = shared.post(f"{shared.matrix}cell/", cell_of, email=VIEWER)
    assert answer.status_code == 403
    assert "an editor or an admin" in answer.text


# --- failures ------------------------------------------------------------------------------------------------------


def refuse(route: Route) -> None:
    route.fulfill(status=500, content_type="text/html", body="<h1>Server Error</h1>")


def cut(route: Route) -> None:
    route.abort("connectionreset")


def keep_waiting(route: Route) -> None:
    """Never answers; htmx gives up."""


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (refuse, "AlignAdmin could not answer (error 500)"),
        (cut, "the connection failed"),
        (keep_waiting, "may still finish"),
    ],
    ids=["error", "cut", "time-out"],
)
def test_a_failed_toggle_is_told_and_the_cell_does_not_lie(
    shared: Own, page: Page, complaints: Complaints, answer: object, sentence: str
) -> None:
    complaints.expect("/cell/")
    complaints.expect("htmx:")  # it logs a request without an answer
    open_matrix(page, shared, "scope=PROJ2")
    page.evaluate("htmx.config.timeout = 1000")
    page.route("**/cell/", answer)  # type: ignore[arg-type]
    parked = cell(page, "Parked 10305 2 In progress")
    parked.scroll_into_view_if_needed()
    parked.click()
    expect(trouble(page)).to_contain_text(sentence)
    expect(trouble(page)).to_have_role("alert")
    expect(trouble(page)).to_be_in_viewport()
    expect(parked).to_have_attribute("aria-selected", "false")
    expect(parked).not_to_have_attribute("aria-busy", "true")
    expect(parked).to_be_focused()

    page.unroute("**/cell/")
    parked.click()
    expect(parked).to_have_attribute("aria-selected", "true")
    expect(trouble(page)).to_be_hidden()
    parked.click()
    expect(parked).to_have_attribute("aria-selected", "false")


def test_a_refused_token_is_a_red_line_that_says_what_to_do(own: Own, page: Page) -> None:
    own.sandbox.edit("revoke_token", site="align", token=ALIGN_TOKEN)
    open_matrix(page, own, email=steps.ADMIN)
    page.get_by_role("button", name="Refresh").click()
    line = page.locator("p.note.bad, #job.bad").first
    expect(line).to_contain_text("token", timeout=30_000)
    expect(line).to_contain_text(re.compile("new|again|replace", re.IGNORECASE))
    page.goto(own.page)
    expect(page.get_by_role("region", name="Health").locator(".note.bad")).to_contain_text("Jira Align refused")
    alarm = page.get_by_role("region", name="What is wrong with this connector")
    expect(alarm).to_contain_text("refuses the credential")
    alarm.get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/{own.slug}/credential/align/$"))


def test_a_remote_that_is_down_when_an_apply_starts_is_told_on_the_plan(own: Own, page: Page) -> None:
    approved_plan(own, page)
    own.sandbox.faults({"path": "/rest/align/", "cut": "before"})
    steps.apply(page, own.slug)
    expect(page.get_by_text("Confirmed 0 of 1.")).to_be_visible(timeout=steps.APPLY_TIMEOUT)
    expect(page.locator("#changes")).to_contain_text("The list could not be read, so nothing was sent")
    axe(page)

    own.sandbox.faults()
    page.get_by_role("link", name="plan it again").click()
    expect(page.get_by_role("checkbox", name="Blocked")).to_be_checked()


def test_a_write_whose_answer_is_lost_is_settled_by_reading(own: Own, page: Page) -> None:
    approved_plan(own, page)
    own.sandbox.faults({"method": "POST", "path": "/mappings/states", "cut": "after", "times": 1})
    steps.apply(page, own.slug)
    steps.expect_confirmed(page, 1)
    assert len(own.sandbox.journal("POST", "/mappings/states")) == 1, "a creating write is not repeated blindly"


def approved_plan(own: Own, page: Page) -> None:
    own.set_cell(10017, 2)
    steps.enter(page, own.site)
    steps.make_plan(page, own)
    steps.approve(page)


# --- hostile names -------------------------------------------------------------------------------------------------


def test_names_with_markup_quotes_and_turned_text_stay_names(site: Site, page: Page) -> None:
    dialogs: list[Dialog] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog))
    with own_connector(site, name=MARKUP) as own:
        rename_everything(own)
        open_matrix(page, own, email=steps.ADMIN)
        expect(row_header(page, f"{MARKUP} 10017")).to_be_visible()
        expect(row_header(page, f"{QUOTES} 10018")).to_be_visible()
        expect(row_header(page, f"{TURNED} 10016").locator("bdi")).to_have_text(TURNED)
        cell(page, f"{MARKUP} 10017 2 In progress").click()
        steps.expect_waiting(page, 1)
        cell(page, f"{QUOTES} 10018 4 Test complete").click()
        steps.expect_waiting(page, 2)
        expect(page.get_by_role("complementary", name="Beside the grid")).to_contain_text(MARKUP)
        steps.make_plan(page, own)
        expect(page.locator("#changes")).to_contain_text(MARKUP)
        expect(page.locator("#changes")).to_contain_text(QUOTES)
        steps.approve(page)
        steps.apply(page, own.slug)
        steps.expect_confirmed(page, 2)
        own.wait_until_idle()
        for address in (
            f"{own.matrix}?scope=PROJ&kind=step",
            f"{own.matrix}?scope=PROJ&view=list",
            own.page,
            own.history,
            f"{own.history}&as=align",
            f"{site.url}/",
            f"{site.url}/plans/",
        ):
            page.goto(address)
            expect(page.locator("main")).to_contain_text(MARKUP)
            assert page.locator("main img, main script").count() == 0, address
    assert dialogs == []


def rename_everything(own: Own) -> None:
    for status, name in ((10017, MARKUP), (10018, QUOTES), (10016, TURNED)):
        own.sandbox.edit("rename_status", id=status, name=name)
    own.sandbox.edit("rename_step", id=513, name=MARKUP)
    own.sandbox.edit("rename_project", key="PROJ", name=MARKUP)
    own.sandbox.edit("rename_project", key="PROJ1", name=TURNED)
    own.refresh()
