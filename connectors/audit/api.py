"""The history over REST: reading only, with the filters of the page."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.viewsets import ReadOnlyModelViewSet

from connectors.audit.forms import HistoryFilter
from connectors.audit.models import HistoryRow, MirrorLine
from connectors.rights import Right


class MirrorLineSerializer(serializers.ModelSerializer[MirrorLine]):
    class Meta:
        model = MirrorLine
        fields = ["remote_id", "type", "user", "at", "description", "occurrence", "intake", "recorded_at"]


class HistoryRowSerializer(serializers.ModelSerializer[HistoryRow]):
    connector = serializers.SlugRelatedField[HistoryRow](slug_field="slug", read_only=True)
    line = MirrorLineSerializer(read_only=True)

    class Meta:
        model = HistoryRow
        exclude = ["text", "match"]


class NewestFirst(CursorPagination):
    """By key, not by offset: the ten-thousandth page costs what the first does."""

    ordering = ("-at", "-id")
    page_size = 100
    page_size_query_param = "limit"
    max_page_size = 1000


class HistoryViewSet(ReadOnlyModelViewSet[HistoryRow]):
    right = Right.HISTORY
    queryset = HistoryRow.objects.select_related("connector", "line")
    serializer_class = HistoryRowSerializer
    filterset_class = HistoryFilter
    pagination_class = NewestFirst
