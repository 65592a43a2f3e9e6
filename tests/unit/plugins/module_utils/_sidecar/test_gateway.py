# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway beside an application, alone and behind the sidecar that ends TLS. Every outcome to the letter is in the
corpus; what the real engine does with it is in tests/testbed/edge/test_injected.py."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import manifests, microgateway
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.explain import explain
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import GATEWAY_FIELDS, PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.inject import inject
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.remove import remove
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults, DefaultsError
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import (
    application,
    injected,
    pod,
    refusal,
)

GATEWAY, TLS = "edge-microgateway", "tls-sidecar"


def alone(*containers: dict, annotations: dict[str, str] | None = None, **spec) -> dict:
    """A pod that asks for a gateway and not for TLS."""
    made = pod(*containers, annotations={"gateway": "orders", **(annotations or {})}, **spec)
    del made["metadata"]["annotations"][PREFIX + "service"]
    return made


def both(*containers: dict, annotations: dict[str, str] | None = None, **spec) -> dict:
    return pod(*containers, annotations={"gateway": "orders", **(annotations or {})}, **spec)


def container(result: dict, name: str) -> dict:
    return next(each for each in result["spec"]["initContainers"] if each["name"] == name)


def variables(result: dict) -> dict[str, str]:
    return {each["name"]: each.get("value") for each in container(result, GATEWAY)["env"]}


def test_the_gateway_calls_the_application_and_tls_calls_the_gateway():
    result, _outcome = injected(both(application(port=3000), annotations={"gateway-port": "9000"}))
    assert variables(result)["CONTAINER_PORT"] == "3000" and variables(result)["EDGEMICRO_PORT"] == "9000"
    (configuration,) = container(result, TLS)["env"]
    assert "127.0.0.1:9000" in configuration["value"] and "3000" not in configuration["value"]


def test_what_is_called_first_stops_first():
    """The kubelet starts native sidecars in their order, and stops them in reverse."""
    given = both(initContainers=[application("migrate", None)])
    result, _outcome = injected(given)
    assert [each["name"] for each in result["spec"]["initContainers"]] == [GATEWAY, TLS, "migrate"]


def test_tls_alone_has_nothing_of_a_gateway():
    result, _outcome = injected(pod())
    assert "microgateway" not in json.dumps(result)
    assert "gateway" not in json.loads(result["metadata"]["annotations"][PREFIX + "status"])


def test_nothing_secret_is_in_the_pod():
    result, _outcome = injected(alone())
    for name in microgateway.FROM_SECRET:
        (found,) = (each for each in container(result, GATEWAY)["env"] if each["name"] == name)
        assert found["valueFrom"]["secretKeyRef"]["name"] == "orders" and "value" not in found
    assert {key.removeprefix(PREFIX) for key in result["metadata"]["annotations"]} == {"gateway", "status"}


@pytest.mark.parametrize("given", [alone(), both(), both(annotations={"port": "443", "gateway-trust": "edge-ca"})])
@pytest.mark.parametrize("version", ["1.28", "1.36"])
def test_the_way_back_leads_to_where_it_came_from(given, version):
    result, _outcome = injected(given, kubernetes_version=version)
    assert remove(result, Defaults.read({"kubernetes_version": version})).pod == given
    again = inject(result, "shop", Defaults.read({"kubernetes_version": version}))
    assert again.verdict == "unchanged" and again.patch == []


def test_removal_names_the_annotation_that_would_bring_it_back():
    (result,) = manifests.remove_from_manifest({"kind": "Pod", **injected(alone())[0]}, "shop", Defaults())
    assert result.explanation[-1].endswith(f"unless {PREFIX}gateway goes too")


def test_a_broken_status_says_what_to_remove_by_hand():
    result, _outcome = injected(both())
    result["metadata"]["annotations"][PREFIX + "status"] = '{"version":"1","application":1,"drain":2,"grace":3}'
    assert f"{TLS} and {GATEWAY}" in remove(result, Defaults()).refusal


def test_every_port_is_known_by_name_where_kubernetes_takes_names():
    result, _outcome = injected(both())
    names = [port["name"] for each in result["spec"]["initContainers"] for port in each["ports"]]
    assert names == ["gateway", TLS] and all(len(name) <= 15 for name in names)


def test_it_is_said_in_words():
    lines = explain(both(), "shop", Defaults())
    assert "  speaks   http to the gateway" in lines
    assert "  called   in clear on port 8000, by the TLS sidecar" in lines
    assert "  asks     callers for what Secret orders says, and sends them on to port 8080" in lines
    plain = explain(alone(), "shop", Defaults())
    assert not any(line.startswith("  shows") for line in plain) and "  called   in clear on port 8000" in plain


def test_an_annotation_on_the_workload_is_found():
    whole = {"kind": "Deployment", "metadata": {"name": "a", "annotations": {PREFIX + "gateway": "orders"}},
             "spec": {"template": {"metadata": {}, "spec": {"containers": [application()]}}}}
    (result,) = manifests.inject_manifest(whole, "shop", Defaults())
    assert f"{PREFIX}gateway stands on the Deployment itself" in result.explanation[1]


def test_a_pod_with_an_allowance_of_its_own_is_told_of_both():
    outcome = inject(both(resources={"limits": {"memory": "1Gi"}}), "shop", Defaults())
    assert [f"{PREFIX}{name}" in warning for name in ("cpu", "gateway-cpu") for warning in outcome.warnings[:2]] == [
        True, False, False, True]


def test_defaults_name_what_gateways_need_and_not_which():
    known = Defaults.read({"images": {GATEWAY: "registry.acme.example/edgemicro:1"}, "values": {"gateway-cpu": "1"}})
    result = inject(alone(), "shop", known).patch[0]["value"][0]
    assert result["image"] == "registry.acme.example/edgemicro:1" and result["resources"]["requests"]["cpu"] == "1"
    with pytest.raises(DefaultsError, match="values.gateway is not a setting"):
        Defaults.read({"values": {"gateway": "orders"}})


def test_defaults_of_tls_do_not_matter_to_a_gateway_alone():
    known = {"values": {"probes": "rewrite", "protocol": "grpc", "engine": "nginx", "port": 8080}}
    result, _outcome = injected(alone(), **known)
    assert [each["name"] for each in result["spec"]["initContainers"]] == [GATEWAY]
    assert "speaks http alone" in refusal(both(), values={"protocol": "grpc"})


def test_every_field_of_a_gateway_says_so_in_its_name():
    assert all(field.name == "gateway" or field.name.startswith("gateway-") for field in GATEWAY_FIELDS)
