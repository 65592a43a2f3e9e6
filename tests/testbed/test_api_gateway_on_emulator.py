# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's kinds against the emulator: first run, second run, check mode, a changed document, faults, removal."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, source

from tests.testbed.emulated_cloud import Cloud

REGION = "europe-west1"
WHERE = {"name": "products", "region": REGION}


@pytest.fixture
def cloud(cloud: Cloud) -> Cloud:
    cloud.control("reset", "POST")
    cloud.run([{"kind": "project_services", "services": ["apigateway", "servicemanagement", "servicecontrol"]}])
    cloud.control("requests", "DELETE")
    return cloud


def document(*paths: str, **more: t.Any) -> dict[str, t.Any]:
    routes = [{"path": path, "methods": ["get"]} for path in paths or ("/products",)]
    backend = {"address": "https://forward-x.a.run.app"}
    return render.render({"title": "products", "backend": backend, "routes": routes, **more})


def account(cloud: Cloud) -> str:
    return f"deployer@{cloud.connection['project']}.iam.gserviceaccount.com"


def config(cloud: Cloud, openapi: t.Any = None, **more: t.Any) -> dict[str, t.Any]:
    stated = {"kind": "api_gateway_config", "api": "products", "openapi": openapi or document()}
    return {**stated, "gateway_service_account": account(cloud), **more}


def gateway(cloud: Cloud, name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"kind": "api_gateway_gateway", **WHERE, "api": "products", "config": name, **more}


API = {"kind": "api_gateway_api", "name": "products", "labels": {"team": "shop"}}


def names(cloud: Cloud) -> list[str]:
    """The configs that are there."""
    return sorted(one["name"] for one in cloud.module("api_gateway_config_info", api="products")["resources"])


def apply(cloud: Cloud, openapi: t.Any = None, check: bool = False, **more: t.Any) -> dict[str, t.Any]:
    """API and config, then the gateway moved to that config."""
    first = cloud.run([config(cloud, openapi), API], check=check)
    name = next(one["resource"]["name"] for one in first["resources"] if one["kind"] == "api_gateway_config")
    second = cloud.run([gateway(cloud, name, **more)], check=check)
    both = [*first["resources"], *second["resources"]]
    return {"config": name, "actions": {one["kind"]: one["action"] for one in both}, "resources": both}


def test_the_whole_life(cloud: Cloud) -> None:
    predicted = apply(cloud, check=True)
    assert cloud.writes() == 0
    made = apply(cloud)
    assert set(made["actions"].values()) == {"created"} and predicted["actions"] == made["actions"]
    assert predicted["config"] == made["config"] and made["config"].startswith("products-")
    for before, after in zip(predicted["resources"], made["resources"], strict=True):
        assert before["resource"].keys() == after["resource"].keys()
    shown = {one["kind"]: one["resource"] for one in made["resources"]}
    assert shown["api_gateway_api"]["managed_service"].endswith(".cloud.goog")
    assert shown["api_gateway_gateway"]["default_hostname"].endswith(".gateway.dev")
    assert shown["api_gateway_config"]["gateway_service_account"] == account(cloud)
    cloud.control("requests", "DELETE")
    assert set(apply(cloud)["actions"].values()) == {"unchanged"} and cloud.writes() == 0


def test_the_same_content_in_other_words_is_the_same_config(cloud: Cloud) -> None:
    made = apply(cloud)
    cloud.control("requests", "DELETE")
    text = "# Said otherwise.\n" + source.write(dict(reversed(document().items())))
    again = apply(cloud, text)
    assert again["config"] == made["config"] and set(again["actions"].values()) == {"unchanged"}
    assert cloud.writes() == 0 and names(cloud) == [made["config"]]


def test_a_changed_route_is_one_new_config_and_a_moved_gateway(cloud: Cloud) -> None:
    first = apply(cloud, keep_configs=0)
    second = apply(cloud, document("/products", "/orders"), keep_configs=0)
    assert second["actions"] == {
        "api_gateway_api": "unchanged",
        "api_gateway_config": "created",
        "api_gateway_gateway": "updated",
    }
    assert names(cloud) == [second["config"]] != [first["config"]]
    cloud.control("requests", "DELETE")
    third = apply(cloud, document("/products", "/orders"), keep_configs=0)
    assert set(third["actions"].values()) == {"unchanged"} and cloud.writes() == 0


def test_as_many_configs_stay_as_are_to_be_kept_and_none_of_others(cloud: Cloud) -> None:
    made = [apply(cloud, document(f"/v{number}"))["config"] for number in range(3)]
    path = f"v1/projects/{cloud.connection['project']}/locations"
    theirs = {"openapiDocuments": cloud.client.send(
        "apigateway", "GET", f"{path}/global/apis/products/configs/{made[0]}", query={"view": "FULL"}
    ).json()["openapiDocuments"]}  # fmt: skip
    configs = f"{path}/global/apis/products/configs"
    cloud.client.send("apigateway", "POST", configs, query={"apiConfigId": "by-hand"}, body=theirs)
    # Another gateway, of another region, still serves the oldest one.
    cloud.run([{**gateway(cloud, made[0]), "region": "us-central1"}])
    predicted = cloud.run([gateway(cloud, made[2], keep_configs=0)], check=True)
    assert predicted["changed"] and len(names(cloud)) == 4
    result = cloud.run([gateway(cloud, made[2], keep_configs=0)])
    assert result["resources"][0]["changes"] == predicted["resources"][0]["changes"]
    assert result["resources"][0]["changes"] == [{"field": "superfluous_configs", "before": [made[1]], "after": []}]
    assert names(cloud) == sorted(["by-hand", made[0], made[2]])
    assert not cloud.run([gateway(cloud, made[2], keep_configs=0)])["changed"]


def test_a_kept_config_can_be_gone_back_to(cloud: Cloud) -> None:
    first = apply(cloud, keep_configs=1)
    second = apply(cloud, document("/orders"), keep_configs=1)
    assert names(cloud) == sorted([first["config"], second["config"]])
    back = apply(cloud, keep_configs=1)
    assert back["config"] == first["config"] and back["actions"]["api_gateway_config"] == "unchanged"
    assert back["actions"]["api_gateway_gateway"] == "updated"


def test_faults_of_a_document_are_named_with_their_lines_before_any_write(cloud: Cloud) -> None:
    text = source.write(document()).replace("x-api-key", "x-token").replace("api_key: []", "api_key: [read]")
    failed = cloud.run([API, config(cloud, text)], fails=True)
    assert "does not look for a key in header x-token" in failed["msg"] and "scopes (read)" in failed["msg"]
    assert failed["msg"].count("openapi, line ") == 2 and cloud.writes() == 0
    failed = cloud.run([API, config(cloud, "swagger: [")], fails=True)
    assert "openapi cannot be read: line " in failed["msg"] and cloud.writes() == 0


def test_a_document_of_its_own_name_cannot_change(cloud: Cloud) -> None:
    cloud.run([API, config(cloud, name="mine")])
    failed = cloud.run([API, config(cloud, document("/orders"), name="mine")], fails=True)
    assert "cannot be changed in place" in failed["msg"] and names(cloud) == ["mine"]


def test_an_account_that_is_not_there_is_named(cloud: Cloud) -> None:
    failed = cloud.run(
        [API, config(cloud, gateway_service_account="none@acme-shop.iam.gserviceaccount.com")], fails=True
    )
    assert "none@acme-shop.iam.gserviceaccount.com does not exist" in failed["msg"]


def test_google_is_asked_before_an_api_gets_another_config(cloud: Cloud) -> None:
    apply(cloud)
    cloud.control("requests", "DELETE")
    # The fault stands for what only Google knows.
    submit = "servicemanagement.services.configs.submit"
    cloud.control("faults", "POST", {"match": submit, "kind": "status", "status": 400, "message": "Google says no"})
    failed = cloud.run([API, config(cloud, document("/orders"))], fails=True)
    assert "Google does not accept openapi: Google says no" in failed["msg"]
    assert len(names(cloud)) == 1


def test_trouble_while_google_judges_is_not_the_documents_fault(cloud: Cloud) -> None:
    apply(cloud)
    submit = "servicemanagement.services.configs.submit"
    for code, said in ((13, False), (9, True)):
        fault = {"match": submit, "kind": "operation", "code": code, "times": 1, "message": "Google says so"}
        cloud.control("faults", "POST", fault)
        failed = cloud.run([API, config(cloud, document("/orders"))], fails=True)
        assert "Google says so" in failed["msg"] and ("does not accept openapi" in failed["msg"]) is said


def test_a_config_that_is_being_used_meanwhile_stays_and_is_not_reported_as_gone(cloud: Cloud) -> None:
    first = apply(cloud, keep_configs=0)
    # Between the refusal to delete and the list before it somebody's gateway has begun to use the config.
    delete = "apigateway.projects.locations.apis.configs.delete"
    cloud.control("faults", "POST", {"match": delete, "kind": "operation", "code": 9, "times": 1, "message": "used"})
    second = apply(cloud, document("/orders"), keep_configs=0)
    moved = second["resources"][-1]
    assert moved["action"] == "updated" and names(cloud) == sorted([first["config"], second["config"]])
    assert [one["before"] for one in moved["changes"] if one["field"] == "superfluous_configs"] == [[]]
    assert "somebody uses it" in moved["note"] and first["config"] in moved["note"]


def test_configs_of_an_api_that_is_not_there(cloud: Cloud) -> None:
    assert cloud.module("api_gateway_config_info", api="nowhere")["resources"] == []


def test_a_config_that_keeps_failing_is_tried_once_in_a_run(cloud: Cloud) -> None:
    cloud.run([API])
    create = "apigateway.projects.locations.apis.configs.create"
    cloud.control("faults", "POST", {"match": create, "kind": "operation", "times": 2, "message": "No."})
    for _ in range(2):
        cloud.control("requests", "DELETE")
        assert "No." in cloud.run([config(cloud)], fails=True)["msg"]
        assert [one["method"] for one in cloud.control("requests")["requests"]].count(create) == 1
    (made,) = cloud.run([config(cloud)])["resources"]
    assert made["action"] == "recreated" and "state FAILED" in made["note"]


def test_a_gateway_whose_making_failed_is_made_again(cloud: Cloud) -> None:
    name = apply(cloud)["config"]
    cloud.run([{**gateway(cloud, name), "state": "absent"}])
    create = "apigateway.projects.locations.gateways.create"
    cloud.control("faults", "POST", {"match": create, "kind": "operation", "times": 1, "message": "No."})
    assert "No." in cloud.run([gateway(cloud, name)], fails=True)["msg"]
    (made,) = cloud.run([gateway(cloud, name)])["resources"]
    assert made["action"] == "recreated" and made["resource"]["state"] == "ACTIVE"
    assert not cloud.run([gateway(cloud, name)])["changed"]


def test_configs_are_made_one_after_the_other(cloud: Cloud) -> None:
    cloud.run([API])
    cloud.control("durations", "PUT", {"scale": 0.005})
    try:
        several = [config(cloud, document(f"/v{number}")) for number in range(3)]
        assert {one["action"] for one in cloud.run(several)["resources"]} == {"created"}
    finally:
        cloud.control("durations", "PUT", {"scale": 0})
    states = [one["state"] for one in cloud.module("api_gateway_config_info", api="products")["resources"]]
    assert states == ["ACTIVE"] * 3


def test_everything_goes_again_in_the_right_order(cloud: Cloud) -> None:
    made = apply(cloud)
    gone = [
        {**API, "state": "absent"},
        {**config(cloud), "state": "absent"},
        {**gateway(cloud, made["config"]), "state": "absent"},
    ]
    result = cloud.run(gone)
    assert {one["action"] for one in result["resources"]} == {"deleted"}
    assert not cloud.run(gone)["changed"]
    assert cloud.module("api_gateway_api_info")["resources"] == []


def test_reading(cloud: Cloud) -> None:
    made = apply(cloud)
    (one,) = cloud.module("api_gateway_config_info", api="products", name=made["config"])["resources"]
    assert source.read(one["openapi"]).value == document() and one["state"] == "ACTIVE"
    (served,) = cloud.module("api_gateway_gateway_info", region=REGION)["resources"]
    assert served["config"] == made["config"] and served["api"] == "products"
    (api,) = cloud.module("api_gateway_api_info", name="products")["resources"]
    assert api["labels"]["team"] == "shop"
    assert cloud.module("api_gateway_gateway_info", region="us-east1")["resources"] == []
