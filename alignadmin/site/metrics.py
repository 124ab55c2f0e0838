"""What `/metrics` answers: the registered figures, read anew for each scrape, and nothing of the process that answers.

django-prometheus and its client keep counters of their own in each process. Which of several processes answers a scrape
is chance, so none of those is told (docs/architecture.md, "Figures").
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator

from django.utils import timezone
from django_prometheus import models as of_models
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from alignadmin.figures import Figure, FigureSource, FigureValue, sources

log = logging.getLogger(__name__)

ERRORS = Figure(
    name="alignadmin_scrape_errors",
    help="Sources of figures that could not be read by this scrape (1, else 0); their figures are missing from it.",
    labels=("source",),
)


class FigureCollector(Collector):
    """Reads every source on its own: what one cannot read takes nothing from the others."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering would else read the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        now = timezone.now()
        errors = GaugeMetricFamily(ERRORS.name, ERRORS.help, labels=ERRORS.labels)
        for source in sources():
            try:
                found = list(_families(source, source.read(now)))
            except Exception:  # whatever it is, the other figures are worth more than a 500
                log.exception("The figures of %s could not be read for /metrics", source.name)
                errors.add_metric((source.name,), 1)
                continue
            errors.add_metric((source.name,), 0)
            yield from found
        yield errors


def _families(source: FigureSource, values: Iterable[FigureValue]) -> Iterator[Metric]:
    """Each figure with its help, also one that has no value now."""
    families = {each.name: _family(each) for each in source.figures}
    for value in values:
        families[value.figure.name].add_metric(value.labels, value.value)
    yield from families.values()


def _family(figure: Figure) -> CounterMetricFamily | GaugeMetricFamily:
    kind = CounterMetricFamily if figure.only_rises else GaugeMetricFamily
    return kind(figure.name, figure.help, labels=figure.labels)


def figures() -> list[Figure]:
    """All that `/metrics` may name, in its order."""
    return [*(figure for source in sources() for figure in source.figures), ERRORS]


def install() -> None:
    """Once, when the apps are ready: the client's registry has our figures and no others."""
    # With one of these set, the view of django-prometheus would answer from files of each process, not the registry.
    for name in ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"):
        os.environ.pop(name, None)
    of_process = (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR)
    for collector in (*of_process, of_models.model_inserts, of_models.model_updates, of_models.model_deletes):
        REGISTRY.unregister(collector)
    REGISTRY.register(FigureCollector())
