# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pruning against the emulator: what is ours and not declared goes, in order; what others made stays."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import alias_content

from tests.testbed.certificates_double import TestAuthority
from tests.testbed.emulated_cloud import Cloud
from tests.testbed.whole_organization import SHARED_FLOW


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
    # The alias goes with its keystore.
    assert [one.split()[0] for one in removed(result)] == ["apigee_keystore", "apigee_reference"]
    assert cloud.by_hand("GET", "/environments/prod/keystores") == [] == cloud.by_hand("GET", "/keyvaluemaps")


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


#: What an environment holds that bears no mark.
UNMARKED: list[dict[str, t.Any]] = [
    {"kind": "apigee_keystore", "name": "store"},
    {"kind": "apigee_key_value_map", "name": "settings", "entries": {"a": "1"}},
    {"kind": "apigee_resource_file", "name": "limits", "type": "properties", "content": "a=1"},
    {"kind": "apigee_debug_mask", "variables": ["private.a"]},
]
OURS = {"kind": "apigee_environment", "name": "ours"}
PLACE = "/environments/ours"
MAP = "/keyvaluemaps/gatewayops-ownership"
RUN = Path(__file__).with_name("resources_run.py")
ALIAS = {"kind": "apigee_keystore_alias", "environment": "prod", "keystore": "old", "certificate": TestAuthority().pem}


def unmarked() -> list[dict[str, t.Any]]:
    return [{"environment": "ours", **options} for options in UNMARKED]


def in_our_environment(cloud: Cloud) -> tuple[t.Any, ...]:
    return (
        cloud.by_hand("GET", f"{PLACE}/keystores"),
        cloud.by_hand("GET", f"{PLACE}/keyvaluemaps"),
        cloud.by_hand("GET", f"{PLACE}/resourcefiles").get("resourceFile") or [],
        cloud.by_hand("GET", f"{PLACE}/debugmask").get("variables") or [],
    )


def make_by_hand(cloud: Cloud) -> None:
    """The same as ``UNMARKED``, as somebody else's tool makes it."""
    cloud.by_hand("POST", f"{PLACE}/keystores", {"name": "store"})
    cloud.by_hand("POST", f"{PLACE}/keyvaluemaps", {"name": "settings", "encrypted": True})
    cloud.by_hand("POST", f"{PLACE}/keyvaluemaps/settings/entries", {"name": "a", "value": "1"})
    query = {"name": "limits", "type": "properties"}
    content = {"content": b"a=1", "content_type": "application/octet-stream"}
    cloud.by_hand("POST", f"{PLACE}/resourcefiles", query=query, **content)
    cloud.by_hand("PATCH", f"{PLACE}/debugmask", {"variables": ["private.a"]}, query={"updateMask": "variables"})


def delete_by_hand(cloud: Cloud) -> None:
    for path in ("keystores/store", "keyvaluemaps/settings", "resourcefiles/properties/limits"):
        cloud.by_hand("DELETE", f"{PLACE}/{path}")
    how = {"updateMask": "variables", "replaceRepeatedFields": True}
    cloud.by_hand("PATCH", f"{PLACE}/debugmask", {"variables": []}, query=how)


def records(cloud: Cloud) -> dict[str, str]:
    """Kind and name of every record, and what it says."""
    maps = cloud.by_hand("GET", "/keyvaluemaps")
    entries = cloud.by_hand("GET", f"{MAP}/entries").get("keyValueEntries") if maps else []
    told = [json.loads(entry["value"]) for entry in entries or []]
    return {f"{one['kind']} {one['name']}": one["state"] for one in told}


def keystore_aliases(cloud: Cloud) -> t.Any:
    return cloud.by_hand("GET", "/environments/prod/keystores/old/aliases")


def test_what_others_put_into_our_environment_is_never_deleted(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS])
    make_by_hand(cloud)
    there = in_our_environment(cloud)
    assert all(there)
    # Declared once, which does not make them ours.
    assert not cloud.run([OURS, *unmarked()])["changed"]
    cloud.control("requests", "DELETE")
    assert not cloud.run([OURS], prune={})["changed"]
    # What has no record is not even read.
    assert not [one for one in cloud.control("requests")["requests"] if one["path"].endswith("keyvaluemaps/settings")]
    assert {one["action"] for one in cloud.run(unmarked(), state="absent")["resources"]} == {"kept"}
    assert in_our_environment(cloud) == there and cloud.writes() == 0
    assert {one["action"] for one in cloud.run(unmarked(), state="absent", force=True)["resources"]} == {"deleted"}


def test_what_others_put_into_our_environment_is_pruned_once_adopted(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS])
    make_by_hand(cloud)
    assert cloud.run([OURS, *unmarked()], adopt=True)["changed"]
    assert not cloud.run([OURS, *unmarked()], adopt=True)["changed"]
    assert len(removed(cloud.run([OURS], prune={}))) == len(UNMARKED)
    assert cloud.by_hand("GET", "/keyvaluemaps") == []


def test_what_we_put_into_our_environment_is_pruned_and_leaves_no_record(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS, *unmarked()])
    assert set(records(cloud).values()) == {"made"} and len(records(cloud)) == len(UNMARKED)
    result = cloud.run([OURS], prune={})
    assert [one.split()[0] for one in removed(result)] == sorted(one["kind"] for one in UNMARKED)
    assert not any(in_our_environment(cloud)) and cloud.by_hand("GET", "/keyvaluemaps") == []


@pytest.mark.parametrize("cleaned_by", ["prune", "absent", "environment"])
def test_what_was_deleted_by_hand_is_not_ours_when_others_make_it_again(cloud: Cloud, cleaned_by: str) -> None:
    cloud.empty_organization()
    cloud.run([OURS, *unmarked()])
    if cleaned_by == "environment":
        cloud.run([OURS], state="absent")
        assert records(cloud) == {}
        cloud.run([OURS])
    else:
        delete_by_hand(cloud)
        how = {"prune": {}} if cleaned_by == "prune" else {"state": "absent"}
        assert not cloud.run([OURS] if cleaned_by == "prune" else unmarked(), **how)["changed"]
    assert records(cloud) == {}
    make_by_hand(cloud)
    there = in_our_environment(cloud)
    cloud.run([OURS], prune={})
    assert in_our_environment(cloud) == there


def test_who_may_not_list_a_collection_is_told_and_no_record_of_it_goes(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS, *unmarked()])
    before = records(cloud)
    fault = {
        "kind": "status", "match": "apigee.organizations.environments.keyvaluemaps.list", "status": 403,
        "message": 'Permission denied on resource "organizations/acme-shop/environments/ours" (or it may not exist)',
    }  # fmt: skip
    cloud.control("faults", "POST", fault)
    try:
        refused = cloud.run([OURS, *unmarked()], prune={}, fails=True)
    finally:
        cloud.control("faults", "DELETE")
    assert "may not exist" in refused["msg"] and records(cloud) == before


def test_records_of_names_with_dots_are_two(cloud: Cloud) -> None:
    cloud.empty_organization()
    stores = [{**KEYSTORE, "name": name} for name in ("a.b", "a")]
    aliases = [{**ALIAS, "keystore": store, "name": name} for store, name in (("a.b", "c"), ("a", "b.c"))]
    cloud.run([*stores, *aliases])
    assert len(records(cloud)) == 4
    assert removed(cloud.run([*stores, aliases[0]], prune={})) == ["apigee_keystore_alias prod/a/b.c"]


def test_pruning_of_some_environments_takes_no_record_of_others(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS, *unmarked()])
    before = records(cloud)
    assert not cloud.run([OURS], prune={"environments": ["prod"]})["changed"] and records(cloud) == before
    assert not cloud.run([OURS, *unmarked()], prune={}, check=True)["changed"] and records(cloud) == before


def test_only_aliases_that_we_made_are_pruned_and_others_keep_their_keystore(cloud: Cloud) -> None:
    cloud.empty_organization()
    mine = {**ALIAS, "name": "mine"}
    cloud.run([KEYSTORE, mine])
    upload, form = alias_content.form({"certFile": ALIAS["certificate"].encode()})
    query = {"alias": "theirs", "format": "keycertfile"}
    content = {"content": upload, "content_type": form}
    cloud.by_hand("POST", "/environments/prod/keystores/old/aliases", query=query, **content)
    assert not cloud.run([KEYSTORE, mine], prune={})["changed"]
    assert removed(cloud.run([KEYSTORE], prune={})) == ["apigee_keystore_alias prod/old/mine"]
    # With what others have in it, the keystore stays.
    assert removed(cloud.run([target_server("orders")], prune={})) == []
    theirs = {**ALIAS, "name": "theirs"}
    kept = cloud.run([KEYSTORE, theirs], state="absent")
    assert {one["action"] for one in kept["resources"]} == {"kept"} and keystore_aliases(cloud) == ["theirs"]
    cloud.run([KEYSTORE, theirs], adopt=True)
    assert len(removed(cloud.run([target_server("orders")], prune={}))) == 2
    assert cloud.by_hand("GET", "/keyvaluemaps") == []


def test_an_environment_of_ours_stays_while_it_holds_something_of_others(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS, *unmarked()])
    kinds = {"kinds": ["apigee_environment", "apigee_keystore", "apigee_key_value_map"]}
    cloud.by_hand("POST", f"{PLACE}/targetservers", {"name": "foreign", "host": "b.internal", "port": 81})
    result = cloud.run([target_server("orders")], prune=kinds)
    kept = {one["kind"]: one.get("note") for one in result["resources"] if one["action"] == "kept"}
    assert list(kept) == ["apigee_environment"]
    assert "it holds apigee_target_server foreign" in str(kept["apigee_environment"])
    assert len(removed(result)) == 2
    assert cloud.run([OURS], state="absent")["resources"][0]["action"] == "kept"
    cloud.by_hand("DELETE", f"{PLACE}/targetservers/foreign")
    assert removed(cloud.run([OURS], state="absent")) == ["apigee_environment ours"]


def test_a_developer_of_ours_stays_while_somebody_elses_app_is_with_him(cloud: Cloud) -> None:
    cloud.empty_organization()
    ann = {"kind": "apigee_developer", "email": "ann@acme.example", "first_name": "Ann", "last_name": "Ames"}
    cloud.run([ann])
    cloud.by_hand("POST", "/developers/ann@acme.example/apps", {"name": "theirs"})
    assert removed(cloud.run([target_server("orders")], prune={})) == []
    cloud.by_hand("DELETE", "/developers/ann@acme.example/apps/theirs")
    assert removed(cloud.run([target_server("orders")], prune={})) == ["apigee_developer ann@acme.example"]


def test_a_create_that_is_refused_leaves_no_record(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.control("faults", "POST", {"kind": "status", "match": "*keystores.create", "status": 403, "times": 1})
    cloud.run([KEYSTORE], fails=True)
    cloud.control("faults", "DELETE")
    assert records(cloud) == {}
    cloud.by_hand("POST", "/environments/prod/keystores", {"name": "old"})
    assert not cloud.run([target_server("orders")], prune={"kinds": ["apigee_keystore"]})["resources"][1:]
    assert cloud.by_hand("GET", "/environments/prod/keystores") == ["old"]


def test_killed_before_the_object_the_next_one_of_that_name_is_not_ours(cloud: Cloud) -> None:
    for options in unmarked():
        cloud.empty_organization()
        cloud.run([OURS])
        # The record is refused, the map is made, the record is written: after that the run dies.
        assert cloud.run([options], die_after=3) == {}
        assert set(records(cloud).values()) == {"making"} and not any(in_our_environment(cloud))
        make_by_hand(cloud)
        there = in_our_environment(cloud)
        assert cloud.run([options], state="absent")["resources"][0]["action"] == "kept"
        assert not removed(cloud.run([OURS], prune={}))
        assert in_our_environment(cloud) == there


def test_killed_before_the_object_another_one_of_that_name_stays_theirs_when_declared(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS])
    declared = {"kind": "apigee_key_value_map", "environment": "ours", "name": "settings", "entries": {"b": "2"}}
    assert cloud.run([declared], die_after=3) == {}
    make_by_hand(cloud)
    assert cloud.run([declared])["changed"] and records(cloud) == {}
    assert not removed(cloud.run([OURS], prune={}))


def test_killed_after_the_object_the_next_run_makes_it_ours(cloud: Cloud) -> None:
    for number, options in enumerate(unmarked()):
        cloud.empty_organization()
        cloud.run([OURS])
        assert cloud.run([options], die_after=4) == {}
        assert set(records(cloud).values()) == {"making"} and in_our_environment(cloud)[number]
        cloud.run([options])
        assert set(records(cloud).values()) == {"made"}
        cloud.control("requests", "DELETE")
        assert not cloud.run([options])["changed"] and cloud.writes() == 0
        assert len(removed(cloud.run([OURS], prune={}))) == 1 and records(cloud) == {}


def test_a_truststore_whose_exchange_is_killed_anywhere_ends_with_one_keystore_and_its_record(cloud: Cloud) -> None:
    def truststore(pem: str) -> dict[str, t.Any]:
        place = {"environment": "prod", "name": "ca"}
        return {"kind": "apigee_truststore", **place, "authorities": [pem], "retire": True, "settle": 0}

    old, new = truststore(TestAuthority().pem), truststore(TestAuthority().pem)
    for number in itertools.count(1):
        cloud.empty_organization()
        cloud.run([old])
        if cloud.run([new], die_after=number):
            break
        cloud.run([new])
        stores = cloud.by_hand("GET", "/environments/prod/keystores")
        assert records(cloud) == {f"apigee_keystore prod/{store}": "made" for store in stores} and len(stores) == 1
        cloud.run([new], state="absent")
        assert cloud.by_hand("GET", "/environments/prod/keystores") == [] == cloud.by_hand("GET", "/keyvaluemaps")
    assert number > 6


def test_two_runs_at_once_leave_the_records_of_one(cloud: Cloud, tmp_path: Path) -> None:
    options = {
        **cloud.access,
        "resources": unmarked(),
        "_ansible_remote_tmp": str(tmp_path),
        "_ansible_keep_remote_files": False,
    }
    asked = tmp_path / "options.json"
    asked.write_text(json.dumps(options))
    for _ in range(3):
        cloud.empty_organization()
        cloud.run([OURS])
        both = [subprocess.Popen([sys.executable, str(RUN), str(asked), "0"], stdout=subprocess.DEVNULL) for _ in "ab"]
        assert [one.wait(300) for one in both] == [0, 0]
        assert len(records(cloud)) == len(UNMARKED) and set(records(cloud).values()) == {"made"}
        assert len(removed(cloud.run([OURS], prune={}))) == len(UNMARKED)


def test_an_object_made_at_another_time_is_another_one(cloud: Cloud) -> None:
    cloud.empty_organization()
    flow = {"kind": "apigee_shared_flow", "name": "guard", "bundle": str(SHARED_FLOW)}
    cloud.run([flow])
    path = f"{cloud.organization}/sharedflows/guard/revisions/1"
    bundle = cloud.client.send("apigee", "GET", path, query={"format": "bundle"}).content
    cloud.by_hand("DELETE", "/sharedflows/guard")
    upload = {"content": bundle, "content_type": "application/octet-stream"}
    cloud.by_hand("POST", "/sharedflows", query={"action": "import", "name": "guard"}, **upload)
    assert cloud.run([flow], state="absent")["resources"][0]["action"] == "kept"
    assert not removed(cloud.run([target_server("orders")], prune={}))


def test_the_records_are_read_once_and_written_twice_for_an_object(cloud: Cloud) -> None:
    cloud.empty_organization()
    cloud.run([OURS, {**unmarked()[0], "name": "first"}])

    def calls(verb: str) -> int:
        return sum(one["verb"] == verb and MAP in one["path"] for one in cloud.control("requests")["requests"])

    cloud.control("requests", "DELETE")
    cloud.run([OURS, *unmarked()])
    assert [calls(verb) for verb in ("GET", "POST", "PUT")] == [0, len(UNMARKED), len(UNMARKED)]
    cloud.control("requests", "DELETE")
    assert not cloud.run([OURS, *unmarked()])["changed"] and calls("GET") == 1 and cloud.writes() == 0
