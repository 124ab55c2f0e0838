"""Every address of the product."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from alignadmin.accounts.people import views
from alignadmin.accounts.rights import Right
from alignadmin.site import health_views
from connectors.history.search import api as audit_api
from connectors.setup import api as connectors_api
from mappings import api as mappings_api


class Schema(SpectacularAPIView):
    right = Right.SEE


class SchemaPages(SpectacularSwaggerSplitView):
    """The one whose script is a file of its own, as the content security policy asks."""

    right = Right.SEE


router = SimpleRouter()
router.register("connectors", connectors_api.ConnectorViewSet, basename="api-connectors")
router.register("mappings", mappings_api.MappingViewSet, basename="api-mappings")
router.register("plans", mappings_api.PlanViewSet, basename="api-plans")
router.register("history", audit_api.HistoryViewSet, basename="api-history")

urlpatterns = [
    path("healthz", health_views.healthz, name="healthz"),
    path("readyz", health_views.readyz, name="readyz"),
    path("accounts/join/<str:uid>/<str:token>/", views.join, name="person-join"),
    path("accounts/", include("alignadmin.accounts.signin.urls")),
    path("settings/", include("alignadmin.site.settings_urls")),
    path("history/", include("connectors.history.urls")),
    path("connectors/", include("connectors.setup.urls")),
    path("", include("mappings.urls")),
    path("api/v1/", include(router.urls)),
    path("api/v1/schema/", Schema.as_view(), name="api-schema"),
    path("api/v1/docs/", SchemaPages.as_view(url_name="api-schema"), name="api-docs"),
]

handler404 = "alignadmin.site.health_views.not_found"
handler500 = "alignadmin.site.error_views.failed"
handler429 = "alignadmin.accounts.signin.throttling.too_many_requests"  # looked up by allauth
