# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_api_product, apigee_api_product_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARKED, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{ORG}/apiproducts"
ONE = f"{ALL}/partner"
PRODUCT = {
    "name": "partner",
    "displayName": "Partner",
    "approvalType": "auto",
    "environments": ["prod"],
    "proxies": ["orders"],
    "attributes": [{"name": "access", "value": "private"}, MARKED],
    "createdAt": "1",
    "lastModifiedAt": "2",
}
SENT = {key: value for key, value in PRODUCT.items() if not key.endswith("At")}
READ = {"apiSource": "orders", "operations": [{"resource": "/items/**", "methods": ["GET"]}]}
LIMITED = {
    "apiSource": "orders",
    "operations": [{"resource": "/orders", "methods": ["POST"]}],
    "quota": {"limit": "10", "interval": "1", "timeUnit": "minute"},
    "attributes": [{"name": "note", "value": "theirs"}],
}
GROUPED = {
    **{key: value for key, value in PRODUCT.items() if key != "proxies"},
    "operationGroup": {"operationConfigs": [READ, LIMITED], "operationConfigType": "proxy"},
}
ITEMS = {"proxy": "orders", "resource": "/items/**", "methods": ["GET"]}
ORDERS = {"proxy": "orders", "resource": "/orders", "methods": ["POST"]}


def test_create() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404)
    body = {
        "name": "partner",
        "displayName": "partner",
        "approvalType": "auto",
        "environments": ["prod"],
        "proxies": ["orders"],
        "quota": "100",
        "quotaInterval": "1",
        "quotaTimeUnit": "hour",
        "attributes": [{"name": "level", "value": "2"}, MARKED],
    }
    script.expect("POST", "apigee", ALL, body=body).replies(body)
    script.expect("GET", "apigee", ONE).replies(body)
    quota = {"quota": 100, "quota_interval": 1, "quota_time_unit": "hour"}
    options = {"environments": ["prod"], "proxies": ["orders"], "attributes": {"level": 2}}
    result = script.run(apigee_api_product, name="partner", **options, **quota)
    assert result["action"] == "created" and result["resource"]["attributes"] == {"level": "2"}
    assert result["resource"]["quota"] == 100


def test_no_change_in_another_order() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(GROUPED)
    operations = [{**ORDERS, "quota": {"limit": 10, "interval": 1, "time_unit": "minute"}}, ITEMS]
    result = script.run(
        apigee_api_product, name="partner", operations=operations, attributes={"access": "private"}, quota=0
    )
    assert not result["changed"] and result["requests"]["writes"] == 0


def test_an_update_replaces_the_whole_and_blanks_nothing() -> None:
    foreign = {"graphqlOperationGroup": {"operationConfigs": []}, "scopes": ["read"], "somethingNew": {"a": 1}}
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**PRODUCT, **foreign})
    new = {**SENT, **foreign, "description": "New", "environments": ["prod"]}
    script.expect("PUT", "apigee", ONE, body=new).replies(new)
    script.expect("GET", "apigee", ONE).replies(new)
    result = script.run(apigee_api_product, name="partner", description="New")
    assert result["changes"] == [{"field": "description", "before": None, "after": "New"}]


def test_what_is_not_stated_of_an_operation_stays() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(GROUPED)
    wider = {**LIMITED, "operations": [{"resource": "/orders", "methods": ["POST", "PUT"]}]}
    group = {"operationConfigs": [READ, wider], "operationConfigType": "proxy"}
    sent = {key: value for key, value in {**GROUPED, "operationGroup": group}.items() if not key.endswith("At")}
    script.expect("PUT", "apigee", ONE, body=sent).replies(sent)
    script.expect("GET", "apigee", ONE).replies(sent)
    operations = [ITEMS, {**ORDERS, "methods": ["POST", "PUT"]}]
    result = script.run(apigee_api_product, name="partner", operations=operations)
    assert [(one["field"], one["after"]) for one in result["changes"]] == [
        ("operations[POST orders /orders].methods", ["POST", "PUT"])
    ]


def test_operations_that_are_not_in_the_list_go_and_quotas_can_be_taken_away() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(GROUPED)
    bare = {key: value for key, value in LIMITED.items() if key != "quota"}
    group = {"operationConfigs": [bare], "operationConfigType": "proxy"}
    sent = {key: value for key, value in {**GROUPED, "operationGroup": group}.items() if not key.endswith("At")}
    script.expect("PUT", "apigee", ONE, body=sent).replies(sent)
    script.expect("GET", "apigee", ONE).replies(sent)
    result = script.run(apigee_api_product, name="partner", operations=[{**ORDERS, "quota": {}}])
    assert [one["field"] for one in result["changes"]] == [
        "operations[POST orders /orders].quota",
        "operations[GET orders /items/**]",
    ]


def test_from_proxies_to_operations_only_when_it_is_said() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(PRODUCT)
    refused = script.run(apigee_api_product, fails=True, name="partner", operations=[ITEMS])
    assert "proxies ['orders']" in refused["msg"] and "State proxies: []" in refused["msg"]
    script = Script()
    script.expect("GET", "apigee", ONE).replies(PRODUCT)
    sent = {**SENT, "proxies": [], "operationGroup": {"operationConfigs": [READ]}}
    script.expect("PUT", "apigee", ONE, body=sent).replies(sent)
    script.expect("GET", "apigee", ONE).replies(sent)
    assert script.run(apigee_api_product, name="partner", operations=[ITEMS], proxies=[])["changed"]


def test_and_back() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(GROUPED)
    refused = script.run(apigee_api_product, fails=True, name="partner", proxies=["orders"])
    assert "State operations: []" in refused["msg"]
    script = Script()
    script.expect("GET", "apigee", ONE).replies(GROUPED)
    script.expect("PUT", "apigee", ONE, body=SENT).replies(SENT)
    script.expect("GET", "apigee", ONE).replies(PRODUCT)
    assert script.run(apigee_api_product, name="partner", proxies=["orders"], operations=[])["changed"]


def test_a_quota_is_removed_as_a_whole() -> None:
    script = Script()
    limits = {"quota": "5", "quotaInterval": "1", "quotaTimeUnit": "day"}
    script.expect("GET", "apigee", ONE).replies({**PRODUCT, **limits})
    script.expect("PUT", "apigee", ONE, body=SENT).replies(SENT)
    script.expect("GET", "apigee", ONE).replies(PRODUCT)
    assert script.run(apigee_api_product, name="partner", quota=0)["changes"][0]["before"] == 5


def test_attributes_are_added_to_those_there_and_cleared_but_for_ours() -> None:
    for stated, sent in (
        ({"tier": "gold"}, [*PRODUCT["attributes"], {"name": "tier", "value": "gold"}]),
        ({}, [MARKED]),
    ):
        script = Script()
        script.expect("GET", "apigee", ONE).replies(PRODUCT)
        script.expect("PUT", "apigee", ONE, body={**SENT, "attributes": sent}).replies({})
        script.expect("GET", "apigee", ONE).replies({**PRODUCT, "attributes": sent})
        result = script.run(apigee_api_product, name="partner", attributes=stated)
        assert result["changed"] and "managed-by" not in result["resource"]["attributes"]


def test_a_new_product_that_would_open_everything_is_refused() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404)
    said = script.run(apigee_api_product, fails=True, name="partner")["msg"]
    assert "opens every proxy" in said and "opens every environment" in said


def test_delete_only_what_is_ours() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(PRODUCT)
    script.expect("DELETE", "apigee", ONE).replies(PRODUCT)
    assert script.run(apigee_api_product, name="partner", state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**PRODUCT, "attributes": []})
    assert script.run(apigee_api_product, name="partner", state="absent")["action"] == "kept"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"proxies": ["orders"], "operations": [ITEMS]}, "proxies and operations exclude each other"),
        ({"operations": [ITEMS, ITEMS]}, "GET orders /items/** stands there twice"),
        ({"operations": [{"proxy": "orders", "resource": "items"}]}, "does not begin with /"),
        ({"operations": [{**ITEMS, "quota": {"limit": 5}}]}, "needs limit and interval"),
        ({"quota": 5}, "come together, and there is only quota"),
        ({"quota": -5}, "from 1, or 0 for none"),
        ({"attributes": {str(number): "" for number in range(18)}}, "of which 1 are our own"),
        ({"attributes": {"managed-by": "me"}}, "is the collection's own"),
    ],
)
def test_what_cannot_be_right_is_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_api_product, fails=True, name="partner", **options)["msg"]


def test_all_are_read_in_pages() -> None:
    many = [{**PRODUCT, "name": f"p{number:03}"} for number in range(150)]
    script = Script()
    everything = {"expand": "true", "count": "1000"}
    script.expect("GET", "apigee", ALL, query=everything).replies({"apiProduct": many[:100]})
    script.expect("GET", "apigee", ALL, query={**everything, "startKey": "p099"}).replies({"apiProduct": many[99:]})
    found = script.run(apigee_api_product_info)["resources"]
    assert [one["name"] for one in found] == [one["name"] for one in many]


def test_a_product_waits_until_no_key_names_it() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(PRODUCT)
    used = "Cannot delete Product [partner] used in Application: shop"
    script.expect("DELETE", "apigee", ONE).refuses(400, used, code="FAILED_PRECONDITION")
    script.expect("DELETE", "apigee", ONE).replies(PRODUCT)
    assert script.run(apigee_api_product, name="partner", state="absent")["action"] == "deleted"
    assert script.slept
