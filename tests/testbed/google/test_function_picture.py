# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the world is told of functions, what it says of them, and who may invoke one."""

from __future__ import annotations

import hashlib

import pytest

from testbed.google import function_picture
from testbed.world import Egress
from tests.testbed.google.conftest import PROJECT, Google
from tests.testbed.google.test_cloudfunctions import CONNECTOR, FUNCTIONS, PLACE, body, place, zipped

__all__ = ["place"]

ZIP = zipped(main_py="def forward(request):\n    return 'ok'\n")
NAME, SERVICE = f"{PLACE}/functions/shop", f"{PLACE}/services/shop"
NETWORK = f"projects/{PROJECT}/global/networks/shop"
CALLER = f"caller@{PROJECT}.iam.gserviceaccount.com"
AUDIENCE = f"https://europe-west1-{PROJECT}.cloudfunctions.net/shop"


async def made(google: Google, **service: object) -> None:
    await google.do("POST", f"{FUNCTIONS}?functionId=shop", await body(google, ZIP, **service))


async def test_the_world_runs_what_was_uploaded(place: Google) -> None:
    await made(place, vpcConnector=CONNECTOR, environmentVariables={"A": "1"}, timeoutSeconds=30)
    (function,) = place.world.functions
    assert place.world.sources == {hashlib.sha256(ZIP).hexdigest(): ZIP}
    assert (function.name, function.service, function.revision) == (NAME, SERVICE, "shop-00001")
    assert (function.environment["A"], function.seconds, function.concurrency) == ("1", 30, 1)
    assert AUDIENCE in function.urls
    tags = ("vpc-connector", "vpc-connector-europe-west1-shop")
    assert function.egress == Egress(NETWORK, "10.8.0.0/28", tags)
    # The connector's range is one of the network's, in its region.
    (network,) = [each for each in place.world.networks if each.name == NETWORK]
    assert ("europe-west1", "10.8.0.0/28") in [(each.region, each.range) for each in network.subnets]
    await place.do("DELETE", f"vpcaccess/v1/{CONNECTOR}")
    assert place.world.functions[0].egress is None
    await place.do("DELETE", f"{FUNCTIONS}/shop")
    assert place.world.functions == []


async def test_direct_egress_is_an_address_of_the_subnetwork(place: Google) -> None:
    interface = {"network": NETWORK, "subnetwork": "nodes", "tags": ["function"]}
    await made(place, directVpcNetworkInterface=[interface])
    assert place.world.functions[0].egress == Egress(NETWORK, "10.10.0.0/20", ("function",))


async def test_one_that_does_not_start_fails_its_deployment(place: Google) -> None:
    place.world.unfit = {NAME: "it failed to start and listen"}
    begun = await place.call("POST", f"{FUNCTIONS}?functionId=shop", await body(place, ZIP))
    said = (await place.done(begun))["error"]["message"]
    assert "it failed to start and listen" in said
    assert (await place.call("GET", f"{FUNCTIONS}/shop"))["state"] == "FAILED"
    place.world.unfit = {}
    change = {"serviceConfig": {"environmentVariables": {"A": "2"}}}
    await place.do("PATCH", f"{FUNCTIONS}/shop?updateMask=serviceConfig", change)
    assert (await place.call("GET", f"{FUNCTIONS}/shop"))["state"] == "ACTIVE"


async def test_it_is_started_again_with_the_testbed(place: Google) -> None:
    await made(place)
    place.world.functions = []
    await place.emulator.restore_world()
    assert [each.name for each in place.world.functions] == [NAME]


@pytest.mark.parametrize(
    ("members", "token", "audience", "status"),
    [
        ([], "", "", 403),
        ([], "own", AUDIENCE, 403),
        ([f"serviceAccount:{CALLER}"], "own", AUDIENCE, 200),
        ([f"serviceAccount:{CALLER}"], "own", "https://elsewhere.example", 401),
        ([f"serviceAccount:{CALLER}"], "forged", "", 401),
        ([f"serviceAccount:{CALLER}"], "", "", 403),
        (["serviceAccount:other@acme-shop.iam.gserviceaccount.com"], "own", AUDIENCE, 403),
        (["allAuthenticatedUsers"], "own", AUDIENCE, 200),
        (["allUsers"], "", "", 200),
    ],
)
async def test_who_may_invoke(google: Google, members: list[str], token: str, audience: str, status: int) -> None:
    async with google.emulator.store.transaction() as tx:
        bindings = [{"role": "roles/run.invoker", "members": members}] if members else []
        tx.put(f"policies/run/{SERVICE}", {"bindings": bindings})
    if token == "own":
        token = await google.emulator.identity_tokens.mint(CALLER, audience)
    assert await function_picture.judge(google.emulator, SERVICE, token, [AUDIENCE]) == status


async def test_a_token_that_has_ended_and_a_role_on_the_project(google: Google) -> None:
    async with google.emulator.store.transaction() as tx:
        binding = {"role": "roles/run.invoker", "members": [f"serviceAccount:{CALLER}"]}
        tx.put(f"policies/projects/{PROJECT}", {"bindings": [binding]})
    tokens = google.emulator.identity_tokens
    for lifetime, status in ((3600.0, 200), (-10.0, 401)):
        token = await tokens.mint(CALLER, AUDIENCE, lifetime)
        assert await function_picture.judge(google.emulator, SERVICE, token, [AUDIENCE]) == status
