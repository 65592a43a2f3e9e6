# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE's controllers for Ingresses and for Gateways do alike: objects are brought to what is asked, and told so.

The order is GKE's: a finalizer before anything is made, then Google's objects, then the status; at the end Google's
objects go first and the finalizer last.
"""
from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from testbed.http_balancing.asked import DEFAULT_BACKEND, EXTERNAL, INTERNAL, REGIONAL, AskedBalancer, MadeBalancer
from testbed.kubernetes.client import ApiClient, ApiError
from testbed.kubernetes.mirror import Mirror
from testbed.kubernetes.spec import ClientFiles
from testbed.kubernetes.telling import Voice, finalize, path_of
from testbed.world import WorldError

from . import definitions
from .backends import Item, Untranslatable

#: Seconds after which a refusal is tried again, and the longest of them.
RETRY, LONGEST_RETRY = 0.5, 15.0
#: Seconds after which the health of backends is looked at again.
LOOK = 1.0

log = logging.getLogger("testbed.ingress")


@dataclasses.dataclass(frozen=True)
class Maker:
    """The three of a BalancerMaker, to be called from a thread."""

    ensure: Callable[[AskedBalancer], MadeBalancer]
    remove: Callable[[AskedBalancer], None]
    health: Callable[[MadeBalancer, AskedBalancer], Mapping[str, str]]


class Loop:
    """One cluster's, for one kind. Who inherits it says what the kind asks for and how it is told."""

    kind = ""
    finalizer = ""
    component = ""
    #: What is seen of the cluster: name -> path of the collection. ``items`` are those of the kind.
    paths: Mapping[str, str] = {}
    #: The definitions that must be there first.
    definitions: tuple[definitions.Definition, ...] = ()
    #: Reasons of the events about what cannot be translated and what Google refuses.
    reasons = ("Translate", "Sync")

    def __init__(self, cluster: tuple[str, str, str], files: ClientFiles, maker: Maker) -> None:
        self.cluster = cluster
        self._files = files
        self._maker = maker
        self._changed = threading.Event()
        self._mirrors = {name: Mirror(path, files, self._changed.set) for name, path in self.paths.items()}
        self._stopped = False
        self._cluster_uid = ""
        self.voice = Voice(self.component)
        #: By the uid of an object: what was done for it, and by what it was prompted.
        self._done: dict[str, tuple[AskedBalancer, MadeBalancer]] = {}
        self._prompts: dict[str, str] = {}
        #: When and after what pause the next attempt is due.
        self._failed: dict[str, tuple[float, float, str]] = {}

    # -- what the kinds say -----------------------------------------------------------------------------------------
    def wants(self, item: Item) -> bool:
        """Whether an object is of GKE's."""
        raise NotImplementedError

    def prompt(self, item: Item) -> str:
        """What an object is synchronised for, when it changes."""
        raise NotImplementedError

    def asked(self, client: ApiClient, item: Item, *, fresh: bool) -> AskedBalancer:
        """What it asks of Google; ``fresh``: it is synchronised now. Raises Untranslatable, ApiError or OSError."""
        raise NotImplementedError

    def synchronised(self, item: Item) -> None:
        """It has been."""

    def show(self, client: ApiClient, item: Item, wanted: AskedBalancer, made: MadeBalancer,
             health: Mapping[str, str]) -> None:
        """Write to the cluster what has come of it. Raises ApiError or OSError."""
        raise NotImplementedError

    def refused(self, client: ApiClient, item: Item, text: str) -> None:
        """Write to the cluster that nothing has. An event is written already."""

    # -- what is alike ----------------------------------------------------------------------------------------------
    def start(self) -> None:
        threading.Thread(target=self._run, name=f"{self.kind} of {self.cluster[2]}", daemon=True).start()

    def stop(self) -> None:
        """Does not wait: the threads end when they notice, and do nothing more."""
        self._stopped = True
        for mirror in self._mirrors.values():
            mirror.stop()
        self._changed.set()

    def seen(self, name: str) -> list[dict[str, Any]]:
        return self._mirrors[name].items()

    def uid(self, client: ApiClient) -> str:
        """By which GKE tells clusters apart in names."""
        if not self._cluster_uid:
            self._cluster_uid = client.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        return self._cluster_uid

    def _run(self) -> None:
        client = ApiClient(self._files)
        while not self._stopped:
            try:
                definitions.install(client, self.definitions)
                break
            except (ApiError, OSError) as error:
                log.info("cluster %s: GKE's definitions cannot be installed yet: %s", self.cluster[2], error)
                time.sleep(RETRY)
        for mirror in self._mirrors.values():
            mirror.start()
        while not self._stopped:
            self._changed.wait(LOOK if self._done or self._failed else None)
            self._changed.clear()
            if not all(mirror.listed.is_set() for mirror in self._mirrors.values()):
                continue
            items = self.seen("items")
            alive = {each["metadata"]["uid"] for each in items}
            for memory in (self._failed, self._done, self._prompts):
                for gone in set(memory) - alive:
                    del memory[gone]
            for item in items:
                if not self._stopped:
                    self._attend(client, item)

    def _attend(self, client: ApiClient, item: Item) -> None:
        """Whatever goes wrong is said in an event, and tried again."""
        uid = item["metadata"]["uid"]
        prompt = self.prompt(item)
        at, pause, failed_prompt = self._failed.get(uid, (0.0, RETRY, ""))
        if at > time.monotonic() and prompt == failed_prompt:
            return
        try:
            self._bring(client, item, prompt)
        except (WorldError, ApiError, OSError, Untranslatable) as error:
            if isinstance(error, ApiError) and error.status in (404, 409):
                # It has changed since; its watch tells more in a moment.
                pause = RETRY
            elif not self._stopped:
                self._refuse(client, item, error)
            self._failed[uid] = (time.monotonic() + pause, min(2 * pause, LONGEST_RETRY), prompt)
        else:
            self._failed.pop(uid, None)

    def _refuse(self, client: ApiClient, item: Item, error: Exception) -> None:
        translating = isinstance(error, Untranslatable)
        text = f"Translation failed: invalid {self.kind.lower()} spec: {error}" if translating else (
            f"Error syncing to GCP: error running load balancer syncing routine: {error}")
        log.info("%s %s of cluster %s: %s", self.kind, item["metadata"]["name"], self.cluster[2], text)
        self.voice.tell(client, self.kind, item, "Warning", self.reasons[0 if translating else 1], text)
        try:
            self.refused(client, item, text)
        except (ApiError, OSError) as also:
            log.info("%s %s: %s", self.kind, item["metadata"]["name"], also)

    def _bring(self, client: ApiClient, item: Item, prompt: str) -> None:
        uid, finalizers = item["metadata"]["uid"], item["metadata"].get("finalizers") or []
        if "deletionTimestamp" in item["metadata"] or not self.wants(item):
            if self.finalizer in finalizers:
                self._remove(client, item)
            return
        if self.finalizer not in finalizers:
            finalize(client, path_of(self.kind, item), self.finalizer, present=True)
        fresh = self._prompts.get(uid) != prompt
        wanted = self.asked(client, item, fresh=fresh)
        if fresh:
            self.voice.tell(client, self.kind, item, "Normal", "Sync", "Scheduled for sync")
        done, made = self._done.get(uid, (None, None))
        if done != wanted or made is None:
            made = self._maker.ensure(wanted)
            self._done[uid] = (wanted, made)
        if fresh:
            self._prompts[uid] = prompt
            self.synchronised(item)
        self.show(client, item, wanted, made, self._maker.health(made, wanted))

    def _remove(self, client: ApiClient, item: Item) -> None:
        metadata = item["metadata"]
        done, _made = self._done.pop(metadata["uid"], (None, None))
        for scheme in (done.scheme,) if done else (EXTERNAL, INTERNAL, REGIONAL):
            self._maker.remove(done or AskedBalancer(
                self.cluster, self.uid(client), metadata["namespace"], metadata["name"], scheme, (), DEFAULT_BACKEND,
                gateway=self.kind == "Gateway"))
        self._prompts.pop(metadata["uid"], None)
        finalize(client, path_of(self.kind, item), self.finalizer, present=False)


def name_of(item: Item) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def region_of(location: str) -> str:
    """The region of a cluster in a region or in a zone."""
    return location if location.count("-") == 1 else location.rpartition("-")[0]


def by_name(items: list[dict[str, Any]]) -> dict[tuple[str, str], Item]:
    return {(each["metadata"]["namespace"], each["metadata"]["name"]): each for each in items}


def secret(client: ApiClient, namespace: str, name: str) -> Item | None:
    """A Secret, or None. Raises ApiError or OSError."""
    try:
        return client.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except ApiError as error:
        if error.status != 404:
            raise
        return None
