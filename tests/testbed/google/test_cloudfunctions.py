# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions: uploads by signed addresses, builds that succeed or fail, ways into the network."""

from __future__ import annotations

import io
import time
import zipfile
from types import SimpleNamespace
from typing import Any

import pytest

from testbed.google import serverless_addresses
from tests.testbed.google.conftest import PROJECT, Google

ALL = "cloudfunctions.projects.locations.functions"
PLACE = f"projects/{PROJECT}/locations/europe-west1"
FUNCTIONS = f"cloudfunctions/v2/{PLACE}/functions"
CONNECTOR = f"{PLACE}/connectors/shop"


@pytest.fixture
async def place(google: Google) -> Google:
    """A network, a connector and the services enabled."""
    await google.ready()
    await google.enable("vpcaccess.googleapis.com", "cloudfunctions.googleapis.com")
    body = {"network": "shop", "ipCidrRange": "10.8.0.0/28", "maxInstances": 3}
    await google.do("POST", f"vpcaccess/v1/{PLACE}/connectors?connectorId=shop", body)
    return google


def zipped(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_py", ".py"), text)
    return buffer.getvalue()


async def put(google: Google, address: str, content: bytes, **headers: str) -> int:
    path = address.split("/", 3)[3]
    sent = {"Content-Type": "application/zip", **headers}
    async with google.client.put("/" + path, data=content, headers=sent) as reply:
        return reply.status


async def uploaded(google: Google, content: bytes) -> dict[str, Any]:
    """The source of a zip that was sent."""
    answer = await google.call("POST", f"{FUNCTIONS}:generateUploadUrl", {"environment": "GEN_2"})
    assert await put(google, answer["uploadUrl"], content) < 300
    return {"storageSource": answer["storageSource"]}


async def body(google: Google, content: bytes | None = None, **service: Any) -> dict[str, Any]:
    source = await uploaded(google, content or zipped(main_py="def forward(request):\n    return 'ok'\n"))
    build = {"runtime": "python311", "entryPoint": "forward", "source": source}
    return {"environment": "GEN_2", "buildConfig": build, "serviceConfig": service}


@pytest.mark.shows(f"{ALL}.create", f"{ALL}.get", f"{ALL}.list", f"{ALL}.patch", f"{ALL}.delete")
@pytest.mark.shows(f"{ALL}.generateUploadUrl", "cloudfunctions.uploads.put")
@pytest.mark.shows(f"{ALL}.patch", "a missing mask means everything")
@pytest.mark.shows(f"{ALL}.create", "an existing name ends the operation with ALREADY_EXISTS")
@pytest.mark.shows("cloudfunctions.projects.locations.operations.get")
async def test_one_is_made_changed_and_removed(place: Google) -> None:
    wanted = await body(place, vpcConnector=CONNECTOR, environmentVariables={"A": "1"})
    await place.do("POST", f"{FUNCTIONS}?functionId=shop", wanted)
    found = await place.call("GET", f"{FUNCTIONS}/shop")
    assert (found["state"], found["serviceConfig"]["revision"]) == ("ACTIVE", "shop-00001")
    assert found["url"] == f"https://europe-west1-{PROJECT}.cloudfunctions.net/shop"
    assert (await place.call("GET", FUNCTIONS))["functions"] == [found]
    again = await place.done(await place.call("POST", f"{FUNCTIONS}?functionId=shop", wanted))
    assert again["error"]["code"] == 6
    change = {"serviceConfig": {"environmentVariables": {"A": "2"}}, "description": "ignored"}
    await place.do("PATCH", f"{FUNCTIONS}/shop?updateMask=serviceConfig", change)
    found = await place.call("GET", f"{FUNCTIONS}/shop")
    assert found["serviceConfig"]["environmentVariables"] == {"A": "2", "LOG_EXECUTION_ID": "true"}
    assert "vpcConnector" not in found["serviceConfig"] and "description" not in found
    await place.do("PATCH", f"{FUNCTIONS}/shop", {**wanted, "labels": {"a": "b"}})
    assert (await place.call("GET", f"{FUNCTIONS}/shop"))["labels"] == {"a": "b"}
    await place.do("DELETE", f"{FUNCTIONS}/shop")
    assert (await place.refused("GET", f"{FUNCTIONS}/shop"))["code"] == 404


@pytest.mark.shows("cloudfunctions.uploads.put", "content-type is application/zip")
@pytest.mark.shows("cloudfunctions.uploads.put", "the address is signed; a token beside it is refused")
@pytest.mark.shows(f"{ALL}.create", "the source is an object that was uploaded")
async def test_uploads_that_are_refused(place: Google) -> None:
    answer = await place.call("POST", f"{FUNCTIONS}:generateUploadUrl", {"environment": "GEN_2"})
    address = answer["uploadUrl"]
    assert await put(place, address, b"x", **{"Content-Type": "application/octet-stream"}) == 403
    assert await put(place, address, b"x", Authorization="Bearer token") == 400
    assert await put(place, address[:-3] + "xyz", b"x") == 403
    build = {"runtime": "python311", "entryPoint": "f", "source": {"storageSource": answer["storageSource"]}}
    wanted = {"environment": "GEN_2", "buildConfig": build}
    assert "upload it first" in (await place.refused("POST", f"{FUNCTIONS}?functionId=shop", wanted))["message"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no zip", "not a zip"),
        (zipped(other_py=""), "missing main.py"),
        (zipped(main_py="def other(request): pass\n"), "does not define function 'forward'"),
    ],
)
async def test_a_build_that_fails_leaves_a_function_that_failed(place: Google, content: bytes, said: str) -> None:
    operation = await place.done(await place.call("POST", f"{FUNCTIONS}?functionId=shop", await body(place, content)))
    assert said in operation["error"]["message"]
    found = await place.call("GET", f"{FUNCTIONS}/shop")
    assert found["state"] == "FAILED" and said in found["stateMessages"][0]["message"]
    await place.do("PATCH", f"{FUNCTIONS}/shop?updateMask=buildConfig", await body(place))
    found = await place.call("GET", f"{FUNCTIONS}/shop")
    assert found["state"] == "ACTIVE" and "stateMessages" not in found


@pytest.mark.shows(f"{ALL}.create", "several requests at a time need one CPU or more", "environment is GEN_2")
@pytest.mark.shows(f"{ALL}.create", "a connector is named in full and lies in the function's region")
@pytest.mark.shows(f"{ALL}.create", "egress settings need their connector or interface")
@pytest.mark.shows(f"{ALL}.create", "a connector and a direct interface exclude each other; one interface")
async def test_functions_that_are_refused(place: Google) -> None:
    direct = [{"subnetwork": "nodes"}]
    for service in (
        {"vpcConnector": "shop"},
        {"vpcConnector": CONNECTOR.replace("west1", "west3")},
        {"vpcConnector": CONNECTOR + "x"},
        {"vpcConnectorEgressSettings": "ALL_TRAFFIC"},
        {"directVpcEgress": "VPC_EGRESS_ALL_TRAFFIC"},
        {"vpcConnector": CONNECTOR, "directVpcNetworkInterface": direct},
        {"directVpcNetworkInterface": [*direct, *direct]},
        {"directVpcNetworkInterface": [{"subnetwork": "none"}]},
        {"maxInstanceRequestConcurrency": 8},
        {"maxInstanceRequestConcurrency": 8, "availableCpu": "500m"},
        {"maxInstanceRequestConcurrency": 1001, "availableCpu": "1"},
        {"timeoutSeconds": 3601},
    ):
        wanted = await body(place, **service)
        assert (await place.refused("POST", f"{FUNCTIONS}?functionId=shop", wanted))["code"] == 400, service
    wanted = await body(place, directVpcNetworkInterface=direct, maxInstanceRequestConcurrency=8, availableCpu="1")
    for name, more in (("Shop", {}), ("shop", {"environment": "GEN_1"}), ("shop", {"buildConfig": {}})):
        assert (await place.refused("POST", f"{FUNCTIONS}?functionId={name}", {**wanted, **more}))["code"] == 400, name
    await place.do("POST", f"{FUNCTIONS}?functionId=shop", wanted)


@pytest.mark.shows("compute.subnetworks.delete", "refused while functions use it directly, and for hours after")
async def test_a_subnetwork_outlives_the_function_that_used_it(place: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    subnetwork = f"compute/compute/v1/projects/{PROJECT}/regions/europe-west1/subnetworks/nodes"
    wanted = await body(place, directVpcNetworkInterface=[{"subnetwork": "nodes"}])
    await place.do("POST", f"{FUNCTIONS}?functionId=shop", wanted)
    assert "addresses/serverless-ipv4-" in (await place.refused("DELETE", subnetwork))["message"]
    scale = "_testbed/durations"
    await place.call("PUT", scale, {"scale": 0.001})
    await place.do("DELETE", f"{FUNCTIONS}/shop")
    await place.call("PUT", scale, {"scale": 1})
    monkeypatch.setattr(serverless_addresses, "time", SimpleNamespace(time=lambda: time.time() + 7000))
    assert "addresses/serverless-ipv4-" in (await place.refused("DELETE", subnetwork))["message"]
    # Two hours later, or once nothing takes any time.
    await place.call("PUT", scale, {"scale": 0})
    await place.do("DELETE", subnetwork)
