# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE makes in a project for Ingresses, and what the world is told of it."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import pytest

from testbed.certificates import Authority
from testbed.google.http_balancers import HttpBalancerObjects
from testbed.http_balancing.asked import DEFAULT_BACKEND, AskedBackend, AskedBalancer, AskedHost
from testbed.http_balancing.model import Backend, Check, Host, HttpBalancer, PolicyRule, Redirect
from testbed.world import WorldError
from tests.testbed.google.conftest import COMPUTE, CONTAINER, PROJECT, Google

KEY = (PROJECT, "europe-west1", "shop")
ORDERS = AskedBackend("shop", "orders", 80, endpoints=(("10.20.0.5", 8080),), policy="only", timeout=40,
                      check=Check(path="/healthz", port=8080, interval=5), headers=(("X-From", "lb"),),
                      logging=(True, 0.5), draining=60)  # fmt: skip
REST = AskedBackend("shop", "rest", 80, endpoints=(("10.20.0.6", 8080), ("10.20.0.7", 8080)))
INGRESS = AskedBalancer(
    KEY, "uid", "shop", "front", "external", (ORDERS, REST), REST.key,
    hosts=(AskedHost(("shop.example",), (("/orders", ORDERS.key), ("/orders/*", ORDERS.key)), REST.key),),
)  # fmt: skip
LISTED = ("backendServices", "healthChecks", "urlMaps", "targetHttpProxies", "targetHttpsProxies", "forwardingRules")


@pytest.fixture
async def maker(google: Google) -> HttpBalancerObjects:
    await google.ready()
    for name in ("only", "other"):
        await google.do("POST", f"{COMPUTE}/global/securityPolicies", {"name": name})
    await google.do("POST", f"{CONTAINER}/clusters", google.cluster())
    return HttpBalancerObjects(google.emulator)


async def listed(google: Google, collection: str, place: str = "global") -> list[dict[str, Any]]:
    return (await google.call("GET", f"{COMPUTE}/{place}/{collection}")).get("items", [])


@pytest.mark.shows("compute.globalForwardingRules.get", "compute.globalForwardingRules.list")
@pytest.mark.shows("compute.targetHttpProxies.get", "compute.targetHttpProxies.list", "compute.urlMaps.list")
@pytest.mark.shows("compute.urlMaps.get", "compute.healthChecks.get", "compute.healthChecks.list")
@pytest.mark.shows("compute.networkEndpointGroups.get", "compute.networkEndpointGroups.list")
@pytest.mark.shows("compute.networkEndpointGroups.listNetworkEndpoints")
async def test_everything_from_the_rule_to_the_pods(google: Google, maker: HttpBalancerObjects) -> None:
    made = await maker.ensure(INGRESS)
    (rule,) = await listed(google, "forwardingRules")
    assert (rule["name"], rule["IPAddress"]) == (made.names["forwarding-rule"], made.address)
    assert rule["name"].startswith("k8s2-fr-") and "-shop-front-" in rule["name"]
    assert (rule["portRange"], rule["loadBalancingScheme"]) == ("80-80", "EXTERNAL")
    for collection, name in (("targetHttpProxies", "target-proxy"), ("urlMaps", "url-map"),
                             ("forwardingRules", "forwarding-rule")):  # fmt: skip
        document = await google.call("GET", f"{COMPUTE}/global/{collection}/{made.names[name]}")
        assert (await listed(google, collection)) == [document]
    name = made.backends[ORDERS.key]
    backend = await google.call("GET", f"{COMPUTE}/global/backendServices/{name}")
    assert name.startswith("k8s1-") and backend["securityPolicy"].endswith("/securityPolicies/only")
    assert (backend["timeoutSec"], backend["customRequestHeaders"]) == (40, ["X-From:lb"])
    assert backend["logConfig"] == {"enable": True, "sampleRate": 0.5}
    check = await google.call("GET", f"{COMPUTE}/global/healthChecks/{name}")
    assert check["httpHealthCheck"]["requestPath"] == "/healthz" and check in await listed(google, "healthChecks")
    zone = "zones/europe-west1-b/networkEndpointGroups"
    assert (await google.call("GET", f"{COMPUTE}/{zone}/{name}"))["size"] == 1
    assert len((await google.call("GET", f"{COMPUTE}/{zone}"))["items"]) == 2
    points = await google.call("POST", f"{COMPUTE}/{zone}/{name}/listNetworkEndpoints", {})
    assert points["items"] == [{"networkEndpoint": {"ipAddress": "10.20.0.5", "port": 8080}}]
    (firewall,) = [
        each for each in await listed(google, "firewalls") if each["name"].startswith("k8s-fw-l7--")
    ]  # fmt: skip
    assert firewall["sourceRanges"] == ["130.211.0.0/22", "35.191.0.0/16"]

    def path(key: tuple[str, str, int]) -> str:
        return f"projects/{PROJECT}/global/backendServices/{made.backends[key]}"

    (balancer,) = google.world.balancers
    assert balancer == HttpBalancer(
        name=f"projects/{PROJECT}/global/forwardingRules/{rule['name']}", address=made.address, port=80,
        default=path(REST.key), hosts=(Host(("shop.example",), (
            ("/orders", path(ORDERS.key)), ("/orders/*", path(ORDERS.key))), path(REST.key)),),
        backends=(
            Backend(path(REST.key), endpoints=REST.endpoints, check=Check()),
            Backend(path(ORDERS.key), endpoints=ORDERS.endpoints, check=ORDERS.check, timeout=40,
                    headers=(("X-From", "lb"),), policy=(PolicyRule(2147483647, ("*",)),))),
    )  # fmt: skip
    assert await maker.health(made, INGRESS) == dict.fromkeys(made.backends.values(), "HEALTHY")

    # The same once more changes nothing.
    calls = len([each for each in google.world.calls if each[0] == "apply_balancers"])
    assert await maker.ensure(INGRESS) == made
    assert len([each for each in google.world.calls if each[0] == "apply_balancers"]) == calls
    await maker.remove(INGRESS)
    await nothing_is_left(google)


async def nothing_is_left(google: Google) -> None:
    for collection in LISTED:
        assert await listed(google, collection) == [], collection
    assert await listed(google, "networkEndpointGroups", "zones/europe-west1-b") == []
    assert not [each for each in await listed(google, "firewalls") if each["name"].startswith("k8s-fw-l7--")]
    assert google.world.balancers == []


async def test_a_policy_stays_until_it_is_named_away(google: Google, maker: HttpBalancerObjects) -> None:
    """Removing it from a BackendConfig does nothing, an empty name does (other-systems.md 4.3)."""

    async def with_policy(policy: str | None) -> str:
        made = await maker.ensure(dataclasses.replace(INGRESS, backends=(
            dataclasses.replace(ORDERS, policy=policy), REST)))  # fmt: skip
        backend = await google.call("GET", f"{COMPUTE}/global/backendServices/{made.backends[ORDERS.key]}")
        return backend.get("securityPolicy", "").rsplit("/", 1)[-1]

    assert [await with_policy(each) for each in ("only", None, "other", None, "")] == [
        "only", "only", "other", "other", ""]  # fmt: skip
    with pytest.raises(WorldError, match="securityPolicies/nobodys' was not found"):
        await with_policy("nobodys")


async def test_a_rule_of_a_policy_has_its_effect_when_its_operation_ends(
    google: Google, maker: HttpBalancerObjects
) -> None:
    await maker.ensure(INGRESS)
    rule = {"priority": 5, "action": "deny(404)", "preview": True,
            "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["192.0.2.0/24"]}}}  # fmt: skip
    await google.do("POST", f"{COMPUTE}/global/securityPolicies/only/addRule", rule)
    (balancer,) = google.world.balancers
    policies = [each.policy for each in balancer.backends]
    assert policies == [None, (PolicyRule(5, ("192.0.2.0/24",), 404, preview=True), PolicyRule(2147483647, ("*",)))]
    # Somebody takes it away by hand, and the policy itself can only then be deleted.
    refusal = await google.refused("DELETE", f"{COMPUTE}/global/securityPolicies/only")
    assert "is already being used by" in refusal["message"]
    for backend in await listed(google, "backendServices"):
        await google.do("POST", f"{COMPUTE}/global/backendServices/{backend['name']}/setSecurityPolicy", {})
    assert [each.policy for each in google.world.balancers[0].backends] == [None, None]
    await google.do("DELETE", f"{COMPUTE}/global/securityPolicies/only")


async def test_backends_are_shared_and_go_with_their_last_user(google: Google, maker: HttpBalancerObjects) -> None:
    second = dataclasses.replace(INGRESS, name="second", backends=(REST,), hosts=())
    first, other = await maker.ensure(INGRESS), await maker.ensure(second)
    assert first.backends[REST.key] == other.backends[REST.key] and first.address != other.address
    await maker.remove(INGRESS)
    assert [each["name"] for each in await listed(google, "backendServices")] == [other.backends[REST.key]]
    # One that is asked for no more goes, too; without a default backend Google's own pods answer.
    bare = dataclasses.replace(second, backends=(AskedBackend(*DEFAULT_BACKEND),), default=DEFAULT_BACKEND)
    await maker.ensure(bare)
    (balancer,) = google.world.balancers
    assert [each.answers for each in balancer.backends] == [404]
    await google.do("DELETE", f"{CONTAINER}/clusters/shop")
    await nothing_is_left(google)
    with pytest.raises(WorldError, match="Not found: cluster shop"):
        await maker.ensure(INGRESS)


@pytest.mark.shows("compute.globalAddresses.delete", "refused while a connection or a forwarding rule uses it")
async def test_reserved_addresses_of_both_versions(google: Google, maker: HttpBalancerObjects) -> None:
    for name, version in (("four", "IPV4"), ("six", "IPV6")):
        body = {"name": name, "addressType": "EXTERNAL", "ipVersion": version}
        await google.do("POST", f"{COMPUTE}/global/addresses", body)
    for name in ("four", "six"):
        made = await maker.ensure(dataclasses.replace(INGRESS, address_name=name))
        address = await google.call("GET", f"{COMPUTE}/global/addresses/{name}")
        assert (made.address, address["status"]) == (address["address"], "IN_USE")
        refusal = await google.refused("DELETE", f"{COMPUTE}/global/addresses/{name}")
        assert "is already being used by" in refusal["message"]
    assert made.address.startswith("2001:db8:")
    with pytest.raises(WorldError, match="already in use"):
        await maker.ensure(dataclasses.replace(INGRESS, name="second", address_name="six"))
    with pytest.raises(WorldError, match="none doesn't translate to an existing static IP"):
        await maker.ensure(dataclasses.replace(INGRESS, address_name="none"))
    await maker.remove(INGRESS)
    await google.do("DELETE", f"{COMPUTE}/global/addresses/four")


@pytest.mark.shows("compute.targetHttpsProxies.get", "compute.targetHttpsProxies.list")
async def test_https_with_the_certificates_of_secrets_and_a_redirect(
    google: Google, maker: HttpBalancerObjects
) -> None:
    safe = dataclasses.replace(INGRESS, certificates=(("shop/tls", "chain", "key"),))
    made = await maker.ensure(dataclasses.replace(safe, redirect=Redirect(308)))
    proxy = await google.call("GET", f"{COMPUTE}/global/targetHttpsProxies/{made.names['https-target-proxy']}")
    assert await listed(google, "targetHttpsProxies") == [proxy] and len(proxy["sslCertificates"]) == 1
    plain, https = sorted(google.world.balancers, key=lambda each: each.port)
    assert (plain.port, plain.redirect, plain.backends) == (80, Redirect(308), ())
    assert (https.port, https.certificates, https.address) == (443, (("chain", "key"),), plain.address)
    made = await maker.ensure(dataclasses.replace(safe, http=False))
    assert "forwarding-rule" not in made.names and made.address == https.address
    assert [each.port for each in google.world.balancers] == [443]
    with pytest.raises(WorldError, match="sslCertificates/ours' was not found"):
        await maker.ensure(dataclasses.replace(INGRESS, named_certificates=("ours",)))
    await maker.remove(INGRESS)
    await nothing_is_left(google)


async def test_what_comes_and_goes_at_once_is_gone(google: Google, maker: HttpBalancerObjects) -> None:
    google.world.delay["apply_balancers"] = 0.05
    coming = asyncio.create_task(maker.ensure(INGRESS))
    while not google.emulator.store.snapshot().children(f"compute/projects/{PROJECT}/global/urlMaps"):
        await asyncio.sleep(0)
    await maker.remove(INGRESS)
    await coming
    await nothing_is_left(google)


@pytest.mark.shows("compute.sslCertificates.insert", "certificate and key are PEM and belong together")
@pytest.mark.shows("compute.sslCertificates.insert", "one's own has certificate and privateKey")
@pytest.mark.shows("compute.sslCertificates.delete", "refused while a proxy uses it")
@pytest.mark.shows("compute.sslCertificates.get", "compute.sslCertificates.list")
async def test_a_certificate_of_googles_is_named_and_its_key_is_never_shown(
    google: Google, maker: HttpBalancerObjects, tmp_path: Path
) -> None:
    authority = Authority.load_or_create(tmp_path / "certificates")
    (chain, key), (_other, foreign) = (authority.issue([name]) for name in ("shop.example", "other.example"))
    where = f"{COMPUTE}/global/sslCertificates"
    ours = {"name": "ours", "certificate": chain.decode(), "privateKey": key.decode(), "description": "the shop's"}
    for changes, words in (
        ({"privateKey": foreign.decode()}, "do not match"),
        ({"privateKey": "none"}, "SSL key could not be parsed"),
        ({"certificate": "none"}, "SSL certificate could not be parsed"),
        ({"privateKey": ""}, "must be given for a SELF_MANAGED"),
    ):
        assert words in (await google.refused("POST", where, {**ours, **changes}))["message"]
    await google.do("POST", where, ours)
    shown = await google.call("GET", f"{where}/ours")
    assert await listed(google, "sslCertificates") == [shown]
    assert "PRIVATE KEY" not in str(shown) and shown["certificate"] == chain.decode()
    await maker.ensure(dataclasses.replace(INGRESS, named_certificates=("ours",)))
    assert sorted((each.port, len(each.certificates)) for each in google.world.balancers) == [(80, 0), (443, 1)]
    assert "is already being used by" in (await google.refused("DELETE", f"{where}/ours"))["message"]
    await maker.remove(INGRESS)
    await google.do("DELETE", f"{where}/ours")


async def test_long_names_are_cut(google: Google, maker: HttpBalancerObjects) -> None:
    long = dataclasses.replace(ORDERS, namespace="n" * 40, service="s" * 63)
    made = await maker.ensure(dataclasses.replace(
        INGRESS, namespace="n" * 40, name="i" * 60, backends=(long,), default=long.key, hosts=()))  # fmt: skip
    assert all(len(name) <= 63 for name in (*made.names.values(), *made.backends.values()))
