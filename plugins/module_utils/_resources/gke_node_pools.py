# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Node pools of a GKE cluster: how each of their parts changes. Private to the collection."""

from __future__ import annotations

import typing as t

from .._engine import fields as f
from .._engine.compare import Change
from .._engine.fields import Document, Options
from .gke_fields import NODE_POOL

if t.TYPE_CHECKING:
    from .gke_cluster import GkeCluster

#: Place in the pool -> (field of UpdateNodePoolRequest, key around the value there).
_POOL_UPDATES: dict[str, tuple[str, str]] = {
    "machine_type": ("machineType", ""),
    "image_type": ("imageType", ""),
    "disk_size_gb": ("diskSizeGb", ""),
    "disk_type": ("diskType", ""),
    "tags": ("tags", "tags"),
    "labels": ("labels", "labels"),
    "taints": ("taints", "taints"),
    "locations": ("locations", ""),
}
_BY_NAME = {field.name: field for field in NODE_POOL}


def complete(pools: list[Document], workload_identity: bool) -> None:
    """Add to new pools what follows from the rest."""
    for pool in pools:
        scaling = pool.get("autoscaling")
        if scaling is not None and not scaling.get("maxNodeCount"):
            pool["autoscaling"] = {"enabled": False}
        elif scaling is not None:
            scaling["enabled"] = True
            pool.setdefault("initialNodeCount", scaling.get("minNodeCount") or 1)
        if workload_identity:
            config = pool.setdefault("config", {})
            config.setdefault("workloadMetadataConfig", {"mode": "GKE_METADATA"})


def refusals(changes: list[Change]) -> list[str]:
    """Changes of a pool that would need a new pool: refused, since a pool is never removed."""
    return [
        f"{change.field} of a node pool cannot be changed in place. Add a pool under another name with the new value, "
        "move the workloads, and remove the old pool by hand."
        for change in changes
        if change.top == "node_pools" and change.spec.immutable
    ]


def steps(cluster: GkeCluster, found: Document, changes: list[Change]) -> t.Iterator[t.Callable[[], None]]:
    """The calls that bring the pools to what is stated, one after the other."""
    there = {str(pool.get("name")): pool for pool in found.get("nodePools") or []}
    touched: dict[str, set[str]] = {}
    for change in changes:
        if change.top == "node_pools":
            name, _bracket, rest = change.field[len("node_pools[") :].partition("]")
            touched.setdefault(name, set()).add(rest.strip(".").split(".")[0])
    wanted = {str(pool["name"]): pool for pool in cluster.options["node_pools"]}
    for name, parts in touched.items():
        if name not in there:
            yield lambda n=name: _create(cluster, wanted[n], found)
            continue
        updates = {_BY_NAME[part].update for part in parts}
        new = f.write(NODE_POOL, wanted[name], {}, cluster)
        if "pool" in updates:
            for part in sorted(parts & _POOL_UPDATES.keys()):
                yield lambda n=name, p=part: _update(cluster, n, p, wanted[n], there[n])
        if "management" in updates:
            management = {**(there[name].get("management") or {}), **new["management"]}
            yield lambda n=name, m=management: _call(cluster, n, "setManagement", {"management": m})
        if "autoscaling" in updates:
            scaling = {**(there[name].get("autoscaling") or {}), **new["autoscaling"]}
            # Limits beside "off" are refused.
            scaling = {**scaling, "enabled": True} if scaling.get("maxNodeCount") else {"enabled": False}
            yield lambda n=name, s=scaling: _call(cluster, n, "setAutoscaling", {"autoscaling": s})
        if "size" in updates:
            yield lambda n=name: _call(cluster, n, "setSize", {"nodeCount": wanted[n]["nodes"]})


def _create(cluster: GkeCluster, options: Options, found: Document) -> None:
    options = dict(options)
    if "min_nodes" not in options:
        options.setdefault("nodes", 3 if str(cluster.options["location"]).count("-") > 1 else 1)
    pool = f.write(NODE_POOL, f.with_initial(NODE_POOL, options), {}, cluster)
    complete([pool], bool(f.find(found, ("workloadIdentityConfig", "workloadPool"))))
    reply = cluster.wire.send(
        cluster.service, "POST", f"{cluster.url()}/nodePools", body={"nodePool": pool}, repeatable=True
    )
    cluster.finish(reply.json())


def _update(cluster: GkeCluster, name: str, part: str, wanted: Options, there: Document) -> None:
    field = _BY_NAME[part]
    # What the user does not name (labels that others set) is sent back as it was.
    value = f.find(f.write((field,), wanted, {"config": dict(there.get("config") or {})}, cluster), field.place)
    key, around = _POOL_UPDATES[part]
    body: Document = {key: {around: value} if around else str(value) if key == "diskSizeGb" else value}
    reply = cluster.wire.send(cluster.service, "PUT", f"{cluster.url()}/nodePools/{name}", body=body)
    cluster.finish(reply.json())


def _call(cluster: GkeCluster, name: str, verb: str, body: Document) -> None:
    path = f"{cluster.url()}/nodePools/{name}:{verb}"
    cluster.finish(cluster.wire.send(cluster.service, "POST", path, body=body, repeatable=True).json())
