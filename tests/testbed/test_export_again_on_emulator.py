# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exports into folders that people wrote: what they say in other words stays, secrets are neither lost nor shown."""

from __future__ import annotations

import base64
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle as bundles
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import digest as digests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee.generate import generate
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from tests.testbed import whole_organization as whole
from tests.testbed.certificates_double import TestAuthority
from tests.testbed.emulated_cloud import Cloud

SECRET = "hunter22222"
MAPS = "environments/prod/key_value_maps.yml"
CONTENT = generate("orders", "/orders", ["orders"])
OTHER = generate("orders", "/other", ["orders"])


#: Environments in which a deployment becomes READY: they have an instance.
ENVIRONMENTS = ("prod", "test")
SITE: list[whole.Entry] = [
    {"kind": "apigee_instance", "name": "west", "location": "europe-west1"},
    *({"kind": "apigee_environment", "name": name} for name in ENVIRONMENTS),
    *({"kind": "apigee_instance_attachment", "instance": "west", "environment": name} for name in ENVIRONMENTS),
    *(
        {"kind": "apigee_target_server", "environment": name, "name": "orders", "host": "a.internal", "port": 80}
        for name in ENVIRONMENTS
    ),
]


#: What tests make or change.
MADE = (
    "apigee_proxy",
    "apigee_shared_flow",
    "apigee_key_value_map",
    "apigee_keystore_alias",
    "apigee_keystore",
    "apigee_target_server",
)


@pytest.fixture(scope="module")
def site(cloud: Cloud) -> Cloud:
    """An organisation with two environments."""
    whole.ground(cloud)
    cloud.run(SITE)
    return cloud


@pytest.fixture
def empty(site: Cloud) -> Cloud:
    """With a target server for proxies in each environment, and without what the test before has made."""
    left = site.module("apigee_config_info", kinds=list(MADE))["resources"]
    identity = ("kind", "environment", "proxy", "keystore", "name")
    gone = [{**{name: one[name] for name in identity if name in one}, "state": "absent", "force": True} for one in left]
    site.run(gone)
    site.run(SITE)
    return site


def put(root: Path, path: str, content: str | bytes) -> Path:
    """A file of the folder."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def put_bundle(root: Path, content: bundles.Bundle = CONTENT) -> None:
    for path, data in content.files.items():
        put(root, f"proxies/orders/{path}", data)


def pkcs12(pair: t.Any) -> str:
    """A certificate with its key as one file, in Base64."""
    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    locked = serialization.BestAvailableEncryption(SECRET.encode())
    return base64.b64encode(serialize_key_and_certificates(b"x", key, certificate, None, locked)).decode()


def exported(cloud: Cloud, root: Path, kind: str = "apigee_proxy", **how: t.Any) -> dict[str, t.Any]:
    return cloud.module("apigee_config_info", dest=str(root), kinds=[kind], **how)


def applied_and_exported(cloud: Cloud, root: Path) -> dict[str, t.Any]:
    """The export after an apply, which changes no file; what it tells can be applied as well."""
    before = whole.files(root)
    cloud.run(whole.declared_in(root))
    result = exported(cloud, root, diff=True)
    assert not result["changed"], result["diff"]
    assert whole.files(root) == before
    assert not cloud.run(result["resources"])["changed"]
    return result


OPTIONS = "---\n# Ours.\n- name: orders\n  environments: [test, prod]\n  keep_revisions: 20\n  lint: none\n"
GENERATED = "---\n# Ours.\n- name: orders\n  base_path: /orders\n  target_servers: [orders]\n  lint: none\n"


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_options_an_export_does_not_tell_stay_and_environments_have_no_order(
    empty: Cloud, tmp_path: Path, ending: str
) -> None:
    text = OPTIONS if ending == "yaml" else json.dumps(yaml.safe_load(OPTIONS))
    file = put(tmp_path, f"proxies.{ending}", text)
    put_bundle(tmp_path)
    applied_and_exported(empty, tmp_path)
    # Somebody undeploys it by hand: the entry changes in what is told, and keeps the rest.
    empty.by_hand("DELETE", "/environments/test/apis/orders/revisions/1/deployments")
    assert exported(empty, tmp_path)["changed"]
    [entry] = [one for one in whole.declared_in(tmp_path) if one["kind"] == "apigee_proxy"]
    assert (entry["environments"], entry["keep_revisions"], entry["lint"]) == (["prod"], 20, "none")
    assert file.exists() is (ending != "json")
    applied_and_exported(empty, tmp_path)


def test_a_generated_entry_stays_until_other_content_serves(empty: Cloud, tmp_path: Path) -> None:
    file = put(tmp_path, "proxies.yml", GENERATED)
    result = applied_and_exported(empty, tmp_path)
    assert result["resources"][0]["base_path"] == "/orders" and not (tmp_path / "proxies").exists()
    put(tmp_path / "elsewhere", "orders.zip", bundles.to_zip(OTHER))
    other = {"kind": "apigee_proxy", "name": "orders", "bundle": str(tmp_path / "elsewhere" / "orders.zip")}
    empty.run([{**other, "lint": "none"}])
    assert exported(empty, tmp_path)["files"] == ["proxies.yml", "proxies/orders"]
    assert "base_path" not in file.read_text() and "lint: none" in file.read_text()
    assert not exported(empty, tmp_path)["changed"]


def test_a_bundle_elsewhere_and_a_pinned_revision_stay(empty: Cloud, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "orders.zip", bundles.to_zip(CONTENT))
    root = tmp_path / "folder"
    put(root, "proxies.yml", "---\n- name: orders\n  bundle: ../elsewhere/orders.zip  # shared\n")
    applied_and_exported(empty, root)
    put(root, "proxies.yml", "---\n- name: orders\n  revision: 1  # approved\n")
    applied_and_exported(empty, root)
    assert not (root / "proxies").exists()


def test_a_folder_needs_no_entry(empty: Cloud, tmp_path: Path) -> None:
    put_bundle(tmp_path)
    applied_and_exported(empty, tmp_path)
    assert not (tmp_path / "proxies.yml").exists()


def test_a_zip_file_stays_one(empty: Cloud, tmp_path: Path) -> None:
    file = put(tmp_path, "proxies/orders.zip", bundles.to_zip(CONTENT))
    applied_and_exported(empty, tmp_path)
    put(tmp_path, "proxies/orders.zip", bundles.to_zip(OTHER))
    assert exported(empty, tmp_path)["files"] == ["proxies/orders.zip"]
    assert digests.digest(bundles.read(str(file)), "orders") == digests.digest(CONTENT, "orders")
    put(tmp_path, "proxies/gone.zip", bundles.to_zip(CONTENT))
    assert exported(empty, tmp_path)["files"] == ["proxies/gone.zip"]


def test_a_proxy_that_is_not_to_be_there_and_is_there_is_told_as_it_is(empty: Cloud, tmp_path: Path) -> None:
    put(tmp_path, "proxies.yml", GENERATED)
    empty.run(whole.declared_in(tmp_path))
    file = put(tmp_path, "proxies.yml", "---\n- {name: orders, state: absent}\n- {name: old, state: absent}\n")
    assert exported(empty, tmp_path)["files"] == ["proxies.yml", "proxies/orders"]
    entries = {one["name"]: one for one in whole.load(str(file))[0]}
    assert "state" not in entries["orders"] and entries["old"] == {"name": "old", "state": "absent"}
    applied_and_exported(empty, tmp_path)


def test_a_shared_flow_with_options_stays(empty: Cloud, tmp_path: Path) -> None:
    put(tmp_path, "shared_flows.yml", f"---\n- name: guard\n  bundle: {whole.SHARED_FLOW}\n  keep_revisions: 9\n")
    empty.run(whole.declared_in(tmp_path))
    assert not exported(empty, tmp_path, "apigee_shared_flow")["changed"]


def test_what_cannot_be_read_keeps_its_folder(empty: Cloud, tmp_path: Path) -> None:
    put_bundle(tmp_path)
    empty.run(whole.declared_in(tmp_path))
    before = whole.files(tmp_path)
    fault = {"kind": "status", "status": 404, "match": "apigee.organizations.apis.revisions.get"}
    empty.control("faults", "POST", fault)
    try:
        result = exported(empty, tmp_path)
    finally:
        empty.control("faults", "DELETE")
    assert any("cannot be read" in said for said in result["untold"]), result
    assert not result["changed"] and whole.files(tmp_path) == before


def with_secret(cloud: Cloud, root: Path) -> Path:
    """A map with a secret that the folder holds in the clear, and another one that somebody made by hand."""
    file = put(
        root, MAPS, f"---\n- name: m\n  entries: {{limit: 5, old: x}}\n  secret_entries: {{password: {SECRET}}}\n"
    )
    cloud.run(whole.declared_in(root))
    assert not exported(cloud, root, "apigee_key_value_map")["changed"]
    cloud.by_hand("POST", "/environments/prod/keyvaluemaps", {"name": "other", "encrypted": True})
    cloud.by_hand("PUT", "/environments/prod/keyvaluemaps/m/entries/old", {"name": "old", "value": "y"})
    return file


@pytest.mark.parametrize("values", [False, True])
def test_secrets_in_a_plain_file_are_kept_and_not_shown(empty: Cloud, tmp_path: Path, values: bool) -> None:
    file = with_secret(empty, tmp_path)
    for check in (True, False):
        result = exported(empty, tmp_path, "apigee_key_value_map", diff=True, check=check, values=values)
        assert result["files"] == [MAPS]
        assert SECRET not in str(result["diff"]) and "other" in result["diff"][0]["after"]
    entries = {one["name"]: one for one in whole.load(str(file))[0]}
    assert entries["m"]["secret_entries"] == {"password": SECRET}
    assert entries["m"]["entries"] == ({"limit": "5", "old": "y"} if values else {"limit": "5"})
    assert not exported(empty, tmp_path, "apigee_key_value_map", values=values)["changed"]
    assert not empty.run(whole.declared_in(tmp_path))["changed"]


def test_a_secret_that_google_holds_another_of_is_refused(empty: Cloud, tmp_path: Path) -> None:
    file = with_secret(empty, tmp_path)
    entry = {"name": "password", "value": "another-secret"}
    empty.by_hand("PUT", "/environments/prod/keyvaluemaps/m/entries/password", entry)
    text = file.read_text()
    refused = exported(empty, tmp_path, "apigee_key_value_map", diff=True, fails=True)
    assert MAPS in refused["msg"] and "secret_entries[password]" in refused["msg"] and file.read_text() == text
    assert SECRET not in str(refused) and "another-secret" not in str(refused)


def test_private_keys_are_kept_or_refused(empty: Cloud, tmp_path: Path) -> None:
    pair, other = TestAuthority().issue(["a.example"]), TestAuthority().issue(["b.example"])
    place = {"kind": "apigee_keystore_alias", "environment": "prod", "keystore": "store"}
    empty.run([{"kind": "apigee_keystore", "environment": "prod", "name": "store"}])
    file = tmp_path / "environments/prod/keystore_aliases.yml"
    entry = {"keystore": "store", "name": "client", "certificate": pair.certificate, "private_key": pair.key}
    put(tmp_path, "environments/prod/keystore_aliases.yml", whole.lines.dump([entry]))
    empty.run(whole.declared_in(tmp_path))
    assert not exported(empty, tmp_path, place["kind"])["changed"]
    empty.run([{**place, "name": "more", "certificate": other.certificate, "private_key": other.key}])
    result = exported(empty, tmp_path, place["kind"], diff=True)
    assert result["changed"] and "PRIVATE KEY" not in str(result)
    kept = {one["name"]: one for one in whole.load(str(file))[0]}
    assert kept["client"]["private_key"] == pair.key and "private_key" not in kept["more"]

    empty.by_hand("DELETE", "/environments/prod/keystores/store/aliases/client")
    empty.run([{**place, "name": "client", "certificate": other.certificate, "private_key": other.key}])
    text = file.read_text()
    refused = exported(empty, tmp_path, place["kind"], fails=True)
    assert "keystore_aliases.yml" in refused["msg"] and "private_key" in refused["msg"] and file.read_text() == text


def test_entries_that_say_what_google_holds_keep_their_words_beside_one_that_changes(
    empty: Cloud, tmp_path: Path
) -> None:
    path = "environments/prod/keystore_aliases.yml"
    pair = TestAuthority().issue(["a.example"])
    store = {"keystore": "store", "ignore_expiry_validation": True}
    entries = [
        {**store, "name": "self", "self_signed": {"subject": {"common_name": "a.example"}}},
        {**store, "name": "opened", "pkcs12": pkcs12(pair), "private_key_password": SECRET},
    ]
    file = put(tmp_path, path, whole.lines.dump(entries))
    empty.run([{"kind": "apigee_keystore", "environment": "prod", "name": "store"}, *whole.declared_in(tmp_path)])
    assert not exported(empty, tmp_path, "apigee_keystore_alias")["changed"]
    more = {"kind": "apigee_keystore_alias", "environment": "prod", "keystore": "store", "name": "more"}
    empty.run([{**more, "certificate": pair.certificate}])
    result = exported(empty, tmp_path, "apigee_keystore_alias", diff=True)
    assert result["files"] == [path] and "more" in result["diff"][0]["after"]
    for secret in (SECRET, str(entries[1]["pkcs12"])):
        assert secret in file.read_text() and secret not in json.dumps(result)
    kept = {one["name"]: one for one in whole.load(str(file))[0]}
    assert [kept["self"], kept["opened"]] == entries and set(kept["more"]) == {"keystore", "name", "certificate"}
    assert not empty.run(whole.declared_in(tmp_path), check=True)["changed"]


def test_what_a_probe_sends_is_kept_and_not_shown(empty: Cloud, tmp_path: Path) -> None:
    probe = f"  probe_request: {{path: /health, headers: {{authorization: Bearer {SECRET}}}}}\n  probe: false\n"
    file = put(tmp_path, "proxies.yml", GENERATED + probe + "  environments: [prod, test]\n")
    applied_and_exported(empty, tmp_path)
    empty.by_hand("DELETE", "/environments/test/apis/orders/revisions/1/deployments")
    result = exported(empty, tmp_path, diff=True)
    assert result["files"] == ["proxies.yml"] and "/health" in result["diff"][0]["after"]
    assert SECRET in file.read_text() and SECRET not in json.dumps(result)


def test_what_is_not_to_be_there_and_what_steers_stays_said(empty: Cloud, tmp_path: Path) -> None:
    said = "---\n# Gone.\n- {name: old, state: absent}\n"
    said += "- {name: m, entries: {a: 1}, purge_entries: true, timeout: 60}\n"
    file = put(tmp_path, MAPS, said)
    empty.run(whole.declared_in(tmp_path))
    assert not exported(empty, tmp_path, "apigee_key_value_map", values=True)["changed"]
    assert file.read_text() == said
    empty.by_hand("POST", "/environments/prod/keyvaluemaps/m/entries", {"name": "b", "value": "2"})
    assert exported(empty, tmp_path, "apigee_key_value_map", values=True)["changed"]
    entries = {one["name"]: one for one in whole.load(str(file))[0]}
    assert entries["old"] == {"name": "old", "state": "absent"}
    assert entries["m"] == {"name": "m", "entries": {"a": "1", "b": "2"}, "purge_entries": True, "timeout": 60}
    # Without values nobody can say what purging is to leave, so that applying it would remove what was found.
    empty.by_hand("POST", "/environments/prod/keyvaluemaps/m/entries", {"name": "c", "value": "3"})
    assert exported(empty, tmp_path, "apigee_key_value_map")["changed"]
    assert not empty.run(whole.declared_in(tmp_path), check=True)["changed"]
    # What was not to be there and is there is told as it is.
    empty.by_hand("POST", "/environments/prod/keyvaluemaps", {"name": "old", "encrypted": True})
    assert exported(empty, tmp_path, "apigee_key_value_map")["changed"] and "absent" not in file.read_text()


@pytest.mark.parametrize("tls", ["", "  tls: {enforce: true}\n"])
def test_what_somebody_added_by_hand_is_told_at_every_depth(empty: Cloud, tmp_path: Path, tls: str) -> None:
    path = "environments/prod/target_servers.yml"
    put(tmp_path, path, f"---\n- name: orders\n  host: a.internal\n  port: 80\n{tls}")
    empty.run(whole.declared_in(tmp_path))
    assert exported(empty, tmp_path, "apigee_target_server")["changed"] is not (path == "")
    place = "/environments/prod/targetservers/orders"
    found = empty.by_hand("GET", place)
    info = {**found.get("sSLInfo", {}), "enabled": True, "enforce": True, "protocols": ["TLSv1.2"]}
    empty.by_hand("PUT", place, {**found, "sSLInfo": info})
    assert exported(empty, tmp_path, "apigee_target_server")["files"] == [path]
    assert "TLSv1.2" in (tmp_path / path).read_text()


def test_a_refused_export_writes_nothing(empty: Cloud, tmp_path: Path) -> None:
    with_secret(empty, tmp_path)
    empty.by_hand("PUT", "/environments/prod/keyvaluemaps/m/entries/password", {"name": "password", "value": "another"})
    before = whole.files(tmp_path)
    empty.module("apigee_config_info", dest=str(tmp_path), fails=True)
    assert whole.files(tmp_path) == before
