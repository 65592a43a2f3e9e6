# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the function is told: checked at import, with a sentence that says what to write."""

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._forwarding import settings
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._forwarding.settings import SettingsError

HERE = {"FORWARD_TO": "http://products.shop.internal"}


@pytest.mark.parametrize(
    ("address", "host", "port", "tls", "authority"),
    [
        ("http://products.internal", "products.internal", 80, False, "products.internal"),
        ("http://10.0.0.9:3000/", "10.0.0.9", 3000, False, "10.0.0.9:3000"),
        ("https://p.internal", "p.internal", 443, True, "p.internal"),
        ("https://[fd00::1]:8443", "fd00::1", 8443, True, "[fd00::1]:8443"),
    ],
)
def test_one_upstream(address: str, host: str, port: int, tls: bool, authority: str) -> None:
    found = settings.read({"FORWARD_TO": address})
    assert (found.host, found.port, found.tls, found.authority) == (host, port, tls, authority)


@pytest.mark.parametrize(
    "address",
    [
        "", "products.internal", "ftp://p", "http://", "http://u:p@p.internal", "http://p:99999", "http://p/base",
        "http://p?x", "http://p#x", "http://p q", "http://169.254.169.254", "http://[fe80::1%25eth0]",
        "http://metadata.google.internal", "http://METADATA.google.internal.", "http://[::ffff:169.254.169.254]",
        "http://[fd20:ce::254]", "http://0.0.0.0", "http://224.0.0.1",
    ],
)  # fmt: skip
def test_addresses_that_are_no_upstream(address: str) -> None:
    with pytest.raises(SettingsError, match=r"^FORWARD_TO is .*Write http://HOST"):
        settings.read({"FORWARD_TO": address})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PATHS", "products", "Write paths such as"), ("PATHS", "/a,/../b", "/../b"), ("PATHS", "", "Write paths"),
        ("METHODS", "GET,TRACE", "'TRACE'"), ("TIMEOUT", "0", "above 0"), ("TIMEOUT", "soon", "Write a number"),
        ("TIMEOUT", "nan", "Write a number"), ("CONNECT_TIMEOUT", "20", "Lower the first"),
        ("REQUEST_BYTES", "99999999", "not above"), ("USER_INFO", "yes", "true or false"),
    ],
)  # fmt: skip
def test_wrong_settings_say_what_to_write(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^FORWARD_{name} .*{said}"):
        settings.read({**HERE, f"FORWARD_{name}": value})


def test_prefixes_and_methods() -> None:
    found = settings.read({**HERE, "FORWARD_PATHS": "/products/, /orders,/orders", "FORWARD_METHODS": "GET, POST"})
    assert (found.prefixes, found.methods) == (("/products", "/orders"), ("GET", "POST"))
