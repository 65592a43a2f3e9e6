# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An organisation with one object or more of every kind, as entries of the module ``resources``.

Whoever adds a kind adds an entry here: tests of exports and interruptions take whatever stands in ``CONTENT``.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization import lines, reading

from tests.testbed.certificates_double import TestAuthority
from tests.testbed.emulated_cloud import Cloud

Entry = dict[str, t.Any]

AUTHORITY = TestAuthority()
CLIENT = AUTHORITY.issue(["apigee.acme.example"])

SHARED_FLOW = Path(__file__).parent / "shared_flow"

#: What an organisation stands on. It is made once, and is no part of what the tests below kill or remove.
PLATFORM: list[Entry] = [
    {"kind": "project_services", "services": ["apigee", "compute", "servicenetworking", "cloudresourcemanager"]},
    {"kind": "compute_network", "name": "shop-vpc"},
    {
        "kind": "compute_global_address",
        "name": "google-services",
        "network": "shop-vpc",
        "purpose": "VPC_PEERING",
        "prefix_length": 20,
    },
    {
        "kind": "service_networking_connection",
        "network": "shop-vpc",
        "reserved_peering_ranges": ["google-services"],
    },
    {
        "kind": "compute_subnetwork",
        "name": "shop",
        "network": "shop-vpc",
        "region": "europe-west1",
        "ip_cidr_range": "10.250.0.0/20",
    },
]
SERVICE = "projects/acme-shop/regions/europe-west1/serviceAttachments/orders"


def organization(name: str) -> Entry:
    return {
        "kind": "apigee_organization",
        "name": name,
        "analytics_region": "europe-west1",
        "billing_type": "PAYG",
        "authorized_network": "shop-vpc",
    }


def ground(cloud: Cloud) -> None:
    """An emptied project with all that the content stands on."""
    cloud.control("reset", "POST")
    cloud.run([*PLATFORM, organization(cloud.connection["project"])])
    assert cloud.producer("shop", "europe-west1", "orders") == SERVICE


def in_prod(kind: str, name: str, **options: t.Any) -> Entry:
    return {"kind": kind, "environment": "prod", "name": name, **options}


CONTENT: list[Entry] = [
    {"kind": "apigee_instance", "name": "west", "location": "europe-west1"},
    {"kind": "apigee_environment", "name": "prod", "display_name": "Production", "properties": {"a": "1"}},
    {"kind": "apigee_environment_group", "name": "public", "hostnames": ["b.acme.example", "api.acme.example"]},
    {"kind": "apigee_environment_group_attachment", "environment_group": "public", "environment": "prod"},
    {"kind": "apigee_instance_attachment", "instance": "west", "environment": "prod"},
    {"kind": "apigee_nat_address", "instance": "west", "name": "nat-1", "active": True},
    {"kind": "apigee_nat_address", "instance": "west", "name": "nat-2"},
    {"kind": "apigee_dns_peering", "name": "shop", "dns_suffix": "shop.acme.internal."},
    {"kind": "apigee_endpoint_attachment", "name": "orders", "service_attachment": SERVICE},
    in_prod("apigee_keystore", "trusted"),
    in_prod("apigee_keystore_alias", "authority", keystore="trusted", certificate=AUTHORITY.pem),
    in_prod("apigee_keystore", "shown"),
    in_prod(
        "apigee_keystore_alias", "client", keystore="shown", certificate=CLIENT.certificate, private_key=CLIENT.key
    ),
    in_prod("apigee_reference", "trust", refers="trusted", resource_type="TrustStore", description="Who we believe"),
    in_prod(
        "apigee_target_server",
        "orders",
        host="orders.shop.svc.shop.acme.internal",
        port=8443,
        tls={"enforce": True, "trust_store": "ref://trust", "common_name": {"value": "*.svc", "wildcard_match": True}},
    ),
    in_prod("apigee_target_server", "off", host="off.internal", port=80, enabled=False, description="Not now"),
    {
        "kind": "apigee_proxy",
        "name": "orders",
        "base_path": "/orders",
        "target_servers": ["orders"],
        "environments": ["prod"],
        "labels": {"team": "shop"},
    },
    {"kind": "apigee_key_value_map", "name": "limits", "entries": {"a": "1", "b": "two\nlines\n"}},
    in_prod("apigee_key_value_map", "keys", secret_entries={"token": "hidden-value"}),
    {"kind": "apigee_key_value_map", "proxy": "orders", "name": "own", "entries": {"a": "1"}},
    {
        "kind": "apigee_api_product",
        "name": "gold",
        "display_name": "Gold",
        "environments": ["prod"],
        "operations": [
            {
                "proxy": "orders",
                "resource": "/**",
                "methods": ["GET", "POST"],
                "quota": {"limit": 10, "interval": 1, "time_unit": "minute"},
            }
        ],
        "attributes": {"access": "public"},
    },
    {"kind": "apigee_api_product", "name": "open", "proxies": ["orders"], "environments": []},
    {"kind": "apigee_developer", "email": "Ann@acme.example", "first_name": "Ann", "last_name": "Ames"},
    {"kind": "apigee_developer", "email": "bo@acme.example", "first_name": "B", "last_name": "O", "status": "inactive"},
    {
        "kind": "apigee_app",
        "developer": "ann@acme.example",
        "name": "till",
        "products": ["gold"],
        "attributes": {"floor": "2"},
    },
    {
        "kind": "apigee_app_key",
        "developer": "ann@acme.example",
        "app": "till",
        "name": "second",
        "key": "a-key-of-our-own",
        "secret": "a-secret-of-our-own",
        "products": [{"name": "gold"}],
    },
    {"kind": "apigee_shared_flow", "name": "guard", "bundle": str(SHARED_FLOW), "environments": ["prod"]},
    {
        "kind": "apigee_flow_hook",
        "environment": "prod",
        "point": "PreProxyFlowHook",
        "shared_flow": "guard",
        "continue_on_error": False,
        "description": "For every call",
    },
    in_prod("apigee_resource_file", "texts", type="properties", content="# shown\ngreeting=welcome\n"),
    in_prod("apigee_resource_file", "blob", type="java", content_base64="//4A"),
    {
        "kind": "apigee_debug_mask",
        "environment": "prod",
        "variables": ["request.header.authorization"],
        "request_xpaths": ["/shop:order"],
        "namespaces": {"shop": "urn:shop"},
    },
    {"kind": "apigee_proxy", "name": "draft", "base_path": "/draft", "target_url": "https://draft.acme.example"},
]


def load(path: str) -> tuple[t.Any, list[int]]:
    """A file of a folder, as the lookup reads it."""
    text = Path(path).read_text()
    return yaml.safe_load(text), lines.beginnings(text)


def declared_in(folder: Path) -> list[Entry]:
    """What a folder declares."""
    return reading.read(str(folder), load)


def files(folder: Path) -> dict[str, bytes]:
    """All files of a folder, by their path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
