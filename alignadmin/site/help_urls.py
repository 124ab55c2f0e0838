"""Addresses below /help/. A topic is never "keys"."""

from django.urls import path

from alignadmin.site import help_views

urlpatterns = [
    path("", help_views.topics, name="help"),
    path("keys/", help_views.keys, name="help-keys"),
    path("<slug:topic>/", help_views.topic, name="help-topic"),
    path("<path:picture>", help_views.picture, name="help-picture"),
]
