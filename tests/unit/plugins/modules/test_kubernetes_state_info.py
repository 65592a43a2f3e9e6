# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as settled, and everything that does not; the API server is a double that answers by path."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import client
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import manifests, wanted
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import objects, reader
from ansible_collections.gatewayops.apigee_gke.plugins.modules import kubernetes_state_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.certificates import NEW_CA, OLD_CA
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

SERVICE = {
    "name": "orders", "namespace": "shop", "cluster": "gke", "port": 8080, "tls": {}, "host": "orders.internal",
    "sample": {"image": "an/image:1"}, "network_policy": {"sources": ["10.64.0.0/22"]},
}  # fmt: skip
ISSUER = {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "apigee-gke-ca"}
POLICY_API = {"api_version": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy"}
GUARD = {
    "apiVersion": "v1", "kind": "ConfigMap", "data": {},
    "metadata": {"name": "guard", "namespace": "shop", "labels": {manifests.OWNER_LABEL: manifests.MANAGED_BY}},
}  # fmt: skip
OLD = {**copy.deepcopy(GUARD), "metadata": {**GUARD["metadata"], "name": "old"}}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": "default"}, "spec": {}}
TLS = [
    {"part": "cert_manager", "webhook": True, "issuers": [ISSUER]},
    {"part": "sidecars", "definitions": [GUARD], "withdrawn": [OLD], "probe": POD},
]
SITE: dict[str, t.Any] = {
    "services": [SERVICE],
    "tls": {"clusters": ["gke"]},
    "trust": {"secrets": [{"cluster": "gke", "namespace": "shop", "name": "orders-tls"}]},
}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
PODS = "/api/v1/namespaces/default/pods"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices"
BEHIND = "/api/v1/namespaces/shop/pods"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/orders"
CERTIFICATE = "/apis/cert-manager.io/v1/namespaces/shop/certificates/orders-tls"
AUTHORITY = "/apis/cert-manager.io/v1/clusterissuers/apigee-gke-ca"
POLICY = "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/orders"
SECRET = "/api/v1/namespaces/shop/secrets/orders-tls"
WEBHOOK = "/apis/cert-manager.io/v1/namespaces/cert-manager/issuers"


class Cluster(ApiServer):
    """Answers by path, with the endpoint before it or without, over as many connections as are made."""

    def __init__(self, documents: dict[str, t.Any], endpoint: str = "") -> None:
        super().__init__()
        self.documents, self.endpoint = documents, endpoint

    def __call__(self, endpoint: str, **_how: t.Any) -> Cluster:
        single = Cluster(self.documents, endpoint)
        single.asked = self.asked
        return single

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> None:
        super().request(method, path, body, headers)
        place = path.partition("?")[0]
        absent = (404, {"message": "not found"})
        self.answers = [self.documents.get(place, self.documents.get(f"{self.endpoint}{place}", absent))]


def behind(port: int) -> dict[str, t.Any]:
    """The pod behind the name, with its sidecar on this port."""
    status = {"tls-sidecar.gatewayops.io/status": f'{{"port": {port}}}'}
    return {"metadata": {"name": "orders-x", "annotations": status}}


def parts() -> list[dict[str, t.Any]]:
    connections = {"gke": {"endpoint": "203.0.113.7", "ca_certificate": ""}}
    return wanted.clusters(connections, SITE, TLS, ISSUER, 25)


def applied(definition: dict[str, t.Any]) -> dict[str, t.Any]:
    """An object as it is after its definition was applied."""
    live = copy.deepcopy(definition)
    live["metadata"].setdefault("annotations", {})[manifests.LAST_APPLIED] = json.dumps(definition)
    return live


def complete() -> dict[str, t.Any]:
    """Everything is there and ready."""
    definitions = [one for part in parts()[0]["parts"] for one in part.get("definitions") or []]
    found: dict[str, t.Any] = {objects.path_of(one): applied(one) for one in definitions}
    found[DEPLOYMENT]["metadata"]["generation"] = 2
    found[DEPLOYMENT]["status"] = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3}
    found[CERTIFICATE]["status"] = READY
    found[WEBHOOK] = (403, {"message": "admission webhook denied the request"})
    found["/apis/cert-manager.io"] = {"preferredVersion": {"groupVersion": "cert-manager.io/v1"}}
    found["/apis/cert-manager.io/v1"] = {
        "resources": [{"name": "clusterissuers", "kind": "ClusterIssuer", "namespaced": False}]
    }
    found[AUTHORITY] = {"metadata": {}, "status": READY}
    found[PODS] = {**POD, "spec": {"initContainers": [{"name": "tls-sidecar"}]}}
    ready = {"addresses": ["10.68.0.5"], "conditions": {"ready": True}, "targetRef": {"name": "orders-x"}}
    labels = {"kubernetes.io/service-name": "orders"}
    found[SLICES] = {"items": [{"metadata": {"namespace": "shop", "labels": labels}, "endpoints": [ready]}]}
    found[BEHIND] = {"items": [behind(8443)]}
    found[SECRET] = {"data": {"ca.crt": base64.b64encode(NEW_CA.encode()).decode()}}
    return found


def run(monkeypatch: pytest.MonkeyPatch, documents: dict[str, t.Any], clusters: t.Any = None) -> dict[str, t.Any]:
    monkeypatch.setattr(reader.http.client, "HTTPSConnection", Cluster(documents))
    return Script().run(kubernetes_state_info, clusters=parts() if clusters is None else clusters)


def test_all_is_settled_when_all_is_there_and_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(monkeypatch, complete())
    assert [(part["part"], part["because"]) for part in result["found"]["gke"]] == [
        ("cert_manager", ""), ("sidecars", ""), ("headless_service", ""), ("trust", ""),
    ]  # fmt: skip
    assert result["settled"] == {name: ["gke"] for name in ("cert_manager", "sidecars", "headless_service", "trust")}
    assert result["endpoints"] == {"orders": [{"address": "10.68.0.5", "pod": "orders-x"}]}
    assert {entry["action"] for entry in result["outcomes"]} == {"unchanged"}
    names = {f"{entry['kind']} {entry['name']}" for entry in result["outcomes"]}
    assert {"NetworkPolicy gke/shop/orders", "Certificate gke/shop/orders-tls", "ConfigMap gke/shop/old"} <= names
    trusted = wanted.trusted(SITE["trust"], result)
    assert trusted["secrets"] == [] and trusted["authorities"][0].startswith("-----BEGIN CERTIFICATE-----")


def lacking(path: str) -> t.Callable[[dict[str, t.Any]], t.Any]:
    return lambda found: found.pop(path)


def put(path: str, document: t.Any) -> t.Callable[[dict[str, t.Any]], t.Any]:
    return lambda found: found.update({path: document})


def drift(found: dict[str, t.Any]) -> None:
    found["/api/v1/namespaces/shop/services/orders"]["spec"]["publishNotReadyAddresses"] = True


def rolling(found: dict[str, t.Any]) -> None:
    found[DEPLOYMENT]["status"]["updatedReplicas"] = 1


def renewed(found: dict[str, t.Any]) -> None:
    found[CERTIFICATE]["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}


@pytest.mark.parametrize(
    ("spoil", "part", "because"),
    [
        (put(WEBHOOK, (500, {"message": "connection refused"})), "cert_manager", "webhook does not answer"),
        (put(AUTHORITY, {"metadata": {}, "status": {}}), "cert_manager", "not ready: ClusterIssuer apigee-gke-ca"),
        (lacking("/api/v1/namespaces/shop/configmaps/guard"), "sidecars", "ConfigMap guard"),
        (put("/api/v1/namespaces/shop/configmaps/old", applied(OLD)), "sidecars", "ConfigMap old"),
        (put(PODS, POD), "sidecars", "made without"),
        (put(PODS, (500, {"message": "no endpoints"})), "sidecars", "no endpoints"),
        (drift, "headless_service", "not as declared: Service orders"),
        (lacking(POLICY), "headless_service", "NetworkPolicy orders"),
        (rolling, "headless_service", "not ready: Deployment orders"),
        (renewed, "headless_service", "not ready: Certificate orders-tls"),
        (put(SLICES, {"items": []}), "headless_service", "no pod is ready behind orders"),
        (put(BEHIND, {"items": [behind(9443)]}), "headless_service", "no pod is ready behind orders"),
        (lacking(SECRET), "trust", "no authority in Secret shop/orders-tls"),
        (put(SECRET, (403, {"message": "secrets is forbidden"})), "", "secrets is forbidden"),
        (put("/api/v1/namespaces/shop", (403, {"message": "namespaces is forbidden"})), "", "namespaces is forbidden"),
    ],
)  # fmt: skip
def test_what_is_not_seen_to_be_settled_is_not_settled(
    monkeypatch: pytest.MonkeyPatch, spoil: t.Callable[[dict[str, t.Any]], t.Any], part: str, because: str
) -> None:
    documents = complete()
    spoil(documents)
    result = run(monkeypatch, documents)
    *before, last = result["found"]["gke"]
    assert (last["part"], last["settled"]) == (part, False) and because in last["because"]
    # What comes after it may be changed by what it needs.
    assert all(entry["settled"] for entry in before)
    assert set(result["settled"]) == {entry["part"] for entry in before}


@pytest.mark.parametrize(
    "kept",
    [gzip.compress(b"{}"), gzip.compress(b"{}")[:-6], b"\x1f\x8b" + b"x" * 30, b"x"],
    ids=["another document", "cut off", "damaged", "no document"],
)
def test_a_release_that_cannot_be_read_is_not_settled(monkeypatch: pytest.MonkeyPatch, kept: bytes) -> None:
    packed = base64.b64encode(base64.b64encode(kept)).decode()
    secret = {"metadata": {"labels": {"version": "1"}}, "data": {"release": packed}}
    part = {"part": "cert_manager", "release": {"version": "v1.21.2", "values": {}}}
    cluster = {"cluster": "gke", "endpoint": "203.0.113.7", "parts": [part]}
    result = run(monkeypatch, {"/api/v1/namespaces/cert-manager/secrets": {"items": [secret]}}, [cluster])
    assert result["settled"] == {} and "helm --namespace cert-manager" in result["found"]["gke"][0]["because"]


CLIENT = {
    "namespaces": {"gke": ["shop"], "other": ["shop"]}, "cluster": "gke", "namespace": "apigee-gke",
    "secret": "apigee-client", "dns_name": "apigee.acme.example",
    "secrets": [{"namespace": "apigee-gke", "name": "apigee-client"}],
}  # fmt: skip
ISSUED = "/apis/cert-manager.io/v1/namespaces/apigee-gke/certificates/apigee-client"
SHOWN = "/api/v1/namespaces/apigee-gke/secrets/apigee-client"
BELIEVED = "/api/v1/namespaces/shop/configmaps/apigee-client-ca"


def mutual(cluster: str, **client: t.Any) -> list[dict[str, t.Any]]:
    """What is asked of one cluster of a site with two that has nothing but mutual TLS."""
    connections = {name: {"endpoint": f"{name}.example", "ca_certificate": ""} for name in ("gke", "other")}
    site = {"services": [], "tls": {"clusters": []}, "client_certificate": {**CLIENT, **client}}
    return [one for one in wanted.clusters(connections, site, [], ISSUER, 25) if one["cluster"] == cluster]


def issued(cluster: str) -> dict[str, t.Any]:
    """The cluster that issues Apigee's certificate has all, and the other what its sidecars believe."""
    (part,) = mutual(cluster)[0]["parts"]
    told = client.believed(CLIENT, cluster, {"authorities": [{"certificate": NEW_CA}]})
    found: dict[str, t.Any] = {objects.path_of(one): applied(one) for one in part["definitions"] + told}
    found[f"gke.example{SHOWN}"] = {"data": {"ca.crt": base64.b64encode(NEW_CA.encode()).decode()}}
    if ISSUED in found:
        found[ISSUED]["status"] = READY
    return found


@pytest.mark.parametrize("cluster", ["gke", "other"])
def test_mutual_tls_is_settled_when_sidecars_believe_whoever_issued_what_apigee_shows(
    monkeypatch: pytest.MonkeyPatch, cluster: str
) -> None:
    result = run(monkeypatch, issued(cluster), mutual(cluster))
    assert result["settled"] == {"client_certificate": [cluster]}, result["found"]
    names = {f"{entry['kind']} {entry['name']}" for entry in result["outcomes"]}
    assert f"ConfigMap {cluster}/shop/apigee-client-ca" in names
    # It is no authority that Apigee trusts.
    assert result["authorities"] == []
    # The site needs all of its clusters.
    assert wanted.shown(CLIENT, result) == CLIENT
    assert wanted.shown(CLIENT, {"settled": {"client_certificate": ["gke", "other"]}}) == {} == wanted.shown({}, {})


def believing(text: str) -> t.Callable[[dict[str, t.Any]], t.Any]:
    def spoil(found: dict[str, t.Any]) -> None:
        found[BELIEVED] = applied({**found[BELIEVED], "data": {"ca.crt": text}})

    return spoil


@pytest.mark.parametrize(
    ("spoil", "stated", "because"),
    [
        (lacking(ISSUED), {}, "not as declared: Certificate apigee-client"),
        (lambda found: found[ISSUED].pop("status"), {}, "not ready: Certificate apigee-client"),
        (lacking(f"gke.example{SHOWN}"), {}, "no authority in Secret apigee-gke/apigee-client"),
        (lacking(BELIEVED), {}, "not as declared: ConfigMap apigee-client-ca"),
        (believing(OLD_CA), {}, "not as declared: ConfigMap apigee-client-ca"),
        (believing(OLD_CA + NEW_CA), {"retire": True}, "not as declared: ConfigMap apigee-client-ca"),
        (lambda found: found[BELIEVED].update(data={}), {}, "not as declared: ConfigMap apigee-client-ca"),
        (believing("nobody"), {}, "no PEM certificate"),
    ],
)
def test_mutual_tls_that_somebody_has_to_see_to_is_not_settled(
    monkeypatch: pytest.MonkeyPatch, spoil: t.Callable[[dict[str, t.Any]], t.Any], stated: dict, because: str
) -> None:
    documents = issued("gke")
    spoil(documents)
    result = run(monkeypatch, documents, mutual("gke", **stated))
    assert result["settled"] == {} and because in result["found"]["gke"][-1]["because"]


def test_the_authority_of_a_certificate_of_ones_own_is_asked_of_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"authorities": [NEW_CA], "namespaces": {"gke": ["shop"]}, "dns_name": "apigee.acme.example"}
    site = {"services": [], "tls": {"clusters": []}, "client_certificate": own}
    places = wanted.clusters({"gke": {"endpoint": "gke.example", "ca_certificate": ""}}, site, [], ISSUER, 25)
    documents = {objects.path_of(one): applied(one) for one in client.believed(own, "gke")}
    assert run(monkeypatch, documents, places)["settled"] == {"client_certificate": ["gke"]}


def test_mutual_tls_whose_issuing_cluster_is_still_to_be_made_is_not_looked_at() -> None:
    connections = {"other": {"endpoint": "other.example", "ca_certificate": ""}}
    site = {"services": [], "tls": {"clusters": []}, "client_certificate": CLIENT}
    assert wanted.clusters(connections, site, [], ISSUER, 25) == []


def test_many_pods_behind_a_name_are_for_somebody_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = {"gke": {"endpoint": "203.0.113.7"}}
    result = run(monkeypatch, complete(), wanted.clusters(connections, SITE, TLS, ISSUER, "0"))
    assert result["found"]["gke"][-1]["because"] == "orders gives many addresses"


@pytest.mark.parametrize("served", [True, False])
def test_the_api_server_decides_which_part_concerns_a_cluster(monkeypatch: pytest.MonkeyPatch, served: bool) -> None:
    kinds = {"/apis/admissionregistration.k8s.io/v1": {"resources": [{"kind": POLICY_API["kind"]}] if served else []}}
    either = [{"part": "policy", "when_served": POLICY_API}, {"part": "webhook", "unless_served": POLICY_API}]
    result = run(monkeypatch, kinds, [{"cluster": "gke", "endpoint": "203.0.113.7", "parts": either}])
    assert result["settled"] == {("policy" if served else "webhook"): ["gke"]}


def test_a_service_whose_pods_are_not_known_cannot_be_looked_at() -> None:
    unknown = {key: value for key, value in SERVICE.items() if key != "sample"}
    site = {**SITE, "services": [unknown]}
    assert wanted.clusters({"gke": {"endpoint": "203.0.113.7"}}, site, TLS, ISSUER, 25) == []
