# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge Microgateway before a Service, whole: the real engine in pods, asked through its Service. Edge is a double.

Every answer of the engine is asserted in tests/testbed/edge; here, that pods, Service and policies let it give them.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.keys import generated

from testbed.commands.common import control
from testbed.network.namespace import Namespace
from testbed.state import State
from tests.acceptance.cloud import INVENTORY, Cloud, Run, until
from tests.acceptance.test_secrets import leaks, watched

PLAYBOOK, TEARDOWN = "playbooks/microgateway.yml", "playbooks/microgateway_teardown.yml"
DEVELOPER = "ann@partner.example"
NAMESPACE = "edge-microgateway"
#: The Ingress before it, a caller on the internet, and one outside of the ranges that CHANGED declares.
GLOBAL, HOST = "compute/v1/projects/acme-shop/global", "gateway.acme.example"
SOMEBODY, STRANGER = "192.0.2.7", "192.0.2.99"
#: Beside the inventory's proxy, product and app: one whose target is down, one that few calls may be made of.
PROXIES = [{"name": "edgemicro_down", "base_path": "/down", "target": "http://127.0.0.1:9/"}]
PRODUCTS = [
    {"name": "down", "proxies": ["edgemicro_down"], "paths": ["/"]},
    {"name": "few", "proxies": ["edgemicro_orders"], "paths": ["/"],
     "quota": 2, "quota_interval": 1, "quota_time_unit": "month"},
]  # fmt: skip
APPS = [
    {"developer": DEVELOPER, "name": name, "products": [product]}
    for name, product in (("down", "down"), ("few", "few"), ("late", "orders"))
]
#: With a cache of keys, so that it is seen what a gateway does without Edge.
OAUTH = {"name": "oauth", "settings": {"cacheKey": True}}
PLUGINS = [OAUTH, {"name": "quota", "settings": {"bufferSize": {"default": 0}}}]
#: One call in a minute of each pod; of more pods; behind an Ingress that admits a range. The call at the end of a run
#: shall not be that one.
CHANGED = {
    "microgateway_ingress": {"hosts": [HOST], "http": "plain", "allowed_source_ranges": ["192.0.2.0/26"]},
    "edge_microgateway_plugins": [OAUTH, {"name": "spikearrest", "settings": {"timeUnit": "minute", "allow": 1}}],
    "edge_microgateway_replicas": 3,
    "edge_microgateway_max_replicas": 4,
    "edge_microgateway_verify": {"path": "/healthcheck", "status": [200]},
}


class Gateway:
    """The gateway of a testbed, and callers on the node, who are let in as its kubelet is."""

    first: Run
    #: What the last run was told beside what all are; a new pair is not told twice.
    last: dict[str, Any]

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.state = State(cloud.home, cloud.home)
        self.edge = cloud.connection["edge"]
        self.password = Path(self.edge["password_file"]).read_text()
        #: Those of tokens. The organisation has them before the first run, as after ``edgemicro configure``.
        self.keys = generated()

    def configure(self) -> None:
        """Give the organisation its keys of tokens."""
        entries = [{"name": name, "value": value} for name, value in self.keys.items()]
        self.manage(
            f"/environments/{self.edge['environment']}/keyvaluemaps",
            {"name": "microgateway", "encrypted": "true", "entry": entries},
        )

    def signed(self, **claims: Any) -> str:
        """A token as the organisation signs them, with these claims."""
        now = int(time.time())
        told = {"api_product_list": ["orders"], "application_name": "shop", "client_id": "shop", "iat": now}
        return jwt.encode({**told, "exp": now + 600, **claims}, self.keys["private_key"], "RS256", {"kid": "1"})

    def play(self, *arguments: str, playbook: str = PLAYBOOK, **more: Any) -> Run:
        stated = yaml.safe_load((INVENTORY / "group_vars" / "all" / "microgateway.yml").read_text())
        own = {"proxies": PROXIES, "products": PRODUCTS, "apps": APPS}
        names = {f"edge_microgateway_{name}": added for name, added in own.items()}
        extra = {name: stated[name] + added for name, added in names.items()}
        told = json.dumps({**extra, "edge_microgateway_plugins": PLUGINS, **more})
        self.last = {name: value for name, value in more.items() if name != "edge_microgateway_rotate"}
        return self.cloud.play(playbook, *arguments, "-e", told)

    def manage(self, path: str, document: Any = None) -> Any:
        url = f"{self.edge['url']}/v1/organizations/{self.edge['organization']}{path}"
        how = {"auth": (self.edge["user"], self.password), "verify": self.edge["ca_cert"], "timeout": 30}
        answer = requests.get(url, **how) if document is None else requests.post(url, json=document, **how)
        answer.raise_for_status()
        return answer.json()

    def app(self, name: str = "shop") -> dict[str, str]:
        return self.manage(f"/developers/{DEVELOPER}/apps/{name}")["credentials"][0]

    def token(self) -> str:
        app = self.app()
        told = {"client_id": app["consumerKey"], "client_secret": app["consumerSecret"],
                "grant_type": "client_credentials"}
        url = f"{self.edge['url']}/acme-test/edgemicro-auth/token"
        return requests.post(url, json=told, verify=self.edge["ca_cert"], timeout=30).json()["access_token"]

    def pairs(self) -> set[str]:
        """Key and secret of every Secret in the cluster, in base64."""
        found = json.loads(self.cloud.kubectl("-n", NAMESPACE, "get", "secrets", "-o", "json"))["items"]
        return {one["data"][name] for one in found for name in ("mgw-key", "mgw-secret")}

    def secrets(self) -> re.Pattern[str]:
        """The administrator's password, the gateway's key and secret, the apps' secrets, the key of tokens."""
        told = [self.password, *(base64.b64decode(one).decode() for one in self.pairs())]
        told += [self.app(app["name"])["consumerSecret"] for app in APPS]
        told += [line for line in self.keys["private_key"].splitlines() if len(line) > 40]
        return re.compile("|".join(map(re.escape, told)))

    def pods(self) -> list[dict[str, Any]]:
        """The gateway's pods that do not end, the oldest first."""
        found = self.cloud.kubectl("-n", NAMESPACE, "get", "pods", "-l", f"app={NAMESPACE}", "-o", "json")
        living = [pod for pod in json.loads(found)["items"] if "deletionTimestamp" not in pod["metadata"]]
        return sorted(living, key=lambda pod: pod["metadata"]["creationTimestamp"])

    @property
    def address(self) -> str:
        return self.cloud.kubectl("-n", NAMESPACE, "get", "service", NAMESPACE, "-o", "jsonpath={.spec.clusterIP}")

    def call(self, address: str, target: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        """One request to the Service, with the target just as it is written."""
        node = Namespace(self.state.namespace("node-0"))
        connection = http.client.HTTPConnection(address, 8000, timeout=30)
        connection.sock = node.inside(lambda: socket.create_connection((address, 8000), 30))
        try:
            connection.putrequest("GET", target, skip_accept_encoding=True)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def outside(
        self, path: str, headers: dict[str, str] | None = None, host: str = HOST, source: str = SOMEBODY
    ) -> tuple[int, str]:
        """What somebody on the internet gets from the Ingress before it, with the path just as it is written."""
        address = self.cloud.google("GET", "compute", f"{GLOBAL}/addresses/{NAMESPACE}")["address"]
        asked = {"url": f"http://{address}{path}", "source": source, "host": host, "headers": headers or {}}
        call = urllib.parse.urlencode({"call": json.dumps(asked)})
        answer = control(self.state, "GET", f"/outside?{call}")
        assert "error" not in answer, answer
        return answer["status"], answer["body"]

    def at_google(self, kind: str) -> list[dict[str, Any]]:
        return self.cloud.google("GET", "compute", f"{GLOBAL}/{kind}").get("items", [])

    def curl(self, url: str, workload: str = "orders") -> str:
        """The exit status of curl in a pod that is neither gateway nor anybody else who is let in."""
        command = f"/usr/bin/curl --silent --max-time 3 {url}"
        try:
            self.cloud.kubectl("-n", "shop", "exec", f"deploy/{workload}", "--", *command.split())
        except AssertionError as error:
            found = re.search(r"exit code (\d+)", str(error))
            return found[1] if found else str(error)
        return "0"


def ready(pod: dict[str, Any]) -> bool:
    return any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", []))


@pytest.fixture(scope="module")
def gateway(microgateway_cloud: Cloud) -> Gateway:
    made = Gateway(microgateway_cloud)
    made.configure()
    secret = re.compile(re.escape(made.password))
    with watched(made.cloud.home, secret):
        made.first = made.play("-vvv", "--diff")
    assert leaks(made.cloud, made.first, secret) == []
    return made


def test_what_callers_get_through_the_service(gateway: Gateway) -> None:
    address, token = gateway.address, gateway.token()
    key = gateway.app()["consumerKey"]
    header, _dot, rest = token.partition(".")
    claims, _dot, signature = rest.partition(".")
    good = {"x-api-key": key}
    expected: list[tuple[str, dict[str, str], int]] = [
        ("/orders/42", {}, 401),
        ("/orders/42", {"x-api-key": "nobodys"}, 403),
        ("/orders/42", good, 200),
        (f"/orders/42?x-api-key={key}", {}, 200),
        ("/orders/42", {"x-api-key": gateway.app("down")["consumerKey"]}, 403),
        ("/orders/42", {"Authorization": f"Bearer {token}"}, 200),
        ("/orders/42", {"Authorization": f"Bearer {gateway.signed()}"}, 200),
        ("/orders/42", {"Authorization": f"Bearer {header}.{claims[:-4]}AAAA.{signature}"}, 401),
        ("/orders/42", {"Authorization": f"Bearer {gateway.signed(exp=int(time.time()) - 60)}"}, 401),
        ("/orders/42", {"Authorization": "Basic YTpi"}, 400),
        ("/orders/../admin", good, 400),
        ("/orders/%2e%2e/admin", good, 400),
        ("/elsewhere", good, 404),
        ("/down", {"x-api-key": gateway.app("down")["consumerKey"]}, 502),
        ("/healthcheck", {}, 200),
    ]
    found = [(target, headers, gateway.call(address, target, headers)[0]) for target, headers, _status in expected]
    assert found == expected
    assert json.loads(gateway.call(address, "/orders/42", good)[1])["pod"].startswith("orders-")


def test_a_quota_is_counted_for_both_pods_together(gateway: Gateway) -> None:
    address, key = gateway.address, {"x-api-key": gateway.app("few")["consumerKey"]}
    assert sorted(gateway.call(address, "/orders/1", key)[0] for _each in range(6)) == [200, 200, 403, 403, 403, 403]


def test_nobody_gets_around_the_gateway(gateway: Gateway) -> None:
    """From a pod: to the application it hides, which the gateway reaches, and to the gateway itself. 28: timed out."""
    pods = json.loads(gateway.cloud.kubectl("-n", "shop", "get", "pods", "-o", "json"))["items"]
    addresses = [pod["status"]["podIP"] for pod in pods]
    assert len(addresses) > 1
    # One may be the caller itself, whom no policy stops.
    assert [gateway.curl(f"http://{one}:8080/orders/1") for one in addresses].count("28") >= len(addresses) - 1
    assert gateway.curl(f"http://{gateway.address}:8000/orders/1") == "28"


def test_what_callers_get_through_the_ingress(gateway: Gateway) -> None:
    good = {"x-api-key": gateway.app()["consumerKey"]}
    expected: list[tuple[str, dict[str, str], int]] = [
        ("/orders/42", good, 200),
        ("/orders/42", {}, 401),
        ("/orders/42", {"x-api-key": "nobodys"}, 403),
        ("/orders/../admin", good, 400),
        ("/orders/%2e%2e/admin", good, 400),
        ("/orders/..%2fadmin", good, 400),
        ("/elsewhere", good, 404),
    ]
    found = [(path, headers, gateway.outside(path, headers)[0]) for path, headers, _status in expected]
    assert found == expected
    assert json.loads(gateway.outside("/orders/42", good)[1])["pod"].startswith("orders-")
    for host in ("other.example", ""):
        status, body = gateway.outside("/orders/42", good, host=host)
        assert status in (502, 503) and "orders-" not in body
    # Nobody is kept out by address unless ranges are declared.
    assert gateway.at_google("securityPolicies") == []


def test_secrets_are_in_no_log_and_no_argument_of_a_pod(gateway: Gateway) -> None:
    key = gateway.app()["consumerKey"]
    gateway.call(gateway.address, "/elsewhere", {"x-api-key": key})
    shown = gateway.cloud.kubectl("-n", NAMESPACE, "logs", "-l", f"app={NAMESPACE}", "--tail=-1")
    assert "listening" in shown
    assert key not in shown and gateway.password not in shown
    found = gateway.cloud.kubectl("-n", NAMESPACE, "get", "deployments,configmaps,pods", "-o", "json")
    assert not [one for one in gateway.pairs() if one in found]
    # What the first run made: known only now.
    assert leaks(gateway.cloud, gateway.first, gateway.secrets()) == []


def test_without_edge_those_whom_it_knows_are_served(gateway: Gateway) -> None:
    """A pod that comes up meanwhile never listens, and serves once Edge answers again."""
    known, other = ({"x-api-key": gateway.app(name)["consumerKey"]} for name in ("shop", "late"))
    pods = gateway.pods()
    addresses = [pod["status"]["podIP"] for pod in pods]
    assert [gateway.call(one, "/orders/42", known)[0] for one in addresses] == [200, 200]
    token = {"Authorization": f"Bearer {gateway.signed()}"}
    control(gateway.state, "DELETE", "/edge")
    try:
        for headers, expected in ((known, 200), (token, 200), (other, 504)):
            assert [gateway.call(one, "/orders/42", headers)[0] for one in addresses] == [expected] * 2
        gateway.cloud.kubectl("-n", NAMESPACE, "delete", "pod", pods[0]["metadata"]["name"])
        names = {pod["metadata"]["name"] for pod in pods}

        def restarted() -> list[dict[str, Any]]:
            new = [pod for pod in gateway.pods() if pod["metadata"]["name"] not in names]
            return [pod for pod in new if any(
                one["restartCount"] for one in pod["status"].get("containerStatuses", []))]

        (new,) = until(restarted, seconds=180, what="a new pod ends and is started again")
        assert not ready(new)
        assert gateway.call(gateway.address, "/orders/42", known)[0] == 200
    finally:
        control(gateway.state, "PUT", "/edge")
    assert gateway.call(addresses[1], "/orders/42", other)[0] == 200
    until(lambda: [ready(pod) for pod in gateway.pods()] == [True] * 2, seconds=180, what="two pods are ready")


def test_key_and_secret_are_replaced_and_no_call_is_lost(gateway: Gateway) -> None:
    address, good, before = gateway.address, {"x-api-key": gateway.app()["consumerKey"]}, gateway.pairs()
    answers: list[int] = []
    stopped = threading.Event()

    def call() -> None:
        while not stopped.is_set():
            try:
                answers.append(gateway.call(address, "/orders/42", good)[0])
            except OSError:
                answers.append(0)
            time.sleep(0.1)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        with watched(gateway.cloud.home, gateway.secrets()):
            run = gateway.play("-vvv", "--diff", edge_microgateway_rotate=True)
    finally:
        stopped.set()
        caller.join()
    assert run.changed and len(answers) > 20
    assert set(answers) == {200}
    after = gateway.pairs()
    assert len(after) == 2 and not after & before
    assert leaks(gateway.cloud, run, gateway.secrets()) == []


def test_other_plugins_and_more_pods(gateway: Gateway) -> None:
    """Changed plugins roll the pods. That there are enough of them is the autoscaler's work from then on."""
    run = gateway.play(**CHANGED)
    assert ("compute_security_policy", NAMESPACE, "created") in run.actions
    gateway.cloud.kubectl("-n", NAMESPACE, "scale", f"deployment/{NAMESPACE}", "--replicas=1")
    pods = until(lambda: len(found := gateway.pods()) == 3 and all(map(ready, found)) and found, seconds=180,
                 what="three pods are ready")  # fmt: skip
    good = {"x-api-key": gateway.app()["consumerKey"]}
    # It spaces calls: one in a minute, and no second one whatever came before.
    assert [gateway.call(pods[0]["status"]["podIP"], "/orders/42", good)[0] for _each in range(3)] == [200, 503, 503]


def test_ranges_keep_everybody_else_out_of_the_ingress(gateway: Gateway) -> None:
    """After what the test before has declared."""
    policies = [one.get("securityPolicy", "").rpartition("/")[2] for one in gateway.at_google("backendServices")]
    assert policies == [NAMESPACE] * 2
    until(lambda: gateway.outside("/orders/42", source=STRANGER)[0] == 403, seconds=180, what="the closed way")
    good = {"x-api-key": gateway.app()["consumerKey"]}
    for path, host in (("/orders/42", HOST), ("/healthcheck", HOST), ("/orders/42", "other.example")):
        assert gateway.outside(path, good, host, STRANGER)[0] == 403
    # Pods were just replaced, and the load balancer may still call one that is gone.
    until(lambda: gateway.outside("/orders/42")[0] == 401, seconds=180, what="those of the range are asked for a key")


def test_a_second_run_changes_nothing_and_a_teardown_leaves_nothing(gateway: Gateway) -> None:
    assert gateway.play(**gateway.last).changed == 0
    gateway.play(playbook=TEARDOWN)
    assert [gateway.manage(f"/{kind}") for kind in ("apis", "apiproducts", "developers")] == [[], [], []]
    kinds = "horizontalpodautoscalers,deployments,services,secrets,configmaps,networkpolicies,poddisruptionbudgets"
    left = gateway.cloud.kubectl("get", kinds, "-A", "-l", "edge-microgateway.gatewayops.io/name", "-o", "name")
    assert left == ""
    kinds = "ingresses,services,backendconfigs,frontendconfigs,networkpolicies"
    assert gateway.cloud.kubectl("-n", NAMESPACE, "get", kinds, "-o", "name") == ""
    assert [gateway.at_google(kind) for kind in ("addresses", "securityPolicies", "backendServices")] == [[], [], []]
    rest = ("urlMaps", "forwardingRules", "healthChecks")
    until(lambda: not any(map(gateway.at_google, rest)), seconds=180, what="nothing of the load balancer is left")
