from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class AuditConfig(AppConfig):
    name = "alignadmin.audit"

    def ready(self) -> None:
        from alignadmin import figures, sealing
        from alignadmin.audit import checkpoints, deliveries, triggers  # noqa: F401  register what is due by the clock
        from alignadmin.audit.figures import AUDIT_FIGURES
        from alignadmin.audit.signing_keys import SIGNING_KEYS

        figures.register(AUDIT_FIGURES)
        sealing.register(SIGNING_KEYS)
        triggers.protect("audit_entry", key="seq")
        triggers.protect("audit_checkpoint", key="number")
        post_migrate.connect(triggers.on_migrated, sender=self)
        checks.register(triggers.check, checks.Tags.database)
        checks.register(sealing.check, checks.Tags.security)
