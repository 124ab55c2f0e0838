"""The address of the operator's page."""

from django.urls import path

from alignadmin.site import operator_views

urlpatterns = [path("", operator_views.shown, name="operator")]
