"""REST, read side: connectors, without their secrets."""

from __future__ import annotations

from rest_framework import serializers, viewsets

from alignadmin.accounts.rights import Right
from connectors.models import Connector


class ConnectorSerializer(serializers.ModelSerializer[Connector]):
    state = serializers.ChoiceField(
        choices=["active", "deactivated", "disconnected"], read_only=True, help_text="disconnected: no credential"
    )

    class Meta:
        model = Connector
        fields = [
            "slug",
            "name",
            "align_site",
            "align_connector_id",
            "jira_site",
            "jira_kind",
            "is_active",
            "state",
            "disconnected_at",
            "catalogue_at",
            "answered_at",
            "last_error",
            "audit_source",
            "intake_at",
        ]


class ConnectorViewSet(viewsets.ReadOnlyModelViewSet[Connector]):
    """Every connector, with when it last answered and how old its catalogue is. Secrets are never part of it."""

    right = Right.SEE
    lookup_field = "slug"
    queryset = Connector.objects.order_by("name", "pk")
    serializer_class = ConnectorSerializer
    filterset_fields = ["is_active", "jira_kind"]
