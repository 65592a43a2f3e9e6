# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is listed to know who else needs TLS in a cluster, and what it comes to; the API server is a double."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._certificates import others
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._kubernetes import reader
from ansible_collections.gatewayops.apigee_gke.plugins.modules import tls_users_info
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.scripted_http import Script

DEPLOYMENTS = "/apis/apps/v1/deployments"
ASKING = {
    "metadata": {"name": "parcels", "namespace": "depot"},
    "spec": {"template": {"metadata": {"annotations": {"tls-sidecar.gatewayops.io/service": "parcels"}}}},
}


def run(monkeypatch: pytest.MonkeyPatch, fails: bool = False, **answers: t.Any) -> tuple[dict[str, t.Any], set[str]]:
    """Run it against a cluster with these deployments and nothing else."""
    asked: set[str] = set()

    def ask(_reader: t.Any, _method: str, path: str, _body: t.Any = None) -> tuple[int, dict[str, t.Any]]:
        asked.add(path)
        return answers.get("deployments", (404, {})) if path == DEPLOYMENTS else (404, {"message": "not found"})

    monkeypatch.setattr(reader.Reader, "_ask", ask)
    place = {"cluster": "gke", "endpoint": "203.0.113.7", "services": [{"name": "orders", "namespace": "shop"}]}
    return Script().run(tls_users_info, fails=fails, **place), asked


def test_everything_is_listed_in_all_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    result, asked = run(monkeypatch, deployments=(200, {"items": [ASKING]}))
    assert result["users"] == [{"kind": "Deployment", "namespace": "depot", "name": "parcels"}]
    assert "Deployment depot/parcels" in result["kept"][0]["because"] and not result["changed"]
    assert asked == set(others.lists().values())
    mark = "labelSelector=app.kubernetes.io%2Fmanaged-by%3Dgatewayops.apigee_gke"
    assert {f"/api/v1/services?{mark}", f"/apis/cert-manager.io/v1/certificates?{mark}", "/api/v1/pods"} <= asked


def test_a_cluster_that_has_none_of_it_has_no_users(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _asked = run(monkeypatch)
    assert (result["users"], result["kept"]) == ([], [])


def test_what_may_not_be_listed_is_not_taken_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    result, _asked = run(monkeypatch, True, deployments=(403, {"message": "deployments.apps is forbidden"}))
    assert "HTTP 403: deployments.apps is forbidden" in result["msg"] and "cluster gke" in result["msg"]
