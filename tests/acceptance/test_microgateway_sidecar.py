# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway beside applications, whole: the real engine in their pods, by admission. Edge is a double.

Three workloads: ``orders`` asks for keys, ``menu`` does not, and ``vault`` has TLS before its gateway and an
application that nobody outside its pod reaches. Every answer of the engine is asserted in tests/testbed/edge.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from testbed.commands.common import control
from testbed.engines.authority import Authority, client_context
from testbed.network.namespace import Namespace
from tests.acceptance.cloud import INVENTORY, Cloud, Run, until
from tests.acceptance.microgateway_site import APPS, DEVELOPER, PLAYBOOK, PLUGINS, TEARDOWN, Gateway, calling, ready
from tests.acceptance.test_secrets import leaks, watched
from tests.acceptance.test_sidecar_policy import LOOPBACK
from tests.acceptance.test_webhook import Cluster

NAME = "vault.shop.svc.cluster.local"
PREFIX = "tls-sidecar.gatewayops.io/"
PRODUCTS = [
    {"name": "down", "paths": ["/nothing-of-this"]},
    # Not the name of the other file's: Edge counts by app and product, and goes on counting.
    {"name": "seldom", "paths": ["/"], "quota": 2, "quota_interval": 1, "quota_time_unit": "month"},
]
SOLD = [{**one, "products": ["seldom"]} if one["name"] == "few" else one for one in APPS]
#: The calls at the end of a run shall not be the one that a minute has.
WORKLOADS: list[dict[str, Any]] = [
    {"name": "orders", "namespace": "shop", "application_port": 8080, "plugins": PLUGINS,
     "verify": {"developer": DEVELOPER, "app": "shop", "path": "/orders/42"}},
    {"name": "menu", "namespace": "shop", "application_port": 8080, "open": True,
     "plugins": [{"name": "spikearrest", "settings": {"timeUnit": "minute", "allow": 1}}],
     "verify": {"path": "/healthcheck", "status": [200]}},
    {"name": "vault", "namespace": "shop", "application_port": 8080, "capture": "loopback",
     "settings": {"gateway-memory": "200Mi"}},
]  # fmt: skip


def vault(authority: Authority) -> list[dict[str, Any]]:
    """A server on loopback whose pods have asked for TLS, and the certificate for that."""
    pair = authority.leaf(NAME)
    data = {"tls.crt": pair.certificate.decode(), "tls.key": pair.key.decode()}
    labels = {"app": "vault"}
    container = {"name": "app", "image": "docker.io/gatewayops/tls-nginx:1", "command": ["/bin/sh", "-c", LOOPBACK]}
    template = {
        "metadata": {"labels": labels, "annotations": {"team": "shop", PREFIX + "service": "vault"}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
    }
    place = {"namespace": "shop"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "vault-tls", **place}, "stringData": data,
         "type": "kubernetes.io/tls"},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "vault", **place},
         "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}},
    ]  # fmt: skip


class Beside(Gateway):
    """The gateways of a testbed, each in the pods of its workload."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self.authority = Authority("of this test")

    def configure(self) -> None:
        """Give the organisation new keys of tokens: a removal leaves those that it did not make."""
        place = f"organizations/{self.edge['organization']}/environments/{self.edge['environment']}"
        how = {"auth": (self.edge["user"], self.password), "verify": self.edge["ca_cert"], "timeout": 30}
        gone = requests.delete(f"{self.edge['url']}/v1/{place}/keyvaluemaps/microgateway", **how)
        assert gone.status_code in (200, 404)
        super().configure()

    def play(self, *arguments: str, playbook: str = PLAYBOOK, check: bool = True, **more: Any) -> Run:
        stated = yaml.safe_load((INVENTORY / "group_vars" / "all" / "microgateway.yml").read_text())
        told = {
            "edge_microgateway_mode": "sidecar",
            "edge_microgateway_workloads": WORKLOADS,
            "edge_microgateway_products": stated["edge_microgateway_products"] + PRODUCTS,
            "edge_microgateway_apps": stated["edge_microgateway_apps"] + SOLD,
            **more,
        }
        return self.cloud.play(playbook, *arguments, "-e", json.dumps(told), check=check)

    def pairs(self) -> set[str]:
        """Key and secret of every gateway, in base64."""
        found = self.cloud.kubectl("-n", "shop", "get", "secrets", "--field-selector=type=Opaque", "-o", "json")
        return {one["data"][name] for one in json.loads(found)["items"] for name in ("mgw-key", "mgw-secret")}

    def pods(self, workload: str = "") -> list[dict[str, Any]]:
        """The pods that do not end, of one workload or of all."""
        found = json.loads(self.cloud.kubectl("-n", "shop", "get", "pods", "-o", "json"))["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]
                and pod["metadata"]["name"].startswith(workload)]

    def addresses(self, workload: str) -> list[str]:
        return [pod["status"]["podIP"] for pod in self.pods(workload)]

    def service(self, name: str) -> str:
        """Address of the Service before a workload's gateways."""
        return self.cloud.kubectl("-n", "shop", "get", "service", f"{name}-gateway", "-o", "jsonpath={.spec.clusterIP}")

    def tls(self, address: str, folder: Path, headers: dict[str, str]) -> int:
        """The status of one request to a pod's TLS port."""
        context = client_context(self.authority, folder)
        node = Namespace(self.state.namespace("node-0"))
        raw = node.inside(lambda: socket.create_connection((address, 8443), 30))
        connection = http.client.HTTPSConnection(NAME, 8443, context=context, timeout=30)
        connection.sock = context.wrap_socket(raw, server_hostname=NAME)
        try:
            connection.request("GET", "/fine", headers=headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def from_pod(self, url: str) -> str:
        """What curl in a pod of the menu ends with: 0 answered, 7 refused, 28 timed out."""
        return self.curl(url, "menu")


@pytest.fixture(scope="module")
def beside(microgateway_cloud: Cloud) -> Iterator[Beside]:
    """After the tests of the gateway as a Service its cluster is there, and nothing of the gateway."""
    try:
        made = Beside(microgateway_cloud)
        made.configure()
        if not any("/clusters/" in key for key in made.cloud.state()["objects"]):
            made.play(edge_microgateway_workloads=[])
        cluster = Cluster(made.cloud)
        for item in vault(made.authority):
            cluster("apply", "--filename=-", item=item)
        secret = re.compile(re.escape(made.password))
        with watched(made.cloud.home, secret):
            made.first = made.play("-vvv", "--diff")
        assert leaks(made.cloud, made.first, secret) == []
        yield made
    finally:
        # Nobody comes after this file; the worker's other testbed wants the room.
        microgateway_cloud.down()


def test_what_callers_get_from_a_workload_with_keys(beside: Beside) -> None:
    address, good = beside.service("orders"), {"x-api-key": beside.app()["consumerKey"]}
    expected = beside.answers()
    assert beside.asked(address, expected) == expected
    assert json.loads(beside.call(address, "/orders/42", good)[1])["pod"].startswith("orders-")


def test_a_quota_is_counted_for_all_pods_together(beside: Beside) -> None:
    address, key = beside.service("orders"), {"x-api-key": beside.app("few")["consumerKey"]}
    assert sorted(beside.call(address, "/orders/1", key)[0] for _each in range(6)) == [200, 200, 403, 403, 403, 403]


def test_a_workload_without_keys_has_its_own_policy(beside: Beside) -> None:
    assert beside.call(beside.service("orders"), "/today")[0] == 401
    assert [beside.call(beside.service("menu"), "/today")[0] for _each in range(3)] == [200, 503, 503]


def test_both_sidecars_in_one_pod(beside: Beside, tmp_path: Path) -> None:
    """TLS calls the gateway, and that an application on loopback, whose own port nobody else reaches."""
    (pod,) = beside.pods("vault")
    assert [one["name"] for one in pod["spec"]["initContainers"]] == ["edge-microgateway", "tls-sidecar"]
    address, good = pod["status"]["podIP"], {"x-api-key": beside.app()["consumerKey"]}
    found = [beside.tls(address, tmp_path, headers) for headers in ({}, {"x-api-key": "nobodys"}, good)]
    assert found == [401, 403, 204]
    assert [beside.call(address, "/fine", headers)[0] for headers in ({}, good)] == [401, 204]
    assert beside.from_pod(f"http://{address}:8080/fine") == "7"
    assert pod["spec"]["initContainers"][0]["resources"]["requests"]["memory"] == "200Mi"


def test_a_target_that_is_down(beside: Beside) -> None:
    """The server moves to another port and back, in a pod that stays."""
    (pod,) = beside.pods("vault")
    address, good = pod["status"]["podIP"], {"x-api-key": beside.app()["consumerKey"]}

    def move(port: str) -> None:
        script = LOOPBACK.replace("8080", port).replace("exec nginx", "nginx -s reload")
        beside.cloud.kubectl("-n", "shop", "exec", pod["metadata"]["name"], "-c", "app", "--", "/bin/sh", "-c", script)

    move("8081")
    try:
        until(lambda: beside.call(address, "/fine", good)[0] == 502, seconds=60, what="the gateway finds nobody")
        assert beside.call(address, "/fine")[0] == 401
    finally:
        move("8080")
    until(lambda: beside.call(address, "/fine", good)[0] == 204, seconds=60, what="the gateway finds the server again")


def test_nobody_gets_around_the_gateway(beside: Beside) -> None:
    """From a pod to those of another workload: the gateway answers, the application's own port is closed."""
    for address in beside.addresses("orders"):
        assert beside.from_pod(f"http://{address}:8080/orders/1") == "28"
        assert beside.from_pod(f"http://{address}:8000/orders/1") == "0"
    assert beside.from_pod("http://orders.shop.svc.gke.acme.internal:8080/orders/1") == "28"


def test_on_edge_is_no_proxy(beside: Beside) -> None:
    assert beside.manage("/apis") == []
    products = {name: set(beside.manage(f"/apiproducts/{name}")["proxies"]) for name in beside.manage("/apiproducts")}
    # A quota counts for products with the proxy that the engine makes, and for no others.
    assert products == {"orders": {"edgemicro-auth"}, "down": {"edgemicro-auth"},
                        "seldom": {"edgemicro-auth", "edgemicro_default"}}  # fmt: skip


def test_secrets_are_in_no_log_no_object_and_no_process_list(beside: Beside) -> None:
    key = beside.app()["consumerKey"]
    with watched(beside.cloud.home, beside.secrets()):
        # Each process of the pods is one of this machine, which shows its arguments.
        for _each in range(5):
            beside.call(beside.service("orders"), "/orders/42", {"x-api-key": key})
    shown = "".join(beside.cloud.kubectl("-n", "shop", "logs", pod["metadata"]["name"], "-c", "edge-microgateway")
                    for pod in beside.pods())  # fmt: skip
    assert shown.count("listening") >= len(beside.pods())
    assert key not in shown and not beside.secrets().search(shown)
    found = beside.cloud.kubectl("-n", "shop", "get", "deployments,replicasets,configmaps,pods", "-o", "json")
    assert not [one for one in beside.pairs() if one in found] and not beside.secrets().search(found)
    # What the first run made: known only now.
    assert leaks(beside.cloud, beside.first, beside.secrets()) == []


def test_without_edge_those_whom_it_knows_are_served(beside: Beside) -> None:
    known, other = ({"x-api-key": beside.app(name)["consumerKey"]} for name in ("shop", "late"))
    address, token = beside.addresses("orders")[0], {"Authorization": f"Bearer {beside.signed()}"}
    assert beside.call(address, "/orders/42", known)[0] == 200
    control(beside.state, "DELETE", "/edge")
    try:
        assert [beside.call(address, "/orders/42", one)[0] for one in (known, token, other)] == [200, 200, 504]
    finally:
        control(beside.state, "PUT", "/edge")
    assert beside.call(address, "/orders/42", other)[0] == 200


def test_what_is_refused_changes_nothing_and_keys_are_replaced_without_a_lost_call(beside: Beside) -> None:
    wrong = [WORKLOADS[0], {**WORKLOADS[1], "capture": "redirect"}]
    before = beside.pairs()
    refused = beside.play(check=False, edge_microgateway_workloads=wrong, edge_microgateway_rotate=True)
    assert refused.code and "NET_ADMIN" in refused.output and refused.changed == 0 and beside.pairs() == before
    address, good = beside.service("orders"), {"x-api-key": beside.app()["consumerKey"]}
    rotated = {"edge_microgateway_rotate": True, "edge_microgateway_workloads": WORKLOADS[:1]}
    home, secrets = beside.cloud.home, beside.secrets()
    with calling(lambda: beside.call(address, "/orders/42", good)[0]) as answers, watched(home, secrets):
        run = beside.play("-vvv", "--diff", **rotated)
    assert run.changed and len(answers) > 20 and set(answers) == {200}
    after = beside.pairs()
    assert len(before) == len(after) == 6 and len(after & before) == 4
    assert leaks(beside.cloud, run, beside.secrets()) == []


def test_a_second_run_changes_nothing_and_a_teardown_leaves_workloads_as_they_were(beside: Beside) -> None:
    assert beside.play().changed == 0
    beside.play(playbook=TEARDOWN)
    assert [beside.manage(f"/{kind}") for kind in ("apis", "apiproducts", "developers")] == [[], [], []]
    kinds = "services,secrets,configmaps,networkpolicies"
    left = beside.cloud.kubectl("get", kinds, "-A", "-l", "edge-microgateway.gatewayops.io/name", "-o", "name")
    assert left == ""
    found = json.loads(beside.cloud.kubectl("-n", "shop", "get", "deployments", "-o", "json"))["items"]
    told = {one["metadata"]["name"]: one["spec"]["template"]["metadata"].get("annotations") or {} for one in found}
    # What TLS needs stays; nobody knows whether it was said before.
    kept = {"team": "shop", PREFIX + "service": "vault", PREFIX + "application-port": "8080"}
    assert told == {"orders": {}, "menu": {}, "vault": kept}
    pods = beside.pods()
    assert pods and all(map(ready, pods))
    names = {pod["metadata"]["name"].partition("-")[0]: [one["name"] for one in pod["spec"].get("initContainers", [])]
             for pod in pods}  # fmt: skip
    assert names == {"orders": [], "menu": [], "vault": ["tls-sidecar"]}
    assert beside.from_pod(f"http://{beside.addresses('orders')[0]}:8080/orders/1") == "0"
