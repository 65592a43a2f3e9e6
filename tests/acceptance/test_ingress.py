# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ingress that admits Apigee alone, whole: a real Envoy before real pods, callers outside, Apigee's own addresses.

Its form changes while strangers call all the time; an internal one stands beside it.

Statuses are Google's and Apigee's; bodies of refusals are not Google's, and nothing is said of them.
"""

from __future__ import annotations

import copy
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.certificates import Authority
from testbed.network.namespace import Namespace
from testbed.outside import call, speaks
from testbed.state import State, cache_folder
from tests.acceptance.cloud import INVENTORY, Cloud, Run, until
from tests.acceptance.gateway_site import Site

PLAYBOOK, TEARDOWN = "playbooks/ingress.yml", "playbooks/ingress_teardown.yml"
GLOBAL = "compute/v1/projects/acme-shop/global"
HOST = "shop.acme.example"
#: What each form has for itself.
INGRESS_KINDS = ("ingress", "backendconfig", "frontendconfig", "managedcertificate")
GATEWAY_KINDS = ("gateway", "httproute", "gcpbackendpolicy", "healthcheckpolicy", "gcpgatewaypolicy")
OLD = ssl.TLSVersion.TLSv1_1
SOMEBODY, SOMEBODY_V6 = "192.0.2.7", "2001:db8:7::7"
LIMITED: list[dict[str, Any]] = [
    {"name": "counted", "base_path": "/counted", "quota": "3/week", "verify": {"enabled": False}},
    {"name": "smoothed", "base_path": "/smoothed", "spike_arrest": "1pm", "verify": {"enabled": False}},
]


def declaration(**ingress: Any) -> dict[str, Any]:
    """The testbed inventory's declaration with two proxies more, and other settings of the Ingress."""
    content = yaml.safe_load((INVENTORY / "group_vars" / "all" / "ingress.yml").read_text())
    found = copy.deepcopy(content["ingress_gke"])
    found["ingress"] |= ingress
    found["proxies"] += LIMITED
    return {**found, "project": "acme-shop"}


class Shop:
    """The Ingress, and callers of it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.testbed = State(cloud.home, cache_folder())
        self.internet = Namespace(self.testbed.namespace("internet"))

    def play(self, stated: dict[str, Any] | None = None, *arguments: str, playbook: str = PLAYBOOK, **how: Any) -> Run:
        extra = json.dumps({"ingress_gke": stated or declaration()})
        return self.cloud.play(playbook, *arguments, "-e", extra, **how)

    def address(self, name: str = "shop") -> str:
        return str(self.cloud.google("GET", "compute", f"{GLOBAL}/addresses/{name}")["address"])

    def through_apigee(self, path: str = "/products") -> dict[str, Any]:
        return self.cloud.call(f"https://api.acme.example{path}")

    def outside(
        self, path: str, host: str = HOST, source: str = SOMEBODY, address: str = "", scheme: str = "http"
    ) -> int:
        """The status that somebody on the internet gets."""
        to = address or self.address()
        url = f"{scheme}://[{to}]{path}" if ":" in to else f"{scheme}://{to}{path}"
        arguments = ["outside", url, "--from", source, "--json", *(["--host", host] if host else [])]
        return int(json.loads(self.cloud.testbed(*arguments, check=False).stdout)["status"])

    def left_in(self, *kinds: str) -> list[str]:
        """Objects of these kinds in the namespace."""
        return self.cloud.kubectl("get", ",".join(kinds), "-n", "shop", "-o", "name").split()

    def made(self) -> set[str]:
        """How the names of Google's objects for load balancers begin, which tells the forms apart."""
        names = (
            path.rsplit("/", 1)[-1]
            for path in self.cloud.state()["objects"]
            if path.startswith("compute/") and "/operations/" not in path
        )
        return {name.split("-")[0] for name in names} & {"k8s1", "k8s2", "gkegw1"}

    @contextmanager
    def strangers(self) -> Iterator[set[str]]:
        """Somebody who calls all the time, by HTTP and HTTPS, known and unknown hosts; what came of it, in the end."""
        found: set[str] = set()
        over, address = threading.Event(), self.address()

        def go() -> None:
            while not over.is_set():
                for scheme in ("http", "https"):
                    for host in (HOST, "other.example"):
                        try:
                            answer = call(self.internet, f"{scheme}://{address}/", SOMEBODY, host=host, timeout=5)
                        except (OSError, http.client.HTTPException):
                            # Nobody answers while one balancer has gone and the other is still to come.
                            continue
                        found.add(f"{scheme} {answer.status}")
                over.wait(0.02)

        thread = threading.Thread(target=go, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join()

    def backends(self) -> dict[str, str]:
        """Policies of all backend services by name."""
        listed = self.cloud.google("GET", "compute", f"{GLOBAL}/backendServices").get("items", [])
        return {one["name"]: one.get("securityPolicy", "").rsplit("/", 1)[-1] for one in listed}


@pytest.fixture(scope="module")
def shop(running_cloud: Cloud) -> Shop:
    running_cloud.reset()
    found = Shop(running_cloud)
    found.play()
    return found


@pytest.fixture(scope="module")
def gateway(shop: Shop) -> dict[str, Any]:
    """The declaration of a Gateway with a certificate of an authority of one's own, whose Secret is there."""
    policy = {"name": "modern", "minTlsVersion": "TLS_1_2", "profile": "MODERN"}
    shop.cloud.google("POST", "compute", f"{GLOBAL}/sslPolicies", json=policy)
    folder = shop.cloud.home / "authority-of-the-shop"
    authority = Authority.load_or_create(folder, "Authority of the shop")
    for name, content in zip(("tls.crt", "tls.key"), authority.issue([HOST]), strict=True):
        (folder / name).write_bytes(content)
    files = [f"--cert={folder / 'tls.crt'}", f"--key={folder / 'tls.key'}"]
    shop.cloud.kubectl("create", "secret", "tls", "shop-tls", "-n", "shop", *files)
    certificate = {"secret": "shop-tls", "authority": authority.certificate_file.read_text()}
    return declaration(form="gateway", http="redirect", certificate=certificate, ssl_policy="modern")


@pytest.fixture(scope="module")
def encrypted(shop: Shop) -> dict[str, Any]:
    """The declaration of an Ingress whose certificate Google issues: here the testbed's authority does."""
    authority = (shop.testbed.certificates / "ca.crt").read_text()
    return declaration(http="redirect", certificate={"managed": True, "authority": authority}, ssl_policy="modern")


def test_apigee_is_served_from_the_addresses_that_it_reserved(shop: Shop) -> None:
    path = "v1/organizations/acme-shop/instances/europe-west1/natAddresses"
    (nat,) = shop.cloud.google("GET", "apigee", path)["natAddresses"]
    answer = shop.through_apigee()
    assert answer["status"] == 200
    body = json.loads(answer["body"])
    assert body["pod"].startswith("products-") and body["host"] == HOST
    assert nat["state"] == "ACTIVE" and body["headers"]["X-Forwarded-For"][0].endswith(nat["ipAddress"])


def test_anybody_else_gets_403_on_every_path(shop: Shop) -> None:
    """Trap 1: the default backend, and hosts that nobody declared, are no way in."""
    assert set(shop.backends().values()) == {"shop"} and len(shop.backends()) == 2
    asked = {
        "the path": shop.outside("/"),
        "another path": shop.outside("/products/7?a=b"),
        "health": shop.outside("/healthz"),
        "dot segments": shop.outside("/../healthz"),
        "another host": shop.outside("/", host="other.example"),
        "no host": shop.outside("/", host=""),
    }
    assert set(asked.values()) == {403}, asked


def test_ipv6_is_no_way_in_either(shop: Shop) -> None:
    """A second Ingress in front of the same Services, with an IPv6 address that somebody reserved."""
    asked = {"name": "shop-v6", "ipVersion": "IPV6", "addressType": "EXTERNAL"}
    shop.cloud.google("POST", "compute", f"{GLOBAL}/addresses", json=asked)
    own = json.loads(shop.cloud.kubectl("get", "ingress", "shop", "-n", "shop", "-o", "json"))
    second = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "name": "shop-v6",
            "namespace": "shop",
            "annotations": {
                "kubernetes.io/ingress.class": "gce",
                "kubernetes.io/ingress.global-static-ip-name": "shop-v6",
            },
        },
        "spec": own["spec"],
    }
    file = shop.cloud.home / "shop-v6.json"
    file.write_text(json.dumps(second))
    shop.cloud.kubectl("apply", "-f", str(file))
    try:

        def given() -> str:
            found = json.loads(shop.cloud.kubectl("get", "ingress", "shop-v6", "-n", "shop", "-o", "json"))
            return str(((found["status"].get("loadBalancer") or {}).get("ingress") or [{}])[0].get("ip") or "")

        address = until(given, seconds=60, what="an address of the second Ingress")
        assert ":" in address
        for path, host in (("/", HOST), ("/", "other.example"), ("/healthz", HOST)):
            assert shop.outside(path, host=host, source=SOMEBODY_V6, address=address) == 403
    finally:
        shop.cloud.kubectl("delete", "ingress", "shop-v6", "-n", "shop", "--wait=true", "--timeout=180s")
    shop.cloud.google("DELETE", "compute", f"{GLOBAL}/addresses/shop-v6")


def test_apigee_gets_nothing_private_under_another_host(shop: Shop, tmp_path: Path) -> None:
    """A proxy that asks for the address alone meets the default backend, which has no pods."""
    proxy = {"name": "elsewhere", "base_path": "/elsewhere", "target_servers": ["shop"], "environments": ["prod"]}
    site = Site(shop.cloud, tmp_path)
    site.run("apigee_proxy", **proxy, probe=False)
    answer = shop.through_apigee("/elsewhere")
    assert answer["status"] in (502, 503) and "products-" not in answer["body"]
    site.run("apigee_proxy", name="elsewhere", state="absent")


def test_quota_and_spike_arrest_answer_429_as_declared(shop: Shop) -> None:
    assert [shop.through_apigee("/counted")["status"] for _ in range(4)] == [200, 200, 200, 429]
    assert [shop.through_apigee("/smoothed")["status"] for _ in range(2)] == [200, 429]


def test_a_second_run_changes_nothing(shop: Shop) -> None:
    shop.cloud.control("DELETE", "requests")
    run = shop.play()
    assert run.changed == 0 and run.actions == set()
    assert shop.cloud.counters()["mutating"] == 0


def test_a_policy_that_was_taken_off_is_noticed_and_put_back(shop: Shop) -> None:
    """Somebody takes it off a backend service, out of a BackendConfig (trap 3), and lets everybody in by a rule."""
    name = next(one for one in shop.backends() if "products" in one)
    for _attempt in range(3):
        shop.cloud.google("POST", "compute", f"{GLOBAL}/backendServices/{name}/setSecurityPolicy", json={})
        until(lambda: shop.outside("/") == 200, seconds=120, what="the way in that somebody opened")
        shop.cloud.control("DELETE", "requests")
        preview = shop.play(None, "--check")
        assert shop.cloud.counters()["mutating"] == 0
        # A pod that comes or goes makes GKE look at all of it, and put the policy back before the run sees it.
        if preview.actions:
            break
    assert preview.actions == {("policy attachment", "gke/shop/shop", "updated")}
    assert ("policy attachment", "gke/shop/shop", f"securityPolicy of {name}") in preview.changed_fields
    patch = '[{"op": "remove", "path": "/spec/securityPolicy"}]'
    shop.cloud.kubectl("patch", "backendconfig", "shop-nothing", "-n", "shop", "--type=json", "-p", patch)
    rule = {
        "priority": 5,
        "action": "allow",
        "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["192.0.2.0/25"]}},
    }
    shop.cloud.google("POST", "compute", f"{GLOBAL}/securityPolicies/shop/addRule", json=rule)
    run = shop.play()
    # Either somebody's second change made GKE look again, which attached the policy before the run, or the run did.
    assert {
        ("BackendConfig", "gke/shop/shop-nothing", "updated"),
        ("compute_security_policy", "shop", "updated"),
    } <= run.actions
    assert set(shop.backends().values()) == {"shop"}
    until(lambda: shop.outside("/") == 403, seconds=120, what="the closed way")
    assert shop.through_apigee()["status"] == 200


def test_bad_input_is_refused_before_any_write(shop: Shop) -> None:
    shop.cloud.control("DELETE", "requests")
    stated = declaration(http="redirect", default_service="prodcuts")
    stated["apigee_source_ranges"] = ["0.0.0.0/0"]
    stated["proxies"][0]["quota"] = "lots"
    run = shop.play(stated, check=False)
    output = " ".join(run.output.replace("\\n", " ").split())
    assert run.code != 0
    for said in ("no certificate", "no service that is declared", "is everybody", "must be a rate"):
        assert said in output, (said, output[-2000:])
    assert shop.cloud.counters()["mutating"] == 0


def test_a_gateway_with_tls_takes_the_place_and_the_address_of_the_ingress(shop: Shop, gateway: dict[str, Any]) -> None:
    before = shop.address()
    with shop.strangers() as seen:
        run = shop.play(gateway)
    assert {("Ingress", "gke/shop/shop", "deleted"), ("Gateway", "gke/shop/shop", "created")} <= run.actions
    assert ("BackendConfig", "gke/shop/products", "deleted") in run.actions
    assert not {one for one in run.actions if one[0] in ("Deployment", "compute_global_address")}
    assert shop.address() == before
    # There was no moment in which the pods were open: refused by the one form, sent to HTTPS and refused by the other.
    # A Gateway without routes yet has Google's page for 404.
    assert {"http 403", "https 403"} <= seen <= {"http 403", "http 301", "https 403", "http 404", "https 404"}, seen
    assert shop.left_in(*INGRESS_KINDS) == [] and shop.made() == {"gkegw1"}
    asked = {host: shop.outside("/", host=host, scheme="https") for host in (HOST, "other.example", "")}
    assert set(asked.values()) == {403}, asked
    assert shop.outside("/") == 301
    assert not speaks(shop.internet, before, SOMEBODY, OLD, HOST)
    # Apigee trusts the authority that is declared, which nobody else knows.
    assert shop.through_apigee()["status"] == 200


def test_an_ingress_with_a_managed_certificate_takes_the_place_of_the_gateway(
    shop: Shop, encrypted: dict[str, Any]
) -> None:
    before = shop.address()
    with shop.strangers() as seen:
        run = shop.play(encrypted)
    assert {("Gateway", "gke/shop/shop", "deleted"), ("Ingress", "gke/shop/shop", "created")} <= run.actions
    assert ("GCPBackendPolicy", "gke/shop/products", "deleted") in run.actions
    assert not {one for one in run.actions if one[0] in ("Deployment", "compute_global_address")}
    assert shop.address() == before
    assert "https 403" in seen and seen <= {"http 301", "http 308", "https 403", "http 404", "https 404"}, seen
    assert shop.left_in(*GATEWAY_KINDS) == [] and shop.made() == {"k8s1", "k8s2"}
    found = json.loads(shop.cloud.kubectl("get", "managedcertificate", "shop", "-n", "shop", "-o", "json"))
    assert found["status"]["domainStatus"] == [{"domain": HOST, "status": "Active"}]
    assert (shop.outside("/"), shop.outside("/", scheme="https")) == (308, 403)
    assert not speaks(shop.internet, before, SOMEBODY, OLD, HOST)
    assert shop.through_apigee()["status"] == 200
    again = shop.play(encrypted)
    assert again.changed == 0 and again.actions == set()


def test_an_internal_one_is_reached_through_the_peering_and_not_from_outside(shop: Shop, tmp_path: Path) -> None:
    """By the role alone, beside the other one; its pods are closed to all but the proxies and health checks."""
    play = "tests/acceptance/internal_ingress.yml"
    run = shop.cloud.play(play)
    assert {("compute_address", "inside", "created"), ("Ingress", "gke/shop/inside", "created")} <= run.actions
    assert shop.cloud.play(play).changed == 0
    region = "compute/v1/projects/acme-shop/regions/europe-west1"
    address = shop.cloud.google("GET", "compute", f"{region}/addresses/inside")["address"]
    site = Site(shop.cloud, tmp_path)
    server = {"name": "inside", "environment": "prod", "host": address, "port": 80}
    proxy = {"name": "inside", "base_path": "/inside", "target_servers": ["inside"], "environments": ["prod"]}
    site.run("apigee_target_server", **server)
    site.run("apigee_proxy", **proxy, probe=False)
    answer = shop.through_apigee("/inside")
    body = json.loads(answer["body"])
    assert answer["status"] == 200 and body["pod"].startswith("products-") and body["peer"].startswith("10.12.0.2")
    with pytest.raises(OSError):
        call(shop.internet, f"http://{address}/", SOMEBODY, timeout=2)
    # It does not become another kind of balancer in its place.
    other = {"cloud_armor_ingress_exposure": "external", "cloud_armor_ingress_sources": ["198.51.100.0/28"]}
    refused = shop.cloud.play(play, "-e", json.dumps(other), check=False)
    assert refused.code != 0 and "inside cannot become external in its place" in " ".join(refused.output.split())
    for module, one in (("apigee_proxy", proxy), ("apigee_target_server", server)):
        site.run(module, **{key: one[key] for key in ("name", "environment") if key in one}, state="absent")
    gone = shop.cloud.play(play, "-e", "cloud_armor_ingress_state=absent")
    assert ("Ingress", "gke/shop/inside", "deleted") in gone.actions
    assert "inside" not in " ".join(shop.cloud.state()["objects"])


def test_an_ingress_that_is_opened_loses_its_policy_altogether(shop: Shop, encrypted: dict[str, Any]) -> None:
    """Trap 3: an empty name takes it away, and what nothing uses is deleted."""
    opened = copy.deepcopy(encrypted)
    opened["ingress"]["protect"] = False
    run = shop.play(opened)
    assert ("compute_security_policy", "shop", "deleted") in run.actions
    assert set(shop.backends().values()) == {""}
    until(lambda: shop.outside("/", scheme="https") == 200, seconds=120, what="the opened way")


def test_teardown_leaves_nothing(shop: Shop, encrypted: dict[str, Any]) -> None:
    """Of the Ingress: what goes of a Gateway, the change of forms has shown."""
    refused = shop.play(encrypted, playbook=TEARDOWN, check=False)
    assert refused.code != 0 and "was not confirmed" in refused.output
    run = shop.play(encrypted, "-e", "ingress_gke_teardown=acme-shop", playbook=TEARDOWN)
    assert {("Ingress", "gke/shop/shop", "deleted"), ("Service", "gke/shop/products", "deleted")} <= run.actions
    # The SSL policy is the user's.
    left = [
        name
        for name in shop.cloud.state()["objects"]
        if name.startswith(("container/", "apigee/organizations/"))
        or (
            name.startswith("compute/")
            and not any(part in name for part in ("/operations/", "/networks/default", "/sslPolicies/"))
        )
    ]
    assert left == []
