# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Apigee answers about one proxy, orders, shared by the tests of it."""

from __future__ import annotations

import typing as t

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._apigee import bundle, digest, generate
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.modules.apigee_replies import ORG
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

ONE = f"{ORG}/apis/orders"
PROD = f"{ORG}/environments/prod"
WANTED: dict[str, t.Any] = {
    "name": "orders",
    "base_path": "/orders",
    "target_servers": ["orders"],
    "environments": ["prod"],
    # What asks through the gateway is shown in test_apigee_proxy_probe.py.
    "probe": False,
    "lint": "none",
}
CONTENT = generate.generate("orders", "/orders", ["orders"])
OTHER = generate.generate("orders", "/orders", ["orders"], description="older")
DIGEST = digest.digest(CONTENT)
OURS = {"managed-by": "gatewayops-apigee-gke"}


def labels(revision: int, content: bundle.Bundle = CONTENT) -> dict[str, str]:
    return {**OURS, "content-digest": digest.digest(content), "content-revision": str(revision)}


def proxy(latest: int, marks: dict[str, str] | None = None) -> dict[str, t.Any]:
    numbers = [str(one) for one in range(1, latest + 1)]
    found: dict[str, t.Any] = {"name": "orders", "revision": numbers, "latestRevisionId": str(latest)}
    return {**found, "labels": marks} if marks else found


def path(revision: int, environment: str = "prod") -> str:
    return f"{ORG}/environments/{environment}/apis/orders/revisions/{revision}/deployments"


def status(revision: int, state: str = "READY", **more: t.Any) -> dict[str, t.Any]:
    return {"environment": "prod", "apiProxy": "orders", "revision": str(revision), "state": state, **more}


class ProxyScript(Script):
    """A script that knows the calls of a proxy."""

    def get(self, found: dict[str, t.Any] | None) -> None:
        call = self.expect("GET", "apigee", ONE)
        call.replies(found) if found else call.refuses(404, "not found", code="NOT_FOUND")

    def deployed(self, *revisions: int) -> None:
        found = [{"environment": "prod", "apiProxy": "orders", "revision": str(one)} for one in revisions]
        self.expect("GET", "apigee", f"{ONE}/deployments").replies({"deployments": found} if found else {})

    def state(self, revision: int, state: str | None = "READY", **more: t.Any) -> None:
        call = self.expect("GET", "apigee", path(revision))
        call.replies(status(revision, state, **more)) if state else call.refuses(404, "no", code="NOT_FOUND")

    def download(self, revision: int, content: bundle.Bundle = OTHER) -> None:
        call = self.expect("GET", "apigee", f"{ONE}/revisions/{revision}", query={"format": "bundle"})
        call.raw = bundle.to_zip(content)

    def routes(self, *rules: dict[str, str]) -> None:
        groups = {"environmentGroups": [{"name": "public"}]}
        attached = {"environmentGroupAttachments": [{"name": "a1", "environment": "prod"}]}
        self.expect("GET", "apigee", f"{ORG}/envgroups").replies(groups)
        self.expect("GET", "apigee", f"{ORG}/envgroups/public/attachments").replies(attached)
        config = f"{ORG}/envgroups/public/deployedIngressConfig"
        self.expect("GET", "apigee", config, query={"view": "FULL"}).replies({"routingRules": list(rules)})

    def surroundings(self, servers: bool = True) -> None:
        self.expect("GET", "apigee", PROD).replies({"name": "prod"})
        call = self.expect("GET", "apigee", f"{PROD}/targetservers/orders")
        call.replies({"name": "orders"}) if servers else call.refuses(404, "no", code="NOT_FOUND")

    def upload(self, content: bundle.Bundle = CONTENT) -> t.Any:
        def check(data: bytes) -> None:
            start = data.index(b"PK\x03\x04")
            assert bundle.from_zip(data[start : data.rindex(b"\r\n--")]) == content

        query = {"name": "orders", "action": "import"}
        return self.expect("POST", "apigee", f"{ORG}/apis", query=query, content=check)

    def validated(self) -> t.Any:
        """Apigee looks at the bundle, in check mode."""
        query = {"name": "orders", "action": "validate"}
        return self.expect("POST", "apigee", f"{ORG}/apis", query=query, content=lambda data: None).replies({})

    def label(self, marks: dict[str, str]) -> None:
        self.expect("PATCH", "apigee", ONE, query={"updateMask": "labels"}, body={"labels": marks}).replies({})

    def report(self, revision: int, **found: t.Any) -> None:
        url = path(revision) + ":generateDeployChangeReport"
        self.expect("POST", "apigee", url, query={"override": "true"}).replies(found)

    def deploy(self, revision: int, **query: str) -> t.Any:
        return self.expect("POST", "apigee", path(revision), query={"override": "true", **query}).replies({})

    def changed_content(self) -> None:
        """Revision 7 serves with other content than is wanted."""
        self.get(proxy(7, labels(7, OTHER)))
        self.deployed(7)
        self.download(7)
        self.routes({"basepath": "/orders", "receiver": "organizations/acme-shop/apis/orders/revisions/7"})
