"""Addresses of the guided set-up below /connectors/."""

from django.urls import path

from connectors.setup.steps import terms_views, views

urlpatterns = [
    path("new/set-up/", views.need, name="setup-need"),
    path("new/set-up/<slug:step>/", views.before, name="setup-before"),
    path("<slug:slug>/level-names/", terms_views.name_levels, name="connector-level-names"),
    path("<slug:slug>/set-up/", views.begin, name="setup"),
    path("<slug:slug>/set-up/<slug:step>/", views.step_page, name="setup-step"),
]
