# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import compute_network, compute_network_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK, write
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{COMPUTE}/global/networks"
ONE = f"{ALL}/shop-vpc"
NETWORK = {
    "kind": "compute#network",
    "name": "shop-vpc",
    "description": MARK,
    "selfLink": f"https://www.googleapis.com/{ONE}",
    "routingConfig": {"routingMode": "REGIONAL"},
}
BODY = {"name": "shop-vpc", "autoCreateSubnetworks": False, "description": MARK}


def test_create() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404, "not found", reason="notFound")
    write(script, "POST", "global/networks", BODY)
    script.expect("GET", "compute", ONE).replies(NETWORK)
    result = script.run(compute_network, name="shop-vpc")
    assert result["changed"] and result["action"] == "created"
    assert result["resource"]["self_link"].endswith("/shop-vpc")
    assert result["requests"] == {"reads": 3, "writes": 1}
    assert result["diff"][0]["before"] == {} and result["diff"][0]["after"] == {"name": "shop-vpc"}


def test_create_in_check_mode_has_the_shape_of_a_real_result() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    predicted = script.run(compute_network, check=True, name="shop-vpc")
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    real = script.run(compute_network, name="shop-vpc")
    assert predicted["changed"] and predicted["action"] == "created"
    assert predicted["resource"].keys() == real["resource"].keys()


def test_no_change_when_google_leaves_out_defaults() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    result = script.run(
        compute_network,
        name="shop-vpc",
        mtu=1460,
        auto_create_subnetworks=False,
        description="",
        routing_mode="REGIONAL",
    )
    assert not result["changed"] and result["action"] == "unchanged" and result["diff"] == []


def test_drift_is_named_and_repaired_in_place() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    write(script, "PATCH", "global/networks/shop-vpc", {"routingConfig": {"routingMode": "GLOBAL"}})
    script.expect("GET", "compute", ONE).replies({**NETWORK, "routingConfig": {"routingMode": "GLOBAL"}})
    result = script.run(compute_network, name="shop-vpc", routing_mode="GLOBAL")
    assert result["action"] == "updated"
    assert result["changes"] == [{"field": "routing_mode", "before": "REGIONAL", "after": "GLOBAL"}]
    assert result["diff"][0]["before"] == {"routing_mode": "REGIONAL"}


def test_recreation_is_refused_naming_the_field() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    result = script.run(compute_network, fails=True, name="shop-vpc", mtu=1500)
    assert "network shop-vpc: mtu cannot be changed in place" in result["msg"]
    assert "allow_recreate" in result["msg"]


def test_recreation_when_allowed() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    write(script, "DELETE", "global/networks/shop-vpc")
    script.expect("GET", "compute", ONE).refuses(404)
    write(script, "POST", "global/networks", {**BODY, "mtu": 1500})
    script.expect("GET", "compute", ONE).replies({**NETWORK, "mtu": 1500})
    result = script.run(compute_network, name="shop-vpc", mtu=1500, allow_recreate=True)
    assert result["action"] == "recreated"


def test_delete() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    write(script, "DELETE", "global/networks/shop-vpc")
    result = script.run(compute_network, name="shop-vpc", state="absent")
    assert result["action"] == "deleted" and result["resource"] == {}


def test_delete_of_what_is_gone() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    assert not script.run(compute_network, name="shop-vpc", state="absent")["changed"]


def test_what_others_made_is_left_alone() -> None:
    foreign = {**NETWORK, "description": "made by hand"}
    script = Script()
    script.expect("GET", "compute", ONE).replies(foreign)
    result = script.run(compute_network, name="shop-vpc", state="absent")
    assert not result["changed"] and result["action"] == "kept" and "force" in result["note"]
    script = Script()
    script.expect("GET", "compute", ONE).replies(foreign)
    write(script, "DELETE", "global/networks/shop-vpc")
    assert script.run(compute_network, name="shop-vpc", state="absent", force=True)["action"] == "deleted"


def test_delete_waits_for_what_is_just_going_away() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    script.expect("DELETE", "compute", ONE).refuses(400, "used by x", reason="resourceInUseByAnotherResource")
    write(script, "DELETE", "global/networks/shop-vpc")
    assert script.run(compute_network, name="shop-vpc", state="absent")["action"] == "deleted"


def test_lost_reply_of_a_create_is_compared_not_failed() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    script.expect("POST", "compute", ALL, body=BODY).is_lost()
    script.expect("POST", "compute", ALL, body=BODY).refuses(409, "exists", reason="alreadyExists")
    script.expect("GET", "compute", ONE).replies(NETWORK)
    script.expect("GET", "compute", ONE).replies(NETWORK)
    result = script.run(compute_network, name="shop-vpc")
    assert result["changed"] and result["action"] == "created"


def test_object_that_appears_meanwhile_is_adopted() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    script.expect("POST", "compute", ALL, body=BODY).refuses(409, "exists", reason="alreadyExists")
    script.expect("GET", "compute", ONE).replies(NETWORK)
    script.expect("GET", "compute", ONE).replies(NETWORK)
    assert not script.run(compute_network, name="shop-vpc")["changed"]


@pytest.mark.parametrize("status", [429, 503])
def test_refusals_that_mean_later_are_repeated(status: int) -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(
        {"error": {"code": status, "message": "later"}}, status, Retry_After="7"
    )
    script.expect("GET", "compute", ONE).replies(NETWORK)
    script.run(compute_network, name="shop-vpc")
    assert len(script.slept) == 1 and 5 <= script.slept[0] <= 9


def test_operation_that_fails_tells_googles_reason() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    write(
        script,
        "POST",
        "global/networks",
        BODY,
        error={"errors": [{"code": "QUOTA_EXCEEDED", "message": "Quota 'NETWORKS' exceeded."}]},
        httpErrorStatusCode=403,
    )
    script.expect("GET", "compute", ONE).refuses(404)
    result = script.run(compute_network, fails=True, name="shop-vpc")
    assert "QUOTA_EXCEEDED: Quota 'NETWORKS' exceeded." in result["msg"]


def test_both_error_shapes_and_the_request_id() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(403, "Required permission", reason="forbidden")
    result = script.run(compute_network, fails=True, name="shop-vpc")
    assert result["google_error"]["reason"] == "forbidden" and result["status"] == 403
    script = Script()
    script.expect("GET", "compute", ONE).refuses(
        403,
        "denied",
        code="PERMISSION_DENIED",
        details=[
            {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "7f3a"},
            {"violations": [{"subject": "projects/acme-shop", "description": "billing is off"}]},
        ],
    )
    result = script.run(compute_network, fails=True, name="shop-vpc")
    assert "(request 7f3a)" in result["msg"] and "billing is off" in result["msg"]


def test_api_not_enabled() -> None:
    refusal = {"status": 403, "message": "Compute Engine API has not been used", "code": "PERMISSION_DENIED"}
    script = Script()
    script.expect("GET", "compute", ONE).refuses(**refusal, reason="SERVICE_DISABLED")
    result = script.run(compute_network, check=True, name="shop-vpc")
    assert result["action"] == "created" and "not enabled" in result["note"]
    script = Script()
    script.expect("GET", "compute", ONE).refuses(**refusal, reason="SERVICE_DISABLED")
    assert "project_services" in script.run(compute_network, fails=True, name="shop-vpc")["msg"]


def test_expired_token() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(401, "invalid credentials", code="UNAUTHENTICATED")
    assert "access token" in script.run(compute_network, fails=True, name="shop-vpc")["msg"]


def test_info_before_the_api_is_enabled() -> None:
    """In a preview nothing can be there yet; otherwise the reason is said."""
    for check in (True, False):
        script = Script()
        call = script.expect("GET", "compute", f"{COMPUTE}/global/networks/shop-vpc")
        call.refuses(403, "has not been used", code="PERMISSION_DENIED", reason="SERVICE_DISABLED")
        result = script.run(compute_network_info, check=check, fails=not check, name="shop-vpc")
        assert (result.get("resources") == []) is check, result


def test_info() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(NETWORK)
    assert script.run(compute_network_info, name="shop-vpc")["resources"][0]["routing_mode"] == "REGIONAL"
    script = Script()
    script.expect("GET", "compute", ALL).replies({"items": [NETWORK], "nextPageToken": "two"})
    script.expect("GET", "compute", ALL, query={"pageToken": "two"}).replies({"items": [{**NETWORK, "name": "b"}]})
    assert [one["name"] for one in script.run(compute_network_info)["resources"]] == ["shop-vpc", "b"]
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    assert script.run(compute_network_info, name="shop-vpc")["resources"] == []
