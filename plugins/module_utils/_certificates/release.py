# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Helm release of cert-manager: what is installed, and whether that is what is declared. Private.

Read from the Secret in which Helm keeps it, which is one request and needs no Helm.
"""

from __future__ import annotations

import base64
import gzip
import json

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration.shape import merged

#: Among the values of a release that is ours, and so on all of its objects.
MARK = {"apigee-gke.gatewayops/part": "cert-manager"}
#: A Helm that was interrupted leaves one of these, and refuses to go on.
INTERRUPTED = ("pending-install", "pending-upgrade", "pending-rollback", "uninstalling")


def newest(secrets: list[dict]) -> dict | None:
    """The newest revision among Helm's Secrets of one release; None when there is none.

    Returns:
        ``chart``, ``version`` (of the chart), ``status``, ``revision`` and ``values`` as the user gave them.
    """
    revisions = [entry for entry in secrets if (entry.get("metadata") or {}).get("labels", {}).get("version")]
    if not revisions:
        return None
    secret = max(revisions, key=lambda entry: int(entry["metadata"]["labels"]["version"]))
    packed = base64.b64decode(base64.b64decode(secret["data"]["release"]))
    document = json.loads(gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed)
    metadata = document["chart"]["metadata"]
    return {
        "chart": metadata["name"],
        "version": metadata["version"],
        "status": document["info"]["status"],
        "revision": document["version"],
        "values": document.get("config") or {},
    }


def values(declared: dict, namespace: str, port: int) -> dict:
    """Values for the chart: what GKE needs and this collection relies on, under what the user declares."""
    ours = {
        # CRDs stay when the release goes: with them would go every Certificate of the cluster.
        "crds": {"enabled": True, "keep": True},
        # Autopilot lets nobody write into kube-system, where cert-manager would keep its lease.
        "global": {"leaderElection": {"namespace": namespace}, "commonLabels": dict(MARK)},
        # GKE's own firewall rule lets the control plane reach this port of nodes, and few others.
        "webhook": {"securePort": int(port)},
        # The role asks the webhook itself, and says what is wrong; this Job would only time out.
        "startupapicheck": {"enabled": False},
    }
    return merged(ours, declared)


def ours(found: dict) -> bool:
    """Whether this collection made the release."""
    labels = (found["values"].get("global") or {}).get("commonLabels") or {}
    return all(labels.get(name) == value for name, value in MARK.items())


def plan(found: dict | None, version: str, wanted: dict, cluster: str, namespace: str) -> dict:
    """What is to be done with the release, and the entry of the report for it.

    Returns:
        ``action`` (created, updated, unchanged), ``interrupted`` (an attempt that is to be removed first), ``outcome``, and
        ``trouble``, a paragraph where the release is somebody else's and nothing is to be done.
    """
    if found is not None and not ours(found):
        return {
            "action": "unchanged",
            "interrupted": False,
            "trouble": _foreign(found, cluster, namespace),
            "outcome": outcome(cluster, namespace, "unchanged"),
        }
    interrupted = found is not None and found["status"] in INTERRUPTED
    before = (
        {} if found is None or interrupted else {"version": found["version"].lstrip("v"), "values": found["values"]}
    )
    after = {"version": version.lstrip("v"), "values": wanted}
    if not before:
        action = "created"
    elif before == after and found["status"] == "deployed":
        action = "unchanged"
    else:
        action = "updated"
    changes = manifests.changes(before, after) if action == "updated" else []
    return {
        "action": action,
        "interrupted": interrupted,
        "trouble": "",
        "outcome": outcome(cluster, namespace, action, changes),
    }


def _foreign(found: dict, cluster: str, namespace: str) -> str:
    return (
        f"cluster {cluster} has cert-manager {found['version']} in namespace {namespace}, installed by somebody else.\n"
        "  because   Its Helm release does not carry the mark of this collection, which would change and remove it.\n"
        "  fix       Use it as it is: source none. Or remove that release (its definitions and Certificates stay when it was"
        " installed with crds.keep) and run again."
    )


def outcome(cluster: str, namespace: str, action: str, changes: list[dict] | None = None) -> dict:
    """An entry of the report, in the shape of those of objects."""
    return {
        "kind": "HelmRelease",
        "name": f"{cluster}/{namespace}/cert-manager",
        "action": action,
        "changes": changes or [],
        "resource": {},
    }


def manifest(documents: list[dict], namespace: str) -> list[dict]:
    """Objects of a published manifest, without the two things in it that GKE does not take.

    Its leases go into cert-manager's own namespace instead of kube-system, and the namespace itself is left to the
    role.
    """
    return [_relocated(entry, namespace) for entry in documents if entry and entry.get("kind") != "Namespace"]


def _relocated(definition: dict, namespace: str) -> dict:
    text = json.dumps(definition).replace(
        "--leader-election-namespace=kube-system", f"--leader-election-namespace={namespace}"
    )
    moved = json.loads(text)
    if moved["metadata"].get("namespace") == "kube-system":
        moved["metadata"]["namespace"] = namespace
    moved["metadata"]["labels"] = {
        **(moved["metadata"].get("labels") or {}),
        manifests.OWNER_LABEL: manifests.MANAGED_BY,
    }
    return moved
