# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Aliases of every source against the emulator: made, found right again, and no secret in any address."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12 as pkcs12_files

from tests.testbed.certificates_double import TestAuthority
from tests.testbed.emulated_cloud import Cloud

PASSWORD = "canary-password-1138"
PLACE = {"kind": "apigee_keystore_alias", "environment": "prod", "keystore": "shown"}


@pytest.fixture(scope="module")
def cloud(cloud: Cloud) -> Cloud:
    cloud.empty_organization()
    return cloud


def packed() -> str:
    issued = TestAuthority().issue(["packed.acme.example"])
    key = serialization.load_pem_private_key(issued.key.encode(), None)
    own = x509.load_pem_x509_certificates(issued.certificate.encode())[0]
    lock = serialization.BestAvailableEncryption(PASSWORD.encode())
    data = pkcs12_files.serialize_key_and_certificates(b"packed", t.cast(t.Any, key), own, None, lock)
    return base64.b64encode(data).decode()


def test_pkcs12_and_self_signed(cloud: Cloud) -> None:
    file = packed()
    subject = {"common_name": "apigee.acme.example", "organization": "Acme", "country": "CH"}
    made = {"subject": subject, "key_size": 2048, "validity_days": 90, "dns_name": "apigee.acme.example"}
    wanted = [
        {"kind": "apigee_keystore", "environment": "prod", "name": "shown"},
        {**PLACE, "name": "packed", "pkcs12": file, "private_key_password": PASSWORD},
        {**PLACE, "name": "made", "self_signed": made},
    ]
    assert {one["action"] for one in cloud.run(wanted, check=True)["resources"]} == {"created"}
    first = cloud.run(wanted, diff=True)
    assert {one["resource"].get("type") for one in first["resources"][1:]} == {"KEY_CERT"}
    again = cloud.run(wanted)
    assert not again["changed"] and again["requests"]["writes"] == 0
    said = json.dumps([first, again, cloud.control("requests")])
    assert PASSWORD not in said and file not in said and "PRIVATE KEY" not in said
    other = [{**PLACE, "name": "made", "self_signed": {**made, "dns_name": "b.acme.example"}}]
    assert "makes a certificate together with its key" in cloud.run(other, fails=True)["msg"]
    assert cloud.run([{**other[0], "allow_recreate": True}])["resources"][0]["action"] == "recreated"
