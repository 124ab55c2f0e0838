from django.apps import AppConfig


class MappingsConfig(AppConfig):
    name = "mappings"

    def ready(self) -> None:
        from connectors.context import COUNTS
        from connectors.rotation import WRITE_PROBE
        from mappings import (
            probe,
            queries,
            tasks,  # noqa: F401  registers the job handlers in every process
        )

        COUNTS["Plans"] = queries.plans_waiting_for
        WRITE_PROBE.probe = probe.MappingWriteProbe()
