# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Organisation, instance, environment, groups, attachments: the long operations and who owns what."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_environment,
    apigee_environment_group,
    apigee_environment_group_attachment,
    apigee_instance,
    apigee_instance_attachment,
    apigee_organization,
    apigee_organization_info,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import (
    DONE,
    ENVIRONMENT,
    HIDDEN,
    LOCKED,
    MARK,
    OPERATION,
    ORG,
    ORGANIZATION,
    with_description,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.records_double import RecordsDouble
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

POLL = "v1/organizations/acme-shop/operations/o1"
NEW = {
    "name": "acme-shop",
    "billing_type": "EVALUATION",
    "analytics_region": "europe-west1",
    "authorized_network": "shop-vpc",
}
MAP = f"{ORG}/keyvaluemaps/gatewayops-ownership"


def finished(script: Script) -> None:
    script.expect("GET", "apigee", POLL).replies(DONE)


def test_organization_is_created_in_its_project() -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).refuses(403, HIDDEN, code="PERMISSION_DENIED")
    body = {
        "runtimeType": "CLOUD",
        "billingType": "EVALUATION",
        "analyticsRegion": "europe-west1",
        "authorizedNetwork": "shop-vpc",
        "description": MARK,
    }
    query = {"parent": "projects/acme-shop"}
    script.expect("POST", "apigee", "v1/organizations", query=query, body=body).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", ORG).replies(with_description(ORGANIZATION))
    assert script.run(apigee_organization, **NEW)["action"] == "created"


def test_organization_is_adopted_and_then_never_deleted() -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    assert not script.run(apigee_organization, **NEW)["changed"]
    for force in (False, True):
        script = Script()
        script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
        result = script.run(apigee_organization, fails=force, name="acme-shop", state="absent", force=force)
        assert "left alone" in (result["msg"] if force else result["note"])


def test_organization_that_is_paid_for_is_deleted_by_name_only() -> None:
    paid = with_description({**ORGANIZATION, "billingType": "PAYG"})
    script = Script()
    script.expect("GET", "apigee", ORG).replies(paid)
    assert script.run(apigee_organization, name="acme-shop", state="absent")["action"] == "kept"
    script = Script()
    script.expect("GET", "apigee", ORG).replies(paid)
    script.expect("DELETE", "apigee", ORG).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", ORG).refuses(403, HIDDEN, code="PERMISSION_DENIED")
    result = script.run(apigee_organization, name="acme-shop", state="absent", confirm_deletion="acme-shop")
    assert result["action"] == "deleted"


def test_organization_foundation_is_fixed() -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    options = {**NEW, "authorized_network": "other"}
    result = script.run(apigee_organization, fails=True, **options, allow_recreate=True)
    assert "authorized_network" in result["msg"] and "never re-created" in result["msg"]


def test_organization_properties_that_are_not_named_stay() -> None:
    there = {"property": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}
    script = Script()
    script.expect("GET", "apigee", ORG).replies({**ORGANIZATION, "properties": there})
    body = {key: value for key, value in ORGANIZATION.items() if key not in ("state", "name")}
    body["properties"] = {"property": [{"name": "a", "value": "1"}, {"name": "b", "value": "3"}]}
    script.expect("PUT", "apigee", ORG, body=body).replies(ORGANIZATION)
    script.expect("GET", "apigee", ORG).replies({**ORGANIZATION, "properties": body["properties"]})
    result = script.run(apigee_organization, name="acme-shop", properties={"b": "3"})
    assert result["changes"] == [{"field": "properties.b", "before": "2", "after": "3"}]


def test_organization_needs_a_network_model_to_be_created() -> None:
    script = Script()
    script.expect("GET", "apigee", ORG).refuses(404, "not found", code="NOT_FOUND")
    result = script.run(apigee_organization, fails=True, name="acme-shop")
    assert "network model" in result["msg"] and "analytics_region" in result["msg"]
    both = {**NEW, "disable_vpc_peering": True}
    assert "exclude each other" in Script().run(apigee_organization, fails=True, **both)["msg"]


def test_organization_info() -> None:
    script = Script()
    script.expect("GET", "apigee", "v1/organizations").replies({"organizations": [{"organization": "acme-shop"}]})
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    assert script.run(apigee_organization_info)["resources"][0]["billing_type"] == "EVALUATION"


INSTANCE = {"name": "eu", "location": "europe-west1", "ipRange": "10.30.0.0/22,10.31.0.0/28", "state": "ACTIVE"}


def test_instance_create_waits_for_the_lock_and_the_operation() -> None:
    script = Script()
    one = f"{ORG}/instances/eu"
    script.expect("GET", "apigee", one).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    body = {"name": "eu", "location": "europe-west1", "ipRange": "10.30.0.0/22", "description": MARK}
    script.expect("POST", "apigee", f"{ORG}/instances", body=body).refuses(400, LOCKED, code="FAILED_PRECONDITION")
    script.expect("POST", "apigee", f"{ORG}/instances", body=body).replies(OPERATION)
    script.expect("GET", "apigee", POLL).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", one).replies({**INSTANCE, "state": "CREATING"})
    script.expect("GET", "apigee", one).replies({**INSTANCE, "host": "10.30.0.2"})
    result = script.run(apigee_instance, name="eu", location="europe-west1", ip_ranges=["10.30.0.0/22"])
    assert result["resource"]["host"] == "10.30.0.2" and script.slept


def test_a_hybrid_organization_has_no_instances() -> None:
    hybrid = {**ORGANIZATION, "runtimeType": "HYBRID", "authorizedNetwork": ""}
    cases = (
        (apigee_instance, f"{ORG}/instances/eu", {"name": "eu", "location": "europe-west1"}),
        (apigee_instance_attachment, f"{ORG}/instances/eu/attachments", {"instance": "eu", "environment": "prod"}),
    )
    for module, read, options in cases:
        script = Script()
        found = script.expect("GET", "apigee", read)
        found.replies({}) if "attachments" in read else found.refuses(404, "not found", code="NOT_FOUND")
        script.expect("GET", "apigee", ORG).replies(hybrid)
        said = script.run(module, fails=True, check=True, **options)["msg"]
        assert "organisation acme-shop is a hybrid one" in said and "manages no instance for it" in said


def test_instance_ranges_that_google_added_are_no_difference() -> None:
    script = Script()
    script.expect("GET", "apigee", f"{ORG}/instances/eu").replies(INSTANCE)
    result = script.run(apigee_instance, name="eu", location="europe-west1", ip_ranges=["10.30.0.0/22"])
    assert not result["changed"]


def test_instance_operation_that_fails() -> None:
    script = Script()
    script.expect("GET", "apigee", f"{ORG}/instances/eu").refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    failed = {**OPERATION, "done": True, "error": {"code": 9, "message": "no range left"}}
    script.expect("POST", "apigee", f"{ORG}/instances", content=lambda data: None).replies(failed)
    script.expect("GET", "apigee", f"{ORG}/instances/eu").refuses(404, "not found", code="NOT_FOUND")
    result = script.run(apigee_instance, fails=True, name="eu", location="europe-west1")
    assert "no range left" in result["msg"] and "Apigee instance eu" in result["msg"]


def test_instance_bad_ranges_are_refused_unsent() -> None:
    options = {"name": "EU", "location": "europe-west1", "ip_ranges": ["10.0.0.0/20", "8.8.8.0/28", "x"]}
    said = Script().run(apigee_instance, fails=True, **options)["msg"]
    assert all(text in said for text in ("lower-case", "neither a /22 nor a /28", "not a private range", "'x'"))


def test_environment_update_uses_put_and_patch() -> None:
    one = f"{ORG}/environments/prod"
    script = Script()
    script.expect("GET", "apigee", one).replies(ENVIRONMENT)
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    put = {"name": "prod", "description": MARK, "deploymentType": "PROXY", "displayName": "Production"}
    script.expect("PUT", "apigee", one, body=put).replies(ENVIRONMENT)
    patch = {"name": "prod", "nodeConfig": {"minNodeCount": "2"}}
    script.expect("PATCH", "apigee", one, query={"updateMask": "nodeConfig"}, body=patch).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", one).replies({**ENVIRONMENT, "displayName": "Production"})
    options = {"name": "prod", "display_name": "Production", "node_config": {"min_node_count": 2}}
    result = script.run(apigee_environment, **options)
    assert [change["field"] for change in result["changes"]] == ["display_name", "node_config.min_node_count"]


def test_environment_type_goes_by_patch_and_is_waited_for() -> None:
    one = f"{ORG}/environments/prod"
    script = Script()
    script.expect("GET", "apigee", one).replies({**ENVIRONMENT, "type": "BASE"})
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    patch = {"name": "prod", "type": "COMPREHENSIVE"}
    script.expect("PATCH", "apigee", one, query={"updateMask": "type"}, body=patch).replies(OPERATION)
    finished(script)
    script.expect("GET", "apigee", one).replies({**ENVIRONMENT, "type": "COMPREHENSIVE", "state": "UPDATING"})
    script.expect("GET", "apigee", one).replies({**ENVIRONMENT, "type": "COMPREHENSIVE"})
    assert script.run(apigee_environment, name="prod", type="COMPREHENSIVE")["action"] == "updated"


@pytest.mark.parametrize("index", [0, -2])
def test_environment_client_address(index: int) -> None:
    one = f"{ORG}/environments/prod"
    algorithm = {"ipHeaderName": "X-Forwarded-For", "ipHeaderIndex": index}
    wanted = {"header_name": "X-Forwarded-For", "header_index": index}
    told = {key: value for key, value in algorithm.items() if value}  # Google leaves 0 out
    nodes = {"minNodeCount": "2", "currentAggregateNodeCount": "4"}
    there = {**ENVIRONMENT, "nodeConfig": nodes}
    kept = {"name": "prod", "description": MARK, "deploymentType": "PROXY", "nodeConfig": {"minNodeCount": "2"}}
    script = Script()
    script.expect("GET", "apigee", one).replies(there)
    body = {**kept, "clientIpResolutionConfig": {"headerIndexAlgorithm": algorithm}}
    script.expect("PUT", "apigee", one, body=body).replies({})
    resolved = {**there, "clientIpResolutionConfig": {"headerIndexAlgorithm": told}}
    script.expect("GET", "apigee", one).replies(resolved)
    result = script.run(apigee_environment, name="prod", client_ip_resolution=wanted)
    assert result["resource"]["client_ip_resolution"] == wanted
    assert result["resource"]["node_config"]["current_aggregate_node_count"] == 4
    script = Script()
    script.expect("GET", "apigee", one).replies(resolved)
    options = {"client_ip_resolution": wanted, "node_config": {"min_node_count": 2}}
    assert not script.run(apigee_environment, name="prod", **options)["changed"]
    script = Script()
    script.expect("GET", "apigee", one).replies(resolved)
    script.expect("PUT", "apigee", one, body={**kept, "clientIpResolutionConfig": {}}).replies({})
    script.expect("GET", "apigee", one).replies(there)
    assert script.run(apigee_environment, name="prod", client_ip_resolution={})["action"] == "updated"


def test_environment_of_a_hybrid_organization_has_no_size() -> None:
    script = Script()
    script.expect("GET", "apigee", f"{ORG}/environments/prod").replies(ENVIRONMENT)
    script.expect("GET", "apigee", ORG).replies({"name": "acme-shop", "runtimeType": "HYBRID"})
    said = script.run(apigee_environment, fails=True, name="prod", type="BASE")["msg"]
    assert "manages no type for it" in said and "overrides file" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"deployment_type": "PROXY", "api_proxy_type": "CONFIGURABLE"}, "needs deployment_type ARCHIVE"),
        ({"forward_proxy_uri": "https://proxy:3128"}, "Write http://HOST:PORT"),
        ({"client_ip_resolution": {"header_name": "X"}}, "needs header_name and header_index"),
        ({"node_config": {"min_node_count": 5, "max_node_count": 2}}, "min_node_count 5 is more than"),
    ],
)
def test_environments_that_cannot_be_are_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_environment, fails=True, name="prod", **options)["msg"]


def test_environment_defaults_that_google_leaves_out_are_no_difference() -> None:
    script = Script()
    script.expect("GET", "apigee", f"{ORG}/environments/prod").replies({"name": "prod", "state": "ACTIVE"})
    options = {"deployment_type": "PROXY", "api_proxy_type": "PROGRAMMABLE", "properties": {}, "display_name": ""}
    assert not script.run(apigee_environment, name="prod", **options)["changed"]


def test_environment_that_is_deleting_is_made_again() -> None:
    one = f"{ORG}/environments/prod"
    script = Script()
    script.expect("GET", "apigee", one).replies({**ENVIRONMENT, "state": "DELETING"})
    script.expect("GET", "apigee", one).refuses(404, "not found", code="NOT_FOUND")
    script.expect("POST", "apigee", f"{ORG}/environments", body={"name": "prod", "description": MARK}).replies(DONE)
    script.expect("GET", "apigee", one).replies(ENVIRONMENT)
    assert script.run(apigee_environment, name="prod")["action"] == "created"


GROUP = {"name": "public", "hostnames": ["api.example"], "state": "ACTIVE"}
RECORD = "apigee_environment_group.public"


def test_group_of_an_adopted_organization_gets_a_record_first() -> None:
    one = f"{ORG}/envgroups/public"
    script = Script()
    script.expect("GET", "apigee", one).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    body = {"name": "public", "hostnames": ["api.example"]}
    script.expect("POST", "apigee", f"{ORG}/envgroups", query={"name": "public"}, body=body).replies(DONE)
    script.expect("GET", "apigee", one).replies({**GROUP, "createdAt": "17"})
    assert script.run(apigee_environment_group, name="public", hostnames=["api.example"])["action"] == "created"
    record = {"kind": "apigee_environment_group", "name": "public", "state": "made", "created": "17"}
    assert script.records.held == {RECORD: record}
    assert script.records.calls == [f"POST {RECORD}", "POST map", f"POST {RECORD}", f"PUT {RECORD}"]


class Meanwhile(RecordsDouble):
    """Another run, whose create was the one that succeeded, notes it just before this one takes its own record back."""

    def _entry(self, method: str, key: str, listed: bool, body: Any) -> tuple[int, Any]:
        if method == "DELETE":
            self.held[key]["state"] = "made"
        return super()._entry(method, key, listed, body)


@pytest.mark.parametrize(
    ("records", "left"),
    [
        (RecordsDouble, {}),
        (Meanwhile, {RECORD: "made"}),
    ],
)
def test_what_another_run_has_made_meanwhile_keeps_its_record(
    records: type[RecordsDouble], left: dict[str, str]
) -> None:
    one = f"{ORG}/envgroups/public"
    script = Script()
    script.records = records()
    body = {"name": "public", "hostnames": ["api.example"]}
    script.expect("GET", "apigee", one).refuses(404, "not found", code="NOT_FOUND")
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    script.expect("POST", "apigee", f"{ORG}/envgroups", query={"name": "public"}, body=body).refuses(
        409, "exists", code="ALREADY_EXISTS"
    )
    script.expect("GET", "apigee", one).replies(GROUP)
    script.expect("GET", "apigee", one).replies(GROUP)
    assert not script.run(apigee_environment_group, name="public", hostnames=["api.example"])["changed"]
    assert script.records.states == left
    # The map stays: the other run may be about to write to it.
    assert "DELETE map" not in script.records.calls


def test_group_without_a_record_is_left_alone_and_one_with_a_record_goes() -> None:
    one = f"{ORG}/envgroups/public"
    script = Script()
    script.expect("GET", "apigee", one).replies(GROUP)
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    assert script.run(apigee_environment_group, name="public", state="absent")["action"] == "kept"
    script = Script()
    script.records.hold("apigee_environment_group", "public", created="17")
    script.expect("GET", "apigee", one).replies({**GROUP, "createdAt": "18"})
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    assert script.run(apigee_environment_group, name="public", state="absent")["action"] == "kept"
    script = Script()
    script.records.hold("apigee_environment_group", "public", created="17")
    script.expect("GET", "apigee", one).replies({**GROUP, "createdAt": "17"})
    script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
    script.expect("DELETE", "apigee", one).replies(DONE)
    script.expect("GET", "apigee", one).refuses(404, "no", code="NOT_FOUND")
    assert script.run(apigee_environment_group, name="public", state="absent")["action"] == "deleted"


def test_group_hostnames_change_by_mask_and_order_does_not_matter() -> None:
    one = f"{ORG}/envgroups/public"
    script = Script()
    script.expect("GET", "apigee", one).replies({**GROUP, "hostnames": ["b.example", "api.example"]})
    options = {"name": "public", "hostnames": ["API.example", "b.example"]}
    assert not script.run(apigee_environment_group, **options)["changed"]
    script = Script()
    script.expect("GET", "apigee", one).replies(GROUP)
    query = {"updateMask": "hostnames"}
    script.expect("PATCH", "apigee", one, query=query, body={"hostnames": ["c.example"]}).replies(DONE)
    script.expect("GET", "apigee", one).replies({**GROUP, "hostnames": ["c.example"]})
    assert script.run(apigee_environment_group, name="public", hostnames=["c.example"])["action"] == "updated"
    wrong = {"name": "public", "hostnames": ["https://api.example"]}
    assert "is no host name" in Script().run(apigee_environment_group, fails=True, **wrong)["msg"]


def test_attachments_are_found_by_environment_and_deleted_by_their_own_name() -> None:
    group = {"environment_group": "public"}
    cases = (
        (apigee_instance_attachment, "instances/eu", "attachments", {"instance": "eu"}),
        (apigee_environment_group_attachment, "envgroups/public", "environmentGroupAttachments", group),
    )
    for module, parent, items, options in cases:
        where = f"{ORG}/{parent}/attachments"
        listed = {items: [{"name": "a-1", "environment": "test"}, {"name": "a-2", "environment": "prod"}]}
        script = Script()
        script.expect("GET", "apigee", where).replies({})
        if module is apigee_instance_attachment:
            script.expect("GET", "apigee", ORG).replies(ORGANIZATION)
        script.expect("GET", "apigee", f"{ORG}/environments/prod").replies(ENVIRONMENT)
        script.expect("POST", "apigee", where, body={"environment": "prod"}).replies(OPERATION)
        finished(script)
        script.expect("GET", "apigee", where).replies(listed)
        assert script.run(module, environment="prod", **options)["action"] == "created"
        script = Script()
        script.expect("GET", "apigee", where).replies(listed)
        assert not script.run(module, environment="prod", **options)["changed"]
        script = Script()
        script.expect("GET", "apigee", where).replies(listed)
        script.expect("GET", "apigee", f"{ORG}/environments/prod").replies(ENVIRONMENT)
        script.expect("DELETE", "apigee", f"{where}/a-2").replies(DONE)
        assert script.run(module, environment="prod", state="absent", **options)["action"] == "deleted"
