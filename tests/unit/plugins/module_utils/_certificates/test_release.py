# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done with cert-manager's Helm release, from the Secret in which Helm keeps it."""

from __future__ import annotations

import base64
import gzip
import json

from ansible_collections.gatewayops.apigee_gke.plugins.filter import certificates as filters
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import release

WANTED = release.values({}, "cert-manager", 10250)


def secret(revision: int, status: str = "deployed", values: dict | None = None) -> dict:
    document = {
        "version": revision,
        "info": {"status": status},
        "chart": {"metadata": {"name": "cert-manager", "version": "v1.21.2"}},
        "config": values,
    }
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(document).encode())))
    return {"metadata": {"labels": {"version": str(revision)}}, "data": {"release": packed.decode()}}


def plan(found: dict | None, version: str = "v1.21.2", **declared: object) -> dict:
    return filters.cert_manager_plan(declared, found, version, 10250, "gke", "cert-manager")


def found(status: str = "deployed", values: dict | None = None) -> dict | None:
    return release.newest([secret(9, "superseded", {}), secret(10, status, values or WANTED)])


def test_the_newest_revision_counts() -> None:
    assert release.newest([]) is None
    assert found()["revision"] == 10


def test_nothing_is_done_twice() -> None:
    assert plan(None)["action"] == "created"
    assert plan(found())["action"] == "unchanged"
    assert plan(found(), version="1.21.2")["action"] == "unchanged"


def test_what_differs_is_named() -> None:
    assert plan(found(), version="v1.22.0")["outcome"]["changes"] == [
        {"field": "version", "before": "1.21.2", "after": "1.22.0"}
    ]
    changed = plan(found(), webhook={"replicaCount": 2})
    assert [change["field"] for change in changed["outcome"]["changes"]] == ["values.webhook.replicaCount"]
    assert changed["values"]["webhook"] == {"securePort": 10250, "replicaCount": 2}
    assert plan(found("failed"))["action"] == "updated"


def test_an_interrupted_attempt_is_cleared() -> None:
    interrupted = plan(found("pending-install"))
    assert interrupted["interrupted"] and interrupted["action"] == "created"


def test_somebody_elses_release_is_left_alone() -> None:
    foreign = plan(found(values={"crds": {"enabled": True}}))
    assert foreign["action"] == "unchanged" and "installed by somebody else" in foreign["trouble"]
    assert not plan(found())["trouble"]


def test_autopilot_finds_no_lease_in_kube_system() -> None:
    assert WANTED["global"]["leaderElection"] == {"namespace": "cert-manager"}
    documents = [
        {"kind": "Namespace", "metadata": {"name": "cert-manager"}},
        {"kind": "Role", "metadata": {"name": "lease", "namespace": "kube-system"}},
        {"kind": "CustomResourceDefinition", "metadata": {"name": "issuers.cert-manager.io"}},
        {
            "kind": "Deployment",
            "metadata": {"name": "x", "namespace": "cert-manager"},
            "spec": {"args": ["--leader-election-namespace=kube-system"]},
        },
        None,
    ]
    made = filters.cert_manager_manifest(documents, "certs")
    assert [entry["kind"] for entry in made] == ["Role", "CustomResourceDefinition", "Deployment"]
    assert "kube-system" not in json.dumps(made) and made[0]["metadata"]["namespace"] == "certs"
    kept = filters.cert_manager_manifest(documents, "certs", keep=True)
    assert [entry["kind"] for entry in kept] == ["Role", "Deployment"]
