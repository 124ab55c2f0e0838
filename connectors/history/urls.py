"""The addresses below /history/."""

from django.urls import path, register_converter

from connectors.history.cases import views
from connectors.history.intake import run_views
from connectors.history.packs import views as pages_packs
from connectors.history.reviews import question_views
from connectors.history.reviews import views as pages_review
from connectors.history.search import saved_search_views
from connectors.history.search import views as pages
from connectors.history.search.numbers import RowNumber

register_converter(RowNumber, "row")

urlpatterns = [
    path("", pages.history, name="history"),
    path("intake/", pages.take_in, name="history-intake"),
    path("intake/<slug:slug>/", run_views.listed, name="history-runs"),
    path("intake/<slug:slug>/<int:run>/", run_views.one, name="history-run"),
    path("verify/", pages.verify, name="history-verify"),
    path("verification/", pages.verification_state, name="history-verification"),
    path("cases/", views.case_list, name="cases"),
    path("cases/explain/", views.explain_many, name="cases-explain"),
    path("cases/<int:case>/", views.case, name="case"),
    path("packs/", pages_packs.listed, name="history-packs"),
    path("packs/new/", pages_packs.new, name="history-pack-new"),
    path("packs/schedules/", pages_packs.scheduled, name="history-pack-schedules"),
    path("packs/schedules/new/", pages_packs.schedule_new, name="history-pack-schedule-new"),
    path(
        "packs/schedules/<int:schedule>/<slug:switch>/",
        pages_packs.schedule_switch,
        name="history-pack-schedule-switch",
    ),
    path("packs/<uuid:pack>/", pages_packs.one, name="history-pack"),
    path("packs/<uuid:pack>/file/", pages_packs.file, name="history-pack-file"),
    path("packs/<uuid:pack>/again/", pages_packs.again, name="history-pack-again"),
    path("review/", pages_review.listed, name="review"),
    path("review/<slug:week>/", pages_review.week, name="review-week"),
    path("review/<slug:week>/sample/", pages_review.sample, name="review-sample"),
    path("review/<slug:week>/sign/", pages_review.sign, name="review-sign"),
    path("questions/", question_views.listed, name="questions"),
    path("questions/<int:pk>/", question_views.question, name="question"),
    path("<row:row>/ask/", question_views.ask, name="question-ask"),
    path("views/", saved_search_views.views, name="history-views"),
    path("views/<int:view>/", saved_search_views.change, name="history-view"),
    path("views/<int:view>/delete/", saved_search_views.delete, name="history-view-delete"),
    path("<row:row>/", pages.row, name="history-row"),
]
