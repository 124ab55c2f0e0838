"""Addresses of the acts of step 4, below /connectors/."""

from django.urls import path

from connectors.setup.scope import ours_views, views

urlpatterns = [
    path("<slug:slug>/set-up/projects/scope/", views.choose, name="setup-scope"),
    path("<slug:slug>/set-up/projects/check/", views.check, name="setup-projects-check"),
    path("<slug:slug>/set-up/projects/ours/", ours_views.confirm, name="setup-ours"),
    path("<slug:slug>/set-up/projects/ours/choose/", ours_views.choose, name="setup-ours-choose"),
    path("<slug:slug>/set-up/projects/<int:pk>/boards/", views.boards, name="setup-boards"),
]
