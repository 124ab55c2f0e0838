"""`/metrics`, for a monitoring system of the operator."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.site.health_views import is_operator


@requires(Right.PUBLIC)
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures, in the text format of Prometheus; 403 without a word to whom `/readyz` gives its code alone."""
    if not is_operator(request):
        return HttpResponse(status=403)
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
