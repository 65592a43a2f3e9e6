# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared flows: what proxies do, by their own calls, without labels, routes and requests through the gateway."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle
from ansible_collections.gatewayops.apigee_gke.plugins.modules import apigee_shared_flow, apigee_shared_flow_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ONE = f"{ORG}/sharedflows/security"
PROD = f"{ORG}/environments/prod"
FILES = {
    "sharedflowbundle/security.xml": '<SharedFlowBundle name="security"/>',
    "sharedflowbundle/policies/Key.xml": '<VerifyAPIKey name="Key"><APIKey ref="request.header.k"/></VerifyAPIKey>',
    "sharedflowbundle/sharedflows/default.xml": '<SharedFlow name="default"><Step><Name>Key</Name></Step></SharedFlow>',
}
OTHER = {**FILES, "sharedflowbundle/policies/Key.xml": FILES["sharedflowbundle/policies/Key.xml"].replace("k", "key")}


@pytest.fixture
def wanted(tmp_path: Path) -> dict[str, t.Any]:
    """Options with the bundle as a folder."""
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return {"name": "security", "bundle": str(tmp_path), "environments": ["prod"], "lint": "none"}


def zipped(files: dict[str, str]) -> bytes:
    return bundle.to_zip(bundle.Bundle({path: text.encode() for path, text in files.items()}))


def deployment(revision: int) -> str:
    return f"{PROD}/sharedflows/security/revisions/{revision}/deployments"


class FlowScript(Script):
    """A script that knows the calls of a shared flow."""

    def get(self, *revisions: int) -> None:
        numbers = [str(one) for one in revisions]
        call = self.expect("GET", "apigee", ONE)
        if not revisions:
            call.refuses(404, "no", code="NOT_FOUND")
        else:
            call.replies({"name": "security", "revision": numbers, "latestRevisionId": numbers[-1]})

    def deployed(self, *revisions: int) -> None:
        found = [{"environment": "prod", "apiProxy": "security", "revision": str(one)} for one in revisions]
        self.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": found})

    def download(self, revision: int, files: dict[str, str]) -> None:
        path = f"{ONE}/revisions/{revision}"
        self.expect("GET", "apigee", path, query={"format": "bundle"}).raw = zipped(files)

    def state(self, revision: int, state: str) -> None:
        call = self.expect("GET", "apigee", deployment(revision))
        call.replies({"environment": "prod", "revision": str(revision), "state": state})

    def absent(self, revision: int) -> None:
        self.expect("GET", "apigee", deployment(revision)).refuses(404, "no", code="NOT_FOUND")


def test_equal_content_is_nothing_to_do(wanted: dict[str, t.Any]) -> None:
    script = FlowScript()
    script.get(1, 2)
    script.deployed(2)
    script.download(2, FILES)
    script.state(2, "READY")
    result = script.run(apigee_shared_flow, **wanted)
    assert not result["changed"] and result["resource"]["revision"] == 2


def test_other_content_is_imported_and_deployed_over_the_old(wanted: dict[str, t.Any]) -> None:
    script = FlowScript()
    script.get(1)
    script.deployed(1)
    script.download(1, OTHER)
    script.expect("GET", "apigee", PROD).replies({"name": "prod"})
    query = {"name": "security", "action": "import"}
    upload = script.expect("POST", "apigee", f"{ORG}/sharedflows", query=query, content=lambda data: None)
    upload.replies({"name": "security", "revision": "2"})
    script.expect("POST", "apigee", deployment(2), query={"override": "true"}).replies({})
    script.state(2, "READY")
    script.get(1, 2)
    script.deployed(2)
    script.download(2, FILES)
    script.state(2, "READY")
    result = script.run(apigee_shared_flow, **wanted)
    assert result["note"] == "imported revision 2; deployed revision 2 over 1 in prod"


def test_old_revisions_go_but_never_what_is_deployed(wanted: dict[str, t.Any]) -> None:
    script = FlowScript()
    script.get(1, 2, 3, 4, 5)
    script.deployed(5)
    script.download(5, FILES)
    script.state(5, "READY")
    preview = script.run(apigee_shared_flow, check=True, keep_revisions=1, **wanted)
    assert preview["note"] == "would delete revisions 1-4"
    script = FlowScript()
    script.get(1, 2, 3, 4, 5)
    everywhere = [{"environment": one, "revision": number} for one, number in (("prod", "5"), ("old", "2"))]
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": everywhere})
    script.download(5, FILES)
    script.state(5, "READY")
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": everywhere})
    for revision in (1, 3, 4):
        script.expect("DELETE", "apigee", f"{ONE}/revisions/{revision}").replies({})
    script.get(2, 5)
    script.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": everywhere})
    script.state(5, "READY")
    result = script.run(apigee_shared_flow, keep_revisions=1, **wanted)
    assert result["note"] == "deleted revisions 1, 3-4" and result["resource"]["revisions"] == [2, 5]


def test_a_proxys_bundle_is_refused(wanted: dict[str, t.Any], tmp_path: Path) -> None:
    folder = tmp_path / "proxy"
    for path, text in (
        ("apiproxy/a.xml", '<APIProxy name="a"/>'),
        (
            "apiproxy/proxies/default.xml",
            '<ProxyEndpoint name="default"><HTTPProxyConnection><BasePath>/a</BasePath></HTTPProxyConnection>'
            '<RouteRule name="none"/></ProxyEndpoint>',
        ),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    said = FlowScript().run(apigee_shared_flow, fails=True, **{**wanted, "bundle": str(folder)})["msg"]
    assert "holds apiproxy, not sharedflowbundle" in said


def test_info() -> None:
    script = FlowScript()
    script.get(1)
    script.deployed(1)
    script.state(1, "READY")
    (found,) = script.run(apigee_shared_flow_info, name="security")["resources"]
    assert found["deployments"][0]["state"] == "READY" and found["revisions"] == [1]
