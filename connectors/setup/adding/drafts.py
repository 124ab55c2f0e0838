"""What somebody types of a new connector, kept until it is added: for a closed tab and a new sign-in. Never a secret.

Nobody else reads it, and none is an entry: nothing is said by it before it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from alignadmin.accounts.models import Person
from alignadmin.due_work import due_work
from alignadmin.errors import Refused
from alignadmin.parsing import whole
from connectors.models import Connector, SetUpDraft
from connectors.setup.adding.discovery import Discovery
from connectors.setup.adding.forms import LATER, is_whole

KEPT_FOR = timedelta(days=30)
MOST_KEPT = 16 * 1024  # bytes of what is typed
TYPED_BY_PEOPLE = ("name", "align_site", "jira_site", "align-user", "jira-user", "slug")  # the others begin filled in


def keep(typed: Mapping[str, str], *, actor: Person, discovery: Discovery | None = None) -> SetUpDraft | None:
    """In place of the one before; where nothing is typed there is none. Raises Refused.

    Without a new discovery the one before stays, as long as it is about these addresses.
    """
    is_empty = not any(typed.get(name, "").strip() for name in TYPED_BY_PEOPLE)
    if is_empty or _is_added(typed):
        discard(actor=actor)
        return None
    if len(json.dumps(typed)) > MOST_KEPT:  # ASCII, so these are bytes
        raise Refused(f"This is more than {MOST_KEPT // 1024} KB, and that much is not kept. Paste addresses only.")
    now = timezone.now()
    with transaction.atomic():
        SetUpDraft.objects.get_or_create(person=actor, defaults={"typed": {}, "kept_at": now})
        draft = SetUpDraft.objects.locked().get(person=actor)  # what a browser sends on its way may come beside a look
        found = discovery or discovery_for(typed, draft if draft.kept_at > now - KEPT_FOR else None)
        draft.typed = (_answered_before(typed, draft.typed) if found else {}) | dict(typed)
        draft.discovery, draft.kept_at = found.as_json() if found else {}, now
        draft.save()
    return draft


def _answered_before(typed: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """What a form did not ask: it was drawn before the sites were looked up, and sent while that was under way."""
    if is_whole(typed):
        return {}
    return {name: before[name] for name in LATER if name in before and name not in typed}


def _is_added(typed: Mapping[str, str]) -> bool:
    """What a browser sends late is not kept once the connector is here; a number that another one has is a mistake."""
    number = whole(typed.get("align_connector_id", ""))
    here = Connector.objects.filter(align_site=typed.get("align_site", ""), name=typed.get("name", "").strip())
    return number is not None and here.filter(align_connector_id=number).exists()


def of(person: Person) -> SetUpDraft | None:
    oldest = timezone.now() - KEPT_FOR
    return SetUpDraft.objects.filter(person=person, kept_at__gt=oldest).first()


def discovery_for(typed: Mapping[str, str], draft: SetUpDraft | None) -> Discovery | None:
    """What the sites with these addresses told when they were last asked."""
    found = Discovery.from_json(draft.discovery) if draft else None
    addresses = typed.get("align_site", "").strip(), typed.get("jira_site", "").strip()
    return found if found and found.is_about(*addresses) else None


def discard(*, actor: Person) -> None:
    SetUpDraft.objects.filter(person=actor).delete()


@due_work
def remove_old_drafts() -> int:
    old = SetUpDraft.objects.filter(kept_at__lte=timezone.now() - KEPT_FOR)
    # Asked first: a worker without work writes nothing.
    return old.delete()[0] if old.exists() else 0
