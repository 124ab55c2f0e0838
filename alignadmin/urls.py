"""Every address of the product."""

from django.urls import include, path

urlpatterns = [
    path("", include("alignadmin.site.health_urls")),
    path("help/", include("alignadmin.site.help_urls")),
    path("search/", include("alignadmin.site.search_urls")),
    path("accounts/notifications/", include("alignadmin.notifications.urls")),
    path("accounts/", include("alignadmin.accounts.urls")),
    path("operator/", include("alignadmin.site.operator_urls")),
    path("settings/", include("alignadmin.site.settings_urls")),
    path("history/", include("connectors.history.urls")),
    path("connectors/", include("connectors.setup.urls")),
    path("hooks/", include("connectors.webhooks.receiver_urls")),
    path("token/", include("connectors.credentials.owner_links.urls")),
    path("", include("mappings.urls")),
    path("api/v1/", include("alignadmin.site.api_urls")),
]

handler404 = "alignadmin.site.health_views.not_found"
handler500 = "alignadmin.site.error_views.failed"
handler429 = "alignadmin.accounts.signin.throttling.too_many_requests"  # looked up by allauth
