from django.apps import AppConfig
from django.core import checks


class SiteConfig(AppConfig):
    name = "alignadmin.site"

    def ready(self) -> None:
        from alignadmin import starting
        from alignadmin.accounts.people.search_names import PEOPLE
        from alignadmin.accounts.signin import audit_entries, sessions  # noqa: F401  register their receivers
        from alignadmin.search import kinds
        from alignadmin.site import metrics

        kinds.register(PEOPLE)
        checks.register(starting.check)
        metrics.install()
