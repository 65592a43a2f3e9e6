# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Preview, first run, second run: what a user sees on the first day."""

from __future__ import annotations

import json

from tests.acceptance.cloud import Cloud


def resource_versions(cloud: Cloud) -> dict[str, str]:
    """Of every object that the site makes in Kubernetes, and their children's (a touched Deployment makes new ones)."""
    found = json.loads(cloud.kubectl("get", "services,deployments,replicasets,namespaces", "-A", "-o", "json"))["items"]
    return {
        f"{item['kind']}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item["metadata"][
            "resourceVersion"
        ]
        for item in found
    }


def test_preview_first_run_and_second_run(new: Cloud) -> None:
    preview = new.play("site.yml", "--check", "--diff")
    assert new.counters()["mutating"] == 0, "a preview wrote"
    # APIs are switched on in a project that is there; all else is made.
    assert {(kind, action) for kind, _, action in preview.actions if action != "created"} == {
        ("project_services", "updated")
    }

    first = new.play()
    assert first.changed
    assert first.actions == preview.actions
    assert any(kind.startswith("Service") for kind, _, _ in first.actions), "Kubernetes objects are part of the report"

    answer = new.call()
    assert answer["status"] == 200
    assert answer["answered"]["pod"].startswith("orders")

    versions, before = resource_versions(new), new.counters()
    second = new.play()
    after = new.counters()
    assert second.changed == 0
    assert second.actions == set()
    assert after["mutating"] == before["mutating"]
    assert after["reads"] - before["reads"] < 30
    assert resource_versions(new) == versions
    assert new.control("GET", "violations")["violations"] == []
