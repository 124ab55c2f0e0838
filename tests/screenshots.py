"""`python -m tests.screenshots [NAME ...]`: every page, or those, at two widths, light and dark, into screenshots/."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, product
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page

from tests import ROOT, environment
from tests.support.processes import Site, eventually, running_site

OUT = ROOT / "screenshots"
REVIEWER = "reviewer@demo.test"


@dataclass(frozen=True, kw_only=True)
class Shot:
    name: str
    path: str
    email: str = "admin@demo.test"  # empty: nobody is signed in


@dataclass(frozen=True, kw_only=True)
class Plans:
    """Numbers of plans: one that waits, one that was applied, one whose changes did not all land."""

    draft: int
    applied: int
    mixed: int


def shots(plans: Plans) -> list[Shot]:
    matrix = "/connectors/acme/mappings/"
    drift = "/connectors/acme/drift/"
    now = datetime.now(UTC)
    monday = now - timedelta(days=now.weekday())
    return [
        Shot(name="sign-in", path="/accounts/login/", email=""),
        Shot(name="overview", path="/"),
        Shot(name="matrix-shared", path=matrix),
        Shot(name="matrix-project", path=f"{matrix}?scope=PROJ"),
        Shot(name="matrix-project-back", path=f"{matrix}?scope=PROJ&direction=a2j"),
        Shot(name="matrix-team-project", path=f"{matrix}?scope=PROJ1"),
        Shot(name="matrix-steps", path=f"{matrix}?scope=PROJ&kind=step"),
        Shot(name="matrix-feature", path=f"{matrix}?scope=PROJ&type=feature"),
        Shot(name="matrix-task", path=f"{matrix}?scope=PROJ&type=task"),
        Shot(name="matrix-problems", path=f"{matrix}?scope=PROJ&only=problems"),
        Shot(name="matrix-list", path=f"{matrix}?scope=PROJ&view=list"),
        Shot(name="matrix-viewer", path=f"{matrix}?scope=PROJ", email="viewer@demo.test"),
        Shot(name="hierarchy", path="/connectors/acme/hierarchy/"),
        Shot(name="hierarchy-project", path="/connectors/acme/hierarchy/?project=PROJ"),
        Shot(name="plan-new", path="/connectors/acme/plan/"),
        Shot(name="plans", path="/plans/"),
        Shot(name="plan-draft", path=f"/plans/{plans.draft}/"),
        Shot(name="plan-applied", path=f"/plans/{plans.applied}/"),
        Shot(name="plan-with-failures", path=f"/plans/{plans.mixed}/"),
        Shot(name="plan-roll-back", path=f"/plans/{plans.applied}/roll-back/"),
        Shot(name="drift", path=drift),
        Shot(name="drift-not-known", path=f"{drift}?tab=unknown"),
        Shot(name="drift-accepted", path=f"{drift}?tab=accepted"),
        Shot(name="drift-checks", path=f"{drift}?tab=checks"),
        Shot(name="drift-viewer", path=drift, email="viewer@demo.test"),
        Shot(name="history", path="/history/"),
        Shot(name="history-reviewer", path="/history/?source=outside", email=REVIEWER),
        Shot(name="history-searched", path="/history/?q=type:story+after:%22pending+approval%22", email=REVIEWER),
        Shot(name="history-intake", path="/history/intake/"),
        Shot(name="history-packs", path="/history/packs/"),
        Shot(name="history-pack-new", path="/history/packs/new/?q=type:story", email=REVIEWER),
        Shot(name="history-cases", path="/history/cases/"),
        Shot(name="reviews", path="/history/review/", email=REVIEWER),
        Shot(name="review-week", path=f"/history/review/{monday:%Y-%m-%d}/", email=REVIEWER),
        Shot(name="history-person", path="/history/people/3/", email=REVIEWER),
        Shot(name="questions", path="/history/questions/?state=all", email=REVIEWER),
        Shot(name="connectors", path="/connectors/"),
        Shot(name="connector", path="/connectors/acme/"),
        *(
            Shot(name=f"connector-{tab}", path=f"/connectors/acme/{tab}/")
            for tab in ("projects", "types", "credentials", "checks", "settings")
        ),
        Shot(name="setup-need", path="/connectors/new/set-up/"),
        *(
            Shot(name=f"setup-{step}", path=f"/connectors/acme/set-up/{step}/")
            for step in ("terms", "key", "connect", "projects", "types", "fields", "import", "statuses")
        ),
        Shot(name="setup-take-over", path="/connectors/acme/set-up/projects/ours/?do=take&project=1"),
        Shot(name="import-scope", path="/connectors/acme/import-scope/"),
        Shot(name="fields", path="/connectors/acme/fields/?type=feature"),
        Shot(name="field-pair", path="/connectors/acme/fields/pair/?type=feature&field=customfield_91301"),
        Shot(name="connector-new", path="/connectors/new/"),
        Shot(name="rules", path="/connectors/acme/rules/"),
        Shot(name="budget", path="/connectors/acme/budget/"),
        Shot(name="contract", path="/connectors/acme/contract/"),
        Shot(name="maintenance", path="/connectors/acme/maintenance/"),
        Shot(name="disconnect", path="/connectors/acme/disconnect/"),
        Shot(name="credential-align", path="/connectors/acme/credential/align/"),
        Shot(name="credential-jira", path="/connectors/acme/credential/jira/"),
        Shot(name="calendar", path="/connectors/credentials/"),
        Shot(name="operator", path="/operator/"),
        Shot(name="settings", path="/settings/"),
        Shot(name="people", path="/settings/people/"),
        Shot(name="person-new", path="/settings/people/new/"),
        Shot(name="account", path="/accounts/"),
        Shot(name="notifications", path="/accounts/notifications/"),
        Shot(name="sessions", path="/accounts/sessions/"),
        Shot(name="second-factor", path="/accounts/2fa/"),
        Shot(name="not-found", path="/connectors/nowhere/"),
    ]


def main() -> int:
    environment.prepare()
    from tests.support.browser import running_browser

    with (
        tempfile.TemporaryDirectory(prefix="alignadmin-shots-") as directory,
        running_site(Path(directory)) as site,
        running_browser() as browser,
    ):
        site.prepare()
        session = site.signed_in()
        mappings = f"{site.url}/api/v1/mappings/?connector=acme&limit=1"
        eventually(lambda: session.get(mappings, timeout=10).json()["count"], within=120, what="the first observation")
        plans = make_plans(site, browser)
        wanted = [shot for shot in shots(plans) if shot.name in (sys.argv[1:] or [shot.name])]
        for email, group in groupby(sorted(wanted, key=by_person), by_person):
            take(site, browser, email, list(group))
        if "proposal" in (sys.argv[1:] or ["proposal"]):
            # Last: while it waits, nobody can edit the hierarchy.
            waiting = Shot(name="proposal", path=make_proposal(site, browser))
            behind = Shot(name="hierarchy-proposed", path="/connectors/acme/hierarchy/")
            take(site, browser, waiting.email, [waiting, behind])
    print(f"{len(list(OUT.glob('*.png')))} pictures are in {OUT.relative_to(ROOT)}/")
    return 0


def by_person(shot: Shot) -> str:
    return shot.email


def take(site: Site, browser: Browser, email: str, group: list[Shot]) -> None:
    """One sign-in for each width and theme: hashing a password takes longer than a picture."""
    from tests.environment import PASSWORD
    from tests.support.browser import NARROW, WIDE, picture, sign_in, watched_page

    for viewport, dark in product((WIDE, NARROW), (False, True)):
        with watched_page(browser, viewport=viewport, dark=dark) as (page, complaints):
            if email:
                sign_in(page, site.url, email, PASSWORD)
            for shot in group:
                page.goto(site.url + shot.path)
                picture(page, OUT / f"{shot.name}-{viewport['width']}-{'dark' if dark else 'light'}.png")
            for message in complaints.messages:
                print(f"{viewport['width']} {'dark' if dark else 'light'}: {message}")


def make_plans(site: Site, browser: Browser) -> Plans:
    """Made by clicking free cells; an edit and a change of somebody else's wait as well."""
    from tests.environment import PASSWORD
    from tests.support.browser import sign_in, watched_page

    with watched_page(browser) as (page, _):
        sign_in(page, site.url, "admin@demo.test", PASSWORD)
        applied = make_plan(site, page, "/connectors/acme/mappings/?scope=PROJ")
        apply(page)
        mixed = make_plan(site, page, "/connectors/acme/mappings/?scope=PROJ&type=defect")
        refusal = json.dumps({"message": "The state is not valid for this connector."})
        once = {"path": "/mappings/", "times": 1}
        refused = {**once, "method": "POST", "status": 400, "body": refusal}
        faults = [refused, {**once, "method": "PUT", "cut": "after"}]
        tell_sandbox(site, "faults", faults)
        apply(page)
        requests.delete(f"{site.sandbox_url}/_sandbox/faults", timeout=10)
        plan = make_plan(site, page, "/connectors/acme/mappings/?scope=PROJ1")
        edit(site, page, "/connectors/acme/mappings/?scope=PROJ&type=feature", 2)
        drift(site, page)
        read_fields(site, page)
    return Plans(draft=plan, applied=applied, mixed=mixed)


def drift(site: Site, page: Page) -> None:
    """A row that is accepted for now, and one to decide."""
    address = f"{site.url}/connectors/acme/drift/"
    for status in (10013, 10015):
        change = {"action": "update_mapping", "family": "j2a_state", "type": 4, "source": status, "target": 5}
        tell_sandbox(site, "edit", {**change, "user": "Priya Shah"})
    page.goto(address)
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("2 rows drifted").wait_for(timeout=60_000)
    page.goto(address)
    page.get_by_role("link", name="Accept…").first.click()
    page.get_by_label("Until the end of").first.fill(f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}")
    page.get_by_label("Reason").first.fill("Trial of the QA team")
    page.get_by_role("button", name="for now").click()
    page.get_by_text("1 row drifted").wait_for()


def tell_sandbox(site: Site, control: str, payload: object) -> None:
    requests.post(f"{site.sandbox_url}/_sandbox/{control}", json=payload, timeout=10).raise_for_status()


def make_plan(site: Site, page: Page, matrix: str) -> int:
    edit(site, page, matrix, 3)
    page.goto(f"{site.url}/connectors/acme/plan/")
    page.get_by_label("Reason").fill("Quarterly clean-up of the delivery workflow")
    page.get_by_role("button", name="Plan", exact=True).click()
    page.wait_for_url("**/plans/*/")
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def make_proposal(site: Site, browser: Browser) -> str:
    """The address of one that waits for its approval."""
    from tests.environment import PASSWORD
    from tests.support.browser import sign_in, watched_page

    with watched_page(browser) as (page, _):
        sign_in(page, site.url, "editor@demo.test", PASSWORD)
        page.goto(f"{site.url}/connectors/acme/hierarchy/")
        story = page.locator("tr").filter(has=page.get_by_role("rowheader", name="Story", exact=True))
        story.locator("summary").click()
        story.get_by_role("checkbox", name="Task base level").check()
        page.get_by_role("button", name="Save to the draft").click()
        page.get_by_label("Reason").fill("Tasks of the base level are planned as stories")
        page.get_by_role("button", name="Propose 1 change").click()
        page.wait_for_url("**/proposals/*/")
        return page.url.removeprefix(site.url)


def read_fields(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/connectors/acme/fields/?type=feature")
    page.get_by_role("button", name="Read fields").click()
    page.get_by_role("button", name="Save to the draft").wait_for(timeout=60_000)


def apply(page: Page) -> None:
    for box in page.locator("main").get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Approve").click()
    apply_button = page.get_by_role("button", name="Apply")
    apply_button.wait_for()
    if page.locator("#confirm").count():
        page.locator("#confirm").fill("acme")
    apply_button.click()
    page.get_by_text("Applied:").first.wait_for(timeout=60_000)


def edit(site: Site, page: Page, matrix: str, rows: int) -> None:
    page.goto(site.url + matrix)
    lines = page.get_by_role("row").filter(has=page.locator("td[aria-selected=false]"))
    for row in range(min(rows, lines.count())):
        with page.expect_response("**/cell/"):
            lines.nth(row).locator("td[aria-selected=false]").first.click()


if __name__ == "__main__":
    sys.exit(main())
