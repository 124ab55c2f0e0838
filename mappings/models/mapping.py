"""What Align's lists hold, as three-valued mappings in scopes, and the edits that people made to them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector, Project, WorkItemType
from mappings.engine import families
from mappings.engine.values import Direction, Situation

PERSON = settings.AUTH_USER_MODEL
FAMILY_CHOICES = [(code, code) for code in families.FAMILIES]
SITUATION_CHOICES = [(value.value, value.value) for value in Situation]


class Scope(models.Model):
    """One list of Align: a family, and a project or (Jira to Align) all company-managed ones.

    Or one of ours, which Align has no part in: of a project of ours, or (Jira to Align) of all company-managed ones of
    ours. Nothing of such a list is read or sent: what was approved here is what it holds, `observed` included.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="scopes")
    family = models.CharField(max_length=9, choices=FAMILY_CHOICES)
    project = models.ForeignKey(Project, null=True, blank=True, on_delete=models.CASCADE, related_name="scopes")
    is_ours = models.BooleanField(default=False)
    observed_at = models.DateTimeField(null=True, blank=True)  # null: never read; of a list of ours, when it was made
    rows = models.PositiveIntegerField(default=0)  # records in the last list, for the number of its pages
    foreign_rows = models.PositiveIntegerField(default=0)  # of them, records with a type id outside the table
    error = models.TextField(blank=True)  # why the last list is not believed; the scope counts as not observed
    # When its list was read for the first time after its connector was made anew in Align: what differs since that
    # reading nobody has changed. Null: its connector never was, or it was not read since.
    read_anew_at = models.DateTimeField(null=True, blank=True)
    remark = models.TextField(blank=True)  # what of the last list could not be used or was not shown, and so is kept

    objects = LockableQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "family", "is_ours"],
                condition=models.Q(project=None),
                name="one_shared_scope_per_family",
            ),
            models.UniqueConstraint(
                fields=["connector", "family", "project", "is_ours"],
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
    def place(self) -> families.ListAddress:
        return families.ListAddress(
            family=families.FAMILIES[self.family],
            project_key=self.project.wire_key if self.project else None,
            is_ours=self.is_ours,
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
    # {record id: [source, target]} as Align's list calls them there, which its log repeats: not always Jira's names.
    names_in_align = models.JSONField(default=dict, blank=True)
    keep_remote_id = models.BigIntegerField(null=True, blank=True)  # of duplicates, the one an admin chose to stay
    kept_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    situation = models.CharField(max_length=8, choices=SITUATION_CHOICES, default=Situation.IN_SYNC)
    waits = models.BooleanField(default=False)  # may go into a plan: edited, or one of several records was chosen
    wanted_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    wanted_at = models.DateTimeField(null=True, blank=True)
    # Whose the wanted value was before somebody decided that it is to be restored.
    former_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    apart_since = models.DateTimeField(null=True, blank=True)  # when it was last in sync; null: it is
    written_at = models.DateTimeField(null=True, blank=True)  # an older observation does not overwrite the row
    accepted_value = models.BigIntegerField(null=True, blank=True)  # drift tolerated until `accepted_until`
    accepted_until = models.DateTimeField(null=True, blank=True)
    accepted_reason = models.TextField(blank=True)
    accepted_by = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)
    drifted_at = models.DateTimeField(null=True, blank=True)  # when the drift or conflict it is in was first seen
    version = models.PositiveIntegerField(default=0)

    objects = LockableQuerySet.as_manager()

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
    """One change of a wanted value, so that its author can undo and redo it; undone, it is whose it was before."""

    mapping = models.ForeignKey(Mapping, on_delete=models.CASCADE, related_name="edits")
    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="edits")
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+")
    before = models.BigIntegerField(null=True, blank=True)
    before_by = models.ForeignKey(
        PERSON, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    before_at = models.DateTimeField(null=True, blank=True)
    after = models.BigIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField()  # of the mapping after this edit: undone only while it still holds
    undone = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["connector", "person", "-id"])]
