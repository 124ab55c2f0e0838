"""The address that a link for the owner of a token leads to."""

from django.urls import path

from connectors.credentials.owner_links import views

urlpatterns = [path("<str:token>/", views.enter, name="owner-link")]
