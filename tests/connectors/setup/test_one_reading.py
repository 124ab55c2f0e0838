"""What several parts of a page are worked out of is read once for all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from alignadmin.accounts.models import Role
from connectors.models import Connector

pytestmark = pytest.mark.django_db


def test_a_connector_s_page_reads_its_issue_types_once(
    connector: Connector, signed_in: Callable[[Role], Client]
) -> None:
    client = signed_in(Role.ADMIN)
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/connectors/acme/").status_code == 200
    of_types = [each["sql"] for each in captured if 'AS "hierarchy_level"' in each["sql"] and "EXISTS" in each["sql"]]
    assert len(of_types) == 1
