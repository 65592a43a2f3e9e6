# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A function's way into the network: when it can go, and who else uses it."""

from __future__ import annotations

import typing

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._declaration import gateway_derive, reads, ways
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._declaration import (
    test_private_service as service,
)

declared, documents, judged = service.declared, service.documents, service.judged

#: By mode: the declared range, and that of the other way.
WAYS = {"direct": ("10.9.9.0/26", "10.9.8.0/28"), "connector": ("10.9.8.0/28", "10.9.9.0/26")}


def left(mode: str, **more: typing.Any) -> dict:
    """The facts of a declaration in whose network there is the way that the other mode makes."""
    ours, other = WAYS[mode]
    live = {"connectors": {"theirs": "10.9.7.0/28"}, "egress_subnets": {"theirs": "10.9.6.0/26"}}
    live[{"direct": "connectors", "connector": "egress_subnets"}[mode]][
        {"direct": "shop-vpc", "connector": "shop-vpc-egress"}[mode]
    ] = other
    egress = {"mode": mode, "range": ours, **more.pop("egress", {})}
    return judged(declared(egress=egress), {**live, **more})[0]


@pytest.mark.parametrize("mode", ["direct", "connector"])
def test_the_way_that_the_function_has_left_goes_unless_others_use_it(mode: str) -> None:
    ours, other = WAYS[mode]
    asked = {"egress": {"remove_left": True}} if mode == "direct" else {}
    gone_over, going_over, unmade = left(mode, calls_from=ours, **asked), left(mode, calls_from=other), left(mode)
    failed = left(mode, calls_from=ours, settled=False, **asked)
    assert failed["egress"]["leaves"] == other and gone_over["egress"]["leaves"] == ""
    (entry,) = gateway_derive.left_behind(gone_over)
    assert (entry["kind"], entry["name"]) == {
        "direct": ("vpc_access_connector", "shop-vpc"),
        "connector": ("compute_subnetwork", "shop-vpc-egress"),
    }[mode]
    assert entry["state"] == "absent" and entry["network"] == "shop-vpc" and entry["ip_cidr_range"] == other
    assert ways.why_stays(gone_over, [], True) == ways.why_stays(gone_over, [], False) == ""
    for one in (going_over, failed, unmade):
        assert "stays until the function" in ways.why_stays(one, [], True)
    # A teardown has removed the function before, and by what it called is known to be its own.
    assert ways.why_stays(going_over, [], False) == ""
    assert "used by function orders" in ways.why_stays(gone_over, ["function orders"], True)
    assert "used by function orders" in ways.why_stays(gone_over, ["function orders"], False)
    assert "may not be listed" in ways.why_stays(gone_over, None, True)
    nothing, _problems = judged(declared(egress=mode), {"connectors": {"theirs": "10.9.7.0/28"}})
    assert nothing["egress"]["left"] == {} and gateway_derive.left_behind(nothing) == []
    said = ways.going_over(going_over)
    assert f"from {other} to {ours}" in said and ("remove_left: true" in said) is (mode == "direct")


@pytest.mark.parametrize("judge", [True, False])
@pytest.mark.parametrize("stated", [{}, {"remove_left": False}])
def test_a_connector_that_may_be_somebody_elses_is_not_removed_unasked(judge: bool, stated: dict) -> None:
    """As one of the network's name that a colleague made by hand, and that the function never used."""
    ours, _other = WAYS["direct"]
    for calls_from in (ours, "10.9.5.0/28"):
        facts = left("direct", calls_from=calls_from, egress=stated)
        assert not ways.asked_to_go(facts, judge)
        assert ways.why_stays(facts, [], judge) != ""
    assert "remove_left: true" in ways.why_stays(left("direct", calls_from=ours, egress=stated), [], judge)


def test_a_connector_of_a_name_of_its_own_can_be_named_to_be_removed() -> None:
    named = {"mode": "direct", "connector": "own-name", "range": "10.9.9.0/26"}
    assert [one.path for one in judged(declared(egress=named))[1]] == ["egress.connector"]
    live = {"connectors": {"own-name": "10.9.8.0/28"}, "calls_from": "10.9.9.0/26"}
    facts, problems = judged(declared(egress={**named, "remove_left": True}), live)
    assert problems == [] and ways.why_stays(facts, [], True) == ""
    assert gateway_derive.left_behind(facts)[0]["name"] == "own-name" and facts["egress"]["subnet"] == "shop-vpc-egress"


@pytest.mark.parametrize("mode", ["direct", "connector"])
def test_a_teardown_leaves_the_declared_way_that_others_use(mode: str) -> None:
    facts, _problems = judged(declared(egress=mode))
    assert "used by job nightly" in ways.why_way_stays(facts, ["job nightly"])
    assert ways.why_way_stays(facts, []) == ""
    # Google keeps a subnet that is in use; of a connector nobody says that.
    assert ("may not be listed" in ways.why_way_stays(facts, None)) is (mode == "connector")
    kinds = [entry["kind"] for entry in gateway_derive.entries(facts, with_way=False)]
    assert kinds == ["iam_service_account", "iam_service_account"]


class Listing:
    """Stands for Google: lists by the last segment of their path; the others are empty."""

    def __init__(self, **lists: list[dict]) -> None:
        self.lists = lists

    def pages(self, _service: str, path: str, collection: str) -> list[dict]:
        assert path == f"v2/projects/acme-shop/locations/europe-west1/{collection}"
        return self.lists.get(collection, [])


@pytest.mark.parametrize("mode", ["direct", "connector"])
def test_who_else_uses_a_way(mode: str) -> None:
    facts, _problems = judged(declared(egress=mode))
    way = facts["egress"]
    interfaces, connector = [{"subnetwork": way["name"]}], f"x/{way['name']}"
    if mode == "direct":
        function, access = {"directVpcNetworkInterface": interfaces}, {"vpcAccess": {"networkInterfaces": interfaces}}
    else:
        function, access = {"vpcConnector": connector}, {"vpcAccess": {"connector": connector}}
    wire = Listing(
        functions=[{"name": f"a/{name}", "serviceConfig": function} for name in ("shop-api-forward", "orders")],
        services=[{"name": f"a/{name}", "template": access} for name in ("shop-api-forward", "orders", "web", "idle")],
        # A job of the function's name is not what is behind the function.
        jobs=[{"name": "a/shop-api-forward", "template": {"template": access}}, {"name": "a/idle", "template": {}}],
        workerPools=[{"name": "a/queue", "template": access}],
    )
    wire.lists["services"][-1]["template"] = {"vpcAccess": {"connector": "x/another"}}
    users = ["function orders", "job shop-api-forward", "service web", "worker pool queue"]
    assert reads.others_on(wire, facts, way, documents()) == users
    shared = {
        "name": f"projects/acme-shop/locations/europe-west1/connectors/{way['name']}",
        "connectedProjects": ["acme-shop", "123", "acme-host"],
    }
    found = reads.others_on(Listing(), facts, way, documents(connectors=[shared]))
    assert found == (["project acme-host"] if mode == "connector" else [])
