# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystores, aliases and references: create, no change, exchange, refusal, delete; and no key in any result."""

from __future__ import annotations

import base64
import datetime
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import certificates
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_keystore,
    apigee_keystore_alias,
    apigee_keystore_alias_info,
    apigee_reference,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARK, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.certificates import (
    CLIENT,
    EXPIRED_CA,
    KEY,
    NEW_CA,
    OLD_CA,
    REKEYED,
    RENEWED,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12 as pkcs12_files
from cryptography.x509.oid import NameOID

ENVIRONMENT = f"{ORG}/environments/prod"
STORE = f"{ENVIRONMENT}/keystores/trust"
ALIAS = f"{STORE}/aliases/ca"
PLACE = {"environment": "prod", "keystore": "trust", "name": "ca"}
STRICT = {"ignoreExpiryValidation": "false"}
OURS = {"name": "prod", "description": MARK}


def there(script: Script, pem: str, kind: str = "CERT") -> None:
    script.expect("GET", "apigee", ALIAS).replies({"alias": "ca", "type": kind})
    script.expect("GET", "apigee", f"{ALIAS}/certificate").raw = pem.encode()


def absent(script: Script, path: str) -> None:
    script.expect("GET", "apigee", path).refuses(404, "not found", code="NOT_FOUND")


def uploads(**parts: str) -> t.Callable[[bytes], None]:
    """A check of a form's parts."""

    def check(data: bytes) -> None:
        text = data.decode()
        assert text.count("form-data; name=") == len(parts)
        for name, value in parts.items():
            assert f'name="{name}"' in text and f"\r\n\r\n{value}\r\n--" in text

    return check


def test_what_a_certificate_says() -> None:
    (one,) = certificates.read(OLD_CA)
    assert (one.subject, one.issuer, one.pem) == ("CN=old CA", "CN=old CA", OLD_CA)
    assert one.expires.year == 2126 and not one.expired() and one.label.startswith("CN=old CA, expires 2126-01-01, ")
    client, renewed, rekeyed = (certificates.read(pem)[0] for pem in (CLIENT, RENEWED, REKEYED))
    assert client.public_key == renewed.public_key != rekeyed.public_key
    both = certificates.distinct([OLD_CA + NEW_CA, OLD_CA])
    assert len(both) == 2 and certificates.digest(both) == certificates.digest(reversed(both))
    assert certificates.digest(both) != certificates.digest(both[:1])
    for wrong in ("", KEY, OLD_CA[:200], OLD_CA.replace("MII", "AAA"), OLD_CA[:200] + OLD_CA[-30:]):
        with pytest.raises(ValueError, match="PEM"):
            certificates.read(wrong)


def test_keystore() -> None:
    script = Script()
    absent(script, STORE)
    script.expect("POST", "apigee", f"{ENVIRONMENT}/keystores", body={"name": "trust"}).replies({"name": "trust"})
    script.expect("GET", "apigee", STORE).replies({"name": "trust"})
    assert script.run(apigee_keystore, environment="prod", name="trust")["action"] == "created"
    script = Script()
    script.expect("GET", "apigee", STORE).replies({"name": "trust", "aliases": ["ca"]})
    result = script.run(apigee_keystore, environment="prod", name="trust")
    assert not result["changed"] and result["resource"]["aliases"] == ["ca"]


@pytest.mark.parametrize(
    ("state", "alias", "action"),
    [
        ("", "", "kept"),
        ("making", "", "kept"),
        ("made", "", "deleted"),
        ("made", "ca", "deleted"),
        ("made", "x", "kept"),
    ],
)
def test_only_our_keystore_with_nothing_of_others_in_it_goes(state: str, alias: str, action: str) -> None:
    script = Script()
    if state:
        script.records.hold("apigee_keystore", "prod/trust", state)
        place = {"environment": "prod", "keystore": "trust"}
        script.records.hold("apigee_keystore_alias", "prod/trust/ca", inside=place)
    script.expect("GET", "apigee", STORE).replies({"name": "trust", "aliases": [alias] if alias else []})
    if action == "deleted":
        script.expect("DELETE", "apigee", STORE).replies({})
    result = script.run(apigee_keystore, environment="prod", name="trust", state="absent")
    assert result["action"] == action
    # What was in it went with it.
    assert action == "kept" or not script.records.held


def test_alias_with_a_key_never_shows_it() -> None:
    script = Script()
    absent(script, ALIAS)
    script.expect(
        "POST",
        "apigee",
        f"{STORE}/aliases",
        query={"alias": "ca", "format": "keycertfile", **STRICT},
        content=uploads(certFile=CLIENT, keyFile=KEY, password="canary-password"),
    ).replies({})
    there(script, CLIENT, "KEY_CERT")
    result = script.run(
        apigee_keystore_alias, **PLACE, certificate=CLIENT, private_key=KEY, private_key_password="canary-password"
    )
    assert result["action"] == "created" and result["resource"]["type"] == "KEY_CERT"
    assert result["resource"]["certificates"][0]["fingerprint"] == certificates.read(CLIENT)[0].fingerprint
    assert result["diff"][0]["after"] == {"certificate": [certificates.read(CLIENT)[0].label]}
    assert "canary-p" not in json.dumps(result)


def test_alias_is_compared_by_fingerprint() -> None:
    script = Script()
    there(script, OLD_CA)
    assert not script.run(apigee_keystore_alias, **PLACE, certificate=f"# issued by us\n{OLD_CA}\n\n")["changed"]


def test_a_renewed_certificate_replaces_the_old_one_in_place() -> None:
    script = Script()
    there(script, CLIENT, "KEY_CERT")
    script.expect("PUT", "apigee", ALIAS, query=STRICT, content=uploads(certFile=RENEWED)).replies({})
    there(script, RENEWED, "KEY_CERT")
    result = script.run(apigee_keystore_alias, **PLACE, certificate=RENEWED, private_key=KEY)
    assert result["action"] == "updated" and [change["field"] for change in result["changes"]] == ["certificate"]


@pytest.mark.parametrize(("kind", "pem", "key"), [("KEY_CERT", CLIENT, None), ("CERT", REKEYED, KEY)])
def test_another_key_is_refused_unless_it_may_be_made_again(kind: str, pem: str, key: str | None) -> None:
    script = Script()
    there(script, pem, kind)
    wanted = {**PLACE, "certificate": REKEYED, **({"private_key": key} if key else {})}
    refused = script.run(apigee_keystore_alias, fails=True, **wanted)["msg"]
    assert "never its key" in refused and "apigee_client_certificate" in refused


def test_alias_made_again_where_that_is_allowed() -> None:
    script = Script()
    there(script, CLIENT, "KEY_CERT")
    script.expect("DELETE", "apigee", ALIAS).replies({})
    absent(script, ALIAS)
    parts = uploads(certFile=REKEYED, keyFile=KEY)
    query = {"alias": "ca", "format": "keycertfile", **STRICT}
    script.expect("POST", "apigee", f"{STORE}/aliases", query=query, content=parts).replies({})
    there(script, REKEYED, "KEY_CERT")
    wanted = {**PLACE, "certificate": REKEYED, "private_key": KEY, "allow_recreate": True}
    result = script.run(apigee_keystore_alias, **wanted)
    assert result["action"] == "recreated" and "canary" not in json.dumps(result)


def test_check_mode_and_what_cannot_be_right() -> None:
    script = Script()
    there(script, OLD_CA)
    result = script.run(apigee_keystore_alias, check=True, **PLACE, certificate=NEW_CA)
    assert result["changed"] and "new CA" in str(result["diff"][0]["after"])
    for wrong, said in (
        ({"certificate": "x"}, "no PEM certificate"),
        ({"certificate": OLD_CA, "private_key": "canary-x"}, "no PEM private key"),
        ({"certificate": OLD_CA, "private_key_password": "canary-x"}, "no use without private_key"),
    ):
        result = Script().run(apigee_keystore_alias, fails=True, **PLACE, **wrong)
        assert said in result["msg"] and "canary" not in json.dumps(result)


@pytest.mark.parametrize(("recorded", "action"), [("apigee_keystore_alias", "deleted"), ("apigee_keystore", "kept")])
def test_alias_is_ours_by_its_own_record(recorded: str, action: str) -> None:
    script = Script()
    script.records.hold(recorded, "prod/trust/ca" if recorded.endswith("alias") else "prod/trust")
    there(script, OLD_CA)
    if action == "deleted":
        script.expect("DELETE", "apigee", ALIAS).replies({})
    assert script.run(apigee_keystore_alias, **PLACE, state="absent")["action"] == action


def test_all_aliases_of_a_keystore() -> None:
    script = Script()
    script.expect("GET", "apigee", f"{STORE}/aliases").replies(["ca"])
    there(script, OLD_CA)
    found = script.run(apigee_keystore_alias_info, environment="prod", keystore="trust")["resources"]
    assert [(one["name"], one["type"]) for one in found] == [("ca", "CERT")]


REFERENCE = {"name": "gke-ca", "refers": "trust", "resourceType": "TrustStore", "description": f"ours {MARK}"}
WANTED = {"environment": "prod", "name": "gke-ca", "refers": "trust", "resource_type": "TrustStore"}


def test_reference() -> None:
    path = f"{ENVIRONMENT}/references"
    script = Script()
    absent(script, f"{path}/gke-ca")
    script.expect("POST", "apigee", path, body={**REFERENCE, "description": MARK}).replies(REFERENCE)
    script.expect("GET", "apigee", f"{path}/gke-ca").replies(REFERENCE)
    assert script.run(apigee_reference, **WANTED)["action"] == "created"
    script = Script()
    script.expect("GET", "apigee", f"{path}/gke-ca").replies(REFERENCE)
    script.expect("PUT", "apigee", f"{path}/gke-ca", body={**REFERENCE, "refers": "next"}).replies(REFERENCE)
    script.expect("GET", "apigee", f"{path}/gke-ca").replies({**REFERENCE, "refers": "next"})
    result = script.run(apigee_reference, **{**WANTED, "refers": "next"})
    assert result["changes"] == [{"field": "refers", "before": "trust", "after": "next"}]
    script = Script()
    script.expect("GET", "apigee", f"{path}/gke-ca").replies(REFERENCE)
    refused = script.run(apigee_reference, fails=True, **{**WANTED, "resource_type": "KeyStore"})
    assert "resource_type cannot be changed in place" in refused["msg"]


PASSWORD = "canary-password-1138"


def pkcs12(password: str | None = PASSWORD) -> tuple[str, str, bytes]:
    """A PKCS #12 file as Base64 with its certificate as PEM, and the file itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "packed")])
    start = datetime.datetime(2020, 1, 1)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start.replace(year=2126))
    certificate = made.sign(key, hashes.SHA256())
    lock = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    data = pkcs12_files.serialize_key_and_certificates(b"packed", key, certificate, None, lock)
    return base64.b64encode(data).decode(), certificate.public_bytes(serialization.Encoding.PEM).decode(), data


def test_a_pkcs12_file_is_sent_as_it_is_and_compared_by_its_certificate() -> None:
    text, pem, data = pkcs12()

    def check(content: bytes) -> None:
        assert b'name="file"; filename="file"' in content and b"\r\n\r\n" + data + b"\r\n--" in content
        assert f'name="password"\r\n\r\n{PASSWORD}\r\n'.encode() in content

    script = Script()
    absent(script, ALIAS)
    query = {"alias": "ca", "format": "pkcs12", **STRICT}
    script.expect("POST", "apigee", f"{STORE}/aliases", query=query, content=check).replies({})
    there(script, pem, "KEY_CERT")
    options = {**PLACE, "pkcs12": text, "private_key_password": PASSWORD}
    result = script.run(apigee_keystore_alias, **options)
    assert result["action"] == "created" and PASSWORD not in json.dumps(result) and text not in json.dumps(result)
    script = Script()
    there(script, pem, "KEY_CERT")
    assert not script.run(apigee_keystore_alias, **options)["changed"]
    script = Script()
    there(script, CLIENT, "KEY_CERT")
    assert "belongs to another private key" in script.run(apigee_keystore_alias, fails=True, **options)["msg"]


def test_a_pkcs12_file_that_cannot_be_opened() -> None:
    text = pkcs12()[0]
    for options in ({"pkcs12": text, "private_key_password": "wrong"}, {"pkcs12": text}, {"pkcs12": "AAAA"}):
        assert "pkcs12 cannot be opened" in Script().run(apigee_keystore_alias, fails=True, **PLACE, **options)["msg"]
    assert "is no Base64 text" in Script().run(apigee_keystore_alias, fails=True, pkcs12="%", **PLACE)["msg"]


SELF_SIGNED = {"subject": {"common_name": "old CA", "organization": "Acme"}, "key_size": 4096, "validity_days": 30}


def test_a_certificate_that_google_makes() -> None:
    script = Script()
    absent(script, ALIAS)
    query = {"alias": "ca", "format": "selfsignedcert", **STRICT}
    body = {"subject": {"commonName": "old CA", "org": "Acme"}, "keySize": "4096", "certValidityInDays": 30}
    script.expect("POST", "apigee", f"{STORE}/aliases", query=query, body=body).replies({})
    there(script, OLD_CA, "KEY_CERT")
    result = script.run(apigee_keystore_alias, self_signed=SELF_SIGNED, **PLACE)
    assert result["action"] == "created" and result["resource"]["type"] == "KEY_CERT"
    script = Script()
    there(script, OLD_CA, "KEY_CERT")
    assert not script.run(apigee_keystore_alias, self_signed=SELF_SIGNED, **PLACE)["changed"]


@pytest.mark.parametrize(
    ("pem", "options", "said"),
    [
        (NEW_CA, {}, "self_signed.subject.common_name is 'new CA', wanted 'old CA'"),
        (OLD_CA, {"dns_name": "a.example"}, "self_signed.dns_name is '', wanted 'a.example'"),
        (EXPIRED_CA, {"subject": {"common_name": "expired CA"}}, "self_signed is 'expired 2021-01-01', wanted 'valid'"),
    ],
)
def test_a_self_signed_certificate_comes_with_a_new_key(pem: str, options: dict, said: str) -> None:
    wanted = {"self_signed": {**SELF_SIGNED, **options}}
    script = Script()
    there(script, pem, "KEY_CERT")
    result = script.run(apigee_keystore_alias, fails=True, **PLACE, **wanted)
    assert said in result["msg"] and "allow_recreate: true" in result["msg"]
    script = Script()
    there(script, pem, "KEY_CERT")
    script.expect("DELETE", "apigee", ALIAS).replies({})
    absent(script, ALIAS)
    query = {"alias": "ca", "format": "selfsignedcert", **STRICT}
    script.expect("POST", "apigee", f"{STORE}/aliases", query=query, content=lambda data: None).replies({})
    there(script, pem, "KEY_CERT")
    assert script.run(apigee_keystore_alias, allow_recreate=True, **PLACE, **wanted)["action"] == "recreated"


def test_one_source_is_stated() -> None:
    both = {"certificate": OLD_CA, "self_signed": SELF_SIGNED}
    assert "mutually exclusive" in Script().run(apigee_keystore_alias, fails=True, **PLACE, **both)["msg"]
    said = Script().run(apigee_keystore_alias, fails=True, **PLACE)["msg"]
    assert "any of the following" in said
    said = Script().run(apigee_keystore_alias, fails=True, self_signed={"key_size": 2048}, **PLACE)["msg"]
    assert "subject.common_name" in said
