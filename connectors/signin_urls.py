"""Those of allauth's pages that this product uses, each with its rule for the role test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account import views
from django.http import HttpResponse
from django.urls import path

from connectors.rights import Right

Page = Callable[..., HttpResponse]


def ruled(view: Page, right: Right) -> Page:
    """allauth guards its own views; the rule says what that guard is."""

    def page(*args: Any, **kwargs: Any) -> HttpResponse:
        return view(*args, **kwargs)

    page.rule = (right, right, ("GET", "POST"))  # type: ignore[attr-defined]
    return page


urlpatterns = [
    path("login/", ruled(views.login, Right.PUBLIC), name="account_login"),
    path("logout/", ruled(views.logout, Right.PUBLIC), name="account_logout"),
    path("inactive/", ruled(views.account_inactive, Right.PUBLIC), name="account_inactive"),
    path("reauthenticate/", ruled(views.reauthenticate, Right.SIGNED_IN), name="account_reauthenticate"),
    path("password/change/", ruled(views.password_change, Right.SIGNED_IN), name="account_change_password"),
]
