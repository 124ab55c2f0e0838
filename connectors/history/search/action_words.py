"""What the history calls each act, in words, and which acts are of mappings: the only ones that everybody may read.

One table for both, so that an act that is new has words and readers at once: tests look for every act that a source
file records. What is not in the table is read by reviewers and admins only, and shown by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Read by whoever sees mappings. What names people besides those who acted, as e-mails do, is below.
OF_MAPPINGS: Mapping[str, str] = {
    "created": "Created",
    "updated": "Changed",
    "deleted": "Deleted",
    "change.done": "Done in Align",
    "change.failed": "Change failed",
    "change.stale": "Change out of date",
    "change.unknown": "Change unconfirmed",
    "change.cancelled": "Change cancelled",
    "change.retried": "Change retried",
    "change.overwrote": "Overwrote a change",
    "plan.made": "Plan created",
    "plan.asked": "Approval asked for",
    "plan.approved": "Plan approved",
    "plan.emergency_approved": "Plan approved in an emergency",
    "plan.emergency_noted": "Emergency approval acknowledged",
    "plan.started": "Apply started",
    "plan.pause": "Pause requested",
    "plan.paused": "Apply paused",
    "plan.resume": "Apply resumed",
    "plan.cancel": "Plan cancelled",
    "plan.retry": "Failed changes retried",
    "plan.finished": "Apply finished",
    "plan.replaced": "Plan refreshed",
    "plan.takes_back": "Roll back planned",
    "mapping.edited": "Draft edited",
    "mapping.edit_undone": "Edit undone",
    "mapping.edit_redone": "Edit redone",
    "mapping.changed_elsewhere": "Changed outside",
    "duplicate.chosen": "Duplicate resolved",
    "drift.adopt": "Outside value adopted",
    "drift.restore": "Restore decided",
    "drift.accept": "Drift accepted",
    "drift.end": "Acceptance ended",
    "drift.acceptance_ended": "Acceptance ended",
    "case.explained": "Outside change explained",
    "case.closed": "Outside change closed",
    "case.taken-back": "Outside change reverted",
    "case.opened-again": "Outside change reopened",
    "rules.changed": "Plan rules changed",
    "catalogue.refreshed": "Jira and Align read",
    "catalogue.changed": "Jira or Align changed",
    "findings.seen": "Findings marked as seen",
    "contract.noted": "API behaviour confirmed",
    "contract.changed": "API behaviour changed",
    "contract.type_ids": "Type ids confirmed",
    "maintenance.begun": "Maintenance started",
    "maintenance.ended": "Maintenance ended",
}

# What a request to Align becomes in the history; of a mapping where it is of a plan, see visibility.
OF_CHANGES = (
    "created",
    "updated",
    "deleted",
    *(action for action in OF_MAPPINGS if action.startswith("change.")),
)

# Read by reviewers and admins: sign-ins, people, credentials, connectors, the log and the history itself.
OF_THE_REST: Mapping[str, str] = {
    "log line": "Line of Align's log",
    "person.added": "Person added",
    "person.invited": "Person invited",
    "person.joined": "Person joined",
    "person.edited": "Person renamed",
    "person.role_changed": "Role changed",
    "person.reviewer_set": "Reviewer duty changed",
    "person.activated": "Person activated",
    "person.deactivated": "Person deactivated",
    "person.signed_in": "Signed in",
    "person.signed_out": "Signed out",
    "person.refused": "Sign-in refused",
    "person.session_ended": "Session ended",
    "person.password_changed": "Password changed",
    "person.factor_added": "Second factor added",
    "person.factor_removed": "Second factor removed",
    "person.codes_made": "Recovery codes created",
    "person.notifications": "Choice of notifications changed",
    "credential.used": "Credential used",
    "credential.stored": "Credential stored",
    "credential.staged": "Credential staged",
    "credential.tested": "Credential tested",
    "credential.probed": "Credential probed",
    "credential.switched": "Credential switched",
    "credential.switched_back": "Credential switched back",
    "credential.retired": "Credential deleted",
    "credential.discarded": "Pending credential discarded",
    "credential.tried_again": "Credential allowed again",
    "credential.owners_changed": "Credential owners changed",
    "credential.reminded": "Reminder about expiry sent",
    "credential.link_made": "Link for the owner of a token created",
    "credential.link_opened": "Link for the owner of a token opened",
    "credential.link_waited": "Entry by the owner of a token not stored",
    "credential.link_void": "Link for the owner of a token no longer good",
    "credential.link_refused": "Entry by the owner of a token refused",
    "credential.link_used": "Token stored by its owner",
    "credential.link_withdrawn": "Link for the owner of a token withdrawn",
    "credential.link_worn_out": "Link for the owner of a token ended",
    "credential.link_expired": "Link for the owner of a token expired",
    "connector.added": "Connector added",
    "connector.edited": "Connector changed",
    "connector.activated": "Connector activated",
    "connector.deactivated": "Connector deactivated",
    "connector.handed_over": "Connector handed over",
    "connector.levels_named": "Levels named",
    "prerequisite.confirmed": "Prerequisite confirmed",
    "plan.emergency_told": "Admins told of an emergency",
    "rules.told": "Admins told of plan rules",
    "drift.digest_sent": "Drift digest sent",
    "findings.alert_sent": "Alert sent",
    "change.sent": "Change sent",
    "log.read": "Align's log read",
    "log.taken-in": "Log lines imported",
    "log.withdrawn": "Import withdrawn",
    "terms.learned": "Terms learned",
    "terms.decided": "Terms decided",
    "question.asked": "Question asked",
    "question.answered": "Question answered",
    "history.verified": "History verified",
    "history.rebuilt": "History rebuilt",
    "history.restored": "Restore declared",
    "history.archived": "Entries archived",
    "history.sampled": "Sample drawn",
    "history.reviewed": "Week signed off",
    "history.exported": "History exported",
    "pack.asked": "Evidence pack requested",
    "pack.made": "Evidence pack created",
    "pack.sent": "Evidence pack sent",
    "pack.downloaded": "Evidence pack downloaded",
    "pack.scheduled": "Pack scheduled",
    "pack.schedule_paused": "Pack schedule paused",
    "pack.schedule_resumed": "Pack schedule resumed",
    "pack.schedule_deleted": "Pack schedule deleted",
    "pack.not_asked": "Scheduled pack failed",
    "keys.rotated": "Encryption keys rotated",
    "keys.signing_changed": "Signing key changed",
    "setting.changed": "Setting changed",
    "setting.back_to_default": "Setting back to default",
    "explorer.opened": "Explorer opened to editors",
    "explorer.closed": "Explorer closed to editors",
    "query.run": "Query run",
}

WORDS = {**OF_MAPPINGS, **OF_THE_REST}


def words_of(action: str) -> str:
    """ "plan.finished" reads "Apply finished"; an act without words reads as its name without signs."""
    if known := WORDS.get(action):
        return known
    plain = re.sub(r"[._-]", " ", action)
    return plain[:1].upper() + plain[1:]
