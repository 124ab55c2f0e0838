"""Addresses below /connectors/. A slug is never "new"."""

from django.urls import path

from connectors.views import connectors

urlpatterns = [
    path("", connectors.connectors, name="connectors"),
    path("new/", connectors.new, name="connector-new"),
    path("<slug:slug>/", connectors.connector, name="connector"),
    path("<slug:slug>/edit/", connectors.edit, name="connector-edit"),
    path("<slug:slug>/credential/<slug:system>/", connectors.credential, name="connector-credential"),
    path("<slug:slug>/test/", connectors.test, name="connector-test"),
    path("<slug:slug>/refresh/", connectors.refresh, name="connector-refresh"),
    path("<slug:slug>/active/", connectors.active, name="connector-active"),
    path("<slug:slug>/confirm/", connectors.confirm, name="connector-confirm"),
    path("<slug:slug>/types/", connectors.types, name="connector-types"),
    path("<slug:slug>/job/<int:pk>/", connectors.job, name="connector-job"),
]
