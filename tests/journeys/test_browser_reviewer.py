"""The reviewer's journey in a real browser: who changed Story "In Review" in March, prove it, take it out, sign it.

With PICTURES=FOLDER in the environment the pages that docs/compliance.md shows are kept there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests import ROOT
from tests.environment import PASSWORD
from tests.support import backdated_install
from tests.support.browser import NARROW, WIDE, axe, fits, sign_in
from tests.support.browser_helpers import REVIEWER
from tests.support.processes import Site, created_database, eventually

PEOPLE = ("Eli Editor", "Pia Planner", "Dana Admin", "Sam Second")
FIRST_ROW = 260  # pixels from the top, at 1440 wide
NOTE = "Looked at every change of a mapping and at the sample; the outside one is explained."


@dataclass(frozen=True, kw_only=True)
class Spring:
    """An installation that was there in March: when its plan was applied, and what Align's log says of that time."""

    site: Site
    moment: datetime
    plan: int
    log: str
    checkpoints: Path

    @property
    def month(self) -> str:
        return f"{self.moment:%Y-%m}"

    @property
    def question(self) -> str:
        return f'type:story "In Review" since:{self.month} until:{self.month}'


@pytest.fixture
def spring(processes: None, tmp_path: Path) -> Iterator[Spring]:
    """Web and worker of today, on what the product wrote while its clock stood in March."""
    moment = march_tuesday(datetime.now(UTC))
    folder = tmp_path / "delivered"
    with created_database() as database_url:
        settings = {"CHECKPOINT_INTERVAL": "3600", "CHECKPOINT_FOLDER": str(folder)}
        site = Site(data_dir=tmp_path / "data", database_url=database_url, extra=settings)
        try:
            site.copy_tables()
            site.start_sandbox("--audit-endpoint", "no")
            plan, log = lived_through(site, moment)
            site.start_web()
            site.start_worker()
            yield Spring(site=site, moment=moment, plan=plan, log=log, checkpoints=folder)
        finally:
            site.stop()


def march_tuesday(now: datetime) -> datetime:
    """In the last March that is over: the Tuesday of its second whole week."""
    first = datetime(now.year - (now.month <= 3), 3, 1, 9, 30, tzinfo=UTC)
    return first + timedelta(days=(7 - first.weekday()) % 7 + 8)


def lived_through(site: Site, moment: datetime) -> tuple[int, str]:
    """The number of the plan, and what Align's log says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.backdated_install", "acme", site.sandbox_url, moment.isoformat()],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return int(told["plan"]), str(told["log"])


@pytest.mark.journey
def test_a_reviewer_finds_proves_exports_and_signs_a_change_of_march(
    spring: Spring, page: Page, tmp_path: Path
) -> None:
    sign_in(page, spring.site.url, REVIEWER, PASSWORD)
    take_the_log_in(page, spring)
    find_who_changed_it(page, spring)
    look_at_its_plan(page, spring)
    step_twice_at_once(page, spring)
    find_it_by_each_of_its_people(page, spring)
    prove_it(page, spring)
    explain_the_other_change(page, spring)
    pack = export(page, spring, tmp_path)
    have_it_checked(pack, spring, tmp_path)
    sign_the_week(page, spring)
    sign_the_quarter(page, spring)
    prepare_the_running_week(page, spring)
    read_it_on_a_phone(page, spring)


# --- finding -------------------------------------------------------------------------------------------------------


def take_the_log_in(page: Page, spring: Spring) -> None:
    page.goto(f"{spring.site.url}/history/intake/?connector=acme")
    page.get_by_label("Pasted lines").fill(spring.log)
    page.get_by_role("button", name="Read and check").click()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("status")).to_contain_text("2 lines read, 2 new")
    look_at(page)


def history_of_a_running_worker(page: Page, spring: Spring) -> Locator:
    """Its search box. The worker, back since March, has made the checkpoint that was overdue: as on any other day."""

    def checkpoint_made() -> bool:
        page.goto(f"{spring.site.url}/history/")
        return page.get_by_text("checkpoint overdue").count() == 0

    eventually(checkpoint_made, what="the checkpoint of a worker that is back")
    return page.get_by_role("searchbox", name="Words and qualifiers")


def find_who_changed_it(page: Page, spring: Spring) -> None:
    """One change of ours, which Align's log has exactly; and one that nobody here has made."""
    search = history_of_a_running_worker(page, spring)
    search.fill(spring.question)
    page.get_by_role("region", name="Search").get_by_role("button", name="Search").click()
    expect(rows(page)).to_have_count(2)
    assert (rows(page).first.bounding_box() or {"y": 999})["y"] <= FIRST_ROW, "the first row is too far down"
    look_at(page, "history")

    theirs, ours = rows(page).nth(0), rows(page).nth(1)
    expect(theirs).to_contain_text(backdated_install.STRANGER)
    expect(theirs).to_contain_text("no cause here")
    for told in ("Eli Editor", "approved by Dana Admin", backdated_install.TICKET, "in Align's log"):
        expect(ours).to_contain_text(told)

    ours.get_by_role("link").first.click()
    panel = page.get_by_role("complementary", name="Selected row")
    expect(panel).to_contain_text("is unaltered")
    expect(panel).to_contain_text("Jira Align System")
    number = page.url.rsplit("row=", 1)[1]
    expect(rows(page).nth(1), "the number in the address is the one on the page").to_contain_text(f"#{number}")
    for told in (f"entry {number}", "Author", "Planned by", "Approved by", "Applied by", *PEOPLE):
        expect(panel).to_contain_text(told)
    expect(panel).to_contain_text("From [In progress] To [Dev complete]")
    expect(panel).to_contain_text(backdated_install.REASON)
    expect(panel).to_contain_text(f"Entry {number} is unaltered.")
    look_at(page, "row")
    read_on_by_keys(page, number)


def read_on_by_keys(page: Page, number: str) -> None:
    """The newer row and back, then closed: the focus is where one was, and the address says what is shown."""
    panel = page.get_by_role("complementary", name="Selected row")
    page.keyboard.press("k")
    expect(panel).to_contain_text(backdated_install.STRANGER)
    expect(panel.get_by_role("heading", level=2)).to_be_focused()
    expect(panel).to_be_in_viewport()
    page.keyboard.press("j")
    expect(panel).to_contain_text(f"entry {number}")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(rows(page).nth(1).get_by_role("link").first).to_be_focused()
    assert "row=" not in page.url
    page.go_back()
    expect(panel, "the drawer has an address").to_contain_text(f"entry {number}")


def step_twice_at_once(page: Page, spring: Spring) -> None:
    """A key pressed twice before the first row has come: the third row is open, and in the address."""
    page.goto(f"{spring.site.url}/history/")
    ids = page.locator("#_rows a[id^=row-]").evaluate_all("all => all.slice(0, 3).map(each => each.id)")
    first, _, third = (each.removeprefix("row-") for each in ids)
    drawer = page.locator("#_drawer > .drawer")
    page.keyboard.press("j")
    expect(drawer).to_have_attribute("data-row", first)
    # Within one task, so that nothing can arrive between them.
    page.evaluate(
        "[1, 2].forEach(() => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true})))"
    )
    expect(drawer).to_have_attribute("data-row", third)
    page.wait_for_url(f"**/history/?row={third}")
    table, beside = page.locator(".scroller").bounding_box(), drawer.bounding_box()
    assert table is not None
    assert beside is not None
    assert table["x"] + table["width"] <= beside["x"], "the drawer covers the table"


def find_it_by_each_of_its_people(page: Page, spring: Spring) -> None:
    """`actor:` finds all four, each other qualifier one of them; none of them is another."""
    search = page.get_by_role("searchbox", name="Words and qualifiers")
    for asked, count in (
        *((f"actor:{name}", 1) for name in ("eli", "pia", "dana", "sam")),
        ("author:eli planner:pia approver:dana applier:sam", 1),
        ("author:dana", 0),
        ("approver:eli", 0),
        ("applier:dana", 0),
    ):
        page.goto(f"{spring.site.url}/history/")
        search.fill(f"action:updated {spring.question} {asked}")
        page.get_by_role("region", name="Search").get_by_role("button", name="Search").click()
        expect(rows(page), asked).to_have_count(count)


def rows(page: Page) -> Locator:
    return page.locator("#_rows tbody tr")


def look_at_its_plan(page: Page, spring: Spring) -> None:
    page.get_by_role("complementary").get_by_role("link", name=f"plan {spring.plan}").click()
    page.wait_for_url(f"**/plans/{spring.plan}/")
    main = page.locator("main")
    for told in (backdated_install.REASON, backdated_install.TICKET, *PEOPLE, "In progress", "Dev complete"):
        expect(main).to_contain_text(told)
    look_at(page, "plan")


# --- proving -------------------------------------------------------------------------------------------------------


def prove_it(page: Page, spring: Spring) -> None:
    ask(page, spring)
    expect(rows(page).nth(1)).to_contain_text("chained")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("verified up to entry")).to_be_visible(timeout=60_000)
    look_at(page, "verified")
    ask(page, spring)
    expect(rows(page).nth(1)).to_contain_text("verified")
    expect(rows(page).nth(0)).to_contain_text("mirrored")


def ask(page: Page, spring: Spring) -> None:
    page.goto(f"{spring.site.url}/history/?q={spring.question.replace(' ', '+')}")
    expect(rows(page)).to_have_count(2)


def explain_the_other_change(page: Page, spring: Spring) -> None:
    rows(page).nth(0).get_by_role("link").first.click()
    page.get_by_role("complementary").get_by_role("link", name="Explain or revert it").click()
    page.wait_for_url("**/history/cases/*/")
    look_at(page, "case")
    page.get_by_label("Why it was made").fill("Olga set it back by mistake before she left.")
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.locator("main")).to_contain_text("Robin Reviewer")


# --- taking it out -------------------------------------------------------------------------------------------------


def export(page: Page, spring: Spring, folder: Path) -> Path:
    ask(page, spring)
    page.get_by_role("link", name="Export this view").click()
    expect(page.locator("dl.pairs dd").first).to_have_text("2")
    look_at(page)
    page.get_by_role("button", name="Make the pack").click()
    page.wait_for_url(re.compile(r"/history/packs/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("Ready", exact=True)).to_be_visible(timeout=60_000)
    expect(page.locator("main")).not_to_contain_text("This page shows when it is ready")
    look_at(page, "pack")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def have_it_checked(pack: Path, spring: Spring, folder: Path) -> None:
    """By the checker that lies in the pack, which knows nothing of the product; then an altered pack."""
    with zipfile.ZipFile(pack) as opened:
        opened.extractall(folder / "pack")
    delivered = ("--checkpoints", str(spring.checkpoints))
    whole = checked(folder / "pack", *delivered)
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert whole.stdout.startswith("Everything holds: "), whole.stdout
    assert "You gave no checkpoints" not in whole.stdout
    alone = checked(folder / "pack")
    assert alone.returncode == 0, alone.stdout + alone.stderr
    assert "Note: You gave no checkpoints" in alone.stdout

    entries = folder / "pack" / "entries.jsonl"
    lines = entries.read_text().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if "change.done" in line)
    seq = json.loads(lines[place])["seq"]
    told = {each["seq"]: each for each in map(json.loads, (folder / "pack" / "rows.jsonl").read_text().splitlines())}
    parts = ("person_name", "planner_name", "approver_name", "applier_name")
    assert tuple(told[seq][part] for part in parts) == PEOPLE, "the number of page and address is that of the pack"
    lines[place] = lines[place].replace("Eli Editor", "Eli Edited")
    entries.write_text("".join(lines))
    altered = checked(folder / "pack", *delivered)
    assert altered.returncode == 1, altered.stdout + altered.stderr
    assert altered.stdout.startswith("WRONG: "), altered.stdout
    assert f"The first wrong entry is {seq};" in altered.stdout, altered.stdout
    keep("checked.txt", "----\n".join(each.stdout for each in (whole, alone, altered)))


def checked(pack: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "checker.py", ".", *arguments]
    return subprocess.run(command, cwd=pack, capture_output=True, text=True, check=False, timeout=60)


# --- signing -------------------------------------------------------------------------------------------------------


def sign_the_week(page: Page, spring: Spring) -> None:
    monday = spring.moment - timedelta(days=1)
    page.goto(f"{spring.site.url}/history/review/")
    look_at(page)
    page.goto(f"{spring.site.url}/history/review/{monday:%Y-%m-%d}/")
    page.get_by_role("button", name="Sample at random").click()
    expect(page.get_by_text("Drawn with the seed")).to_be_visible()
    look_at(page, "week")
    page.get_by_label("Note").fill(NOTE)
    page.get_by_role("button", name="Sign off").click()
    expect(page.get_by_text("Signed as entry")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Robin Reviewer")
    expect(page.locator("main")).to_contain_text(NOTE)
    look_at(page)


def sign_the_quarter(page: Page, spring: Spring) -> None:
    """What is left of the quarter is quiet: the one week with a change is signed, and the outside change explained."""
    page.locator(".crumb").get_by_role("link", name=re.compile("^Q1 ")).click()
    page.wait_for_url("**/history/review/*-Q1/")
    strip = page.get_by_role("list", name="Weeks of Q1")
    expect(strip.locator("li.signed")).to_have_count(1)
    quiet = strip.locator("li.late").count()
    assert quiet
    look_at(page, "quarter")
    sign_button = page.get_by_role("button", name=re.compile(f"^Sign {quiet} quiet week"))
    sign_button.click()
    expect(page.get_by_label("Note for all of them"), "the browser asks for the note").to_be_focused()
    page.get_by_label("Note for all of them").fill("Nothing happened in these weeks.")
    sign_button.click()
    expect(page.get_by_role("status")).to_contain_text("signed off")
    expect(strip.locator("li.late")).to_have_count(0)
    expect(page.get_by_role("button", name=re.compile("^Sign"))).to_have_count(0)
    look_at(page)
    page.get_by_role("link", name=re.compile("the quarter after")).click()
    page.wait_for_url("**/history/review/*-Q2/")


def prepare_the_running_week(page: Page, spring: Spring) -> None:
    page.goto(f"{spring.site.url}/history/review/")
    page.locator(".weekstrip .running a").click()
    page.get_by_label("Prepared note").fill("Ask Eli for the ticket.")
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_label("Prepared note")).to_have_value("Ask Eli for the ticket.")
    expect(page.get_by_role("button", name="Sign off")).to_have_count(0)
    look_at(page)


# --- looking -------------------------------------------------------------------------------------------------------


def read_it_on_a_phone(page: Page, spring: Spring) -> None:
    page.set_viewport_size(NARROW)
    for path in ("/history/packs/", "/history/review/", f"/history/?q={spring.question.replace(' ', '+')}"):
        page.goto(spring.site.url + path)
        assert fits(page), f"a phone has to scroll {path} sideways"
    axe(page)
    rows(page).first.get_by_role("link").first.click()
    expect(page.locator("#_drawer h2")).to_be_focused()
    expect(page.locator("[inert] #_rows"), "what is behind the drawer is not reached").to_have_count(1)
    axe(page)
    page.keyboard.press("Escape")
    expect(page.locator("[inert]")).to_have_count(0)
    page.set_viewport_size(WIDE)


def look_at(page: Page, name: str = "") -> None:
    """axe by day and by night, and the picture of it if it is wanted."""
    axe(page)
    if name and (folder := os.environ.get("PICTURES")):
        page.screenshot(path=Path(folder) / f"{name}.png")
    page.emulate_media(color_scheme="dark")
    axe(page)
    page.emulate_media(color_scheme="light")


def keep(name: str, text: str) -> None:
    if folder := os.environ.get("PICTURES"):
        (Path(folder) / name).write_text(text)
