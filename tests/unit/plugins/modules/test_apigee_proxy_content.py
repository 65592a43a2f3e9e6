# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Content: what is equal is never imported again, and a cut-off import is completed."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_proxy
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_proxy_replies import (
    CONTENT,
    ONE,
    OTHER,
    OURS,
    WANTED,
    ProxyScript,
    labels,
    proxy,
)


def test_a_folder_and_a_zip_of_the_same_content_are_unchanged(tmp_path: Path) -> None:
    for name, data in CONTENT.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data.replace(b"    ", b"\t").replace(b"\n", b"\r\n"))
    (tmp_path / "orders.zip").write_bytes(bundle.to_zip(CONTENT))
    for source in (tmp_path, tmp_path / "apiproxy", tmp_path / "orders.zip"):
        script = ProxyScript()
        script.get(proxy(7, labels(7)))
        script.state(7)
        options = {"name": "orders", "bundle": str(source), "environments": ["prod"]}
        assert not script.run(apigee_proxy, **options)["changed"]


def test_check_mode_predicts_and_shows_the_files() -> None:
    script = ProxyScript()
    script.changed_content()
    script.validated()
    result = script.run(apigee_proxy, check=True, **WANTED)
    assert result["note"] == "would import revision 8 and deploy it over 7 in prod"
    assert result["requests"]["writes"] == 0
    assert "<Description>older</Description>" in result["diff"][0]["before"]
    assert result["diff"][0]["after_header"].endswith("apiproxy/orders.xml")


def test_check_mode_tells_which_traffic_nobody_would_answer() -> None:
    script = ProxyScript()
    script.get(proxy(7, labels(7, OTHER)))
    script.deployed(7)
    script.download(7)
    ours = "organizations/acme-shop/apis/orders/revisions/7"
    places = {one: f"organizations/acme-shop/environments/{one}" for one in ("prod", "test")}
    script.routes(
        {"basepath": "/orders/", "receiver": ours, "environment": places["prod"]},
        {"basepath": "/old", "receiver": ours, "environment": places["prod"]},
        {"basepath": "/older", "receiver": ours, "environment": places["test"]},
        {"basepath": "/stock", "receiver": ours.replace("orders", "stock"), "environment": places["prod"]},
    )
    script.validated()
    note = script.run(apigee_proxy, check=True, **WANTED)["note"]
    lost = "traffic for base path /old would no longer be received by it (environment group public)"
    assert note == f"would import revision 8 and deploy it over 7 in prod; {lost}"


def test_changed_content_is_imported_and_deployed_over_the_old() -> None:
    script = ProxyScript()
    script.changed_content()
    script.surroundings()
    script.upload().replies({"revision": "8"})
    script.label(labels(8))
    script.report(8, routingChanges=[{"description": "Traffic moves", "environmentGroup": "public"}])
    script.deploy(8, serviceAccount="run@acme.example")
    script.state(8)
    script.get(proxy(8, labels(8)))
    script.state(8)
    result = script.run(apigee_proxy, **WANTED, service_account="run@acme.example")
    assert "deployed revision 8 over 7 in prod" in result["note"] and "Traffic moves" in result["note"]


def test_imported_but_not_labelled_is_not_imported_again() -> None:
    script = ProxyScript()
    script.get(proxy(8, labels(7, OTHER)))
    script.deployed(7)
    script.download(8, CONTENT)
    script.state(8, None)
    script.download(7)
    script.report(8)
    script.surroundings()
    script.label(labels(8))
    script.deploy(8)
    script.state(8)
    script.get(proxy(8, labels(8)))
    script.state(8)
    assert script.run(apigee_proxy, **WANTED)["note"] == "deployed revision 8 over 7 in prod"


def test_a_first_import_that_was_cut_off_is_ours() -> None:
    script = ProxyScript()
    script.get(proxy(1))
    script.deployed()
    script.download(1, CONTENT)
    script.state(1, None)
    script.report(1)
    script.surroundings()
    script.label(labels(1))
    script.deploy(1)
    script.state(1)
    script.get(proxy(1, labels(1)))
    script.state(1)
    assert script.run(apigee_proxy, **WANTED)["action"] == "updated"


def test_somebody_elses_proxy_with_the_same_content_is_unchanged_and_not_marked() -> None:
    script = ProxyScript()
    script.get(proxy(3))
    script.deployed(3)
    script.download(3, CONTENT)
    script.state(3)
    assert not script.run(apigee_proxy, **WANTED)["changed"]


def test_a_missing_target_server_is_found_before_a_revision_is_spent() -> None:
    script = ProxyScript()
    script.get(None)
    script.routes()
    script.surroundings(servers=False)
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "environment prod has no target server orders" in said


def test_a_lost_import_is_looked_for_before_it_is_repeated() -> None:
    script = ProxyScript()
    script.changed_content()
    script.surroundings()
    script.upload().is_lost()
    script.get(proxy(8, labels(7, OTHER)))
    script.download(8, CONTENT)
    script.label(labels(8))
    script.report(8)
    script.deploy(8).is_lost()
    script.state(8, "PROGRESSING")
    script.state(8)
    script.get(proxy(8, labels(8)))
    script.state(8)
    assert script.run(apigee_proxy, **WANTED)["resource"]["latest_revision"] == 8


def test_apigees_view_of_a_broken_bundle_is_passed_on() -> None:
    script = ProxyScript()
    script.changed_content()
    script.surroundings()
    details = [{"@type": "BadBundle", "violations": [{"filename": "apiproxy/x.xml", "description": "no such policy"}]}]
    script.upload().refuses(400, "bundle contains errors", code="INVALID_ARGUMENT", details=details)
    said = script.run(apigee_proxy, fails=True, **WANTED)["msg"]
    assert "bundle contains errors" in said and "no such policy" in said


def never_deployed(script: ProxyScript) -> None:
    """Revision 8 was imported with other content, and only 7 is deployed."""
    script.get(proxy(8, labels(8, OTHER)))
    script.deployed(7)
    script.download(7)
    script.routes()
    script.surroundings()
    # A run that ends here leaves no false memory of what revision 8 holds.
    script.label(OURS)


def served(script: ProxyScript, revision: int) -> None:
    script.label(labels(revision))
    script.report(revision)
    script.deploy(revision)
    script.state(revision)
    script.get(proxy(revision, labels(revision)))
    script.state(revision)


def test_a_revision_that_was_never_deployed_is_overwritten() -> None:
    script = ProxyScript()
    never_deployed(script)
    script.expect("POST", "apigee", f"{ONE}/revisions/8", content=lambda data: None).replies({"revision": "8"})
    served(script, 8)
    assert "imported into revision 8, which was never deployed" in script.run(apigee_proxy, **WANTED)["note"]


def test_one_that_was_deployed_once_is_not() -> None:
    script = ProxyScript()
    never_deployed(script)
    overwrite = script.expect("POST", "apigee", f"{ONE}/revisions/8", content=lambda data: None)
    overwrite.refuses(400, "has been deployed and is immutable", code="FAILED_PRECONDITION")
    script.upload().replies({"revision": "9"})
    served(script, 9)
    assert "imported revision 9" in script.run(apigee_proxy, **WANTED)["note"]


def test_one_that_was_imported_to_be_deployed_later_is_kept() -> None:
    script = ProxyScript()
    script.get(proxy(8, {**labels(8, OTHER), "kept-revision": "8"}))
    script.deployed(7)
    script.download(7)
    script.routes()
    script.surroundings()
    script.upload().replies({"revision": "9"})
    script.label({**labels(9), "kept-revision": "8"})
    script.report(9)
    script.deploy(9)
    script.state(9)
    script.get(proxy(9, {**labels(9), "kept-revision": "8"}))
    script.state(9)
    assert "imported revision 9" in script.run(apigee_proxy, **WANTED)["note"]


def test_a_broken_bundle_is_refused_unsent(tmp_path: Path) -> None:
    (tmp_path / "apiproxy/proxies").mkdir(parents=True)
    (tmp_path / "apiproxy/orders.xml").write_text('<APIProxy name="orders"/>')
    (tmp_path / "apiproxy/proxies/default.xml").write_text('<ProxyEndpoint name="default"/>')
    said = ProxyScript().run(apigee_proxy, fails=True, name="orders", bundle=str(tmp_path))["msg"]
    assert "it has no BasePath" in said and "apiproxy/proxies/default.xml" in said


def test_where_all_that_is_kept_leaves_no_room_for_an_import_it_is_said() -> None:
    script = ProxyScript()
    script.get(proxy(250, labels(250, OTHER)))
    # The oldest serves, and the newest 249 are to be kept.
    script.deployed(1, 250)
    script.download(1)
    script.routes()
    said = script.run(apigee_proxy, check=True, fails=True, **WANTED, keep_revisions=249)["msg"]
    assert "keep_revisions: 249 and what is deployed leave none to delete: keep fewer" in said
