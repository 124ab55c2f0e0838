"""Addresses below /accounts/."""

from django.urls import include, path

urlpatterns = [
    path("", include("alignadmin.accounts.people.join_urls")),
    path("", include("alignadmin.accounts.signin.urls")),
]
