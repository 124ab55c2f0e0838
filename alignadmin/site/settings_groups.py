"""Which settings the page has, in which groups: each is declared by the room that reads it."""

from __future__ import annotations

from dataclasses import dataclass

from alignadmin.accounts import preferences as accounts
from alignadmin.accounts.acts import Act, ActField, Params, Typed, consent, one_of
from alignadmin.notifications import preferences as notifications
from alignadmin.preferences.declaring import AnyPreference
from alignadmin.preferences.kinds import OneOf
from connectors.credentials import preferences as credentials
from connectors.explorer import preferences as explorer
from connectors.history.packs import preferences as packs
from mappings.drift import preferences as drift
from mappings.observing import preferences as observing
from mappings.planning import preferences as planning

# Before the key of a setting, in the names of what the form sends: what the field said, and a box.
SEEN, TO_DEFAULT = "seen-", "default-"


@dataclass(frozen=True, kw_only=True)
class SettingsGroup:
    """One form of the page. `about` says what holds of all of them."""

    key: str
    title: str
    about: str
    preferences: tuple[AnyPreference, ...]


GROUPS = (
    SettingsGroup(
        key="mail",
        title="Reminders and e-mail",
        about="",
        preferences=(
            credentials.REMINDER_DAYS,
            credentials.REMINDER_RECIPIENTS,
            notifications.DIGEST_HOUR,
            drift.DIGEST_RECIPIENTS,
        ),
    ),
    SettingsGroup(
        key="plans",
        title="Plans and approval",
        about="The rules that a connector begins with when it is added. Those of a connector are changed on its page.",
        preferences=(planning.FOUR_EYES, planning.TICKET_FORMAT, planning.TYPED_ABOVE, planning.TYPED_SHARE),
    ),
    SettingsGroup(
        key="retention",
        title="Retention",
        about="The history itself is not here: nothing of it is deleted from a page.",
        preferences=(
            packs.PACK_KEPT,
            explorer.QUERY_ROWS_KEPT,
            observing.CHECKS_KEPT,
            credentials.PREVIOUS_KEPT,
        ),
    ),
    SettingsGroup(
        key="sign-in",
        title="Sign-in",
        about="The operator sets the longest times; here they can be shortened.",
        preferences=(
            accounts.SESSION_IDLE,
            accounts.SESSION_ABSOLUTE,
            accounts.FRESH_SIGN_IN,
            accounts.INVITATION_AGE,
        ),
    ),
)
BY_KEY = {group.key: group for group in GROUPS}
PREFERENCES = {each.key: each for group in GROUPS for each in group.preferences}


def _title(_typed: Typed, params: Params) -> str:
    group = BY_KEY.get(params["group"])
    return f"Change settings: {group.title}" if group else "Change settings"


def _shown() -> dict[str, ActField]:
    fields = {}
    for key, each in PREFERENCES.items():
        kind, unit = each.kind, each.kind.unit
        label = f"{each.label}, in {unit}" if unit else each.label
        fields[key] = one_of(label, kind.options) if isinstance(kind, OneOf) else ActField(label=label)
        fields[TO_DEFAULT + key] = consent(f"{each.label}: back to default")
    return fields


ACT = Act(does=_title, shown=_shown(), carried=[SEEN + key for key in PREFERENCES])
