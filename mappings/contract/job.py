"""The job "contract": look at a few lists of each family, with consent at one write, and store what was seen."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from alignadmin.http.errors import RateLimited, RemoteError, SignInRefused
from connectors.align.client import AlignClient
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.models import ACTIVE, Connector, Job, JobKind
from connectors.setup import maintenance, services
from mappings.contract import facts, reading
from mappings.contract.free_keys import proving_keys
from mappings.contract.log_words import observe_log_words
from mappings.contract.reading import Observation
from mappings.contract.write import try_write
from mappings.engine.families import FAMILIES, Family
from mappings.models import ForeignRecord, Scope
from mappings.observing.scopes import ensure_scopes

NOT_READ = "Its projects and mappings have not been read yet. Refresh the connector first."
NOT_FREE = "This key is no longer free. Choose another for the write."
UNDER_WAY = "Somebody looks at it already, without this write. Wait until that has ended, then try the write."


def start(connector: Connector, *, write_key: str = "", actor: Person) -> Job:
    """Look now. `write_key`: consent to one create and one delete at this key. Raises Refused."""
    maintenance.refuse(connector)
    if not connector.is_active:
        raise Refused(f"{connector} is deactivated: activate it first.")
    if connector.catalogue_at is None:
        raise Refused(NOT_READ)
    if write_key and write_key not in {key.id for key in proving_keys(connector)}:
        raise Refused(NOT_FREE)
    job = runner.start(connector, JobKind.CONTRACT, actor=actor, params={"write_key": write_key})
    if write_key and job.params.get("write_key") != write_key:
        raise Refused(UNDER_WAY)
    return job


@due_work
def start_due_observations() -> int:
    now = timezone.now()
    due = Q(contract_due_at=None) | Q(contract_due_at__lte=now)
    ready = Connector.objects.filter(due, is_active=True, maintenance_since=None, gap_since=None)
    # Which lists are the largest is known once they have been read.
    was_read = Exists(Scope.objects.filter(connector=OuterRef("pk"), is_ours=False, observed_at__isnull=False))
    is_read = Exists(Job.objects.filter(connector=OuterRef("pk"), kind=JobKind.OBSERVE, state__in=ACTIVE))
    started = 0
    for connector in ready.filter(was_read).exclude(is_read):
        following = now + timedelta(seconds=settings.CONTRACT_INTERVAL)
        # The conditional update is the claim: of several workers one starts the job.
        if Connector.objects.filter(due, pk=connector.pk).update(contract_due_at=following):
            runner.start(connector, JobKind.CONTRACT, actor=None)
            started += 1
    return started


@runner.handler(JobKind.CONTRACT)
def observe_contract(run: runner.Run) -> None:
    """What could be read is stored whatever else fails; the failure is the job's sentence."""
    connector = run.connector
    if maintenance.is_on(connector):
        raise runner.JobFailed(f"{connector} is in maintenance: what Align answers now says nothing about later.")
    client = clients.align_client(run.connector, job=run.job, interactive=run.actor is not None, on_wait=run.waits_for)
    findings, troubles = _read(run, client)
    findings += observe_log_words(connector, findings)
    written, trouble = try_write(run)
    changed = facts.store(run, [*findings, *written])
    if facts.lower_caps(client.caps, findings):
        services.start_refresh(connector, actor=run.actor)  # what was beyond a page's end has not been seen yet
    run.progress(f"{len(changed)} of {len(findings) + len(written)} facts changed", done=len(FAMILIES))
    if sentences := [*troubles, *([trouble] if trouble else [])]:
        raise runner.JobFailed(" ".join(dict.fromkeys(sentences)))


def _read(run: runner.Run, client: AlignClient) -> tuple[list[Observation], list[str]]:
    scopes, outside = ensure_scopes(run.connector), _outside(run.connector)
    findings, troubles = [], []
    for done, family in enumerate(FAMILIES.values()):
        run.progress(f"lists of {family.path}", done=done, total=len(FAMILIES))
        try:
            findings += _observe_family(client, family, scopes, outside)
        except (SignInRefused, RateLimited):
            raise  # the same would be answered for every family
        except RemoteError as error:
            troubles.append(error.sentence)
    return findings, troubles


def _observe_family(
    client: AlignClient, family: Family, scopes: list[Scope], outside: dict[str, set[int]]
) -> list[Observation]:
    chosen = reading.sample(scope for scope in scopes if scope.family == family.code)
    return reading.observe_family(client, family, chosen, outside.get(family.code, set()))


def _outside(connector: Connector) -> dict[str, set[int]]:
    """Strange type ids that any list has held when it was last read, by family."""
    rows = ForeignRecord.objects.filter(scope__connector=connector).values_list("scope__family", "type_id")
    found: dict[str, set[int]] = {}
    for code, type_id in rows.distinct():
        found.setdefault(code, set()).add(type_id)
    return found
