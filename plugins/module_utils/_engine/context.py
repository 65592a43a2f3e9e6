# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the objects of one run share. Private to the collection."""

from __future__ import annotations

import threading
import typing as t

from .._google.session import Client, Wire


class Context:
    """The client, and what was read once for all.

    check           predict only
    wait            False: start long work and report it as pending
    """

    def __init__(self, client: Client, check: bool = False, wait: bool = True) -> None:
        self.client = client
        self.check = check
        self.wait = wait
        #: Lock key -> what was started under it and is still running, when nobody waits.
        self.started: dict[str, str] = {}
        #: Identities of what this very run is to remove: it does not keep what it lives in.
        self.going: frozenset[tuple[str, ...]] = frozenset()
        self._known: dict[t.Hashable, t.Any] = {}
        self._locks: dict[t.Hashable, threading.RLock] = {}
        self._guard = threading.Lock()

    def lock(self, key: t.Hashable) -> threading.RLock:
        """The lock of this name: objects that Google serialises hold it while they change."""
        with self._guard:
            return self._locks.setdefault(key, threading.RLock())

    def once(self, key: t.Hashable, load: t.Callable[[], t.Any]) -> t.Any:
        """``load()`` the first time, the same answer afterwards, whichever thread asks."""
        with self.lock(("once", key)):
            if key not in self._known:
                self._known[key] = load()
            return self._known[key]

    def forget(self, key: t.Hashable) -> None:
        """After a write: the next :meth:`once` of this key loads again."""
        with self.lock(("once", key)):
            self._known.pop(key, None)

    def project_number(self, wire: Wire, project: str) -> str:
        """The number of a project given by id or number; read once per process and only when needed."""
        if project.isdigit():
            return project

        def load() -> str:
            found = wire.get("cloudresourcemanager", f"v3/projects/{project}")
            return str(found["name"]).rsplit("/", 1)[-1]

        return self.once(("project_number", project), load)
