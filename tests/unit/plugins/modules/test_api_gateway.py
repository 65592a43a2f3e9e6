# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API Gateway's modules: what they send, what they refuse before sending, and what Google's refusals become."""

from __future__ import annotations

import base64
import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._openapi import render, source
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    api_gateway_api,
    api_gateway_config,
    api_gateway_config_info,
    api_gateway_gateway,
    api_gateway_gateway_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

GLOBAL = "v1/projects/acme-shop/locations/global"
API = f"{GLOBAL}/apis/products"
CONFIGS = f"{API}/configs"
GATEWAYS = "v1/projects/acme-shop/locations/europe-west1/gateways"
OURS = {"managed-by": "gatewayops-apigee-gke"}
OPERATION = "projects/acme-shop/locations/global/operations/o1"
DONE = {"name": OPERATION, "done": True}
DOCUMENT = render.render(
    {
        "title": "products",
        "backend": {"address": "https://forward-x.a.run.app"},
        "routes": [{"path": "/products", "methods": ["get"]}],
    }
)
TEXT = source.write(DOCUMENT)
FILES = [{"document": {"path": "openapi.yaml", "contents": base64.b64encode(TEXT.encode()).decode()}}]
ACCOUNT = "gateway@acme-shop.iam.gserviceaccount.com"
NAME = "products-" + source.digest(DOCUMENT, ACCOUNT)
WANTED = {"api": "products", "openapi": TEXT, "gateway_service_account": ACCOUNT}
MANAGED = "products-0abc.apigateway.acme-shop.cloud.goog"


def found(**more: t.Any) -> dict[str, t.Any]:
    return {
        "name": f"projects/acme-shop/locations/global/apis/products/configs/{NAME}",
        "state": "ACTIVE",
        "openapiDocuments": FILES,
        "gatewayServiceAccount": f"projects/-/serviceAccounts/{ACCOUNT}",
        "labels": OURS,
        **more,
    }


def absent(api: dict[str, t.Any] | None = None) -> Script:
    """A config that is not there; its API has no managed service unless ``api`` says so."""
    script = Script()
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).refuses(404)
    script.expect("GET", "apigateway", API).replies(api or {})
    return script


def creation(script: Script, **more: t.Any) -> t.Any:
    script.expect("GET", "apigateway", CONFIGS).replies({})
    body = {"openapiDocuments": FILES, "gatewayServiceAccount": ACCOUNT, "labels": OURS, **more}
    return script.expect("POST", "apigateway", CONFIGS, query={"apiConfigId": NAME}, body=body)


def test_an_api() -> None:
    script = Script()
    script.expect("GET", "apigateway", API).refuses(404)
    body = {"displayName": "Products", "labels": {"team": "shop", **OURS}}
    script.expect("POST", "apigateway", f"{GLOBAL}/apis", query={"apiId": "products"}, body=body).replies(
        {"name": OPERATION}
    )
    script.expect("GET", "apigateway", f"v1/{OPERATION}").replies(DONE)
    script.expect("GET", "apigateway", API).replies({**body, "state": "ACTIVE", "managedService": MANAGED})
    result = script.run(api_gateway_api, name="products", display_name="Products", labels={"team": "shop"})
    assert result["action"] == "created" and result["resource"]["managed_service"] == MANAGED


def test_an_api_is_changed_by_mask_and_labels_of_others_stay() -> None:
    script = Script()
    there = {"displayName": "Products", "labels": {**OURS, "theirs": "x"}, "state": "ACTIVE"}
    script.expect("GET", "apigateway", API).replies(there)
    body = {"labels": {**OURS, "theirs": "x", "team": "shop"}}
    script.expect("PATCH", "apigateway", API, query={"updateMask": "labels"}, body=body).replies(DONE)
    script.expect("GET", "apigateway", API).replies({**there, **body})
    assert script.run(api_gateway_api, name="products", labels={"team": "shop"})["action"] == "updated"


def test_a_config_is_named_by_its_content() -> None:
    script = absent()
    creation(script).replies(DONE)
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).replies(found())
    result = script.run(api_gateway_config, **WANTED)
    assert result["action"] == "created" and result["resource"]["name"] == NAME
    assert result["resource"]["gateway_service_account"] == ACCOUNT


@pytest.mark.parametrize("openapi", [TEXT, "# other\n" + TEXT, DOCUMENT], ids=["text", "comment", "data"])
def test_no_change_whatever_the_form(openapi: t.Any) -> None:
    script = Script()
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).replies(found())
    assert not script.run(api_gateway_config, **{**WANTED, "openapi": openapi})["changed"]


def test_another_account_or_prefix_is_another_config() -> None:
    for more, name in (
        ({"gateway_service_account": "other@x"}, "products-" + source.digest(DOCUMENT, "other@x")),
        ({"prefix": "p" * 70}, "p" * 52 + "-" + source.digest(DOCUMENT, ACCOUNT)),
    ):
        script = Script()
        script.expect("GET", "apigateway", f"{CONFIGS}/{name}", query={"view": "FULL"}).refuses(404)
        script.expect("GET", "apigateway", API).replies({})
        assert script.run(api_gateway_config, check=True, **{**WANTED, **more})["resource"]["name"] == name


@pytest.mark.parametrize("state", ["CREATING", "ACTIVATING"])
def test_a_config_that_is_being_made_is_waited_for_first(state: str) -> None:
    script = absent()
    script.expect("GET", "apigateway", CONFIGS).replies({"apiConfigs": [{"name": "x", "state": state}]})
    creation(script).replies(DONE)
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).replies(found())
    assert script.run(api_gateway_config, **WANTED)["changed"] and script.slept


def test_the_config_that_another_run_has_begun_is_waited_for() -> None:
    """Google's operation of it is unknown here; a gateway could not serve it yet."""
    script = Script()
    for state in ("ACTIVATING", "ACTIVATING", "ACTIVE"):
        script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).replies(found(state=state))
    result = script.run(api_gateway_config, **WANTED)
    assert not result["changed"] and result["resource"]["state"] == "ACTIVE" and script.slept


def test_what_google_notes_about_a_document_is_told() -> None:
    script = absent()
    failed = {"error": {"code": 3, "message": "Cannot convert"}}
    notes = {"diagnostics": [{"location": "openapi.yaml: get /a", "message": "no good"}]}
    creation(script).replies({**DONE, **failed, "metadata": notes})
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).refuses(404)
    result = script.run(api_gateway_config, fails=True, **WANTED)
    assert "Cannot convert (openapi.yaml: get /a: no good)" in result["msg"]


def judged(answer: t.Any = None) -> tuple[Script, t.Any]:
    """A new config of an API with a managed service, and the call that asks Google about the document."""
    script = absent({"managedService": MANAGED})
    text = source.write({**DOCUMENT, "host": MANAGED})
    file = {
        "filePath": "openapi.yaml",
        "fileContents": base64.b64encode(text.encode()).decode(),
        "fileType": "OPEN_API_YAML",
    }
    body = {"validateOnly": True, "configSource": {"files": [file]}}
    call = script.expect("POST", "servicemanagement", f"v1/services/{MANAGED}/configs:submit", body=body)
    return script, call


def test_google_judges_the_document_of_an_api_that_is_there() -> None:
    script, call = judged()
    call.replies({"name": "operations/check"})
    script.expect("GET", "servicemanagement", "v1/operations/check").replies({"name": "operations/check", "done": True})
    result = script.run(api_gateway_config, check=True, **WANTED)
    assert result["action"] == "created" and result["requests"]["writes"] == 0


def test_googles_judgement_stops_the_run() -> None:
    script, call = judged()
    call.refuses(400, "paths: something", code="INVALID_ARGUMENT")
    assert (
        "Google does not accept openapi: paths: something"
        in script.run(api_gateway_config, fails=True, **WANTED)["msg"]
    )
    script, call = judged()
    call.replies({"name": "operations/check", "done": True, "error": {"code": 3, "message": "late"}})
    assert "Google does not accept openapi: late" in script.run(api_gateway_config, fails=True, **WANTED)["msg"]


def test_who_may_not_ask_goes_on_unless_the_judgement_is_required() -> None:
    script, call = judged()
    call.refuses(403, "no permission", code="PERMISSION_DENIED")
    assert script.run(api_gateway_config, check=True, **WANTED)["action"] == "created"
    script, call = judged()
    call.refuses(403, "no permission", code="PERMISSION_DENIED")
    assert "no permission" in script.run(api_gateway_config, fails=True, server_validation="required", **WANTED)["msg"]
    script = absent()
    result = script.run(api_gateway_config, fails=True, server_validation="required", **WANTED)
    assert "the API does not exist yet" in result["msg"]
    script = Script()
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).refuses(404)
    assert script.run(api_gateway_config, check=True, server_validation="none", **WANTED)["changed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"openapi": TEXT.replace("operationId", "operationID")}, "no operationId"),
        ({"openapi": "a: [b"}, "openapi cannot be read: line "),
        ({"api": "projects/x/apis/y"}, "Write the API's name alone"),
        ({"name": "-x"}, "no dash at either end"),
    ],
)
def test_refused_before_anything_is_sent(options: dict[str, t.Any], said: str) -> None:
    assert said in Script().run(api_gateway_config, fails=True, **{**WANTED, **options})["msg"]


def test_a_config_without_name_and_document_is_no_config() -> None:
    result = Script().run(api_gateway_config, fails=True, api="products", state="absent")
    assert "one of the following is required: name, openapi" in result["msg"]
    result = Script().run(api_gateway_config, fails=True, api="products", openapi="a: [b", state="absent")
    assert "openapi cannot be read: line " in result["msg"]


def test_a_failed_config_of_somebody_else_is_made_again_only_if_allowed() -> None:
    script = Script()
    theirs = {**found(state="FAILED"), "labels": {"team": "x"}}
    script.expect("GET", "apigateway", f"{CONFIGS}/{NAME}", query={"view": "FULL"}).replies(theirs)
    assert "allow_recreate" in script.run(api_gateway_config, fails=True, **WANTED)["msg"]


def test_configs_in_a_list_come_without_documents() -> None:
    script = Script()
    listed = {key: value for key, value in found().items() if key != "openapiDocuments"}
    script.expect("GET", "apigateway", CONFIGS).replies({"apiConfigs": [listed], "nextPageToken": "n"})
    script.expect("GET", "apigateway", CONFIGS, query={"pageToken": "n"}).replies({})
    (one,) = script.run(api_gateway_config_info, api="products")["resources"]
    assert one["name"] == NAME and one["openapi"] is None and one["state"] == "ACTIVE"


GATEWAY = {"name": "products", "region": "europe-west1", "api": "products", "config": "new"}


def served(config: str, number: str = "123456789012") -> dict[str, t.Any]:
    return {
        "name": "projects/acme-shop/locations/europe-west1/gateways/products",
        "apiConfig": f"projects/{number}/locations/global/apis/products/configs/{config}",
        "state": "ACTIVE",
        "defaultHostname": "products-1.ew.gateway.dev",
        "labels": OURS,
    }


def test_gateways_of_every_region_say_where_they_are() -> None:
    script = Script()
    everywhere = GATEWAYS.replace("europe-west1", "-")
    script.expect("GET", "apigateway", everywhere).replies({"gateways": [served("old")]})
    (one,) = script.run(api_gateway_gateway_info, region="-")["resources"]
    assert (one["region"], one["name"], one["api"], one["config"]) == ("europe-west1", "products", "products", "old")


def test_a_gateway_is_moved() -> None:
    script = Script()
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies(served("old"))
    body = {"apiConfig": "projects/acme-shop/locations/global/apis/products/configs/new"}
    script.expect("PATCH", "apigateway", f"{GATEWAYS}/products", query={"updateMask": "apiConfig"}, body=body).replies(
        DONE
    )
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies(served("new"))
    result = script.run(api_gateway_gateway, **GATEWAY)
    assert result["action"] == "updated" and result["resource"]["default_hostname"] == "products-1.ew.gateway.dev"
    assert result["changes"] == [{"field": "config", "before": "old", "after": "new"}]


def test_the_projects_number_is_no_difference() -> None:
    script = Script()
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies(served("new"))
    assert not script.run(api_gateway_gateway, **GATEWAY)["changed"]


def look(script: Script, configs: list[dict[str, t.Any]], *gateways: dict[str, t.Any]) -> None:
    script.expect("GET", "apigateway", CONFIGS).replies({"apiConfigs": configs})
    script.expect("GET", "apigateway", "v1/projects/acme-shop/locations/-/gateways").replies(
        {"gateways": list(gateways)}
    )


def test_what_nobody_serves_goes_but_for_the_newest() -> None:
    def one(name: str, day: int, state: str = "ACTIVE", **labels: str) -> dict[str, t.Any]:
        full = f"projects/acme-shop/locations/global/apis/products/configs/{name}"
        return {"name": full, "state": state, "createTime": f"2026-11-{day:02}T00:00:00Z", "labels": labels or OURS}

    configs = [
        one("new", 9),
        one("failed", 8, "FAILED"),
        one("newest", 7),
        one("older", 6),
        one("elsewhere", 5),
        one("theirs", 4, team="x"),
        one("making", 3, "CREATING"),
    ]
    other = {**served("elsewhere"), "name": "projects/acme-shop/locations/us-east1/gateways/products"}
    script = Script()
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies(served("new"))
    look(script, configs, served("new"), other)
    look(script, configs, served("new"), other)
    script.expect("DELETE", "apigateway", f"{CONFIGS}/failed").replies(DONE)
    script.expect("DELETE", "apigateway", f"{CONFIGS}/older").refuses(
        400, "is used by another", code="FAILED_PRECONDITION"
    )
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies(served("new"))
    result = script.run(api_gateway_gateway, keep_configs=1, **GATEWAY)
    assert result["changes"] == [{"field": "superfluous_configs", "before": ["failed"], "after": []}]
    assert "older" in result["note"]


def test_nothing_goes_while_nobody_waits_for_the_move() -> None:
    script = Script()
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies(served("old"))
    look(script, [], served("old"))
    body = {"apiConfig": "projects/acme-shop/locations/global/apis/products/configs/new"}
    script.expect("PATCH", "apigateway", f"{GATEWAYS}/products", query={"updateMask": "apiConfig"}, body=body).replies(
        {"name": OPERATION}
    )
    script.expect("GET", "apigateway", f"{GATEWAYS}/products").replies({**served("old"), "state": "UPDATING"})
    assert script.run(api_gateway_gateway, keep_configs=0, wait=False, **GATEWAY)["action"] == "updated"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"config": "apis/a/configs/b"}, "Write its name alone"),
        ({"keep_configs": 100}, "keep_configs is 100"),
        ({"name": "Products"}, "lower-case letters"),
    ],
)
def test_gateways_that_are_refused_before_anything_is_sent(options: dict[str, t.Any], said: str) -> None:
    assert said in Script().run(api_gateway_gateway, fails=True, **{**GATEWAY, **options})["msg"]
