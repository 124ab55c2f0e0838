"""REST, read side: the steps of a connector's set-up and what each has checked."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from alignadmin.accounts.rights import Right
from connectors.ports.connected import disconnected_sentence
from connectors.ports.requests import with_credentials_or_404
from connectors.setup.steps.guide import guide_of


class SetupCheckSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field's own name, which DRF's stubs reserve
    severity = serializers.CharField()
    state = serializers.CharField()
    sentence = serializers.CharField()
    serves = serializers.ListField(child=serializers.CharField())
    at = serializers.DateTimeField(allow_null=True)
    by = serializers.CharField(help_text="Who confirmed it; empty where nobody has to.")


class SetupStepSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.CharField()
    checks = SetupCheckSerializer(many=True)


class SetupSerializer(serializers.Serializer[Any]):
    connector = serializers.CharField(source="slug")
    disconnected = serializers.CharField(
        help_text="Since when and by whom, of a connector that is disconnected: nothing of it is checked. Else empty."
    )
    steps = SetupStepSerializer(many=True)


class SetupViewSet(viewsets.ViewSet):
    """The ten steps of a connector's set-up, worked out anew with each request; nothing is asked of Align or Jira."""

    right = Right.SEE
    lookup_field = "slug"

    @extend_schema(parameters=[OpenApiParameter("slug", str, OpenApiParameter.PATH)], responses=SetupSerializer)
    def retrieve(self, request: Request, slug: str) -> Response:
        connector = with_credentials_or_404(slug)
        guide = guide_of(connector)
        since = disconnected_sentence(connector) if connector.disconnected_at else ""
        return Response(SetupSerializer({"slug": slug, "disconnected": since, "steps": guide.steps}).data)
