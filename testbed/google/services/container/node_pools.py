# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node pools. The testbed's cluster has one node whatever its pools say; they are kept and checked."""

from __future__ import annotations

from typing import Any

from testbed.google.errors import GoogleError
from testbed.google.rules import Forbidden, Required, Said
from testbed.google.service import Call, handles
from testbed.google.services.container import defaults
from testbed.google.services.container.clusters import check_pool
from testbed.google.services.container.common import VERSIONS, ContainerService, etag, node_tag

_SEEN = "google-apis.md 4.5"
_UPDATABLE = {
    "labels": ("config", "labels", "labels"),
    "taints": ("config", "taints", "taints"),
    "tags": ("config", "tags", "tags"),
    "resourceLabels": ("config", "resourceLabels", "labels"),
    "machineType": ("config", "machineType", None),
    "diskType": ("config", "diskType", None),
    "diskSizeGb": ("config", "diskSizeGb", None),
    "imageType": ("config", "imageType", None),
    "workloadMetadataConfig": ("config", "workloadMetadataConfig", None),
    "kubeletConfig": ("config", "kubeletConfig", None),
    "gvnic": ("config", "gvnic", None),
    "upgradeSettings": (None, "upgradeSettings", None),
    "locations": (None, "locations", None),
    "nodeVersion": (None, "version", None),
    "nodeNetworkConfig": (None, "networkConfig", None),
}
_GROUPS = (
    ("machineType", "diskType", "diskSizeGb"), ("nodeVersion", "imageType"), ("labels", "taints", "tags"),
)  # fmt: skip


class NodePools(ContainerService):
    """projects.locations.clusters.nodePools."""

    @handles(
        "container.projects.locations.clusters.nodePools.create",
        rules=[
            Forbidden("projectId", why="is deprecated: the path names it", source=_SEEN),
            Required("nodePool.name", source="container.v1, field text"),
            Said("not on Autopilot; a count or autoscaling is needed", source=_SEEN),
        ],
    )
    def create(self, call: Call) -> dict[str, Any]:
        document = self._standard(call)
        asked = call.body["nodePool"]
        check_pool(asked)
        if self._find(document, asked["name"]) is not None:
            raise GoogleError(409, f"Already exists: {document['_path']}/nodePools/{asked['name']}.")
        pool = defaults.node_pool(asked, document, node_tag(document))
        return self._changed(call, document, [*document["nodePools"], pool], "CREATE_NODE_POOL", asked["name"])

    @handles("container.projects.locations.clusters.nodePools.get")
    def get(self, call: Call) -> dict[str, Any]:
        return self._pool(call, self.cluster(call))

    @handles("container.projects.locations.clusters.nodePools.list")
    def list(self, call: Call) -> dict[str, Any]:
        return {"nodePools": self.cluster(call)["nodePools"]}

    @handles("container.projects.locations.clusters.nodePools.delete")
    def delete(self, call: Call) -> dict[str, Any]:
        document = self._standard(call)
        pool = self._pool(call, document)
        rest = [p for p in document["nodePools"] if p["name"] != pool["name"]]
        return self._changed(call, document, rest, "DELETE_NODE_POOL", pool["name"])

    @handles(
        "container.projects.locations.clusters.nodePools.update",
        rules=[Said("one group of fields for each update; nothing to change is refused", source=_SEEN)],
    )
    def update(self, call: Call) -> dict[str, Any]:
        document = self._standard(call)
        pool = self._pool(call, document)
        fields = [n for n in call.body if n not in ("name", "etag", "nodePoolId")]
        for name in fields:
            if name not in _UPDATABLE:
                raise GoogleError(501, f"nodePools.update: {name} is not emulated by this testbed.")
        if not fields:
            raise GoogleError(400, "Must specify a field to update.")
        if len(fields) > 1 and not any(set(fields) <= set(group) for group in _GROUPS):
            raise GoogleError(400, f"Only one field may be updated at a time, got {', '.join(sorted(fields))}.")
        if call.body.get("etag") and call.body["etag"] != pool["etag"]:
            raise GoogleError(409, "The etag of the node pool does not match the request's.", status="ABORTED")
        changed = {**pool, "config": dict(pool["config"])}
        for name in fields:
            holder, field, inner = _UPDATABLE[name]
            value = call.body[name].get(inner, {}) if inner else call.body[name]
            target = changed[holder] if holder else changed
            value = int(value) if name == "diskSizeGb" else value
            old = target.get(field)
            target[field] = defaults.merged(old, value) if isinstance(old, dict) and inner is None else value
        if call.body.get("nodeVersion", VERSIONS[0]) not in (*VERSIONS, "latest", "-"):
            raise GoogleError(400, f'Version "{call.body["nodeVersion"]}" is not supported.')
        if changed == pool:
            raise GoogleError(400, "Must specify a field to update. The node pool is as asked for already.")
        return self._replaced(call, document, changed, "UPGRADE_NODES")

    @handles("container.projects.locations.clusters.nodePools.setSize")
    def size(self, call: Call) -> dict[str, Any]:
        document = self._standard(call)
        pool = self._pool(call, document)
        count = call.body.get("nodeCount", 0)
        return self._replaced(call, document, {**pool, "initialNodeCount": count}, "SET_NODE_POOL_SIZE")

    @handles("container.projects.locations.clusters.nodePools.setAutoscaling")
    def autoscaling(self, call: Call) -> dict[str, Any]:
        document = self._standard(call)
        pool = {**self._pool(call, document), "autoscaling": call.body.get("autoscaling", {})}
        check_pool({**pool, "initialNodeCount": 1})
        return self._replaced(call, document, pool, "UPDATE_CLUSTER")

    @handles("container.projects.locations.clusters.nodePools.setManagement")
    def management(self, call: Call) -> dict[str, Any]:
        document = self._standard(call)
        pool = {**self._pool(call, document), "management": call.body.get("management", {})}
        return self._replaced(call, document, pool, "SET_NODE_POOL_MANAGEMENT")

    def _standard(self, call: Call) -> dict[str, Any]:
        document = self.cluster(call)
        if document.get("autopilot", {}).get("enabled"):
            raise GoogleError(400, "Autopilot clusters do not support mutating node pools.")
        return document

    @staticmethod
    def _find(document: dict[str, Any], name: str) -> dict[str, Any] | None:
        return next((p for p in document["nodePools"] if p["name"] == name), None)

    def _pool(self, call: Call, document: dict[str, Any]) -> dict[str, Any]:
        name = call.path["name"].rsplit("/", 1)[-1]
        pool = self._find(document, name)
        if pool is None:
            raise GoogleError(404, f"Not found: {document['_path']}/nodePools/{name}.")
        return pool

    def _replaced(self, call: Call, document: dict[str, Any], pool: dict[str, Any], kind: str) -> dict[str, Any]:
        pools = [pool if p["name"] == pool["name"] else p for p in document["nodePools"]]
        return self._changed(call, document, pools, kind, pool["name"])

    def _changed(
        self, call: Call, document: dict[str, Any], pools: list[dict[str, Any]], kind: str, name: str
    ) -> dict[str, Any]:
        for pool in pools:
            pool["etag"] = etag(pool)
        number = call.project()["number"]
        shown = document["_path"].replace(document["_project"], number, 1)
        operation = self.operate(
            call,
            document["_path"],
            kind,
            "container.update",
            duration="container.node_pool",
            target=f"{shown}/nodePools/{name}",
            before=document,
        )
        count = sum(p.get("initialNodeCount", 0) * len(p["locations"]) for p in pools)
        changed = {**document, "nodePools": pools, "currentNodeCount": count, "status": "RECONCILING"}
        call.store.put(f"container/{document['_path']}", changed)
        return operation
