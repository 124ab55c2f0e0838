"""The address of the search."""

from django.urls import path

from alignadmin.site import search_views

urlpatterns = [path("", search_views.search, name="search")]
