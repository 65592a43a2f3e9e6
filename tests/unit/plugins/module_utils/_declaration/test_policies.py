# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NetworkPolicies of published services."""

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, ownership, policies

ORDERS = {"name": "orders", "namespace": "shop", "port": 8443, "workload": "orders-v2"}
MONITORING = {"from": [{"namespaceSelector": {}}], "ports": [{"port": 9090, "protocol": "TCP"}]}


def asked(**policy: object) -> dict:
    return {**ORDERS, "network_policy": policy}


def test_only_the_published_port_is_open_and_only_to_the_sources() -> None:
    (policy,) = policies.definitions([asked(sources=["10.40.0.0/22", "10.41.0.0/22"], allow=[MONITORING]), ORDERS])
    assert policy["spec"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "orders-v2"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {
                "from": [{"ipBlock": {"cidr": "10.40.0.0/22"}}, {"ipBlock": {"cidr": "10.41.0.0/22"}}],
                "ports": [{"port": 8443, "protocol": "TCP"}],
            },
            MONITORING,
        ],
    }


def test_it_selects_the_pods_that_the_service_selects() -> None:
    workloads = [
        {"item": ORDERS, "resources": [{"spec": {"selector": {"matchLabels": {"app": "o"}}}}]},
    ]
    for service in (asked(sources=["10.0.0.0/8"]), {**asked(sources=["10.0.0.0/8"]), "selector": {"a": "b"}}):
        (policy,) = policies.definitions([service], workloads)
        published = manifests.services([service], workloads)[-1]
        assert policy["spec"]["podSelector"]["matchLabels"] == published["spec"]["selector"]


def test_without_a_source_nobody_is_admitted_rather_than_everybody() -> None:
    assert policies.definitions([asked(sources=[], allow=[])])[0]["spec"]["ingress"] == []


def test_a_policy_is_withdrawn_only_on_demand_and_only_ours() -> None:
    assert policies.withdrawn([ORDERS, asked(sources=["10.0.0.0/8"]), {**ORDERS, "network_policy": None}]) == []
    (identity,) = policies.withdrawn([asked()])
    (ours,) = policies.definitions([asked(sources=["10.0.0.0/8"])])
    theirs = {**ours, "metadata": {**ours["metadata"], "labels": {}}}
    assert ownership.pending([identity], [ownership.standing(identity, ours)], "absent") == [identity]
    assert ownership.pending([identity], [ownership.standing(identity, theirs)], "absent") == []
    assert policies.definitions([asked()]) == []
