# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What TLS may have left in a cluster, whatever its services are declared to have now. Private to this collection."""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, ownership, policies

from . import client, definitions


def of_services(services_of_cluster: list[dict], users: list[dict] | None = None) -> list[dict]:
    """What names it all, in the order in which it is removed; only our mark on an object tells whether it is ours.

    Which of them had TLS, and where Apigee's client certificate was issued, is nowhere noted: a service may have turned to
    plain HTTP, and a declaration may ask for no client certificate any more.

    Args:
        services_of_cluster: entries with ``name`` and ``namespace``.
        users: who else needs TLS there, as ``others.users`` gives them. Because of any of them Apigee's client certificate
            stays, and in their namespaces the ConfigMaps by which sidecars believe it.
    """
    theirs = {user["namespace"] for user in users or []}
    namespaces = list(dict.fromkeys(service["namespace"] for service in services_of_cluster))
    places = client.places({"namespaces": {"": [one for one in namespaces if one not in theirs]}}, "")
    # An issuer of a namespace has it in that of a service.
    issued = [
        entry
        for namespace in dict.fromkeys([manifests.CLIENT_NAMESPACE, *namespaces])
        for entry in client.issued({"dns_name": "", "namespace": namespace, "secret": manifests.CLIENT_SECRET})
        # The namespaces of applications are nobody's leftovers.
        if entry["kind"] != "Namespace" or namespace == manifests.CLIENT_NAMESPACE
    ]
    return ownership.identities(
        [
            *map(policies.identity, services_of_cluster),
            *definitions.certificates([{**service, "tls": {}} for service in services_of_cluster]),
            *({"apiVersion": "v1", "kind": "ConfigMap", "metadata": place} for place in places),
            *([] if users else issued),
        ]
    )
