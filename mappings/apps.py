from django.apps import AppConfig


class MappingsConfig(AppConfig):
    name = "mappings"

    def ready(self) -> None:
        from alignadmin.site.navigation import ALARMS, COUNTS
        from connectors.credentials.clients import PAGE_SIZE
        from connectors.credentials.rotation import WRITE_PROBE
        from connectors.history.cases.services import WAY_BACK
        from connectors.history.intake.intake import AFTER_INTAKE
        from connectors.history.verification.differences import MORE
        from connectors.setup.maintenance import HELD_UP, ON_RETURN
        from mappings import (  # noqa: F401  registers the job handlers in every process
            copies,
            maintenance_hooks,
            tasks,
        )
        from mappings.applying import (
            overwrites,
        )
        from mappings.contract import (  # noqa: F401  registers the job handlers in every process
            facts,
            job,
            write_probe,
        )
        from mappings.drift import digest, watch  # noqa: F401  register what they do by the clock
        from mappings.drift.page import undecided
        from mappings.edits import (
            queries,
        )
        from mappings.observing import unexplained_changes

        MORE.extend(copies.LOOKS)
        AFTER_INTAKE.append(overwrites.look)
        WAY_BACK.append(unexplained_changes.way_back)
        COUNTS["Plans"] = queries.plans_waiting_for
        COUNTS["Drift"] = undecided
        WRITE_PROBE.probe = write_probe.MappingWriteProbe()
        HELD_UP.append(maintenance_hooks.plans_held_up)
        ON_RETURN.append(maintenance_hooks.check_on_return)
        ALARMS.append(facts.alarms)
        PAGE_SIZE.append(facts.page_size)
