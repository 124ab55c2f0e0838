"""Many people at once at real web and worker processes: nobody sees the database, and no edit is lost.

On SQLite one web process of four threads and a worker; on PostgreSQL two web and four worker processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Barrier

import pytest
import requests

from tests.bench.report import percentile
from tests.support.browser_helpers import ADMIN, EDITOR, REVIEWER, SECOND_ADMIN, VIEWER, Own, own_connector, session_of
from tests.support.load_people import Notes, OwnRow, Somebody, problem_of, spend_together
from tests.support.ports import free_port
from tests.support.processes import Site, created_database, csrf

EDITORS = {ADMIN: "Dana Admin", SECOND_ADMIN: "Sam Second", EDITOR: "Eli Editor"}
STATES = ("Pending approval", "Ready to start", "In progress", "Dev complete", "Test complete", "Accepted")
PEOPLE = (ADMIN, EDITOR, SECOND_ADMIN, EDITOR, VIEWER, ADMIN, EDITOR, REVIEWER, SECOND_ADMIN, VIEWER) * 2
PARALLEL = 50
# A window this short keeps the remote limit out of what is measured here.
SETTINGS = {"BUDGET_WINDOW": "0.5", "BUDGET_GRACE": "0.1", "SITE_LIMIT": "64800", "PLAN_MAX_AGE": "600"}


@dataclass(frozen=True, kw_only=True)
class Town:
    """One installation with as many processes as its database is meant for."""

    site: Site
    webs: tuple[str, ...]


@pytest.fixture(scope="module")
def town(processes: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with created_database() as database_url:
        site = Site(data_dir=tmp_path_factory.mktemp("town"), database_url=database_url, extra=SETTINGS)
        sites = [site]
        if database_url:
            sites.append(replace(site, data_dir=tmp_path_factory.mktemp("beside"), port=free_port()))
        try:
            site.copy_tables()
            for each in sites:
                each.start_web(threads=4)
                for _ in range(len(sites)):
                    each.start_worker()
            site.command("demo", "--prepare", "--slug", "acme", "--sandbox", "http://127.0.0.1:9")
            yield Town(site=site, webs=tuple(each.url for each in sites))
        finally:
            for each in sites:
                each.stop()


@pytest.fixture
def own(town: Town) -> Iterator[Own]:
    with own_connector(town.site) as made:
        yield made


# --- one cell ---------------------------------------------------------------------------------------------------------


def test_of_fifty_parallel_edits_of_one_cell_one_wins_and_the_others_are_told_who_and_what(
    town: Town, own: Own
) -> None:
    emails, start = list(EDITORS), Barrier(PARALLEL)
    cookies = {email: session_of(town.site, email).cookies for email in emails}

    def edit(number: int) -> tuple[str, int, requests.Response]:
        email, target = emails[number % 3], 1 + number % 5
        web = town.webs[number % len(town.webs)]
        with requests.Session() as session:
            session.cookies.update(cookies[email])
            address = f"{web}/connectors/{own.slug}/mappings/cell/"
            form = {"scope": "PROJ", "status": 10017, "target": target, "seen": "", "to": "j2a"}
            form["csrfmiddlewaretoken"] = csrf(session)
            start.wait(30)
            return email, target, session.post(address, form, headers={"Referer": address}, timeout=60)

    with ThreadPoolExecutor(PARALLEL) as threads:
        answers = list(threads.map(edit, range(PARALLEL)))

    won = [(email, target) for email, target, answer in answers if answer.status_code == 200]
    assert len(won) == 1
    [(email, target)] = won
    told = [answer for _, _, answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in told} == {409}
    for answer in told:
        assert f"{EDITORS[email]} changed this mapping at" in answer.text
        assert f"Wanted is now {target} {STATES[target]}" in answer.text
    [row] = own.get(f"/api/v1/mappings/?connector={own.slug}&situation=edited").json()["results"]
    assert (row["wanted"], row["wanted_by"], row["version"]) == (target, email, 1)
    edits = own.get(f"/api/v1/history/?connector={own.slug}&action=mapping.edited").json()["results"]
    assert len(edits) == 1


# --- many people ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seconds", [pytest.param(12, id="short"), pytest.param(600, id="ten minutes", marks=pytest.mark.soak)]
)
def test_twenty_people_and_the_workers_never_get_in_each_others_way(town: Town, own: Own, seconds: float) -> None:
    notes = Notes()
    people = [somebody(town, own, number, notes) for number in range(len(PEOPLE))]
    give_rows(people, own)
    spend_together(people, seconds=seconds)

    pages, writes = notes.seconds(writes=False), notes.seconds(writes=True)
    print(
        f"{len(people)} people, {len(pages)} pages p95 {percentile(pages, 95):.2f} s, "
        f"{len(writes)} writes p99 {percentile(writes, 99):.2f} s"
    )
    assert notes.problems == []
    assert len(pages) + len(writes) > seconds
    assert_no_edit_is_lost(people, own)
    own.wait_until_idle()
    said = [each.last_words() for each in town.site.children.started]
    met = [words for words in said if "locked" in words or "Traceback" in words]
    assert not met, "\n".join(met)


def somebody(town: Town, own: Own, number: int, notes: Notes) -> Somebody:
    email = PEOPLE[number]
    return Somebody(
        web=town.webs[number % len(town.webs)],
        slug=own.slug,
        cookies=session_of(town.site, email).cookies,
        notes=notes,
        plans=number == 0,
    )


def give_rows(people: list[Somebody], own: Own) -> None:
    """Each editor gets a row that nobody else edits."""
    found = own.get(f"/api/v1/mappings/?connector={own.slug}&family=j2a-state&limit=500").json()["results"]
    free = [each for each in found if each["project"] is None and not each["duplicates"] and each["work_item_type"]]
    for person, email in zip(people, PEOPLE, strict=True):
        if email in EDITORS and free:
            row = free.pop()
            person.own_row = OwnRow(id=row["id"], work_item_type=row["work_item_type"], status=row["source_id"])
            person.wanted = row["wanted"]
    assert sum(person.own_row is not None for person in people) >= 10


def assert_no_edit_is_lost(people: list[Somebody], own: Own) -> None:
    found = own.get(f"/api/v1/mappings/?connector={own.slug}&family=j2a-state&limit=500").json()["results"]
    wanted = {each["id"]: each["wanted"] for each in found}
    editors = [person for person in people if person.own_row]
    stored = {person.own_row.id: person.wanted for person in editors if person.own_row}
    assert {pk: wanted[pk] for pk in stored} == stored


def test_a_page_that_names_the_database_would_be_seen() -> None:
    answer = requests.Response()
    answer.status_code, answer.url, answer._content = 200, "http://here/", b"<html>all is well</html>"
    assert problem_of(answer) == ""
    answer._content = b"<html>database is locked</html>"
    assert problem_of(answer) == "says 'database is locked'"
    answer.status_code, answer._content = 500, b"<html>Sorry</html>"
    assert problem_of(answer).startswith("500")
