"""Addresses of what ends a connection, and of what goes on from one, below /connectors/."""

from django.urls import path

from connectors.setup.disconnecting import disconnect_views, former_choices_views

urlpatterns = [
    path("<slug:slug>/disconnect/", disconnect_views.disconnect_page, name="connector-disconnect"),
    path("<slug:slug>/export/", disconnect_views.export, name="connector-export"),
    path("<slug:slug>/former/", former_choices_views.former, name="connector-former"),
    path("<slug:slug>/connect-again/", disconnect_views.connect_again, name="connector-again"),
]
