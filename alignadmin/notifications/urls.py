"""Addresses below /accounts/notifications/."""

from django.urls import path

from alignadmin.notifications import views

urlpatterns = [
    path("", views.notifications, name="notifications"),
    path("read/", views.read_all, name="notifications-read"),
    path("<int:pk>/", views.notification, name="notification"),
]
