"""Every page as each role sees it: axe finds nothing, the console stays silent, a phone needs no sideways scrolling."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.urls import resolve
from playwright.sync_api import Browser, Page, Request

from tests.journeys.test_browser_second_factor import PAGES as OF_FACTORS
from tests.support import browser_helpers as steps
from tests.support.address_world import ADDRESSES
from tests.support.browser import NARROW, WIDE, ZOOMED, Complaints, axe, fits, watched_page
from tests.support.browser_helpers import ADMIN, EDITOR, REVIEWER, VIEWER, Own, own_connector
from tests.support.processes import Site, eventually

MATRIX = "/connectors/{slug}/mappings/"
PACK = str(uuid4())

# What an admin can open; the braces are filled in by `Furnished`.
PAGES = {
    "overview": "/",
    "mappings": "/mappings/",
    "coverage": "/connectors/{slug}/coverage/",
    "matrix": MATRIX,
    "matrix of a project": f"{MATRIX}?scope=PROJ",
    "matrix of a team's project": f"{MATRIX}?scope=PROJ1",
    "matrix of the way back": f"{MATRIX}?scope=PROJ&direction=a2j",
    "matrix of steps": f"{MATRIX}?scope=PROJ&kind=step",
    "matrix of tasks": f"{MATRIX}?scope=PROJ&type=task",
    "matrix with two records of a key": f"{MATRIX}?scope=PROJ&type=defect",
    "matrix of problems": f"{MATRIX}?scope=PROJ&only=problems",
    "matrix without rows": f"{MATRIX}?q=no-such-status",
    "list of a project": f"{MATRIX}?scope=PROJ&view=list",
    "list of steps": f"{MATRIX}?scope=PROJ&kind=step&view=list",
    "first drift": "/drift/",
    "drift": "/connectors/{slug}/drift/",
    "drift of a filter": "/connectors/{slug}/drift/?situation=unknown",
    "drift not known": "/connectors/{slug}/drift/?tab=unknown",
    "accepted drift": "/connectors/{slug}/drift/?tab=accepted",
    "new and gone": "/connectors/{slug}/drift/?tab=found",
    "in use without a mapping": "/connectors/{slug}/drift/?tab=in-use",
    "drift checks": "/connectors/{slug}/drift/?tab=checks",
    "new plan": "/connectors/{slug}/plan/",
    "plans": "/plans/",
    "plans of a state": "/plans/?connector={slug}&state=finished",
    "draft plan": "/plans/{draft}/",
    "approved plan": "/plans/{approved}/",
    "applied plan": "/plans/{applied}/",
    "roll back": "/plans/{applied}/roll-back/",
    "own sessions": "/accounts/sessions/",
    "history": "/history/?connector={slug}",
    "history, a row open": "/history/?connector={slug}&row={row}",
    "history by days": "/history/?connector={slug}&days=yes",
    "export of the history": "/history/export/?q=connector:{slug}",
    "history as Align shows it": "/history/?connector={slug}&as=align",
    "history, wrong filter": "/history/?connector=nowhere",
    "history, searched": "/history/?q=connector:{slug}+after:%22In+Review%22+since:90d+story",
    "saved searches": "/history/views/?q=source:outside",
    "history row": "/history/{row}/",
    "changes of a person": "/history/people/2/",
    "log lines": "/history/intake/",
    "log lines to check": "/history/intake/waiting/{waiting}/",
    "runs of the log": "/history/intake/{slug}/?way=all",
    "run of the log": "/history/intake/{slug}/{run}/",
    "check of the history": "/history/verification/",
    "packs": "/history/packs/?whose=all",
    "new pack": "/history/packs/new/?q=connector:{slug}",
    "pack": "/history/packs/{pack}/",
    "scheduled packs": "/history/packs/schedules/",
    "schedule packs": "/history/packs/schedules/new/",
    "outside changes": "/history/cases/?connector={slug}",
    "outside changes, explained": "/history/cases/?state=explained",
    "outside change": "/history/cases/{case}/",
    "reviews": "/history/review/",
    "quarter of reviews": "/history/review/{quarter}/",
    "week": "/history/review/{week}/",
    "questions": "/history/questions/",
    "all questions": "/history/questions/?state=all",
    "question": "/history/questions/{question}/",
    "connectors": "/connectors/",
    "connector": "/connectors/{slug}/",
    "projects of a connector": "/connectors/{slug}/projects/?sort=-coverage",
    "projects, none fits": "/connectors/{slug}/projects/?q=no-such-project",
    "hierarchy": "/connectors/{slug}/hierarchy/",
    "hierarchy of a project": "/connectors/{slug}/hierarchy/?project=PROJ",
    "issues to import": "/connectors/{slug}/import-scope/",
    "issues to import of a project": "/connectors/{slug}/import-scope/?project=PROJ",
    "fields": "/connectors/{slug}/fields/?type=feature",
    "fields of defects": "/connectors/{slug}/fields/?type=defect&q=customfield",
    "one field": "/connectors/{slug}/fields/pair/?type=feature&field=customfield_91301",
    "explain an item": "/connectors/{slug}/explain/",
    "item explained": "/connectors/{slug}/explain/?item=PAY-3",
    "item explained, of ours": "/connectors/{slug}/explain/?item=LAB-2",
    "nothing to explain": "/connectors/{slug}/explain/?item=what",
    "imports": "/connectors/{slug}/imports/",
    "import": "/imports/{import}/",
    "roll back of an import": "/imports/{import}/roll-back/",
    "trials of an item": "/connectors/{slug}/imports/trials/",
    "agreement": "/connectors/{slug}/agreement/",
    "agreement, filtered": "/connectors/{slug}/agreement/?outcome=apart",
    "progress": "/connectors/{slug}/progress/",
    "progress of features in items": "/connectors/{slug}/progress/?by=feature&in=items",
    "progress of teams": "/connectors/{slug}/progress/?by=teams",
    "live verification": "/connectors/{slug}/verify/",
    "a live verification": "/verifications/{verification}/",
    "rehearsals": "/connectors/{slug}/rehearsals/",
    "rehearsals, none fits": "/connectors/{slug}/rehearsals/?q=no-such-project",
    "rehearsal": "/connectors/{slug}/rehearsals/{project}/",
    "rehearsal, one item": "/connectors/{slug}/rehearsals/{project}/?issue=PAY-3",
    "types of a connector": "/connectors/{slug}/types/",
    "credentials of a connector": "/connectors/{slug}/credentials/",
    "checks of a connector": "/connectors/{slug}/checks/",
    "settings of a connector": "/connectors/{slug}/settings/",
    "new connector": "/connectors/new/",
    "what a connector needs": "/connectors/new/set-up/",
    "key, before a connector": "/connectors/new/set-up/key/",
    "set-up, terminology": "/connectors/{slug}/set-up/terms/",
    "set-up, key": "/connectors/{slug}/set-up/key/",
    "set-up, connect": "/connectors/{slug}/set-up/connect/",
    "boards of a project": "/connectors/{slug}/set-up/projects/{project}/boards/",
    "set-up, projects": "/connectors/{slug}/set-up/projects/",
    "take projects over": "/connectors/{slug}/set-up/projects/ours/?do=take&project={project}",
    "set-up, types": "/connectors/{slug}/set-up/types/",
    "set-up, fields": "/connectors/{slug}/set-up/fields/",
    "set-up, import": "/connectors/{slug}/set-up/import/",
    "set-up, statuses": "/connectors/{slug}/set-up/statuses/",
    "set-up, webhook": "/connectors/{slug}/set-up/webhook/",
    "set-up, verify": "/connectors/{slug}/set-up/verify/",
    "webhook": "/connectors/{slug}/webhook/?verdict=changed",
    "edit connector": "/connectors/{slug}/edit/",
    "disconnect connector": "/connectors/{slug}/disconnect/",
    "former choices": "/connectors/{slug}/former/",
    "hand over connector": "/connectors/{slug}/hand-over/",
    "rules": "/connectors/{slug}/rules/",
    "credentials": "/connectors/credentials/",
    "Align credential": "/connectors/{slug}/credential/align/",
    "Jira credential": "/connectors/{slug}/credential/jira/",
    "owner of a token": "/connectors/{slug}/credential/align/ask/",
    "maintenance": "/connectors/{slug}/maintenance/",
    "contract": "/connectors/{slug}/contract/",
    "job": "/connectors/{slug}/job/{job}/",
    "rate budget": "/connectors/{slug}/budget/",
    "explorer": "/connectors/{slug}/explorer/?object=feature&field.0=points&op.0=contains&field.1=ownerId&value.1=me",
    "explorer, as text": "/connectors/{slug}/explorer/?q=/features%3F$filter%3Dtitel+eq+'x'",
    "rows of a query": "/connectors/{slug}/explorer/runs/{rows}/",
    "help": "/help/",
    "help, mapping": "/help/mapping/",
    "help, with pictures": "/help/compliance/",
    "keys": "/help/keys/",
    "search": "/search/?q=re",
    "search, of a kind": "/search/?q=a&kind=status",
    "search, nothing typed": "/search/",
    "operator": "/operator/",
    "settings": "/settings/",
    "people": "/settings/people/",
    "people of a state": "/settings/people/?state=invited",
    "invite somebody": "/settings/people/new/",
    "person": "/settings/people/2/",
    "oneself among people": "/settings/people/1/",
    "deactivate a person": "/settings/people/2/active/",
    "account": "/accounts/",
    "notifications": "/accounts/notifications/",
    "password": "/accounts/password/change/",
    "sign in again": "/accounts/reauthenticate/",
    "no form to confirm": "/accounts/confirm/",
    "sign out": "/accounts/logout/",
    "not found": "/connectors/nowhere/",
}
WAITING = "CONFIG 123;2026-11-20 12:00;CONFIG Updated\nCONFIG 999;2026-11-20 12:01;CONFIG Updated\nbroken"
SIGNED_OUT = {
    "sign in": "/accounts/login/",
    "inactive": "/accounts/inactive/",
    "dead invitation": "/accounts/join/MQ/no-such-token/",
    "dead link of an owner": "/token/enter/0/",
    "password forgotten": "/accounts/password/reset/",
    "link on its way": "/accounts/password/reset/done/",
    "dead link": "/accounts/password/reset/key/1-no-such-key/",
}
OTHERS = {
    EDITOR: ("overview", "matrix of a project", "new plan", "draft plan", "connector", "history, a row open"),
    REVIEWER: (
        "overview",
        "reviews",
        "quarter of reviews",
        "week",
        "questions",
        "question",
        "history, a row open",
        "log lines",
        "approved plan",
    ),
    VIEWER: (
        "overview",
        "matrix of a project",
        "list of a project",
        "draft plan",
        "connectors",
        "connector",
        "projects of a connector",
    ),
}
VISITS = [
    *((ADMIN, name) for name in PAGES),
    *(("", name) for name in SIGNED_OUT),
    *((email, name) for email, names in OTHERS.items() for name in names),
]


@dataclass(frozen=True, kw_only=True)
class Furnished:
    """A connector with something of everything: waiting edits, drift, plans of three states, history, a job."""

    own: Own
    numbers: dict[str, int | str]

    def address(self, page: str) -> str:
        return self.own.site.url + (PAGES | SIGNED_OUT)[page].format(
            slug=self.own.slug, pack=PACK, week=running_week(), quarter=running_quarter(), **self.numbers
        )


@pytest.fixture(scope="module")
def furnished(site: Site) -> Iterator[Furnished]:
    with furnish(site) as made:
        yield made


@contextmanager
def furnish(site: Site) -> Iterator[Furnished]:
    with own_connector(site) as own:
        applied = plan_of(own, 10017, 2)
        act(own, applied, "apply")
        own.wait_until_idle()
        approved = plan_of(own, 10018, 4)
        own.set_cell(10015, 4, seen=3)
        draft = plan_of(own, 10016, 5, seen=4, approve=False)
        own.set_cell(10011, 1, seen=0, email=EDITOR)
        own.sandbox.edit("update_mapping", family="a2j_state", project="PROJ", type=4, source=2, target=10013)
        own.sandbox.edit("add_status", id=10777, name="Waiting for vendor", projects=["PROJ"])
        own.read_again()
        pack_of(own)
        fields_of(own)
        rehearsal_of(own)
        comparison_of(own)
        progress_of(own)
        planned = import_of(own)
        yield Furnished(
            own=own,
            numbers={
                "applied": applied,
                "approved": approved,
                "draft": draft,
                "row": row_of(own),
                "run": run_of(own),
                "job": job_of(own),
                "project": project_of(own),
                "import": planned,
                "verification": verification_of(own),
                "rows": rows_of(own),
                "question": question_of(own),
                "case": case_of(own),
                "waiting": waiting_lines_of(own, WAITING).rstrip("/").rsplit("/", 1)[1],
            },
        )


def fields_of(own: Own) -> None:
    """Both sides read, and a pair of a select that waits in the draft."""
    page = f"{own.page}fields/"
    assert own.post(f"{page}read/", {}).status_code == 200
    own.wait_until_idle()
    pair = {"jira:customfield_91301": "customfield_10031", "to:customfield_91301": "both"}
    assert own.post(f"{page}?type=feature", pair).status_code == 200


def comparison_of(own: Own) -> None:
    """Of a project that Align carries, with what stands apart."""
    asked = {"project": str(project_of(own)), "issue": ""}
    assert own.post(f"{own.page}agreement/compare/", asked).status_code == 200
    own.wait_until_idle()


def rehearsal_of(own: Own) -> None:
    """Of a project that Align carries, beside its real items."""
    assert own.post(f"{own.page}rehearsals/{project_of(own)}/", {"issues": "60"}).status_code == 200
    own.wait_until_idle()


def progress_of(own: Own) -> None:
    assert own.post(f"{own.page}progress/", {"program": "11"}).status_code == 200
    own.wait_until_idle()


def import_of(own: Own) -> int:
    """One that waits for its approval, of a project that was taken over."""
    own.sandbox.edit("set_project", key="LAB", in_align=False)
    assert own.post(f"{own.page}refresh/", {}).status_code == 200
    own.wait_until_idle()
    lab = project_of(own, "LAB")
    assert own.post(f"{own.page}set-up/projects/scope/", {"ticked": lab, "choice": "in"}).status_code == 200
    taken = {"do": "take", "project": lab, "reason": "Its team leaves Align", "confirm": "LAB"}
    assert own.post(f"{own.page}set-up/projects/ours/", taken).status_code == 200
    run = own.post(f"{own.page}imports/", {"project": lab, "reason": "The team moves to Align"}).url
    own.wait_until_idle()
    return int(run.rstrip("/").rsplit("/", 1)[1])


def verification_of(own: Own) -> int:
    """One that waits for consent."""
    return int(own.post(f"{own.page}verify/", {"item": "PAY-2"}).url.rstrip("/").rsplit("/", 1)[1])


def project_of(own: Own, key: str = "PAY") -> int:
    found = own.get(f"/api/v1/projects/?connector={own.slug}&key={key}").json()["results"]
    return int(found[0]["id"])


def plan_of(own: Own, status: int, target: int, *, seen: int | str = "", approve: bool = True) -> int:
    """Edit that cell and plan every edit that waits; the plan's number."""
    own.set_cell(status, target, seen=seen)
    waiting = own.get(f"/api/v1/mappings/?connector={own.slug}&situation=edited").json()["results"]
    form = {"row": [str(each["id"]) for each in waiting], "reason": steps.REASON}
    plan = int(own.post(own.new_plan, form).url.rstrip("/").rsplit("/", 1)[1])
    if approve:
        act(own, plan, "approve", fingerprint=fingerprint_of(own, plan), warnings="on")
    return plan


def act(own: Own, plan: int, wish: str, **data: str) -> None:
    answer = own.post(f"{own.site.url}/plans/{plan}/{wish}/", data)
    assert answer.status_code == 200, answer.text


def fingerprint_of(own: Own, plan: int) -> str:
    return str(own.get(f"/api/v1/plans/{plan}/").json()["fingerprint"])


def rows_of(own: Own) -> str:
    """A run of a query that has ended; its part of the address."""
    query = {"act": "run", "q": "/features?$select=id,title,ownerId&$top=5"}
    address = own.post(f"{own.site.url}/connectors/{own.slug}/explorer/", query).url
    own.wait_until_idle()
    return address.rstrip("/").rsplit("/", 1)[1]


def pack_of(own: Own) -> None:
    """A pack that is ready, and a schedule of more."""
    asked = own.post(f"{own.site.url}/history/packs/new/", {"q": f"connector:{own.slug}", "uuid": PACK})
    assert asked.status_code == 200, asked.text
    schedule = {"name": f"Weekly {own.slug}", "q": f"connector:{own.slug}", "every": "week", "recipients": ""}
    assert own.post(f"{own.site.url}/history/packs/schedules/new/", schedule).status_code == 200
    eventually(lambda: "Download" in own.get(f"/history/packs/{PACK}/").text, what="the pack")


def row_of(own: Own) -> str:
    """The history's row of the applied change."""
    address = f"/api/v1/history/?connector={own.slug}&action=created"
    rows = eventually(lambda: own.get(address).json()["results"] or None, what="the history of the apply")
    return str(rows[0]["number"])


def run_of(own: Own) -> int:
    """The first taking-in of Align's log that brought lines."""
    found = eventually(
        lambda: re.search(rf"/history/intake/{own.slug}/(\d+)/", own.get(f"/history/intake/{own.slug}/?way=all").text),
        what="a taking-in of the log",
    )
    return int(found[1])


def running_week() -> str:
    today = datetime.now(UTC).date()
    return (today - timedelta(days=today.weekday())).isoformat()


def running_quarter() -> str:
    """That of this week's Thursday."""
    thursday = date.fromisoformat(running_week()) + timedelta(days=3)
    return f"{thursday.year}-Q{(thursday.month + 2) // 3}"


def question_of(own: Own) -> int:
    """The reviewer's to the admin, who applied the change."""
    asked = own.post(
        f"{own.site.url}/history/{row_of(own)}/ask/", {"to": "1", "text": "Which ticket is it?"}, email=REVIEWER
    )
    assert asked.status_code == 200, asked.text
    return int(own.get("/history/questions/").text.split('td><a href="/history/questions/')[1].split("/")[0])


def case_of(own: Own) -> int:
    """An outside change, of a line that was uploaded by hand."""
    what = "CONFIG Updated - State mapping - Align to Jira - Story - Dev complete (3) JiraStatusId Changed - "
    line = ("CONFIG 123", "Jira Align System", "2026-11-20 12:00:00", f"{what}From [10013] To [10015]")
    own.post(waiting_lines_of(own, "\t".join(line)), {})
    return int(own.get(f"/history/cases/?connector={own.slug}").text.split('id="case-')[1].split('"')[0])


def waiting_lines_of(own: Own, text: str) -> str:
    """The address at which pasted lines wait to be confirmed."""
    return own.post(f"{own.site.url}/history/intake/", {"connector": own.slug, "text": text}).url


def job_of(own: Own) -> int:
    return int(own.get(f"/connectors/{own.slug}/").text.split("/job/")[1].split("/")[0])


@pytest.fixture(scope="module")
def windows(site: Site, browser: Browser) -> Iterator[dict[str, tuple[Page, Complaints]]]:
    """One window for each person; a fresh one for each page would take longer than the page."""
    with (
        watched_page(browser) as admin,
        watched_page(browser) as editor,
        watched_page(browser) as reviewer,
        watched_page(browser) as viewer,
        watched_page(browser) as nobody,
    ):
        for email, (page, _) in ((ADMIN, admin), (EDITOR, editor), (REVIEWER, reviewer), (VIEWER, viewer)):
            steps.enter(page, site, email)
        yield {ADMIN: admin, EDITOR: editor, REVIEWER: reviewer, VIEWER: viewer, "": nobody}


NOT_THERE = {"not found", "dead link of an owner"}


@pytest.mark.parametrize(("email", "name"), VISITS, ids=lambda value: value.split("@")[0] or "nobody")
def test_a_page_is_accessible_silent_and_fits_a_phone(
    furnished: Furnished, windows: dict[str, tuple[Page, Complaints]], email: str, name: str
) -> None:
    page, complaints = windows[email]
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    answer = page.goto(furnished.address(name))
    assert answer is not None
    assert answer.status == (404 if name in NOT_THERE else 200)
    axe(page)
    page.set_viewport_size(ZOOMED)
    assert fits(page), "at 200 % one has to scroll sideways"
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(NARROW)
    assert fits(page), "a phone has to scroll sideways"
    if email in (ADMIN, ""):  # what others see is a part of it, in the same colours
        axe(page)
    found, complaints.messages = complaints.messages, []
    assert [text for text in found if name not in NOT_THERE or "404" not in text] == []


def test_every_page_of_the_product_is_among_them() -> None:
    paths = (*(PAGES | SIGNED_OUT).values(), *OF_FACTORS.values())
    walked = {resolve(urlsplit(path.format_map(Anything())).path).url_name for path in paths}
    pages = {each.name for each in ADDRESSES.values() if not each.is_rest and "GET" in each.callback.rule[2]}
    assert pages - walked == {
        "help-picture",
        "healthz",
        "readyz",
        "metrics",
        "robots",
        "mfa_login_webauthn",
        "history-pack-file",
        "explorer-file",
        "import-report",
        "mfa_download_recovery_codes",
        "configuration-proposal",  # in the journeys that propose a hierarchy, and fields
        "webhook-by-hand",  # of one that is set up: in the journey that sets one up
        "webhook-body",
        "connector-again",  # of one that is disconnected: in the journey that disconnects one
        # These lead on to a page.
        "notification",
        "owner-link",
        "settings-choose",
        "setup",
    }


class Anything(dict[str, str]):
    """Fills every brace of an address."""

    def __missing__(self, name: str) -> str:
        keys = dict.fromkeys(("pack", "waiting", "rows"), PACK)
        return {"slug": "acme", "week": running_week(), "quarter": running_quarter(), **keys}.get(name, "1")


def test_the_pages_of_the_api_load_nothing_from_elsewhere(site: Site, page: Page) -> None:
    steps.enter(page, site)
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.goto(f"{site.url}/api/v1/docs/")
    page.get_by_role("heading", name="AlignAdmin").wait_for()
    assert [each.url for each in requests if not each.url.startswith((site.url, "data:"))] == []
