"""Making the pending credential the current one, going back to the previous one, and destroying what is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from connectors.credentials.preferences import PREVIOUS_KEPT
from connectors.credentials.rotation.checks import is_expired
from connectors.credentials.rotation.locking import by_stage, entry, last_error, locked, named
from connectors.credentials.rotation.probes import hindrances
from connectors.jobs import runner
from connectors.models import Connector, Credential, JobKind, Stage, System
from connectors.ports.connected import lock_connected

MOST_LISTED = 5  # losses in the sentence of a refusal; the page lists them all


def switch(pending: UUID, *, confirm_loss: bool = False, actor: Person) -> Credential:
    """The pending one becomes current, in running jobs too; the one before is kept for a while. Raises Refused."""
    with transaction.atomic():
        found = locked(pending)
        lost = _refuse_switch(found, confirm_loss)
        stored = by_stage(found.connector, found.system)
        _set_aside(stored, is_dead=found.replaces_same_user)
        current = _make_current(found)
        values: dict[str, object] = {"last_error": last_error(found.connector)}
        if found.system == System.ALIGN:
            values["gap_since"] = None
        Connector.objects.filter(pk=found.connector_id).update(**values)
        runner.start(found.connector, JobKind.WATCH, actor=actor, subject=found.system)
        entry("credential.switched", current, actor, _switch_sentence(current, stored, lost), lost=lost)
    return current


def _refuse_switch(found: Credential, confirm_loss: bool) -> list[str]:
    """What will be lost, confirmed."""
    if found.stage == Stage.CURRENT:
        since = f" since {found.switched_at:%H:%M} UTC" if found.switched_at else ""
        raise Refused(f"This credential is in use already{since}.")
    if found.stage != Stage.PENDING:
        raise Refused("This credential is the previous one: go back to it instead.")
    hindered = hindrances(found)
    if hindered.blocking:
        raise Refused(" ".join(hindered.blocking))
    if hindered.losses and not confirm_loss:
        more = len(hindered.losses) - MOST_LISTED
        listed = [*hindered.losses[:MOST_LISTED], *([f"And {more} more."] if more > 0 else [])]
        raise Refused(f"Confirm what is lost with this credential, then switch: {' '.join(listed)}")
    return hindered.losses


def _set_aside(stored: Mapping[str, Credential], *, is_dead: bool) -> None:
    """The current one becomes previous, the previous one goes; a dead one is of no use to go back to."""
    previous, current = stored.get(Stage.PREVIOUS), stored.get(Stage.CURRENT)
    if previous is not None:
        previous.delete()
    if current is None:
        return
    if is_dead:
        current.delete()
        return
    until = timezone.now() + timedelta(seconds=PREVIOUS_KEPT.value())
    Credential.objects.filter(pk=current.pk).update(stage=Stage.PREVIOUS, previous_until=until)


def _make_current(credential: Credential) -> Credential:
    """What the probe was told is over: the first calls say anew whether it is accepted."""
    values = {
        "stage": Stage.CURRENT,
        "switched_at": timezone.now(),
        "previous_until": None,
        "used_at": None,
        "last_answer": "",
        "refused_status": None,
    }
    for name, value in values.items():
        setattr(credential, name, value)
    credential.save(update_fields=list(values))
    return credential


def _switch_sentence(current: Credential, stored: Mapping[str, Credential], lost: list[str]) -> str:
    before = stored.get(Stage.CURRENT)
    replaced = f", in place of version {before.version}" if before else ""
    confirmed = f" What is lost was confirmed: {' '.join(lost[:MOST_LISTED])}" if lost else ""
    return f"Switched to the {named(current)}{replaced}.{confirmed}"


# -- the way back --------------------------------------------------------------------------------------------------


def may_go_back(connector: Connector, system: System) -> str:
    """Empty when there is a way back, else the sentence why not."""
    stored = by_stage(connector, system)
    previous, current = stored.get(Stage.PREVIOUS), stored.get(Stage.CURRENT)
    if previous is None:
        if current is not None and current.replaces_same_user:
            return "The token before this one stopped working when its user made this one: save another as pending."
        return "There is no previous credential to go back to: it has been destroyed, or there was none."
    if previous.previous_until is not None and previous.previous_until <= timezone.now():
        return "The time to go back has passed: the previous credential is being destroyed."
    if is_expired(previous):
        return f"The previous credential expired on {previous.expires_on}, so going back would not help: stage another."
    return ""


def go_back(connector: Connector, system: System, *, actor: Person) -> Credential:
    """The previous one becomes current again. The one left is kept as pending if it was refused, else destroyed."""
    with transaction.atomic():
        owner = lock_connected(connector)
        if sentence := may_go_back(owner, system):
            raise Refused(sentence)
        stored = by_stage(owner, system)
        fate = _leave(stored.get(Stage.CURRENT), stored.get(Stage.PENDING))
        current = _make_current(stored[Stage.PREVIOUS])
        values: dict[str, object] = {"last_error": last_error(owner)}
        if system is System.ALIGN:
            values["gap_since"] = None
        Connector.objects.filter(pk=owner.pk).update(**values)
        runner.start(owner, JobKind.WATCH, actor=actor, subject=system.value)
        entry("credential.switched_back", current, actor, f"Went back to the {named(current)}.{fate}")
    return current


def _leave(current: Credential | None, pending: Credential | None) -> str:
    """What becomes of the one that was current, in words."""
    if pending is not None and pending.replaces_same_user:
        # The token it killed is not the one we go back to.
        Credential.objects.filter(pk=pending.pk).update(replaces_same_user=False)
    if current is None:
        return ""
    if current.refused_status is None or pending is not None:
        current.delete()
        return f" Version {current.version} was destroyed."
    current.probes.all().delete()
    Credential.objects.filter(pk=current.pk).update(stage=Stage.PENDING, switched_at=None, replaces_same_user=False)
    return f" Version {current.version} was refused ({current.refused_status}) and is pending again."


# -- the end of a previous one -------------------------------------------------------------------------------------


def retire(previous: UUID, *, actor: Person) -> None:
    """Destroy the previous credential now instead of when its time is over."""
    with transaction.atomic():
        found = locked(previous)
        if found.stage != Stage.PREVIOUS:
            raise Refused(f"This credential is {found.get_stage_display().lower()}, so it is not retired.")
        _destroy(found, actor)


@due_work
def retire_due() -> int:
    """Destroy what has been previous for long enough."""
    over = Credential.objects.filter(stage=Stage.PREVIOUS, previous_until__lte=timezone.now())
    return sum(_retire_if_over(uuid) for uuid in over.values_list("uuid", flat=True))


def _retire_if_over(uuid: UUID) -> bool:
    """False when another worker was faster, or somebody went back to it."""
    with transaction.atomic():
        try:
            found = locked(uuid)
        except Refused:
            return False
        is_over = found.previous_until is not None and found.previous_until <= timezone.now()
        if found.stage != Stage.PREVIOUS or not is_over:
            return False
        _destroy(found, None)
    return True


def _destroy(previous: Credential, actor: Person | None) -> None:
    previous.delete()
    entry("credential.retired", previous, actor, f"Destroyed the previous {named(previous)}.")
