# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What controllers see of a cluster: collections of its API server, listed once and then watched."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from .client import ApiClient, ApiError
from .spec import ClientFiles

#: Seconds.
RETRY = 0.2
#: The API server ends a watch by itself after this many seconds.
WATCH = 300


class Mirror:
    """A collection of the API server, kept current by a thread of its own. ``changed`` is called from that thread."""

    def __init__(self, path: str, files: ClientFiles, changed: Callable[[], None]) -> None:
        self._path = path
        self._files = files
        self._changed = changed
        self._lock = threading.Lock()
        self._items: dict[str, dict[str, Any]] = {}
        self._stopped = False
        self.listed = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._follow, name=self._path, daemon=True).start()

    def stop(self) -> None:
        """The thread ends with its connection, at the latest when the watch does."""
        self._stopped = True

    def items(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._items.values())

    def _follow(self) -> None:
        client = ApiClient(self._files, timeout=WATCH + 30)
        said = ""
        while not self._stopped:
            try:
                self._watch(client, self._list(client))
                said = ""
            except (ApiError, OSError, ValueError) as error:
                if str(error) != said and not self._stopped:
                    said = str(error)
                    print(f"{self._path}: {said}")
                time.sleep(RETRY)

    def _list(self, client: ApiClient) -> str:
        answer = client.get(self._path)
        with self._lock:
            self._items = {each["metadata"]["uid"]: each for each in answer["items"]}
        self.listed.set()
        self._changed()
        return answer["metadata"]["resourceVersion"]

    def _watch(self, client: ApiClient, version: str) -> None:
        """Returns when the watch must be begun anew with a list."""
        for event in client.watch(f"{self._path}?watch=true&resourceVersion={version}&timeoutSeconds={WATCH}"):
            if event["type"] == "ERROR" or self._stopped:
                return
            item = event["object"]
            with self._lock:
                if event["type"] == "DELETED":
                    self._items.pop(item["metadata"]["uid"], None)
                else:
                    self._items[item["metadata"]["uid"]] = item
            self._changed()
