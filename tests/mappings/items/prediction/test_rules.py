"""What is agreed for a project as rules, in a number of queries that grows with nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person
from connectors.models import Connector, FieldRow, Project, System
from mappings.items.prediction.asked import configured_import
from mappings.models import AgreedLine

pytestmark = pytest.mark.django_db(transaction=True)


def test_rules_come_of_what_is_agreed_in_as_many_queries_however_much_that_is(
    connector: Connector, admin: Person
) -> None:
    project = Project.objects.get(key="PAY")
    with CaptureQueriesContext(connection) as few:
        before = configured_import(connector, project)
    for number in range(40):
        for system, key in ((System.ALIGN, f"customfield_9{number}"), (System.JIRA, f"customfield_5{number}")):
            FieldRow.objects.create(
                connector=connector,
                system=system,
                work_item_type="story",
                key=key,
                name=f"Field {number}",
                type="number",
                is_custom=True,
            )
        value: dict[str, Any] = {
            "jira": f"customfield_5{number}",
            "direction": "once" if number else "to-jira",
            "options": [],
        }
        AgreedLine.objects.create(
            connector=connector, subject="fields", key=f"story:customfield_9{number}", value=value
        )
    FieldRow.objects.filter(key="customfield_57", system=System.JIRA).delete()
    with CaptureQueriesContext(connection) as many:
        after = configured_import(connector, project)
    assert len(many) == len(few)
    pairs = {each.align: each for each in after.rules.pairs["story"]}
    assert "customfield_90" not in pairs, "it goes to Jira alone"
    assert pairs["customfield_91"].direction == "once"
    assert "is told no more" in pairs["customfield_97"].stopped
    assert before.fingerprint != after.fingerprint
