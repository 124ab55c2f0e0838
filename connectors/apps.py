from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        from connectors import catalogue, schedule, sealing, signin  # noqa: F401  register jobs and receivers
        from connectors.audit import triggers

        post_migrate.connect(triggers.on_migrated, sender=self)
        checks.register(triggers.check, checks.Tags.database)
        checks.register(sealing.check, checks.Tags.security)
