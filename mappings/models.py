"""Scopes and three-valued mappings, the edits people made, and stored plans with their changes."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from connectors.models import Connector, Project, WorkItemType
from mappings.engine import families
from mappings.engine.plan import row_key
from mappings.engine.values import Direction, Situation
from mappings.engine.values import WorkItemType as TypeName

PERSON = settings.AUTH_USER_MODEL
FAMILY_CHOICES = [(code, code) for code in families.FAMILIES]
SITUATION_CHOICES = [(value.value, value.value) for value in Situation]


class Scope(models.Model):
    """One list of Align: a family, and a project or (Jira to Align) all company-managed ones."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="scopes")
    family = models.CharField(max_length=9, choices=FAMILY_CHOICES)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="scopes")
    observed_at = models.DateTimeField(null=True, blank=True)  # null: never read
    rows = models.PositiveIntegerField(default=0)  # records in the last list, for the number of its pages
    foreign_rows = models.PositiveIntegerField(default=0)  # of them, records with a type id outside the table
    error = models.TextField(blank=True)  # why the last list is not believed; the scope counts as not observed

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "family"], condition=models.Q(project=None), name="one_shared_scope_per_family"
            ),
            models.UniqueConstraint(
                fields=["connector", "family", "project"],
                condition=models.Q(project__isnull=False),
                name="one_scope_per_family_and_project",
            ),
        ]

    def __str__(self) -> str:
        return str(self.place)

    @property
    def known(self) -> bool:
        return self.observed_at is not None and not self.error

    @property
    def place(self) -> families.Place:
        return families.Place(
            family=families.FAMILIES[self.family], project_key=self.project.wire_key if self.project else None
        )


class Mapping(models.Model):
    """What one source (a Jira status, or a state or step) leads to: wanted, applied and observed.

    Each value is an id of the other side; null is "no record", which is a value.
    """

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="mappings")
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    source_id = models.BigIntegerField()
    wanted = models.BigIntegerField(null=True, blank=True)
    applied = models.BigIntegerField(null=True, blank=True)
    observed = models.BigIntegerField(null=True, blank=True)
    remote_id = models.BigIntegerField(null=True, blank=True)
    duplicates = models.JSONField(default=list, blank=True)  # [[remote id, target id], ...] further records of the key
    keep_remote_id = models.BigIntegerField(null=True, blank=True)  # of duplicates, the one an admin chose to stay
    situation = models.CharField(max_length=8, choices=SITUATION_CHOICES, default=Situation.IN_SYNC)
    waits = models.BooleanField(default=False)  # may go into a plan: edited, or one of several records was chosen
    wanted_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    wanted_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(null=True, blank=True)  # an older observation does not overwrite the row
    accepted_value = models.BigIntegerField(null=True, blank=True)  # drift tolerated until `accepted_until`
    accepted_until = models.DateTimeField(null=True, blank=True)
    accepted_reason = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "work_item_type", "source_id"], name="one_mapping_per_key")
        ]
        indexes = [
            # The few rows that wait for somebody, among very many in sync.
            models.Index(fields=["situation", "scope"], name="mappings_by_situation"),
            models.Index(fields=["scope"], name="mappings_waiting", condition=models.Q(waits=True)),
        ]

    @property
    def direction(self) -> Direction:
        return families.FAMILIES[self.scope.family].direction


class ForeignRecord(models.Model):
    """A remote record whose type id is outside the published table: kept, counted, shown, never touched."""

    scope = models.ForeignKey(Scope, on_delete=models.CASCADE, related_name="foreign_records")
    remote_id = models.BigIntegerField()
    type_id = models.IntegerField()
    source_id = models.BigIntegerField()
    target_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "remote_id"], name="one_row_per_foreign_record")]


class Edit(models.Model):
    """One change of a wanted value, so that its author can undo and redo it."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="edits")
    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="edits")
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+")
    before = models.BigIntegerField(null=True, blank=True)
    after = models.BigIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField()  # of the mapping after this edit: undone only while it still holds
    undone = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["connector", "person", "-id"])]


class PlanState(models.TextChoices):
    DRAFT = "draft", "To approve"
    APPROVED = "approved", "Approved"
    APPLYING = "applying", "Applying"
    PAUSED = "paused", "Paused"
    FINISHED = "finished", "Finished"
    CANCELLED = "cancelled", "Cancelled"
    REPLACED = "replaced", "Replaced"


class Plan(models.Model):
    """What will be sent, exactly: made once, reviewed, approved by its fingerprint, applied as it is."""

    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="plans")
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="plans")
    state = models.CharField(max_length=9, choices=PlanState.choices, default=PlanState.DRAFT)
    reason = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    seen_at = models.DateTimeField()  # when its before values were last found to hold
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.JSONField(default=list, blank=True)  # [{"where", "code", "sentence"}]
    warnings = models.JSONField(default=list, blank=True)  # sentences, ticked when the plan is approved
    api_calls = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)  # expected duration
    approver = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_fingerprint = models.CharField(max_length=64, blank=True)
    applier = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    control = models.CharField(max_length=6, blank=True)  # "pause" or "cancel", asked for and not yet heard

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector"],
                condition=models.Q(state__in=["applying", "paused"]),
                name="one_apply_per_connector",
            )
        ]


class ChangeState(models.TextChoices):
    PLANNED = "planned", "planned"
    SENDING = "sending", "sending"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    STALE = "stale", "stale"
    UNKNOWN = "unknown", "unknown"
    CANCELLED = "cancelled", "cancelled"


class Change(models.Model):
    """One request of a plan, with everything needed to understand it after its mapping is gone."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="changes")
    position = models.PositiveIntegerField()
    mapping = models.ForeignKey(Mapping, null=True, on_delete=models.SET_NULL, related_name="changes")
    scope = models.ForeignKey(Scope, null=True, on_delete=models.SET_NULL, related_name="changes")
    action = models.CharField(max_length=6)  # create, update, delete
    family = models.CharField(max_length=9, choices=FAMILY_CHOICES)
    project_key = models.CharField(max_length=255, blank=True)
    work_item_type = models.CharField(max_length=7, choices=WorkItemType.choices)
    source_id = models.BigIntegerField()
    source_name = models.CharField(max_length=255)
    before = models.BigIntegerField(null=True, blank=True)
    before_name = models.CharField(max_length=255, blank=True)
    after = models.BigIntegerField(null=True, blank=True)
    after_name = models.CharField(max_length=255, blank=True)
    remote_id = models.BigIntegerField(null=True, blank=True)
    is_spare = models.BooleanField(default=False)  # deletes a further record of a key whose own record stays
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=500)
    query = models.JSONField(default=list, blank=True)
    body = models.JSONField(null=True, blank=True)
    sentence = models.TextField()
    expected_line = models.TextField()
    event = models.JSONField(default=dict)  # the expected audit line's fields, copied into the history
    state = models.CharField(max_length=9, choices=ChangeState.choices, default=ChangeState.PLANNED)
    detail = models.TextField(blank=True)  # Align's own text, or why it is stale
    confirmed = models.BooleanField(null=True)  # read back: True, False; null: not read back
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["plan", "position"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "position"], name="one_change_per_position"),
        ]
        indexes = [models.Index(fields=["plan", "state"])]

    @property
    def key(self) -> str:
        """The row as the engine names it, see engine.plan.row_key."""
        family = families.FAMILIES[self.family]
        place = families.Place(family=family, project_key=self.project_key or None)
        return row_key(place, TypeName(self.work_item_type), self.source_id)
