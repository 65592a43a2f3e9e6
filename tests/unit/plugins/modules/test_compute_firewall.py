# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.gatewayops.apigee_gke.plugins.modules import compute_firewall
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.google_replies import COMPUTE, MARK, write
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ONE = f"{COMPUTE}/global/firewalls/apigee"
RULE = {
    "name": "apigee",
    "description": MARK,
    "network": f"https://www.googleapis.com/{COMPUTE}/global/networks/shop-vpc",
    "direction": "INGRESS",
    "priority": 1000,
    "allowed": [{"IPProtocol": "tcp", "ports": ["8080"]}],
    "sourceRanges": ["10.40.0.0/22"],
}
OPTIONS = {
    "name": "apigee",
    "network": "shop-vpc",
    "source_ranges": ["10.40.0.0/22"],
    "allowed": [{"protocol": "tcp", "ports": ["8080"]}],
}


def test_create() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).refuses(404)
    body = {**RULE, "network": "projects/acme-shop/global/networks/shop-vpc"}
    del body["priority"]
    write(script, "POST", "global/firewalls", body)
    script.expect("GET", "compute", ONE).replies(RULE)
    assert script.run(compute_firewall, **OPTIONS)["action"] == "created"


def test_no_change_whatever_the_order_and_case() -> None:
    two = [{"IPProtocol": "udp"}, {"IPProtocol": "tcp", "ports": ["443", "8080"]}]
    script = Script()
    script.expect("GET", "compute", ONE).replies({**RULE, "allowed": two})
    allowed = [{"protocol": "TCP", "ports": ["8080", "443"]}, {"protocol": "udp"}]
    assert not script.run(compute_firewall, **{**OPTIONS, "allowed": allowed}, priority=1000, disabled=False)["changed"]


def test_drift() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(RULE)
    body = {"allowed": [{"IPProtocol": "tcp", "ports": ["8443"]}]}
    write(script, "PATCH", "global/firewalls/apigee", body)
    script.expect("GET", "compute", ONE).replies({**RULE, **body})
    result = script.run(compute_firewall, **{**OPTIONS, "allowed": [{"protocol": "tcp", "ports": ["8443"]}]})
    assert [change["field"] for change in result["changes"]] == ["allowed"]


def test_what_is_called_until_now_is_retained_until_it_is_withdrawn() -> None:
    wanted = {**OPTIONS, "allowed": [{"protocol": "tcp", "ports": ["8443"]}], "source_ranges": ["10.50.0.0/22"]}
    both = {
        "allowed": [{"IPProtocol": "tcp", "ports": ["8443", "8080"]}],
        "sourceRanges": ["10.50.0.0/22", "10.40.0.0/22"],
    }
    script = Script()
    script.expect("GET", "compute", ONE).replies(RULE)
    write(script, "PATCH", "global/firewalls/apigee", both)
    script.expect("GET", "compute", ONE).replies({**RULE, **both})
    result = script.run(compute_firewall, **wanted, retain=True)
    assert result["action"] == "updated" and result["note"] == "still admits tcp 8080, 10.40.0.0/22"

    script = Script()
    script.expect("GET", "compute", ONE).replies({**RULE, **both})
    result = script.run(compute_firewall, **wanted, retain=True)
    assert not result["changed"] and result["note"] == "still admits tcp 8080, 10.40.0.0/22"

    script = Script()
    script.expect("GET", "compute", ONE).replies({**RULE, **both})
    last = {"allowed": [{"IPProtocol": "tcp", "ports": ["8443"]}], "sourceRanges": ["10.50.0.0/22"]}
    write(script, "PATCH", "global/firewalls/apigee", last)
    script.expect("GET", "compute", ONE).replies({**RULE, **last})
    result = script.run(compute_firewall, **wanted)
    assert result["action"] == "updated" and "note" not in result


def test_nothing_is_retained_where_nothing_more_is_admitted() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies({**RULE, "allowed": [{"IPProtocol": "udp"}, *RULE["allowed"]]})
    allowed = [{"protocol": "TCP", "ports": ["8080"]}, {"protocol": "udp"}]
    result = script.run(compute_firewall, **{**OPTIONS, "allowed": allowed}, retain=True)
    assert not result["changed"] and "note" not in result


def test_new_description_keeps_the_mark() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(RULE)
    write(script, "PATCH", "global/firewalls/apigee", {"description": f"for Apigee {MARK}"})
    script.expect("GET", "compute", ONE).replies({**RULE, "description": f"for Apigee {MARK}"})
    result = script.run(compute_firewall, **OPTIONS, description="for Apigee")
    assert result["resource"]["description"] == "for Apigee"


def test_allow_does_not_become_deny() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(RULE)
    options = {**OPTIONS, "denied": OPTIONS["allowed"]}
    del options["allowed"]
    assert "Google does not turn one into the other" in script.run(compute_firewall, fails=True, **options)["msg"]


def test_another_direction_is_refused() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(RULE)
    result = script.run(compute_firewall, fails=True, **OPTIONS, direction="EGRESS")
    assert "direction cannot be changed in place" in result["msg"]


def test_broken_range_is_refused_without_a_request() -> None:
    result = Script().run(compute_firewall, fails=True, **{**OPTIONS, "source_ranges": ["10.40.0.1/22"]})
    assert "source_ranges: 10.40.0.1/22 is not a range" in result["msg"]


def test_delete() -> None:
    script = Script()
    script.expect("GET", "compute", ONE).replies(RULE)
    write(script, "DELETE", "global/firewalls/apigee")
    assert script.run(compute_firewall, **OPTIONS, state="absent")["action"] == "deleted"
