"""The addresses below /history/."""

from django.urls import path, register_converter

from connectors.history.cases import views as case_views
from connectors.history.intake import run_views
from connectors.history.intake import views as intake_views
from connectors.history.packs import views as pack_views
from connectors.history.reviews import quarter_views, question_views
from connectors.history.reviews import views as review_views
from connectors.history.reviews.quarters import QuarterSlug
from connectors.history.search import export_views, person_views, saved_search_views
from connectors.history.search import views as search_views
from connectors.history.search.numbers import RowNumber

register_converter(RowNumber, "row")
register_converter(QuarterSlug, "quarter")

urlpatterns = [
    path("", search_views.history, name="history"),
    path("export/", export_views.exported, name="history-export"),
    path("intake/", intake_views.take_in, name="history-intake"),
    path("intake/waiting/<uuid:key>/", intake_views.preview, name="history-intake-preview"),
    path("intake/<slug:slug>/", run_views.listed, name="history-runs"),
    path("intake/<slug:slug>/<int:run>/", run_views.one, name="history-run"),
    path("verify/", search_views.verify, name="history-verify"),
    path("verification/", search_views.verification_state, name="history-verification"),
    path("cases/", case_views.case_list, name="cases"),
    path("cases/explain/", case_views.explain_many, name="cases-explain"),
    path("cases/<int:case>/", case_views.case, name="case"),
    path("packs/", pack_views.listed, name="history-packs"),
    path("packs/new/", pack_views.new, name="history-pack-new"),
    path("packs/schedules/", pack_views.scheduled, name="history-pack-schedules"),
    path("packs/schedules/new/", pack_views.schedule_new, name="history-pack-schedule-new"),
    path(
        "packs/schedules/<int:schedule>/<slug:switch>/",
        pack_views.schedule_switch,
        name="history-pack-schedule-switch",
    ),
    path("packs/<uuid:pack>/", pack_views.one, name="history-pack"),
    path("packs/<uuid:pack>/file/", pack_views.file, name="history-pack-file"),
    path("packs/<uuid:pack>/again/", pack_views.again, name="history-pack-again"),
    path("review/", quarter_views.running, name="review"),
    path("review/<quarter:quarter>/", quarter_views.quarter, name="review-quarter"),
    path("review/<quarter:quarter>/sign/", quarter_views.sign, name="review-quarter-sign"),
    path("review/<slug:week>/", review_views.week, name="review-week"),
    path("review/<slug:week>/sample/", review_views.sample, name="review-sample"),
    path("review/<slug:week>/draft/", review_views.draft, name="review-draft"),
    path("review/<slug:week>/sign/", review_views.sign, name="review-sign"),
    path("people/<int:pk>/", person_views.person, name="history-person"),
    path("questions/", question_views.listed, name="questions"),
    path("questions/<int:pk>/", question_views.question, name="question"),
    path("<row:row>/ask/", question_views.ask, name="question-ask"),
    path("views/", saved_search_views.views, name="history-views"),
    path("views/<int:view>/", saved_search_views.change, name="history-view"),
    path("views/<int:view>/delete/", saved_search_views.delete, name="history-view-delete"),
    path("<row:row>/", search_views.row, name="history-row"),
]
