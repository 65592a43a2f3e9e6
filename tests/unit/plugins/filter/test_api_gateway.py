# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, with the example of its own documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.gatewayops.apigee_gke.plugins.filter import api_gateway
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import rules, source

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "plugins" / "filter" / "api_gateway_document.yml"


def test_the_example_makes_a_document_without_fault() -> None:
    (task,) = yaml.safe_load(yaml.safe_load(PAGE.read_text())["EXAMPLES"])
    made = api_gateway.FilterModule().filters()["api_gateway_document"](task["vars"]["declared"])
    assert rules.faults(source.read(made)) == []
    assert made["paths"]["/products/{id}"]["put"]["security"] == [{"api_key": [], "jwt": []}]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(AnsibleFilterError, match="title is missing.*backend is missing.*routes is missing"):
        api_gateway.api_gateway_document({"security": "api_key"})
    with pytest.raises(AnsibleFilterError, match="takes a mapping"):
        api_gateway.api_gateway_document([])  # type: ignore[arg-type]


def test_a_document_of_ones_own_gets_its_backend() -> None:
    text = 'swagger: "2.0"\npaths: {/a: {get: {operationId: a}}}\n'
    declared = {"document": text, "backend": {"address": "https://f.example"}, "deadline": 20}
    document = api_gateway.api_gateway_document(declared)
    assert document["paths"] == {"/a": {"get": {"operationId": "a"}}}
    backend = {"address": "https://f.example", "deadline": 20.0, "path_translation": "APPEND_PATH_TO_ADDRESS"}
    assert document["x-google-backend"] == backend
    own = text + "x-google-backend: {address: https://other.example}\n"
    kept = api_gateway.api_gateway_document({**declared, "document": own})
    assert kept["x-google-backend"] == {"address": "https://other.example"}
    with pytest.raises(AnsibleFilterError, match="cannot be read"):
        api_gateway.api_gateway_document({**declared, "document": "a: ["})


def key(name: str, *services: str, **annotations: str) -> dict[str, Any]:
    return {"name": name, "services": [{"service": one} for one in services], "annotations": annotations}


def test_keys_that_are_not_declared_any_more() -> None:
    ours = {"managed-by": "gatewayops-apigee-gke"}
    keys = [
        key("partner", "shop-1.example", **ours),
        key("left", "shop-1.example", **ours),
        key("wider", "shop-1.example", "orders-2.example", **ours),
        key("orders", "orders-2.example", **ours),
        key("by-hand", "shop-1.example"),
        key("terraform", "shop-1.example", **{"managed-by": "terraform"}),
        {"name": "bare"},
    ]
    entry = {"kind": "api_key", "name": "left", "apis": ["shop"], "state": "absent"}
    assert api_gateway.keys_to_remove(keys, "shop-1.example", ["partner"], "shop") == [entry]
    # Before the API is made no key is its own, and one without restrictions least of all.
    assert api_gateway.keys_to_remove([{"name": "bare", "annotations": ours}], "", [], "shop") == []
