from django.apps import AppConfig
from django.core import checks
from django.db.models.signals import post_migrate


class ConnectorsConfig(AppConfig):
    name = "connectors"

    def ready(self) -> None:
        # Register jobs and receivers.
        from alignadmin import sealing, starting
        from alignadmin.accounts import recent_sign_in  # noqa: F401
        from alignadmin.accounts.signin import audit_entries, sessions  # noqa: F401
        from alignadmin.audit import (  # noqa: F401
            checkpoints,
            deliveries,
            triggers,
        )
        from alignadmin.site.navigation import COUNTS
        from connectors.catalogue import refresh  # noqa: F401
        from connectors.credentials import (
            probing,  # noqa: F401
            reminders,  # noqa: F401
        )
        from connectors.history.intake import schedule  # noqa: F401
        from connectors.history.mirror import (
            search_index,
        )
        from connectors.history.packs import (  # noqa: F401
            mail,
            schedules,
            services,
        )
        from connectors.history.reviews import (  # noqa: F401
            question_mail,
            questions,
            sign_off,
        )
        from connectors.history.verification import (  # noqa: F401
            rebuilding,
        )

        COUNTS["History"] = sign_off.waiting_for
        COUNTS["Overview"] = questions.waiting_for
        post_migrate.connect(triggers.on_migrated, sender=self)
        post_migrate.connect(search_index.on_migrated, sender=self)
        checks.register(triggers.check, checks.Tags.database)
        checks.register(sealing.check, checks.Tags.security)
        checks.register(starting.check)
