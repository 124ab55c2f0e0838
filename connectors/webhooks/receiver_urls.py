"""Where Jira delivers to. The address is the secret: whoever is told one may deliver."""

from django.urls import path

from connectors.webhooks import receiver_views

urlpatterns = [path("<str:address>/", receiver_views.receive, name="hook")]
