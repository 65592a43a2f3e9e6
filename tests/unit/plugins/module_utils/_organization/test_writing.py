# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an export leaves alone in a folder that holds more than was exported, and what it refuses to overwrite.

Objects stand in for what was found; the folders and the comparison are real.
"""

from __future__ import annotations

import os
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle as bundles
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine import registry
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._engine.context import Context
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import Failure
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization import writing
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._organization.export import Export, One

CANARY = "canary-in-a-coal-mine"
FOUND = {
    "apiproxy/orders.xml": b"<APIProxy name='orders'/>",
    "apiproxy/policies/Quota.xml": b"<Quota name='Quota'/>",
}
NEIGHBOURS = ("README.md", "tests/orders.feature", ".git/HEAD", "apiproxy/.editorconfig")


def context(check: bool = False) -> Context:
    return Context(t.cast(t.Any, types.SimpleNamespace(project=lambda: "acme")), check=check)


def proxy(files: dict[str, bytes] | None = None) -> One:
    """The proxy ``orders`` as it is found."""
    resource = registry.load("apigee_proxy")({"name": "orders", "organization": "acme"}, context())
    document = {"name": "orders", "revision": ["1"], "deployments": []}
    return One(resource, document, {"name": "orders"}, bundles.Bundle(files or FOUND))


def exported(root: Path, *found: One, kind: str = "apigee_proxy", check: bool = False) -> list[str]:
    """What an export changes."""
    written = writing.write(str(root), Export(list(found), [], []), [kind], context(check))
    return [change.path for change in written.changes]


def refused(root: Path, *found: One, kind: str = "apigee_proxy") -> str:
    """Why an export is refused, which leaves everything as it was, in check mode as well."""
    before = files(root)
    said = []
    for check in (True, False):
        with pytest.raises(Failure) as caught:
            exported(root, *found, kind=kind, check=check)
        said.append(str(caught.value))
    assert files(root) == before and said[0] == said[1]
    return said[0]


def put(root: Path, paths: dict[str, bytes]) -> None:
    for path, data in paths.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def files(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_what_stands_beside_a_bundle_stays(tmp_path: Path) -> None:
    folder = tmp_path / "proxies/orders"
    mine = dict.fromkeys(NEIGHBOURS, b"mine")
    put(folder, {**mine, "apiproxy/orders.xml": b"<APIProxy name='old'/>", "apiproxy/targets/old.xml": b"<Old/>"})
    assert exported(tmp_path, proxy(), check=True) == ["proxies/orders"]
    assert exported(tmp_path, proxy()) == ["proxies/orders"]
    assert files(folder) == {**mine, **FOUND}
    assert not (folder / "apiproxy/targets").exists()
    assert exported(tmp_path, proxy()) == []


def test_an_export_that_is_cut_off_leaves_every_file_old_or_new_and_the_next_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "proxies/orders"
    old = dict.fromkeys(FOUND, b"<Old/>")
    put(folder, old)
    replace, done = os.replace, []

    def cut_off(source: str, target: str) -> None:
        if done:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            exported(tmp_path, proxy())
    there = files(folder)
    assert set(there) == set(FOUND) and sorted(there[path] == FOUND[path] for path in FOUND) == [False, True]
    assert exported(tmp_path, proxy()) == ["proxies/orders"] and files(folder) == FOUND


def test_a_file_takes_the_place_of_a_folder_and_of_a_link(tmp_path: Path) -> None:
    folder = tmp_path / "proxies/orders"
    put(folder, {"apiproxy/orders.xml": b"<Old/>", "apiproxy/policies/Quota.xml/deep.xml": b"<Old/>"})
    (folder / "apiproxy/other.xml").symlink_to("orders.xml")
    found = {**FOUND, "apiproxy/other.xml": b"<Old/>"}
    assert exported(tmp_path, proxy(found)) == ["proxies/orders"]
    assert files(folder) == found and not (folder / "apiproxy/other.xml").is_symlink()


def test_a_linked_folder_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    elsewhere, root = tmp_path / "elsewhere", tmp_path / "root"
    put(elsewhere, {"apiproxy/orders.xml": b"<Old/>"})
    (root / "proxies").mkdir(parents=True)
    (root / "proxies/orders").symlink_to(elsewhere)
    exported(root, proxy())
    assert files(root / "proxies/orders") == FOUND and files(elsewhere) == {"apiproxy/orders.xml": b"<Old/>"}


def test_the_folder_of_a_proxy_that_is_gone_goes_unless_it_holds_more(tmp_path: Path) -> None:
    put(tmp_path / "proxies/old", {**FOUND, "README.md": b"mine"})
    (tmp_path / "proxies/old/apiproxy/targets").mkdir()
    said = refused(tmp_path)
    assert "proxies/old holds README.md" in said and "delete the folder" in said
    (tmp_path / "proxies/old/README.md").unlink()
    assert exported(tmp_path) == ["proxies/old"] and not (tmp_path / "proxies/old").exists()


@pytest.mark.parametrize("found", [(), (proxy(),)], ids=["gone", "there"])
@pytest.mark.parametrize("broken", ["zip", "link", "root"])
def test_a_bundle_that_cannot_be_read_is_neither_replaced_nor_removed(
    tmp_path: Path, broken: str, found: tuple[One, ...]
) -> None:
    base = tmp_path / "proxies"
    put(base / "orders", {"apiproxy/orders.xml": b"<Old/>"} if broken == "link" else {})
    if broken == "zip":
        put(base, {"orders.zip": b"no zip"})
    elif broken == "link":
        (base / "orders/apiproxy/Out.xml").symlink_to("/etc/hostname")
    else:
        put(base / "orders", {"apiproxy": b"no folder"})
    said = refused(tmp_path, *found)
    assert "proxies/orders" in said and "cannot be read as a bundle" in said and "Nothing was changed" in said


def test_a_folder_with_the_root_of_another_kind_is_not_made_ambiguous(tmp_path: Path) -> None:
    put(tmp_path / "proxies/orders", {"sharedflowbundle/orders.xml": b"<SharedFlowBundle/>"})
    assert "it holds sharedflowbundle" in refused(tmp_path, proxy())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"---\n- name: a\n  secret_entries: {{k: {CANARY}}}\n - oops: [\n", "no YAML (line 4)"),
        (f"targets:\n  - name: {CANARY}\n", "no list of entries"),
        (f"- {CANARY}\n", "no list of entries"),
        (f"- name: a\n---\n- name: {CANARY}\n", "no YAML (line 2)"),
        (f"- name: 2020-13-45\n  host: {CANARY}\n", "no YAML (a value is none of its type)"),
    ],
)
@pytest.mark.parametrize("suffix", ["yml", "json"])
def test_a_file_that_cannot_be_read_is_refused_and_not_repeated(
    tmp_path: Path, text: str, why: str, suffix: str
) -> None:
    path = f"environments/prod/key_value_maps.{suffix}"
    put(tmp_path, {path: text.encode()})
    said = refused(tmp_path, kind="apigee_key_value_map")
    assert said.startswith(f"{path} cannot be read") and why in said and CANARY not in said


def test_json_may_be_indented_with_tabs(tmp_path: Path) -> None:
    text = b'[\n\t{"name": "a", "state": "absent"}\n]\n'
    put(tmp_path, {"environments/prod/key_value_maps.json": text})
    assert exported(tmp_path, kind="apigee_key_value_map") == []


MAPS = "environments/prod/key_value_maps.yml"


def key_value_map(entries: dict[str, str], values: bool) -> One:
    """The key value map ``m`` as it is found."""
    kind = registry.load("apigee_key_value_map")
    options = {"name": "m", "environment": "prod", "organization": "acme", **({"values": True} if values else {})}
    resource = kind(options, context())
    document = {"name": "m", "entries": entries}
    return One(resource, document, resource.declaration(document))


def stated(options: str) -> dict[str, bytes]:
    return {MAPS: f"---\n- name: m\n{options}".encode()}


@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize(
    ("options", "lost"),
    [
        (f"  secret_entries: {{token: {CANARY}}}\n", "secret_entries[token]"),
        ("  secret_entries: {a: 1, pin: 12}\n", "secret_entries[pin]"),
        (f"  entries: {{a: 1}}\n  secret_entris: {{token: {CANARY}}}\n", "secret_entris[token]"),
        (f"  secret_entries: {{token: {CANARY}}}\n- name: m\n  entries: {{a: 1}}\n", "secret_entries[token]"),
        (f"  state: absent\n  secret_entries: {{token: {CANARY}}}\n", "secret_entries[token]"),
    ],
    ids=["all", "one of two", "misspelt", "said twice", "absent"],
)
def test_a_secret_that_google_lacks_is_refused(tmp_path: Path, options: str, lost: str, values: bool) -> None:
    put(tmp_path, stated(options))
    said = refused(tmp_path, key_value_map({"a": "1"}, values), kind="apigee_key_value_map")
    assert said.startswith(f"{MAPS} states {lost} of ") and "no secret is lost" in said and CANARY not in said


@pytest.mark.parametrize(
    ("path", "kind", "entry"),
    [
        (MAPS, "apigee_key_value_map", f"- name: m\n  secret_entries: {{token: {CANARY}}}\n"),
        (
            "environments/prod/keystore_aliases.yml",
            "apigee_keystore_alias",
            f"- name: a\n  keystore: k\n  private_key: |\n    {CANARY}\n",
        ),
        ("proxies.yml", "apigee_proxy", f"- name: a\n  probe_request: {{headers: {{authorization: {CANARY}}}}}\n"),
    ],
)
def test_an_entry_with_a_secret_whose_object_google_lacks_is_refused(
    tmp_path: Path, path: str, kind: str, entry: str
) -> None:
    put(tmp_path, {path: f"---\n{entry}".encode()})
    said = refused(tmp_path, kind=kind)
    assert said.startswith(f"{path} states ") and "Google holds no such" in said and CANARY not in said


def test_an_entry_without_a_secret_goes_with_its_object(tmp_path: Path) -> None:
    put(tmp_path, stated("  entries: {token_lifetime: 60, key: 1}\n"))
    assert exported(tmp_path, kind="apigee_key_value_map") == [MAPS] and not (tmp_path / MAPS).exists()


@pytest.mark.parametrize("values", [False, True])
def test_a_secret_that_google_holds_stays_where_another_key_is_gone(tmp_path: Path, values: bool) -> None:
    put(tmp_path, stated("  entries: {a: 1, token: x}\n  secret_entries: {pin: 12, flag: true}\n"))
    found = key_value_map({"a": "1", "pin": "12", "flag": "true"}, values)
    assert exported(tmp_path, found, kind="apigee_key_value_map") == [MAPS]
    text = (tmp_path / MAPS).read_text()
    assert "token" not in text and "secret_entries:\n    pin: '12'\n    flag: 'true'\n" in text
