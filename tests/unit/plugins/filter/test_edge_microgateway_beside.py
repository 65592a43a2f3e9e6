# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a workload to what a gateway beside it needs, and on to the injected manifest. What the real engine does with
that is in tests/testbed/edge/test_injected.py."""

from __future__ import annotations

import base64
import copy
import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.filter.edge_microgateway_beside import (
    edge_microgateway_beside,
    edge_microgateway_beside_faults,
    edge_microgateway_beside_patch,
    edge_microgateway_beside_probe,
    edge_microgateway_beside_problems,
)
from ansible_collections.gatewayops.apigee_gke.plugins.filter.tls_sidecar import inject_tls_sidecar, remove_tls_sidecar

PREFIX = "tls-sidecar.gatewayops.io/"
KEY, SECRET = "canary-of-the-key", "canary-of-the-secret"
GATEWAY = {
    "mode": "sidecar", "organization": "acme", "environment": "prod", "application_port": 8080,
    "plugins": ["healthcheck", "oauth"],
}  # fmt: skip
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "orders", "namespace": "shop"},
    "spec": {
        "selector": {"matchLabels": {"app": "orders"}},
        "template": {
            "metadata": {"labels": {"app": "orders"}},
            "spec": {"containers": [{"name": "app", "image": "sample", "ports": [{"containerPort": 8080}]}]},
        },
    },
}


def made(told: dict | None = None, live: dict | None = None, key: str = KEY, **declared: t.Any) -> dict[str, t.Any]:
    return edge_microgateway_beside({**GATEWAY, **declared}, told or {}, live or DEPLOYMENT, key, SECRET)


def annotated(annotations: dict[str, str]) -> dict[str, t.Any]:
    live = copy.deepcopy(DEPLOYMENT)
    live["spec"]["template"]["metadata"]["annotations"] = annotations
    return live


def test_the_injected_manifest_refers_to_what_is_made_and_holds_nothing_secret():
    found = made({"trust": "PEM of the authority"})
    (manifest,) = inject_tls_sidecar([annotated(found["annotations"])])
    spec = manifest["spec"]["template"]["spec"]
    (gateway,) = spec["initContainers"]
    sources = [each.get("valueFrom", {}) for each in gateway["env"]]
    references = {each["secretKeyRef"]["key"] for each in sources if "secretKeyRef" in each}
    assert references == set(found["secret"]["data"])
    config_map, service = found["objects"]
    volumes = {volume["configMap"]["name"] for volume in spec["volumes"] if "configMap" in volume}
    assert volumes == {found["secret"]["metadata"]["name"]} == {config_map["metadata"]["name"]} == {found["name"]}
    assert config_map["data"]["ca.crt"] == "PEM of the authority"
    assert service["spec"]["selector"] == {"app": "orders"} and service["metadata"]["name"] == "orders-gateway"
    shown = json.dumps([manifest, found["annotations"], found["objects"], found["closing"]])
    assert KEY not in shown and SECRET not in shown
    assert base64.b64decode(found["secret"]["data"]["mgw-key"]).decode() == KEY
    assert remove_tls_sidecar([manifest]) == [annotated(found["annotations"])]


def test_the_configuration_is_base64_twice_as_the_entry_point_reads_it():
    once = base64.b64decode(made()["secret"]["data"]["mgw-config"])
    assert json.loads(base64.b64decode(once))["edgemicro"]["plugins"]["sequence"][0] == "gatewayops-guard"


def test_another_key_policy_or_authority_is_another_name_and_the_same_is_the_same():
    names = [made()["name"], made(key="other")["name"], made({"trust": "PEM"})["name"],
             made(plugins=["healthcheck"], open=True)["name"]]  # fmt: skip
    assert len(set(names)) == 4 and made()["name"] == names[0]


def test_only_what_differs_from_the_defaults_is_annotated_and_the_port_that_the_configuration_has():
    assert set(made()["annotations"]) == {PREFIX + "gateway", PREFIX + "application-port", PREFIX + "gateway-port"}
    told = made({"settings": {"gateway-memory": "300Mi"}}, port=9000, processes=2)["annotations"]
    assert told[PREFIX + "gateway-port"] == "9000" and told[PREFIX + "gateway-processes"] == "2"
    assert told[PREFIX + "gateway-memory"] == "300Mi"


@pytest.mark.parametrize(("annotations", "ports"), [
    ({}, [8000]), ({PREFIX + "service": "orders"}, [8000, 8443]),
    ({PREFIX + "service": "orders", PREFIX + "port": "443"}, [8000, 443])])  # fmt: skip
def test_the_way_around_is_closed_but_for_the_gateway_and_tls(annotations, ports):
    (policy,) = made(live=annotated(annotations))["closing"]
    assert [each["port"] for each in policy["spec"]["ingress"][0]["ports"]] == ports
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app": "orders"}}
    assert made({"capture": "loopback"}, live=annotated(annotations))["closing"] == []


@pytest.mark.parametrize(("told", "declared", "text"), [
    ({"capture": "redirect"}, {}, "NET_ADMIN"),
    ({"capture": "wish"}, {}, "Write loopback or network_policy"),
    ({"settings": {"gateway-port": "9000"}}, {}, "gateway-port is not known, or follows"),
    ({"settings": {"gateway-cpu": "much"}}, {}, "an amount of CPU"),
    ({}, {"plugins": ["oauth"]}, "lacks healthcheck"),
    ({}, {"plugins": ["healthcheck"]}, "asks for a key"),
    ({}, {"application_port": 8000}, "gateway's own port"),
    ({}, {"proxies": [{"name": "edgemicro_a", "base_path": "/a"}]}, "Leave proxies out"),
    ({}, {"variables": {"EDGEMICRO_LOCAL": "1"}}, "open gateway"),
    ({}, {"authentication": "https://apigee.googleapis.com/auth"}, "not with Apigee X"),
    ({}, {"plugin": []}, "plugin is not known"),
])  # fmt: skip
def test_what_is_refused_says_what_to_do(told, declared, text):
    problems = edge_microgateway_beside_problems({**GATEWAY, **declared}, told, DEPLOYMENT)
    assert text in " ".join(problems)
    with pytest.raises(AnsibleFilterError):
        made(told, **declared)


def test_a_workload_without_labels_is_refused():
    bare = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "selector": {}}}
    assert "every pod of the namespace" in " ".join(edge_microgateway_beside_problems(GATEWAY, {}, bare))
    assert edge_microgateway_beside_problems(GATEWAY, {}, DEPLOYMENT) == []


def test_what_a_role_leaves_empty_is_as_if_not_said():
    found = made(microservices="", authentication="", plugins=["healthcheck", {"name": "oauth", "settings": None}])
    assert found["name"] == made(plugins=["healthcheck", {"name": "oauth"}])["name"] == made()["name"]


def patched(annotations, before):
    patch = edge_microgateway_beside_patch(annotations, annotated(before))
    return patch["spec"]["template"]["metadata"]["annotations"]


def test_what_the_pods_no_longer_ask_for_is_taken_out_and_what_is_not_the_gateways_stays():
    before = {"team": "shop", PREFIX + "service": "a", PREFIX + "gateway": "old", PREFIX + "gateway-memory": "300Mi"}
    assert patched({PREFIX + "gateway": "new"}, before) == {PREFIX + "gateway": "new", PREFIX + "gateway-memory": None}
    assert patched({PREFIX + "gateway": "new"}, {"team": "shop"}) == {PREFIX + "gateway": "new"}


def test_pods_that_shall_have_no_gateway_keep_what_tls_needs():
    asked = {PREFIX + "gateway": "old", PREFIX + "gateway-port": "8000", PREFIX + "application-port": "8080"}
    assert patched({}, asked) == dict.fromkeys(asked)
    assert patched({}, {**asked, PREFIX + "service": "orders"}) == dict.fromkeys(list(asked)[:2])
    assert patched({}, {"team": "shop"}) == {}


def test_a_dry_run_shows_a_pod_without_its_gateway_or_with_one_that_is_told_another_port():
    probe = edge_microgateway_beside_probe(made(), annotated({"team": "shop", PREFIX + "service": "orders"}))
    assert set(probe["metadata"]["annotations"]) == {*made()["annotations"], PREFIX + "service"}
    assert edge_microgateway_beside_faults(probe, GATEWAY) == ["Its pods would start without a gateway."]
    (injected,) = inject_tls_sidecar([edge_microgateway_beside_probe(made(), DEPLOYMENT)])
    assert edge_microgateway_beside_faults(injected, GATEWAY) == []
    (fault,) = edge_microgateway_beside_faults(injected, {**GATEWAY, "port": 9000})
    assert "EDGEMICRO_PORT=8000" in fault and "says 9000" in fault
