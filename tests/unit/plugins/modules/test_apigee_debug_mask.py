# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_debug_mask, apigee_debug_mask_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import MARK, ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ENVIRONMENT = f"{ORG}/environments/prod"
ONE = f"{ENVIRONMENT}/debugmask"
EMPTY = {"name": "organizations/acme-shop/environments/prod/debugmask"}
MASK = {**EMPTY, "variables": ["private.a", "private.b"], "requestXPaths": ["/a:b"], "namespaces": {"a": "urn:a"}}
LISTS = "faultJSONPaths,faultXPaths,namespaces,requestJSONPaths,requestXPaths,responseJSONPaths,responseXPaths"


def query(mask: str) -> dict[str, str]:
    return {"updateMask": mask, "replaceRepeatedFields": "true"}


def owned_environment(script: Script) -> None:
    """The environment is ours, so the mask needs no record."""
    script.expect("GET", "apigee", ORG).replies({"name": "acme-shop"})
    script.expect("GET", "apigee", ENVIRONMENT).replies({"name": "prod", "description": MARK})


def test_an_empty_mask_is_filled() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(EMPTY)
    body = {"variables": ["private.b", "private.a"], "namespaces": {"a": "urn:a"}, "requestXPaths": ["/a:b"]}
    script.expect("PATCH", "apigee", ONE, query=query("namespaces,requestXPaths,variables"), body=body).replies(MASK)
    script.expect("GET", "apigee", ONE).replies(MASK)
    options = {"variables": ["private.b", "private.a"], "request_xpaths": ["/a:b"], "namespaces": {"a": "urn:a"}}
    result = script.run(apigee_debug_mask, environment="prod", **options)
    assert result["action"] == "created"
    assert result["resource"]["request_xpaths"] == ["/a:b"]


def test_order_does_not_matter_and_what_is_not_stated_stays() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(MASK)
    assert not script.run(apigee_debug_mask, environment="prod", variables=["private.b", "private.a"])["changed"]


def test_a_list_becomes_exactly_what_is_stated() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(MASK)
    script.expect("PATCH", "apigee", ONE, query=query("variables"), body={"variables": ["private.a"]}).replies({})
    script.expect("GET", "apigee", ONE).replies({**MASK, "variables": ["private.a"]})
    options = {"variables": ["private.a"], "request_xpaths": ["/a:b"]}
    result = script.run(apigee_debug_mask, environment="prod", **options)
    assert [change["field"] for change in result["changes"]] == ["variables"]


def test_an_empty_mask_that_is_to_be_empty_is_right() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(EMPTY)
    assert not script.run(apigee_debug_mask, environment="prod", variables=[])["changed"]


def test_the_last_value_can_be_taken_out() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**EMPTY, "variables": ["private.a"]})
    script.expect("PATCH", "apigee", ONE, query=query("variables"), body={"variables": []}).replies(EMPTY)
    script.expect("GET", "apigee", ONE).replies(EMPTY)
    assert script.run(apigee_debug_mask, environment="prod", variables=[])["action"] == "updated"


def test_absent_empties_all_of_it_if_it_is_ours() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(MASK)
    assert script.run(apigee_debug_mask, environment="prod", state="absent")["action"] == "kept"
    script = Script()
    script.records.hold("apigee_debug_mask", "prod")
    script.expect("GET", "apigee", ONE).replies(MASK)
    script.expect("PATCH", "apigee", ONE, query=query(f"{LISTS},variables"), content=lambda data: None).replies(EMPTY)
    assert script.run(apigee_debug_mask, environment="prod", state="absent")["action"] == "deleted"
    script = Script()
    script.expect("GET", "apigee", ONE).replies(EMPTY)
    assert not script.run(apigee_debug_mask, environment="prod", state="absent")["changed"]


def test_a_mask_of_nothing_is_refused_unsent() -> None:
    assert "nothing is stated" in Script().run(apigee_debug_mask, fails=True, environment="prod")["msg"]


def test_reading() -> None:
    for found, shown in ((MASK, [["private.a", "private.b"]]), (EMPTY, [])):
        script = Script()
        script.expect("GET", "apigee", ONE).replies(found)
        resources = script.run(apigee_debug_mask_info, environment="prod")["resources"]
        assert [one["variables"] for one in resources] == shown
