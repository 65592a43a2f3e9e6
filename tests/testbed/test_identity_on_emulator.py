# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Service accounts, what they may do, and API keys on the emulator: first and second run, interruption, removal."""

from __future__ import annotations

import json
import typing as t

from tests.testbed.emulated_cloud import Cloud

GATEWAY = "serviceAccount:shop-gateway@acme-shop.iam.gserviceaccount.com"
SERVICE = "products-1a2b.apigateway.acme-shop.cloud.goog"
RESOURCES: list[dict[str, t.Any]] = [
    {"kind": "project_services", "services": ["iam", "apikeys"]},
    {"kind": "iam_service_account", "name": "shop-gateway", "display_name": "Gateway", "description": "calls"},
    {"kind": "iam_service_account", "name": "shop-function"},
    {"kind": "iam_member", "role": "roles/run.invoker", "member": GATEWAY},
    {"kind": "iam_member", "role": "roles/viewer", "member": GATEWAY},
    {
        "kind": "iam_member",
        "service_account": "shop-function",
        "role": "roles/iam.serviceAccountUser",
        "member": "group:deployers@acme.example",
    },
    {"kind": "api_key", "name": "partner", "display_name": "Partner", "services": [{"service": SERVICE}]},
]


def test_whole_life(cloud: Cloud) -> None:
    made, _again = cloud.whole_life(RESOURCES)
    # Services that are only just to be enabled could not be looked at before: that is "created", too.
    assert {one["action"] for one in made["resources"]} == {"created"}
    assert not cloud.run(RESOURCES[1:], state="absent", check=True)["changed"]


def test_interrupted_at_every_write_the_next_run_ends_in_the_same_state(cloud: Cloud) -> None:
    cloud.converges_after_every_write(RESOURCES)


def policy(cloud: Cloud, **more: t.Any) -> dict[str, t.Any]:
    """The project's policy; with more, after it was replaced by somebody else's tool."""
    path = f"v3/projects/{cloud.connection['project']}"
    body: dict[str, t.Any] = {"options": {"requestedPolicyVersion": 3}}
    found = cloud.client.send("cloudresourcemanager", "POST", f"{path}:getIamPolicy", body=body).json()
    if more:
        body = {"policy": {**found, **more}}
        found = cloud.client.send("cloudresourcemanager", "POST", f"{path}:setIamPolicy", body=body).json()
    return found


def test_grants_of_others_survive_ours_and_our_removal(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    conditional = {
        "role": "roles/run.invoker",
        "members": ["user:ann@acme.example"],
        "condition": {"title": "weekdays", "expression": "request.time.getDayOfWeek() < 6"},
    }
    before = policy(cloud)["bindings"]
    theirs = policy(cloud, bindings=[*before, conditional], version=3)["bindings"]
    cloud.run(RESOURCES)
    assert GATEWAY in next(one["members"] for one in policy(cloud)["bindings"] if one["role"] == "roles/viewer")
    assert conditional in policy(cloud)["bindings"]
    cloud.run(RESOURCES[1:], state="absent")
    assert policy(cloud)["bindings"] == theirs


def test_one_member_is_read_back(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    cloud.run(RESOURCES)
    found = cloud.module("iam_member_info", role="roles/iam.serviceAccountUser", service_account="shop-function")
    assert [one["member"] for one in found["resources"]] == ["group:deployers@acme.example"]
    accounts = cloud.module("iam_service_account_info")["resources"]
    assert {"shop-gateway", "shop-function"} <= {one["name"] for one in accounts}


def test_an_account_that_does_not_exist_is_refused_at_once(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    cloud.run(RESOURCES[:1])
    refused = cloud.run([RESOURCES[3]], fails=True)
    assert f"member {GATEWAY} does not exist. Create it first" in refused["msg"]


def test_the_string_of_a_key_is_told_to_who_asks_and_to_nobody_else(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    key = RESOURCES[-1]
    made = cloud.run([RESOURCES[0], key], diff=True)
    (shown,) = cloud.module("api_key_info", name="partner", show_key_strings=True)["resources"]
    text = shown.pop("key_string")
    assert text.startswith("AIza")
    changed = cloud.run([{**key, "display_name": "Other", "allowed_ips": ["203.0.113.0/24"]}], diff=True)
    refused = cloud.run([{**key, "services": []}], fails=True)
    removed = cloud.run([key], state="absent", diff=True)
    told = [made, shown, changed, refused, removed, cloud.module("api_key_info"), cloud.control("requests")]
    assert changed["changed"] and removed["changed"] and text not in json.dumps(told)


def test_a_deleted_key_comes_back_only_when_told_to(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    key = RESOURCES[-1]
    cloud.run([RESOURCES[0], key])
    before = cloud.module("api_key_info", name="partner", show_key_strings=True)["resources"]
    cloud.run([key], state="absent")
    assert cloud.module("api_key_info")["resources"] == []
    writes = cloud.writes()
    assert "restore: true" in cloud.run([key], fails=True)["msg"] and cloud.writes() == writes
    assert cloud.run([{**key, "restore": True}])["resources"][0]["action"] == "created"
    assert cloud.module("api_key_info", name="partner", show_key_strings=True)["resources"] == before
    assert not cloud.run([{**key, "restore": True}])["changed"]


def test_a_key_is_restricted_to_the_service_that_google_made_of_an_api(cloud: Cloud) -> None:
    cloud.control("reset", "POST")
    wanted = {"kind": "api_key", "name": "partner", "apis": ["products"]}
    services = {"kind": "project_services", "services": ["apikeys", "apigateway", "servicecontrol"]}
    # Both APIs are only just being enabled: what could not be looked up before must be looked up then.
    assert "apis: products does not exist" in cloud.run([services, wanted], fails=True)["msg"]
    assert cloud.module("api_key_info")["resources"] == []
    parent = f"v1/projects/{cloud.connection['project']}/locations/global"
    operation = cloud.client.send("apigateway", "POST", f"{parent}/apis", {"apiId": "products"}, {}).json()
    while not operation.get("done"):
        operation = cloud.client.send("apigateway", "GET", f"v1/{operation['name']}").json()
    managed = cloud.client.send("apigateway", "GET", f"{parent}/apis/products").json()["managedService"]
    (_services, key) = cloud.run([services, wanted])["resources"]
    assert [one["service"] for one in key["resource"]["services"]] == [managed]
    assert not cloud.run([services, wanted])["changed"]
