# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Keystores, aliases and references."""
from __future__ import annotations

import json

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from testbed.google.services.apigee import tls_material
from tests.testbed.certificates_double import TestAuthority

ALL = "apigee.organizations.environments.keystores"
REFERENCES = "apigee.organizations.environments.references"
STORES = "environments/prod/keystores"
ALIASES = f"{STORES}/trust/aliases"
CA = TestAuthority()
LEAF = CA.issue(["client.acme.example"], common_name="client")


@pytest.fixture
async def site(apigee):
    await apigee.ready()
    await apigee.post(STORES, {"name": "trust"})
    return apigee


def form(**fields: str | bytes) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, value in fields.items():
        if name == "password":
            data.add_field(name, value)
        else:
            data.add_field(name, value, filename=f"{name}.pem", content_type="application/octet-stream")
    return data


async def add(site, alias: str = "ca", keystore: str = "trust", **fields):
    content = form(**(fields or {"certFile": CA.pem}))
    return await site.post(f"{STORES}/{keystore}/aliases", content, alias=alias, format="keycertfile")


def told(site) -> dict:
    return site.world.configuration["environments"]["prod"]


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", f"{ALL}.delete")
async def test_a_keystore_and_its_names(site):
    assert await site.post(STORES, {"name": "ignored"}, name="by-query") == {"name": "by-query"}
    assert await site.get(STORES) == ["by-query", "trust"]
    await add(site)
    assert await site.get(f"{STORES}/trust") == {"name": "trust", "aliases": ["ca"]}
    with site.refused(409, "already exists"):
        await site.post(STORES, {"name": "trust"})
    for wrong in ("", "a/b", "x" * 256):
        with site.refused(400, "keystore name"):
            await site.post(STORES, {"name": wrong})
    with site.refused(404):
        await site.post("environments/none/keystores", {"name": "x"})
    assert (await site.delete(f"{STORES}/trust"))["aliases"] == ["ca"]
    with site.refused(404):
        await site.get(f"{STORES}/trust")
    with site.refused(404):
        await site.get(f"{ALIASES}/ca")


@pytest.mark.shows(f"{ALL}.aliases.create", f"{ALL}.aliases.get", f"{ALL}.aliases.list",
                   f"{ALL}.aliases.getCertificate", f"{ALL}.aliases.csr")
async def test_a_trusted_certificate(site):
    made = await add(site)
    assert made["type"] == "CERT" and made["alias"] == "ca"
    (info,) = made["certsInfo"]["certInfo"]
    assert info["subject"] == info["issuer"] == "CN=shop CA"
    assert info["isValid"] == "Yes" and info["basicConstraints"] == "CA:TRUE"
    assert int(info["serialNumber"], 16) == CA.certificate.serial_number
    assert int(info["expiryDate"]) == int(CA.certificate.not_valid_after_utc.timestamp() * 1000)
    assert await site.get(ALIASES) == ["ca"]
    assert await site.get(f"{ALIASES}/ca") == made
    assert (await site.get(f"{ALIASES}/ca/certificate")).decode() == CA.pem
    assert told(site)["keystores"] == {"trust": {"ca": {"certificates": CA.pem}}}
    with site.refused(400, "no private key"):
        await site.get(f"{ALIASES}/ca/csr")
    with site.refused(409, "already exists"):
        await add(site)


@pytest.mark.shows(f"{ALL}.aliases.create", f"{ALL}.aliases.csr", f"{ALL}.aliases.get")
async def test_a_pair_never_shows_its_key(site):
    made = await add(site, "client", certFile=LEAF.certificate, keyFile=LEAF.key)
    assert made["type"] == "KEY_CERT"
    assert made["certsInfo"]["certInfo"][0]["subjectAlternativeNames"] == ["client.acme.example"]
    request = x509.load_pem_x509_csr(await site.get(f"{ALIASES}/client/csr"))
    assert request.is_signature_valid and request.subject.rfc4514_string() == "CN=client"
    assert request.public_key() == x509.load_pem_x509_certificate(LEAF.certificate.encode()).public_key()
    assert told(site)["keystores"]["trust"]["client"]["key"] == LEAF.key
    dump = await (await site.client.get("/_testbed/state")).text()
    assert "CN=client" not in LEAF.key and "PRIVATE KEY" not in dump and LEAF.key.splitlines()[1] not in dump


@pytest.mark.shows(f"{ALL}.aliases.create")
async def test_encrypted_keys_and_pkcs12(site):
    key = serialization.load_pem_private_key(LEAF.key.encode(), None)
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                               serialization.BestAvailableEncryption(b"pass"))
    await add(site, "locked", certFile=LEAF.certificate, keyFile=locked, password="pass")
    assert told(site)["keystores"]["trust"]["locked"]["key"] == LEAF.key
    for more, said in (({}, "password is required"), ({"password": "wrong"}, "password is wrong")):
        with site.refused(400, said):
            await add(site, "x", certFile=LEAF.certificate, keyFile=locked, **more)
    with site.refused(400, "not encrypted but a password was given"):
        await add(site, "x", certFile=LEAF.certificate, keyFile=LEAF.key, password="pass")
    archive = pkcs12.serialize_key_and_certificates(
        b"client", key, x509.load_pem_x509_certificate(LEAF.certificate.encode()), [CA.certificate],
        serialization.BestAvailableEncryption(b"pass"))
    made = await site.post(ALIASES, form(file=archive, password="pass"), alias="p12", format="pkcs12")
    assert [info["subject"] for info in made["certsInfo"]["certInfo"]] == ["CN=client", "CN=shop CA"]
    with site.refused(400, "PKCS12 file cannot be read"):
        await site.post(ALIASES, form(file=archive, password="no"), alias="x", format="pkcs12")
    with site.refused(400, "requires the form field file"):
        await site.post(ALIASES, form(file=b"", password="no"), alias="x", format="pkcs12")


@pytest.mark.shows(f"{ALL}.aliases.create")
async def test_self_signed(site):
    async def post(body, **query):
        async with site.client.post(f"/apigee/v1/{site.at(ALIASES)}", json=body,
                                    params={"format": "selfsignedcert", **query},
                                    headers={"Authorization": f"Bearer {site.token}"}) as answer:
            return answer.status, await answer.json()
    status, made = await post({"alias": "own", "subject": {"commonName": "own"}, "certValidityInDays": 3,
                               "subjectAlternativeDnsNames": {"subjectAlternativeName": "own.example"}})
    assert status == 200 and made["type"] == "KEY_CERT", made
    assert made["certsInfo"]["certInfo"][0]["subjectAlternativeNames"] == ["own.example"]
    assert x509.load_pem_x509_certificate(await site.get(f"{ALIASES}/own/certificate")).public_key().key_size == 2048
    for body, said in (({}, "common_name is required"), ({"subject": {"cn": "x"}}, "unknown field cn"),
                       ({"subject": {"commonName": "x"}, "keySize": 512}, "key_size"),
                       ({"subject": {"commonName": "x"}, "sigAlg": "MD5withRSA"}, "sig_alg"),
                       ({"subject": {"commonName": "x"}, "certValidityInDays": -1}, "must be positive"),
                       ({"subjects": {}}, "no field subjects")):
        status, refused = await post(body, alias="x")
        assert status == 400 and said in json.dumps(refused), (body, refused)
    status, refused = await post({"subject": {"commonName": "x"}})
    assert status == 400 and "alias" in json.dumps(refused)


@pytest.mark.shows(f"{ALL}.aliases.create", f"{ALL}.aliases.update")
async def test_what_is_no_good_certificate_is_refused(site):
    expired = CA.issue(["x"], days=(-9, -1))
    other = TestAuthority("other")
    for fields, said in (
            ({"certFile": "text"}, "not a PEM or DER"), ({"certFile": " "}, "is empty"),
            ({"keyFile": LEAF.key}, "requires the form field certFile"),
            ({"certFile": expired.certificate}, "expired on"),
            ({"certFile": LEAF.certificate, "keyFile": CA.issue().key}, "does not match the certificate"),
            ({"certFile": LEAF.certificate + other.pem}, "no chain.*CN=client.*CN=other"),
            ({"certFile": LEAF.certificate.rstrip() + CA.pem}, "no newline"),
            ({"certFile": CA.pem, "certificate": CA.pem}, "no form field certificate")):
        with site.refused(400, said):
            await add(site, "x", **fields)
    with site.refused(400, "one of keycertfile, pkcs12, selfsignedcert"):
        await site.post(ALIASES, form(certFile=CA.pem), alias="x", format="keycertjar")
    with site.refused(400, "format"):
        await site.post(ALIASES, form(certFile=CA.pem), alias="x")
    with site.refused(400, "alias"):
        await site.post(ALIASES, form(certFile=CA.pem), format="keycertfile")
    with site.refused(400, "multipart/form-data"):
        await site.post(ALIASES, CA.pem.encode(), alias="x", format="keycertfile")
    assert await site.get(ALIASES) == []
    old = await site.post(ALIASES, form(certFile=expired.certificate), alias="old", format="keycertfile",
                          ignoreExpiryValidation=True)
    assert old["certsInfo"]["certInfo"][0]["isValid"] == "No"
    await site.post(ALIASES, form(certFile=LEAF.certificate.rstrip() + CA.pem), alias="joined", format="keycertfile",
                    ignoreNewlineValidation=True)
    later = CA.issue(["x"], days=(1, 9))
    assert (await add(site, "later", certFile=later.certificate))["certsInfo"]["certInfo"][0]["isValid"] == "Not yet"


@pytest.mark.shows(f"{ALL}.aliases.update")
async def test_an_update_replaces_the_certificate_alone(site):
    await add(site, "client", certFile=LEAF.certificate, keyFile=LEAF.key)
    await add(site)
    fresh = TestAuthority()
    made = await site.put(f"{ALIASES}/ca", form(certFile=fresh.pem), ignoreExpiryValidation=False)
    assert int(made["certsInfo"]["certInfo"][0]["serialNumber"], 16) == fresh.certificate.serial_number
    assert told(site)["keystores"]["trust"]["ca"]["certificates"] == fresh.pem
    der = CA.certificate.public_bytes(serialization.Encoding.DER)
    await site.put(f"{ALIASES}/ca", der)
    assert told(site)["keystores"]["trust"]["ca"]["certificates"] == CA.pem
    with site.refused(400, "does not match the certificate"):
        await site.put(f"{ALIASES}/client", form(certFile=CA.issue().certificate))
    with site.refused(400, "only the certificate.*keyFile"):
        await site.put(f"{ALIASES}/client", form(certFile=LEAF.certificate, keyFile=LEAF.key))
    with site.refused(400, "expired on"):
        await site.put(f"{ALIASES}/ca", form(certFile=CA.issue(days=(-2, -1)).certificate))
    with site.refused(404):
        await site.put(f"{ALIASES}/none", form(certFile=CA.pem))
    assert told(site)["keystores"]["trust"]["client"] == {"certificates": LEAF.certificate, "key": LEAF.key}


@pytest.mark.shows(f"{REFERENCES}.create", f"{REFERENCES}.get", f"{REFERENCES}.list", f"{REFERENCES}.update",
                   f"{REFERENCES}.delete", f"{ALL}.delete", f"{ALL}.aliases.delete")
async def test_references_and_what_is_in_use(site):
    path = "environments/prod/references"
    body = {"name": "gke-ca", "refers": "trust", "resourceType": "TrustStore"}
    assert await site.post(path, body) == body and await site.get(path) == ["gke-ca"]
    with site.refused(409):
        await site.post(path, body)
    for change, said in (({"refers": "none"}, 'keystore "none": it does not exist'), ({"refers": ""}, "refers"),
                         ({"resourceType": "Keystore"}, "KeyStore or TrustStore"), ({"name": ""}, "name")):
        with site.refused(400, said):
            await site.post(path, {**body, "name": "x", **change})
    await site.post(STORES, {"name": "next"})
    flipped = await site.put(f"{path}/gke-ca", {**body, "refers": "next", "description": "new"})
    assert flipped["refers"] == "next" and told(site)["references"]["gke-ca"]["refers"] == "next"
    assert "description" not in await site.put(f"{path}/gke-ca", {**body, "refers": "next"})
    with site.refused(400, "resourceType.*cannot be changed"):
        await site.put(f"{path}/gke-ca", {**body, "resourceType": "KeyStore"})
    await site.server(sSLInfo={"enabled": True, "enforce": True, "trustStore": "ref://gke-ca"})
    with site.refused(400, "in use: reference gke-ca refers to it"):
        await site.delete(f"{STORES}/next")
    with site.refused(400, "target server orders names it as its trustStore"):
        await site.delete(f"{path}/gke-ca")
    await site.delete(f"{STORES}/trust")
    await add(site, "client", "next", certFile=LEAF.certificate, keyFile=LEAF.key)
    await site.put("environments/prod/targetservers/orders", {
        "host": "a.example", "port": 1,
        "sSLInfo": {"enabled": True, "clientAuthEnabled": True, "keyStore": "next", "keyAlias": "client"}})
    with site.refused(400, "target server orders names it as its keyAlias"):
        await site.delete(f"{STORES}/next/aliases/client")
    assert await site.delete(f"{path}/gke-ca") == {**body, "refers": "next"}
    with site.refused(400, "target server orders names it as its keyStore"):
        await site.delete(f"{STORES}/next")
    await site.delete("environments/prod/targetservers/orders")
    assert (await site.delete(f"{STORES}/next/aliases/client"))["alias"] == "client"
    await site.delete(f"{STORES}/next")
    assert told(site)["keystores"] == {} and told(site)["references"] == {}


@pytest.mark.shows(f"{ALL}.aliases.create")
async def test_a_key_is_kept_apart_and_ends_with_its_alias(site):
    await add(site, "client", certFile=LEAF.certificate, keyFile=LEAF.key)
    snapshot = site.emulator.store.snapshot()
    name = tls_material.key_blob("acme-shop", "prod", "trust", "client")
    assert snapshot.get_blob(name).decode() == LEAF.key
    await site.delete(f"{ALIASES}/client")
    assert site.emulator.store.snapshot().get_blob(name) == b""
