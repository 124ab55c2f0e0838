"""The address that an invitation leads to."""

from django.urls import path

from alignadmin.accounts.people import views

urlpatterns = [path("join/<str:uid>/<str:token>/", views.join, name="person-join")]
