from __future__ import annotations

import pytest
from pytest_django import Settings

from connectors.models import Connector, Project, ScopeChoice
from tests.support.agreement_helpers import TwoSides
from tests.support.sandbox_fixture import RunningSandbox

COMPARED = ("PAY", "PROJ")


@pytest.fixture
def sides(connector: Connector, sandbox: RunningSandbox, settings: Settings) -> TwoSides:
    """Align's connector really moves items, and what it does not move at once it never will."""
    settings.AGREEMENT_LEAST_LAG = 0.0
    sandbox.reset(connector_moves="yes")
    others = Project.objects.exclude(key__in=COMPARED)
    others.update(scope_choice=ScopeChoice.OUT, in_scope=False)  # what is compared takes its time
    return TwoSides(sandbox)
