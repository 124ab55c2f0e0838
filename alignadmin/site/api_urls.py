"""Addresses below /api/v1/."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from alignadmin.accounts.rights import Right
from connectors.history.search import api as history
from connectors.setup import api as connectors
from connectors.setup.scope import api as projects
from connectors.setup.steps import api as setup_steps
from mappings import api as mappings


class Schema(SpectacularAPIView):
    right = Right.SEE


class SchemaPages(SpectacularSwaggerSplitView):
    """The one whose script is a file of its own, as the content security policy asks."""

    right = Right.SEE


router = SimpleRouter()
router.register("connectors", connectors.ConnectorViewSet, basename="api-connectors")
router.register("set-up", setup_steps.SetupViewSet, basename="api-setup")
router.register("projects", projects.ProjectViewSet, basename="api-projects")
router.register("mappings", mappings.MappingViewSet, basename="api-mappings")
router.register("compared-items", mappings.ComparedItemViewSet, basename="api-compared-items")
router.register("plans", mappings.PlanViewSet, basename="api-plans")
router.register("history", history.HistoryViewSet, basename="api-history")

urlpatterns = [
    path("", include(router.urls)),
    path("schema/", Schema.as_view(), name="api-schema"),
    path("docs/", SchemaPages.as_view(url_name="api-schema"), name="api-docs"),
]
