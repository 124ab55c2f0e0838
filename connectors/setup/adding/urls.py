"""Addresses of the connector that is not here yet, below /connectors/."""

from django.urls import path

from connectors.setup.adding import views

urlpatterns = [
    path("new/", views.new, name="connector-new"),
    path("new/draft/", views.draft, name="connector-draft"),
    path("new/start-over/", views.start_over, name="connector-start-over"),
]
