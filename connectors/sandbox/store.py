"""The sandbox's memory: items in named buckets, kept in a SQLite file if one is given.

Everything is read at the start; a commit writes what was put or dropped since the last one, as one transaction.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS item (
    bucket TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (bucket, id)
) WITHOUT ROWID
"""


class StateError(Exception):
    """The state file cannot be used; the message says why, in one line."""


class Store:
    """Not thread-safe by itself: the world's lock is held around every use."""

    def __init__(self, path: str | None) -> None:
        self._buckets: dict[str, dict[str, Any]] = {}
        self._dirty: dict[tuple[str, str], Any] = {}
        self._file = _open(path) if path else None
        if self._file is not None:
            with closing(self._file.execute("SELECT bucket, id, body FROM item")) as rows:
                for bucket, key, body in rows:
                    self._buckets.setdefault(bucket, {})[key] = json.loads(body)

    def get(self, bucket: str, key: str) -> Any:
        """The item itself, or None. Change it by putting a new one."""
        return self._buckets.get(bucket, {}).get(key)

    def all(self, bucket: str) -> Iterator[Any]:
        return iter(list(self._buckets.get(bucket, {}).values()))

    def items(self, bucket: str) -> Iterator[tuple[str, Any]]:
        """Each with its key, in the order in which they were put first."""
        return iter(list(self._buckets.get(bucket, {}).items()))

    def put(self, bucket: str, key: str, item: Any) -> None:
        self._buckets.setdefault(bucket, {})[key] = item
        if self._file is not None:
            self._dirty[bucket, key] = item

    def drop(self, bucket: str, key: str) -> None:
        self._buckets.get(bucket, {}).pop(key, None)
        if self._file is not None:
            self._dirty[bucket, key] = None

    def clear(self) -> None:
        self._buckets.clear()
        self._dirty.clear()
        if self._file is not None:
            self._file.execute("DELETE FROM item")
            self._file.commit()

    def commit(self) -> None:
        if self._file is None or not self._dirty:
            return
        gone = [key for key, item in self._dirty.items() if item is None]
        kept = [
            (bucket, key, json.dumps(item, ensure_ascii=False))
            for (bucket, key), item in self._dirty.items()
            if item is not None
        ]
        with self._file:
            self._file.executemany("DELETE FROM item WHERE bucket = ? AND id = ?", gone)
            self._file.executemany("INSERT OR REPLACE INTO item VALUES (?, ?, ?)", kept)
        self._dirty.clear()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _open(path: str) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, check_same_thread=False)
        # A write-ahead log survives a killed process without a disk flush for each write.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(SCHEMA)
        return connection
    except sqlite3.Error as error:
        raise StateError(f"The state file {path} cannot be used: {error}.") from error
