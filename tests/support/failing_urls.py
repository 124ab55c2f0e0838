"""The product's addresses and one that fails, to see what an unforeseen error tells."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from alignadmin.accounts.guard import requires
from alignadmin.accounts.rights import Right


@requires(Right.PUBLIC)
def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("c4n4ry")


handler500 = "alignadmin.site.error_views.failed"
urlpatterns = [path("fails/", fails), path("", include("alignadmin.urls"))]
