# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import gke_cluster, gke_cluster_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import ANY, Script

ALL = "v1/projects/acme-shop/locations/europe-west1-b/clusters"
ONE = f"{ALL}/shop"
CLUSTER: dict[str, t.Any] = {
    "name": "shop",
    "status": "RUNNING",
    "endpoint": "203.0.113.7",
    "masterAuth": {"clusterCaCertificate": "Q0E="},
    "network": "shop-vpc",
    "subnetwork": "shop",
    "networkConfig": {
        "network": "projects/acme-shop/global/networks/shop-vpc",
        "dnsConfig": {
            "clusterDns": "CLOUD_DNS",
            "clusterDnsScope": "VPC_SCOPE",
            "clusterDnsDomain": "shop.acme.internal",
        },
        "datapathProvider": "ADVANCED_DATAPATH",
    },
    "autopilot": {},
    "addonsConfig": {
        "httpLoadBalancing": {},
        "horizontalPodAutoscaling": {},
        "networkPolicyConfig": {"disabled": True},
    },
    "releaseChannel": {"channel": "REGULAR"},
    "resourceLabels": {"managed-by": "gatewayops-apigee-gke", "goog-x": "y"},
    "labelFingerprint": "f1",
    "currentMasterVersion": "1.36.2-gke.1203000",
    "workloadIdentityConfig": {"workloadPool": "acme-shop.svc.id.goog"},
    "nodePools": [
        {
            "name": "default-pool",
            "initialNodeCount": 3,
            "config": {"machineType": "e2-standard-2", "imageType": "COS_CONTAINERD", "labels": {"theirs": "1"}},
            "management": {"autoRepair": True, "autoUpgrade": True},
        }
    ],
}
BASE = {"name": "shop", "location": "europe-west1-b"}
VPC_SCOPE = {"provider": "CLOUD_DNS", "scope": "VPC_SCOPE", "domain": "shop.acme.internal."}


def operation(status: str = "RUNNING", **more: t.Any) -> dict[str, t.Any]:
    return {
        "name": "operation-1",
        "operationType": "UPDATE_CLUSTER",
        "status": status,
        "selfLink": "https://container.googleapis.com/v1/projects/123/zones/europe-west1-b/operations/operation-1",
        **more,
    }


def poll(script: Script, **more: t.Any) -> None:
    script.expect("GET", "container", "v1/projects/123/locations/europe-west1-b/operations/operation-1").replies(
        operation("DONE", **more)
    )


def there(script: Script, **changed: t.Any) -> None:
    script.expect("GET", "container", ONE).replies({**copy.deepcopy(CLUSTER), **changed})


def updates(script: Script, body: t.Any, path: str = ONE, method: str = "PUT") -> None:
    script.expect(method, "container", path, body=body).replies(operation())
    poll(script)


def test_create_with_safe_choices() -> None:
    script = Script()
    script.expect("GET", "container", ONE).refuses(404, code="NOT_FOUND")
    cluster = {
        "name": "shop",
        "network": "projects/acme-shop/global/networks/shop-vpc",
        "subnetwork": "projects/acme-shop/regions/europe-west1/subnetworks/shop",
        "releaseChannel": {"channel": "REGULAR"},
        "ipAllocationPolicy": {
            "useIpAliases": True,
            "clusterSecondaryRangeName": "pods",
            "servicesSecondaryRangeName": "services",
        },
        "networkConfig": {
            "dnsConfig": {
                "clusterDns": "CLOUD_DNS",
                "clusterDnsScope": "VPC_SCOPE",
                "clusterDnsDomain": "shop.acme.internal",
            },
            "datapathProvider": "ADVANCED_DATAPATH",
        },
        "workloadIdentityConfig": {"workloadPool": "acme-shop.svc.id.goog"},
        "nodePools": [
            {
                "name": "default-pool",
                "initialNodeCount": 3,
                "config": {
                    "machineType": "e2-standard-2",
                    "imageType": "COS_CONTAINERD",
                    "workloadMetadataConfig": {"mode": "GKE_METADATA"},
                },
                "management": {"autoRepair": True, "autoUpgrade": True},
            }
        ],
        "resourceLabels": {"managed-by": "gatewayops-apigee-gke"},
    }
    script.expect("POST", "container", ALL, body={"cluster": cluster}).replies(operation())
    poll(script)
    there(script)
    result = script.run(
        gke_cluster,
        **BASE,
        network="shop-vpc",
        subnetwork="shop",
        pods_range_name="pods",
        services_range_name="services",
        dns=VPC_SCOPE,
    )
    assert result["action"] == "created"
    assert result["resource"]["endpoint"] == "203.0.113.7"
    assert result["resource"]["ca_certificate"] == "Q0E="
    assert result["resource"]["context"] == "gke_acme-shop_europe-west1-b_shop"


def test_create_autopilot() -> None:
    script = Script()
    path = "v1/projects/acme-shop/locations/europe-west1/clusters"
    script.expect("GET", "container", f"{path}/shop").refuses(404)
    cluster = {
        "name": "shop",
        "autopilot": {"enabled": True},
        "releaseChannel": {"channel": "REGULAR"},
        "ipAllocationPolicy": {"useIpAliases": True},
        "networkConfig": {"dnsConfig": {"additiveVpcScopeDnsDomain": "shop.acme.internal"}},
        "resourceLabels": {"managed-by": "gatewayops-apigee-gke"},
    }
    script.expect("POST", "container", path, body={"cluster": cluster}).replies(operation("DONE"))
    script.expect("GET", "container", f"{path}/shop").replies({**CLUSTER, "autopilot": {"enabled": True}})
    options = {"name": "shop", "location": "europe-west1", "autopilot": True}
    assert script.run(gke_cluster, **options, dns={"additive_domain": "shop.acme.internal"})["action"] == "created"


def test_without_waiting_the_work_is_started_and_pending() -> None:
    script = Script()
    script.expect("GET", "container", ONE).refuses(404)
    script.expect("POST", "container", ALL, body=ANY).replies(operation())
    there(script, status="PROVISIONING")
    result = script.run(gke_cluster, **BASE, wait=False)
    assert result["action"] == "created" and result["pending"] == "operation-1"


def test_interrupted_run_joins_what_is_under_way() -> None:
    script = Script()
    there(script, status="PROVISIONING")
    there(script, status="PROVISIONING")
    there(script)
    result = script.run(gke_cluster, **BASE)
    assert not result["changed"] and result["action"] == "unchanged" and result["resource"]["status"] == "RUNNING"


def test_no_change() -> None:
    script = Script()
    there(script)
    result = script.run(
        gke_cluster,
        **BASE,
        network="shop-vpc",
        subnetwork="shop",
        autopilot=False,
        version="1.36",
        release_channel="REGULAR",
        dns=VPC_SCOPE,
        private_nodes=False,
        workload_identity=True,
        addons={"http_load_balancing": True, "dns_cache": False},
        labels={},
        node_pools=[
            {"name": "default-pool", "nodes": 3, "machine_type": "e2-standard-2", "image_type": "cos_containerd"}
        ],
    )
    assert not result["changed"], result["changes"]


CHANGES: list[tuple[dict[str, t.Any], str, t.Any]] = [
    ({"release_channel": "STABLE"}, "desiredReleaseChannel", {"channel": "STABLE"}),
    ({"private_nodes": True}, "desiredDefaultEnablePrivateNodes", True),
    ({"workload_identity": False}, "desiredWorkloadIdentityConfig", {"workloadPool": ""}),
    ({"gateway_api_channel": "CHANNEL_STANDARD"}, "desiredGatewayApiConfig", {"channel": "CHANNEL_STANDARD"}),
    ({"version": "1.37"}, "desiredMasterVersion", "1.37"),
    (
        {"addons": {"http_load_balancing": False}},
        "desiredAddonsConfig",
        {
            "httpLoadBalancing": {"disabled": True},
            "horizontalPodAutoscaling": {},
            "networkPolicyConfig": {"disabled": True},
        },
    ),
    (
        {"authorized_networks": [{"range": "10.0.0.0/8"}]},
        "desiredControlPlaneEndpointsConfig",
        {
            "ipEndpointsConfig": {
                "enabled": True,
                "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "10.0.0.0/8"}]},
            }
        },
    ),
    (
        {"private_endpoint": True},
        "desiredControlPlaneEndpointsConfig",
        {"ipEndpointsConfig": {"enabled": True, "enablePublicEndpoint": False}},
    ),
]


@pytest.mark.parametrize(("options", "desired", "value"), CHANGES)
def test_each_change_is_one_update(options: dict[str, t.Any], desired: str, value: t.Any) -> None:
    script = Script()
    there(script)
    updates(script, {"update": {desired: value}})
    there(script)
    assert script.run(gke_cluster, **BASE, **options)["action"] == "updated"


def test_two_changes_are_two_updates_one_after_the_other() -> None:
    script = Script()
    there(script)
    updates(script, {"update": {"desiredReleaseChannel": {"channel": "RAPID"}}})
    body = {
        "resourceLabels": {"managed-by": "gatewayops-apigee-gke", "goog-x": "y", "team": "shop"},
        "labelFingerprint": "f1",
    }
    updates(script, body, f"{ONE}:setResourceLabels", "POST")
    there(script)
    result = script.run(gke_cluster, **BASE, release_channel="RAPID", labels={"team": "shop"})
    assert [change["field"] for change in result["changes"]] == ["release_channel", "labels.team"]


def test_second_operation_is_waited_for_not_failed() -> None:
    script = Script()
    there(script)
    script.expect("PUT", "container", ONE, body=ANY).refuses(
        400, "Cluster is running incompatible operation operation-9.", code="FAILED_PRECONDITION"
    )
    updates(script, ANY)
    there(script)
    assert script.run(gke_cluster, **BASE, release_channel="RAPID")["action"] == "updated"


def test_kube_dns_to_cloud_dns_and_additive_domain_in_place() -> None:
    script = Script()
    there(script, networkConfig={"dnsConfig": {"clusterDns": "KUBE_DNS"}})
    desired = {
        "clusterDns": "CLOUD_DNS",
        "clusterDnsScope": "CLUSTER_SCOPE",
        "additiveVpcScopeDnsDomain": "a.acme.internal",
    }
    updates(script, {"update": {"desiredDnsConfig": desired}})
    there(script)
    dns = {"provider": "CLOUD_DNS", "scope": "CLUSTER_SCOPE", "additive_domain": "a.acme.internal"}
    assert script.run(gke_cluster, **BASE, dns=dns)["action"] == "updated"


def test_empty_additive_domain_switches_it_off() -> None:
    dns = {
        "clusterDns": "CLOUD_DNS",
        "clusterDnsScope": "CLUSTER_SCOPE",
        "additiveVpcScopeDnsDomain": "a.acme.internal",
    }
    script = Script()
    there(script, networkConfig={"dnsConfig": dns})
    updates(script, {"update": {"desiredDnsConfig": {**dns, "additiveVpcScopeDnsDomain": ""}}})
    there(script)
    assert script.run(gke_cluster, **BASE, dns={"additive_domain": ""})["action"] == "updated"


REFUSED: list[tuple[dict[str, t.Any], str]] = [
    ({"dns": {"provider": "CLOUD_DNS", "scope": "CLUSTER_SCOPE"}}, "Google does not toggle the scope"),
    ({"dns": {**VPC_SCOPE, "domain": "other.acme.internal"}}, "the domain of a cluster in VPC scope is fixed"),
    ({"network": "other"}, "network cannot be changed in place"),
    ({"autopilot": True}, "autopilot cannot be changed in place: it is false, wanted true"),
    ({"node_pools": [{"name": "default-pool", "spot": True}]}, "node_pools[default-pool].spot"),
]


@pytest.mark.parametrize(("options", "sentence"), REFUSED)
def test_what_would_make_it_again_is_refused(options: dict[str, t.Any], sentence: str) -> None:
    script = Script()
    there(script)
    assert sentence in script.run(gke_cluster, fails=True, **BASE, **options)["msg"]


def test_dns_of_an_existing_autopilot_cluster_is_refused() -> None:
    script = Script()
    there(script, autopilot={"enabled": True}, networkConfig={"dnsConfig": {"clusterDns": "CLOUD_DNS"}})
    result = script.run(gke_cluster, fails=True, **BASE, dns={"additive_domain": "a.acme.internal"})
    assert "existing Autopilot cluster" in result["msg"] and "Choose:" in result["msg"]


WRONG: list[tuple[dict[str, t.Any], str]] = [
    ({"autopilot": True, "dns": VPC_SCOPE}, "VPC_SCOPE is not possible on an Autopilot cluster"),
    ({"dns": {**VPC_SCOPE, "domain": "gke.local"}}, ".local"),
    ({"dns": {**VPC_SCOPE, "domain": "bad_name.x"}}, "is not a DNS name"),
    ({"dns": {"provider": "KUBE_DNS", "scope": "VPC_SCOPE"}}, "needs dns.provider CLOUD_DNS"),
    ({"dns": {"provider": "CLOUD_DNS", "domain": "a.b"}}, "needs dns.scope VPC_SCOPE"),
    ({"dns": {**VPC_SCOPE, "additive_domain": "a.b"}}, "needs dns.scope CLUSTER_SCOPE"),
    ({"autopilot": True, "node_pools": [{"name": "a"}]}, "Autopilot makes its nodes itself"),
    ({"node_pools": [{"name": "a", "min_nodes": 3, "max_nodes": 1}]}, "min_nodes 3 is more than max_nodes 1"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_what_cannot_be_is_refused_without_a_request(options: dict[str, t.Any], sentence: str) -> None:
    assert sentence in Script().run(gke_cluster, fails=True, **BASE, **options)["msg"]


def test_pools_are_added_resized_and_changed_never_removed() -> None:
    script = Script()
    there(script)
    updates(script, {"labels": {"labels": {"theirs": "1", "ours": "2"}}}, f"{ONE}/nodePools/default-pool")
    updates(script, {"machineType": "e2-standard-4"}, f"{ONE}/nodePools/default-pool")
    management = {"management": {"autoRepair": True, "autoUpgrade": False}}
    updates(script, management, f"{ONE}/nodePools/default-pool:setManagement", "POST")
    scaling = {"autoscaling": {"minNodeCount": 1, "maxNodeCount": 5, "enabled": True}}
    updates(script, scaling, f"{ONE}/nodePools/default-pool:setAutoscaling", "POST")
    updates(script, {"nodeCount": 5}, f"{ONE}/nodePools/default-pool:setSize", "POST")
    pool = {
        "name": "extra",
        "initialNodeCount": 3,
        "config": {
            "machineType": "e2-standard-2",
            "imageType": "COS_CONTAINERD",
            "workloadMetadataConfig": {"mode": "GKE_METADATA"},
        },
        "management": {"autoRepair": True, "autoUpgrade": True},
    }
    updates(script, {"nodePool": pool}, f"{ONE}/nodePools", "POST")
    there(script)
    wanted = {
        "name": "default-pool",
        "nodes": 5,
        "machine_type": "e2-standard-4",
        "labels": {"ours": "2"},
        "auto_upgrade": False,
        "min_nodes": 1,
        "max_nodes": 5,
    }
    result = script.run(gke_cluster, **BASE, node_pools=[wanted, {"name": "extra"}])
    assert "node_pools[extra]" in [change["field"] for change in result["changes"]]


def test_delete_only_ours() -> None:
    script = Script()
    there(script)
    script.expect("DELETE", "container", ONE).replies(operation())
    poll(script)
    script.expect("GET", "container", ONE).refuses(404)
    assert script.run(gke_cluster, **BASE, state="absent")["action"] == "deleted"
    script = Script()
    there(script, resourceLabels={})
    assert script.run(gke_cluster, **BASE, state="absent")["action"] == "kept"


def test_failed_cluster_is_refused_with_what_to_do() -> None:
    script = Script()
    there(script, status="ERROR")
    assert "state ERROR" in script.run(gke_cluster, fails=True, **BASE)["msg"]


def test_failed_operation() -> None:
    script = Script()
    there(script)
    script.expect("PUT", "container", ONE, body=ANY).replies(operation())
    poll(script, error={"code": 8, "message": "Insufficient regional quota to satisfy request: CPUS"})
    result = script.run(gke_cluster, fails=True, **BASE, release_channel="RAPID")
    assert "cluster shop: Google's operation operation-1 failed: Insufficient regional quota" in result["msg"]


def test_info() -> None:
    script = Script()
    script.expect("GET", "container", "v1/projects/acme-shop/locations/-/clusters").replies({"clusters": [CLUSTER]})
    found = script.run(gke_cluster_info, location="-")["resources"]
    assert found[0]["name"] == "shop" and found[0]["dns"]["domain"] == "shop.acme.internal"
