# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, The gatewayops.apigee_gke contributors
"""Routing between environments, as pure data: who wins a base path, what is refused, what a change moves."""
from __future__ import annotations

from testbed.google.services.apigee import routing
from testbed.google.services.apigee.kinds import PROXY
from testbed.google.services.apigee.routing import Claim, Rule


def claim(path, environment="prod", proxy="orders", revision="1", since=1):
    return Claim(path, environment, proxy, revision, since)


def test_oldest_claim_wins_whatever_the_order():
    old, new = claim("/a", "dev", since=1), claim("/a/", "prod", since=2)
    for claims in ([old, new], [new, old]):
        assert routing.table(claims) == {"/a": Rule("/a", old, (new,))}


def test_receiver_prefers_the_most_specific_path_and_literals_over_wildcards():
    rules = routing.table([claim("/"), claim("/v1/*/x", proxy="wild"), claim("/v1/a/x", proxy="literal"),
                           claim("/v1", proxy="short")])
    assert routing.receiver(rules, "/v1/a/x/y").winner.proxy == "literal"
    assert routing.receiver(rules, "/v1/b/x").winner.proxy == "wild"
    assert routing.receiver(rules, "/v1/b").winner.proxy == "short"
    assert routing.receiver(rules, "/other").winner.proxy == "orders"
    assert routing.receiver({}, "/other") is None


def test_prefixes_end_at_segments():
    assert not routing.covers("/ord", "/orders")
    assert routing.covers("/", "/orders")


def test_second_revision_needs_override():
    assert routing.other_revision(PROXY, "acme", "orders", "1") == {
        "type": "CONFLICTING_DEPLOYMENT", "subject": "organizations/acme/apis/orders/revisions/1",
        "description": "Only one revision can be deployed at a time, use the override flag to replace."}


def test_a_proxy_does_not_conflict_with_itself():
    assert routing.environment_conflicts("acme", [claim("/a", revision="2")], [claim("/a")]) == []


def test_base_path_of_another_proxy_is_refused():
    existing = [claim("/a", proxy="old", revision="3"), claim("/a/logs", proxy="old", revision="3"), claim("/free")]
    new = [claim("/a", proxy="new"), claim("/a/logs/", proxy="new")]
    violations = routing.environment_conflicts("acme", new, existing)
    assert violations == [{
        "type": "CONFLICTING_DEPLOYMENT", "subject": "organizations/acme/apis/old/revisions/3",
        "description": 'Existing deployment of "organizations/acme/apis/old/revisions/3" contains conflicting base '
                       "paths: [/a /a/logs]."}]


def test_conflicts_name_group_and_winner():
    rules = routing.table([claim("/a", "dev", since=1), claim("/a", "prod", since=2)])
    assert routing.conflicts_of("dev", "orders", {"shop": rules}) == []
    conflict, = routing.conflicts_of("prod", "orders", {"shop": rules})
    assert conflict["environmentGroup"] == "shop"
    assert conflict["conflictingDeployment"] == {
        "apiProxy": "orders", "revision": "1", "environment": "dev", "basepath": "/a"}


def test_capturing_traffic_of_another_environment_asks_for_a_sequenced_rollout():
    before = {"shop": routing.table([claim("/a", "dev")])}
    after = {"shop": routing.table([claim("/a", "dev"), claim("/a/b", "prod", since=2)])}
    change, = routing.routing_changes(before, after)
    assert change["fromDeployment"]["environment"] == "dev"
    assert change["toDeployment"] == {"apiProxy": "orders", "revision": "1", "environment": "prod", "basepath": "/a/b"}
    assert change["shouldSequenceRollout"] is True


def test_new_revision_on_the_same_path_moves_nothing():
    before = {"shop": routing.table([claim("/a")])}
    after = {"shop": routing.table([claim("/a", revision="2")])}
    assert routing.routing_changes(before, after) == []


def test_undeploying_the_last_receiver_reports_traffic_without_target():
    change, = routing.routing_changes({"shop": routing.table([claim("/a")])}, {"shop": {}})
    assert "toDeployment" not in change and change["fromDeployment"]["basepath"] == "/a"
