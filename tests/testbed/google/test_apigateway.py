# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""API Gateway's rules: names, places, masks, states, documents that are refused later, one config at a time."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from testbed.google.seed import OWNER
from testbed.google.services.apigateway import apis, configs, gateways
from tests.testbed.google.conftest import NUMBER, PROJECT, Google

GLOBAL = f"projects/{PROJECT}/locations/global"
APIS = f"apigateway/v1/{GLOBAL}/apis"
CONFIGS = f"{APIS}/shop/configs"
GATEWAYS = f"apigateway/v1/projects/{PROJECT}/locations/europe-west1/gateways"
METHODS = "apigateway.projects.locations."
DOCUMENT = """\
swagger: "2.0"
info: {title: products, version: "1"}
x-google-backend: {address: "https://f.example"}
securityDefinitions: {key: {type: apiKey, name: x-api-key, in: header}}
security: [{key: []}]
paths:
  /products:
    get: {operationId: list, responses: {200: {description: it}}}
"""


def config(text: str = DOCUMENT, **fields: Any) -> dict[str, Any]:
    contents = base64.b64encode(text.encode()).decode()
    return {"openapiDocuments": [{"document": {"path": "openapi.yaml", "contents": contents}}], **fields}


async def ready(google: Google) -> None:
    await google.enable(*(f"{n}.googleapis.com" for n in ("apigateway", "servicemanagement", "servicecontrol")))
    await google.do("POST", f"{APIS}?apiId=shop", {"displayName": "Shop"})


@pytest.mark.shows(
    METHODS + "apis.create",
    "requires apiId",
    "Service Management and Service Control must be enabled",
    "APIs are global",
    f"apiId matches {apis.IDENTIFIER}",
    f"at most {apis.MOST_APIS} in a project",
)
async def test_apis_that_are_refused(google: Google) -> None:
    await google.enable("apigateway.googleapis.com")
    assert "servicecontrol" in (await google.refused("POST", f"{APIS}?apiId=shop", {}))["message"]
    await ready(google)
    assert (await google.refused("POST", APIS, {}))["code"] == 400
    assert (await google.refused("POST", f"{APIS}?apiId=Shop", {}))["code"] == 400
    assert (await google.refused("POST", f"{APIS}?apiId=shop", {}))["code"] == 409
    elsewhere = APIS.replace("global", "europe-west1")
    assert (await google.refused("POST", f"{elsewhere}?apiId=a", {}))["code"] == 404
    for number in range(apis.MOST_APIS - 1):
        await google.call("POST", f"{APIS}?apiId=a{number}", {})
    assert (await google.refused("POST", f"{APIS}?apiId=more", {}))["code"] == 429


@pytest.mark.shows(METHODS + "apis.get", METHODS + "apis.list", METHODS + "operations.get", METHODS + "operations.list")
@pytest.mark.shows(
    METHODS + "apis.patch",
    "requires updateMask",
    "changes what the mask names, and no field that is immutable",
)
@pytest.mark.shows(METHODS + "apis.delete", "not while it has configs")
async def test_the_life_of_an_api(google: Google) -> None:
    await ready(google)
    found = await google.call("GET", f"{APIS}/shop")
    assert found["state"] == "ACTIVE" and found["name"] == f"{GLOBAL}/apis/shop"
    assert found["managedService"].startswith("shop-")
    assert found["managedService"].endswith(f".apigateway.{PROJECT}.cloud.goog")
    assert [one["name"] for one in (await google.call("GET", APIS))["apis"]] == [found["name"]]
    assert len((await google.call("GET", f"apigateway/v1/{GLOBAL}/operations"))["operations"]) == 1
    assert (await google.refused("PATCH", f"{APIS}/shop", {"displayName": "x"}))["code"] == 400
    refused = await google.refused("PATCH", f"{APIS}/shop?updateMask=managedService", {"managedService": "x"})
    assert "cannot be updated" in refused["message"]
    await google.do("PATCH", f"{APIS}/shop?updateMask=labels", {"displayName": "x", "labels": {"a": "b"}})
    found = await google.call("GET", f"{APIS}/shop")
    assert found["labels"] == {"a": "b"} and found["displayName"] == "Shop"
    await google.do("POST", f"{CONFIGS}?apiConfigId=one", config())
    assert (await google.refused("DELETE", f"{APIS}/shop"))["status"] == "FAILED_PRECONDITION"
    await google.do("DELETE", f"{CONFIGS}/one")
    await google.do("DELETE", f"{APIS}/shop")
    assert (await google.refused("GET", f"{APIS}/shop"))["code"] == 404


async def test_a_managed_service_can_be_enabled_like_googles_own(google: Google) -> None:
    await ready(google)
    managed = (await google.call("GET", f"{APIS}/shop"))["managedService"]
    services = f"serviceusage/v1/projects/{NUMBER}/services"
    assert (await google.refused("GET", f"{services}/another.apigateway.{PROJECT}.cloud.goog"))["code"] == 403
    assert (await google.call("GET", f"{services}/{managed}"))["state"] == "DISABLED"
    await google.enable(managed)
    assert (await google.call("GET", f"{services}/{managed}"))["state"] == "ENABLED"


@pytest.mark.shows(
    METHODS + "apis.configs.create",
    "requires apiConfigId",
    f"apiConfigId matches {configs.IDENTIFIER}",
    "exactly one of openapiDocuments, grpcServices",
    "the gateway's service account exists",
    f"at most {configs.MOST_CONFIGS} of an API",
)
async def test_configs_that_are_refused_at_once(google: Google) -> None:
    await ready(google)
    for query, body in (
        ("", config()),
        ("?apiConfigId=One", config()),
        ("?apiConfigId=one", {}),
        ("?apiConfigId=one", {"openapiDocuments": [{"document": {"path": "a"}}]}),
        ("?apiConfigId=one", config(gatewayServiceAccount="none@example.iam.gserviceaccount.com")),
    ):
        assert (await google.refused("POST", CONFIGS + query, body))["code"] == 400, (query, body)
    missing = CONFIGS.replace("/apis/shop", "/apis/none")
    assert (await google.refused("POST", f"{missing}?apiConfigId=one", config()))["code"] == 404
    for number in range(configs.MOST_CONFIGS):
        await google.do("POST", f"{CONFIGS}?apiConfigId=c{number}", config())
    assert (await google.refused("POST", f"{CONFIGS}?apiConfigId=more", config()))["code"] == 429


@pytest.mark.shows(
    METHODS + "apis.configs.create",
    "a document that is not accepted ends the operation, with diagnostics in its metadata",
)
async def test_a_bad_document_ends_the_operation(google: Google) -> None:
    await ready(google)
    bad = DOCUMENT.replace("operationId: list, ", "").replace("key: []", "other: []")
    operation = await google.done(await google.call("POST", f"{CONFIGS}?apiConfigId=bad", config(bad)))
    assert operation["error"]["code"] == 3 and "operationId is required" in operation["error"]["message"]
    told = [one["message"] for one in operation["metadata"]["diagnostics"]]
    assert any("operationId" in one for one in told) and any("other is not defined" in one for one in told)
    assert (await google.call("GET", f"{CONFIGS}/bad"))["state"] == "FAILED"


@pytest.mark.shows(METHODS + "apis.configs.create", "a second one while another is being made fails")
async def test_two_configs_at_once(google: Google) -> None:
    await ready(google)
    await google.call("PUT", "_testbed/durations", {"scale": 0.002})
    first = await google.call("POST", f"{CONFIGS}?apiConfigId=one", config())
    second = await google.done(await google.call("POST", f"{CONFIGS}?apiConfigId=two", config()))
    assert second["error"]["code"] == 10
    assert "error" not in await google.done(first)
    states = {c["name"].rsplit("/", 1)[-1]: c["state"] for c in (await google.call("GET", CONFIGS))["apiConfigs"]}
    assert states == {"one": "ACTIVE", "two": "FAILED"}


@pytest.mark.shows(METHODS + "apis.configs.get", "documents are shown with view=FULL only")
@pytest.mark.shows(METHODS + "apis.configs.list", "the API exists")
@pytest.mark.shows(
    METHODS + "apis.configs.patch",
    "requires updateMask",
    "changes what the mask names, and no field that is immutable",
    "cannot change gatewayServiceAccount",
)
async def test_a_config_does_not_change(google: Google) -> None:
    await ready(google)
    await google.do("POST", f"{CONFIGS}?apiConfigId=one", config(gatewayServiceAccount=OWNER, labels={"a": "b"}))
    basic = await google.call("GET", f"{CONFIGS}/one")
    assert "openapiDocuments" not in basic
    assert basic["gatewayServiceAccount"] == f"projects/-/serviceAccounts/{OWNER}"
    full = await google.call("GET", f"{CONFIGS}/one?view=FULL")
    assert base64.b64decode(full["openapiDocuments"][0]["document"]["contents"]).decode() == DOCUMENT
    assert (await google.call("GET", CONFIGS))["apiConfigs"] == [basic]
    assert (await google.refused("GET", f"{APIS}/nowhere/configs"))["code"] == 404
    for mask in ("openapiDocuments", "gatewayServiceAccount"):
        assert (await google.refused("PATCH", f"{CONFIGS}/one?updateMask={mask}", config()))["code"] == 400
    assert (await google.refused("PATCH", f"{CONFIGS}/one", {"labels": {}}))["code"] == 400
    await google.do("PATCH", f"{CONFIGS}/one?updateMask=labels", {"labels": {"c": "d"}})
    assert (await google.call("GET", f"{CONFIGS}/one"))["labels"] == {"c": "d"}


@pytest.mark.shows(
    METHODS + "gateways.create",
    "requires gatewayId",
    "requires apiConfig",
    f"gatewayId matches {gateways.IDENTIFIER}",
    f"apiConfig matches {gateways._CONFIG}",
    "gateways are regional, in the regions that API Gateway has",
    "the config exists and is ACTIVE",
    f"at most {gateways.MOST_GATEWAYS} in a region",
)
async def test_gateways_that_are_refused(google: Google) -> None:
    await ready(google)
    await google.do("POST", f"{CONFIGS}?apiConfigId=one", config())
    await google.done(await google.call("POST", f"{CONFIGS}?apiConfigId=bad", config("swagger: '1.2'")))
    one = {"apiConfig": f"{GLOBAL}/apis/shop/configs/one"}
    for query, body, code in (
        ("", one, 400),
        ("?gatewayId=Shop", one, 400),
        ("?gatewayId=shop", {}, 400),
        ("?gatewayId=shop", {"apiConfig": "one"}, 400),
        ("?gatewayId=shop", {"apiConfig": f"{GLOBAL}/apis/shop/configs/none"}, 404),
        ("?gatewayId=shop", {"apiConfig": f"{GLOBAL}/apis/shop/configs/bad"}, 400),
    ):
        assert (await google.refused("POST", GATEWAYS + query, body))["code"] == code, (query, body)
    for region in ("global", "europe-north1"):
        elsewhere = GATEWAYS.replace("europe-west1", region)
        assert (await google.refused("POST", f"{elsewhere}?gatewayId=shop", one))["code"] == 404
    for number in range(gateways.MOST_GATEWAYS):
        await google.call("POST", f"{GATEWAYS}?gatewayId=g{number}", one)
    assert (await google.refused("POST", f"{GATEWAYS}?gatewayId=more", one))["code"] == 429


@pytest.mark.shows(METHODS + "gateways.get", METHODS + "gateways.delete")
@pytest.mark.shows(METHODS + "gateways.list", "the location - means all")
@pytest.mark.shows(METHODS + "apis.configs.delete", "not while a gateway uses it")
@pytest.mark.shows(
    METHODS + "gateways.patch",
    "requires updateMask",
    "changes what the mask names, and no field that is immutable",
    "the config exists and is ACTIVE",
    "cannot change streamingMode",
)
async def test_a_gateway_moves_to_another_config(google: Google) -> None:
    await ready(google)
    for name in ("one", "two"):
        await google.do("POST", f"{CONFIGS}?apiConfigId={name}", config())
    await google.do("POST", f"{GATEWAYS}?gatewayId=shop", {"apiConfig": f"{GLOBAL}/apis/shop/configs/one"})
    found = await google.call("GET", f"{GATEWAYS}/shop")
    assert found["state"] == "ACTIVE" and found["defaultHostname"].endswith(".ew.gateway.dev")
    # The project by its number, though the caller wrote its id.
    assert found["apiConfig"] == f"projects/{NUMBER}/locations/global/apis/shop/configs/one"
    assert (await google.call("GET", GATEWAYS))["gateways"] == [found]
    assert (await google.call("GET", GATEWAYS.replace("europe-west1", "-")))["gateways"] == [found]
    assert "gateways" not in await google.call("GET", GATEWAYS.replace("europe-west1", "us-east1"))
    assert "is used by" in (await google.refused("DELETE", f"{CONFIGS}/one"))["message"]
    two = {"apiConfig": f"projects/{NUMBER}/locations/global/apis/shop/configs/two"}
    assert (await google.refused("PATCH", f"{GATEWAYS}/shop", two))["code"] == 400
    streaming = {"streamingMode": "STREAMING_MODE_ENABLED"}
    assert (await google.refused("PATCH", f"{GATEWAYS}/shop?updateMask=streamingMode", streaming))["code"] == 400
    none = {"apiConfig": f"{GLOBAL}/apis/shop/configs/none"}
    assert (await google.refused("PATCH", f"{GATEWAYS}/shop?updateMask=apiConfig", none))["code"] == 404
    await google.do("PATCH", f"{GATEWAYS}/shop?updateMask=apiConfig", two)
    moved = await google.call("GET", f"{GATEWAYS}/shop")
    assert moved["apiConfig"] == two["apiConfig"] and moved["defaultHostname"] == found["defaultHostname"]
    await google.do("DELETE", f"{CONFIGS}/one")
    await google.do("DELETE", f"{GATEWAYS}/shop")
    await google.do("DELETE", f"{CONFIGS}/two")


async def test_one_change_of_a_gateway_at_a_time(google: Google) -> None:
    await ready(google)
    await google.do("POST", f"{CONFIGS}?apiConfigId=one", config())
    await google.call("PUT", "_testbed/durations", {"scale": 0.005})
    first = await google.call("POST", f"{GATEWAYS}?gatewayId=shop", {"apiConfig": f"{GLOBAL}/apis/shop/configs/one"})
    assert (await google.call("GET", f"{GATEWAYS}/shop"))["state"] == "CREATING"
    assert (await google.refused("PATCH", f"{GATEWAYS}/shop?updateMask=labels", {"labels": {}}))["code"] == 409
    await google.done(first)


@pytest.mark.shows(
    "servicemanagement.services.configs.submit",
    "requires configSource",
    "only with validateOnly: API Gateway submits by itself",
    "the document's host is the service's name",
)
@pytest.mark.shows("servicemanagement.services.get", "servicemanagement.operations.get")
async def test_a_document_is_judged_without_a_config(google: Google) -> None:
    await ready(google)
    managed = (await google.call("GET", f"{APIS}/shop"))["managedService"]
    services = "servicemanagement/v1/services"
    assert (await google.call("GET", f"{services}/{managed}"))["producerProjectId"] == PROJECT
    assert (await google.refused("GET", f"{services}/none.example"))["code"] == 403
    submit = f"{services}/{managed}/configs:submit"

    def body(text: str, **more: Any) -> dict[str, Any]:
        contents = base64.b64encode(text.encode()).decode()
        file = {"filePath": "openapi.yaml", "fileContents": contents, "fileType": "OPEN_API_YAML"}
        return {"validateOnly": True, "configSource": {"files": [file]}, **more}

    hosted = f"host: {managed}\n{DOCUMENT}"
    operation = await google.call("POST", submit, body(hosted))
    polled = await google.call("GET", f"servicemanagement/v1/{operation['name']}")
    assert polled["done"] and polled["response"]["serviceConfig"] == {"name": managed}
    assert (await google.refused("POST", submit, {"validateOnly": True}))["code"] == 400
    assert (await google.refused("POST", submit, body(hosted, validateOnly=False)))["code"] == 501
    assert "host is None" in (await google.refused("POST", submit, body(DOCUMENT)))["message"]
    bad = await google.refused("POST", submit, body(hosted.replace("operationId: list, ", "")))
    assert "operationId is required" in bad["message"]
    assert (await google.call("GET", f"{APIS}/shop/configs")).get("apiConfigs") is None


@pytest.mark.shows(f"{METHODS}list")
async def test_places_are_those_where_gateways_are_made(google: Google) -> None:
    await google.enable("apigateway.googleapis.com")
    listed = await google.call("GET", f"apigateway/v1/projects/{PROJECT}/locations")
    assert {one["locationId"] for one in listed["locations"]} == {"global", *gateways.REGIONS}
