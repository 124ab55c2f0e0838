"""How Align answers a create: one create and one delete at a free key that somebody has agreed to.

The writer is that of a credential's probe, with its journal and its care for what a crash leaves behind.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from alignadmin.http.errors import BadRequest, RemoteError
from connectors.align.refusals import names_type_id
from connectors.align.resources import WriteAnswer
from connectors.credentials import clients
from connectors.jobs import runner
from connectors.models import Credential, Probe, Stage, System
from connectors.ports.extensions import ProbeOutcome
from mappings.contract.free_keys import NotProbed
from mappings.contract.reading import POST_ANSWER, TYPE_PROOF, Observation
from mappings.contract.write_probe import Attempt, carry_out
from mappings.models import ContractFact


class ContractAttempt(Attempt):
    purpose = "Look at how Align answers, for a moment"

    @property
    def reason(self) -> str:
        return ""


def form_of(answer: WriteAnswer) -> str:
    text = answer.text.strip()
    if not text:
        return "nothing"
    return "object" if text.startswith("{") else "id"


def try_write(run: runner.Run) -> tuple[list[Observation], str]:
    """The fact, and what went wrong in words. Also brings a write to its end that an earlier job has left."""
    probe = _begun(run)
    if probe is None:
        return [], ""
    client = clients.align_client(run.connector, job=run.job, read_only=False, interactive=True, on_wait=run.waits_for)
    try:
        attempt = ContractAttempt(probe, client, run)
    except NotProbed as why:
        return [], _ended(probe, ProbeOutcome(ok=False, sentence=str(why)))
    try:
        outcome = carry_out(attempt)
    except NotProbed as why:
        return [], _ended(probe, ProbeOutcome(ok=False, sentence=str(why)))
    except RemoteError as error:
        is_refused = isinstance(error, BadRequest) and names_type_id(error.detail)
        findings = [_proof(attempt, taken=False)] if is_refused else []
        return findings, _ended(probe, ProbeOutcome(ok=False, sentence=error.sentence))
    findings = [_answer(attempt, attempt.answer), _proof(attempt, taken=True)] if attempt.answer else []
    return findings, _ended(probe, outcome)


def _begun(run: runner.Run) -> Probe | None:
    """The write that was left, or a new one with consent; None when there is nothing to write."""
    key = str(run.job.params.get("write_key", ""))
    with transaction.atomic():
        run.assert_lease()
        credentials = Credential.objects.filter(
            connector=run.connector, system=System.ALIGN, stage__in=(Stage.CURRENT, Stage.PREVIOUS)
        )
        probes = Probe.objects.select_related("credential").filter(credential__in=credentials).exclude(write_key="")
        left = probes.filter(finished_at=None).order_by("pk").last()
        if left is not None:
            return left
        # Consent was to one write, not to one for each worker that takes the job up.
        if not key or probes.filter(started_at__gte=run.job.started_at).exists():
            return None
        current = credentials.filter(stage=Stage.CURRENT).first()
        if current is None:
            return None
        return Probe.objects.create(credential=current, requested_by=run.actor, write_key=key)


def _ended(probe: Probe, outcome: ProbeOutcome) -> str:
    """What may still stand in Align keeps its probe open, so that the next job takes it away."""
    if probe.write_state in ("", "done"):
        Probe.objects.filter(pk=probe.pk).update(finished_at=timezone.now())
    return "" if outcome.ok else outcome.sentence


def _answer(attempt: Attempt, answer: WriteAnswer) -> Observation:
    return Observation(family=attempt.key.family.code, name=POST_ANSWER, value=form_of(answer))


def _proof(attempt: Attempt, *, taken: bool) -> Observation:
    """Beside what was proven of the family's other types before."""
    family = attempt.key.family.code
    before = ContractFact.objects.filter(connector=attempt.connector, family=family, name=TYPE_PROOF).first()
    proof = {attempt.key.type_.value: {"id": attempt.type_id, "taken": taken}}
    return Observation(family=family, name=TYPE_PROOF, value={**(before.value if before else {}), **proof})
