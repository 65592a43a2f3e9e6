# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Who has a place at the webhook, and who makes room when places or memory run out. Private to the collection.

Any pod that reaches the port may take places and send bodies that never end. The API server calls from few addresses,
and is done with a request in a moment; so whoever has most makes room first, and what has taken longest.
"""

from __future__ import annotations

import collections
import typing as t

if t.TYPE_CHECKING:
    from .connection import Connection, Limits


class Places:
    """The open connections, and what they hold."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._weights: dict[Connection, int] = {}
        self._held = 0
        self.evicted = 0
        """How many had to make room."""

    def __len__(self) -> int:
        return len(self._weights)

    def __iter__(self) -> t.Iterator[Connection]:
        return iter(self._weights)

    def __contains__(self, connection: object) -> bool:
        return connection in self._weights

    @property
    def full(self) -> bool:
        """Whether nobody can be let in: all places are taken, and one more."""
        return len(self._weights) > self._limits.connections

    def add(self, connection: Connection, now: float) -> Connection | None:
        """Give a place; who makes room for it, None where there is room or nobody can be spared."""
        self._weights[connection] = 0
        return self.spare(now, connection) if self.full else None

    def discard(self, connection: Connection) -> None:
        """A connection has ended."""
        self._held -= self._weights.pop(connection, 0)

    def weigh(self, connection: Connection) -> Connection | None:
        """Note what a connection holds now; who makes room where all together hold too much: of the address that holds
        most the connection that does."""
        if connection not in self._weights:
            return None
        self._held += connection.held - self._weights[connection]
        self._weights[connection] = connection.held
        if self._held <= self._limits.held:
            return None
        totals: collections.Counter[str] = collections.Counter()
        for each, weight in self._weights.items():
            totals[each.address] += weight
        [(address, _total)] = totals.most_common(1)
        self.evicted += 1
        return max((each for each in self._weights if each.address == address), key=self._weights.__getitem__)

    def spare(self, now: float, newcomer: Connection | None = None) -> Connection | None:
        """Who makes room: one that waits for nothing, or has waited longest for a request, or whose request has stalled
        longest. Never one whose request has come or is just coming in, nor, where one address has most of the places,
        one of another address."""
        places = collections.Counter(each.address for each in self._weights)
        [(address, most)] = places.most_common(1)
        crowded = most > self._limits.connections // 2
        among = [each for each in self._weights if each is not newcomer and (not crowded or each.address == address)]
        for each in sorted(among, key=_claim):
            stalls = now - each.since >= self._limits.stalled
            if each.leaving or (stalls if each.busy else (stalls or newcomer is not None) and not each.called):
                self.evicted += 1
                return each
        return None


def _claim(connection: Connection) -> tuple[bool, bool, float]:
    """Smallest for the one that can best be spared."""
    return not connection.leaving, connection.busy, connection.since
