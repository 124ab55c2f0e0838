"""What belongs to no part of the product: the health check and the answer to an unknown address."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from connectors.rights import Right, requires


@requires(Right.PUBLIC)
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this process answers and its database does; 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"web": "ok", "database": "failed"}, status=503)
    return JsonResponse({"web": "ok", "database": "ok"})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)
