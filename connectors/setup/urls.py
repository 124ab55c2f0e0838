"""Addresses below /connectors/. A slug is never "new" or "credentials"."""

from django.urls import include, path

from connectors.budget import views
from connectors.credentials.owner_links import ask_views as owner_links
from connectors.credentials.pages import calendar_views
from connectors.credentials.pages import views as credentials
from connectors.setup import hand_over_views, maintenance_views, pull_address_views, tab_views
from connectors.setup import views as connectors

urlpatterns = [
    path("", connectors.connectors, name="connectors"),
    path("", include("connectors.setup.adding.urls")),
    path("", include("connectors.setup.steps.urls")),
    path("", include("connectors.setup.scope.urls")),
    path("", include("connectors.setup.disconnecting.urls")),
    path("credentials/", calendar_views.credentials, name="credentials"),
    path("<slug:slug>/", tab_views.connector, name="connector"),
    path("<slug:slug>/projects/", tab_views.projects, name="connector-projects"),
    path("<slug:slug>/types/", tab_views.types, name="connector-types"),
    path("<slug:slug>/terms/", tab_views.terms, name="connector-terms"),
    path("<slug:slug>/credentials/", tab_views.credentials, name="connector-credentials"),
    path("<slug:slug>/checks/", tab_views.checks, name="connector-checks"),
    path("<slug:slug>/test/", tab_views.test, name="connector-test"),
    path("<slug:slug>/settings/", tab_views.settings, name="connector-settings"),
    path("<slug:slug>/edit/", connectors.edit, name="connector-edit"),
    path("<slug:slug>/hand-over/", hand_over_views.hand_over, name="connector-hand-over"),
    path("<slug:slug>/pull-address/", pull_address_views.pull_address, name="connector-pull-address"),
    path("<slug:slug>/credential/<slug:system>/", credentials.credential, name="connector-credential"),
    path("<slug:slug>/credential/<slug:system>/probe/", credentials.probe, name="credential-probe"),
    path("<slug:slug>/credential/<slug:system>/switch/", credentials.switch, name="credential-switch"),
    path("<slug:slug>/credential/<slug:system>/discard/", credentials.discard, name="credential-discard"),
    path("<slug:slug>/credential/<slug:system>/back/", credentials.back, name="credential-back"),
    path("<slug:slug>/credential/<slug:system>/retire/", credentials.retire, name="credential-retire"),
    path("<slug:slug>/credential/<slug:system>/again/", credentials.again, name="credential-again"),
    path("<slug:slug>/credential/<slug:system>/owners/", credentials.owners, name="credential-owners"),
    path("<slug:slug>/credential/<slug:system>/ask/", owner_links.ask, name="owner-link-ask"),
    path("<slug:slug>/credential/<slug:system>/ask/withdraw/", owner_links.withdraw, name="owner-link-withdraw"),
    path("<slug:slug>/refresh/", connectors.refresh, name="connector-refresh"),
    path("<slug:slug>/active/", connectors.active, name="connector-active"),
    path("<slug:slug>/confirm/", connectors.confirm, name="connector-confirm"),
    path("<slug:slug>/maintenance/", maintenance_views.maintenance, name="connector-maintenance"),
    path("<slug:slug>/maintenance/begin/", maintenance_views.begin, name="connector-maintenance-begin"),
    path("<slug:slug>/maintenance/end/", maintenance_views.end, name="connector-maintenance-end"),
    path("<slug:slug>/job/<int:pk>/", connectors.job, name="connector-job"),
    path("<slug:slug>/budget/", views.budget, name="connector-budget"),
    path("", include("connectors.explorer.urls")),
    path("", include("connectors.webhooks.urls")),
]
