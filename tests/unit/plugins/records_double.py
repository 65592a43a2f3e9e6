# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A double of the organisation's key value map ``gatewayops-ownership``, for scripts that are about something else.

It is no Google: it keeps entries, and knows nothing but whether they are there. The emulator tells how Google does it.
"""

from __future__ import annotations

import json
import typing as t
from urllib.parse import unquote, urlsplit

MAP = "gatewayops-ownership"
_EXISTS = (409, {"error": {"code": 409, "message": "exists", "status": "ALREADY_EXISTS"}})
_ABSENT = (404, {"error": {"code": 404, "message": "no such map or entry", "status": "NOT_FOUND"}})


class RecordsDouble:
    """``held``: record by key; the map is there with the first. ``calls``: method and key of all that was sent."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, t.Any]] = {}
        self.calls: list[str] = []
        self._there = False

    def hold(self, kind: str, name: str, state: str = "made", **more: t.Any) -> None:
        """A record from before."""
        self.held[".".join([kind, *name.split("/")])] = {"kind": kind, "name": name, "state": state, **more}

    @property
    def states(self) -> dict[str, str]:
        """State by key."""
        return {key: record["state"] for key, record in self.held.items()}

    def answer(self, method: str, url: str, body: t.Any) -> tuple[int, t.Any] | None:
        """Status and document; None where the call is about something else."""
        _before, slash, place = urlsplit(url).path.partition("/keyvaluemaps")
        if method == "POST" and place == "" and slash and (body or {}).get("name") == MAP:
            self._there = True
            self.calls.append("POST map")
            return 200, body
        if not place.startswith(f"/{MAP}"):
            return None
        if place == f"/{MAP}":
            self._there = False
            self.calls.append(f"{method} map")
            return 200, {}
        key = unquote(place.removeprefix(f"/{MAP}/entries").strip("/"))
        return self._entry(method, key or (body or {}).get("name", ""), listed=not key, body=body)

    def _entry(self, method: str, key: str, listed: bool, body: t.Any) -> tuple[int, t.Any]:
        self.calls.append(f"{method} {key}".strip())
        if not self._there and not self.held:
            return _ABSENT
        if method == "GET" and listed:
            return 200, {"keyValueEntries": [self._shown(one) for one in sorted(self.held)]}
        if (method == "POST") == (key in self.held):
            return _EXISTS if method == "POST" else _ABSENT
        if method in ("POST", "PUT"):
            self.held[key] = json.loads(body["value"])
        shown = self._shown(key)
        if method == "DELETE":
            self._there = True
            del self.held[key]
        return 200, shown

    def _shown(self, key: str) -> dict[str, str]:
        return {"name": key, "value": json.dumps(self.held[key])}
