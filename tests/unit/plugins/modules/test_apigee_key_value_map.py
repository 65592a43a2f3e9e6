# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import json
import typing as t

import pytest
from ansible.module_utils import basic
from ansible_collections.gatewayops.apigee_gke.plugins.modules import (
    apigee_key_value_map,
    apigee_key_value_map_info,
    resources,
)
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ALL = f"{ORG}/environments/prod/keyvaluemaps"
ONE = f"{ALL}/settings"
ENTRIES = f"{ONE}/entries"
MAP = {"name": "settings", "encrypted": True}
WANTED = {"environment": "prod", "name": "settings"}
SECRET = "canary-partner-token"


def listed(**entries: str) -> dict:
    return {"keyValueEntries": [{"name": name, "value": value} for name, value in entries.items()]}


def _keep(module: basic.AnsibleModule, first: t.Callable, into: dict, *positional: object, **named: object) -> None:
    """An ``__init__`` that shows its object to the test."""
    into["module"] = module
    first(module, *positional, **named)


def found(script: Script, **entries: str) -> None:
    script.expect("GET", "apigee", ONE).replies(MAP)
    script.expect("GET", "apigee", ENTRIES).replies(listed(**entries))


def test_create_writes_the_map_and_then_its_entries_at_once() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404)
    script.records.hold("apigee_keystore", "prod/other")
    script.expect("POST", "apigee", ALL, body={**MAP, "maskedValues": False}).replies(MAP)
    with script.together():
        for name, value in (("a/b", "1"), ("on", "true"), ("token", SECRET)):
            script.expect("POST", "apigee", ENTRIES, body={"name": name, "value": value}).replies({})
    found(script, **{"a/b": "1", "on": "true", "token": SECRET})
    result = script.run(
        apigee_key_value_map, **WANTED, entries={"a/b": 1, "on": True}, secret_entries={"token": SECRET}
    )
    assert result["action"] == "created" and result["requests"]["writes"] == 6
    assert result["resource"]["entries"] == {"a/b": "1", "on": "true"}
    assert result["resource"]["entry_names"] == ["a/b", "on", "token"]
    assert SECRET not in json.dumps(result)


def test_only_what_differs_is_written_and_the_rest_stays() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies(MAP)
    script.expect("GET", "apigee", ENTRIES).replies({**listed(same="1", old="1"), "nextPageToken": "theirs"})
    script.expect("GET", "apigee", ENTRIES, query={"pageToken": "theirs"}).replies(listed(theirs="x"))
    with script.together():
        script.expect("PUT", "apigee", f"{ENTRIES}/old", body={"name": "old", "value": "2"}).replies({})
        script.expect("POST", "apigee", ENTRIES, body={"name": "new", "value": "3"}).replies({})
    found(script, same="1", old="2", new="3", theirs="x")
    result = script.run(apigee_key_value_map, **WANTED, entries={"same": "1", "old": "2", "new": "3"})
    assert [(one["field"], one["before"], one["after"]) for one in result["changes"]] == [
        ("entries[old]", "1", "2"),
        ("entries[new]", None, "3"),
    ]
    assert "theirs" not in result["resource"]["entries"]


def test_no_change_writes_nothing() -> None:
    script = Script()
    found(script, a="1", token=SECRET)
    result = script.run(apigee_key_value_map, **WANTED, entries={"a": 1}, secret_entries={"token": SECRET})
    # The map, its entries, and the records: a killed run may have left one.
    assert not result["changed"] and result["requests"] == {"reads": 3, "writes": 0}


def test_secrets_are_hidden_before_and_after_and_short_ones_black_out_nothing_else() -> None:
    script = Script()
    found(script, token="canary-old-token", pin="0")
    with script.together():
        script.expect("PUT", "apigee", f"{ENTRIES}/pin", body={"name": "pin", "value": "1"}).replies({})
        script.expect("PUT", "apigee", f"{ENTRIES}/token", body={"name": "token", "value": SECRET}).replies({})
    found(script, token=SECRET, pin="1")
    result = script.run(apigee_key_value_map, **WANTED, secret_entries={"token": SECRET, "pin": "1"})
    assert [(one["before"], one["after"]) for one in result["changes"]] == [("(hidden)", "(hidden)")] * 2
    text = json.dumps(result)
    assert "canary" not in text
    # One write each, and the figure is not blacked out although it is the text of a secret.
    assert result["requests"]["writes"] == 2 and result["resource"]["entry_names"] == ["pin", "token"]


def test_the_options_that_ansible_repeats_hold_no_secret_however_short(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, extra in ((apigee_key_value_map, {}), (resources, {"kind": "apigee_key_value_map"})):
        script = Script()
        found(script, pin="1")
        seen: dict[str, basic.AnsibleModule] = {}
        original = basic.AnsibleModule.__init__

        monkeypatch.setattr(basic.AnsibleModule, "__init__", functools.partialmethod(_keep, original, seen))
        options = {**WANTED, **extra, "secret_entries": {"pin": "1"}}
        script.run(module, **(options if module is apigee_key_value_map else {"resources": [options]}))
        monkeypatch.setattr(basic.AnsibleModule, "__init__", original)
        params = seen["module"].params
        shown = params if module is apigee_key_value_map else params["resources"][0]
        assert shown["secret_entries"] == "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
        assert shown["name"] == "settings"


def test_purge_removes_what_is_not_stated_without_showing_it() -> None:
    script = Script()
    found(script, a="1", theirs=SECRET)
    script.expect("DELETE", "apigee", f"{ENTRIES}/theirs").replies({})
    found(script, a="1")
    result = script.run(apigee_key_value_map, **WANTED, entries={"a": "1"}, purge_entries=True)
    assert result["changes"] == [{"field": "entries[theirs]", "before": "(hidden)", "after": None}]
    assert SECRET not in json.dumps(result)


def test_check_mode_writes_nothing() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).refuses(404)
    result = script.run(apigee_key_value_map, check=True, **WANTED, secret_entries={"token": SECRET})
    assert result["action"] == "created" and SECRET not in json.dumps(result)
    assert result["resource"]["entry_names"] == ["token"]


def test_an_entry_that_somebody_else_has_just_made_is_overwritten() -> None:
    script = Script()
    found(script)
    script.expect("POST", "apigee", ENTRIES, body={"name": "a", "value": "1"}).refuses(409, code="ALREADY_EXISTS")
    script.expect("PUT", "apigee", f"{ENTRIES}/a", body={"name": "a", "value": "1"}).replies({})
    found(script, a="1")
    assert script.run(apigee_key_value_map, **WANTED, entries={"a": "1"})["changed"]


def test_the_failure_of_one_entry_names_it_and_not_its_value() -> None:
    script = Script()
    found(script)
    script.expect("POST", "apigee", ENTRIES, content=lambda data: None).refuses(400, "long", code="INVALID_ARGUMENT")
    result = script.run(apigee_key_value_map, fails=True, **WANTED, secret_entries={"token": SECRET})
    assert "entry token: Google answered INVALID_ARGUMENT: long" in result["msg"]
    assert SECRET not in json.dumps(result)


@pytest.mark.parametrize(
    ("where", "path", "name"),
    [({}, ORG, "settings"), ({"proxy": "orders"}, f"{ORG}/apis/orders", "apis/orders/settings")],
)
def test_the_other_levels(where: dict, path: str, name: str) -> None:
    script = Script()
    script.expect("GET", "apigee", f"{path}/keyvaluemaps/settings").replies(MAP)
    script.expect("GET", "apigee", f"{path}/keyvaluemaps/settings/entries").replies(listed(a="1"))
    entry = {"kind": "apigee_key_value_map", **where, "name": "settings", "entries": {"a": "1"}}
    result = script.run(resources, resources=[entry])
    assert not result["changed"] and result["resources"][0]["name"] == name


def test_only_ours_is_deleted() -> None:
    for states, action in (([], "kept"), (["making"], "kept"), (["made"], "deleted")):
        script = Script()
        found(script, a="1")
        for state in states:
            script.records.hold("apigee_key_value_map", "environments/prod/settings", state)
        if action == "deleted":
            script.expect("DELETE", "apigee", ONE).replies(MAP)
        assert script.run(apigee_key_value_map, **WANTED, state="absent")["action"] == action


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"entries": {"a": "1"}, "secret_entries": {"a": "2"}}, "a stands in entries and in secret_entries"),
        ({"entries": {"a": {"b": 1}}}, "filter to_json"),
        ({"masked_values": True, "entries": {"a": "1"}}, "nobody can tell"),
        ({"purge_entries": True}, "State entries: {}"),
        ({"proxy": "orders"}, "mutually exclusive: environment|proxy"),
    ],
)
def test_what_cannot_be_right_is_refused_unsent(options: dict, said: str) -> None:
    assert said in Script().run(apigee_key_value_map, fails=True, **WANTED, **options)["msg"]


def test_masked_values_cannot_be_compared() -> None:
    script = Script()
    script.expect("GET", "apigee", ONE).replies({**MAP, "maskedValues": True})
    script.expect("GET", "apigee", ENTRIES).replies(listed(a="*****"))
    result = script.run(apigee_key_value_map, fails=True, **WANTED, entries={"a": "1"})
    assert "nobody can tell whether entries[a] differ" in result["msg"]


def test_reading_shows_names_and_values_only_on_request() -> None:
    for values in (False, True):
        script = Script()
        script.expect("GET", "apigee", f"{ORG}/keyvaluemaps").replies(["gatewayops-ownership", "settings"])
        script.expect("GET", "apigee", f"{ORG}/keyvaluemaps/settings").replies(MAP)
        script.expect("GET", "apigee", f"{ORG}/keyvaluemaps/settings/entries").replies(listed(token=SECRET))
        (one,) = script.run(apigee_key_value_map_info, **({"values": True} if values else {}))["resources"]
        assert one["entry_names"] == ["token"] and one["entries"] == ({"token": SECRET} if values else {})
