from __future__ import annotations

import pytest

from alignadmin.accounts.models import Person
from connectors.models import Connector
from tests.support.sandbox_fixture import RunningSandbox
from tests.support.webhook_helpers import HookedConnector, hooked_connector


@pytest.fixture
def hooked(
    transactional_db: None, bare_connector: Connector, sandbox: RunningSandbox, admin: Person
) -> HookedConnector:
    return hooked_connector(bare_connector, sandbox, admin)
