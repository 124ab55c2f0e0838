"""What programs ask of the site: whether it is there, how it fares, and whether they may walk its pages."""

from django.urls import path

from alignadmin.site import health_views, metrics_views

urlpatterns = [
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("robots.txt", health_views.robots, name="robots"),
    path("metrics", metrics_views.metrics, name="metrics"),
]
