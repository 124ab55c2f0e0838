"""After each edit the page with its answer put in is the page that is drawn anew.

Two people take turns in matrices of all kinds: set and clear, dots and rings, undo, redo, drop; with drift, accepted
differences, duplicates and twins in the lists, or with none of it. Two hundred edits here, twenty thousand as a soak.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import pytest
from django.test import Client
from django.utils import timezone

from alignadmin.accounts.models import Role
from connectors.models import Connector
from connectors.models import Status as CatalogueStatus
from mappings.edits.reconciling import reconcile_mapping
from mappings.engine.values import Situation
from mappings.matrix import pending
from mappings.models import Mapping
from tests.support.matrix_page import MatrixPieces

pytestmark = pytest.mark.django_db(transaction=True)
MATRIX = "/connectors/acme/mappings/"
BLOCKED, CANCELLED = 10017, 10018  # not mapped
DROPPED = re.compile(r'name="mapping" value="(\d+)"><input type="hidden" name="seen" value="(\d*)"')
Address = dict[str, str]
ADDRESSES: tuple[Address, ...] = (
    {"scope": "PROJ"},
    {"scope": "PROJ"},
    {"scope": "PROJ", "kind": "step"},
    {"scope": "PROJ", "type": "feature"},
    {"scope": "PROJ", "direction": "a2j"},
    {"scope": "PROJ", "type": "task", "direction": "j2a"},
    {"scope": "PROJ1"},
    {"scope": "PROJ1", "kind": "step"},
    {},
    {"type": "defect"},
)
STAYS = 8  # edits at one address, on average, before somebody goes on to another


@pytest.mark.parametrize("edits", [100, pytest.param(10_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("disturbed", [True, False])
def test_the_page_with_the_answer_put_in_is_the_page_drawn_anew(
    connector: Connector,
    signed_in: Callable[[Role], Client],
    edits: int,
    disturbed: bool,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is nothing to decide on, single cards and lines are sent, else the whole sidebar."""
    monkeypatch.setattr(pending, "MOST_EDITS", 6)  # so that there are soon more than the card lists
    chance = Random(seed)
    if disturbed:
        disturb(connector, chance)
    people = [signed_in(Role.EDITOR), signed_in(Role.ADMIN)]
    done = by_line = 0
    while done < edits:
        person, address = chance.choice(people), chance.choice(ADDRESSES)
        shown = drawn(person, address)
        for _ in range(chance.randrange(1, 2 * STAYS)):
            path, form = next(acts(shown, address, chance))
            answer = person.post(MATRIX + path, {**address, **form}, headers=shown.headers)
            assert answer.status_code in (200, 409), answer.content
            if answer.status_code == 409:  # nothing to undo, or not any more
                break
            brought = MatrixPieces.of(answer.content.decode())
            by_line += brought.edits is not None and bool(brought.edits.new or brought.edits.gone)
            shown.swap(brought)
            anew = drawn(person, address)
            assert shown.differences(anew) == [], (seed, done, address, path, form)
            shown, done = anew, done + 1
    assert disturbed or by_line > edits / 4


def drawn(person: Client, address: Address) -> MatrixPieces:
    return MatrixPieces.of(person.get(MATRIX, address).content.decode())


def acts(shown: MatrixPieces, address: Address, chance: Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Addresses and fields of what somebody who sees this page may do; the first is done."""
    if chance.random() < 0.15:
        yield chance.choice(["undo/", "redo/"]), {}
    dropped = DROPPED.findall(shown.beside["edits"])
    if dropped and chance.random() < 0.15:
        mapping, seen = chance.choice(dropped)
        yield "drop/", {"mapping": mapping, "seen": seen}
    rings = dict(re.findall(r"(\d+):(\d+)", shown.beside["rings"]))
    status, target = re.findall(r"\d+", chance.choice([name for name in shown.grid if name.startswith("r")]))
    form = {"status": status, "target": target, "act": chance.choice(["", "", "", "clear"])}
    if address.get("scope") and address.get("type") != "task" and (address.get("direction") or chance.random() < 0.4):
        yield "cell/", {**form, "to": "a2j", "seen": rings.get(target, "")}
    of_row = [name for name in shown.grid if name.startswith(f"r{status} ")]
    dots = [name for name in of_row if re.search(r'[" ]d[" ]', shown.grid[name])]
    yield "cell/", {**form, "to": "j2a", "seen": dots[0].split(" t")[1] if dots else ""}


def test_what_somebody_else_did_meanwhile_comes_with_the_next_answer(
    connector: Connector, signed_in: Callable[[Role], Client]
) -> None:
    """Also a row to decide on that they have settled: its card would stay with buttons that do nothing."""
    first, second, address = signed_in(Role.EDITOR), signed_in(Role.ADMIN), ADDRESSES[0]

    def edit(person: Client, status: int, target: int, page: MatrixPieces, seen: int | str = "") -> MatrixPieces:
        form = {"status": str(status), "target": str(target), "seen": str(seen), "to": "j2a"}
        answer = person.post(f"{MATRIX}cell/", {**address, **form}, headers=page.headers)
        assert answer.status_code == 200, answer.content
        return MatrixPieces.of(answer.content.decode())

    drifted = Mapping.objects.filter(scope__family="j2a-state", scope__project=None, work_item_type="story").first()
    assert drifted is not None
    Mapping.objects.filter(pk=drifted.pk).update(observed=5, situation=Situation.DRIFTED)
    page = drawn(first, address)
    assert "Changed elsewhere" in page.others
    Mapping.objects.filter(pk=drifted.pk).update(observed=drifted.observed, situation=drifted.situation)
    edit(second, BLOCKED, 2, drawn(second, address))
    page.swap(edit(first, CANCELLED, 5, page))
    anew = drawn(first, address)
    assert (page.beside, page.others) == (anew.beside, anew.others)

    of_features = {**address, "type": "feature", "status": str(BLOCKED), "target": "2", "seen": "", "to": "j2a"}
    assert first.post(f"{MATRIX}cell/", of_features, headers=page.headers).status_code == 200
    page = drawn(first, address)
    edit(second, BLOCKED, 3, drawn(second, address), seen=2)  # as many mapped as before, along another line
    taken_back = first.post(f"{MATRIX}undo/", address, headers=page.headers)
    assert taken_back.status_code == 200
    page.swap(MatrixPieces.of(taken_back.content.decode()))
    assert page.beside == drawn(first, address).beside

    alone = edit(first, CANCELLED, 4, page, seen=5)
    assert "rings" not in alone.beside, "nobody was there, and it changes none"


def disturb(connector: Connector, chance: Random) -> None:
    """Changes made elsewhere, some of them accepted, further records of a key, twins, a status that is gone."""
    tomorrow = timezone.now() + timedelta(days=1)
    rows = list(Mapping.objects.filter(scope__connector=connector, scope__family__startswith="j2a"))
    for row in chance.sample(rows, len(rows) // 8):
        row.observed = chance.choice([None, *(each.observed for each in rows if each.scope_id == row.scope_id)])
        if chance.random() < 0.3:
            row.accepted_value, row.accepted_until, row.accepted_reason = row.observed, tomorrow, "until then"
        if chance.random() < 0.2 and row.observed is not None:
            row.duplicates = [[99_000_000 + row.pk, row.observed]]
        reconcile_mapping(row)
        row.save()
    statuses = list(CatalogueStatus.objects.filter(connector=connector, project=None))
    CatalogueStatus.objects.filter(pk__in=[each.pk for each in statuses[:3]]).update(name="To Do")
    CatalogueStatus.objects.filter(pk=statuses[-1].pk).update(vanished_at=timezone.now())
