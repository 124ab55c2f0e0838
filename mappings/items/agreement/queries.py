"""What is compared and what came of it, for jobs, pages and the clock."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q, QuerySet

from connectors.models import Carried, Connector, Project, in_scope_here
from mappings.models import AgreementSetting


def compared_projects(connector: Connector) -> QuerySet[Project]:
    """In scope here: those that Align carries, or may carry, and those of ours."""
    carried = ~Q(carried=Carried.NO) | Q(ours_at__isnull=False)
    return Project.objects.filter(in_scope_here(), carried, connector=connector).order_by("pk")


def setting_of(connector: Connector) -> AgreementSetting:
    """Off, and not stored, where nobody has switched it."""
    found = AgreementSetting.objects.filter(connector=connector).first()
    return found or AgreementSetting(connector=connector)


def lag_of(connector: Connector) -> tuple[Sequence[float], float]:
    """The carry times that were seen, and the least that is taken for usual, in seconds."""
    return setting_of(connector).lags, settings.AGREEMENT_LEAST_LAG
