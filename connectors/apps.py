from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        from alignadmin import figures, sealing
        from alignadmin.accounts.extensions import EXTENSIONS
        from alignadmin.audit import entries, triggers
        from alignadmin.notifications import kinds as notification_kinds
        from alignadmin.search import kinds
        from alignadmin.web.navigation import ALARMS, ATTENTION
        from connectors.budget import peaks
        from connectors.budget.figures import BUDGET_FIGURES
        from connectors.catalogue import jira_lists, job, refresh  # noqa: F401
        from connectors.catalogue import schedule as catalogue_schedule  # noqa: F401
        from connectors.catalogue.fields import job as fields_job  # noqa: F401
        from connectors.catalogue.figures import CATALOGUE_FIGURES
        from connectors.catalogue.search_names import PROJECTS, STATUSES
        from connectors.credentials import expiry, probing, reminders  # noqa: F401  registers its job, as the others do that are not used here
        from connectors.credentials.figures import CREDENTIAL_FIGURES
        from connectors.credentials.succession import CredentialHoldings
        from connectors.credentials.values import CREDENTIALS
        from connectors.explorer import job as query_job  # noqa: F401
        from connectors.history.cases import services as cases
        from connectors.history.intake import schedule  # noqa: F401
        from connectors.history.intake.figures import LOG_FIGURES
        from connectors.history.mirror import listener, remaking, search_index
        from connectors.history.packs import mail, schedules, services  # noqa: F401
        from connectors.history.reviews import question_mail, questions, sign_off
        from connectors.history.search.person_changes import changes_of
        from connectors.history.verification import services as verification  # noqa: F401
        from connectors.jobs import clock
        from connectors.jobs.figures import JOB_FIGURES
        from connectors.setup.adding import drafts  # noqa: F401
        from connectors.setup.guessable import guessable_words
        from connectors.setup.search_names import CONNECTORS
        from connectors.webhooks import job as webhook_job  # noqa: F401
        from connectors.webhooks import keeping, notices  # noqa: F401
        from connectors.webhooks.sealed import WEBHOOK_SECRETS

        figures.register(JOB_FIGURES, BUDGET_FIGURES, CREDENTIAL_FIGURES, CATALOGUE_FIGURES, LOG_FIGURES)
        clock.AT_EACH_TICK.append(peaks.note_due)
        sealing.register(CREDENTIALS)
        sealing.register(WEBHOOK_SECRETS)
        EXTENSIONS.holdings = CredentialHoldings()
        EXTENSIONS.guessable_words = guessable_words
        EXTENSIONS.changes = changes_of
        entries.on_appended(listener.project)
        jira_lists.on_statuses_moved(remaking.follow_statuses)
        kinds.register(PROJECTS, STATUSES, CONNECTORS)
        notification_kinds.register(
            reminders.ENDS,
            question_mail.TO_ANSWER,
            question_mail.ANSWER,
            notices.SILENT,
            fixed=[reminders.TO_GROUP, mail.SCHEDULED],
        )
        ALARMS.append(expiry.ALARM)
        ATTENTION.extend([questions.TO_YOU, cases.NOT_EXPLAINED, sign_off.OVERDUE])

        triggers.protect("connectors_mirrorline")
        triggers.protect("connectors_intakerun", key="number")
        triggers.protect("connectors_seenagain")
        triggers.protect("connectors_runwithdrawal", key="run_id")
        post_migrate.connect(triggers.on_migrated, sender=self)
        post_migrate.connect(search_index.on_migrated, sender=self)
