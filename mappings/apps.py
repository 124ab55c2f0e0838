from django.apps import AppConfig


class MappingsConfig(AppConfig):
    name = "mappings"

    def ready(self) -> None:
        from mappings import tasks  # noqa: F401  registers the job handlers in every process
