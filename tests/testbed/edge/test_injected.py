# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workloads as the injector leaves them: the real gateway and the real TLS server, each started with exactly what its
container was given, before a double of the application. Only the network is the machine's; folders are elsewhere."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._google.errors import InvalidError
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._microgateway import beside, render
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar import manifests
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.fields import PREFIX
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._sidecar.settings import Defaults

from testbed.edge.gateway import Gateway
from testbed.engines.authority import NAME, Authority, SecretFolder, client_context
from testbed.engines.sidecar import Sidecar
from tests.testbed.edge.site import Site, arguments, call
from tests.testbed.function.upstream import Upstream

pytestmark = pytest.mark.testbed

Object = dict[str, Any]
GATEWAY, TLS = "edge-microgateway", "tls-sidecar"


def deployment(port: int, annotations: dict[str, str]) -> Object:
    """What a user has: an application, and annotations of its pods."""
    container = {"name": "app", "image": "docker.io/gatewayops/sample-app:1", "ports": [{"containerPort": port}]}
    metadata = {"labels": {"app": "orders"}, "annotations": annotations}
    template = {"metadata": metadata, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": "orders"}}
    metadata = {"name": "orders", "namespace": "shop"}
    spec = {"replicas": 2, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


@dataclass(frozen=True)
class Pod:
    """The spec of an injected pod, the objects that it refers to, and its annotations."""

    spec: Object
    annotations: dict[str, str]
    objects: dict[tuple[str, str], Object]

    def container(self, name: str) -> Object:
        return next(each for each in self.spec["initContainers"] if each["name"] == name)

    def environment(self, name: str) -> dict[str, str]:
        """The variables of a container as the kubelet resolves them; those of the pod's status are left out."""
        found = {}
        for each in self.container(name)["env"]:
            reference = each.get("valueFrom", {}).get("secretKeyRef")
            if reference:
                data = self.objects["Secret", reference["name"]]["data"]
                found[each["name"]] = base64.b64decode(data[reference["key"]]).decode()
            elif "value" in each:
                found[each["name"]] = each["value"]
        return found

    def plugins(self) -> dict[str, str]:
        """The files of our plugin where the container mounts them, relative to the folder of plugins."""
        (mount,) = (each for each in self.container(GATEWAY)["volumeMounts"] if each["name"] == f"{GATEWAY}-guard")
        (volume,) = (each for each in self.spec["volumes"] if each["name"] == mount["name"])
        folder = mount["mountPath"].removeprefix(self.environment(GATEWAY)["EDGEMICRO_PLUGIN_DIR"]).lstrip("/")
        data = self.objects["ConfigMap", volume["configMap"]["name"]]["data"]
        return {f"{folder}/{name}": text for name, text in data.items()}


Make = Callable[..., Pod]


@pytest.fixture(scope="module")
def make(site: Site, serving: Upstream) -> Make:
    """A pod with a gateway whose policies are the given plugins; ``annotations`` are the user's further ones."""

    def one(name: str, plugins: list[Any], annotations: dict[str, str] | None = None, **fields: Any) -> Pod:
        declared = site.declare("sidecar", plugins=plugins, application_port=serving.port, **fields)
        workload = beside.Workload(name, "shop", {"app": "orders"})
        made = beside.objects(workload, declared, site.key, site.secret)
        asked = {**beside.annotations(workload, declared, made[0]["metadata"]["name"]), **(annotations or {})}
        (result,) = manifests.inject_manifest(deployment(serving.port, asked), "shop", Defaults())
        assert result.verdict == "injected", result.explanation
        template = result.manifest["spec"]["template"]
        objects = {(each["kind"], each["metadata"]["name"]): each for each in made}
        return Pod(template["spec"], template["metadata"]["annotations"], objects)

    return one


@pytest.fixture(scope="module")
def run(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Pod], Gateway]]:
    """Starts the gateway of a pod, as its container is told to; all end with the file."""
    running: list[Gateway] = []

    def one(pod: Pod) -> Gateway:
        gateway = Gateway(site.engine, tmp_path_factory.mktemp("gateway"), pod.environment(GATEWAY), pod.plugins())
        running.append(gateway)
        gateway.ready()
        return gateway

    yield one
    for gateway in running:
        gateway.stop()


@pytest.fixture(scope="module")
def good(site: Site) -> dict[str, str]:
    site.product("beside", [], ["/orders/**"])
    return {"x-api-key": site.app("beside", "beside")["consumerKey"]}


@pytest.fixture(scope="module")
def guarded(make: Make, run: Callable[[Pod], Gateway], good: dict[str, str]) -> Gateway:
    """The workload whose callers need keys."""
    return run(make("guarded", ["healthcheck", "oauth"]))


def test_keys_are_asked_for_before_the_application(guarded: Gateway, good: dict[str, str], upstream: Upstream) -> None:
    assert call(guarded, "/orders/1").status == 401
    assert call(guarded, "/orders/1", {"x-api-key": "unknown"}).status == 403
    assert call(guarded, "/orders/../admin", good).status == 400
    assert call(guarded, "/admin", good).status == 403
    assert upstream.seen == []
    assert call(guarded, "/orders/1?a=b", good).status == 200
    assert upstream.seen[0]["line"] == "GET /orders/1?a=b HTTP/1.1"


def test_health_is_what_the_kubelet_asks_for(make: Make, guarded: Gateway) -> None:
    probe = make("guarded", ["healthcheck", "oauth"]).container(GATEWAY)["readinessProbe"]["httpGet"]
    assert call(guarded, probe["path"]).status == 200


def test_a_workload_without_keys_stands_beside_one_with(
    make: Make, run: Callable[[Pod], Gateway], guarded: Gateway, upstream: Upstream
) -> None:
    """One core, one annotation; which policies there are is said by what it names."""
    public = run(make("public", ["healthcheck", {"name": "spikearrest", "settings": {
        "timeUnit": "minute", "allow": 1}}], open=True))
    assert call(public, "/orders/1").status == 200
    assert call(public, "/orders/1").status == 503, "its own policy is in force"
    assert call(guarded, "/orders/1").status == 401


def test_no_secret_is_in_the_pod_or_in_process_lists(site: Site, make: Make, guarded: Gateway) -> None:
    pod = make("guarded", ["healthcheck", "oauth"])
    shown = str([pod.spec, pod.annotations])
    assert site.key not in shown and site.secret not in shown
    listed = arguments(guarded.process.pid)
    assert "launch.js" in listed, "it is the gateway's"
    told = guarded.log.read_text() + listed
    assert site.key not in told and site.secret not in told


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Callable[[Pod, Sidecar], ssl.SSLContext]]:
    """Starts the TLS server of a pod with its container's command and variables; gives what its callers trust."""
    authority, folder = Authority("of this test"), SecretFolder(tmp_path / "certificate")
    tmp_path.chmod(0o755)
    folder.pair(authority.leaf(NAME), authority)
    running: list[Sidecar] = []

    def one(pod: Pod, engine: Sidecar) -> ssl.SSLContext:
        container = pod.container(TLS)
        assert container["command"][:2] == ["/bin/sh", "-c"]
        running.append(engine.start(container["command"][2], pod.environment(TLS)))
        return client_context(authority, tmp_path)

    one.folder = folder.path
    yield one
    for each in running:
        each.stop()


@pytest.mark.parametrize("kind", ["nginx", "envoy"])
async def test_both_sidecars_in_one_pod(
    kind: str, make: Make, run: Callable[[Pod], Gateway], tls: Any, good: dict[str, str], upstream: Upstream
) -> None:
    """TLS, then the gateway, then the application: each calls the next, and keys are asked for through TLS as well."""
    server = Sidecar(kind, tls.folder, upstream.port)
    asked = {PREFIX + "service": "orders", PREFIX + "port": str(server.port), PREFIX + "engine": kind}
    pod = make("both", ["healthcheck", "oauth"], asked)
    assert [each["name"] for each in pod.spec["initContainers"]] == [GATEWAY, TLS]
    run(pod)
    context = tls(pod, server)
    await server.ready()

    def answer(path: str, headers: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPSConnection(NAME, server.port, context=context, timeout=20)
        connection.sock = context.wrap_socket(
            socket.create_connection(("127.0.0.1", server.port), timeout=20), server_hostname=NAME)
        try:
            connection.request("GET", path, headers=headers)
            got = connection.getresponse()
            return got.status, got.read().decode()
        finally:
            connection.close()

    assert answer("/orders/1", {})[0] == 401
    assert upstream.seen == []
    assert answer("/orders/1", good)[0] == 200
    (seen,) = upstream.seen
    headers = {name.lower(): value for name, value in seen["headers"]}
    assert headers["x-forwarded-proto"] == "https"
    assert headers["via"] == f"1.1 {NAME}", "the gateway was on the way"


def test_what_can_be_walked_around_is_closed(site: Site, serving: Upstream) -> None:
    declared = site.declare("sidecar", plugins=["healthcheck", "oauth"], application_port=serving.port)

    def policies(**fields: Any) -> list[Object]:
        made = beside.objects(beside.Workload("orders", "shop", {"app": "orders"}, **fields), declared, "k", "s")
        return [each for each in made if each["kind"] == "NetworkPolicy"]

    (policy,) = policies()
    open_port = {"port": declared.port, "protocol": "TCP"}
    assert policy["spec"]["ingress"] == [{"ports": [open_port]}]
    assert policies(tls_port=8443)[0]["spec"]["ingress"] == [{"ports": [open_port, {**open_port, "port": 8443}]}]
    assert policies(capture=beside.LOOPBACK) == []
    with pytest.raises(InvalidError, match="NET_ADMIN"):
        policies(capture=beside.REDIRECT)


def test_rendered_files_are_those_that_are_mounted(make: Make) -> None:
    assert make("guarded", ["healthcheck", "oauth"]).plugins() == render.plugin_files()
