# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator's state: JSON documents by key, binary blobs by name, kept in one SQLite file.

A request is a transaction: it sees one state and its changes appear whole or not at all, also after SIGKILL at any
moment. Documents live in memory too, so that reads cost nothing.

Keys are paths, "<service>/<resource name>", such as compute/projects/acme-shop/global/networks/shop.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
"""


class Transaction:
    """Reads and writes of one request; nothing is visible to others before the commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._documents: dict[str, dict[str, Any] | None] = {}
        self._blobs: dict[str, bytes] = {}
        self.after_commit: list[Callable[[], None]] = []
        """Called, in order, once the changes are on disk; dropped when the transaction fails."""

    def get(self, key: str) -> dict[str, Any] | None:
        """Return a copy of the document at key, or None."""
        if key in self._documents:
            return copy.deepcopy(self._documents[key])
        return copy.deepcopy(self._store.documents.get(key))

    def exists(self, key: str) -> bool:
        """Tell whether there is a document at key."""
        return self._documents[key] is not None if key in self._documents else key in self._store.documents

    def put(self, key: str, document: dict[str, Any]) -> dict[str, Any]:
        """Write the document at key and return it."""
        self._documents[key] = copy.deepcopy(document)
        return document

    def delete(self, key: str) -> None:
        """Remove the document at key, if there is one."""
        self._documents[key] = None

    def delete_under(self, prefix: str) -> None:
        """Remove every document whose key starts with prefix."""
        for key, _ in list(self.items(prefix)):
            self.delete(key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that start with prefix, sorted."""
        found = {key for key in self._store.documents if key.startswith(prefix)}
        for key, document in self._documents.items():
            if key.startswith(prefix):
                found.discard(key) if document is None else found.add(key)
        return sorted(found)

    def items(self, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (key, document) for every key that starts with prefix, sorted by key."""
        for key in self.keys(prefix):
            yield key, self.get(key) or {}

    def children(self, prefix: str) -> list[dict[str, Any]]:
        """Return the documents directly in a collection: prefix/<one segment>."""
        prefix = prefix.rstrip("/") + "/"
        return [document for key, document in self.items(prefix) if "/" not in key[len(prefix) :]]

    def put_blob(self, name: str, body: bytes) -> None:
        """Keep binary content, such as a proxy bundle by its digest."""
        self._blobs[name] = body

    def get_blob(self, name: str) -> bytes | None:
        """Return binary content kept by put_blob, or None."""
        return self._blobs[name] if name in self._blobs else self._store.read_blob(name)

    def next_number(self, counter: str, start: int = 1) -> int:
        """Return the next number of a counter that survives restarts."""
        key = f"counters/{counter}"
        number = (self.get(key) or {"next": start})["next"]
        self.put(key, {"next": number + 1})
        return number

    @property
    def dirty(self) -> bool:
        """Whether anything would be written."""
        return bool(self._documents or self._blobs)

    @property
    def changes(self) -> dict[str, dict[str, Any] | None]:
        """The written documents; None stands for removed."""
        return self._documents

    @property
    def blobs(self) -> dict[str, bytes]:
        """The written blobs."""
        return self._blobs


class Store:
    """Documents and blobs of one emulator."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # It holds consumer secrets of apps and KVM values; SQLite gives its journals the same mode.
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # A write-ahead log keeps every committed request through SIGKILL; only a power cut could lose the last ones.
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=NORMAL")
        self._database.executescript(_SCHEMA)
        rows = self._database.execute("SELECT key, body FROM documents")
        self.documents: dict[str, dict[str, Any]] = {key: json.loads(body) for key, body in rows}
        self._writer = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Run a block as one atomic change; writers take turns.

        Keep blocks short: never await the world inside one.
        """
        async with self._writer:
            transaction = Transaction(self)
            yield transaction
            self._commit(transaction)
        for callback in transaction.after_commit:
            callback()

    def snapshot(self) -> Transaction:
        """Return a transaction for reading; what is written to it is lost."""
        return Transaction(self)

    def _commit(self, transaction: Transaction) -> None:
        if not transaction.dirty:
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for key, document in transaction.changes.items():
                if document is None:
                    self._database.execute("DELETE FROM documents WHERE key = ?", (key,))
                else:
                    self._database.execute("REPLACE INTO documents VALUES (?, ?)", (key, json.dumps(document)))
            for name, body in transaction.blobs.items():
                self._database.execute("REPLACE INTO blobs VALUES (?, ?)", (name, body))
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        for key, document in transaction.changes.items():
            if document is None:
                self.documents.pop(key, None)
            else:
                self.documents[key] = document

    def read_blob(self, name: str) -> bytes | None:
        """Return a blob, or None."""
        row = self._database.execute("SELECT body FROM blobs WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def append_request(self, entry: dict[str, Any]) -> int:
        """Add an entry to the requests log and return its number."""
        cursor = self._database.execute("INSERT INTO requests (body) VALUES (?)", (json.dumps(entry),))
        return cursor.lastrowid or 0

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the log entries with a number above after, oldest first."""
        rows = self._database.execute("SELECT number, body FROM requests WHERE number > ? ORDER BY number", (after,))
        return [{"number": number, **json.loads(body)} for number, body in rows]

    def clear_requests(self) -> None:
        """Forget the requests log."""
        self._database.execute("DELETE FROM requests")

    async def clear(self, keep: tuple[str, ...] = ()) -> None:
        """Forget every blob, request and document, but documents whose keys start with one of keep."""
        async with self._writer:
            self._database.execute("DELETE FROM blobs")
            self._database.execute("DELETE FROM requests")
            for key in [key for key in self.documents if not key.startswith(keep or ("\0",))]:
                self._database.execute("DELETE FROM documents WHERE key = ?", (key,))
                del self.documents[key]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
