"""Each taking-in of Align's log: what it brought and covered, what it saw again, and whether it was withdrawn.

A run, what it confirmed and its withdrawal are only ever added; which lines do not count now follows from them.
"""

from __future__ import annotations

from django.db import models

from connectors.models.history import Intake, MirrorLine


class IntakeRun(models.Model):
    """One taking-in, or all readings of the endpoint between two that brought lines; its entry says the same.

    Numbers have no hole, and `hash` covers everything else here and the hash of the run before: the newest entry of a
    run vouches for all runs before it, also when their own entries have left into an archive.
    """

    number = models.BigIntegerField(primary_key=True)
    connector = models.ForeignKey("connectors.Connector", on_delete=models.PROTECT, related_name="intake_runs")
    intake = models.CharField(max_length=8, choices=Intake.choices)
    person_id = models.BigIntegerField(null=True, blank=True)  # no foreign key: a person may go, this row never changes
    person_name = models.CharField(max_length=320, blank=True)  # of that time; empty: nobody, the endpoint was read
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    readings = models.PositiveIntegerField(default=1)  # of the endpoint, of which only the last brought anything
    covers = models.TextField(default="[]")  # JSON: [since, until, intake] of each stretch of time it covers
    lines = models.PositiveIntegerField()  # that it brought
    digest = models.CharField(max_length=64)  # of those, in their order
    seen_again = models.PositiveIntegerField(default=0)  # of lines that were here before, and were seen again
    seen_again_digest = models.CharField(max_length=64)  # of their keys
    withdrawn = models.PositiveIntegerField(default=0)  # runs, of any connector, until then
    text_sha256 = models.CharField(max_length=64, blank=True)  # of what was pasted or uploaded
    head_seq = models.BigIntegerField()  # the end of the chain as it began
    head_hash = models.CharField(max_length=64)
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    entry_seq = models.BigIntegerField(unique=True)


class SeenAgain(models.Model):
    """Lines that were here before, and that a run showed again: from one key to another without a hole.

    Of lines that it brought itself a run has shown as many as the number of the last of them says.
    """

    run = models.ForeignKey(
        IntakeRun,
        on_delete=models.PROTECT,
        related_name="shown_again",
        db_index=False,  # one below begins with it
    )
    first = models.BigIntegerField()
    last = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["run", "id"])]


class OpenRun(models.Model):
    """The readings of an endpoint since the last run that brought nothing and left no hole: they become one run.

    The one state of an intake that changes, so it can say little: it begins where that run ended, and is closed after
    an hour.
    """

    connector = models.OneToOneField("connectors.Connector", on_delete=models.PROTECT, related_name="open_run")
    since = models.DateTimeField()  # up to when the last run of the endpoint covers
    until = models.DateTimeField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    readings = models.PositiveIntegerField()
    head_seq = models.BigIntegerField()
    head_hash = models.CharField(max_length=64)


class RunWithdrawal(models.Model):
    """Somebody's word that a pasted or uploaded run was wrong; its entry says so, too."""

    run = models.OneToOneField(IntakeRun, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal")
    person_id = models.BigIntegerField()
    person_name = models.CharField(max_length=320)
    at = models.DateTimeField()
    reason = models.TextField()
    entry_seq = models.BigIntegerField(unique=True)


class WithdrawnLine(models.Model):
    """A line that does not count: every run that has shown it, or so many of its look, is withdrawn."""

    line = models.OneToOneField(MirrorLine, primary_key=True, on_delete=models.PROTECT, related_name="withdrawal")
