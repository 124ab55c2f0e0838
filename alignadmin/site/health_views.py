"""What belongs to no part of the product: health checks, what crawlers ask first, the answer to an unknown address."""

from __future__ import annotations

import ipaddress
import secrets

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.audit.models import ChainHead
from alignadmin.site import health

# What proxies add: then the address of the connection is a proxy's own, and what it says of its caller is no proof that
# somebody sits at this machine.
TRACES_OF_A_PROXY = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "x-envoy-external-address"}
)
FORWARDED = "x-forwarded-"


@requires(Right.PUBLIC)
def healthz(request: HttpRequest) -> HttpResponse:
    """200 when this process answers and its database has our tables; 503 otherwise. One query, for every second."""
    try:
        # 2.5 times as fast as exists() (SQLite 7.4), and by it the whole answer 1.2 times (SQLite 1.3).
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {ChainHead._meta.db_table}")  # noqa: S608  # nosec B608  # our own name
            cursor.fetchone()
    except DatabaseError:
        return JsonResponse({"web": "ok", "database": "failed"}, status=503)
    return JsonResponse({"web": "ok", "database": "ok"})


@requires(Right.PUBLIC)
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the whole installation can work, else 503. What is wrong is told to its operator alone."""
    parts = health.parts()
    is_ready = all(part.ok for part in parts)
    status = 200 if is_ready else 503
    if not is_operator(request):
        return HttpResponse(status=status)
    reported = {part.name: {"ok": part.ok, "says": part.says, **part.figures} for part in parts}
    return JsonResponse({"ready": is_ready, "parts": reported}, status=status)


@requires(Right.PUBLIC)
def robots(request: HttpRequest) -> HttpResponse:
    """No search engine has to walk here: all it could meet is the page to sign in."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")


def is_operator(request: HttpRequest) -> bool:
    """Who asks from this very machine, past no proxy at all, or knows READY_TOKEN."""
    token = settings.READY_TOKEN
    said = request.headers.get("Authorization", "")
    if token and secrets.compare_digest(said.encode(), f"Bearer {token}".encode()):
        return True
    return not _came_through_a_proxy(request) and is_loopback(request.META.get("REMOTE_ADDR", ""))


def _came_through_a_proxy(request: HttpRequest) -> bool:
    """Named by TRUSTED_PROXIES or not: one on this machine makes everybody seem to come from here."""
    names = [name.lower() for name in request.headers]
    return any(name in TRACES_OF_A_PROXY or name.startswith(FORWARDED) for name in names)


def is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return bool((mapped or found).is_loopback)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)
