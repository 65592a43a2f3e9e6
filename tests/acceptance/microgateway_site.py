# Copyright (c) 2026, The gatewayops.apigee_gke contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway of a testbed and its callers, for both of its modes."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import re
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import requests
import yaml
from ansible_collections.gatewayops.apigee_gke.plugins.module_utils._edge.keys import generated

from testbed.commands.common import control
from testbed.network.namespace import Namespace
from testbed.state import State
from tests.acceptance.cloud import INVENTORY, Cloud, Run

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
#: A path, the headers beside it, and the status that is answered.
Asked = tuple[str, dict[str, str], int]


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

    def answers(self) -> list[Asked]:
        """What callers ask for, with which headers, and the status they get, in both modes."""
        token, key, now = self.token(), self.app()["consumerKey"], int(time.time())
        header, _dot, rest = token.partition(".")
        claims, _dot, signature = rest.partition(".")
        good = {"x-api-key": key}
        return [
            ("/orders/42", {}, 401),
            ("/orders/42", {"x-api-key": "nobodys"}, 403),
            ("/orders/42", good, 200),
            (f"/orders/42?x-api-key={key}", {}, 200),
            # As a Service it compares proxies; beside an application the paths of products, as the page says.
            ("/orders/42", {"x-api-key": self.app("down")["consumerKey"]}, 403),
            ("/orders/42", {"Authorization": f"Bearer {token}"}, 200),
            ("/orders/42", {"Authorization": f"Bearer {self.signed()}"}, 200),
            ("/orders/42", {"Authorization": f"Bearer {header}.{claims[:-4]}AAAA.{signature}"}, 401),
            ("/orders/42", {"Authorization": f"Bearer {self.signed(exp=now - 60)}"}, 401),
            ("/orders/42", {"Authorization": "Basic YTpi"}, 400),
            ("/orders/../admin", good, 400),
            ("/orders/%2e%2e/admin", good, 400),
            ("/healthcheck", {}, 200),
        ]

    def asked(self, address: str, expected: list[Asked]) -> list[Asked]:
        """The same with the status that each really gets."""
        return [(target, headers, self.call(address, target, headers)[0]) for target, headers, _status in expected]

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


@contextlib.contextmanager
def calling(call: Callable[[], int]) -> Iterator[list[int]]:
    """Call again and again while the block runs, half an hour at most. What was answered is in the list; 0: nothing."""
    answers: list[int] = []
    stopped = threading.Event()
    deadline = time.monotonic() + 1800

    def run() -> None:
        while not stopped.wait(0.1) and time.monotonic() < deadline:
            try:
                answers.append(call())
            except (OSError, ssl.SSLError):
                answers.append(0)

    caller = threading.Thread(target=run)
    caller.start()
    try:
        yield answers
    finally:
        stopped.set()
        caller.join()
