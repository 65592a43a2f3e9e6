# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS with real servers: what is verified, which fault names which cause, mutual TLS, references turned."""
from __future__ import annotations

import asyncio
import re
import ssl

import pytest
from cryptography.hazmat.primitives import serialization

from tests.testbed.certificates_double import Leaf, TestAuthority

from .bundles import bundle, properties, target_xml
from .conftest import HOST

FAILED = "messaging.adaptors.http.flow.SslHandshakeFailed"
UNTRUSTED = "unable to find valid certification path to requested target"
CA, OTHER = TestAuthority("shop CA"), TestAuthority("other CA")
STRICT = {"enabled": True, "enforce": True, "trustStore": "ref://gke-ca"}
GOOD = CA.issue([HOST])


def trust(*authorities: str, **keystores: dict) -> dict:
    """Keystores and a reference gke-ca to one with these authorities."""
    held = {f"ca-{number}": {"certificates": pem} for number, pem in enumerate(authorities)}
    return {"keystores": {"gke-ca-1": held, **keystores},
            "references": {"gke-ca": {"refers": "gke-ca-1", "resourceType": "TrustStore"}}}


@pytest.fixture
def server_context(tmp_path):
    def make(leaf: Leaf, *, clients: str = "", newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        (tmp_path / "pair.pem").write_text(leaf.pair)
        context.load_cert_chain(tmp_path / "pair.pem")
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=clients)
        if newest:
            # Below TLS 1.2 OpenSSL wants to be told twice.
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, newest
        return context
    return make


@pytest.fixture
def start(bench, server_context):
    """Start a TLS backend behind HOST and deploy a proxy in front of it; returns the backend."""
    async def run(leaf: Leaf = GOOD, info: dict | None = None, more: dict | None = None, host: str = HOST,
                  alerting: bool = False, **how):
        context = server_context(leaf, **how)
        target = await (bench.alerting_target(context) if alerting else bench.target(tls=context))
        bench.dns.records[host] = (10, ["127.0.0.1"])
        await bench.serve(bundle(), servers=[{"name": "backend", "host": host, "port": target.port,
                                              "sSLInfo": STRICT if info is None else info}],
                          **(trust(CA.pem) if more is None else more))
        return target
    return run


async def refused(bench, *said: str) -> dict:
    """The call fails in the handshake, saying why; returns the hop."""
    reply = await bench.call("/demo", headers={"X-Testbed-Trace": "t"})
    assert (reply.status, reply.errorcode) == (503, FAILED), reply.body
    text = reply.json()["fault"]["faultstring"]
    assert text.startswith("SSL Handshake failed ") and all(each in text for each in said), text
    return await hop(bench, "t")


async def hop(bench, identity: str) -> dict:
    return next(hop for hop in (await bench.trace(identity))["hops"] if hop["kind"] == "target")


async def test_a_good_certificate_and_what_apigee_saw_of_it(bench, start):
    target = await start()

    for identity, connection in (("new", "new"), ("again", "pooled")):
        assert (await bench.call("/demo/x", headers={"X-Testbed-Trace": identity})).status == 200
        seen = await hop(bench, identity)
        assert seen["connection"] == connection
        assert seen["tls"]["protocol"] == "TLSv1.3" and seen["tls"]["verified"] is True
        assert seen["tls"]["issuer"] == "CN=shop CA" and seen["tls"]["names"] == [HOST]
        assert seen["tls"]["expires"].startswith("20")
    assert target.requests[0]["headers"]["Host"] == f"{HOST}:{target.port}"


async def test_a_wrong_authority(bench, start):
    await start(OTHER.issue([HOST]))
    seen = await refused(bench, UNTRUSTED)
    assert seen["tls"]["issuer"] == "CN=other CA" and seen["tls"]["verified"] is False


async def test_a_wrong_name(bench, start):
    await start(CA.issue(["other.example"]))
    seen = await refused(bench, f"No subject alternative DNS name matching {HOST} found")
    assert seen["tls"]["names"] == ["other.example"]


async def test_an_expired_leaf(bench, start):
    await start(CA.issue([HOST], days=(-9, -1)))
    seen = await refused(bench, "CertificateExpiredException: NotAfter: 20")
    assert seen["tls"]["names"] == [HOST]


async def test_a_leaf_of_tomorrow(bench, start):
    await start(CA.issue([HOST], days=(1, 9)))
    await refused(bench, "CertificateNotYetValidException: NotBefore: 20")


async def test_tls_1_1(bench, start):
    await start(newest=ssl.TLSVersion.TLSv1_1, alerting=True)
    await refused(bench, "Received fatal alert: protocol_version")


async def test_a_self_signed_certificate(bench, start):
    await start(_self_signed())
    await refused(bench, UNTRUSTED)


def _self_signed() -> Leaf:
    own = TestAuthority(HOST)
    key = own.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    return Leaf(own.pem, key.decode())


async def test_a_plain_port_behind_tls(bench):
    target = await bench.target()
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[{"name": "backend", "host": HOST, "port": target.port, "sSLInfo": STRICT}],
                      **trust(CA.pem))
    await refused(bench, "Unsupported or unrecognized SSL message")


@pytest.mark.parametrize("abort", [True, False])
async def test_a_server_that_hangs_up_in_the_handshake(bench, abort):
    async def handle(reader, writer):
        await reader.read(100)
        if abort:
            writer.transport.abort()
    target = await bench.raw_target(handle)
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[{"name": "backend", "host": HOST, "port": target.port, "sSLInfo": STRICT}],
                      **trust(CA.pem))
    await refused(bench, "Remote host terminated the handshake")


async def test_plain_http_to_a_tls_port_is_an_unexpected_end_or_a_bad_request(bench, start):
    await start(info={"enabled": False})
    reply = await bench.call("/demo")
    assert (reply.status, reply.errorcode) == (502, "messaging.adaptors.http.flow.UnexpectedEOFAtTarget")


async def test_a_closed_port_behind_tls_is_no_handshake(bench):
    target = await bench.target()
    await target.stop()
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    await bench.serve(bundle(), servers=[{"name": "backend", "host": HOST, "port": target.port, "sSLInfo": STRICT}],
                      **trust(CA.pem))
    reply = await bench.call("/demo")
    assert reply.errorcode == "messaging.adaptors.http.flow.ServiceUnavailable"


@pytest.mark.parametrize("how, status", [
    ({"enforce": True}, 503), ({"enforce": True, "ignoreValidationErrors": True}, 503), ({}, 503),
    ({"ignoreValidationErrors": True}, 200)])
@pytest.mark.parametrize("leaf", [OTHER.issue([HOST]), CA.issue([HOST], days=(-9, -1))], ids=["wrong CA", "expired"])
async def test_enforce_and_ignored_errors(bench, start, how, status, leaf):
    await start(leaf, info={"enabled": True, "trustStore": "gke-ca-1", **how})
    reply = await bench.call("/demo", headers={"X-Testbed-Trace": "t"})
    assert reply.status == status, reply.body
    assert (await hop(bench, "t"))["tls"]["verified"] is False


async def test_a_wrong_name_cannot_be_ignored(bench, start):
    await start(CA.issue(["other.example"]), info={"enabled": True, "ignoreValidationErrors": True})
    await refused(bench, "No subject alternative DNS name")


@pytest.mark.parametrize("leaf, name, wildcard, good", [
    (CA.issue(["other.example"], common_name="orders"), "orders", False, True),
    (CA.issue(["other.example"], common_name="orders"), "Orders", False, True),
    (CA.issue([HOST], common_name="orders"), HOST, False, False),
    (CA.issue([HOST], common_name="a.shop.example"), "*.shop.example", True, True),
    (CA.issue([HOST], common_name="a.shop.example"), "*.shop.example", False, False),
    (CA.issue(["only.example"]), "only.example", False, True)])
async def test_a_common_name_stands_for_the_host(bench, start, leaf, name, wildcard, good):
    await start(leaf, info={**STRICT, "commonName": {"value": name, "wildcardMatch": wildcard}})
    if good:
        assert (await bench.call("/demo")).status == 200
    else:
        await refused(bench, f"No name matching {name} found")


@pytest.mark.parametrize("names, good", [(["*.apps.example.internal"], True), (["*.example.internal"], False),
                                         ([], False)])
async def test_wildcards_in_certificates(bench, start, names, good):
    await start(CA.issue(names))
    assert (await bench.call("/demo")).status == (200 if good else 503)


async def test_without_a_truststore_only_public_authorities_count(bench, start):
    await start(info={"enabled": True, "enforce": True})
    await refused(bench, UNTRUSTED)


async def test_any_certificate_of_a_truststore_is_an_anchor(bench, start):
    middle = TestAuthority("middle", parent=CA)
    await start(middle.issue([HOST]), more=trust(middle.pem))
    assert (await bench.call("/demo")).status == 200


@pytest.mark.parametrize("info, version", [
    ({"protocols": ["TLSv1.2"]}, "TLSv1.2"), ({"protocols": ["TLSv1.3"]}, "TLSv1.3"),
    ({"ciphers": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]}, "TLSv1.2"),
    ({"ciphers": ["TLS_AES_128_GCM_SHA256"]}, "TLSv1.3")])
async def test_versions_and_ciphers(bench, start, info, version):
    await start(info={**STRICT, **info})
    assert (await bench.call("/demo", headers={"X-Testbed-Trace": "t"})).status == 200
    seen = (await hop(bench, "t"))["tls"]
    assert seen["protocol"] == version
    if "ECDHE" in str(info):
        assert seen["cipher"] == "ECDHE-ECDSA-AES128-GCM-SHA256"


@pytest.mark.parametrize("info", [{"protocols": ["TLSv1.1"]}, {"ciphers": ["TLS_NULL_WITH_NULL_NULL"]},
                                  {"protocols": ["TLSv1.2"], "ciphers": ["TLS_AES_128_GCM_SHA256"]}])
async def test_nothing_left_to_agree_on(bench, start, info):
    await start(info={**STRICT, **info})
    await refused(bench, "No appropriate protocol")


# In TLS 1.3 the alert may be overtaken by the end of the connection.
LATE = "|in which it had asked for a client certificate"


@pytest.mark.parametrize("version, none, wrong", [
    ("TLSv1.2", "alert: handshake_failure", "alert: unknown_ca"),
    ("TLSv1.3", f"alert: certificate_required{LATE}", f"alert: unknown_ca{LATE}")])
async def test_mutual_tls(bench, start, version, none, wrong):
    client = OTHER.issue(common_name="apigee")
    keystore = {"gke-client-1": {"client": {"certificates": client.certificate, "key": client.key}}}
    info = {**STRICT, "protocols": [version], "clientAuthEnabled": True, "keyStore": "ref://gke-client",
            "keyAlias": "client"}
    more = trust(CA.pem, **keystore)
    more["references"]["gke-client"] = {"refers": "gke-client-1", "resourceType": "KeyStore"}
    target = await start(info=info, more=more, clients=OTHER.pem)
    assert (await bench.call("/demo")).status == 200
    assert target.requests[0]["client"] == ["apigee"]

    await start(info={**STRICT, "protocols": [version]}, more=more, clients=OTHER.pem, alerting=True)
    assert re.search(none, (await refused(bench))["error"])
    await start(info=info, more=more, clients=CA.pem, alerting=True)
    assert re.search(wrong, (await refused(bench))["error"])
    # What the runtime shows of its configuration has no keys.
    async with bench.administration.get("http://runtime/configuration") as reply:
        assert "PRIVATE KEY" not in await reply.text()


@pytest.mark.parametrize("info, said", [
    ({"trustStore": "ref://none"}, "truststore ref://none does not exist in environment test"),
    ({"trustStore": "none"}, "truststore none does not exist"),
    ({"clientAuthEnabled": True, "keyStore": "gke-ca-1", "keyAlias": "ca-0"}, "no alias ca-0 with a private key")])
async def test_names_that_lead_nowhere(bench, start, info, said):
    await start(info={**STRICT, **info})
    seen = await refused(bench, said)
    assert seen["tls"] is None


async def test_an_empty_truststore_trusts_nobody(bench, start):
    await start(more=trust())
    await refused(bench, UNTRUSTED)


async def test_a_reference_turned_elsewhere_counts_at_once_without_a_deployment(bench, start):
    target = await start(more=trust(CA.pem))
    servers = [{"name": "backend", "host": HOST, "port": target.port, "sSLInfo": STRICT}]
    assert (await bench.call("/demo")).status == 200
    deployment = bench.runtime.configuration.deployments[0]
    more = trust(CA.pem, next={"ca": {"certificates": OTHER.pem}})
    more["references"]["gke-ca"]["refers"] = "next"

    await bench.serve(bundle(), servers=servers, **more)
    assert bench.runtime.configuration.deployments[0] is deployment, "it was not deployed again"
    await refused(bench, UNTRUSTED)
    assert len(bench.runtime.pools.statistics()) == 1, "the pool of the old truststore is closed"

    await bench.serve(bundle(), servers=servers, **trust(CA.pem))
    assert (await bench.call("/demo")).status == 200


async def test_a_request_under_way_survives_the_turn(bench, start):
    release = asyncio.Event()
    target = await start()
    answer = target._handle

    async def slow(request):
        await release.wait()
        target.handler = None
        return await answer(request)
    target.handler = slow
    running = asyncio.create_task(bench.call("/demo"))
    while not target.requests:
        await asyncio.sleep(0.01)
    more = trust(CA.pem, next={"ca": {"certificates": OTHER.pem}})
    more["references"]["gke-ca"]["refers"] = "next"
    await bench.serve(bundle(), servers=[{"name": "backend", "host": HOST, "port": target.port, "sSLInfo": STRICT}],
                      **more)
    release.set()
    assert (await running).status == 200


@pytest.mark.parametrize("authority, status", [(CA, 200), (OTHER, 503)])
async def test_a_target_by_url_with_its_own_settings(bench, server_context, authority, status):
    target = await bench.target(tls=server_context(GOOD))
    bench.dns.records[HOST] = (10, ["127.0.0.1"])
    info = "<SSLInfo><Enabled>true</Enabled><Enforce>true</Enforce><TrustStore>ref://gke-ca</TrustStore></SSLInfo>"
    xml = target_xml(f"<URL>https://{HOST}:{target.port}/</URL>{info}", properties=properties())
    await bench.serve(bundle(target=xml), **trust(authority.pem))
    for _ in range(2):
        assert (await bench.call("/demo")).status == status
