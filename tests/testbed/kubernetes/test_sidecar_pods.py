# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real API server takes every pod of the corpus that is injected, as it is, under PodSecurity, quota and limits."""
from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import patch
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.inject import inject
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.corpus.sidecar import cases as corpus

from testbed.kubernetes import node
from tests.testbed.kubernetes.conftest import Kubectl, spec

pytestmark = pytest.mark.testbed

NAMESPACES = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
    {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"namespace": "strict", "name": "all"}, "spec": {"hard": {
        "requests.cpu": "1", "requests.memory": "1Gi", "limits.cpu": "4", "limits.memory": "2Gi", "pods": "10"}}},
    {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"namespace": "strict", "name": "each"}, "spec": {"limits": [
        {"type": "Container", "min": {"cpu": "5m", "memory": "8Mi"}, "max": {"cpu": "2", "memory": "512Mi"}}]}},
]
#: Whoever is strict asks for this of the application; the sidecar brings it by itself.
DECENT: dict[str, Any] = {
    "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"}}}


def listed(items: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


#: Clusters whose sidecars are containers like the others, without a sleep action; newer API servers take them as well.
CLASSIC = Defaults.read({"kubernetes_version": "1.28"})


def pods(defaults: Defaults) -> dict[str, dict[str, Any]]:
    """Every pod of the corpus that a cluster of today may get, injected; by name."""
    found = {}
    for case in corpus.cases():
        outcome = inject(case.pod, "shop", defaults)
        if case.for_any_cluster and outcome.verdict in ("injected", "completed", "unchanged"):
            found[case.pod["metadata"]["name"]] = patch.apply(case.pod, outcome.patch)
    return found


def lost(wanted: Any, stored: Any, place: str = "") -> list[str]:
    """What the API server keeps otherwise than it was sent; it may add. Amounts and false values are written anew."""
    if isinstance(wanted, dict) and isinstance(stored, dict):
        return [item for key, value in wanted.items() for item in lost(value, stored.get(key), f"{place}/{key}")]
    if isinstance(wanted, list) and isinstance(stored, list) and len(wanted) <= len(stored):
        return [item for each, (one, other) in enumerate(zip(wanted, stored, strict=False))
                for item in lost(one, other, f"{place}/{each}")]
    same = wanted == stored or (not wanted and stored is None) or place.rsplit("/", 1)[-1] in ("cpu", "memory")
    return [] if same else [f"{place}: {wanted!r} became {stored!r}"]


def test_what_is_lost_is_seen():
    assert lost({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == ["/a/0/b: 1 became 2"]
    assert lost({"a": "x"}, {}) == ["/a: 'x' became None"]


def dry_run(kubectl: Kubectl, namespace: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pods as the API server would store them; it writes one document after the other."""
    answer = kubectl("create", "--dry-run=server", f"--namespace={namespace}", "--filename=-", "--output=json",
                     input=listed(items))
    found, place = [], 0
    while answer[place:].strip():
        place += len(answer[place:]) - len(answer[place:].lstrip())
        item, place = json.JSONDecoder().raw_decode(answer, place)
        found.append(item)
    return found


def wait_for_accounts(kubectl: Kubectl) -> None:
    """The controller gives each namespace its service account a moment after it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        accounts = kubectl.json("get", "serviceaccounts", "--all-namespaces")["items"]
        if {"shop", "strict"} <= {each["metadata"]["namespace"] for each in accounts}:
            return
        time.sleep(0.2)
    pytest.fail("no service accounts after 60 s")


def test_the_api_server_takes_them(place, tmp_path):
    inner, _outer, cgroup = place
    try:
        kubectl = Kubectl(inner, asyncio.run(node.start(spec(cgroup), inner, tmp_path / "node")))
        kubectl("create", "--filename=-", input=listed(NAMESPACES))
        wait_for_accounts(kubectl)
        every_pod_is_taken_as_it_is(kubectl, Defaults())
        every_pod_is_taken_as_it_is(kubectl, CLASSIC)
        every_sidecar_meets_the_strictest_rules(kubectl)
    finally:
        asyncio.run(node.stop(tmp_path / "node"))


def every_pod_is_taken_as_it_is(kubectl: Kubectl, defaults: Defaults) -> None:
    wanted = pods(defaults)
    assert len(wanted) > 80
    assert any(_sidecar(pod, "containers") for pod in wanted.values()) is not defaults.native_sidecars
    stored = dry_run(kubectl, "shop", list(wanted.values()))
    assert {each["metadata"]["name"] for each in stored} == set(wanted)
    changed = [lost(wanted[name]["spec"], each["spec"], name) for each in stored for name in [each["metadata"]["name"]]]
    assert [places for places in changed if places] == []


def _sidecar(pod: dict[str, Any], kind: str) -> bool:
    return any(each["name"] == "tls-sidecar" for each in pod["spec"].get(kind) or [])


def every_sidecar_meets_the_strictest_rules(kubectl: Kubectl) -> None:
    plain = {case.name: case.pod for case in corpus.cases()}
    first = {"gateway": "edge-microgateway", "gateway-and-tls": "edge-microgateway"}
    for name in ("nginx", "envoy", "haproxy", "apache", *first):
        pod = json.loads(json.dumps(plain[name]))
        pod["spec"]["containers"][0].update(DECENT)
        bare = json.loads(json.dumps(pod))
        bare["spec"]["containers"][0]["securityContext"] = {}
        with pytest.raises(OSError, match="violates PodSecurity"):
            dry_run(kubectl, "strict", [bare])
        outcome = inject(pod, "strict", Defaults())
        (stored,) = dry_run(kubectl, "strict", [patch.apply(pod, outcome.patch)])
        assert stored["spec"]["initContainers"][0]["name"] == first.get(name, "tls-sidecar")
