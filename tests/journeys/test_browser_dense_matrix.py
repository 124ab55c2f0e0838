"""A matrix of many statuses and steps in a browser: what is said, where it scrolls, what is folded and printed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support import browser_helpers as steps
from tests.support.browser import axe
from tests.support.browser_helpers import EDITOR, Own, cell, grid, own_connector
from tests.support.processes import Site


@pytest.fixture
def own(site: Site) -> Iterator[Own]:
    with own_connector(site) as made:
        yield made


def widen(own: Own) -> None:
    """120 statuses and 20 steps more than the sandbox has, past the product."""
    of_own = f"(SELECT id FROM connectors_connector WHERE slug = '{own.slug}')"
    number = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
    own.site.sql(
        f"INSERT INTO connectors_status (connector_id, jira_id, name, category, listed) {number.format(119)}"
        f" SELECT {of_own}, 40000 + i, 'Waiting for team ' || i, 'doing', TRUE FROM n",
        "INSERT INTO connectors_reachablestatus (project_id, issue_type_id, status_id)"
        " SELECT p.id, (SELECT MIN(r.issue_type_id) FROM connectors_reachablestatus r JOIN connectors_issuetype t"
        " ON t.id = r.issue_type_id WHERE r.project_id = p.id AND t.name = 'Story'), s.id"
        " FROM connectors_project p JOIN connectors_status s ON s.connector_id = p.connector_id"
        f" WHERE p.connector_id = {of_own} AND p.key = 'PROJ' AND s.jira_id >= 40000",
        f"INSERT INTO connectors_processstep (connector_id, flow_id, align_id, name, position) {number.format(19)}"
        f" SELECT {of_own}, (SELECT MIN(id) FROM connectors_processflow WHERE connector_id = {of_own}"
        " AND level = 'story' AND is_active), 900 + i, 'Development of part ' || i, 100 + i FROM n",
    )


SKIPPED = "row => !row.cells[0].checkVisibility({contentVisibilityAuto: true})"
HEAD = "document.querySelector('[role=grid] thead').getBoundingClientRect().bottom"


def see_rows_out_of_view(page: Page) -> None:
    """They are not drawn, and there all the same: counted, found by the browser's search, and where the focus goes."""
    rows = grid(page).get_by_role("row")
    indices = rows.evaluate_all("all => all.map(row => Number(row.getAttribute('aria-rowindex')))")
    assert indices == list(range(1, len(indices) + 1))
    expect(grid(page)).to_have_attribute("aria-rowcount", str(len(indices)))
    expect(grid(page)).to_have_attribute("aria-colcount", str(rows.last.locator("th, td").count()))
    far = rows.filter(has_text="Waiting for team 77")
    cell(page, "Backlog 10011 Backlog in Delivery flow").focus()
    assert far.evaluate(SKIPPED)
    here = page.url
    page.goto("about:blank")
    page.goto(f"{here}#:~:text=Waiting%20for%20team%2077")  # in a test the browser's own search can be had only so
    expect(far).to_be_in_viewport()
    assert not far.evaluate(SKIPPED)
    cell(page, "Backlog 10011 Backlog in Delivery flow").focus()
    page.keyboard.press("Control+End")
    for _ in range(3):
        page.keyboard.press("PageUp")
    at = grid(page).locator("td:focus")
    expect(at).to_be_in_viewport(ratio=1)
    assert at.evaluate(f"cell => cell.getBoundingClientRect().top >= {HEAD}"), "not under the headers"


def test_a_dense_grid_says_in_words_where_one_is(own: Own, page: Page) -> None:
    """Skip link, words for the cell in focus, its row and column, headers, scrolling, problems, panels, paper."""
    widen(own)
    steps.enter(page, own.site, EDITOR)
    page.goto(f"{own.matrix}?scope=PROJ&kind=step")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the matrix")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+End")
    told = page.locator("#told")
    last = grid(page).locator("td:focus")
    expect(last).to_have_accessible_description(re.compile("A click sets it for 14 company-managed projects"))
    cell(page, "Blocked 10017 Development of part 19 in Delivery flow").focus()
    expect(told).to_contain_text("Blocked 10017 → Development of part 19 in Delivery flow")
    expect(told).to_contain_text("not mapped · No step is sent to Align")
    aloud = page.locator("#told-aloud")
    expect(aloud).to_have_text("not mapped. No step is sent to Align")
    # The next row's marks read the same and are said again; within the row they are not.
    aloud.evaluate("e => e.replaceChildren()")
    page.keyboard.press("ArrowLeft")
    expect(told).to_contain_text("Blocked 10017 → Development of part 18")
    expect(aloud).to_have_text("")
    for team in (7, 8):
        cell(page, f"Waiting for team {team} 4000{team} Development of part 18 in Delivery flow").focus()
        expect(aloud).to_have_text("not mapped. No step is sent to Align")
        aloud.evaluate("e => e.replaceChildren()")
    lit = "[...document.querySelectorAll('.lit')].map(each => each.tagName + (each.cellIndex ?? ''))"
    column = last.evaluate("e => e.cellIndex")
    assert set(page.evaluate(lit)) == {"TR", f"TH{column}", f"TD{column}"}
    heads = grid(page).locator("thead tr:last-child th:not(.corner) > span:first-child")
    assert heads.last.evaluate("e => getComputedStyle(e).writingMode") == "vertical-rl"

    # Sideways: the way back, by keyboard.
    more = page.locator("#more-columns")
    expect(page.locator(".gridframe")).to_have_class(re.compile("before"))
    see_rows_out_of_view(page)
    more.focus()
    for _ in range(8):
        if "Back" in (more.text_content() or ""):
            break
        page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(more).to_have_text(re.compile(r"\d+ more columns →"))
    axe(page)
    see_a_kind_of_problems(page)
    see_it_on_paper_and_as_a_list(own, page)


def see_a_kind_of_problems(page: Page) -> None:
    """It opens, shows its rows, and the panels stay as they were left."""
    told, aloud = page.locator("#told"), page.locator("#told-aloud")
    page.locator("#of-unmapped > summary").click()
    expect(page.locator("#of-unmapped li")).to_have_count(13)
    number = (page.locator("#of-unmapped > summary").text_content() or "").split()[0]
    page.locator("#flow summary").first.click()
    page.locator("#kind-unmapped").get_by_role("link", name="show").click()
    page.wait_for_url("**only=unmapped**")
    expect(grid(page).locator("th[scope=row]")).to_have_count(int(number))
    expect(page.locator("#flow > details")).not_to_have_attribute("open", "")
    cell(page, "Waiting for team 3 40003 Development of part 2 in Delivery flow").click()
    expect(page.locator("#of-unmapped > summary")).to_have_text(f"{int(number) - 1} statuses have no mapping")
    expect(page.locator("#problem-count")).to_contain_text("statuses")
    expect(aloud).to_contain_text("not applied yet")
    # What is under the pointer stays told when something else on the page is drawn anew.
    under = cell(page, "Waiting for team 5 40005 Development of part 2 in Delivery flow")
    under.hover()
    colours = under.evaluate("e => [e, e.nextElementSibling].map(each => getComputedStyle(each).backgroundColor)")
    assert colours[0] != colours[1], "the cell under the pointer stands out in its row, which is shaded as well"
    expect(told).to_contain_text("Waiting for team 5 40005")
    page.evaluate("htmx.trigger(document.body, 'htmx:afterSettle', {elt: document.body})")
    expect(told).to_contain_text("Waiting for team 5 40005")
    expect(page.locator("#flow > details")).not_to_have_attribute("open", "")


def see_it_on_paper_and_as_a_list(own: Own, page: Page) -> None:
    page.emulate_media(media="print")
    expect(page.locator(".printlist")).to_be_visible()
    expect(page.locator(".gridwrap")).to_be_hidden()
    edited = page.locator(".printlist tr", has_text="Waiting for team 3 40003")
    expect(edited).to_contain_text("Development of part 2 in Delivery flow (was not mapped, not applied yet)")
    expect(page.locator(".on-paper")).to_contain_text("PROJ · Core Platform · Both ways · only unmapped ·")
    page.emulate_media(media="screen")
    page.goto(f"{own.matrix}?scope=PROJ&kind=step&view=list&only=changed")
    changed = page.locator("table.list").first.locator("tr", has_text="Waiting for team 3")
    expect(changed).to_contain_text("was not mapped, not applied yet")
    axe(page)
