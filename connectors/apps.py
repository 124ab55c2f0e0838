from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        # Register jobs and receivers.
        from connectors import catalogue, probing, reminders, schedule, sealing  # noqa: F401
        from connectors.audit import triggers
        from connectors.signin import entries, freshness, sessions  # noqa: F401

        post_migrate.connect(triggers.on_migrated, sender=self)
        checks.register(triggers.check, checks.Tags.database)
        checks.register(sealing.check, checks.Tags.security)
