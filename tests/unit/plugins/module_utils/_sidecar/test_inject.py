# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of pods, one reason at a time. The corpus holds them as users write them."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import inject as injection
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import patch
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.engines.registry import ENGINES
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults
from ansible_collections.gatewayops.apigee_gke.tests.unit.plugins.module_utils._sidecar.pods import (
    application,
    injected,
    pod,
    refusal,
)

SLEEP = {"preStop": {"sleep": {"seconds": 93}}}


def test_the_sidecar_is_the_first_init_container_and_goes_on_running():
    first = {"name": "migrate", "image": "a"}
    result, outcome = injected(pod(initContainers=[first]))
    sidecar, second = result["spec"]["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"], second) == ("tls-sidecar", "Always", first)
    assert outcome.verdict == "injected"


def test_before_1_29_the_sidecar_is_the_last_container():
    result, _outcome = injected(pod(), kubernetes_version="1.28")
    app, sidecar = result["spec"]["containers"]
    assert (app["name"], sidecar["name"]) == ("app", "tls-sidecar")
    assert "restartPolicy" not in sidecar and "initContainers" not in result["spec"]


def test_it_meets_pod_security_restricted_by_itself():
    context = injected(pod())[0]["spec"]["initContainers"][0]["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] > 0 and context["readOnlyRootFilesystem"]
    assert context["capabilities"] == {"drop": ["ALL"]} and context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert context["allowPrivilegeEscalation"] is False and context["privileged"] is False


def test_probes_ask_each_second():
    sidecar = injected(pod(annotations={"port": "9443"}))[0]["spec"]["initContainers"][0]
    for name in ("startupProbe", "readinessProbe"):
        assert sidecar[name]["periodSeconds"] == 1
        assert "9443" in json.dumps(sidecar[name])
    assert sidecar["ports"] == [{"name": "tls-sidecar", "containerPort": 9443, "protocol": "TCP"}]


def test_requests_and_limits_are_always_there_and_can_be_set():
    resources = injected(pod())[0]["spec"]["initContainers"][0]["resources"]
    assert sorted(resources) == ["limits", "requests"]
    assert all(sorted(amounts) == ["cpu", "memory"] for amounts in resources.values())
    wishes = {"cpu": "7m", "memory": "33Mi", "cpu-limit": "77m", "memory-limit": "333Mi"}
    resources = injected(pod(annotations=wishes))[0]["spec"]["initContainers"][0]["resources"]
    assert resources == {"requests": {"cpu": "7m", "memory": "33Mi"}, "limits": {"cpu": "77m", "memory": "333Mi"}}


def test_work_is_in_memory_and_folders_are_mounted_whole():
    spec = injected(pod())[0]["spec"]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["tls-sidecar-work"]["emptyDir"] == {"medium": "Memory", "sizeLimit": ENGINES["nginx"].work_size}
    assert volumes["tls-sidecar-certificate"]["secret"]["secretName"] == "orders-tls"
    mounts = spec["initContainers"][0]["volumeMounts"]
    assert {mount["name"] for mount in mounts} == set(volumes)
    assert not any("subPath" in mount for mount in mounts)


def test_applications_without_a_hook_wait_for_the_drain():
    late = application("late", None, lifecycle={"postStart": {"exec": {"command": ["true"]}}})
    null = application("null", None, lifecycle=None)
    spec = injected(pod(application(), late, null))[0]["spec"]
    hooks = [container["lifecycle"] for container in spec["containers"]]
    assert hooks == [SLEEP, {**late["lifecycle"], **SLEEP}, SLEEP]
    assert spec["initContainers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert spec["terminationGracePeriodSeconds"] == 153


def test_before_1_30_they_run_sleep():
    result, outcome = injected(pod(), kubernetes_version="1.29")
    assert result["spec"]["containers"][0]["lifecycle"] == {"preStop": {"exec": {"command": ["sleep", "93"]}}}
    assert any("running sleep" in text for text in outcome.warnings)


@pytest.mark.parametrize(
    ("hook", "warning"),
    [
        ({"sleep": {"seconds": 10}}, "lasts 10 s, the drain 93 s"),
        ({"exec": {"command": ["/bin/sh", "-c", "sleep 20 && nginx -s quit"]}}, "lasts 20 s, the drain 93 s"),
        ({"exec": {"command": ["/stop"]}}, "must last 93 s"),
        ({"httpGet": {"path": "/stop", "port": 8080}}, "must last 93 s"),
        ({"sleep": {"seconds": 93}}, None),
        ({"exec": {"command": ["sleep", "120"]}}, None),
    ],
)
def test_an_existing_hook_is_kept_and_judged(hook, warning):
    result, outcome = injected(pod(application(lifecycle={"preStop": hook})))
    assert result["spec"]["containers"][0]["lifecycle"] == {"preStop": hook}
    assert [warning in text for text in outcome.warnings] == ([True] if warning else [])


@pytest.mark.parametrize(("before", "after"), [(None, 153), (0, 153), (30, 153), (60, 153), (61, 154), (600, 693)])
def test_the_grace_period_starts_anew_after_the_window(before, after):
    given = pod() if before is None else pod(terminationGracePeriodSeconds=before)
    assert injected(given)[0]["spec"]["terminationGracePeriodSeconds"] == after


def test_the_window_follows_the_annotation_and_the_timing():
    spec = injected(pod(annotations={"drain-seconds": "20"}))[0]["spec"]
    assert spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == 20
    assert spec["terminationGracePeriodSeconds"] == 80
    spec = injected(pod(), timing={"gateway_cache": 0, "idle": 30})[0]["spec"]
    assert spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] == 35


def test_no_window_no_hooks():
    result, outcome = injected(pod(annotations={"drain-seconds": "0"}))
    assert "lifecycle" not in result["spec"]["containers"][0] and "lifecycle" not in result["spec"]["initContainers"][0]
    assert "terminationGracePeriodSeconds" not in result["spec"]
    assert "requests are lost" in outcome.warnings[0]


def test_a_pod_that_completes_is_not_kept_from_it():
    result, outcome = injected(pod(restartPolicy="Never"))
    assert "lifecycle" not in result["spec"]["initContainers"][0] and outcome.warnings == []
    _result, outcome = injected(pod(restartPolicy="OnFailure"), kubernetes_version="1.28")
    assert any("will not complete" in text for text in outcome.warnings)


def test_the_status_says_what_was_done():
    status = json.loads(injected(pod())[0]["metadata"]["annotations"][PREFIX + "status"])
    assert status == {
        "version": "1",
        "engine": "nginx",
        "port": 8443,
        "application": 8080,
        "drain": 93,
        "grace": 30,
        "hash": ENGINES["nginx"].digest,
    }


def test_the_application_port_is_the_only_one_or_the_one_named():
    sidecar = injected(pod(application(port=3000)))[0]["spec"]["initContainers"][0]
    assert "127.0.0.1:3000" in json.dumps(sidecar)
    two = pod(application(), application("metrics", 9090), annotations={"application-port": "9090"})
    assert "127.0.0.1:9090" in json.dumps(injected(two)[0]["spec"]["initContainers"][0])
    same = pod(application(), application("other", 8080))
    assert "127.0.0.1:8080" in json.dumps(injected(same)[0]["spec"]["initContainers"][0])


@pytest.mark.parametrize(
    ("given", "annotation", "remedy"),
    [
        (pod(hostNetwork=True), "service", "Remove hostNetwork"),
        (pod(os={"name": "windows"}), "service", "Windows"),
        (pod(application("tls-sidecar")), "service", "Rename that container"),
        (pod(initContainers=[{"name": "tls-sidecar"}]), "service", "Rename that container"),
        (pod(ephemeralContainers=[{"name": "tls-sidecar"}]), "service", "Rename that container"),
        (pod(volumes=[{"name": "tls-sidecar-work", "emptyDir": {}}]), "service", "Rename those volumes"),
        (pod(annotations={"status": "{}"}), "status", "Remove that annotation"),
        (pod(application(port=None)), "application-port", "declares no port"),
        (pod(application(), application("b", 81)), "application-port", "several ports (8080, 81)"),
        (pod(application(port=8443), annotations={"application-port": "80"}), "port", "a free port"),
        (pod(annotations={"application-port": "8443"}), "port", "to another port"),
        (pod(application(port=8443)), "port", "a free port"),
        (
            pod(initContainers=[application("mesh", 8443, restartPolicy="Always")]),
            "port",
            "move that container",
        ),
        (
            pod(
                annotations={"port": "443"},
                securityContext={"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "500"}]},
            ),
            "port",
            "500 or more",
        ),
        (pod(annotations={"protocol": "soap"}), "protocol", "one of http, http2, grpc, tcp"),
        (pod(annotations={"probes": "rewrite", "client-ca-secret": "c"}), "probes", "exec probes"),
        (pod(annotations={"metrics-port": "8080"}), "metrics-port", "a free port"),
        (pod(annotations={"metrics-port": "80"}), "metrics-port", "a port from 1024 to 65535"),
        (pod(annotations={"engine": "envoy", "metrics-port": "23443"}), "metrics-port", "a free port"),
        (pod(application(port=23443), annotations={"engine": "haproxy"}), "port", "engine to nginx"),
    ],
)
def test_conflicts_are_refused_with_annotation_and_remedy(given, annotation, remedy):
    told = refusal(given)
    assert PREFIX + annotation in told and remedy in told


def test_ports_of_containers_that_end_first_are_free():
    injected(pod(initContainers=[application("once", 8443)]))
    injected(pod(application(ports=[{"containerPort": 8080}, {"containerPort": 8443, "protocol": "UDP"}])))


def test_a_low_port_is_opened_for_the_pod_alone():
    rule = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "443"}
    assert injected(pod(annotations={"port": "443"}))[0]["spec"]["securityContext"] == {"sysctls": [rule]}
    other = {"name": "net.core.somaxconn", "value": "1024"}
    given = pod(annotations={"port": "443"}, securityContext={"fsGroup": 1, "sysctls": [other]})
    assert injected(given)[0]["spec"]["securityContext"] == {"fsGroup": 1, "sysctls": [other, rule]}
    given = pod(annotations={"port": "443"}, securityContext={"sysctls": [{**rule, "value": "0"}]})
    assert injected(given)[0]["spec"]["securityContext"] == given["spec"]["securityContext"]


@pytest.mark.parametrize("namespace", ["kube-system", "cert-manager", "tls-sidecar", "gke-managed-system", "vault"])
def test_system_namespaces_are_skipped(namespace):
    outcome = injection.inject(pod(), namespace, Defaults(excluded_namespaces=("vault",)))
    assert outcome.verdict == "skipped" and namespace in outcome.skipped


def test_pods_that_did_not_ask_and_mirrors_are_skipped():
    bare = {"metadata": {}, "spec": {"containers": [application()], "hostNetwork": True}}
    assert "is not set" in injection.inject(bare, "shop", Defaults()).skipped
    mirror = pod()
    mirror["metadata"]["annotations"]["kubernetes.io/config.mirror"] = "x"
    assert "static pod" in injection.inject(mirror, "shop", Defaults()).skipped


def test_a_container_added_after_us_gets_its_wait_and_nothing_else_changes():
    result, _outcome = injected(pod())
    result["spec"]["containers"].append(application("mesh", 15001))
    again, outcome = injected(result)
    assert [operation["path"] for operation in outcome.patch] == [
        "/spec/containers/1/lifecycle",
        "/spec/containers/1/lifecycle/preStop",
    ]
    assert outcome.verdict == "completed"
    assert injected(again)[1].verdict == "unchanged"


def test_client_certificates():
    wishes = {"client-ca-secret": "callers", "client-names": "a.example,b.example"}
    serving = [engine.name for engine in ENGINES.values() if engine.serves("http", "names")]
    spec = injected(pod(annotations={**wishes, "engine": serving[0]}))[0]["spec"]
    volume = next(volume for volume in spec["volumes"] if volume["name"] == "tls-sidecar-client-ca")
    assert volume["secret"]["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
    assert any(mount["name"] == volume["name"] for mount in spec["initContainers"][0]["volumeMounts"])
    spec = injected(pod(annotations={"client-ca-config-map": "callers", "engine": serving[0]}))[0]["spec"]
    assert spec["volumes"][1]["configMap"]["name"] == "callers"


def test_a_certificate_for_this_pod_alone():
    wishes = {"certificate-source": "csi", "issuer-name": "acme", "dns-domains": "a.example,b.example"}
    csi = injected(pod(annotations=wishes))[0]["spec"]["volumes"][0]["csi"]
    assert csi["driver"] == "csi.cert-manager.io" and csi["readOnly"] is True
    assert csi["volumeAttributes"]["csi.cert-manager.io/issuer-name"] == "acme"
    names = csi["volumeAttributes"]["csi.cert-manager.io/dns-names"].split(",")
    assert "orders.shop.svc.a.example" in names and "${POD_NAME}.orders.shop.svc.b.example" in names


@pytest.mark.parametrize(
    "spec",
    [
        {"nodeSelector": {"cloud.google.com/gke-spot": "true"}},
        {"tolerations": [{"operator": "Exists"}, {"key": "cloud.google.com/gke-spot", "operator": "Exists"}]},
    ],
)
def test_spot_nodes_are_warned_of(spec):
    assert "Spot" in injected(pod(**spec))[1].warnings[0]


def test_before_1_30_a_pod_without_the_label_is_warned_of():
    given = pod(application(lifecycle=SLEEP))
    assert "tls-sidecar.gatewayops.io/inject" in injected(given, kubernetes_version="1.29")[1].warnings[0]
    given["metadata"]["labels"] = {"tls-sidecar.gatewayops.io/inject": "true"}
    assert injected(given, kubernetes_version="1.29")[1].warnings == []


def test_resources_of_the_whole_pod_are_warned_of():
    assert "room for the sidecar" in injected(pod(resources={"limits": {"cpu": "1"}}))[1].warnings[0]


def test_warnings_are_not_cut_by_the_api_server():
    long = "a" * 63
    given = pod(
        application(long, lifecycle={"preStop": {"sleep": {"seconds": 1}}}),
        application(long, None, lifecycle={"preStop": {"exec": {"command": ["x"]}}}),
        annotations={"drain-seconds": "3600"},
        nodeSelector={"cloud.google.com/gke-spot": "true"},
        resources={"limits": {"cpu": "1"}},
    )
    found = injected(given)[1].warnings + injected(pod(annotations={"drain-seconds": "1"}))[1].warnings
    assert len(found) == 6
    assert all(len(text) <= 256 for text in found)


def test_only_additions_and_the_pod_given_is_left_alone():
    given = pod(volumes=[{"name": "data", "emptyDir": {}}])
    before = copy.deepcopy(given)
    _result, outcome = injected(given)
    assert given == before
    assert {operation["op"] for operation in outcome.patch} == {"add"}


def test_patch_places_are_escaped():
    made = patch.add(("metadata", "annotations", "a/b~c"), "x")
    assert made["path"] == "/metadata/annotations/a~1b~0c"
    assert patch.apply({"metadata": {"annotations": {}}}, [made]) == {"metadata": {"annotations": {"a/b~c": "x"}}}
