"""The history over REST: reading only, with the search of the page."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.viewsets import ReadOnlyModelViewSet

from alignadmin.accounts.requests import person_of
from alignadmin.accounts.rights import Right
from alignadmin.parsing import text_in, whole
from connectors.history.search import numbers, queries, query_language, visibility
from connectors.history.search.forms import FIELDS, QUALIFIER_OF, asked
from connectors.history.search.query_language import HistoryFilter
from connectors.models import HistoryRow, MirrorLine


class MirrorLineSerializer(serializers.ModelSerializer[MirrorLine]):
    class Meta:
        model = MirrorLine
        fields = ["id", "remote_id", "type", "user", "at", "description", "occurrence", "intake", "recorded_at"]


class HistoryRowSerializer(serializers.ModelSerializer[HistoryRow]):
    number = serializers.CharField(read_only=True, help_text="Of its entry, or line-57: as in the address of its page.")
    connector = serializers.SlugRelatedField[HistoryRow](slug_field="slug", read_only=True)
    line = MirrorLineSerializer(read_only=True)

    class Meta:
        model = HistoryRow
        exclude = ["id", "text", "match"]


class NewestFirst(BasePagination):
    """By key, not by offset: the ten-thousandth page costs what the first does."""

    size, most = 100, 1000

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        limit = whole(text_in(request.query_params, "limit"))
        size = self.size if limit is None else min(max(limit, 1), self.most)
        key, back = _cursor(text_in(request.query_params, "cursor"))
        before, after = (None, key) if back else (key, None)
        page = queries.history_page(view.selection(), before=before, after=after, size=size)
        self.older, self.newer = page.older, page.newer
        return list(page.rows)

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {
                "next": self._address(f"{self.older}" if self.older else None),
                "previous": self._address(f"-{self.newer}" if self.newer else None),
                "results": data,
            }
        )

    def _address(self, cursor: str | None) -> str | None:
        return cursor and replace_query_param(self.request.build_absolute_uri(), "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }


def _cursor(text: str) -> tuple[queries.PageBound | None, bool]:
    key = queries.read_key(text.removeprefix("-"))
    if text and key is None:
        raise NotFound("There is no such page: follow the addresses in next and previous.")
    return key, text.startswith("-")


PARAMETERS = [
    OpenApiParameter("q", description="A search as on the history page, e.g. action:updated type:story since:2026-03."),
    OpenApiParameter("cursor", description="A place in the list, as `next` and `previous` have it."),
    OpenApiParameter("limit", int, description="Rows at once, at most 1000."),
    *(
        OpenApiParameter(name, description=f"The same as {QUALIFIER_OF.get(name, name)}: in q.")
        for name in FIELDS
        if name != "q"
    ),
]


NUMBER = OpenApiParameter(
    "number", location=OpenApiParameter.PATH, description="Of the row's entry, such as 102; else of its line: line-57."
)


@extend_schema_view(list=extend_schema(parameters=PARAMETERS), retrieve=extend_schema(parameters=[NUMBER]))
class HistoryViewSet(ReadOnlyModelViewSet[HistoryRow]):
    right = Right.MAPPING_HISTORY
    queryset = HistoryRow.objects.select_related("connector", "line")
    serializer_class = HistoryRowSerializer
    pagination_class = NewestFirst
    filter_backends = ()
    lookup_field = "number"
    lookup_value_regex = numbers.NUMBER

    def get_object(self) -> HistoryRow:
        return numbers.found_or_404(self.kwargs["number"], person_of(self.request))

    def selection(self) -> HistoryFilter:
        wanted = asked(self.request.query_params)
        if troubles := query_language.trouble(wanted):
            raise ValidationError({"q": list(troubles)})
        chosen = visibility.select(wanted, person_of(self.request))
        assert chosen is not None  # noqa: S101  (it has no trouble)
        return chosen
