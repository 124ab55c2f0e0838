"""Those of allauth's pages that this product uses, each with its rule for the role test."""

from __future__ import annotations

from allauth.account import views
from django.urls import path

from connectors.rights import Right, requires

FORM = ("GET", "POST")
anybody = requires(Right.PUBLIC, methods=FORM)
signed_in = requires(Right.SIGNED_IN, Right.SIGNED_IN, FORM)

urlpatterns = [
    path("login/", anybody(views.login), name="account_login"),
    path("logout/", anybody(views.logout), name="account_logout"),
    path("inactive/", requires(Right.PUBLIC)(views.account_inactive), name="account_inactive"),
    path("reauthenticate/", signed_in(views.reauthenticate), name="account_reauthenticate"),
    path("password/change/", signed_in(views.password_change), name="account_change_password"),
]
