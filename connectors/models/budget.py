"""The rate budget as rows: one gate per remote origin, and under it one row per request that may be under way."""

from __future__ import annotations

from django.db import models

from connectors.models.connector import System


class BudgetGate(models.Model):
    """Open while `blocked_until` is empty. After a block, whoever holds `probe_until` asks first; the others wait."""

    system = models.CharField(max_length=10, choices=System.choices)
    origin = models.CharField(max_length=255)  # host, with the port where it is not the usual one
    blocked_until = models.DateTimeField(null=True)
    probe_until = models.DateTimeField(null=True)
    refusals = models.PositiveBigIntegerField(default=0)  # blocks that the site began by a refusal, ever

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "origin"], name="one_gate_per_origin")]

    def __str__(self) -> str:
        return f"{self.system} {self.origin}"


class BudgetSlot(models.Model):
    """Free once `free_at` has passed. The highest numbers are the ones reserved for people."""

    gate = models.ForeignKey(BudgetGate, on_delete=models.CASCADE, related_name="slots")
    number = models.PositiveIntegerField()
    free_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gate", "number"], name="one_row_per_slot")]
        indexes = [models.Index(fields=["gate", "free_at"], name="slots_by_free_at")]

    def __str__(self) -> str:
        return f"slot {self.number} of gate {self.gate_id}"


class BudgetPeak(models.Model):
    """How many slots of a site were taken at most within a few minutes, as workers saw it. No row: none was."""

    gate = models.ForeignKey(BudgetGate, on_delete=models.CASCADE, related_name="peaks")
    at = models.DateTimeField()  # when these minutes began
    used = models.PositiveIntegerField()
    was_blocked = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gate", "at"], name="one_peak_per_gate_and_time")]
        indexes = [models.Index(fields=["at"], name="peaks_by_time")]

    def __str__(self) -> str:
        return f"{self.used} slots of gate {self.gate_id}"
