# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What clusters can do for TLS to their pods: who will add sidecars in one that is still to be made, and whether one
that is there keeps NetworkPolicies.

Private to this collection. Works on documents as Google gives them; makes no calls.
"""

from __future__ import annotations

import re

#: MutatingAdmissionPolicy is served as v1, and by default, from this version of Kubernetes on.
POLICY_SINCE = (1, 36)
#: The channel of a new cluster whose declaration names none.
DEFAULT_CHANNEL = "REGULAR"


def unmade(site: dict, listed: dict | None) -> list[dict]:
    """Declared clusters with TLS that are not there."""
    there = {(cluster.get("location"), cluster.get("name")) for cluster in (listed or {}).get("clusters") or []}
    return [
        cluster
        for cluster in site["clusters"]
        if cluster["name"] in site["tls"]["clusters"] and (cluster["location"], cluster["name"]) not in there
    ]


def expected_modes(site: dict, listed: dict | None, configurations: dict[str, dict]) -> dict[str, str]:
    """Who will add sidecars in clusters that are still to be made, as far as it can be known, by cluster.

    Args:
        site: facts of the site.
        listed: Google's list of clusters.
        configurations: GKE's server configuration by location; it says which version a channel gives to a new cluster.

    Returns:
        ``policy`` or ``webhook``. A cluster of which nothing is known is left out: its own API decides.
    """
    if site["tls"]["mode"] != "auto":
        return {}
    found = {}
    for cluster in unmade(site, listed):
        version = _version(configurations.get(cluster["location"]) or {}, cluster.get("release_channel") or "")
        if version:
            found[cluster["name"]] = "policy" if version >= POLICY_SINCE else "webhook"
    return found


def _version(configuration: dict, channel: str) -> tuple[int, int] | None:
    """Major and minor version that a new cluster of a channel gets."""
    wanted = (channel or DEFAULT_CHANNEL).upper()
    for entry in configuration.get("channels") or []:
        if entry.get("channel") == wanted:
            match = re.match(r"(\d+)\.(\d+)", entry.get("defaultVersion") or "")
            return (int(match[1]), int(match[2])) if match else None
    return None


def unenforced(site: dict, listed: dict | None) -> list[str]:
    """A sentence for each cluster that is there and does not keep the NetworkPolicies that the site makes in it.

    New ones do: they are made with Dataplane V2.
    """
    closed = {service["cluster"] for service in site["services"] if service.get("network_policy")}
    declared = {(cluster["location"], cluster["name"]) for cluster in site["clusters"] if cluster["name"] in closed}
    return [
        f"clusters.{cluster['name']} does not enforce NetworkPolicies: it has neither Dataplane V2 nor the network policy"
        " add-on. The policies of its services are made and change nothing, so the plain ports of their pods stay open to"
        " whoever reaches the pods. Enable the add-on (gcloud container clusters update"
        f" {cluster['name']} --location {cluster['location']} --update-addons NetworkPolicy=ENABLED, then"
        " --enable-network-policy, which replaces its nodes), or say network_policy: false under tls."
        for cluster in (listed or {}).get("clusters") or []
        if (cluster.get("location"), cluster.get("name")) in declared and not _enforces(cluster)
    ]


def _enforces(cluster: dict) -> bool:
    return bool(
        (cluster.get("autopilot") or {}).get("enabled")
        or (cluster.get("networkConfig") or {}).get("datapathProvider") == "ADVANCED_DATAPATH"
        or (cluster.get("networkPolicy") or {}).get("enabled")
    )
