# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world is told of gateways: documents, keys and what they are good for, key sets, ID tokens."""

from __future__ import annotations

import json
from typing import Any

from testbed.google.identity_tokens import JWKS_URI
from testbed.google.seed import OWNER
from tests.testbed.google.conftest import NUMBER, PROJECT, Google
from tests.testbed.google.test_apigateway import APIS, CONFIGS, DOCUMENT, GATEWAYS, GLOBAL, config, ready

KEYS = f"apikeys/v2/{GLOBAL}/keys"


async def serving(google: Google) -> None:
    """A gateway, and keys: one for its API, one without a restriction, one for another service."""
    await ready(google)
    await google.enable("apikeys.googleapis.com")
    await google.do("POST", f"{CONFIGS}?apiConfigId=one", config(gatewayServiceAccount=OWNER))
    await google.do("POST", f"{GATEWAYS}?gatewayId=shop", {"apiConfig": f"{GLOBAL}/apis/shop/configs/one"})
    managed = (await google.call("GET", f"{APIS}/shop"))["managedService"]
    for name, service in (("own", managed), ("all", ""), ("foreign", "compute.googleapis.com")):
        restrictions: dict[str, Any] = {"restrictions": {"apiTargets": [{"service": service}]}} if service else {}
        await google.do("POST", f"{KEYS}?keyId={name}", restrictions)


async def good(google: Google) -> dict[str, bool]:
    """By name of the key, as the world was told last."""
    strings = {
        (await google.call("GET", f"{KEYS}/{name}/keyString"))["keyString"]: name for name in ("own", "all", "foreign")
    }
    return {strings[key]: allowed for key, allowed in google.world.gateways[0].keys.items()}


async def test_a_key_is_good_once_the_managed_service_is_enabled(google: Google) -> None:
    await serving(google)
    assert await good(google) == {"own": False, "all": False, "foreign": False}
    managed = (await google.call("GET", f"{APIS}/shop"))["managedService"]
    await google.enable(managed)
    assert await good(google) == {"own": True, "all": True, "foreign": False}
    await google.do("DELETE", f"{KEYS}/all")
    assert await good(google) == {"own": True, "foreign": False}
    await google.do("POST", f"serviceusage/v1/projects/{NUMBER}/services/{managed}:disable", {})
    assert await good(google) == {"own": False, "foreign": False}


async def test_what_a_gateway_serves_follows_its_config(google: Google) -> None:
    await serving(google)
    (shown,) = google.world.gateways
    assert shown.documents == (("openapi.yaml", DOCUMENT.encode()),) and shown.host.endswith(".ew.gateway.dev")
    assert shown.name == f"projects/{PROJECT}/locations/europe-west1/gateways/shop"
    token = shown.identities["https://f.example"]
    assert (await google.emulator.identity_tokens.claims(token, "https://f.example") or {})["email"] == OWNER
    assert json.loads(shown.key_sets[JWKS_URI]) == await google.emulator.identity_tokens.key_set()
    changed = DOCUMENT.replace("/products", "/orders")
    await google.do("POST", f"{CONFIGS}?apiConfigId=two", config(changed, gatewayServiceAccount=OWNER))
    moved = {"apiConfig": f"{GLOBAL}/apis/shop/configs/two"}
    await google.do("PATCH", f"{GATEWAYS}/shop?updateMask=apiConfig", moved)
    (after,) = google.world.gateways
    assert after.documents == (("openapi.yaml", changed.encode()),) and after.identities == shown.identities
    google.world.gateways = []
    await google.emulator.restore_world()
    assert google.world.gateways == [after]
    await google.do("DELETE", f"{GATEWAYS}/shop")
    assert google.world.gateways == []


async def test_key_sets_of_issuers_are_given(google: Google) -> None:
    await serving(google)
    await google.raw("PUT", "_testbed/key-sets", {"https://issuer.example/keys": {"keys": []}})
    (shown,) = google.world.gateways
    assert json.loads(shown.key_sets["https://issuer.example/keys"]) == {"keys": []}


async def test_a_world_that_cannot_serve_a_config_fails_the_move(google: Google) -> None:
    await serving(google)
    google.world.fail["apply_gateways"] = "no Envoy"
    await google.do("POST", f"{CONFIGS}?apiConfigId=two", config(DOCUMENT.replace("products", "orders")))
    moved = {"apiConfig": f"{GLOBAL}/apis/shop/configs/two"}
    operation = await google.done(await google.call("PATCH", f"{GATEWAYS}/shop?updateMask=apiConfig", moved))
    assert "no Envoy" in operation["error"]["message"]
