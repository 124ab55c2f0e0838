"""What is decided here of a connector beside its mappings, line by line: draft, proposals, and what was agreed.

A subject (as the hierarchy) has lines, each with a key and a value of JSON. A line that nobody decided on has no value.
"""

from __future__ import annotations

from django.db import models

from alignadmin.locking import LockableQuerySet
from connectors.models import Connector
from mappings.models.mapping import PERSON

LONGEST_SUBJECT, LONGEST_KEY = 20, 120


class AgreedLine(models.Model):
    """What is in force of a subject that keeps its lines nowhere else."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="agreed_lines")
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    key = models.CharField(max_length=LONGEST_KEY)
    value = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connector", "subject", "key"], name="one_agreed_value_per_line")
        ]


class DraftLine(models.Model):
    """A line that somebody wants otherwise than it is agreed; the draft is one, and of everybody."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="draft_lines")
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    key = models.CharField(max_length=LONGEST_KEY)
    agreed = models.JSONField(null=True)  # when this was decided: what is agreed now may be another value
    wanted = models.JSONField(null=True)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.UniqueConstraint(fields=["connector", "subject", "key"], name="one_wanted_value_per_line")
        ]


class DraftSave(models.Model):
    """What one press of a button changed in a draft, so that its author can undo it.

    `lines`: [{"key", "before", "after", "author"}, ...]; the author is whose the draft's value was before, or null
    where the agreed one was wanted.
    """

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="draft_saves")
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()
    lines = models.JSONField(default=list)
    is_over = models.BooleanField(default=False)  # undone, or proposed since

    class Meta:
        indexes = [
            models.Index(
                fields=["connector", "subject", "author"], condition=models.Q(is_over=False), name="saves_to_undo"
            )
        ]


class ProposalState(models.TextChoices):
    OPEN = "open", "To approve"
    APPROVED = "approved", "Approved"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ConfigurationProposal(models.Model):
    """Lines of a draft as they were proposed: exactly these are approved, by their fingerprint, or none.

    `lines`: objects with `key`, `before` and `after` (values), `label`, `before_words`, `after_words` and `project_key`
    (as people read them), and `author` (a copy of who decided on the line: see alignadmin.audit.entries.PersonCopy).
    """

    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, related_name="configuration_proposals")
    subject = models.CharField(max_length=LONGEST_SUBJECT)
    author = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")  # who proposed it
    state = models.CharField(max_length=9, choices=ProposalState.choices, default=ProposalState.OPEN)
    reason = models.TextField()
    ticket = models.CharField(max_length=100, blank=True)
    lines = models.JSONField(default=list)
    warnings = models.JSONField(default=list, blank=True)  # sentences, ticked when it is approved
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    decider = models.ForeignKey(PERSON, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)  # why it was declined or withdrawn

    objects = LockableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "subject"], condition=models.Q(state="open"), name="one_open_proposal_per_subject"
            )
        ]

    @property
    def people(self) -> set[int]:
        """Who cannot be its second person: who proposed it, and whose lines it holds."""
        return {self.author_id, *(line["author"]["id"] for line in self.lines)}
