# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role api_gateway, as Ansible runs it, against the emulator: nothing serves there, so nothing is proved."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.testbed import role_play
from tests.testbed.emulated_cloud import Cloud

REGION = "europe-west1"
ROUTE = {"path": "/products", "methods": ["get"]}
VARIABLES: dict[str, t.Any] = {
    "project": "acme-shop",
    "region": REGION,
    "name": "shop",
    "backend": "https://forward-x.a.run.app",
    "service_account": "shop-gateway@acme-shop.iam.gserviceaccount.com",
    "routes": [ROUTE],
    "keys": [{"name": "partner"}],
    "verify": {"enabled": False},
}


@pytest.fixture
def cloud(cloud: Cloud) -> Cloud:
    cloud.control("reset", "POST")
    return cloud


def play(cloud: Cloud, folder: Path, *options: str, fails: bool = False, **changes: t.Any) -> role_play.Played:
    return role_play.play(
        cloud, folder, "api_gateway", {**VARIABLES, **changes}, *options, fact="api_gateway_result", fails=fails
    )


def keys(cloud: Cloud) -> set[str]:
    return {one["name"] for one in cloud.module("api_key_info")["resources"]}


def accounts(cloud: Cloud) -> set[str]:
    """Accounts of gateways; the emulator's own are named otherwise."""
    found = {one["name"] for one in cloud.module("iam_service_account_info")["resources"]}
    return found & {"shop-gateway", "shop-far", "caller"}


def calls(cloud: Cloud, method: str) -> list[int]:
    """Statuses of the calls of a method since the log was cleared."""
    return [one["status"] for one in cloud.control("requests")["requests"] if one["method"] == method]


def test_configs_go_once_the_gateway_has_gone(cloud: Cloud, tmp_path: Path) -> None:
    play(cloud, tmp_path)
    play(cloud, tmp_path, routes=[ROUTE, {"path": "/orders", "methods": ["get"]}])
    cloud.control("requests", "DELETE")
    # Long enough for a delete that does not wait for the gateway to be refused.
    cloud.control("durations", "PUT", {"scale": 0.02})
    try:
        assert play(cloud, tmp_path, state="absent").changed == 1
    finally:
        cloud.control("durations", "PUT", {"scale": 0})
    assert calls(cloud, "apigateway.projects.locations.apis.configs.delete") == [200, 200]
    assert calls(cloud, "apigateway.projects.locations.apis.delete") == [200]
    assert not cloud.module("api_gateway_api_info")["resources"]


def test_a_config_that_failed_is_made_again(cloud: Cloud, tmp_path: Path) -> None:
    # The fault stands for a moment's trouble at Google, for which a config has no cure of its own.
    fault = {"match": "apigateway.projects.locations.apis.configs.create", "kind": "operation", "times": 1}
    cloud.control("faults", "POST", {**fault, "message": "Internal error"})
    assert "Internal error" in play(cloud, tmp_path, fails=True).said
    (failed,) = cloud.module("api_gateway_config_info", api="shop")["resources"]
    assert failed["state"] == "FAILED"
    play(cloud, tmp_path)
    (made,) = cloud.module("api_gateway_config_info", api="shop")["resources"]
    assert made["name"] == failed["name"] and made["state"] == "ACTIVE"
    assert play(cloud, tmp_path).changed == 0


def test_what_was_removed_is_made_again_with_its_keys_brought_back(cloud: Cloud, tmp_path: Path) -> None:
    play(cloud, tmp_path)
    assert play(cloud, tmp_path, state="absent").changed == 1
    assert "Google keeps the name for 30 days" in play(cloud, tmp_path, fails=True).said
    play(cloud, tmp_path, keys=[{"name": "partner", "restore": True}])
    (key,) = cloud.module("api_key_info")["resources"]
    assert key["name"] == "partner" and key["services"]
    assert play(cloud, tmp_path, keys=[{"name": "partner", "restore": True}]).changed == 0


def test_keys_that_are_not_declared_any_more_go_and_those_of_others_stay(cloud: Cloud, tmp_path: Path) -> None:
    play(cloud, tmp_path, keys=[{"name": "partner"}, {"name": "left"}])
    (api,) = cloud.module("api_gateway_api_info", name="shop")["resources"]
    by_hand = {"restrictions": {"apiTargets": [{"service": api["managed_service"]}]}}
    cloud.client.send(
        "apikeys", "POST", "v2/projects/acme-shop/locations/global/keys", query={"keyId": "by-hand"}, body=by_hand
    )
    wider = [{"service": api["managed_service"]}, {"service": "compute.googleapis.com"}]
    cloud.run([{"kind": "api_key", "name": "wider", "services": wider}])
    # Made with this collection, and not by this declaration.
    cloud.run([{"kind": "api_key", "name": "onboarded", "apis": ["shop"]}])
    others = {"by-hand", "wider", "onboarded"}
    # Whoever does not ask for it loses none.
    assert play(cloud, tmp_path).changed == play(cloud, tmp_path, keys=None).changed == 0
    assert keys(cloud) == {"partner", "left", *others}
    cloud.control("requests", "DELETE")
    preview = play(cloud, tmp_path, "--check", "--diff", prune_keys=True)
    going = [(one["name"], one["action"]) for one in preview.fact["resources"] if one["action"] != "unchanged"]
    assert going == [("left", "deleted")]
    assert cloud.writes() == calls(cloud, "servicemanagement.services.configs.submit").count(200)
    assert "left" in keys(cloud)
    pruned = play(cloud, tmp_path, prune_keys=True)
    assert pruned.changed == 1 and "by-hand, onboarded" in pruned.said
    assert keys(cloud) == {"partner", *others}
    assert play(cloud, tmp_path, prune_keys=True).changed == 0
    # Declared nowhere at all any more, as far as the teardown knows.
    removed = play(cloud, tmp_path, keys=[], state="absent")
    assert removed.changed == 1 and "by-hand, onboarded" in removed.said
    assert keys(cloud) == others


def test_keys_of_before_get_their_note_and_where_none_are_stated_nobody_lists_them(
    cloud: Cloud, tmp_path: Path
) -> None:
    play(cloud, tmp_path, keys=None, security="none")
    assert calls(cloud, "apikeys.projects.locations.keys.list") == []
    cloud.run([{"kind": "api_key", "name": "partner", "apis": ["shop"]}])
    play(cloud, tmp_path, security="none")
    (key,) = cloud.module("api_key_info")["resources"]
    assert key["annotations"]["declared-by"] == "europe-west1/shop"


FAR: dict[str, t.Any] = {"region": "us-east1", "api": "shop", "routes": [{"path": "/orders", "methods": ["get"]}]}


def test_one_api_with_two_gateways(cloud: Cloud, tmp_path: Path) -> None:
    """What the second gateway uses outlives the first, and goes with the second."""
    near = {"keys": [{"name": "partner"}, {"name": "both"}], "prune_keys": True}
    account = "shop-far@acme-shop.iam.gserviceaccount.com"
    far = {**FAR, "keys": [{"name": "far"}, {"name": "both"}], "prune_keys": True, "service_account": account}
    play(cloud, tmp_path, **near)
    play(cloud, tmp_path, **far)
    # Neither takes the other's keys, and they do not disagree about the one that both declare.
    assert play(cloud, tmp_path, **near).changed == 0
    assert keys(cloud) == {"partner", "both", "far"}
    gateways = {one["region"]: one for one in cloud.module("api_gateway_gateway_info", region="-")["resources"]}
    assert set(gateways) == {"europe-west1", "us-east1"} and {one["api"] for one in gateways.values()} == {"shop"}
    removed = play(cloud, tmp_path, **near, state="absent")
    assert removed.changed == 1 and "other gateways serve it: us-east1/shop" in removed.said
    assert keys(cloud) == {"both", "far"} and accounts(cloud) == {"shop-far"}
    (config,) = cloud.module("api_gateway_config_info", api="shop")["resources"]
    assert config["name"] == gateways["us-east1"]["config"]
    play(cloud, tmp_path, **far, state="absent")
    assert keys(cloud) == accounts(cloud) == set() and not cloud.module("api_gateway_api_info")["resources"]


def test_an_account_that_another_gateway_of_the_api_calls_as_stays(cloud: Cloud, tmp_path: Path) -> None:
    play(cloud, tmp_path)
    play(cloud, tmp_path, **FAR)
    play(cloud, tmp_path, state="absent")
    assert accounts(cloud) == {"shop-gateway"}
    # Nobody calls as it then, but whoever removes may know of others.
    play(cloud, tmp_path, **FAR, state="absent", keep_account=True)
    assert accounts(cloud) == {"shop-gateway"}


def test_an_account_of_another_project_is_neither_made_nor_removed(cloud: Cloud, tmp_path: Path) -> None:
    foreign = "caller@acme-people.iam.gserviceaccount.com"
    # The emulator knows one project, so it refuses the config.
    assert f"{foreign} does not exist" in play(cloud, tmp_path, service_account=foreign, fails=True).said
    assert accounts(cloud) == set()
    # One of that name in this project is somebody else's.
    cloud.run([{"kind": "iam_service_account", "name": "caller"}])
    play(cloud, tmp_path, service_account=foreign, state="absent")
    assert accounts(cloud) == {"caller"}


def test_removal_where_no_api_was_ever_enabled(cloud: Cloud, tmp_path: Path) -> None:
    assert play(cloud, tmp_path, state="absent").changed == 0
    assert play(cloud, tmp_path, "--check", state="absent").changed == 0
    assert 403 in calls(cloud, "apigateway.projects.locations.apis.configs.list")
    assert cloud.writes() == 0


def test_removal_of_what_a_run_had_only_begun(cloud: Cloud, tmp_path: Path) -> None:
    cloud.run([{"kind": "project_services", "services": ["apigateway", "iam"]}])
    account = VARIABLES["service_account"].split("@")[0]
    cloud.run([{"kind": "iam_service_account", "name": account}])
    assert play(cloud, tmp_path, state="absent").changed == 1
    # Google: the collection of an API that is not there is not there either; keys' own Google API is still off.
    assert calls(cloud, "apigateway.projects.locations.apis.configs.list") == [404]
    assert 403 in calls(cloud, "apikeys.projects.locations.keys.list")
    assert not any(one["name"] == account for one in cloud.module("iam_service_account_info")["resources"])


def test_a_key_that_may_not_be_read_is_named(cloud: Cloud, tmp_path: Path) -> None:
    """All that has to do with the key is hidden from Ansible's output, its refusal is not."""
    match = "apikeys.projects.locations.keys.getKeyString"
    cloud.control("faults", "POST", {"match": match, "kind": "status", "status": 403, "times": 9})
    said = play(cloud, tmp_path, verify={"path": "/products"}, fails=True).said
    assert "API key partner could not be read" in said and "PERMISSION_DENIED" in said
