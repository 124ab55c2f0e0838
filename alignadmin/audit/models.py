"""Our own trail: entries in a chain, checkpoints that are signed, and what was archived."""

from __future__ import annotations

from django.db import models


class ChainHead(models.Model):
    """The one row behind which appends queue; it holds the last entry's sequence and hash."""

    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)
    # Entries up to here stand in signed archives; the chain is checked from the hash of the last of them.
    archived_seq = models.BigIntegerField(default=0)
    archived_hash = models.CharField(max_length=64, default="0" * 64)


class Entry(models.Model):
    """One immutable act. `hash` covers `prev` and the stored bytes of `body`; no foreign key leaves this table."""

    seq = models.BigIntegerField(primary_key=True)
    prev = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    body = models.TextField()  # canonical JSON: seq, at, action, actor, connector, subject, data
    at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=40)

    class Meta:
        verbose_name_plural = "entries"
        indexes = [  # what the last check of the history found is asked for by every page of it
            models.Index(fields=["-seq"], condition=models.Q(action="history.verified"), name="entries_of_checks")
        ]


class SigningKey(models.Model):
    """An Ed25519 key that signs checkpoints; the private half is sealed, the public half stands in every pack."""

    uuid = models.UUIDField(unique=True)
    key_id = models.CharField(max_length=16, unique=True)  # the first half of the public key's hash
    public = models.CharField(max_length=44)  # base64 of 32 bytes
    sealed = models.TextField()
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)  # signs no more; what it signed is still checked


class Checkpoint(models.Model):
    """What the chain was at a moment, signed: an hour without entries has one, too. Never changed, as an entry."""

    number = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField()  # of the last entry it covers; 0: none yet
    at = models.DateTimeField()
    body = models.TextField()  # canonical JSON: number, seq, hash, at, prev (of the checkpoint before), key, cause
    hash = models.CharField(max_length=64)
    signature = models.CharField(max_length=88)  # base64 of 64 bytes, over the body
    key_id = models.CharField(max_length=16)
    cause = models.CharField(max_length=10)  # hour, pack, archive, command


class CheckpointDelivery(models.Model):
    """A checkpoint on its way out of this database: only a copy elsewhere shows that the end was cut off here."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, related_name="deliveries")
    place = models.CharField(max_length=10)  # folder, url, e-mail
    delivered_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["checkpoint", "place"], name="one_delivery_per_place")]
        indexes = [
            models.Index(fields=["checkpoint"], condition=models.Q(delivered_at=None), name="checkpoints_to_deliver")
        ]


class Archive(models.Model):
    """A signed file with a prefix of the chain, up to a checkpoint."""

    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    path = models.TextField()
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)  # when the entries left the database
