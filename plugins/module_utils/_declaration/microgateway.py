# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a gateway of Apigee Edge runs: the inventory's ``microgateway_gke``, network, clusters, and the Ingress before it.

What the gateway is, the variables of role ``edge_microgateway`` say. Private to this collection.
"""

from __future__ import annotations

from . import derive, microgateway_front, problems, shape
from .schema import CIDR, CLUSTER, CLUSTER_NAME, DNS_NAME, LABEL, NETWORK_NAME, PROJECT, REGION, SAMPLE, Field

APIS = ("compute.googleapis.com", "container.googleapis.com", "dns.googleapis.com", "cloudresourcemanager.googleapis.com")

_SERVICE = Field(
    "dict",
    options={
        "name": Field("str", "Name of the Service.", required=True, pattern=LABEL),
        "namespace": Field("str", "Kubernetes namespace.", default="default", pattern=LABEL),
        "port": Field("int", "Port on which the pods listen.", required=True, minimum=1, maximum=65535),
        "selector": Field("map", "Pod labels to select; the name of the Service when not given.", elements=Field("str")),
        "sample": Field("dict", "Make a sample application under this name (for a demo).", options=SAMPLE.options),
    },
)

DECLARATION = Field(
    "dict",
    options={
        "project": Field("str", "Google Cloud project of the cluster.", required=True, pattern=PROJECT),
        "region": Field("str", "Region of the cluster.", required=True, pattern=REGION),
        "network": Field("str", "VPC network; made when it does not exist.", required=True, pattern=NETWORK_NAME),
        "domain": Field("str", "Domain of the names in the network; C(<project>.internal) when not given.", pattern=DNS_NAME),
        "address_space": Field(
            "str", "Private range from which all others are taken.", default="10.64.0.0/10", pattern=CIDR
        ),
        "clusters": Field(
            "map", "The GKE cluster, by name.", required=True, key_pattern=CLUSTER_NAME, elements=CLUSTER
        ),
        "services": Field("list", "Headless Services that the gateway calls, and samples.", elements=_SERVICE),
        "ingress": microgateway_front.SCHEMA,
    },
)
_TITLE = "The declaration cannot be made true. Nothing has been changed."


def site(declaration: dict, gateway: dict) -> dict:
    """The facts that follow. Raises ValueError with everything that is wrong, as a page for people.

    Args:
        declaration: what the user wrote.
        gateway: ``mode``, ``name``, ``namespace`` and ``port`` of the gateway, for the Ingress before it.
    """
    read, found = shape.read(declaration, DECLARATION, "microgateway_gke")
    if not found and len(read["clusters"]) != 1:
        found.append(problems.Problem("clusters", "must be one.", found=", ".join(read["clusters"]) or "none",
                                      fix="Run the playbook once for each cluster."))
    common = {key: read.get(key) for key in ("project", "region", "network", "domain", "address_space", "clusters")}
    facts, more = derive.derive(common)
    found += more
    front: dict = {}
    # One that is not written has its defaults all the same.
    if isinstance(read.get("ingress"), dict) and declaration.get("ingress") and facts["clusters"]:
        front = microgateway_front.facts(read["ingress"], facts, gateway)
        found += microgateway_front.check(read["ingress"], front, gateway)
    if found:
        raise ValueError(problems.page(found, _TITLE))
    return {
        **{key: facts[key] for key in ("project", "region", "network", "domain", "clusters", "peering")},
        "apis": list(APIS),
        "services": [{**one, "cluster": facts["clusters"][0]["name"]} for one in read.get("services") or []],
        # Empty for none.
        "ingress": {**front, "state": "present" if read["ingress"]["enabled"] else "absent"} if front else {},
    }
