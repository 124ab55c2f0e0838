"""Addresses of the overview, the matrix and the plans."""

from django.urls import path

from mappings.views import matrix, overview, plans

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("mappings/", overview.first_matrix, name="mappings"),
    path("connectors/<slug:slug>/mappings/", matrix.matrix, name="matrix"),
    path("connectors/<slug:slug>/mappings/cell/", matrix.cell, name="matrix-cell"),
    path("connectors/<slug:slug>/mappings/list/", matrix.save_list, name="matrix-list"),
    path("connectors/<slug:slug>/mappings/undo/", matrix.undo, name="matrix-undo"),
    path("connectors/<slug:slug>/mappings/redo/", matrix.redo, name="matrix-redo"),
    path("connectors/<slug:slug>/mappings/drop/", matrix.drop, name="matrix-drop"),
    path("connectors/<slug:slug>/mappings/decide/", matrix.decide, name="matrix-decide"),
    path("connectors/<slug:slug>/mappings/keep/", matrix.keep, name="matrix-keep"),
    path("connectors/<slug:slug>/mappings/refresh/", matrix.refresh, name="matrix-refresh"),
    path("connectors/<slug:slug>/plan/", plans.new, name="plan-new"),
    path("plans/", plans.plans, name="plans"),
    path("plans/<int:pk>/", plans.plan, name="plan"),
    path("plans/<int:pk>/approve/", plans.approve, name="plan-approve"),
    path("plans/<int:pk>/apply/", plans.apply, name="plan-apply"),
    path("plans/<int:pk>/refresh/", plans.refresh, name="plan-refresh"),
    path("plans/<int:pk>/<str:wish>/", plans.control, name="plan-control"),
]
