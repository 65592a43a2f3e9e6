# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind an Ingress: which backend services lack the policy, and what is said when one does in the end.

The API server and Google are scripted.
"""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import gke_ingress_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.api_server import ApiServer, starter
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

INGRESS = "/apis/networking.k8s.io/v1/namespaces/shop/ingresses/shop"
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/shop"
GLOBAL = "compute/v1/projects/acme-shop/global"
ABSENT = (404, {"message": "not found"})
ASKED = {"project": "acme-shop", "endpoint": "203.0.113.7", "name": "shop", "namespace": "shop", "policy": "shop"}
EVENTS = "/api/v1/namespaces/shop/events?fieldSelector=involvedObject.kind%3DIngress%2CinvolvedObject.name%3Dshop"


def found(address: str = "198.51.100.9", health: str = "HEALTHY", **notes: str) -> dict[str, t.Any]:
    named = {
        "ingress.kubernetes.io/backends": json.dumps({"k8s1-products": health}),
        "ingress.kubernetes.io/url-map": "k8s2-um-shop",
    }
    status = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
    return {"metadata": {"annotations": {**named, **notes}}, "status": status}


def service(name: str, policy: str = "shop") -> dict[str, t.Any]:
    said = {"kubernetes.io/service-name": f"shop/{name}", "kubernetes.io/service-port": "80"}
    own = {"name": f"k8s1-{name}", "description": json.dumps(said)}
    return (
        {**own, "securityPolicy": f"https://www.googleapis.com/{GLOBAL}/securityPolicies/{policy}"} if policy else own
    )


def google(script: Script, *services: dict[str, t.Any]) -> Script:
    """The URL map, which leads to a default backend that the annotation leaves out, and the backend services."""
    target = f"https://www.googleapis.com/{GLOBAL}/backendServices"
    mapped = {
        "name": "k8s2-um-shop",
        "defaultService": f"{target}/k8s1-nothing",
        "pathMatchers": [{"name": "host", "pathRules": [{"paths": ["/*"], "service": f"{target}/k8s1-products"}]}],
    }
    script.expect("GET", "compute", f"{GLOBAL}/urlMaps/k8s2-um-shop").replies(mapped)
    for one in services:
        script.expect("GET", "compute", f"{GLOBAL}/backendServices/{one['name']}").replies(one)
    return script


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ApiServer]:
    monkeypatch.setattr(gke_ingress_info, "PAUSE_SECONDS", 0.01)
    return starter(monkeypatch)


def run(script: Script | None = None, fails: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return (script or Script()).run(gke_ingress_info, fails=fails, **{**ASKED, **options})


def test_trap_1_a_default_backend_that_only_the_url_map_names_is_looked_at_too(
    serve: t.Callable[..., ApiServer],
) -> None:
    serve(found(), {"items": []})
    result = run(google(Script(), service("products"), service("nothing", "")))
    assert [(one["name"], one["service"], one["policy"]) for one in result["backends"]] == [
        ("k8s1-products", "shop/products", "shop"),
        ("k8s1-nothing", "shop/nothing", ""),
    ]
    assert result["lacking"] == ["k8s1-nothing"] and not result["good"] and result["address"] == "198.51.100.9"


def test_waits_until_the_policy_is_on_every_backend_service(serve: t.Callable[..., ApiServer]) -> None:
    server = serve(ABSENT, found(address=""), found(), found())
    script = google(Script(), service("products", ""), service("nothing", ""))
    google(script, service("products"), service("nothing", ""))
    google(script, service("products"), service("nothing"))
    result = run(script, wait_timeout=60, healthy=["shop/products"])
    assert result["good"] and result["lacking"] == [] and server.asked == [INGRESS] * 4


def test_says_which_lack_it_and_what_gke_says(serve: t.Callable[..., ApiServer]) -> None:
    refused = {"type": "Warning", "message": "Error syncing to GCP: security policy not found", "lastTimestamp": "1"}
    server = serve(found(), {"items": [refused, {"type": "Normal", "message": "Scheduled for sync"}]})
    result = run(google(Script(), service("products"), service("nothing", "")))
    assert result["said"] == [refused["message"]] and server.asked == [INGRESS, EVENTS]


def test_what_lacks_it_in_the_end_fails_and_names_everything(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gke_ingress_info, "PAUSE_SECONDS", 5)
    serve(found(), {"items": [{"type": "Warning", "message": "no such policy", "lastTimestamp": "1"}]})
    text = run(google(Script(), service("products"), service("nothing", "other")), fails=True, wait_timeout=1)["msg"]
    assert "Ingress shop/shop: security policy shop is not on every backend service" in text
    assert "k8s1-nothing has other" in text and "GKE says  no such policy" in text and "waited    1 s" in text


def test_it_can_be_left_to_the_caller_to_judge(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gke_ingress_info, "PAUSE_SECONDS", 5)
    serve(found(), {"items": []})
    script = google(Script(), service("products"), service("nothing", ""))
    assert run(script, wait_timeout=1, judge=False)["lacking"] == ["k8s1-nothing"]


def test_trap_3_no_policy_at_all_is_waited_for_with_an_empty_name(serve: t.Callable[..., ApiServer]) -> None:
    serve(found(), found())
    script = google(Script(), service("products"), service("nothing", ""))
    google(script, service("products", ""), service("nothing", ""))
    assert run(script, wait_timeout=60, policy="")["good"]


@pytest.mark.parametrize("health", ["UNHEALTHY", "Unknown"])
def test_trap_7_pods_that_fail_their_health_check_are_told_with_googles_ranges(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch, health: str
) -> None:
    monkeypatch.setattr(gke_ingress_info, "PAUSE_SECONDS", 5)
    serve(found(health=health), {"items": []})
    script = google(Script(), service("products"), service("nothing"))
    text = run(script, fails=True, wait_timeout=1, healthy=["shop/products"])["msg"]
    assert "no pod of shop/products passes its health check" in text and "35.191.0.0/16 and 130.211.0.0/22" in text


def test_another_address_than_the_reserved_one_is_told(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gke_ingress_info, "PAUSE_SECONDS", 5)
    serve(found(), {"items": []})
    script = google(Script(), service("products"), service("nothing"))
    text = run(script, fails=True, wait_timeout=1, address="198.51.100.10")["msg"]
    assert "has another address than 198.51.100.10" in text and "198.51.100.9" in text


@pytest.mark.parametrize(
    ("answer", "words"), [(ABSENT, "is not there"), (found(address=""), "has no load balancer yet")]
)
def test_without_a_load_balancer(
    serve: t.Callable[..., ApiServer], monkeypatch: pytest.MonkeyPatch, answer: t.Any, words: str
) -> None:
    monkeypatch.setattr(gke_ingress_info, "PAUSE_SECONDS", 5)
    serve(answer, {"items": []})
    script = Script() if answer is ABSENT else google(Script(), service("products"), service("nothing"))
    assert words in run(script, fails=True, wait_timeout=1)["msg"]


def test_a_gateway_names_its_backend_services_in_a_list(serve: t.Callable[..., ApiServer]) -> None:
    notes = {
        "networking.gke.io/backend-services": ", ".join(
            f"/projects/1/global/backendServices/k8s1-{name}" for name in ("products", "nothing")
        ),
        "networking.gke.io/url-maps": "/projects/1/global/urlMaps/k8s2-um-shop",
    }
    gateway = {
        "metadata": {"annotations": notes},
        "status": {"addresses": [{"type": "IPAddress", "value": "198.51.100.9"}]},
    }
    server = serve(gateway)
    result = run(google(Script(), service("products"), service("nothing")), form="gateway", healthy=["shop/products"])
    assert result["good"] and result["address"] == "198.51.100.9" and server.asked == [GATEWAY]


def test_a_default_that_a_rule_for_every_host_leaves_nothing_to_needs_no_policy(
    serve: t.Callable[..., ApiServer],
) -> None:
    """Every Gateway's URL map names Google's page for 404, which the catch-all route shuts off."""
    target = f"https://www.googleapis.com/{GLOBAL}/backendServices"
    notes = {
        "networking.gke.io/backend-services": "/projects/1/global/backendServices/gw-serve404, /x/k8s1-products",
        "networking.gke.io/url-maps": "k8s2-um-shop",
    }
    status = {"addresses": [{"type": "IPAddress", "value": "198.51.100.9"}]}
    serve({"metadata": {"annotations": notes}, "status": status})
    mapped = {
        "defaultService": f"{target}/gw-serve404",
        "hostRules": [{"hosts": ["*"], "pathMatcher": "all"}],
        "pathMatchers": [{"name": "all", "defaultService": f"{target}/k8s1-products"}],
    }
    script = Script()
    script.expect("GET", "compute", f"{GLOBAL}/urlMaps/k8s2-um-shop").replies(mapped)
    script.expect("GET", "compute", f"{GLOBAL}/backendServices/k8s1-products").replies(service("products"))
    result = run(script, form="gateway")
    assert result["good"] and [one["name"] for one in result["backends"]] == ["k8s1-products"]


def test_it_is_gone_when_its_backend_services_are(serve: t.Callable[..., ApiServer]) -> None:
    serve(ABSENT, ABSENT)
    script = Script()
    path = f"{GLOBAL}/backendServices/k8s1-products"
    script.expect("GET", "compute", path).replies(service("products"))
    script.expect("GET", "compute", path).refuses(404, "not found", reason="notFound")
    result = run(script, state="absent", backends=["k8s1-products"], policy=None, wait_timeout=60)
    assert result["good"] and not result["exists"] and result["backends"] == []


def test_an_internal_one_has_regional_backend_services(serve: t.Callable[..., ApiServer]) -> None:
    serve({**found(), "metadata": {"annotations": {"ingress.kubernetes.io/backends": '{"k8s1-products":"HEALTHY"}'}}})
    script = Script()
    path = "compute/v1/projects/acme-shop/regions/europe-west1/backendServices/k8s1-products"
    script.expect("GET", "compute", path).replies(service("products", ""))
    assert run(script, region="europe-west1", policy=None, healthy=["shop/products"])["good"]


@pytest.mark.parametrize(
    ("item", "exposure"),
    [
        ({"metadata": {"annotations": {"kubernetes.io/ingress.class": "gce-internal"}}}, "internal"),
        ({"metadata": {"annotations": {"kubernetes.io/ingress.class": "gce"}}}, "external"),
        ({"metadata": {}, "spec": {"gatewayClassName": "gke-l7-rilb"}}, "internal"),
        ({"metadata": {}, "spec": {"gatewayClassName": "gke-l7-global-external-managed"}}, "external"),
    ],
)
def test_its_class_says_from_where_it_is_reached(
    serve: t.Callable[..., ApiServer], item: dict[str, t.Any], exposure: str
) -> None:
    serve(item, {"items": []})
    assert run(Script(), policy=None)["exposure"] == exposure


def test_certificates_that_google_manages_are_told_with_their_states(serve: t.Callable[..., ApiServer]) -> None:
    domains = [{"domain": "shop.acme.example", "status": "FailedNotVisible"}]
    status = {"certificateStatus": "Provisioning", "domainStatus": domains}
    serve(
        {"metadata": {"annotations": {"networking.gke.io/managed-certificates": "shop, new"}}},
        {"status": status},
        ABSENT,
        {"items": []},
    )
    assert run(Script(), policy=None)["certificates"] == [
        {"name": "shop", "status": "Provisioning", "domains": {"shop.acme.example": "FailedNotVisible"}},
        {"name": "new", "status": "", "domains": {}},
    ]


def test_a_cluster_that_does_not_answer_is_named(serve: t.Callable[..., ApiServer]) -> None:
    serve((403, {"message": "forbidden"}))
    text = run(fails=True)["msg"]
    assert "cluster at 203.0.113.7: its Ingress could not be read." in text and "forbidden" in text


def test_a_certificate_that_is_none_is_told() -> None:
    assert "ca_certificate is no certificate" in run(fails=True, ca_certificate="bm9uZQ==")["msg"]
