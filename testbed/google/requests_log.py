# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients asked: one entry for each call, without bodies, headers, tokens or query values."""

from __future__ import annotations

from collections import Counter
from typing import Any

from testbed.google.store import Store


class RequestsLog:
    """Calls received since the log was cleared; survives restarts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, entry: dict[str, Any]) -> None:
        """Record a call: method (discovery id or null), verb, path, mutating, principal, status, findings, time."""
        self._store.append_request(entry)

    def entries(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the entries numbered above after."""
        return self._store.requests(after)

    def counters(self, after: int = 0) -> dict[str, Any]:
        """Return totals: reads, mutating, refused by the contract, and calls by method."""
        entries = self.entries(after)
        api = [e for e in entries if e["method"] and not e["method"].startswith("oauth2.")]
        return {
            "total": len(entries),
            "reads": sum(not e["mutating"] for e in api),
            "mutating": sum(e["mutating"] for e in api),
            "violations": sum(bool(e.get("findings")) for e in entries),
            "by_method": dict(sorted(Counter(e["method"] or "unknown" for e in entries).items())),
            "by_status": dict(sorted(Counter(str(e["status"]) for e in entries).items())),
        }

    def clear(self) -> None:
        """Forget all entries."""
        self._store.clear_requests()
