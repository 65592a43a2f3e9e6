# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Key value maps as policies see them: what the management API holds, what policies wrote, and what is cached of both.

The testbed's runtime keeps what policies write to itself: the management API does not show it, unlike Apigee's. A later
write of the same entry by the management API wins. A value that a policy has read is used again until its expiry, as
Apigee does (entries.delete: "the policy consuming the entry will continue to function with its cached values").
"""
from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# What a policy can have written: several values of one entry.
Values = tuple[str, ...]


class Place(NamedTuple):
    """A map: its scope (organization, environment, apiproxy), the environment or proxy it is of, and its name."""

    scope: str
    of: str
    name: str


class KeyValueMaps:
    """The maps of one organisation. ``scale`` multiplies expiry times."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._given: dict[Place, dict[str, str]] = {}
        self._written: dict[Place, dict[str, Values | None]] = {}
        self._cache: dict[tuple[Place, str], tuple[float, Values]] = {}

    def configure(self, maps: Iterable[Mapping[str, Any]]) -> None:
        """Take over what the management API holds: entries that it has changed are no longer what a policy wrote."""
        fresh = {Place(one["scope"], one["of"], one["name"]): dict(one["entries"]) for one in maps}
        for place, written in list(self._written.items()):
            before, now = self._given.get(place), fresh.get(place)
            if before is not None and now is None:
                del self._written[place]
                continue
            for name in [name for name in written if (before or {}).get(name) != (now or {}).get(name)]:
                del written[name]
        self._given = fresh

    def exists(self, place: Place) -> bool:
        return place in self._given or place in self._written

    def get(self, place: Place, name: str, expiry: float) -> Values | None:
        """The values of an entry, at most ``expiry`` seconds old; None when there is none."""
        held = self._cache.get((place, name))
        if held is not None and held[0] > time.monotonic():
            return held[1]
        self._cache.pop((place, name), None)
        found = self._stored(place, name)
        if found is not None:
            self._cache[place, name] = (time.monotonic() + expiry * self._scale, found)
        return found

    def _stored(self, place: Place, name: str) -> Values | None:
        written = self._written.get(place, {})
        if name in written:
            return written[name]
        value = self._given.get(place, {}).get(name)
        return None if value is None else (value,)

    def put(self, place: Place, name: str, values: Values, *, override: bool) -> None:
        """Write an entry, making the map; one that is there stays unless ``override``."""
        written = self._written.setdefault(place, {})
        if override or self._stored(place, name) is None:
            written[name] = values
            self._cache.pop((place, name), None)

    def delete(self, place: Place, name: str) -> None:
        self._written.setdefault(place, {})[name] = None
        self._cache.pop((place, name), None)

    def initialise(self, place: Place, entries: Mapping[str, Values]) -> None:
        """Entries of a policy, for a map that is not there yet."""
        if not self.exists(place):
            self._written[place] = dict(entries)

    def clear_cache(self) -> None:
        self._cache.clear()


def without_values(maps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Maps as they may be shown: any value may be a secret."""
    return [{**one, "entries": sorted(one["entries"])} for one in maps]
