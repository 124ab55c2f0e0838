"""REST conventions: one error shape, and pages that stay cheap on long tables."""

from __future__ import annotations

from typing import Any

from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.views import exception_handler


class Pages(LimitOffsetPagination):
    default_limit = 100
    max_limit = 1000


def error_answer(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Errors are `{"error": sentence, "fields": {...}}`."""
    response = exception_handler(exc, context)
    if response is None:
        return None
    data = response.data
    if isinstance(data, dict) and "detail" in data:
        response.data = {"error": str(data["detail"])}
    else:
        response.data = {"error": "The request is not valid.", "fields": data}
    return response
