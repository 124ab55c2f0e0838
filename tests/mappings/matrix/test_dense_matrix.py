"""A matrix of 300 statuses by 30 steps at the HTTP edge: problems by kind, counted one way, and what it weighs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable

import pytest
from django.test import Client

from alignadmin.accounts.models import Role
from connectors.models import Connector
from mappings.engine.checks import SEVERITIES
from tests.support import dense_matrix
from tests.support.matrix_page import MatrixPieces

pytestmark = pytest.mark.django_db(transaction=True)
MATRIX = "/connectors/acme/mappings/"
ADDRESS = {"scope": "PROJ", "kind": "step"}
GROUP = re.compile(
    r'<div class="kind[^"]*" id=kind-([\w-]+)><details[^>]*><summary>(.*?)</summary>(.*?)</div>', re.DOTALL
)


def weight(content: bytes) -> int:
    """As a browser gets it."""
    return len(gzip.compress(content, 6))


def test_a_dense_matrix_groups_its_problems_and_stays_light(
    connector: Connector, signed_in: Callable[[Role], Client]
) -> None:
    """The number of a kind, of all and of the toggles are the numbers of the rows that they show."""
    dense_matrix.widen(connector)
    editor = signed_in(Role.EDITOR)
    html = editor.get(MATRIX, ADDRESS).content.decode()
    assert weight(html.encode()) < 58_500
    groups = {code: (title, body) for code, title, body in GROUP.findall(html)}
    assert list(groups) == [code for code in SEVERITIES if code in groups], "the worst first"
    number = int(groups["unmapped"][0].split()[0])
    assert groups["unmapped"][0] == f"{number} statuses have no mapping"
    assert number > 280
    assert groups["unmapped"][1].count("<li>") == 12
    assert f"<li class=muted>and {number - 12} more</li>" in groups["unmapped"][1]

    for code in [*groups, "problems"]:
        shown = editor.get(MATRIX, {**ADDRESS, "only": code}).content.decode()
        rows = shown.count("<th scope=row")
        said = GROUP.search(shown, shown.index(f"id=kind-{code}") - 40) if code in groups else None
        if said is not None and (told := re.match(r"(\d+) status", said[2])):
            assert int(told[1]) == rows, code
            assert f"only {code.replace('-', ' ')} <b>{rows}</b>" in shown
        elif code == "problems":
            assert f"only problems <b>{rows}</b>" in shown
            assert re.search(rf"id=problem-count>{rows} statuses", shown)

    page = MatrixPieces.of(html)
    form = {**ADDRESS, "status": "40200", "target": "905", "seen": "", "to": "j2a"}
    answer = editor.post(f"{MATRIX}cell/", form, headers=page.headers)
    assert answer.status_code == 200
    assert weight(answer.content) < 2_400
    page.swap(MatrixPieces.of(answer.content.decode()))
    assert page.differences(MatrixPieces.of(editor.get(MATRIX, ADDRESS).content.decode())) == []
    assert f"{number - 1} statuses have no mapping" in answer.content.decode()
