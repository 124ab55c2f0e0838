"""Addresses of the overview, the matrix and the plans."""

from django.urls import path

from mappings.configuration import views as configuration
from mappings.contract import views
from mappings.drift import views as drift
from mappings.fields import views as fields
from mappings.hierarchy import views as hierarchy
from mappings.items.agreement import views as agreement
from mappings.items.explaining import views as explaining
from mappings.items.importing import views as importing
from mappings.items.importing.trial import views as item_trials
from mappings.items.importing.undoing import views as undoing
from mappings.items.progress import views as item_progress
from mappings.items.rehearsal import views as rehearsal
from mappings.items.round_trip import views as round_trip
from mappings.items.scope import views as import_scope
from mappings.matrix import views as matrix
from mappings.overview import views as overview
from mappings.plans import rules_views
from mappings.plans import views as plans

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("mappings/", overview.first_matrix, name="mappings"),
    path("connectors/<slug:slug>/coverage/", overview.coverage, name="coverage"),
    path("connectors/<slug:slug>/mappings/", matrix.matrix, name="matrix"),
    path("connectors/<slug:slug>/mappings/cell/", matrix.cell, name="matrix-cell"),
    path("connectors/<slug:slug>/mappings/list/", matrix.save_list, name="matrix-list"),
    path("connectors/<slug:slug>/mappings/undo/", matrix.undo, name="matrix-undo"),
    path("connectors/<slug:slug>/mappings/redo/", matrix.redo, name="matrix-redo"),
    path("connectors/<slug:slug>/mappings/drop/", matrix.drop, name="matrix-drop"),
    path("connectors/<slug:slug>/mappings/decide/", drift.decide_one, name="matrix-decide"),
    path("connectors/<slug:slug>/mappings/keep/", matrix.keep, name="matrix-keep"),
    path("connectors/<slug:slug>/mappings/copy/", matrix.copy, name="matrix-copy"),
    path("connectors/<slug:slug>/mappings/refresh/", matrix.refresh, name="matrix-refresh"),
    path("connectors/<slug:slug>/mappings/count/", matrix.count, name="matrix-count"),
    path("connectors/<slug:slug>/fields/", fields.fields, name="fields"),
    path("connectors/<slug:slug>/fields/pair/", fields.pair, name="field-pair"),
    path("connectors/<slug:slug>/fields/read/", fields.read, name="fields-read"),
    path("connectors/<slug:slug>/rules/", rules_views.rules, name="connector-rules"),
    path("connectors/<slug:slug>/contract/", views.contract, name="connector-contract"),
    path("connectors/<slug:slug>/contract/look/", views.observe, name="contract-look"),
    path("connectors/<slug:slug>/contract/note/", views.acknowledge, name="contract-note"),
    path("connectors/<slug:slug>/contract/types/", views.type_ids, name="contract-types"),
    path("connectors/<slug:slug>/hierarchy/", hierarchy.hierarchy, name="hierarchy"),
    path("connectors/<slug:slug>/hierarchy/start/", hierarchy.start_from, name="hierarchy-start"),
    path("connectors/<slug:slug>/agreement/", agreement.agreement, name="agreement"),
    path("connectors/<slug:slug>/agreement/compare/", agreement.compare, name="agreement-compare"),
    path("connectors/<slug:slug>/agreement/switch/", agreement.switch, name="agreement-switch"),
    path("connectors/<slug:slug>/agreement/link/", agreement.link, name="agreement-link"),
    path("connectors/<slug:slug>/explain/", explaining.explain, name="explain"),
    path("connectors/<slug:slug>/imports/", importing.imports, name="imports"),
    path("connectors/<slug:slug>/imports/trials/", item_trials.trials, name="item-trials"),
    path("connectors/<slug:slug>/imports/trials/start/", item_trials.start, name="item-trial-start"),
    path("connectors/<slug:slug>/imports/trials/control/", item_trials.control, name="item-trial-control"),
    path("imports/<int:pk>/", importing.import_run, name="import-run"),
    path("imports/<int:pk>/approve/", importing.approve, name="import-approve"),
    path("imports/<int:pk>/cancel/", importing.cancel, name="import-cancel"),
    path("imports/<int:pk>/control/", importing.control, name="import-control"),
    path("imports/<int:pk>/choose/", importing.choose, name="import-choose"),
    path("imports/<int:pk>/roll-back/", undoing.undo, name="import-undo"),
    path("imports/<int:pk>/roll-back/approve/", undoing.approve, name="import-undo-approve"),
    path("imports/<int:pk>/roll-back/control/", undoing.control, name="import-undo-control"),
    path("imports/<int:pk>/report/", importing.report, name="import-report"),
    path("connectors/<slug:slug>/progress/", item_progress.progress, name="progress"),
    path("connectors/<slug:slug>/verify/", round_trip.verify, name="verify"),
    path("verifications/<int:pk>/", round_trip.verification, name="verification"),
    path("verifications/<int:pk>/approve/", round_trip.approve, name="verification-approve"),
    path("verifications/<int:pk>/stop/", round_trip.stop, name="verification-stop"),
    path("verifications/<int:pk>/put-back/", round_trip.put_back, name="verification-put-back"),
    path("verifications/<int:pk>/leave/", round_trip.leave, name="verification-leave"),
    path("verifications/<int:pk>/discard/", round_trip.discard, name="verification-discard"),
    path("connectors/<slug:slug>/rehearsals/", rehearsal.rehearsals, name="rehearsals"),
    path("connectors/<slug:slug>/rehearsals/<int:project>/", rehearsal.rehearsal, name="rehearsal"),
    path("connectors/<slug:slug>/import-scope/", import_scope.import_scope, name="import-scope"),
    path("connectors/<slug:slug>/draft/<slug:subject>/undo/", configuration.undo, name="configuration-undo"),
    path("connectors/<slug:slug>/draft/<slug:subject>/drop/", configuration.drop, name="configuration-drop"),
    path("connectors/<slug:slug>/draft/<slug:subject>/propose/", configuration.propose, name="configuration-propose"),
    path("proposals/<int:pk>/", configuration.proposal, name="configuration-proposal"),
    path("proposals/<int:pk>/approve/", configuration.approve, name="configuration-approve"),
    path("proposals/<int:pk>/decline/", configuration.decline, name="configuration-decline"),
    path("proposals/<int:pk>/withdraw/", configuration.withdraw, name="configuration-withdraw"),
    path("drift/", drift.first_drift, name="first-drift"),
    path("connectors/<slug:slug>/drift/", drift.drift, name="drift"),
    path("connectors/<slug:slug>/drift/confirm/", drift.confirm, name="drift-confirm"),
    path("connectors/<slug:slug>/drift/decide/", drift.decide, name="drift-decide"),
    path("connectors/<slug:slug>/drift/seen/", drift.mark_seen, name="drift-seen"),
    path("connectors/<slug:slug>/drift/check/", drift.check, name="drift-check"),
    path("connectors/<slug:slug>/plan/", plans.new, name="plan-new"),
    path("plans/", plans.plans, name="plans"),
    path("plans/<int:pk>/", plans.plan, name="plan"),
    path("plans/<int:pk>/approve/", plans.approve, name="plan-approve"),
    path("plans/<int:pk>/ask/", plans.ask, name="plan-ask"),
    path("plans/<int:pk>/emergency/", rules_views.emergency, name="plan-emergency"),
    path("plans/<int:pk>/noted/", rules_views.acknowledge, name="plan-noted"),
    path("plans/<int:pk>/apply/", plans.apply, name="plan-apply"),
    path("plans/<int:pk>/refresh/", plans.refresh, name="plan-refresh"),
    path("plans/<int:pk>/retry/", plans.retry, name="plan-retry"),
    path("plans/<int:pk>/roll-back/", plans.back, name="plan-roll-back"),
    path("plans/<int:pk>/changes/<int:position>/put-back/", plans.put_back, name="plan-put-back"),
    path("plans/<int:pk>/<str:command>/", plans.control, name="plan-control"),
]
