"""README.txt of an evidence pack: what is in it and how to check it, with what the checker has to answer."""

from __future__ import annotations

from datetime import UTC, datetime

TEXT = """EVIDENCE PACK OF ALIGNADMIN

Filter      {filter_words}
Made by     {made_by}
Made at     {made_at} UTC
Time zone   {time_zone} (of the column "Time" in rows.csv and of statements.txt; all other times are UTC)


HOW TO CHECK IT

You need Python 3.10 or newer and nothing of AlignAdmin.

1. Unpack the zip file into an empty folder, open a command line there and install the one package it needs:

       python -m pip install cryptography

2. Check the pack:

       python checker.py .

   It has to answer, as its first line:

       {expected}

   then "Every row says what its entry or its line says", with the number of rows, and to end with the exit code 0.
   Lines that begin with "Note:" tell what cannot be known from the pack alone.
   Whoever does not trust the checker in the pack takes the same file from AlignAdmin's source.

3. AlignAdmin writes a signed checkpoint every hour to a place outside its database. Take those from there, not
   from whoever gave you the pack, put them into a folder, and check the pack against them:

       python checker.py . --checkpoints FOLDER

   It has to answer the same first line. The note that you gave no checkpoints is gone: now a history that was cut
   off or written anew, with every hash made again, would have been found.

4. Compare the key ids of the notes, or of keys.json, with those you were given when the product was set up.

5. AlignAdmin's history has an entry "pack.made" for this pack; its number stands on the pack's page. In it,
   "manifest_sha256" is the SHA-256 of manifest.json: a pack that was edited afterwards and signed once more, also
   by whoever holds the key, has another. statements.txt, README.txt and rows that are not there can be checked in
   this way alone.

6. To follow one row: find its line in rows.jsonl (or rows.csv), take "seq" and "hash", and find the line of
   entries.jsonl with the same seq. Its hash is the same, and its body is what was written when it happened: who,
   what, when, why, with which plan, approved by whom. That number is the row's number everywhere: on the page, in
   its address, in the API. A row without seq is a line of Align's own log that no act of AlignAdmin caused; it is
   known by its line's id, and statements.txt says what vouches for it.

If the first line begins with WRONG, do not rely on the pack: it names the first wrong entry, row or file.

What the checker does with rows: it makes each row and each line of plans.jsonl again from its entry, by code of its
own, and compares every field; it compares a row without an entry with the line's own columns; it compares rows.csv
with rows.jsonl, to the byte; and where the filter asks for nothing but days, kinds, plans, projects and connectors,
it looks that no row of an entry is left out.


WHAT IS IN IT

manifest.json      filter, counts, zone, first and last entry, the head of the chain, the SHA-256 of every file
manifest.sig       its signature (Ed25519), by the key that signs checkpoints
rows.csv           the chosen rows for a spreadsheet: UTF-8, commas, quoted by RFC 4180. A value that begins with
                   = + - @ ' or a control character has an apostrophe before it, so that no spreadsheet runs it as a
                   formula; take one apostrophe away to have the value back
rows.jsonl         the same rows without any loss, one object a line, made from entries and lines of Align's log, not
                   from the table that the history page searches. The project of a line that names none is the one
                   that the product's catalogue knew when this pack was made
lines.jsonl        the lines of Align's log that these rows name, with all others of the same taking-in, whose entry has
                   a digest of them
plans.jsonl        the plans behind them: who made, approved and applied them and why, and each change with before
                   and after, the request that was sent, and the answer
entries.jsonl      every entry of the chain {span}, whether chosen or not, so that the chain can be checked:
                   seq, hash of the one before, hash, and the text that was hashed
checkpoints.jsonl  the signed checkpoints from the one before those entries to the one made for this pack
keys.json          the public keys that signed
statements.txt     what is not there, where Align's log was not taken in, whether the history page said the
                   same as the entries, and what cannot be said
checker.py         the checker; it reads files and nothing else
"""


def readme(
    *,
    filter_words: str,
    made_by: str,
    made_at: datetime,
    time_zone: str,
    first: int | None,
    last: int | None,
    checkpoints: int,
) -> str:
    return TEXT.format(
        filter_words=filter_words,
        made_by=made_by,
        made_at=f"{made_at.astimezone(UTC):%-d %b %Y, %H:%M:%S}",
        time_zone=time_zone,
        expected=expected(first, last, checkpoints),
        span=f"from {first} to {last}" if first else "that falls into the days asked for (none)",
    )


def expected(first: int | None, last: int | None, checkpoints: int) -> str:
    """The checker's first line when everything holds."""
    if first is None or last is None:
        return f"Everything holds: 0 entries, {checkpoints} checkpoints."
    return f"Everything holds: {last - first + 1} entries, from {first} to {last}, {checkpoints} checkpoints."
