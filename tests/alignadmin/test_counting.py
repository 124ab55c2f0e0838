"""Numbers of many tables by one statement."""

from __future__ import annotations

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Person, Role
from alignadmin.counting import count_all
from alignadmin.notifications.models import Notification


def test_each_number_is_that_of_its_rows_in_the_order_asked(people: dict[Role, Person]) -> None:
    told = Notification.objects.filter(person=OuterRef("pk"))
    asked: list[QuerySet[Person] | int] = [
        Person.objects.filter(role=Role.ADMIN),
        7,
        Person.objects.filter(pk__in=[]),
        Person.objects.order_by("name"),
        Person.objects.filter(name__contains="%s 100 %").exclude(Exists(told)),
        Person.objects.filter(Exists(told)),
    ]
    expected = [each if isinstance(each, int) else each.count() for each in asked]
    with CaptureQueriesContext(connection) as queries:
        found = count_all(asked)
    assert len(queries) == 1
    assert found == expected
    assert found[:3] == [1, 7, 0]


def test_where_nothing_is_to_be_read_nothing_is_asked(people: dict[Role, Person]) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert count_all([]) == []
        assert count_all([3, Person.objects.none()]) == [3, 0]
    assert len(queries) == 0
