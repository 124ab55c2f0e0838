"""Random ways to falsify a stored history: what somebody could do who may write to every table, and to a pack.

Each mutation takes a copy of the history and leaves it wrong. The copies of checkpoints outside are never touched. What
is appended after the last checkpoint in the form that the product appends is no falsification of what was there: it is
told as waiting for the next one.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from alignadmin import sealing
from alignadmin.audit import standalone_checker
from alignadmin.audit.entries import canonical, digest
from alignadmin.audit.models import ChainHead, Checkpoint, CheckpointDelivery, Entry, SigningKey
from alignadmin.audit.signing_keys import signing_bound_to

Row = dict[str, Any]
ENTRY = ("seq", "prev", "hash", "body", "at", "action")
CHECKPOINT = ("number", "seq", "at", "body", "hash", "signature", "key_id", "cause")
KEY = ("uuid", "key_id", "public", "sealed", "created_at", "retired_at")
HEAD = ("seq", "hash", "archived_seq", "archived_hash")


@dataclass
class History:
    """What is stored: rows as they stand in the tables."""

    entries: list[Row]
    checkpoints: list[Row]
    keys: list[Row]
    head: Row
    private: dict[str, Ed25519PrivateKey] = field(default_factory=dict)

    def copy(self) -> History:
        return History(
            entries=[dict(row) for row in self.entries],
            checkpoints=[dict(row) for row in self.checkpoints],
            keys=[dict(row) for row in self.keys],
            head=dict(self.head),
            private=dict(self.private),
        )


def load() -> History:
    keys = list(SigningKey.objects.order_by("pk"))
    private = {
        key.key_id: Ed25519PrivateKey.from_private_bytes(
            base64.b64decode(sealing.unseal(key.sealed, bound_to=signing_bound_to(key)))
        )
        for key in keys
    }
    return History(
        entries=list(Entry.objects.order_by("seq").values(*ENTRY)),
        checkpoints=list(Checkpoint.objects.order_by("number").values(*CHECKPOINT)),
        keys=list(SigningKey.objects.order_by("pk").values(*KEY)),
        head=ChainHead.objects.values(*HEAD).get(),
        private=private,
    )


def store(history: History) -> None:
    """Put it into the tables instead of what is there; the triggers have to be lifted."""
    for model in (CheckpointDelivery, Checkpoint, SigningKey, Entry):
        model.objects.all()._raw_delete("default")
    SigningKey.objects.bulk_create([SigningKey(**row) for row in history.keys])
    Checkpoint.objects.bulk_create([Checkpoint(**row) for row in history.checkpoints])
    Entry.objects.bulk_create([Entry(**row) for row in history.entries])
    ChainHead.objects.filter(pk=1).update(**history.head)


def write_pack(history: History, folder: Path, *, made_at: str) -> None:
    """As the product would export it, whoever wrote the tables; the manifest is adjusted and not signed."""
    folder.mkdir(exist_ok=True)
    entries = [{name: row[name] for name in ("seq", "prev", "hash", "body")} for row in history.entries]
    signed = [{name: row[name] for name in ("body", "signature", "key_id")} for row in history.checkpoints]
    manifest = {
        "kind": "pack",
        "made_at": made_at,
        "entries": {"first": 1, "last": entries[-1]["seq"] if entries else None, "whole": True},
    }
    (folder / standalone_checker.ENTRIES).write_text(
        "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in entries)
    )
    (folder / standalone_checker.CHECKPOINTS).write_text(
        "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in signed)
    )
    keys = [{"key_id": row["key_id"], "public": row["public"]} for row in history.keys]
    (folder / standalone_checker.KEYS).write_text(json.dumps(keys))
    (folder / standalone_checker.MANIFEST).write_text(json.dumps(manifest))


# -- what a forger does ------------------------------------------------------------------------------------------------


def rehash(history: History, start: int = 0) -> None:
    """Number and chain the entries anew from this place on, and let the head say so."""
    for place in range(start, len(history.entries)):
        row = history.entries[place]
        said = json.loads(row["body"]) | {"seq": place + 1}
        row["seq"], row["body"] = place + 1, canonical(said)
        row["prev"] = history.entries[place - 1]["hash"] if place else standalone_checker.START
        row["hash"] = digest(row["prev"], row["body"])
    last = history.entries[-1] if history.entries else {"seq": 0, "hash": standalone_checker.START}
    history.head |= {"seq": last["seq"], "hash": last["hash"]}


def resign(history: History, start: int = 0, key: Ed25519PrivateKey | None = None) -> None:
    """Sign the checkpoints anew from this place on, with what the entries are now; without a key by their own."""
    hashes = {row["seq"]: row["hash"] for row in history.entries} | {0: standalone_checker.START}
    for place in range(start, len(history.checkpoints)):
        row = history.checkpoints[place]
        said = json.loads(row["body"])
        said["number"] = row["number"] = place + 1
        said["seq"] = row["seq"] = min(said["seq"], history.head["seq"])
        said["hash"] = hashes.get(said["seq"], said["hash"])
        said["prev"] = history.checkpoints[place - 1]["hash"] if place else standalone_checker.START
        if key:
            said["key"] = row["key_id"] = history.keys[-1]["key_id"]
            said.pop("next", None)
        seal(row, said, key or history.private[row["key_id"]])


def seal(row: Row, said: Row, key: Ed25519PrivateKey) -> None:
    row["body"] = canonical(said)
    row["hash"] = standalone_checker.checkpoint_digest(row["body"])
    row["signature"] = base64.b64encode(key.sign(row["body"].encode())).decode()


def foreign_key(history: History) -> Ed25519PrivateKey:
    """The forger's own key, put into the table of keys."""
    made = Ed25519PrivateKey.generate()
    raw = made.public_key().public_bytes_raw()
    row = dict(history.keys[-1]) | {
        "uuid": "00000000-0000-4000-8000-000000000000",
        "key_id": standalone_checker.key_id_of(raw),
        "public": base64.b64encode(raw).decode(),
    }
    history.keys.append(row)
    return made


def place_in(rng: random.Random, rows: list[Row]) -> int:
    return rng.randrange(len(rows))


def alter(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text))
    other = rng.choice([each for each in "0123456789abcdef~ " if each != text[at]])
    return rng.choice([text[:at] + other + text[at + 1 :], text[:at] + other + text[at:], text[:at] + text[at + 1 :]])


def reword(rng: random.Random, row: Row) -> None:
    said = json.loads(row["body"])
    said["sentence"] += rng.choice(["!", " or not", "\u202e", "0"])
    row["body"] = canonical(said)


# -- mutations ---------------------------------------------------------------------------------------------------------


def edit_text(rng: random.Random, history: History) -> None:
    row = rng.choice(history.entries)
    row["body"] = alter(rng, row["body"])


def edit_hash(rng: random.Random, history: History) -> None:
    row, name = rng.choice(history.entries), rng.choice(["hash", "prev"])
    at = rng.randrange(64)
    row[name] = row[name][:at] + ("1" if row[name][at] == "0" else "0") + row[name][at + 1 :]


def edit_and_hash(rng: random.Random, history: History) -> None:
    row = rng.choice(history.entries)
    reword(rng, row)
    row["hash"] = digest(row["prev"], row["body"])


def edit_column(rng: random.Random, history: History) -> None:
    row = rng.choice(history.entries)
    if rng.random() < 0.5:
        row["at"] += timedelta(microseconds=rng.randint(1, 10**9))
    else:
        row["action"] += "x"


def edit_checkpoint_column(rng: random.Random, history: History) -> None:
    row = rng.choice(history.checkpoints)
    name = rng.choice(["seq", "at", "hash", "cause", "key_id"])
    row[name] = {
        "seq": row["seq"] + 1,
        "at": row["at"] + timedelta(seconds=1),
        "hash": "0" * 64,
        "cause": "other",
        "key_id": "0" * 16,
    }[name]


def edit_head(rng: random.Random, history: History) -> None:
    if rng.random() < 0.5:
        history.head["hash"] = "f" * 64
    else:
        history.head["seq"] += rng.choice([-1, 1, 5])


def delete(rng: random.Random, history: History) -> None:
    del history.entries[place_in(rng, history.entries)]


def delete_and_rehash(rng: random.Random, history: History) -> None:
    place = place_in(rng, history.entries)
    del history.entries[place]
    rehash(history, place)


def swap(rng: random.Random, history: History) -> None:
    one, other = (history.entries[place] for place in rng.sample(range(len(history.entries)), 2))
    one["seq"], other["seq"] = other["seq"], one["seq"]
    history.entries.sort(key=lambda row: row["seq"])


def swap_and_rehash(rng: random.Random, history: History) -> None:
    first, second = sorted(rng.sample(range(len(history.entries)), 2))
    rows = history.entries
    rows[first], rows[second] = rows[second], rows[first]
    rehash(history, first)


def duplicate(rng: random.Random, history: History) -> None:
    place = place_in(rng, history.entries)
    history.entries.insert(rng.randint(place + 1, len(history.entries)), dict(history.entries[place]))
    for number, row in enumerate(history.entries, start=1):
        row["seq"] = number
    history.head["seq"] = len(history.entries)


def duplicate_and_rehash(rng: random.Random, history: History) -> None:
    place = place_in(rng, history.entries[:-1])  # the last one doubled is one that was appended
    history.entries.insert(place, dict(history.entries[place]))
    rehash(history, place)


def insert(rng: random.Random, history: History) -> None:
    place = place_in(rng, history.entries)
    made = dict(history.entries[place])
    reword(rng, made)
    history.entries.insert(place, made)
    rehash(history, place)


def cut(rng: random.Random, history: History) -> None:
    del history.entries[rng.randrange(len(history.entries)) :]


def cut_with_head(rng: random.Random, history: History) -> None:
    cut(rng, history)
    rehash(history, len(history.entries))


def cut_with_checkpoints(rng: random.Random, history: History) -> None:
    cut_with_head(rng, history)
    history.checkpoints = [row for row in history.checkpoints if row["seq"] <= history.head["seq"]]


def cut_beginning(rng: random.Random, history: History) -> None:
    """As if it had been archived."""
    place = rng.randrange(1, len(history.entries))
    history.head |= {"archived_seq": place, "archived_hash": history.entries[place - 1]["hash"]}
    del history.entries[:place]


def fork(rng: random.Random, history: History) -> None:
    """Another history from some entry on, checkpoints and all, signed with the product's own key."""
    place = place_in(rng, history.entries)
    for row in history.entries[place:]:
        reword(rng, row)
    rehash(history, place)
    after = next((at for at, row in enumerate(history.checkpoints) if row["seq"] > place), len(history.checkpoints))
    resign(history, after)


def fork_with_foreign_key(rng: random.Random, history: History) -> None:
    place = place_in(rng, history.entries)
    reword(rng, history.entries[place])
    rehash(history, place)
    after = next((at for at, row in enumerate(history.checkpoints) if row["seq"] > place), 0)
    resign(history, after, foreign_key(history))


def rewrite_all(rng: random.Random, history: History) -> None:
    for row in history.entries:
        reword(rng, row)
    rehash(history)


def rewrite_all_signed(rng: random.Random, history: History) -> None:
    rewrite_all(rng, history)
    resign(history, 0, foreign_key(history))
    history.keys = history.keys[-1:]


def replace_checkpoint(rng: random.Random, history: History) -> None:
    row = rng.choice(history.checkpoints)
    name = rng.choice(["body", "signature"])
    before = row[name]
    row[name] = alter(rng, row[name])[: len(row[name])]  # PostgreSQL keeps no longer signature
    if row[name] == before:
        row[name] = "A" + row[name][:-1]


def replace_by_another(rng: random.Random, history: History) -> None:
    one, other = rng.sample(history.checkpoints, 2)
    for name in ("body", "signature", "hash", "key_id"):
        one[name] = other[name]


def resign_checkpoint(rng: random.Random, history: History) -> None:
    """One checkpoint said otherwise and signed with another key."""
    row = rng.choice(history.checkpoints)
    key = foreign_key(history)
    said = json.loads(row["body"]) | {"key": history.keys[-1]["key_id"]}
    row["key_id"] = said["key"]
    seal(row, said, key)


def reword_checkpoint(rng: random.Random, history: History) -> None:
    """The same, and signed with its own key."""
    row = rng.choice(history.checkpoints)
    said = json.loads(row["body"])
    said["at"] = row["at"].replace(microsecond=(row["at"].microsecond + 1) % 10**6).isoformat()
    seal(row, said, history.private[row["key_id"]])


def delete_checkpoint(rng: random.Random, history: History) -> None:
    del history.checkpoints[place_in(rng, history.checkpoints)]


def delete_last_checkpoints(rng: random.Random, history: History) -> None:
    del history.checkpoints[-rng.randint(1, len(history.checkpoints)) :]


Mutation = Callable[[random.Random, History], None]
# These falsify columns that are no part of a pack.
ONLY_STORED: list[Mutation] = [edit_column, edit_checkpoint_column, edit_head, cut_beginning]
EVERYWHERE: list[Mutation] = [
    edit_text,
    edit_hash,
    edit_and_hash,
    delete,
    delete_and_rehash,
    swap,
    swap_and_rehash,
    duplicate,
    duplicate_and_rehash,
    insert,
    cut,
    cut_with_head,
    cut_with_checkpoints,
    fork,
    fork_with_foreign_key,
    rewrite_all,
    rewrite_all_signed,
    replace_checkpoint,
    replace_by_another,
    resign_checkpoint,
    reword_checkpoint,
    delete_checkpoint,
    delete_last_checkpoints,
]


def mutated(rng: random.Random, history: History) -> tuple[Mutation, History]:
    mutation = rng.choice([*EVERYWHERE, *ONLY_STORED])
    changed = history.copy()
    mutation(rng, changed)
    return mutation, changed
