# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Internal load balancers for HTTP, SSL policies and certificates that Google manages: what is made and refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from testbed.certificates import Authority
from testbed.google.http_balancers import HttpBalancerObjects
from testbed.world import WorldError
from tests.testbed.google.conftest import COMPUTE, PROJECT, Google
from tests.testbed.google.test_http_balancers import INGRESS, LISTED, ORDERS, REST, listed, maker

__all__ = ["maker"]

REGION = "regions/europe-west1"
OPEN = (dataclasses.replace(ORDERS, policy=None), REST)
INSIDE = dataclasses.replace(INGRESS, scheme="internal", backends=OPEN, address_name="inside")
PROXIES: dict[str, Any] = {
    "name": "proxies",
    "network": f"projects/{PROJECT}/global/networks/shop",
    "ipCidrRange": "10.12.0.0/23",
    "purpose": "REGIONAL_MANAGED_PROXY",
    "role": "ACTIVE",
}
GLOBAL_ONLY = "a managed one has 1 to 100 names, no wildcards, and is global"


@pytest.mark.shows("compute.subnetworks.insert", "one ACTIVE subnetwork for proxies in each region of a network")
@pytest.mark.shows("compute.regionUrlMaps.get", "compute.regionUrlMaps.list", "compute.regionHealthChecks.list")
@pytest.mark.shows("compute.regionHealthChecks.get", "compute.regionTargetHttpProxies.get")
@pytest.mark.shows("compute.regionTargetHttpProxies.list", "compute.regionTargetHttpsProxies.get")
@pytest.mark.shows("compute.regionTargetHttpsProxies.list")
@pytest.mark.shows("compute.regionSslCertificates.insert", "certificate and key are PEM and belong together")
@pytest.mark.shows("compute.regionSslCertificates.insert", "one's own has certificate and privateKey")
@pytest.mark.shows("compute.regionSslCertificates.delete", "refused while a proxy uses it")
@pytest.mark.shows("compute.regionSslCertificates.get", "compute.regionSslCertificates.list")
async def test_an_internal_one_is_in_the_region_of_its_cluster(
    google: Google, maker: HttpBalancerObjects, tmp_path: Path
) -> None:
    with pytest.raises(WorldError, match="An active proxy-only subnetwork is required in the same region and VPC"):
        await maker.ensure(INSIDE)
    await google.do("POST", f"{COMPUTE}/{REGION}/subnetworks", PROXIES)
    other = {**PROXIES, "name": "more", "ipCidrRange": "10.14.0.0/23"}
    assert "an active one already: proxies" in (
        await google.refused("POST", f"{COMPUTE}/{REGION}/subnetworks", other))["message"]  # fmt: skip
    address = {"name": "inside", "addressType": "INTERNAL", "purpose": "SHARED_LOADBALANCER_VIP",
               "subnetwork": f"projects/{PROJECT}/{REGION}/subnetworks/nodes"}  # fmt: skip
    await google.do("POST", f"{COMPUTE}/{REGION}/addresses", address)
    chain, key = (part.decode() for part in Authority.load_or_create(tmp_path).issue(["shop.example"]))
    own = {"name": "own", "certificate": chain, "privateKey": key}
    for changes, words in (
        ({"privateKey": "none"}, "SSL key could not be parsed"),
        ({"certificate": ""}, "must be given for a SELF_MANAGED"),
        ({"type": "MANAGED", "managed": {"domains": ["shop.example"]}}, "must be SELF_MANAGED"),
    ):
        path = f"{COMPUTE}/{REGION}/sslCertificates"
        assert words in (await google.refused("POST", path, {**own, **changes}))["message"]
    await google.do("POST", f"{COMPUTE}/{REGION}/sslCertificates", own)
    safe = dataclasses.replace(INSIDE, named_certificates=("own",))
    made = await maker.ensure(safe)
    # A second time the address is the balancer's own already.
    assert await maker.ensure(dataclasses.replace(safe, hosts=())) == made
    reserved = await google.call("GET", f"{COMPUTE}/{REGION}/addresses/inside")
    rules = await listed(google, "forwardingRules", REGION)
    assert {(each["IPAddress"], each["portRange"]) for each in rules} == {
        (reserved["address"], "80-80"), (reserved["address"], "443-443")}  # fmt: skip
    assert {each["loadBalancingScheme"] for each in rules} == {"INTERNAL_MANAGED"}
    assert made.address == reserved["address"] and reserved["status"] == "IN_USE"
    for collection, name in (("urlMaps", "url-map"), ("targetHttpProxies", "target-proxy"),
                             ("targetHttpsProxies", "https-target-proxy"), ("sslCertificates", "ssl-cert"),
                             ("forwardingRules", "forwarding-rule")):  # fmt: skip
        document = await google.call("GET", f"{COMPUTE}/{REGION}/{collection}/{made.names[name]}")
        assert document in await listed(google, collection, REGION)
        assert not [field for field in document if field.startswith("_")] and "PRIVATE KEY" not in str(document)
    check = await google.call("GET", f"{COMPUTE}/{REGION}/healthChecks/{made.backends[ORDERS.key]}")
    assert check in await listed(google, "healthChecks", REGION)
    for collection in LISTED:
        assert await listed(google, collection) == []
    network = f"projects/{PROJECT}/global/networks/shop"
    for each in google.world.balancers:
        assert (each.network, each.region, each.proxy) == (network, "europe-west1", "10.12.0.2")
    (firewall,) = [each for each in await listed(google, "firewalls") if each["name"].startswith("k8s-fw-l7--")]
    assert firewall["sourceRanges"] == ["10.12.0.0/23", "130.211.0.0/22", "35.191.0.0/16"]
    refusal = await google.refused("DELETE", f"{COMPUTE}/{REGION}/sslCertificates/own")
    assert "is already being used by" in refusal["message"]
    await maker.remove(safe)
    for collection in LISTED:
        assert await listed(google, collection, REGION) == []
    await google.do("DELETE", f"{COMPUTE}/{REGION}/sslCertificates/own")


@pytest.mark.parametrize("policy", ["only", ""])
async def test_a_policy_is_nothing_for_an_internal_ingress(
    google: Google, maker: HttpBalancerObjects, policy: str
) -> None:
    await google.do("POST", f"{COMPUTE}/{REGION}/subnetworks", PROXIES)
    wrong = dataclasses.replace(INSIDE, address_name="", backends=(dataclasses.replace(ORDERS, policy=policy), REST))
    with pytest.raises(WorldError, match="cloud armor security policies not supported for regional backend service"):
        await maker.ensure(wrong)


@pytest.mark.shows("compute.sslCertificates.insert", GLOBAL_ONLY)
@pytest.mark.shows("compute.regionSslCertificates.insert", GLOBAL_ONLY)
async def test_a_managed_certificate_is_issued_once_it_is_shown(google: Google, maker: HttpBalancerObjects) -> None:
    where = f"{COMPUTE}/global/sslCertificates"
    managed: dict[str, Any] = {"name": "googles", "type": "MANAGED", "managed": {"domains": ["shop.example"]}}
    for domains in ([], ["*.shop.example"]):
        refusal = await google.refused("POST", where, {**managed, "managed": {"domains": domains}})
        assert "1 to 100 names without wildcards" in refusal["message"]
    await google.do("POST", where, managed)
    shown = await google.call("GET", f"{where}/googles")
    assert shown["managed"]["status"] == "PROVISIONING" and "certificate" not in shown
    asked = dataclasses.replace(INGRESS, named_certificates=("googles",),
                                managed_certificates=(("mcrt-1", ("shop.example", "www.shop.example")),))  # fmt: skip
    made = await maker.ensure(asked)
    assert made.names["ssl-cert"] == "googles,mcrt-1"
    for name in ("googles", "mcrt-1"):
        found = (await google.call("GET", f"{where}/{name}"))["managed"]
        assert (found["status"], set(found["domainStatus"].values())) == ("ACTIVE", {"ACTIVE"})
    (before,) = (each for each in google.world.balancers if each.port == 443)
    assert len(before.certificates) == 2
    # None is issued a second time, and that of a ManagedCertificate goes with what it was for.
    await maker.ensure(dataclasses.replace(asked, http=False))
    assert google.world.balancers == [before]
    await maker.remove(asked)
    assert [each["name"] for each in await listed(google, "sslCertificates")] == ["googles"]


@pytest.mark.shows("compute.sslPolicies.insert", "TLS_1_3 wants RESTRICTED, FIPS_202205 wants TLS_1_2")
@pytest.mark.shows("compute.sslPolicies.insert", "customFeatures belong to CUSTOM")
@pytest.mark.shows("compute.sslPolicies.patch", "TLS_1_3 wants RESTRICTED, FIPS_202205 wants TLS_1_2")
@pytest.mark.shows("compute.sslPolicies.patch", "customFeatures belong to CUSTOM")
@pytest.mark.shows("compute.sslPolicies.patch", "needs the current fingerprint (412 otherwise)")
@pytest.mark.shows("compute.sslPolicies.delete", "refused while a proxy uses it")
@pytest.mark.shows("compute.sslPolicies.get", "compute.sslPolicies.list")
async def test_an_ssl_policy_says_which_versions_are_accepted(google: Google, maker: HttpBalancerObjects) -> None:
    where = f"{COMPUTE}/global/sslPolicies"
    await _refusals(google, where)
    await google.do("POST", where, {"name": "new", "profile": "MODERN", "minTlsVersion": "TLS_1_2"})
    safe = dataclasses.replace(INGRESS, certificates=(("shop/tls", "chain", "key"),))

    def minimum() -> str:
        return next(each.minimum_tls for each in google.world.balancers if each.port == 443)

    await maker.ensure(safe)
    assert minimum() == "TLSv1_0"
    with pytest.raises(WorldError, match="sslPolicies/none' was not found"):
        await maker.ensure(dataclasses.replace(safe, ssl_policy="none"))
    made = await maker.ensure(dataclasses.replace(safe, ssl_policy="new"))
    proxy = await google.call("GET", f"{COMPUTE}/global/targetHttpsProxies/{made.names['https-target-proxy']}")
    policy = await google.call("GET", f"{where}/new")
    assert proxy["sslPolicy"] == policy["selfLink"] and await listed(google, "sslPolicies") == [policy]
    assert minimum() == "TLSv1_2"
    assert "is already being used by" in (await google.refused("DELETE", f"{where}/new"))["message"]
    # A change has its effect without the Ingress being looked at, also one of the profile alone.
    stale = await google.refused("PATCH", f"{where}/new", {"minTlsVersion": "TLS_1_0", "fingerprint": "AAAA"})
    assert stale["code"] == 412
    for profile, version, served in (("RESTRICTED", "TLS_1_3", "TLSv1_3"), ("COMPATIBLE", "TLS_1_1", "TLSv1_1"),
                                     ("RESTRICTED", "TLS_1_0", "TLSv1_2")):  # fmt: skip
        mark = (await google.call("GET", f"{where}/new"))["fingerprint"]
        body = {"profile": profile, "minTlsVersion": version, "fingerprint": mark}
        await google.do("PATCH", f"{where}/new", body)
        assert minimum() == served
    mark = (await google.call("GET", f"{where}/new"))["fingerprint"]
    for changes in ({"profile": "COMPATIBLE", "minTlsVersion": "TLS_1_3"}, {"customFeatures": ["any"]}):
        await google.refused("PATCH", f"{where}/new", {**changes, "fingerprint": mark})
    await maker.remove(safe)
    await google.do("DELETE", f"{where}/new")


async def _refusals(google: Google, where: str) -> None:
    for body, words in (
        ({"profile": "MODERN", "minTlsVersion": "TLS_1_3"}, "with the profile RESTRICTED"),
        ({"profile": "FIPS_202205"}, "must be used with TLS_1_2"),
        ({"profile": "CUSTOM"}, "with the profile CUSTOM"),
        ({"customFeatures": ["TLS_AES_128_GCM_SHA256"]}, "with the profile CUSTOM"),
    ):
        assert words in (await google.refused("POST", where, {"name": "wrong", **body}))["message"]


@pytest.mark.shows("compute.regionSslPolicies.insert", "TLS_1_3 wants RESTRICTED, FIPS_202205 wants TLS_1_2")
@pytest.mark.shows("compute.regionSslPolicies.insert", "customFeatures belong to CUSTOM")
@pytest.mark.shows("compute.regionSslPolicies.patch", "TLS_1_3 wants RESTRICTED, FIPS_202205 wants TLS_1_2")
@pytest.mark.shows("compute.regionSslPolicies.patch", "customFeatures belong to CUSTOM")
@pytest.mark.shows("compute.regionSslPolicies.patch", "needs the current fingerprint (412 otherwise)")
@pytest.mark.shows("compute.regionSslPolicies.delete", "refused while a proxy uses it")
@pytest.mark.shows("compute.regionSslPolicies.get", "compute.regionSslPolicies.list")
async def test_a_regional_ssl_policy_is_for_an_internal_gateway(google: Google, maker: HttpBalancerObjects) -> None:
    where = f"{COMPUTE}/{REGION}/sslPolicies"
    await _refusals(google, where)
    await google.do("POST", f"{COMPUTE}/{REGION}/subnetworks", PROXIES)
    await google.do("POST", where, {"name": "new", "minTlsVersion": "TLS_1_2"})
    backends = (dataclasses.replace(ORDERS, policy=""), REST)
    asked = dataclasses.replace(INSIDE, gateway=True, address_name="", backends=backends, ssl_policy="new",
                                certificates=(("shop/tls", "chain", "key"),), http=False)  # fmt: skip
    await maker.ensure(asked)
    assert [each.minimum_tls for each in google.world.balancers] == ["TLSv1_2"]
    shown = await google.call("GET", f"{where}/new")
    assert await listed(google, "sslPolicies", REGION) == [shown] and shown["region"].endswith(REGION)
    await google.refused("DELETE", f"{where}/new")
    assert (await google.refused("PATCH", f"{where}/new", {"fingerprint": "AAAA"}))["code"] == 412
    for changes in ({"minTlsVersion": "TLS_1_3"}, {"customFeatures": ["TLS_AES_128_GCM_SHA256"]}):
        await google.refused("PATCH", f"{where}/new", {**changes, "fingerprint": shown["fingerprint"]})
    await google.do("PATCH", f"{where}/new", {"minTlsVersion": "TLS_1_1", "fingerprint": shown["fingerprint"]})
    assert [each.minimum_tls for each in google.world.balancers] == ["TLSv1_1"]
    await maker.remove(asked)
    await google.do("DELETE", f"{where}/new")
