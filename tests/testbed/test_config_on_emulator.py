# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole organisation there and back: exported, applied again, made anew from the export."""

from __future__ import annotations

import difflib
import itertools
import json
import os
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle as bundles
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.generate import generate
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import registry
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.credentials import ENVIRONMENT
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization import export, layout
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._resources.apigee_records import MAP

from tests.testbed import whole_organization as whole
from tests.testbed.emulated_cloud import Cloud

#: So that the writes to be killed after are shared by pytest's workers.
SHARES = 3


def found(cloud: Cloud, dest: Path | None = None, **how: t.Any) -> dict[str, t.Any]:
    """The module apigee_config_info."""
    return cloud.module("apigee_config_info", **({"dest": str(dest)} if dest else {}), **how)


@pytest.fixture
def made(cloud: Cloud) -> Cloud:
    """The whole organisation, made by this collection."""
    whole.ground(cloud)
    cloud.run(whole.CONTENT)
    cloud.control("requests", "DELETE")
    return cloud


def test_every_kind_of_an_organization_has_an_example() -> None:
    assert {entry["kind"] for entry in whole.CONTENT} == set(export.kinds())


def test_what_is_exported_changes_nothing_when_applied(made: Cloud, tmp_path: Path) -> None:
    first = found(made, tmp_path / "a")
    assert first["changed"] and sorted(first["files"]) == first["files"]
    assert {entry["kind"] for entry in first["resources"]} == set(export.kinds())
    assert {(one["name"], one["option"]) for one in first["withheld"]} >= {("prod/shown/client", "private_key")}
    texts = whole.files(tmp_path / "a")
    for secret in (whole.CLIENT.key, "hidden-value", "of-our-own"):
        assert all(secret.encode() not in text for text in texts.values())

    for entries in (whole.declared_in(tmp_path / "a"), first["resources"], found(made)["resources"]):
        made.control("requests", "DELETE")
        again = made.run(entries)
        assert not again["changed"], [one for one in again["resources"] if one["changes"]]
        assert made.writes() == 0
    assert not found(made, tmp_path / "a")["changed"]
    assert whole.files(tmp_path / "a") == texts
    found(made, tmp_path / "b")
    assert whole.files(tmp_path / "b") == texts


def by_people(root: Path) -> None:
    """The whole organisation as people write it: comments, an order of their own, paths elsewhere, JSON, secrets."""
    entries: dict[str, list[str]] = {}
    for number, entry in enumerate(reversed(whole.CONTENT)):
        kind = registry.load(entry["kind"])
        said = {name: value for name, value in reversed(entry.items()) if name != "kind"}
        environment = said.pop("environment", None) if layout.has_environment(kind) else None
        folder = f"environments/{environment}/" if environment else ""
        text = f"# Number {number}, as agreed.\n- {json.dumps(said)}\n"
        entries.setdefault(f"{folder}{layout.stem(entry['kind'])}.yaml", []).append(text)
    for path, texts in entries.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("\n".join(texts))


def test_a_whole_organization_that_people_wrote_stays_as_they_wrote_it(cloud: Cloud, tmp_path: Path) -> None:
    whole.ground(cloud)
    by_people(tmp_path)
    before = whole.files(tmp_path)
    assert cloud.run(whole.declared_in(tmp_path))["changed"]
    for values in (False, True):
        again = cloud.module("apigee_config_info", dest=str(tmp_path), diff=True, values=values)
        assert not again["changed"], again["diff"]
    assert whole.files(tmp_path) == before
    # Its proxies are told by what makes them, not by revisions, and what is told says no secret.
    assert not cloud.run(again["resources"], check=True)["changed"]
    for secret in ("a-secret-of-our-own", "a-key-of-our-own", "PRIVATE KEY"):
        assert any(secret.encode() in content for content in before.values())
        assert secret not in json.dumps(again)


def test_the_inventory_names_the_project_also_where_the_credentials_have_another(cloud: Cloud, tmp_path: Path) -> None:
    cloud.empty_organization()
    (tmp_path / "environments" / "prod").mkdir(parents=True)
    server = "- {name: orders, host: a.internal, port: 80}"
    (tmp_path / "environments" / "prod" / "target_servers.yml").write_text(server)
    auth = {name: value for name, value in cloud.access.items() if name != "project"}
    stated = {"apigee_gke": {"project": "elsewhere"}, "apigee_gke_auth": auth, "apigee_config_folder": str(tmp_path)}
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "gatewayops.apigee_gke.apigee_config"]
    without = {name: value for name, value in os.environ.items() if name not in ENVIRONMENT["project"]}
    run = subprocess.run([*command, "-e", json.dumps(stated)], capture_output=True, text=True, env=without, check=False)
    assert run.returncode and "organizations/elsewhere" in run.stdout, run.stdout + run.stderr
    assert not cloud.by_hand("GET", "/environments/prod/targetservers")


def test_who_may_read_a_file_of_the_folder_stays_as_it_is(made: Cloud, tmp_path: Path) -> None:
    found(made, tmp_path)
    maps = tmp_path / "environments" / "prod" / "key_value_maps.yml"
    maps.chmod(0o600)
    assert "environments/prod/key_value_maps.yml" in found(made, tmp_path, values=True)["files"]
    assert stat.S_IMODE(maps.stat().st_mode) == 0o600


def test_the_same_organization_comes_from_its_export(made: Cloud, tmp_path: Path) -> None:
    found(made, tmp_path)
    texts = whole.files(tmp_path)
    secrets = [entry for entry in whole.CONTENT if entry.keys() & {"private_key", "entries", "secret_entries", "key"}]
    whole.ground(made)
    made.run(whole.reading.combine(whole.declared_in(tmp_path), secrets))
    again = found(made, tmp_path)
    assert not again["changed"], again["files"]
    assert whole.files(tmp_path) == texts


def test_an_edited_folder_is_kept_while_it_says_the_same(made: Cloud, tmp_path: Path) -> None:
    found(made, tmp_path)
    servers = tmp_path / "environments" / "prod" / "target_servers.yml"
    edited = "# Ours.\n" + servers.read_text().replace("  port: 8443", "  port: 8443  # TLS\n  protocol: HTTP")
    servers.write_text(edited)
    policy = next((tmp_path / "proxies" / "orders").rglob("proxies/*.xml"))
    policy.write_text(policy.read_text().replace("><", ">\n  <"))
    kept = found(made, tmp_path)
    assert not kept["changed"], kept["files"]
    assert servers.read_text() == edited

    servers.write_text(edited.replace("8443", "8444"))
    predicted = found(made, tmp_path, check=True, diff=True)
    assert predicted["files"] == ["environments/prod/target_servers.yml"] and "8444" in predicted["diff"][0]["before"]
    assert "8444" in servers.read_text()
    assert found(made, tmp_path)["files"] == predicted["files"] and "8444" not in servers.read_text()
    (tmp_path / "developers.yml").write_text("---\n- email: gone@acme.example\n")
    (tmp_path / "environments" / "gone").mkdir()
    (tmp_path / "environments" / "gone" / "references.yml").write_text("---\n- name: gone\n")
    assert "environments/gone/references.yml" in found(made, tmp_path)["files"]


def test_kinds_filter_and_missing_organization(made: Cloud, tmp_path: Path) -> None:
    few = found(made, tmp_path, kinds=["apigee_target_server", "apigee_reference"])
    assert [entry["name"] for entry in few["resources"]] == ["trust", "off", "orders"]
    assert sorted(whole.files(tmp_path)) == [
        "environments/prod/references.yml",
        "environments/prod/target_servers.yml",
    ]
    assert "apigee_truststore cannot be exported" in found(made, kinds=["apigee_truststore"], fails=True)["msg"]
    assert "does not exist" in found(made, organization="nowhere", fails=True)["msg"]


def by_hand(cloud: Cloud) -> None:
    """An organisation that other tools made."""
    cloud.empty_organization()
    content = generate("orders", "/orders", (), "https://orders.acme.example", None, None, None)
    for name in ("orders", "draft"):
        upload = {"content": bundles.to_zip(content), "content_type": "application/octet-stream"}
        cloud.by_hand("POST", "/apis", query={"action": "import", "name": name}, **upload)
    cloud.by_hand("POST", "/instances", {"name": "west", "location": "europe-west1"})
    cloud.settle()
    cloud.by_hand("POST", "/instances/west/attachments", {"environment": "prod"})
    cloud.settle()
    prod = "/environments/prod"
    cloud.by_hand("POST", f"{prod}/apis/orders/revisions/1/deployments")
    cloud.by_hand("POST", f"{prod}/targetservers", {"name": "orders", "host": "a.internal", "port": 80})
    cloud.by_hand("POST", f"{prod}/keystores", {"name": "store"})
    cloud.by_hand("POST", f"{prod}/references", {"name": "ref", "refers": "store", "resourceType": "KeyStore"})
    cloud.by_hand("POST", f"{prod}/keyvaluemaps", {"name": "limits", "encrypted": True})
    cloud.by_hand("POST", "/envgroups", {"name": "public", "hostnames": ["api.acme.example"]})
    cloud.settle()
    cloud.by_hand("POST", "/envgroups/public/attachments", {"environment": "prod"})
    cloud.settle()
    cloud.control("requests", "DELETE")


def test_what_others_made_is_exported_managed_and_only_ours_once_adopted(cloud: Cloud, tmp_path: Path) -> None:
    by_hand(cloud)
    found(cloud, tmp_path)
    entries = whole.declared_in(tmp_path)
    assert cloud.writes() == 0 and {"orders", "store", "ref", "limits", "public", "draft"} <= {
        entry.get("name") for entry in entries
    }
    assert not cloud.run(entries, prune={})["changed"] and cloud.writes() == 0
    one = [entry for entry in entries if entry["kind"] == "apigee_target_server"]
    assert not cloud.run(one, prune={})["changed"] and cloud.writes() == 0

    predicted = cloud.run(entries, adopt=True, check=True)
    adopted = cloud.run(entries, adopt=True)
    assert [x["changes"] for x in predicted["resources"]] == [x["changes"] for x in adopted["resources"]]
    mine = {"field": "managed_by", "before": None, "after": "gatewayops.apigee_gke"}
    # Google changes no description of an instance.
    assert [x["kind"] for x in adopted["resources"] if x["changes"] != [mine]] == ["apigee_instance"]
    cloud.control("requests", "DELETE")
    assert not cloud.run(entries, adopt=True)["changed"] and cloud.writes() == 0
    again = found(cloud, tmp_path, diff=True)
    assert not again["changed"], again["diff"]
    pruned = cloud.run(one, prune={})
    assert sorted(f"{x['kind']} {x['name']}" for x in pruned["resources"] if x["action"] == "deleted") == [
        "apigee_key_value_map environments/prod/limits",
        "apigee_keystore prod/store",
        "apigee_proxy draft",
        "apigee_proxy orders",
        "apigee_reference ref",
    ]


@pytest.mark.parametrize("first", range(1, SHARES + 1))
def test_killed_after_every_write_the_next_run_ends_in_the_same_state(cloud: Cloud, first: int) -> None:
    """Dead once Google has carried out a write, before its reply is seen; each share has every third write."""
    whole.ground(cloud)
    cloud.run(whole.CONTENT)
    wanted = timeless(cloud)
    for number in itertools.count(first, SHARES):
        whole.ground(cloud)
        if cloud.run(whole.CONTENT, die_after=number):
            break
        cloud.run(whole.CONTENT)
        state = timeless(cloud)
        assert state == wanted, (number, different(state, wanted))
    assert number > len(whole.CONTENT)
    # Once more, where nothing is left to do.
    cloud.control("requests", "DELETE")
    assert not cloud.run(whole.CONTENT)["changed"] and cloud.writes() == 0


def timeless(cloud: Cloud) -> dict[str, t.Any]:
    """What exists at Google. When an object was made, which a record tells, differs from run to run."""
    objects = cloud.control("state")["objects"]
    for key, entry in objects.items():
        if f"/{MAP}/entries/" in key:
            told = json.loads(entry["value"])
            assert told.pop("created", "1").isdigit() and told["state"] == "made", told
            entry["value"] = told
    return objects


def different(state: dict[str, t.Any], wanted: dict[str, t.Any]) -> list[str]:
    """What two dumps differ in."""
    left, right = (json.dumps(one, indent=1, sort_keys=True).splitlines() for one in (state, wanted))
    return list(difflib.unified_diff(left, right, lineterm="", n=2))[:60]
