# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A PUT replaces the whole object: what the user did not state is sent back as it was, also fields nobody knows yet.

Every kind that updates by PUT stands in one of the tables here.
"""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import registry
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.context import Context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.session import Reply

Document = dict[str, t.Any]

TIMES = {"createdAt": "1", "lastModifiedAt": "2"}
#: A field that Google may add after this collection was made.
NEW = {"addedLater": {"a": ["b"], "c": False}}
PROPERTIES = {"property": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}
TLS = {
    "enabled": True,
    "enforce": True,
    "trustStore": "ref://trust",
    "keyStore": "ref://client",
    "keyAlias": "client",
    "clientAuthEnabled": True,
    "protocols": ["TLSv1.3"],
    "ciphers": ["X"],
    "commonName": {"value": "*.svc", "wildcardMatch": True},
    **NEW,
}
SERVER = {"name": "o", "host": "a", "port": 443, "isEnabled": True, "protocol": "HTTP2", "sSLInfo": TLS}
NETWORK = "https://www.googleapis.com/compute/v1/projects/o/global/networks/a"
VISIBILITY = {"networks": [{"networkUrl": NETWORK}], "gkeClusters": [{"gkeClusterName": "c"}], **NEW}
ZONE = {
    "name": "shop",
    "dnsName": "shop.internal.",
    "id": "6001",
    "labels": {"b": "2"},
    "privateVisibilityConfig": VISIBILITY,
}
OFF = {key: value for key, value in SERVER.items() if key != "isEnabled"}
ENVIRONMENT = {
    "name": "prod",
    "displayName": "P",
    "description": "d",
    "deploymentType": "PROXY",
    "apiProxyType": "PROGRAMMABLE",
    "type": "COMPREHENSIVE",
    "forwardProxyUri": "http://proxy:3128",
    "nodeConfig": {"minNodeCount": "2", "maxNodeCount": "5"},
    "clientIpResolutionConfig": {"headerIndexAlgorithm": {"ipHeaderName": "X-Forwarded-For", "ipHeaderIndex": -1}},
    "properties": PROPERTIES,
}
ORGANIZATION = {
    "displayName": "Acme",
    "description": "d",
    "runtimeType": "CLOUD",
    "billingType": "PAYG",
    "analyticsRegion": "europe-west1",
    "authorizedNetwork": "shop-vpc",
    "addonsConfig": {"monetizationConfig": {"enabled": True}},
    "portalDisabled": True,
    "properties": PROPERTIES,
}
ATTRIBUTES = {"attributes": [{"name": "access", "value": "public"}, {"name": "theirs", "value": "x"}]}
PRODUCT = {
    "name": "gold",
    "displayName": "Gold",
    "description": "d",
    "approvalType": "manual",
    "environments": ["prod"],
    "proxies": ["orders"],
    "apiResources": ["/"],
    "scopes": ["read"],
    "quota": "5",
    "quotaInterval": "1",
    "quotaTimeUnit": "minute",
    "graphqlOperationGroup": {"operationConfigs": [{"apiSource": "g"}]},
    **ATTRIBUTES,
}
DEVELOPER = {"email": "a@acme.example", "firstName": "A", "lastName": "B", "userName": "c", "developerId": "1"}
APP = {
    "name": "app",
    "callbackUrl": "https://a",
    "appFamily": "default",
    "scopes": ["read"],
    "appId": "1",
    **ATTRIBUTES,
}
HOOK = {"flowHookPoint": "PreProxyFlowHook", "sharedFlow": "checks", "continueOnError": True, "description": "d"}
REFERENCE = {"name": "trust", "refers": "a", "resourceType": "TrustStore", "description": "d"}
PROD = {"environment": "prod", "name": "o"}
POINT = {"environment": "prod", "point": "PreProxyFlowHook"}

#: Label, kind, options, what is there, what the PUT must differ in, what of it only Google or another call writes.
ROWS: list[tuple[str, str, Document, Document, Document, frozenset[str]]] = [
    ("server", "apigee_target_server", {**PROD, "host": "b"}, SERVER, {"host": "b"}, frozenset()),
    (
        "its TLS",
        "apigee_target_server",
        {**PROD, "tls": {"enforce": False}},
        SERVER,
        {"sSLInfo": {**TLS, "enforce": False}},
        frozenset(),
    ),
    (
        "one that is off",  # Google leaves false out, and takes what is left out for true
        "apigee_target_server",
        {**PROD, "host": "b"},
        OFF,
        {"host": "b", "isEnabled": False},
        frozenset(),
    ),
    (
        "reference",
        "apigee_reference",
        {**PROD, "name": "trust", "refers": "b"},
        REFERENCE,
        {"refers": "b"},
        frozenset(),
    ),
    (
        "environment",
        "apigee_environment",
        {"name": "prod", "display_name": "Q"},
        ENVIRONMENT,
        {"displayName": "Q"},
        frozenset(),
    ),
    (
        "organisation",
        "apigee_organization",
        {"name": "o", "display_name": "Q"},
        ORGANIZATION,
        {"displayName": "Q"},
        frozenset(),
    ),
    (
        "its properties",
        "apigee_organization",
        {"name": "o", "properties": {"b": "3"}},
        ORGANIZATION,
        {"properties": {"property": [{"name": "a", "value": "1"}, {"name": "b", "value": "3"}]}},
        frozenset(),
    ),
    (
        "product",
        "apigee_api_product",
        {"name": "gold", "display_name": "Q"},
        PRODUCT,
        {"displayName": "Q"},
        frozenset(),
    ),
    (
        "its attributes",
        "apigee_api_product",
        {"name": "gold", "attributes": {"access": "private"}},
        PRODUCT,
        {"attributes": [{"name": "access", "value": "private"}, {"name": "theirs", "value": "x"}]},
        frozenset(),
    ),
    (
        "developer",
        "apigee_developer",
        {"email": "a@acme.example", "last_name": "Q"},
        DEVELOPER,
        {"lastName": "Q"},
        frozenset({"developerId"}),
    ),
    (
        "app",
        "apigee_app",
        {"developer": "a", "name": "app", "callback_url": "https://b"},
        APP,
        {"callbackUrl": "https://b"},
        frozenset({"scopes"}),
    ),
    (
        "hook",
        "apigee_flow_hook",
        {**POINT, "shared_flow": "b"},
        HOOK,
        {"sharedFlow": "b"},
        frozenset({"flowHookPoint"}),
    ),
    # Apigee's times mean nothing to Cloud DNS, so they are a field like any other there.
    (
        "zone",
        "dns_managed_zone",
        {"name": "shop", "labels": {"a": "1"}},
        ZONE,
        {"labels": {"a": "1", "b": "2"}, **TIMES},
        frozenset(),
    ),
    (
        "its networks",
        "dns_managed_zone",
        {"name": "shop", "networks": ["ab"]},
        ZONE,
        {"privateVisibilityConfig": {**VISIBILITY, "networks": [{"networkUrl": f"{NETWORK}b"}]}, **TIMES},
        frozenset(),
    ),
]

#: Kinds whose PUT carries no object with fields, and why nothing can be lost in it.
OTHERWISE = {
    "apigee_keystore_alias": "a form with the certificate; all else of an alias is read from it",
    "apigee_app_key": "attributes and scopes by calls of their own, shown beside the module",
    "apigee_resource_file": "the file's content, which is all there is",
    "apigee_key_value_map": "entries are written one by one",
    "apigee_client_certificate": "new keystores, to which a reference is led; the reference is a row of its own",
    "apigee_truststore": "as apigee_client_certificate",
    "gke_cluster": "one change at a time, in Google's own words for it",
}


class Recorder:
    """A double of the client: it notes what is sent and answers with nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Document]] = []

    def project(self) -> str:
        return "acme-shop"

    def send(self, service: str, method: str, path: str, body: t.Any = None, **_how: t.Any) -> Reply:
        self.sent.append((method, copy.deepcopy(body)))
        return Reply(200, {}, b"{}")


def test_every_kind_that_updates_by_put_is_in_a_table() -> None:
    by_put = {kind for kind in registry.KINDS if registry.load(kind).update_method == "PUT"}
    assert {row[1] for row in ROWS} | OTHERWISE.keys() == by_put


@pytest.mark.parametrize(
    ("kind", "options", "there", "different", "theirs"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_what_is_not_stated_is_sent_back(
    kind: str, options: Document, there: Document, different: Document, theirs: frozenset[str]
) -> None:
    client = Recorder()
    found = {**there, **NEW, **TIMES}
    before = json.dumps(found)
    resource = registry.load(kind)({"organization": "o", "project": "o", **options}, Context(t.cast(t.Any, client)))
    changes = resource.difference(copy.deepcopy(found))
    assert changes
    resource.update(found, changes)
    assert json.dumps(found) == before
    ((method, body),) = client.sent
    kept = {key: value for key, value in {**there, **NEW}.items() if key not in theirs}
    assert method == "PUT" and body == {**kept, **different}
