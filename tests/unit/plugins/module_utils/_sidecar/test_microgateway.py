# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of Edge Microgateway: what a cluster that is strict with pods needs, and what its entry point reads."""

from __future__ import annotations

import typing as t

from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import microgateway

ALONE = microgateway.Microgateway(image="example.com/gateway@sha256:1", secret="mgw-1", plugins="guard-1")
BESIDE = microgateway.Microgateway(image="example.com/gateway@sha256:1", secret="mgw-1", plugins="guard-1",
                                   application_port=8080, trust="authorities", variables=(("HTTPS_PROXY", "http://p:1"),))


def told(wanted: microgateway.Microgateway) -> dict[str, t.Any]:
    found = {one["name"]: one for one in microgateway.container(wanted)["env"]}
    assert len(found) == len(microgateway.container(wanted)["env"]), "a variable is there twice"
    return found


def test_what_identifies_a_gateway_comes_from_the_secret_alone() -> None:
    found = told(ALONE)
    for name in ("EDGEMICRO_ORG", "EDGEMICRO_ENV", "EDGEMICRO_KEY", "EDGEMICRO_SECRET", "EDGEMICRO_CONFIG"):
        assert found[name]["valueFrom"]["secretKeyRef"]["name"] == "mgw-1"
        assert "value" not in found[name]
    assert found["EDGEMICRO_KEY"]["valueFrom"]["secretKeyRef"]["key"] == "mgw-key"
    assert "command" not in microgateway.container(ALONE), "the image's own entry point reads these"


def test_beside_an_application_it_has_one_proxy_of_its_own() -> None:
    alone, beside = told(ALONE), told(BESIDE)
    assert "CONTAINER_PORT" not in alone and "EDGEMICRO_LOCAL_PROXY" not in alone
    assert beside["CONTAINER_PORT"]["value"] == "8080"
    assert beside["EDGEMICRO_LOCAL_PROXY"]["value"] == beside["EDGEMICRO_DECORATOR"]["value"] == "1"
    assert beside["HTTPS_PROXY"]["value"] == "http://p:1"


def test_everything_that_is_mounted_is_there_and_what_is_written_is_writable() -> None:
    for wanted in (ALONE, BESIDE):
        volumes = {volume["name"]: volume for volume in microgateway.volumes(wanted)}
        mounts = microgateway.container(wanted)["volumeMounts"]
        assert {mount["name"] for mount in mounts} == set(volumes)
        written = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
        assert written == {"/opt/apigee/.edgemicro", "/opt/apigee/logs", "/opt/apigee/run", "/tmp"}
        assert microgateway.container(wanted)["workingDir"] in written
        assert all("emptyDir" in volumes[mount["name"]] for mount in mounts if mount["mountPath"] in written)
    assert told(BESIDE)["NODE_EXTRA_CA_CERTS"]["value"] == "/etc/edge-microgateway-trust/ca.crt"


def test_it_fits_into_a_namespace_with_restricted_pods() -> None:
    security = microgateway.container(ALONE)["securityContext"]
    assert security["runAsNonRoot"] and security["runAsUser"] == 101 and security["readOnlyRootFilesystem"]
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not security["allowPrivilegeEscalation"]


def test_readiness_asks_for_health_where_there_is_a_plugin_for_it() -> None:
    found = microgateway.container(ALONE)
    assert found["readinessProbe"]["httpGet"] == {"path": "/healthcheck", "port": 8000, "scheme": "HTTP"}
    assert found["livenessProbe"]["tcpSocket"] == found["startupProbe"]["tcpSocket"] == {"port": 8000}
    bare = microgateway.Microgateway(image="i", secret="s", plugins="p", health="", drain_seconds=0)
    assert microgateway.container(bare)["readinessProbe"]["tcpSocket"] == {"port": 8000}
    assert "lifecycle" not in microgateway.container(bare)


def test_it_serves_on_while_others_still_learn_of_its_end() -> None:
    assert microgateway.container(ALONE)["lifecycle"]["preStop"] == {"sleep": {"seconds": 20}}
