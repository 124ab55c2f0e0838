"""The operator's page: one look over all connectors. It only looks, and refreshes itself while it is visible."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right
from alignadmin.site.operator_page import OperatorPage
from alignadmin.web.responses import page


@requires(Right.CONFIGURE)
def shown(request: HttpRequest) -> HttpResponse:
    context = {"page": OperatorPage()}
    return page(request, "alignadmin/site/operator.html", context, fragment="alignadmin/site/_operator.html")
