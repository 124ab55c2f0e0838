from django.apps import AppConfig


class MappingsConfig(AppConfig):
    name = "mappings"

    def ready(self) -> None:
        from alignadmin import figures
        from alignadmin.accounts.rights import Right
        from alignadmin.notifications import kinds as notification_kinds
        from alignadmin.search import kinds
        from alignadmin.web.navigation import ALARMS, ATTENTION
        from connectors.ports import extensions, tabs
        from connectors.ports.looked_at import on_looked_at
        from mappings import tasks  # noqa: F401  registers the job handlers in every process, as the next ones do
        from mappings.applying.figures import APPLY_FIGURES
        from mappings.configuration import subjects
        from mappings.configuration.notices import DECIDED, PROPOSED
        from mappings.contract import facts, job  # noqa: F401
        from mappings.drift import alerts, digest, watch  # noqa: F401  register what they do by the clock
        from mappings.drift.figures import DRIFT_FIGURES
        from mappings.drift.queries import TO_REVIEW
        from mappings.edits import queries
        from mappings.extensions import MappingExtensions
        from mappings.fields.subject import FieldPairs
        from mappings.hierarchy.subject import HIERARCHY
        from mappings.in_use import rounds  # noqa: F401  counts by the clock
        from mappings.items.agreement import announced, clock  # noqa: F401
        from mappings.items.agreement.notices import ITEMS_APART
        from mappings.items.importing import job as import_job  # noqa: F401
        from mappings.items.importing.search_names import IMPORTS
        from mappings.items.importing.trial import job as trial_job  # noqa: F401
        from mappings.items.importing.undoing import job as undoing_job  # noqa: F401
        from mappings.items.progress import job as progress_job  # noqa: F401
        from mappings.items.rehearsal import job as rehearsal_job  # noqa: F401
        from mappings.items.round_trip import job as round_trip_job  # noqa: F401
        from mappings.items.scope.subject import ISSUES_TO_IMPORT
        from mappings.planning import (
            notifications,
            search_names,
        )
        from mappings.planning.approval_asks import ASKED
        from mappings.planning.plan_outcomes import OUTCOME

        figures.register(DRIFT_FIGURES, APPLY_FIGURES)
        extensions.fill(MappingExtensions())
        subjects.register(FieldPairs())
        subjects.register(ISSUES_TO_IMPORT)
        ALARMS.append(facts.ALARM)
        kinds.register(search_names.PLANS, IMPORTS)
        subjects.register(HIERARCHY)
        notification_kinds.register(
            ASKED, OUTCOME, PROPOSED, DECIDED, ITEMS_APART, fixed=[digest.MAIL, alerts.MAIL, *notifications.FIXED]
        )
        tabs.add(tabs.ConnectorTab(label="Agreement", page="agreement", right=Right.ITEMS), before="Webhook")
        on_looked_at(announced.mark_looked_at)
        ATTENTION.extend([queries.TO_APPROVE_OR_APPLY, TO_REVIEW])
