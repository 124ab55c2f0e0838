"""Step 1 of the set-up over HTTP: names of the levels on every page and in the log, and priorities side by side."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from alignadmin.accounts.models import Person, Role
from alignadmin.audit.models import Entry
from connectors.align.terminology import LEVELS, Terminology
from connectors.catalogue import priorities
from connectors.models import Connector, HistoryRow, PriorityList, Source, System, TypeLabel
from connectors.setup.steps.priorities import compare
from mappings.models import Plan
from tests.connectors.history.verification.test_comparison import differences
from tests.support import factories, mapping_helpers
from tests.support.mapping_helpers import edit
from tests.support.sandbox_fixture import RunningSandbox

SignIn = Callable[[Role], Client]
STEP = "/connectors/acme/set-up/terms/"
NAMES = "/connectors/acme/level-names/"
QA, IN_REVIEW, DEV_COMPLETE = 10015, 10013, 3
pytestmark = pytest.mark.django_db(transaction=True)


def text(answer: Any) -> str:
    return unescape(answer.content.decode())


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    return unescape(found[1]) if found else ""


def check(page: str, code: str) -> str:
    return page.partition(f'id="check-{code}"')[2].partition('<li id="check-')[0].partition("</section>")[0]


def save(client: Client, **names: str) -> Any:
    """As the browser sends the form: every field, and the version that the page was drawn with."""
    version = seen(client.get(STEP).content.decode())
    return client.post(NAMES, {**dict.fromkeys(LEVELS, ""), "seen": version, **names})


@pytest.fixture
def boss(signed_in: SignIn) -> Client:
    return signed_in(Role.ADMIN)


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_are_used_on_every_page_and_in_every_sentence(
    boss: Client, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    assert save(boss, story="User Story", feature="Outcome", defect="Issue").status_code == 303
    connector.refresh_from_db()
    matrix = text(boss.get("/connectors/acme/mappings/?scope=PROJ"))
    assert "<bdi>User Story</bdi> states" in matrix
    assert "<title>User Story states" in matrix
    assert 'aria-label="User Story: Jira statuses and what they show in Align"' in matrix
    for label in ("User Story", "Outcome", "Issue", "Task"):
        assert f">{label}</a>" in matrix or f">{label}<" in matrix, label
    assert "User Stories that reach it fall to" in matrix
    edit(connector, "j2a-state", IN_REVIEW, DEV_COMPLETE, actor=admin)
    draft = text(boss.get("/connectors/acme/mappings/"))
    assert "User Story · Jira to Align · shared" in draft
    edit(connector, "a2j-state", DEV_COMPLETE, QA, project="PROJ", actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    shown = text(boss.get(f"/plans/{plan.pk}/"))
    assert "When a User Story in any of" in shown
    assert "for a User Story, its issue in PROJ moves to" in shown
    assert "<bdi>User Story</bdi> · PROJ" in shown
    rolled = text(boss.get(f"/plans/{plan.pk}/roll-back/"))
    assert "<bdi>User Story</bdi>" in rolled
    coverage = text(boss.get("/connectors/acme/coverage/"))
    assert "<bdi>Outcome</bdi></th>" in coverage
    assert 'title="PROJ, User Story: ' in coverage
    history = text(boss.get("/history/?q=type:story"))
    assert "<bdi>User Story</bdi> state" in history
    row = HistoryRow.objects.filter(work_item_type="story", source=Source.OURS).first()
    assert row is not None
    assert "<dd><bdi>User Story</bdi> state" in text(boss.get(f"/history/{row.entry_seq}/"))
    sandbox.edit("update_mapping", family="j2a_state", type=4, source=QA, target=1)
    mapping_helpers.observe(connector)
    drift = text(boss.get("/connectors/acme/drift/?type=story"))
    assert '<option value="story" selected>User Story</option>' in drift
    assert "User Story · Jira to Align · shared" in drift
    types = text(boss.get("/connectors/acme/types/"))
    assert "<bdi>User Story</bdi>" in types
    assert "<bdi>Task</bdi>" in types


def test_what_is_stored_keeps_the_words_of_its_time(boss: Client, connector: Connector, admin: Person) -> None:
    save(boss, story="User Story")
    connector.refresh_from_db()
    edit(connector, "j2a-state", IN_REVIEW, DEV_COMPLETE, actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    before = list(Entry.objects.order_by("seq").values_list("seq", "hash"))
    sentence = plan.changes.get().sentence
    save(boss, story="")
    assert list(Entry.objects.order_by("seq").values_list("seq", "hash"))[: len(before)] == before
    assert Plan.objects.get().changes.get().sentence == sentence
    assert "When a User Story" in sentence
    newest = [json.loads(body) for body in Entry.objects.order_by("seq").values_list("body", flat=True)]
    named = [each for each in newest if each["action"] == "connector.levels_named"]
    assert [each["sentence"] for each in named] == [
        "Named levels: Story is called “User Story”.",
        "Named levels: Story is called by Align's own name again.",
    ]
    assert named[1]["data"] == {"before": {"story": "User Story"}, "after": {}}
    # The log of then goes on being understood.
    assert TypeLabel.objects.get().work_item_type == "story"
    assert "Story states" in text(boss.get("/connectors/acme/mappings/"))


def test_alerts_tell_the_names(boss: Client, connector: Connector, sandbox: RunningSandbox) -> None:
    save(boss, story="Backlog Item")
    sandbox.edit("add_status", name="Deployed", category="done", projects=["PROJ"], issue_types=["Story"])
    factories.refreshed(connector)
    page = text(boss.get("/connectors/acme/drift/"))
    assert "Backlog Items that reach it fall to 0 - Pending approval" in page


def test_a_line_in_the_site_s_own_term_is_ours_and_the_search_knows_it(
    boss: Client, connector: Connector, admin: Person, sandbox: RunningSandbox
) -> None:
    """A deletion: its line has no type id from which the term could be learned."""
    sandbox.reset(audit_labels="Story=User Story")
    factories.refreshed(connector)
    mapping_helpers.observe(connector)
    save(boss, story="User Story")
    connector.refresh_from_db()
    edit(connector, "a2j-state", DEV_COMPLETE, None, project="PROJ", actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    assert mapping_helpers.states(plan) == ["done"]
    mapping_helpers.read_log(connector)
    row = HistoryRow.objects.get(action="deleted")
    assert (row.source, row.work_item_type) == (Source.OURS, "story")
    assert row.line is not None
    assert "User Story" in row.line.description
    assert not Entry.objects.filter(action="terms.learned").exists()
    assert differences() == []
    found = text(boss.get("/history/?q=type%3A%22user+story%22+action%3Adeleted"))
    assert "<bdi>User Story</bdi> state" in found
    unknown = text(boss.get("/history/?q=type%3A%22User+Saga%22"))
    assert "type: takes feature or story or task or defect, not" in unknown


def test_a_term_that_was_learned_is_proposed_and_taken_by_a_click(
    boss: Client, signed_in: SignIn, bare_connector: Connector
) -> None:
    TypeLabel.objects.create(
        connector=bare_connector,
        label="User Story",
        folded="user story",
        work_item_type="story",
        decided_at="2026-01-01T00:00Z",
    )
    page = text(boss.get(STEP))
    assert "Align’s log calls it <bdi>“User Story”</bdi>" in page
    assert 'name="take" value="story"' in page
    assert "It calls Story “User Story”." in check(page, "terms-log")
    assert 'name="take"' not in text(signed_in(Role.VIEWER).get(STEP))
    assert save(boss, take="story", feature="Outcome").status_code == 303
    bare_connector.refresh_from_db()
    assert bare_connector.level_names == {"story": "User Story", "feature": "Outcome"}
    assert 'name="take"' not in text(boss.get(STEP))


def test_a_name_that_means_another_type_in_the_log_is_told_and_changes_no_line(
    boss: Client, bare_connector: Connector
) -> None:
    assert save(boss, feature="Story", story="Task", task="Step").status_code == 303
    assert list(TypeLabel.objects.values_list("label", flat=True)) == ["Step"]
    told = check(text(boss.get(STEP)), "terms-log")
    assert "Feature is called “Story” here, and in Align’s log it means Story." in told
    assert "Mend" in told


@pytest.mark.parametrize(
    ("names", "trouble"),
    [
        ({"story": "Feature"}, "Feature is called so already"),
        ({"story": "Item", "task": "  iTEM "}, "Story is called so already"),
        ({"epic": "x" * 10_000}, "A name has at most 40 letters: this one has 10,000."),
        ({"epic": "User\u202eStory"}, "direction marks"),
        ({"epic": "\u200b"}, "direction marks"),
        ({"epic": "a\x00b"}, "Null characters are not allowed."),
        ({"epic": "\u3164"}, "at least one letter that is seen"),
    ],
)
def test_a_name_that_cannot_be_is_refused_beside_its_field_and_nothing_typed_is_lost(
    boss: Client, bare_connector: Connector, names: dict[str, str], trouble: str
) -> None:
    answer = save(boss, defect="Kept too", **names)
    assert answer.status_code == 400
    page = text(answer)
    assert trouble in page
    assert "The names are not saved." in page
    assert 'value="Kept too"' in page
    bare_connector.refresh_from_db()
    assert bare_connector.level_names == {}
    assert not Entry.objects.filter(action="connector.levels_named").exists()


def test_hostile_names_are_only_names(boss: Client, connector: Connector, admin: Person) -> None:
    hostile = {"story": "<script>alert(1)</script>", "feature": "קומה", "task": "🚀 Task & Co", "defect": "\"'><b>"}
    assert save(boss, **hostile).status_code == 303
    connector.refresh_from_db()
    edit(connector, "j2a-state", IN_REVIEW, DEV_COMPLETE, actor=admin)
    plan = mapping_helpers.apply_all(connector, actor=admin)
    for address in (
        STEP,
        "/connectors/acme/mappings/?scope=PROJ",
        "/connectors/acme/mappings/?scope=PROJ&view=list",
        f"/plans/{plan.pk}/",
        "/connectors/acme/coverage/",
        "/connectors/acme/drift/",
        "/connectors/acme/types/",
        "/connectors/acme/",
        "/connectors/acme/set-up/statuses/",
        "/history/?q=type:story",
        "/",
    ):
        answer = boss.get(address)
        assert answer.status_code == 200, address
        page = answer.content.decode()
        assert "<script>alert" not in page, address
        assert "\"'><b>" not in page, address
    assert "When a <script>alert(1)</script> in" in plan.changes.get().sentence


def test_names_saved_over_somebody_else_s_are_refused_and_kept_in_the_fields(
    boss: Client, bare_connector: Connector
) -> None:
    stale = seen(boss.get(STEP).content.decode())
    save(boss, story="User Story")
    answer = boss.post(NAMES, {"seen": stale, "story": "Item", "epic": "Initiative"})
    assert answer.status_code == 409
    page = text(answer)
    assert "Somebody changed these names since this page was loaded." in page
    assert 'value="Item"' in page
    assert re.findall(r"In use now: <bdi>([^<]+)</bdi>", page) == ["Epic", "User Story"], "what to compare it with"
    assert page.count("The names are not saved.") == 1
    bare_connector.refresh_from_db()
    assert bare_connector.level_names == {"story": "User Story"}
    again = boss.post(NAMES, {"seen": seen(answer.content.decode()), "story": "Item", "epic": "Initiative"})
    assert again.status_code == 303
    bare_connector.refresh_from_db()
    assert bare_connector.level_names == {"story": "Item", "epic": "Initiative"}


def test_the_step_is_optional_until_names_are_given_or_somebody_confirms_it(
    boss: Client, signed_in: SignIn, bare_connector: Connector
) -> None:
    def state() -> str:
        steps = signed_in(Role.VIEWER).get("/api/v1/set-up/acme/").json()["steps"]
        return str(steps[0]["state"])

    assert state() == "optional"
    assert boss.get("/connectors/acme/set-up/")["Location"].endswith("/connect/"), "it keeps nobody from going on"
    answer = boss.post("/connectors/acme/confirm/", {"code": "terms-agreed", "on": "set-up-terms"})
    assert answer["Location"] == STEP
    assert state() == "done"
    assert "Align’s own names are used." in check(text(boss.get(STEP)), "terms-agreed")
    saved = save(boss, story="User Story")
    assert "The names are saved" in text(boss.get(saved["Location"]))
    again = save(boss, story="User Story")
    assert "Nothing was changed" in text(boss.get(again["Location"]))
    assert "Story is “User Story”." in check(text(boss.get(STEP)), "terms-agreed")
    assert signed_in(Role.EDITOR).post(NAMES, {"story": "Mine", "seen": ""}).status_code == 403
    bare_connector.refresh_from_db()
    assert bare_connector.level_names == {"story": "User Story"}


@pytest.mark.parametrize(
    ("name", "one", "many", "counted"),
    [
        ("", "a Story", "Stories", "2,000 stories"),
        ("User Story", "a User Story", "User Stories", "2,000 User Stories"),
        ("Issue", "an Issue", "Issues", "2,000 Issues"),
        ("PBI", "a PBI", "PBIs", "2,000 PBIs"),
        ("Day", "a Day", "Days", "2,000 Days"),
        ("Box", "a Box", "Boxes", "2,000 Boxes"),
        ("קומה", "a קומה", "קומה", "2,000 קומה"),
        ("🚀", "a 🚀", "🚀", "2,000 🚀"),
    ],
)
def test_a_name_in_a_sentence(name: str, one: str, many: str, counted: str) -> None:
    called = Terminology(names={"story": name})
    assert (called.one("story"), called.many("story"), called.counted(2000, "story")) == (one, many, counted)
    assert called.counted(1, "task") == "1 task"
    assert called.items("defect") == "defects"


# --- priorities -------------------------------------------------------------------------------------------------------


def test_priorities_of_both_sides_stand_side_by_side_with_their_differences(
    boss: Client, bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    assert "Not read yet." in check(text(boss.get(STEP)), "priorities")
    factories.refreshed(bare_connector)
    page = text(boss.get(STEP))
    assert "5 priorities of Jira, each with a priority of Align." in check(page, "priorities")
    assert "<bdi>Feature</bdi> in Align" in page
    sandbox.edit("add_priority", name="Blocker")
    sandbox.edit("remove_priority", id=5)
    factories.refreshed(bare_connector)
    save(boss, story="User Story")
    page = text(boss.get(STEP))
    told = check(page, "priorities")
    assert "Align makes nothing of Blocker (Feature, User Story): give each a priority of Align." in told
    assert "Jira no longer has Lowest (5), which Align’s connector still names." in told
    assert "Change it in Jira Align, Settings > Connectors > Jira Settings > Jira Setup." in told
    assert "no longer in Jira" in page


def test_a_list_that_cannot_be_read_says_so_and_stops_nothing(
    boss: Client, bare_connector: Connector, sandbox: RunningSandbox
) -> None:
    sandbox.faults({"path": "/rest/align/api/2/connectors/123/priorities", "status": 404})
    factories.refreshed(bare_connector)
    bare_connector.refresh_from_db()
    assert (bare_connector.catalogue_at is not None, bare_connector.catalogue_error) == (True, "")
    told = check(text(boss.get(STEP)), "priorities")
    assert "To do" in told
    assert "Compare Jira, Settings > Issues > Priorities with Jira Align" in told
    kept = {each.system: each for each in PriorityList.objects.all()}
    assert kept[System.ALIGN].error
    assert kept[System.ALIGN].read_at is None
    assert len(kept[System.JIRA].records) == 5


def test_by_the_clock_they_are_asked_for_once_a_day(bare_connector: Connector) -> None:
    factories.refreshed(bare_connector)
    read_at = PriorityList.objects.get(system=System.JIRA).tried_at
    for system in System:
        assert priorities.due([bare_connector], system, read_at + priorities.EVERY / 2) == []
        assert priorities.due([bare_connector], system, read_at + 2 * priorities.EVERY) == [bare_connector]
        assert priorities.due([bare_connector], system, read_at - 2 * priorities.EVERY) == [bare_connector]


def test_a_later_reading_and_another_site_are_not_overwritten(bare_connector: Connector) -> None:
    factories.refreshed(bare_connector)
    kept = PriorityList.objects.get(system=System.JIRA)

    def stored(connector: Connector, offset: int) -> list[Any]:
        at = kept.tried_at + offset * priorities.EVERY
        priorities._store(connector, System.JIRA, {"records": [], "read_at": at, "tried_at": at, "error": ""})
        return list(PriorityList.objects.get(system=System.JIRA).records)

    assert len(stored(bare_connector, -1)) == 5
    elsewhere = Connector.objects.get()
    elsewhere.jira_site = "https://elsewhere.test"
    assert len(stored(elsewhere, 1)) == 5
    assert stored(bare_connector, 1) == []


def test_priorities_are_compared_by_id_and_never_by_name() -> None:
    jira = [{"id": 1, "name": "Höchste"}, {"id": 2, "name": "Hoch"}]
    align = [
        {"type": 4, "jira": 1, "name": "Highest", "align": 1},
        {"type": 4, "jira": 2, "name": "Hoch", "align": None},
        {"type": 77, "jira": 1, "name": "Highest", "align": 3},
        {"type": 4, "jira": 9, "name": "", "align": 2},
    ]
    found = compare(jira, align, {4: "Story"})
    assert found.types == ("Story", "type 77")
    assert [
        (row.name, row.align_name, tuple(cell.target for cell in row.cells), row.is_gone) for row in found.rows
    ] == [
        ("Höchste", "Highest", (1, 3), False),
        ("Hoch", "", (None, None), False),
        ("Priority 9", "", (2, None), True),
    ]
    assert found.unmapped == ["Hoch (Story, type 77)"]
    assert found.gone == ["Priority 9 (9)"]
    assert compare(jira, [], {}).unmapped == ["Höchste", "Hoch"]
    assert compare([], [], {}).rows == ()
