"""Keys of which Align has several records are counted by an index of their own, however many mappings there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from connectors.models import Connector
from mappings.edits.queries import with_several_records
from mappings.models import Mapping, Scope

pytestmark = pytest.mark.django_db


def test_they_are_found_by_the_index_alone(bare_connector: Connector) -> None:
    scope = Scope.objects.create(connector=bare_connector, family="j2a-state", observed_at=timezone.now())
    Mapping.objects.bulk_create(
        Mapping(scope=scope, work_item_type="story", source_id=number, duplicates=[[7, 3]] if number == 5 else [])
        for number in range(20)
    )
    found = with_several_records(bare_connector)
    assert [row.source_id for row in found] == [5]
    Mapping.objects.filter(source_id=5).update(duplicates=[])
    assert not with_several_records(bare_connector).exists()
    with connection.cursor() as cursor:
        assert "mappings_of_several_records" in connection.introspection.get_constraints(cursor, "mappings_mapping")
    if connection.vendor == "sqlite":
        assert "mappings_of_several_records" in found.explain()
