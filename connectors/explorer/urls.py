"""The addresses below /connectors/{slug}/explorer/."""

from django.urls import path

from connectors.explorer import run_views, views

urlpatterns = [
    path("<slug:slug>/explorer/", views.explorer, name="explorer"),
    path("<slug:slug>/explorer/access/", views.access, name="explorer-access"),
    path("<slug:slug>/explorer/saved/<int:query>/", views.rename, name="explorer-rename"),
    path("<slug:slug>/explorer/saved/<int:query>/delete/", views.unsave, name="explorer-unsave"),
    path("<slug:slug>/explorer/runs/<uuid:query_run>/", run_views.one, name="explorer-run"),
    path("<slug:slug>/explorer/runs/<uuid:query_run>/stop/", run_views.stop, name="explorer-stop"),
    path("<slug:slug>/explorer/runs/<uuid:query_run>/rows.<slug:form>", run_views.file, name="explorer-file"),
]
