"""A connector: one Align connector with its Align site and its Jira site, and the sealed secrets for both."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.align.terminology import Terminology


class JiraKind(models.TextChoices):
    CLOUD = "cloud", "Jira Cloud"
    DATA_CENTER = "datacenter", "Jira Data Center"


class AuditSource(models.TextChoices):
    """Whether this Align answers at the connector's audit log address, which its maker does not document."""

    UNTRIED = "untried", "not tried yet"
    ENDPOINT = "endpoint", "read from Align"
    NONE = "none", "pasted or uploaded"


class Connector(models.Model):
    slug = models.SlugField(unique=True)  # stays when the name changes: addresses are states
    name = models.CharField(max_length=200)
    align_site = models.URLField(max_length=500)
    align_connector_id = models.PositiveIntegerField()
    # Those it had in Align before it was made anew there, the oldest first: [[123, until when, in ISO 8601], ...].
    former_numbers = models.JSONField(default=list, blank=True)
    jira_site = models.URLField(max_length=500)
    jira_kind = models.CharField(max_length=12, choices=JiraKind.choices, default=JiraKind.CLOUD)
    is_active = models.BooleanField(default=True)
    explorer_for_editors = models.BooleanField(default=False)  # its token's rows are shown to editors, too
    time_zone = models.CharField(max_length=64, default="UTC")  # of times in pasted log lines
    type_ids = models.JSONField(default=dict, blank=True)  # {"j2a-state": {"feature": 2}}: overrides of the table
    level_names = models.JSONField(default=dict, blank=True)  # {"story": "User Story"}: what they are called here
    audit_source = models.CharField(max_length=10, choices=AuditSource.choices, default=AuditSource.UNTRIED)
    audit_failures = models.PositiveSmallIntegerField(default=0)  # answers in a row that were refused or unreadable
    audit_problem = models.TextField(blank=True)  # what the last of them said; empty since the log was last read
    log_by_hand = models.BooleanField(default=False)  # its log is only pasted and uploaded, even where it could be read
    created_at = models.DateTimeField(auto_now_add=True)

    # What Align says of the connector itself, as of the last reading: whether it works there (null: it does not tell),
    # and the error that stands with it. A token that may not see it is asked again a day later.
    align_active = models.BooleanField(null=True, blank=True)
    align_told_at = models.DateTimeField(null=True, blank=True)  # when it last told whether it is active
    align_message = models.CharField(max_length=500, blank=True)
    align_ask_again_at = models.DateTimeField(null=True, blank=True)

    catalogue_at = models.DateTimeField(null=True, blank=True)  # when the last complete refresh ended
    catalogue_error = models.TextField(blank=True)
    # The cheap lists of both systems, which are read by the clock: when the reading that is stored began, when the next
    # one is due (null: not before a complete refresh), and why the last one failed.
    jira_lists_at = models.DateTimeField(null=True, blank=True)
    jira_lists_due_at = models.DateTimeField(null=True, blank=True)
    jira_lists_error = models.TextField(blank=True)
    projects_due_at = models.DateTimeField(null=True, blank=True)  # when to go on with its projects' own statuses
    align_lists_at = models.DateTimeField(null=True, blank=True)
    align_lists_due_at = models.DateTimeField(null=True, blank=True)
    align_lists_error = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)  # last good answer of Align
    last_error = models.TextField(blank=True)  # the sentence of the last refused or failed call, empty when healthy
    intake_at = models.DateTimeField(null=True, blank=True)  # last intake of Align's log, by whatever way
    # Since when Align's only token is being replaced by one of the same user, which killed it: nothing is applied.
    gap_since = models.DateTimeField(null=True, blank=True)
    audit_due_at = models.DateTimeField(null=True, blank=True)
    observe_every = models.PositiveIntegerField(default=900)  # seconds between two looks at every list; 0: never
    observe_due_at = models.DateTimeField(null=True, blank=True)
    digest_due_at = models.DateTimeField(null=True, blank=True)
    alerts_due_at = models.DateTimeField(null=True, blank=True)  # the next look at whether a new status falls to 0
    contract_due_at = models.DateTimeField(null=True, blank=True)

    # The rules of its plans.
    four_eyes = models.BooleanField(default=False)  # whoever approves is an admin who has neither planned nor edited it
    ticket_pattern = models.CharField(max_length=200, blank=True)  # mappings/planning/tickets.py; empty: any
    typed_above = models.PositiveIntegerField(default=25)  # changes, above which an apply is confirmed by typing
    typed_share = models.PositiveSmallIntegerField(default=10)  # percent of a list, likewise

    # Since when nothing is applied and no drift is told, because somebody works on Jira or Align.
    maintenance_since = models.DateTimeField(null=True, blank=True)
    maintenance_until = models.DateTimeField(null=True, blank=True)  # expected; only a person ends it
    maintenance_reason = models.TextField(blank=True)
    maintenance_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    # Since when it has no credential and no request leaves for it; its mappings and its history stay readable.
    disconnected_at = models.DateTimeField(null=True, blank=True)
    disconnected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    disconnected_reason = models.TextField(blank=True)
    # Where an admin of Align runs the configuration data pull, as somebody here entered it; empty: told by its menu.
    pull_address = models.URLField(max_length=500, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["align_site", "align_connector_id"], name="one_row_per_align_connector"),
            models.CheckConstraint(
                condition=models.Q(disconnected_at=None) | models.Q(is_active=False), name="disconnected_is_not_active"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        """In a word, as pages and the API say it."""
        return "active" if self.is_active else "disconnected" if self.disconnected_at else "deactivated"

    @property
    def lists_error(self) -> str:
        """Why nobody looked for what is new lately."""
        return self.jira_lists_error or self.align_lists_error

    @property
    def terminology(self) -> Terminology:
        """How the work item types and the levels above them are called here."""
        return Terminology(names=self.level_names)

    @property
    def config_name(self) -> str:
        """The connector as Align's audit log calls it in its Type column."""
        return f"CONFIG {self.align_connector_id}"

    @property
    def numbers(self) -> frozenset[int]:
        """Its number in Align and those that it had before: lines of the log that state one of them are its own."""
        return frozenset([self.align_connector_id, *(number for number, _ in self.former_numbers)])

    def number_at(self, moment: datetime | None) -> int:
        """The number that it had then, as far as AlignAdmin knew; the present one of what has no time."""
        ended = (number for number, until in self._former() if moment is not None and moment < until)
        return next(ended, self.align_connector_id)

    def number_of_line(self, stated: int | None, at: datetime | None) -> int:
        """The number that a line of its own is about: the stated one (a CONFIG type, say), else the one of its time.

        A connector that was made anew keeps its earlier changes by this: what states the former number, or was written
        while the connector had it, looks like our changes of that time.
        """
        return stated or self.number_at(at)

    @property
    def anew_at(self) -> datetime | None:
        """When it was handed over to the number that it has now; None while it never had another."""
        return max((until for _, until in self._former()), default=None)

    def term_of(self, number: int) -> tuple[datetime | None, datetime | None]:
        """From when until when it had a number of its own; None: without such an end."""
        since: datetime | None = None
        for former, until in self._former():
            if former == number:
                return since, until
            since = until
        return since, None

    @property
    def numbers_in_words(self) -> str:
        """ "124 (formerly 123, until 29 Nov 2026)" """
        former = "; ".join(f"formerly {number}, until {until:%-d %b %Y}" for number, until in reversed(self._former()))
        return f"{self.align_connector_id} ({former})" if former else str(self.align_connector_id)

    def _former(self) -> list[tuple[int, datetime]]:
        return [(number, datetime.fromisoformat(until)) for number, until in self.former_numbers]


def with_former_number(connectors: Iterable[Connector], number: int) -> Connector | None:
    """The one of these that had this number in Align before; the caller says of which site they are."""
    return next((each for each in connectors if number in each.numbers - {each.align_connector_id}), None)


class System(models.TextChoices):
    ALIGN = "align", "Jira Align"
    JIRA = "jira", "Jira"


class CredentialKind(models.TextChoices):
    ALIGN_BEARER = "align-bearer", "Align API token (bearer)"
    ALIGN_BASIC = "align-basic", "Atlassian API token (user and token)"
    JIRA_CLOUD = "jira-cloud", "Jira Cloud: e-mail and API token"
    JIRA_PASSWORD = "jira-password", "Jira Data Center: user and password"
    JIRA_PAT = "jira-pat", "Jira Data Center: personal access token"


class Stage(models.TextChoices):
    PENDING = "pending", "Pending"
    CURRENT = "current", "Current"
    PREVIOUS = "previous", "Previous"


class Credential(models.Model):
    """One secret for one of the two systems. The sealed value is bound to `uuid`, field and `version`.

    A new one is staged as pending, becomes current by a switch, and is previous for a day after the next switch.
    Then its row is deleted: the history keeps who did what and when, and nothing that could be opened.
    """

    uuid = models.UUIDField(unique=True)
    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="credentials")
    system = models.CharField(max_length=5, choices=System.choices)
    kind = models.CharField(max_length=15, choices=CredentialKind.choices)
    stage = models.CharField(max_length=8, choices=Stage.choices, default=Stage.CURRENT)
    version = models.PositiveIntegerField(default=1)
    user = models.CharField(max_length=320, blank=True)
    sealed = models.TextField()
    fingerprint = models.CharField(max_length=16)  # keyed hash, so that two people can compare without seeing it
    identity = models.CharField(max_length=320, blank=True)  # whose it is, as the remote system says
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    backup_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reason = models.TextField(blank=True)  # why it was staged
    # An Align token dies when its user makes the next one: then there is no way back to the one before.
    replaces_same_user = models.BooleanField(default=False)
    expires_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    switched_at = models.DateTimeField(null=True, blank=True)  # when it became current
    previous_until = models.DateTimeField(null=True, blank=True)  # when a previous one is destroyed
    used_at = models.DateTimeField(null=True, blank=True)
    last_answer = models.TextField(blank=True)  # empty: the last call was accepted
    refused_status = models.PositiveSmallIntegerField(null=True, blank=True)  # 401, or 403: a right or a scope

    objects = LockableQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "system", "stage"], name="one_credential_per_stage")
        ]
