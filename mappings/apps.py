from django.apps import AppConfig


class MappingsConfig(AppConfig):
    name = "mappings"

    def ready(self) -> None:
        from alignadmin.search import kinds
        from alignadmin.text import counted
        from alignadmin.web.navigation import ALARMS, ATTENTION, AttentionCount
        from connectors.ports import extensions
        from mappings import tasks  # noqa: F401  registers the job handlers in every process, as the next ones do
        from mappings.contract import facts, job  # noqa: F401
        from mappings.drift import alerts, digest, watch  # noqa: F401  register what they do by the clock
        from mappings.drift.queries import undecided
        from mappings.edits import queries
        from mappings.extensions import MappingExtensions
        from mappings.in_use import rounds  # noqa: F401  counts by the clock
        from mappings.planning import (
            notifications,  # noqa: F401  hears what has become of its e-mails
            search_names,
        )

        extensions.fill(MappingExtensions())
        ALARMS.append(facts.alarms)
        kinds.register(search_names.PLANS)
        ATTENTION.extend(
            [
                AttentionCount(
                    entry="Plans",
                    count=queries.plans_waiting_for,
                    words=lambda number: f"{counted(number, 'plan')} to approve or apply",
                    page="plans",
                ),
                AttentionCount(
                    entry="Drift",
                    count=undecided,
                    words=lambda number: f"{counted(number, 'change')} made elsewhere to review",
                    page="first-drift",
                ),
            ]
        )
