"""The mirror of Align's audit log, what it covers, the cases without a cause, and the searchable projection.

Entries and `MirrorLine` are the truth and never change; `HistoryRow` can be built again from them at any time.
"""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet


class Intake(models.TextChoices):
    ENDPOINT = "endpoint", "read from Align"
    PASTE = "paste", "pasted"
    UPLOAD = "upload", "uploaded"
    BEFORE = "before", "imported before runs were kept"  # of a run only, never of a line


class MirrorLine(models.Model):
    """One line of Align's audit log as it was taken in; the raw four columns are kept whatever they say."""

    connector = models.ForeignKey(
        "connectors.Connector",
        on_delete=models.PROTECT,
        related_name="mirror_lines",
        db_index=False,  # others begin with it
    )
    remote_id = models.BigIntegerField(null=True, blank=True)  # unknown for pasted lines
    type = models.CharField(max_length=200)
    user = models.CharField(max_length=320)
    at = models.DateTimeField()
    description = models.TextField()
    digest = models.CharField(max_length=64)  # of the four columns: identical lines share it
    occurrence = models.PositiveIntegerField(default=1)  # the n-th of the identical lines
    intake = models.CharField(max_length=8, choices=Intake.choices)
    run = models.ForeignKey(
        "connectors.IntakeRun",
        on_delete=models.PROTECT,
        related_name="brought",
        db_index=False,  # one below begins with it
    )
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "digest", "occurrence"], name="one_row_per_mirrored_line")
        ]
        indexes = [models.Index(fields=["connector", "at"]), models.Index(fields=["run", "id"])]


class Coverage(models.Model):
    """A stretch of time that an intake of Align's log covers without a hole; what lies between two is a gap."""

    connector = models.ForeignKey("connectors.Connector", on_delete=models.CASCADE, related_name="coverage")
    since = models.DateTimeField()
    until = models.DateTimeField()  # moved on by each pull that follows the last one
    intake = models.CharField(max_length=8, choices=Intake.choices)

    class Meta:
        indexes = [models.Index(fields=["connector", "until"])]


class Source(models.TextChoices):
    OURS = "alignadmin", "AlignAdmin"
    ALIGN = "align", "Align"
    OUTSIDE = "outside", "Outside"


class Certainty(models.TextChoices):
    NONE = "", "not paired"
    EXACT = "exact", "exact"
    ONE_OF_MANY = "one-of", "one of several identical"


class HistoryRow(models.Model):
    """What the history page shows and searches: parsed fields and copied names, no meaning of its own."""

    at = models.DateTimeField()
    connector = models.ForeignKey(
        "connectors.Connector",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # others begin with it
    )
    source = models.CharField(max_length=10, choices=Source.choices)
    action = models.CharField(max_length=40)  # created, updated, deleted of a mapping; else the entry's own action
    kind = models.CharField(max_length=5, blank=True)  # state, step
    direction = models.CharField(max_length=3, blank=True)  # j2a, a2j
    work_item_type = models.CharField(max_length=255, blank=True)  # feature, ...; the log's term where it is not known
    project_key = models.CharField(max_length=255, blank=True)
    project_stated = models.BooleanField(default=True)  # False: Align's line does not name the project
    object_id = models.BigIntegerField(null=True, blank=True)
    object_name = models.TextField(blank=True)
    before_id = models.BigIntegerField(null=True, blank=True)
    before_name = models.TextField(blank=True)
    after_id = models.BigIntegerField(null=True, blank=True)
    after_name = models.TextField(blank=True)
    # The person is the author of what was sent where the entry states one, else whoever acted, else Align's user. The
    # numbers are those of people here, and no foreign keys: a row outlives its people, and keeps the names of its time.
    person_id = models.BigIntegerField(null=True, blank=True)
    person_name = models.CharField(max_length=320, blank=True)
    person_email = models.CharField(max_length=320, blank=True)
    planner_id = models.BigIntegerField(null=True, blank=True)
    planner_name = models.CharField(max_length=320, blank=True)
    approver_id = models.BigIntegerField(null=True, blank=True)
    approver_name = models.CharField(max_length=320, blank=True)
    applier_id = models.BigIntegerField(null=True, blank=True)  # of a change: who had it sent
    applier_name = models.CharField(max_length=320, blank=True)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=100, blank=True)
    plan = models.BigIntegerField(null=True, blank=True)
    sentence = models.TextField(blank=True)  # what happened, in words
    entry_seq = models.BigIntegerField(null=True, blank=True, unique=True)
    line = models.OneToOneField(MirrorLine, null=True, blank=True, on_delete=models.PROTECT, related_name="row")
    parsed = models.BooleanField(default=True)  # False: kept raw
    certainty = models.CharField(max_length=6, choices=Certainty.choices, default=Certainty.NONE, blank=True)
    identical = models.PositiveIntegerField(default=0)  # k of "one of k identical"
    candidates = models.JSONField(default=list, blank=True)  # an outside case: projects it may have been
    match = models.CharField(max_length=64, blank=True)  # rows whose log lines look the same share it; empty: none
    text = models.TextField(
        blank=True
    )  # the words it is found by, as connectors.history.mirror.search_terms makes them

    project_now = ""  # what its project is called today, where that is another key; told by who shows it, never stored

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id", "source"]),  # with the source: a bar per day without looking at the rows
            models.Index(fields=["connector", "-at", "-id"]),
            models.Index(fields=["plan"]),
            models.Index(fields=["connector", "match", "at"]),
            models.Index(fields=["connector"], condition=models.Q(parsed=False), name="history_rows_kept_raw"),
            models.Index(
                fields=["connector", "object_id"], condition=models.Q(source="outside"), name="history_rows_outside"
            ),
        ]

    @property
    def number(self) -> str:
        """As an address, the API and a pack have it, see connectors.history.search.numbers."""
        if self.entry_seq:
            return str(self.entry_seq)
        return f"line-{self.line_id}" if self.line_id else f"row-{self.pk}"

    @property
    def called(self) -> str:
        """ "entry 102", "line 57": as people say it"""
        return f"entry {self.entry_seq}" if self.entry_seq else self.number.replace("-", " ")


class TypeLabel(models.Model):
    """A term of the site's own for a work item type, as Align's log has it: "User Story" for Story."""

    connector = models.ForeignKey("connectors.Connector", on_delete=models.CASCADE, related_name="type_labels")
    label = models.CharField(max_length=255)
    folded = models.CharField(max_length=255)
    work_item_type = models.CharField(max_length=7, blank=True)  # story, ...; empty: a person says that it is none
    evidence = models.JSONField(
        default=list, blank=True
    )  # [{"line": id, "entry": seq or null}]: what it was learned by
    decided_by = models.CharField(max_length=320, blank=True)  # empty: learned
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["folded"]
        constraints = [models.UniqueConstraint(fields=["connector", "folded"], name="one_meaning_per_label")]


class CaseState(models.TextChoices):
    OPEN = "open", "Open"
    EXPLAINED = "explained", "Explained"
    REVERTED = "reverted", "Reverted"
    WITHDRAWN = "withdrawn", "Withdrawn"  # the taking-in that brought its line was


class Case(models.Model):
    """A change without a cause of ours, until somebody explains it or takes it back; each step is an entry."""

    connector = models.ForeignKey("connectors.Connector", on_delete=models.PROTECT, related_name="cases")
    line = models.OneToOneField(MirrorLine, null=True, blank=True, on_delete=models.PROTECT, related_name="case")
    entry_seq = models.BigIntegerField(null=True, blank=True, unique=True)  # of a change that only the watch has seen
    at = models.DateTimeField()  # of the change
    opened_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=CaseState.choices, default=CaseState.OPEN)
    note = models.TextField(blank=True)
    decided_by = models.CharField(max_length=320, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_seq = models.BigIntegerField(null=True, blank=True)

    objects = LockableQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["connector", "state", "-at"])]
