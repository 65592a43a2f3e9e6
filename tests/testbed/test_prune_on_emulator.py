# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pruning against the emulator: what is ours and not declared goes, in order; what others made stays."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

import pytest

from tests.testbed.certificates_double import TestAuthority
from tests.testbed.emulated_cloud import Cloud


def target_server(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {
        "kind": "apigee_target_server",
        "environment": "prod",
        "name": name,
        "host": "a.internal",
        "port": 80,
        **more,
    }


KEYSTORE: dict[str, t.Any] = {"kind": "apigee_keystore", "environment": "prod", "name": "old"}
REFERENCE: dict[str, t.Any] = {
    "kind": "apigee_reference",
    "environment": "prod",
    "name": "store",
    "refers": "old",
    "resource_type": "TrustStore",
}
#: The server refers to the reference, and that to the keystore: Google deletes them in this order only.
CHAIN = [KEYSTORE, REFERENCE, target_server("secured", tls={"enabled": True, "trust_store": "ref://store"})]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = Cloud(tmp_path_factory.mktemp("cloud"))
    yield started
    started.stop()


def removed(result: dict[str, t.Any]) -> list[str]:
    return [f"{one['kind']} {one['name']}" for one in result["resources"] if one["action"] == "deleted"]


def test_what_is_ours_and_not_declared_goes_after_what_is_declared(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.by_hand("POST", "/environments/prod/targetservers", {"name": "foreign", "host": "b.internal", "port": 81})
    cloud.run([target_server("orders"), *CHAIN])
    wanted = [target_server("orders", port=81)]

    predicted = cloud.run(wanted, prune={}, check=True, diff=True)
    expected = ["apigee_keystore prod/old", "apigee_reference store", "apigee_target_server secured"]
    assert sorted(removed(predicted)) == expected
    assert [one["before_header"] for one in predicted["diff"]][0] == "apigee_target_server orders"
    assert {one["before_header"] for one in predicted["diff"] if not one["after"]} == set(expected)
    assert cloud.by_hand("GET", "/environments/prod/targetservers") == ["foreign", "orders", "secured"]

    cloud.control("requests", "DELETE")
    done = cloud.run(wanted, prune={})
    assert sorted(removed(done)) == expected
    calls = [(c["verb"], c["path"].rsplit("/", 1)[-1]) for c in cloud.control("requests")["requests"] if c["mutating"]]
    order = [
        call for call in calls if call[0] in ("PUT", "DELETE") and call[1] in ("orders", "secured", "store", "old")
    ]
    assert order == [("PUT", "orders"), ("DELETE", "secured"), ("DELETE", "store"), ("DELETE", "old")]
    assert cloud.by_hand("GET", "/environments/prod/targetservers") == ["foreign", "orders"]

    cloud.control("requests", "DELETE")
    assert not cloud.run(wanted, prune={})["changed"] and cloud.writes() == 0


def test_scope_of_kinds_and_environments(cloud: Cloud) -> None:
    cloud.empty_organization(("prod", "test"))
    in_test = target_server("orders", environment="test")
    cloud.run([*CHAIN, target_server("orders"), in_test])
    assert not cloud.run([in_test], prune={"environments": ["test"]})["changed"]
    result = cloud.run([in_test], prune={"kinds": ["apigee_target_server"]})
    assert sorted(removed(result)) == ["apigee_target_server orders", "apigee_target_server secured"]
    assert cloud.by_hand("GET", "/environments/prod/keystores") == ["old"]


def test_what_a_truststore_is_made_of_stays_with_it_and_goes_with_it(cloud: Cloud) -> None:
    cloud.empty_organization()
    authorities = [TestAuthority().pem]
    truststore = {"kind": "apigee_truststore", "environment": "prod", "name": "ca", "authorities": authorities}
    cloud.run([truststore])
    assert not cloud.run([truststore], prune={})["changed"]
    result = cloud.run([target_server("orders")], prune={})
    assert [one.split()[0] for one in removed(result)] == [
        "apigee_keystore",
        "apigee_keystore_alias",
        "apigee_reference",
    ]
    assert cloud.by_hand("GET", "/environments/prod/keystores") == []


@pytest.mark.parametrize(
    ("prune", "declared", "said"),
    [
        ({}, [], "prune.empty: true"),
        ({"kinds": ["apigee_target_servers"]}, CHAIN, "Did you mean apigee_target_server?"),
        ({"kinds": ["apigee_truststore"]}, CHAIN, "told as its reference"),
        ({}, [{**KEYSTORE, "state": "absent"}], "is to be absent"),
    ],
)
def test_refusals_come_before_anything_is_read(
    cloud: Cloud, prune: dict[str, t.Any], declared: list[dict[str, t.Any]], said: str
) -> None:
    cloud.control("requests", "DELETE")
    result = cloud.run(declared, prune=prune, fails=True)
    assert said in result["msg"] and not cloud.control("requests")["requests"]


def test_nothing_declared_prunes_everything_when_told_so(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run(CHAIN)
    assert len(removed(cloud.run([], prune={"empty": True}))) == len(CHAIN)


def test_a_failure_keeps_what_may_still_be_needed(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([target_server("old")])
    cloud.control("faults", "POST", {"kind": "status", "match": "*targetservers.create", "status": 403, "times": 1})
    result = cloud.run([target_server("new")], prune={}, fails=True)
    cloud.control("faults", "DELETE")
    assert [(one["name"], one["action"]) for one in result["resources"]] == [("new", "failed"), ("old", "kept")]
    assert cloud.by_hand("GET", "/environments/prod/targetservers") == ["old"]
