# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One read for each object that definitions name, and what it comes to; the API server is scripted."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import objects, reader
from ansible_collections.gatewayops.apigee_gke.plugins.modules import kubernetes_ownership_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

DEFINITIONS = manifests.services(
    [{"name": "orders", "namespace": "shop", "port": 8080, "sample": {"image": "an/image:1"}}]
)
ABSENT = (404, {"message": "not found"})
THEIRS = {**copy.deepcopy(DEFINITIONS[2]), "metadata": {"name": "orders", "namespace": "shop"}}
THEIRS["spec"]["clusterIP"] = "10.0.0.9"


def run(monkeypatch: pytest.MonkeyPatch, *answers: t.Any, **options: t.Any) -> tuple[dict[str, t.Any], ApiServer]:
    server = ApiServer(*answers)
    monkeypatch.setattr(reader.http.client, "HTTPSConnection", server)
    place = {"cluster": "gke", "endpoint": "203.0.113.7"}
    return Script().run(kubernetes_ownership_info, **{**place, "definitions": DEFINITIONS, **options}), server


def test_reads_each_object_once(monkeypatch: pytest.MonkeyPatch) -> None:
    result, server = run(monkeypatch, DEFINITIONS[0], ABSENT, ABSENT)
    assert [found["owner"] for found in result["standings"]] == ["ours", "absent", "absent"]
    assert server.asked == [
        "/api/v1/namespaces/shop",
        "/apis/apps/v1/namespaces/shop/deployments/orders",
        "/api/v1/namespaces/shop/services/orders",
    ]
    assert not result["changed"]


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Service", "services"),
        ("Ingress", "ingresses"),
        ("NetworkPolicy", "networkpolicies"),
        ("GCPGatewayPolicy", "gcpgatewaypolicies"),
        ("Gateway", "gateways"),
    ],
)
def test_where_the_api_server_has_a_kind(kind: str, plural: str) -> None:
    """Asked for elsewhere, it is taken for absent: overwritten although it is somebody else's, and never removed."""
    assert objects.path("some.example/v1", kind, "shop", "one") == f"/apis/some.example/v1/namespaces/shop/{plural}/one"


def test_somebody_elses_object_stands_in_the_way_of_ours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _server = run(monkeypatch, ABSENT, ABSENT, THEIRS, fails=True)
    assert "Nothing has been changed in cluster gke." in result["msg"]
    assert "Service orders" in result["msg"] and "spec.clusterIP is 10.0.0.9, and None is needed" in result["msg"]
    result, _server = run(monkeypatch, ABSENT, ABSENT, THEIRS, state="absent")
    assert result["standings"][2]["owner"] == "theirs"


def test_what_cannot_be_read_is_not_taken_for_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _server = run(monkeypatch, (403, {"message": "namespaces is forbidden"}), fails=True)
    assert "cluster gke at 203.0.113.7" in result["msg"] and "HTTP 403: namespaces is forbidden" in result["msg"]


def test_definitions_may_hold_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "shop"}}
    theirs = {**secret, "data": {"tls.key": "canary-theirs"}}
    ours = {**secret, "data": {"tls.key": "canary-ours"}}
    result, _server = run(monkeypatch, theirs, definitions=[ours], state="absent")
    assert "canary" not in json.dumps(result)
    assert "not shown" in run(monkeypatch, theirs, definitions=[ours], fails=True)[0]["msg"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (("v1", "ConfigMap", "shop", "a"), "/api/v1/namespaces/shop/configmaps/a"),
        (("networking.k8s.io/v1", "NetworkPolicy", "shop", "a"),
         "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/a"),
        (("networking.k8s.io/v1", "Ingress", "shop", "a"), "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/a"),
        (("policy/v1", "PodDisruptionBudget", "shop"), "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"),
        (("v1", "Namespace", None, "shop"), "/api/v1/namespaces/shop"),
    ],
)  # fmt: skip
def test_paths_of_kinds(kind: tuple[str, ...], path: str) -> None:
    assert objects.path(*kind) == path


def test_many_objects_are_read_over_several_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    class Counting(reader.Reader):
        def get(self, path: str) -> dict[str, t.Any]:
            return {"path": path}

        def close(self) -> None:
            opened.append("closed")

    paths = [f"/{number}" for number in range(40)]
    found = objects.read(lambda: Counting("203.0.113.7", "", lambda: "token"), paths)
    assert found == {path: {"path": path} for path in paths}
    assert 1 < len(opened) <= 8
    assert objects.read(lambda: Counting("203.0.113.7", "", lambda: "token"), []) == {}
