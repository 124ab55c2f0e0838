"""Make the large data set: 2,000 projects, 300 shared statuses, a flow of 30 steps, 100,000 mappings."""

from __future__ import annotations

from tests.bench.report import Figure, show, timed
from tests.bench.world import base_of_arguments, make_base


def main() -> None:
    site = make_base(base_of_arguments())
    site.migrate()
    try:
        site.start_sandbox("--seed", "large", "--rate-limit", "0")
        site.prepare()
        _measure()
    finally:
        site.stop()


def _measure() -> None:
    from alignadmin.due_work import run_due
    from connectors.models import Connector, Job, Project
    from mappings.models import Mapping

    with timed() as watch:
        while run_due():
            pass
    failed = Job.objects.exclude(state="done").values_list("kind", "state", "error")
    assert not failed, list(failed)
    connector = Connector.objects.get()
    show(
        "Large data set, read by the product's own jobs without a rate limit",
        [
            Figure(what="projects", value=Project.objects.filter(connector=connector).count(), unit=""),
            Figure(what="mappings", value=Mapping.objects.count(), unit=""),
            Figure(what="catalogue and first observation", value=watch.seconds, unit="s"),
        ],
    )


if __name__ == "__main__":
    main()
