# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""The listing of a bundle and the fields that the server writes into its root descriptor."""
from __future__ import annotations

import io
import zipfile

import pytest

from testbed.google.services.apigee import descriptor
from testbed.google.services.apigee.kinds import PROXY


def bundle(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


FILES = {
    "apiproxy/uploaded.xml": '<APIProxy name="uploaded"><DisplayName>Orders</DisplayName>'
                             "<Description>digest=1</Description></APIProxy>",
    "apiproxy/proxies/default.xml": '<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/orders</BasePath>'
                                    "</HTTPProxyConnection></ProxyEndpoint>",
    "apiproxy/targets/default.xml": '<TargetEndpoint name="default"><HTTPTargetConnection><LoadBalancer>'
                                    '<Server name="orders"/><Server name="orders-b"/></LoadBalancer>'
                                    "</HTTPTargetConnection></TargetEndpoint>",
    "apiproxy/policies/Quota.xml": '<Quota name="Q-1"/>',
    "apiproxy/resources/jsc/a.js": "1",
}


def test_listing():
    listing = descriptor.read(bundle(FILES))
    assert listing.display_name == "Orders" and listing.description == "digest=1"
    assert listing.base_paths == ("/orders",)
    assert listing.policies == ("Q-1",)
    assert listing.proxy_endpoints == ("default",) and listing.target_endpoints == ("default",)
    assert listing.target_servers == ("orders", "orders-b")
    assert listing.resources == ("jsc://a.js",)


def test_download_has_server_fields_and_the_rest_unchanged():
    stored = descriptor.with_server_fields(bundle(FILES), PROXY, "orders", "7", 1700000000000, 1700000000001)
    archive = zipfile.ZipFile(io.BytesIO(stored))
    text = archive.read("apiproxy/orders.xml").decode()
    assert 'revision="7"' in text and "<CreatedAt>1700000000000</CreatedAt>" in text
    assert "<LastModifiedAt>1700000000001</LastModifiedAt>" in text and "<BasePaths>/orders</BasePaths>" in text
    assert "<Description>digest=1</Description>" in text
    assert "apiproxy/uploaded.xml" not in archive.namelist()
    for name in FILES.keys() - {"apiproxy/uploaded.xml"}:
        assert archive.read(name).decode() == FILES[name]


def test_what_is_no_zip_is_refused_and_broken_xml_is_left_to_the_loader():
    with pytest.raises(ValueError, match="not a zip"):
        descriptor.read(b"nonsense")
    assert descriptor.read(bundle({"apiproxy/proxies/default.xml": "<broken"})).proxy_endpoints == ("default",)


def test_entities_are_never_expanded():
    evil = '<!DOCTYPE a [<!ENTITY b "c">]><ProxyEndpoint name="x"><BasePath>&b;</BasePath></ProxyEndpoint>'
    assert descriptor.read(bundle({"apiproxy/proxies/default.xml": evil})).base_paths == ()
