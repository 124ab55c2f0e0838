from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        from alignadmin import sealing
        from alignadmin.accounts.extensions import EXTENSIONS
        from alignadmin.audit import entries, triggers
        from alignadmin.search import kinds
        from alignadmin.web.navigation import ATTENTION
        from connectors.catalogue import jira_lists, job, refresh  # noqa: F401
        from connectors.catalogue import schedule as catalogue_schedule  # noqa: F401
        from connectors.catalogue.search_names import PROJECTS, STATUSES
        from connectors.credentials import probing, reminders  # noqa: F401  registers its job, as the others do that are not used here
        from connectors.credentials.succession import CredentialHoldings
        from connectors.credentials.values import CREDENTIALS
        from connectors.explorer import job as query_job  # noqa: F401
        from connectors.history.cases import services as cases
        from connectors.history.intake import schedule  # noqa: F401
        from connectors.history.mirror import listener, remaking, search_index
        from connectors.history.packs import schedules, services  # noqa: F401
        from connectors.history.reviews import questions, sign_off
        from connectors.history.search.person_changes import changes_of
        from connectors.history.verification import services as verification  # noqa: F401
        from connectors.setup.guessable import guessable_words
        from connectors.setup.search_names import CONNECTORS

        sealing.register(CREDENTIALS)
        EXTENSIONS.holdings = CredentialHoldings()
        EXTENSIONS.guessable_words = guessable_words
        EXTENSIONS.changes = changes_of
        entries.on_appended(listener.project)
        jira_lists.on_statuses_moved(remaking.follow_statuses)
        kinds.register(PROJECTS, STATUSES, CONNECTORS)
        ATTENTION.extend([questions.TO_YOU, cases.NOT_EXPLAINED, sign_off.OVERDUE])

        triggers.protect("connectors_mirrorline")
        triggers.protect("connectors_intakerun", key="number")
        triggers.protect("connectors_seenagain")
        triggers.protect("connectors_runwithdrawal", key="run_id")
        post_migrate.connect(triggers.on_migrated, sender=self)
        post_migrate.connect(search_index.on_migrated, sender=self)
