# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""For any pod: nothing is lost, and a second time adds nothing."""

from __future__ import annotations

import copy
import json
import random

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import patch, probes, remove
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.additions import additions
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.inject import inject
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import application

SEEDS, PODS_PER_SEED = 10, 1000
VERSIONS = ("1.27", "1.28", "1.29", "1.30", "1.33", "1.36")
WISHES = {
    "engine": tuple(ENGINES),
    "port": ("443", "8443", "9443"),
    "application-port": ("8080", "9090"),
    "protocol": ("http", "http2", "grpc", "tcp"),
    "http2": ("true", "false"),
    "tls-minimum": ("1.2", "1.3"),
    "certificate-source": ("secret", "csi"),
    "client-ca-secret": ("callers",),
    "client-names": ("a.example", "a.example,b.example"),
    "metrics-port": ("9145", "8443", "15001"),
    "drain-seconds": ("0", "5", "93", "700"),
    "cpu": ("5m", "2"),
    "memory-limit": ("64Mi", "1Gi"),
    "probes": ("keep",),
    "portt": ("1",),
}
HOOKS = (
    None,
    {},
    {"preStop": None},
    # None lasts as long as a drain does: it would be taken for one that was added.
    {"preStop": {"sleep": {"seconds": 7}}},
    {"preStop": {"exec": {"command": ["sleep", "100"]}}},
    {"postStart": {"exec": {"command": ["true"]}}},
)
ACTIONS = (
    {"httpGet": {"path": "/", "port": 8080}},
    {"httpGet": {"path": "/", "port": 9090, "scheme": "HTTP"}},
    {"httpGet": {"path": "/", "port": "http"}},
    {"httpGet": {"path": "/", "port": 8080, "scheme": "HTTPS"}},
    {"httpGet": {"path": "/", "port": 8080, "host": "localhost"}},
    {"httpGet": None, "tcpSocket": {"port": 8080}},
    None,
)
SPEC = {
    "initContainers": (
        None,
        [],
        [application("once", None)],
        [application("mesh", 15001, restartPolicy="Always")],
        [application("mesh", 8443, restartPolicy="Always")],
    ),
    "volumes": (None, [], [{"name": "data", "emptyDir": {}}], [{"name": "tls-sidecar-x", "emptyDir": {}}]),
    "terminationGracePeriodSeconds": (None, 0, 30, 153, 900),
    "restartPolicy": ("Always", "Never", "OnFailure"),
    "securityContext": (
        None,
        {},
        {"fsGroup": 1},
        {"sysctls": None},
        {"sysctls": [{"name": "net.core.somaxconn", "value": "9"}]},
    ),
    "hostNetwork": (False, False, None, True),
    "nodeSelector": ({"cloud.google.com/gke-spot": "true"},),
}


def container(chance: random.Random, name: str, ports: tuple) -> dict:
    """A container with some of what matters to the sidecar."""
    made = application(name, chance.choice(ports))
    if chance.random() < 0.5:
        made["lifecycle"] = chance.choice(HOOKS)
    for kind in probes.KINDS:
        if chance.random() < 0.3:
            made[kind] = copy.deepcopy(chance.choice(ACTIONS))
    if chance.random() < 0.2:
        made["env"] = [{"name": "A", "value": str(chance.random())}]
    return made


def some_pod(chance: random.Random) -> dict:
    """A pod that opted in, in about every second case one that can be injected."""
    wishes = {name: chance.choice(values) for name, values in WISHES.items() if chance.random() < 0.08}
    if chance.random() < 0.2:
        wishes["probes"] = "rewrite"
    elif chance.random() < 0.15:
        wishes.update({"gateway": "orders", "gateway-port": chance.choice(("8000", "8000", "8443", "9090"))})
    annotations = {PREFIX + name: value for name, value in {"service": "orders", **wishes}.items()}
    if set(wishes) <= {"gateway", "gateway-port", "application-port", "drain-seconds"} and "gateway" in wishes:
        annotations.pop(chance.choice((PREFIX + "service", "example.com/none")), None)
    annotations["example.com/else"] = "kept"
    containers = [container(chance, "app", (8080, 8080, 8080, 8080, None, 9090, 8443))]
    containers += [container(chance, f"more-{index}", (None, None, 8080, 9090)) for index in range(chance.randrange(3))]
    spec: dict = {"containers": containers}
    for name, values in SPEC.items():
        if chance.random() < 0.25:
            spec[name] = copy.deepcopy(chance.choice(values))
    return {"metadata": {"name": "p", "annotations": annotations}, "spec": spec}


CLEAR, ENCRYPTED = object(), object()


def probed(pod: dict, mark: object, port: int, scheme: str) -> dict:
    """A copy of the pod in which each HTTP probe of a port is marked, whatever names the port."""
    copied = {**pod, "spec": {**pod["spec"], "containers": [dict(each) for each in pod["spec"]["containers"]]}}
    for container in copied["spec"]["containers"]:
        names = {each.get("name"): each["containerPort"] for each in container.get("ports", ())}
        for kind in probes.KINDS:
            action = (container.get(kind) or {}).get("httpGet") or {}
            asked = names.get(action.get("port"), action.get("port"))
            if action and asked == port and action.get("scheme", "HTTP") == scheme and not action.get("host"):
                rest = {name: value for name, value in action.items() if name not in ("port", "scheme")}
                container[kind] = {**container[kind], "httpGet": {**rest, "port": mark}}
    return copied


def kept(before, after, place: str = "") -> list[str]:
    """Places of ``before`` that are not in ``after`` as they were: lists may have grown, mappings may have more."""
    if before is None:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [lost for name in before for lost in kept(before[name], after.get(name), f"{place}/{name}")]
    if isinstance(before, list) and isinstance(after, list):
        rest = iter(after)
        for index, item in enumerate(before):
            if not any(not kept(item, other) for other in rest):
                return [f"{place}/{index}"]
        return []
    if place.endswith("/terminationGracePeriodSeconds"):
        return [] if after >= before else [place]
    if before == CLEAR and after == ENCRYPTED:
        return []
    return [] if before == after else [place]


def meant(value, name: str = ""):
    """What Kubernetes takes a pod for: nothing is the same as empty, and a port's name as its number."""
    if isinstance(value, dict):
        ports = {each["name"]: each["containerPort"] for each in value.get("ports") or () if "name" in each}
        found = {key: meant(inner, key) for key, inner in value.items()}
        for kind in probes.KINDS:
            action = (found.get(kind) or {}).get("httpGet") or {}
            if action.get("port") in ports:
                action["port"] = ports[action["port"]]
        if name == "httpGet" and found.get("scheme") == "HTTP":
            del found["scheme"]
        if found.get("terminationGracePeriodSeconds") == 30:
            del found["terminationGracePeriodSeconds"]
        return {key: inner for key, inner in found.items() if inner not in (None, {}, [])}
    return [meant(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_and_twice_is_once(seed):
    chance = random.Random(seed)
    verdicts: dict[str, int] = {}
    rewritten = 0
    for _count in range(PODS_PER_SEED):
        given = some_pod(chance)
        before = copy.deepcopy(given)
        defaults = Defaults.read({"kubernetes_version": chance.choice(VERSIONS)})
        outcome = inject(given, "shop", defaults)
        verdicts[outcome.verdict] = verdicts.get(outcome.verdict, 0) + 1
        assert given == before
        if outcome.refusal:
            assert PREFIX in outcome.refusal and outcome.patch == []
            continue
        result = patch.apply(given, outcome.patch)
        assert {operation["op"] for operation in outcome.patch} == {"add"}
        if given["metadata"]["annotations"].get(PREFIX + "probes") == "rewrite":
            told = json.loads(result["metadata"]["annotations"][PREFIX + "status"])
            marked = probed(given, CLEAR, told["application"], "HTTP")
            assert kept(marked, probed(result, ENCRYPTED, told["port"], "HTTPS")) == [], json.dumps(given)
            rewritten += marked != given
        else:
            assert kept(given, result) == [], json.dumps(given)
        back = remove.remove(result, defaults).pod
        assert meant(back) == meant(given), json.dumps(given)
        assert meant(patch.apply(back, inject(back, "shop", defaults).patch)) == meant(result)
        again = inject(result, "shop", defaults)
        assert again.patch == [] and again.refusal is None, json.dumps(given)
        # Another webhook's container, as reinvocation meets it.
        result["spec"]["containers"].append(application("late", 15001))
        late = inject(result, "shop", defaults)
        assert late.refusal is None
        assert all(operation["path"].startswith("/spec/containers/") for operation in late.patch)
    assert rewritten > 5
    assert verdicts["injected"] > PODS_PER_SEED / 3 and verdicts["refused"] > PODS_PER_SEED / 20


def test_a_pod_gets_what_it_would_get_alone():
    chance = random.Random(4)
    pods = [some_pod(chance) for _count in range(500)]
    shared = Defaults()
    together = [inject(pod, "shop", shared) for pod in pods]
    assert additions.cache_info().hits > 50, "pods have nothing in common: this shows nothing"
    for pod, outcome in zip(pods, together, strict=True):
        additions.cache_clear()
        alone = inject(pod, "shop", Defaults())
        assert (alone.patch, alone.warnings, alone.refusal) == (outcome.patch, outcome.warnings, outcome.refusal)


def test_what_is_lost_is_seen():
    assert kept({"a": [1, 2]}, {"a": [2, 1]}) == ["/a/1"]
    assert kept({"a": {"b": 1}}, {"a": {"b": 2}}) == ["/a/b"]
    assert kept({"a": [{"n": 1}]}, {"a": []}) == ["/a/0"]
    assert kept({"terminationGracePeriodSeconds": 5}, {"terminationGracePeriodSeconds": 4})
