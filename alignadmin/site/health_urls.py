"""What asks whether the site is there."""

from django.urls import path

from alignadmin.site import health_views, metrics_views

urlpatterns = [
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("metrics", metrics_views.metrics, name="metrics"),
]
