from django.apps import AppConfig
from django.db.models.signals import post_migrate


class SearchConfig(AppConfig):
    name = "alignadmin.search"

    def ready(self) -> None:
        from alignadmin.search import checking, trigrams

        post_migrate.connect(trigrams.on_migrated, sender=self)
        post_migrate.connect(checking.on_migrated, sender=self)
