"""The address that a link for the owner of a token has, and the one that it leads to."""

from django.urls import path

from connectors.credentials.owner_links import owner_views

urlpatterns = [
    path("<str:token>/", owner_views.follow, name="owner-link"),
    path("enter/<int:link>/", owner_views.enter, name="owner-link-enter"),
]
