from django.apps import AppConfig
from django.core import checks


class SiteConfig(AppConfig):
    name = "alignadmin.site"

    def ready(self) -> None:
        from alignadmin import starting
        from alignadmin.accounts.signin import audit_entries, sessions  # noqa: F401  register their receivers

        checks.register(starting.check)
